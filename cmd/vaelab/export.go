package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
)

func exportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export DIR...",
		Short: "Write all rows of trials as one tidy CSV",
		Long: `Write every measurement of the trials in and below DIR as one CSV: experiment, trial,
variant, seed, the settings that vary, step, split, metric, value. Per-dimension numbers are
metrics such as kl_dim/3.`,
		Example: "  vaelab export results/tau-sweep > tau.csv",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if out != "" {
				if err := fileFor(out); err != nil {
					return err
				}
			}
			set, err := load(cmd.ErrOrStderr(), dirs)
			if err != nil {
				return err
			}
			if len(set.Runs) == 0 {
				return fmt.Errorf("%s: no trial in or below it; vaelab run makes some", strings.Join(dirs, ", "))
			}
			if out == "" {
				return record.ExportCSV(cmd.OutOrStdout(), set)
			}
			var text bytes.Buffer
			if err := record.ExportCSV(&text, set); err != nil {
				return err
			}
			return record.WriteFileAtomic(out, text.Bytes())
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this `file` instead of the screen")
	return cmd
}

// fileFor reports early that no file of this name can be written.
func fileFor(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("--output %s: a folder; wants the name of a file", name)}
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return usageError{fmt.Errorf("--output %s: there is no folder %s", name, filepath.Dir(name))}
	}
	return nil
}
