package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/plots"
)

// outputFlags are the flags of commands that save figures: formats, width, resolution, caption.
func outputFlags(cmd *cobra.Command) *plots.Output {
	out := &plots.Output{}
	flags := cmd.Flags()
	flags.Var((*formatsFlag)(&out.Formats), "format", "`format` of the figures: "+strings.Join(plots.Formats, ", ")+"; may be repeated")
	flags.Var((*widthFlag)(&out.Layout), "width", "`width` of the figures, such as 3.3in for a column or 17cm; they are laid out anew for it")
	flags.Var((*dpiFlag)(&out.DPI), "dpi", "pixels per inch of a PNG (default 200)")
	flags.BoolVar(&out.NoCaption, "no-caption", false, "leave the caption out of the pictures")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if flags.Changed("dpi") && len(out.Formats) > 0 && !slices.Contains(out.Formats, "png") {
			return usageError{fmt.Errorf("--dpi is of PNG pictures only; leave it out, or add --format png to --format %s", strings.Join(out.Formats, ","))}
		}
		return nil
	}
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(plots.Formats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("width", cobra.FixedCompletions([]string{"3.3in", "7in"}, cobra.ShellCompDirectiveNoFileComp))
	return out
}

// A formatsFlag is names of formats, separated by commas.
type formatsFlag []string

// String implements pflag.Value.
func (f *formatsFlag) String() string { return strings.Join(*f, ",") }

// Type implements pflag.Value.
func (*formatsFlag) Type() string { return "format" }

// Set implements pflag.Value.
func (f *formatsFlag) Set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		if err := plots.CheckFormat(name); err != nil {
			return err
		}
		*f = append(*f, name)
	}
	return nil
}

// A widthFlag is the width of a layout.
type widthFlag plots.Layout

// String implements pflag.Value.
func (f *widthFlag) String() string { return "" }

// Type implements pflag.Value.
func (*widthFlag) Type() string { return "width" }

// Set implements pflag.Value.
func (f *widthFlag) Set(text string) (err error) {
	f.Width, err = plots.ParseWidth(text)
	return err
}

// A dpiFlag is a number of pixels per inch.
type dpiFlag int

// String implements pflag.Value.
func (f *dpiFlag) String() string { return "" }

// Type implements pflag.Value.
func (*dpiFlag) Type() string { return "int" }

// Set implements pflag.Value.
func (f *dpiFlag) Set(text string) error {
	dpi, err := strconv.Atoi(text)
	if err != nil {
		return strconv.ErrSyntax
	}
	*f = dpiFlag(dpi)
	return plots.CheckDPI(dpi)
}
