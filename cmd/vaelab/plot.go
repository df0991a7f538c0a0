package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vaelab/plots"
)

func plotCommand() *cobra.Command {
	var figures []string
	var out string
	var as *plots.Output
	cmd := &cobra.Command{
		Use:   "plot DIR...",
		Short: "Draw figures from the rows of finished and unfinished trials",
		Long: `Draw figures from what trials have written so far; nothing is trained. DIR is a results
folder, an experiment's, or a trial's. Without --figure every figure that the rows allow is
drawn. Each picture has a CSV with the same numbers, and a caption: first what these rows show, then
how to read the figure. SVG and PDF have lines and letters instead of
pixels, for pages and papers. A figure is laid out anew for its --width, with type of 7 pt at least: a column
of a paper has fewer panels side by side than a page.`,
		Example: "  vaelab plot results/kl-vanishing\n  vaelab plot results/tau-sweep --figure sweep --out figures --format pdf --width 3.3in --no-caption",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := knownFigures(figures); err != nil {
				return err
			}
			set, err := loadSome(cmd.ErrOrStderr(), dirs)
			if err != nil {
				return err
			}
			if out == "" {
				out = dirs[0]
			}
			if err := writable(out); err != nil {
				return err
			}
			asked := len(figures) > 0
			if !asked {
				figures = plots.Figures.Names()
			}
			failed := damaged(set)
			for _, name := range figures {
				refused, err := draw(cmd.OutOrStdout(), set, out, name, *as)
				if refused != nil && !asked {
					fmt.Fprintf(cmd.ErrOrStderr(), "left out: %s\n", visible(refused.Error()))
					continue
				}
				failed = errors.Join(failed, refused, err)
			}
			return failed
		},
	}
	figureFlag(cmd, &figures)
	cmd.Flags().StringVar(&out, "out", "", "`folder` for the figures (default the first DIR)")
	as = outputFlags(cmd)
	return cmd
}

// knownFigures refuses names that no figure has.
func knownFigures(names []string) error {
	for _, name := range names {
		if _, err := plots.Figures.Get(name); err != nil {
			return usageError{fmt.Errorf("--figure: %w", err)}
		}
	}
	return nil
}

// figureFlag is the flag that chooses figures; without it there are all that the rows allow.
func figureFlag(cmd *cobra.Command, figures *[]string) {
	cmd.Flags().StringSliceVar(figures, "figure", nil, "draw this `figure`; may be repeated (vaelab list figures)")
}
