// Command vaelab compares methods against posterior collapse in variational autoencoders:
// it trains the variants that a YAML file lists and measures KL and use of z.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"vaelab/internal/fetch"
	"vaelab/internal/owner"
	"vaelab/internal/registry"
	"vaelab/internal/submit"
	"vaelab/internal/sweep"
	"vaelab/internal/tensor"
)

// Exit codes. The command verify has its own, see verify.go.
const (
	exitOK          = 0
	exitFailed      = 1 // something went wrong, or a trial failed
	exitUsage       = 2 // a wrong flag, or faults in an experiment file
	exitInterrupted = 130
)

func main() {
	tensor.SetClock(time.Now)
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), granted()))
	os.Exit(run(os.Stdout, os.Stderr, os.Args[1:]))
}

// granted is the number of processors that Slurm has given to this job here, or more than there are. Slurm need not bind a
// job to its processors, and Go finds only binding and cgroup limits.
func granted() int {
	if os.Getenv("SLURM_JOB_ID") != "" && os.Getenv("GOMAXPROCS") == "" {
		for _, name := range []string{"SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"} {
			if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
				return n
			}
		}
	}
	return math.MaxInt
}

// run is the program: w gets results, wErr everything else.
func run(w, wErr io.Writer, args []string) int { return execute(newRoot(), w, wErr, args) }

// execute runs a command line of root, prints its error, and returns the exit code.
func execute(root *cobra.Command, stdout, stderr io.Writer, args []string) int {
	w, wErr := &printer{w: stdout}, &printer{w: stderr}
	defer wErr.close() // there is nowhere to say that it cannot be written
	root.SetOut(w)
	root.SetErr(wErr)
	root.SetArgs(args)
	strict(root)
	cmd, err := root.ExecuteContextC(context.Background())
	if failed := w.close(); failed != nil && (err == nil || errors.As(err, new(verdict))) {
		err = fmt.Errorf("the output cannot be written: %w", failed)
	}
	failed, wrong := exitFailed, exitUsage
	if cmd.CommandPath() == "vaelab verify" {
		failed, wrong = exitNotJudged, exitNotJudged
	}
	var found verdict
	var usage usageError
	var faults sweep.Faults
	var left kept
	switch {
	case err == nil, errors.Is(err, errRequeued):
		return exitOK
	case errors.As(err, &found):
		return int(found)
	case errors.Is(err, context.Canceled):
		printErrors(wErr, err)
		stays := ""
		if errors.As(err, &left) {
			stays = "; " + left.what
		}
		fmt.Fprintf(wErr, "\nvaelab: stopped%s. To resume:\n  vaelab %s\n", stays, quoted(args))
		return exitInterrupted
	case errors.As(err, new(*owner.Held)):
		printErrors(wErr, err)
		fmt.Fprintf(wErr, "\nvaelab: unfinished, because living processes have these trials. When they have ended:\n  vaelab %s\n", quoted(args))
		return exitInterrupted
	case errors.As(err, &faults):
		for _, f := range faults {
			fmt.Fprintf(wErr, "vaelab: error: %s\n", visible(f))
		}
		return wrong
	case errors.As(err, &usage):
		printErrors(wErr, err)
		return wrong
	}
	printErrors(wErr, err)
	return failed
}

// printErrors prints the lines of an error, but not that the user stopped the program.
func printErrors(wErr io.Writer, err error) {
	for _, line := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		if line != context.Canceled.Error() {
			fmt.Fprintf(wErr, "vaelab: error: %s\n", visible(line))
		}
	}
}

// quoted is a command line for a shell to read.
func quoted(args []string) string { return submit.Quoted(args) }

// A usageError is a mistake on the command line.
type usageError struct{ error }

// within refuses the number of a flag that is not in a range; the upper end is what fits into memory or a day.
func within(flag string, n, least, most int) error {
	if n < least || n > most {
		return usageError{fmt.Errorf("%s %d: must be %d to %d", flag, n, least, most)}
	}
	return nil
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "vaelab",
		Short: "Compare methods against posterior collapse in VAEs",
		Long: `vaelab compares methods against posterior collapse (KL vanishing) in variational
autoencoders (VAE). It measures whether the KL stays above 0 and whether the decoder uses z.

An experiment is a YAML file: settings that all trials share, a grid of settings that
differ, and a number of seeds. Start with one that ships with the program:

  vaelab run kl-vanishing           train four variants, about a minute on two cores
  vaelab verify kl-vanishing        judge the claims of its file, over six seeds
  vaelab list                       variants, models, data, figures, metrics, experiments

Then copy its file, change it, and estimate the time before you run it:

  vaelab plan my.yaml
  vaelab run my.yaml --seeds 6 --set train.lr=0.002

VAELAB_KERNEL=generic turns the AVX2 and AVX-512 kernels off; vaelab version names the
kernel in use. VAELAB_RESULTS and VAELAB_DATA name folders of results and of data; flags beat them.

Results go to results/<experiment>: rows.jsonl and weights of every trial, and the
figures as PNG, each with a CSV of the same numbers. The same command again trains only
what is missing.`,
		Args:                  commandsOnly,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors:         true,
		SilenceUsage:          true,
		DisableFlagsInUseLine: true,
		Version:               version(),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmp.Or(tensor.CheckKernel(), excluded(cmd), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil { // cobra's own calls come later, and are no usage errors
				return usageError{err}
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w;%s --help shows the flags", err, nearestFlag(cmd, err))}
	})
	root.AddCommand(runCommand(), submitCommand(), verifyCommand(), planCommand(), compareCommand(), rankCommand(), statusCommand(), watchCommand(), benchCommand(), plotCommand(), reportCommand(), listCommand(), dataCommand(fetch.Published()), exportCommand(), evalCommand(),
		sampleCommand(), reconstructCommand(), interpolateCommand(), latentsCommand(), schemaCommand(), versionCommand())
	completeFlags(root)
	return root
}

// commandsOnly refuses what is no command below cmd, with the nearest one.
func commandsOnly(cmd *cobra.Command, given []string) error {
	if len(given) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return usageError{registry.Unknown("command", given[0], names)}
}

// strict has cobra's own commands refuse what they do not know. By themselves they print help for it as if it were right, on the
// standard output, which a shell would read as its completion. It comes after SetOut, because they keep the output that they
// are made with.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Args = func(_ *cobra.Command, given []string) error {
				found, rest, err := root.Find(given)
				if err != nil || len(rest) == 0 {
					return err
				}
				return commandsOnly(found, rest)
			}
		case "completion":
			c.Args, c.RunE = commandsOnly, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range c.Commands() {
				shell.Args = args(cobra.NoArgs)
			}
		}
	}
}

// excluded is the error for two flags that were given and exclude each other, as MarkFlagsMutuallyExclusive says.
func excluded(cmd *cobra.Command) (err error) {
	given := map[string]string{} // group of flags -> the one that was given
	cmd.Flags().Visit(func(f *pflag.Flag) {
		for _, group := range f.Annotations[exclusive] {
			if other, ok := given[group]; ok && err == nil {
				err = fmt.Errorf("--%s and --%s exclude each other; leave one of them out", other, f.Name)
			}
			given[group] = f.Name
		}
	})
	return err
}

// exclusive is cobra's annotation of flags that exclude each other.
const exclusive = "cobra_annotation_mutually_exclusive"

// nearestFlag asks whether another flag was meant, if err is about one that does not exist.
func nearestFlag(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := registry.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Sprintf(" did you mean %q?", "--"+near)
	}
	return ""
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
