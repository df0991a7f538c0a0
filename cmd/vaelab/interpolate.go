package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/report"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

func interpolateCommand() *cobra.Command {
	var c weights
	var d decoding
	p := passage{steps: 7}
	cmd := &cobra.Command{
		Use:   "interpolate " + weightsUsage + " --from I --to J",
		Short: "Decode points between the z of two examples",
		Long: `Decode points between the posterior means of two examples of a split, on a straight line or on an
arc (--spherical): a table of sentences, a strip of images between the two originals, or CSV of
vectors. With posteriors on a sphere it is always the shorter arc between their directions.
Examples are counted from 0, as by reconstruct and latents. If the decoder uses z, the result
changes gradually. A condition, if the data have some, is that of the first example at each step.

Every step uses the same random numbers, so that the steps differ only in z.

` + decodeHelp,
		Example: `  vaelab interpolate results/kl-vanishing/bn-1a2b3c4d/seed-1 --from 3 --to 17
  vaelab interpolate results/mlp-glyphs/bn-1a2b3c4d/seed-1 --from 0 --to 5 --steps 11 --png strip.png`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := within("--steps", p.steps, 2, 10_000); err != nil {
				return err
			}
			t, err := c.load(cmd.ErrOrStderr(), given[0], true)
			if err != nil {
				return err
			}
			if err := d.settle(cmd, t); err != nil {
				return err
			}
			part, err := t.split(c.split)
			if err != nil {
				return err
			}
			if err := cmp.Or(inside("from", p.from, c.split, part.N()), inside("to", p.to, c.split, part.N())); err != nil {
				return err
			}
			return p.print(cmd.OutOrStdout(), &d, t, part.Pick([]int{p.from, p.to}))
		},
	}
	c.flags(cmd)
	c.splitFlag(cmd)
	d.flags(cmd, "interpolation.png")
	f := cmd.Flags()
	f.IntVar(&p.from, "from", 0, "`number` of the first example")
	f.IntVar(&p.to, "to", 1, "`number` of the last example")
	f.IntVar(&p.steps, "steps", p.steps, "`number` of steps, both ends included")
	f.BoolVar(&p.spherical, "spherical", false, "go along an arc about the origin")
	return cmd
}

// inside returns an error unless a split of n examples has number i.
func inside(flag string, i int, split string, n int) error {
	if i < 0 || i >= n {
		return usageError{fmt.Errorf("--%s %d: the %s split has %d examples; must be 0 to %d", flag, i, split, n, n-1)}
	}
	return nil
}

// A passage is a way from one example's z to another's.
type passage struct {
	from, to, steps int
	spherical       bool
}

// at is the share of the way at a step: "0.00" ... "1.00".
func (p passage) at(step int) string { return report.Decimal(float64(step)/float64(p.steps-1), 2) }

// print decodes the steps and prints them, or draws them; ends holds the two examples.
func (p passage) print(w io.Writer, d *decoding, t *trained, ends data.Split) error {
	sphere := t.model.Variant.Family() == vae.SphereFamily
	way, shape := generate.Line, "a straight line"
	if p.spherical || sphere {
		way, shape = generate.Arc, "an arc"
	}
	mu, _, err := t.posteriors(ends)
	if err != nil {
		return err
	}
	if sphere && opposite(mu.Row(0), mu.Row(1)) {
		return fmt.Errorf("the z of examples %d and %d are opposite on the sphere, so that no arc between them is the shortest; choose another example with --from or --to", p.from, p.to)
	}
	x, err := d.write(t, way(mu.Row(0), mu.Row(1), p.steps), ends.Pick(make([]int, p.steps)), d.same("interpolate"))
	if err != nil {
		return err
	}
	switch t.set.Space().Kind {
	case vae.Image:
		return d.saves(w, p.gallery(t.set, ends, x.values))
	case vae.Vector:
		rows := make([]vectorRow, p.steps)
		for s := range rows {
			rows[s] = vectorRow{[]string{p.at(s)}, x.values[s]}
		}
		return writeVectors(w, []string{"at"}, rows)
	}
	fmt.Fprintf(w, "from example %d to %d on %s, %s\n", p.from, p.to, shape, d.how())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%d\t%s\n", p.from, visible(t.set.Vocab.Sentence(ends.Seqs[0])))
	for s, of := range x.sentences {
		fmt.Fprintf(table, "%s\t%s\n", p.at(s), words(t.set.Vocab, of))
	}
	fmt.Fprintf(table, "%d\t%s\n", p.to, visible(t.set.Vocab.Sentence(ends.Seqs[1])))
	return table.Flush()
}

// opposite tells whether directions a and b are, up to rounding.
func opposite(a, b []tensor.Float) bool {
	var sum float64
	for j, v := range a {
		sum += math.Pow(float64(v+b[j]), 2)
	}
	return sum < 2e-8 // with a margin, where Arc is Line
}

// gallery is a strip with the originals at its ends.
func (p passage) gallery(set *data.Set, ends data.Split, steps [][]float32) data.Gallery {
	above := []string{fmt.Sprintf("no. %d", p.from)}
	for s := range steps {
		above = append(above, p.at(s))
	}
	return data.Gallery{Height: set.Height, Width: set.Width, Blocks: []data.Block{{
		Above: append(above, fmt.Sprintf("no. %d", p.to)),
		Rows:  [][][]float32{slices.Concat(ends.Values[:1], steps, ends.Values[1:])},
	}}}
}
