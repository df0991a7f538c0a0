package main

import (
	_ "embed"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"vaelab/internal/machine"
	"vaelab/internal/record"
	"vaelab/internal/tensor"
)

// The revision of the source and whether its working tree had changes ("true", "false"), stamped by
// make build. They count only where the go command has recorded none.
var stampedRevision, stampedModified string

// unrecorded is why a program does not know its revision.
const unrecorded = "go run, -buildvcs=false and builds outside a git checkout do not record it; make build in a checkout does"

// version is the program's version, as the go command names it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// thisProgram is what the manifest of every trial says of the program and the processor.
func thisProgram() record.Manifest {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	m := built(info, stampedRevision, stampedModified)
	m.Version, m.CPU = version(), machine.CPUModel()
	return m
}

// built is what a build says of its source: what the go command has recorded, or else the stamp, or
// else why there is neither.
func built(info *debug.BuildInfo, revision, modified string) record.Manifest {
	recorded := map[string]string{}
	for _, s := range info.Settings {
		recorded[s.Key] = s.Value
	}
	m := record.Manifest{GOAMD64: recorded["GOAMD64"]}
	switch {
	case recorded["vcs.revision"] != "":
		m.Revision, m.Modified = recorded["vcs.revision"], recorded["vcs.modified"]
	case revision != "":
		m.Revision, m.Modified = revision, modified
	default:
		m.RevisionUnknown = unrecorded
	}
	return m
}

// revisionLine says of which source a program was built.
func revisionLine(m record.Manifest) string {
	if m.Revision == "" {
		return "revision unknown: " + m.RevisionUnknown
	}
	if m.Modified == "true" {
		return "revision " + m.Revision + ", with uncommitted changes"
	}
	return "revision " + m.Revision
}

// thirdParty is the licence texts of what is linked into the program. make third-party writes it.
//
//go:embed THIRD_PARTY
var thirdParty string

func versionCommand() *cobra.Command {
	var licenses bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the precision, the kernel and the revision",
		Long: `Print what the bytes of a result depend on, apart from settings and seed: the version of the
program, its floating-point precision, the matrix-product kernel on this machine, and the git
revision of the source. The ` + record.ManifestFile + ` of every trial has the same. The revision is known if
make build or go build in a git checkout built the program; go run does not record it.`,
		Args: args(cobra.NoArgs),
		Run: func(cmd *cobra.Command, _ []string) {
			if licenses {
				fmt.Fprint(cmd.OutOrStdout(), thirdParty)
				return
			}
			fmt.Fprintf(cmd.OutOrStdout(), "vaelab %s, float%d, %s\n%s\n", version(), tensor.Bits, tensor.Kernel(), revisionLine(thisProgram()))
		},
	}
	cmd.Flags().BoolVar(&licenses, "licenses", false, "print the licences of the Go modules in the program instead")
	return cmd
}
