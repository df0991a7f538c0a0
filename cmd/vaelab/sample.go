package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/report"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

func sampleCommand() *cobra.Command {
	var c weights
	var d decoding
	var n int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "sample " + weightsUsage,
		Short: "Let a trained model write examples from the prior",
		Long: `Draw z from the prior N(0, I) and let the decoder write an example of each: sentences as a
table with their ln p(x|z), images as a PNG, vectors as CSV. A model whose posterior has
collapsed betrays itself: decoded greedily, all z give one and the same sentence.

` + decodeHelp,
		Example: `  vaelab sample results/kl-vanishing/bn-1a2b3c4d/seed-1
  vaelab sample results/mlp-glyphs/bn-1a2b3c4d/seed-1 --n 60 --png glyphs.png
  vaelab sample model.safetensors --config my.yaml --set variant=bn --decode beam --json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if n < 1 {
				return usageError{fmt.Errorf("--n %d: wants at least 1", n)}
			}
			t, err := c.load(cmd.ErrOrStderr(), given[0])
			if err != nil {
				return err
			}
			if err := d.settle(cmd, t); err != nil {
				return err
			}
			z := generate.Prior(n, t.model.D, d.seed)
			x := d.write(t, z, d.each("sample"))
			if asJSON {
				if err := printJSON(cmd.OutOrStdout(), t, z, x); err != nil || !cmd.Flags().Changed("png") {
					return err
				}
				return d.saves(cmd.ErrOrStderr(), grid(t.set, x.values))
			}
			return d.printSamples(cmd.OutOrStdout(), t, x)
		},
	}
	c.flags(cmd)
	d.flags(cmd, "samples.png")
	f := cmd.Flags()
	f.IntVarP(&n, "n", "n", 10, "`count` of examples")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line, with z; images are drawn only if --png is given")
	return cmd
}

// printSamples prints examples from the prior, or draws them.
func (d *decoding) printSamples(w io.Writer, t *trained, x written) error {
	switch t.set.Space().Kind {
	case vae.Image:
		return d.saves(w, grid(t.set, x.values))
	case vae.Vector:
		rows := make([]vectorRow, len(x.values))
		for i, v := range x.values {
			rows[i] = vectorRow{[]string{strconv.Itoa(i)}, v}
		}
		return writeVectors(w, []string{"index"}, rows)
	}
	fmt.Fprintf(w, "z from N(0, I), %s\n", d.how())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tln p(x|z)\tsentence")
	for i, s := range x.sentences {
		fmt.Fprintf(table, "%d\t%s\t%s\n", i, report.Decimal(s.LogProb, 2), words(t.set.Vocab, s))
	}
	return table.Flush()
}

// grid is a gallery of images without captions, about twice as wide as high.
func grid(set *data.Set, values [][]float32) data.Gallery {
	columns := int(math.Ceil(math.Sqrt(2 * float64(len(values)*set.Height) / float64(set.Width))))
	g := data.Gallery{Height: set.Height, Width: set.Width, Blocks: make([]data.Block, 1)}
	for first := 0; first < len(values); first += columns {
		g.Blocks[0].Rows = append(g.Blocks[0].Rows, values[first:min(first+columns, len(values))])
	}
	return g
}

// A sampleJSON is a line of sample --json: the sentence, or the numbers of an image or vector.
type sampleJSON struct {
	Index   int            `json:"index"`
	Z       []tensor.Float `json:"z"`
	Text    *string        `json:"text,omitempty"`
	LogProb *float64       `json:"log_prob,omitempty"`
	Cut     bool           `json:"cut,omitempty"`
	Values  []float32      `json:"values,omitempty"`
}

// printJSON prints an object a line.
func printJSON(w io.Writer, t *trained, z tensor.Matrix, x written) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for i := range z.Rows {
		line := sampleJSON{Index: i, Z: z.Row(i)}
		if x.sentences != nil {
			s := x.sentences[i]
			text := sentence(t.set.Vocab, s.Seq)
			line.Text, line.LogProb, line.Cut = &text, &s.LogProb, s.Cut
		} else {
			line.Values = x.values[i]
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
