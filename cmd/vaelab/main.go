// Command vaelab trains variants of the variational autoencoder against posterior
// collapse, as a YAML file describes them, and shows what became of the KL.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"vaelab/internal/sweep"
	"vaelab/internal/tensor"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // something went wrong, or a trial failed
	exitUsage       = 2 // a wrong flag, or faults in an experiment file
	exitInterrupted = 130
)

func main() { os.Exit(run(os.Stdout, os.Stderr, os.Args[1:])) }

// run is the program: w gets results, wErr everything else.
func run(w, wErr io.Writer, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	root := newRoot()
	root.SetOut(w)
	root.SetErr(wErr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	var faults sweep.Faults
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(wErr, "\nvaelab: stopped; running trials left a checkpoint. To go on:\n  vaelab %s\n", strings.Join(args, " "))
		return exitInterrupted
	case errors.As(err, &faults):
		for _, f := range faults {
			fmt.Fprintf(wErr, "vaelab: error: %s\n", f)
		}
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintf(wErr, "vaelab: error: %v\n", err)
		return exitUsage
	}
	for _, line := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		fmt.Fprintf(wErr, "vaelab: error: %s\n", line)
	}
	return exitFailed
}

// A usageError is a mistake on the command line.
type usageError struct{ error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "vaelab",
		Short: "Find out what keeps the KL of a VAE away from zero",
		Long: `vaelab trains variants of the variational autoencoder (VAE) against KL vanishing, also
called posterior collapse, and shows whether the decoder really reads z.

An experiment is a YAML file: what all trials share, a grid of what differs, and a number
of seeds. Start with one that ships with the program:

  vaelab run kl-vanishing           train it, about two minutes on two cores
  vaelab list                       variants, models, data, figures, experiments

then copy its file, change it, and see what it will cost before you run it:

  vaelab plan my.yaml
  vaelab run my.yaml --seeds 6 --set train.lr=0.002

Results land in results/<experiment>: rows.jsonl and weights of every trial, and the
figures as PNG, each with a CSV of the same numbers. The same command again trains only
what is missing.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; --help shows the flags", err)}
	})
	root.AddCommand(runCommand(), planCommand(), plotCommand(), listCommand(), exportCommand(), evalCommand(), versionCommand())
	return root
}

// args turns cobra's complaint about arguments into a usage error that shows the form.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return usageError{fmt.Errorf("%w; usage: %s", err, cmd.UseLine())}
		}
		return nil
	}
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the precision and the kernel",
		Args:  args(cobra.NoArgs),
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "vaelab %s, float%d, %s\n", version(), tensor.Bits, tensor.Kernel())
		},
	}
}
