package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
)

func exportCommand() *cobra.Command {
	var out, board string
	cmd := &cobra.Command{
		Use:   "export DIR...",
		Short: "Write all rows of trials as one CSV file, or for TensorBoard",
		Long: `Write every measurement of the trials in and below DIR as one CSV file, one number per row:
experiment, trial, variant, seed, the settings that vary, step, split, metric, value. Elements
of a vector are metrics such as kl_dim/3.

With --tensorboard write event files instead, which tensorboard --logdir shows: each trial is a run
with its numbers (train/kl, valid/kl ...; no vectors), its variant, seed and the settings that vary
are hyperparameters, and the figures are images. TensorBoard keeps numbers as float32.`,
		Example: "  vaelab export results/tau-sweep > tau.csv\n  vaelab export results/tau-sweep --tensorboard runs && tensorboard --logdir runs",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := fileFor("output", out); err != nil {
				return err
			}
			set, err := loadSome(cmd.ErrOrStderr(), dirs)
			if err != nil {
				return err
			}
			if board != "" {
				return errors.Join(exportTensorBoard(cmd.OutOrStdout(), cmd.ErrOrStderr(), set, board), damaged(set))
			}
			_, err = writeOut(cmd.OutOrStdout(), out, func(w io.Writer) error { return record.ExportCSV(w, set) })
			return errors.Join(err, damaged(set))
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", stdoutName, "`file` to write; - is the standard output")
	cmd.Flags().StringVar(&board, "tensorboard", "", "write event files below this `folder` instead")
	cmd.MarkFlagsMutuallyExclusive("output", "tensorboard")
	return cmd
}
