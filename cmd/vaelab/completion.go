package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
	"vaelab/plots"
)

// flagValues complete the values of flags by the flags' names, which mean the same in every command.
var flagValues = map[string]cobra.CompletionFunc{
	"set": func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return sweep.Suggest(typed), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	},
	"split":      ofList(func() []string { return []string{"train", "valid", "test"} }),
	"figure":     ofList(plots.Figures.Names),
	"metric":     ofList(metricNames),
	"keep":       cobra.FixedCompletions([]string{keepWeights, keepNone}, cobra.ShellCompDirectiveNoFileComp),
	"decode":     cobra.FixedCompletions([]string{"greedy", "sample", "beam", "mean"}, cobra.ShellCompDirectiveNoFileComp),
	"experiment": experimentOrFile,
	"config":     experimentOrFile,
	"dir":        cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
	"out":        cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
}

// completeFlags has the shell complete the values of the flags of a command and of those below it.
func completeFlags(cmd *cobra.Command) {
	complete := func(f *pflag.Flag) {
		if values, ok := flagValues[f.Name]; ok {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, values) // it fails if the command has its own
		}
	}
	cmd.LocalFlags().VisitAll(complete)
	for _, c := range cmd.Commands() {
		completeFlags(c)
	}
}

// ofList completes names that may follow each other with commas between them.
func ofList(names func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) (all []string, _ cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		given := strings.Split(before, ",")
		for _, name := range names() {
			if !slices.Contains(given, name) {
				all = append(all, before+name)
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// metricNames are the metrics of rows, and the costs of trials.
func metricNames() (names []string) {
	for _, m := range train.Metrics() {
		names = append(names, m.Name)
	}
	for _, c := range claims.Costs {
		names = append(names, c.Name)
	}
	return names
}

// experimentOrFile completes the name of a shipped experiment or of a file.
func experimentOrFile(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return experiments.Names(), cobra.ShellCompDirectiveDefault
}
