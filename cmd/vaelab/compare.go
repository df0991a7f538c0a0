package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
	"vaelab/internal/report"
)

func compareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compare A B",
		Short: "Compare the results in two folders, group by group",
		Long: `Compare the trials in and below folder A with those in B: which settings differ, and for each metric the
medians and the median difference, paired by seed, with its 95 % CI. A folder holds trials or an archive that
vaelab report --rows wrote. Use it for two versions of the program, two data sets, or two runs of an
experiment with another --set.

Each group of A is paired with the group of B that has the same variant and differs in the fewest
settings. A group that is equally like several is left out, and named.`,
		Example: "  vaelab compare results/my other/my\n  vaelab compare results/published/ptb results/ptb",
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			w, wErr := cmd.OutOrStdout(), cmd.ErrOrStderr()
			var sets [2]*record.Set
			for i, dir := range dirs {
				set, err := loadSome(wErr, []string{dir})
				if err != nil {
					return err
				}
				sets[i] = set
			}
			v := report.NewVersus(sets[0], sets[1])
			t := v.Table()
			if err := errors.Join(sets[0].Err(), sets[1].Err()); err != nil {
				return err
			}
			if len(t.Rows) == 0 {
				return fmt.Errorf("%s have no variant in common that has been evaluated in both", strings.Join(dirs, " and "))
			}
			fmt.Fprintf(w, "A: %s\nB: %s\n%s\n", visible(dirs[0]), visible(dirs[1]), fold(visible(t.Caption)))
			fmt.Fprint(w, aligned(t))
			fmt.Fprintln(w)
			for _, note := range t.Notes {
				fmt.Fprintln(w, item(visible(note)))
			}
			return errors.Join(damaged(sets[0]), damaged(sets[1]))
		},
	}
}
