package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
)

func exportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export DIR...",
		Short: "Write all rows of trials as one CSV file",
		Long: `Write every measurement of the trials in and below DIR as one CSV file, one number per row:
experiment, trial, variant, seed, the settings that vary, step, split, metric, value. Elements
of a vector are metrics such as kl_dim/3.`,
		Example: "  vaelab export results/tau-sweep > tau.csv",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := fileFor("output", out); err != nil {
				return err
			}
			set, err := loadSome(cmd.ErrOrStderr(), dirs)
			if err != nil {
				return err
			}
			_, err = writeOut(cmd.OutOrStdout(), out, func(w io.Writer) error { return record.ExportCSV(w, set) })
			return errors.Join(err, damaged(set))
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", stdoutName, "`file` to write; - is the standard output")
	return cmd
}
