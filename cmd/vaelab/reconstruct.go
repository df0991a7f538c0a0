package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/report"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func reconstructCommand() *cobra.Command {
	var c weights
	var d decoding
	var n int
	var sampleZ bool
	cmd := &cobra.Command{
		Use:   "reconstruct " + weightsUsage,
		Short: "Decode examples from their own z and from the z of another example",
		Long: `Encode the first examples of a split and decode them again, from their own z and from the z of
another example. z is the posterior mean, or drawn from the posterior with --sample-z. The other
example is drawn from the whole split with --seed. If both reconstructions look alike, the decoder
does not use z. The mean ln p(x|z) under either z is printed, too: if z is used, it is higher under
the example's own z. A condition, if the data have some, is the example's own in both.

Both reconstructions of an example use the same random numbers.

` + decodeHelp,
		Example: `  vaelab reconstruct results/kl-vanishing/vanilla-1a2b3c4d/seed-1
  vaelab reconstruct results/mlp-glyphs/bn-1a2b3c4d/seed-1 --n 12 --png glyphs.png`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := within("--n", n, 1, 10_000); err != nil {
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
			if part.N() < 2 {
				return fmt.Errorf("the %s split has one example, and exchanging z needs two; choose another split with --split", c.split)
			}
			r, err := d.reconstruct(t, part, min(n, part.N()), sampleZ)
			if err != nil {
				return err
			}
			return r.print(cmd.OutOrStdout(), &d, t, c.split)
		},
	}
	c.flags(cmd)
	c.splitFlag(cmd)
	d.flags(cmd, "reconstructions.png")
	f := cmd.Flags()
	f.IntVarP(&n, "n", "n", 10, "`number` of examples")
	f.BoolVar(&sampleZ, "sample-z", false, "draw z from the posterior instead of taking its mean")
	return cmd
}

// upTo is 0 ... n-1.
func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// reconstructions are examples, and what was made of their own z and of another's.
type reconstructions struct {
	part           data.Split
	partner        []int // whose z is the other's, by place in the whole split
	own, others    written
	ownLP, otherLP float64 // mean ln p(x|z), nats
}

// reconstruct encodes and decodes the first n examples of a split.
func (d *decoding) reconstruct(t *trained, split data.Split, n int, sampleZ bool) (r reconstructions, err error) {
	partner := d.partners(n, split.N())
	part := split.Pick(upTo(n))
	r = reconstructions{part: part, partner: partner}
	for _, side := range []struct {
		of      data.Split
		purpose string
		x       *written
		logp    *float64
	}{{part, "z", &r.own, &r.ownLP}, {split.Pick(partner), "another z", &r.others, &r.otherLP}} {
		z, sigma, err := t.posteriors(side.of)
		if err != nil {
			return r, err
		}
		switch {
		case sampleZ && sigma.Rows == 0:
			z = generate.Draws(t.model, side.of, d.each(side.purpose))
		case sampleZ:
			z = generate.Noisy(z, sigma, d.each(side.purpose))
		}
		if *side.x, err = d.write(t, z, part, d.each("reconstruct")); err != nil {
			return r, err
		}
		logp := generate.LogProbs(t.model, part, z)
		if err := finite("ln p(x|z)", logp); err != nil {
			return r, err
		}
		*side.logp = mean(logp)
	}
	return r, nil
}

// partners draws another of all examples for each of the first n: neighbours in a file may be alike.
func (d *decoding) partners(n, all int) []int {
	out, rng := make([]int, n), stream.New(d.seed, "partners")
	for i := range out {
		if out[i] = rng.IntN(all - 1); out[i] >= i {
			out[i]++
		}
	}
	return out
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// captions of what is compared.
var captions = []string{"original", "own z", "another's z"}

func (r reconstructions) print(w io.Writer, d *decoding, t *trained, split string) error {
	if t.set.Space().Kind == vae.Vector { // CSV and nothing else
		var rows []vectorRow
		for i := range r.part.N() {
			for k, x := range [][]float32{r.part.Values[i], r.own.values[i], r.others.values[i]} {
				rows = append(rows, vectorRow{[]string{strconv.Itoa(i), captions[k]}, x})
			}
		}
		return writeVectors(w, []string{"index", "of"}, rows)
	}
	fmt.Fprintf(w, "%s split, %s\n", split, d.how())
	fmt.Fprintf(w, "mean ln p(x|z) of these %d: %s nats from their own z, %s from another's\n",
		r.part.N(), report.Decimal(r.ownLP, 2), report.Decimal(r.otherLP, 2))
	if t.set.Space().Kind == vae.Image {
		return d.saves(w, r.gallery(t.set))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, seq := range r.part.Seqs {
		if r.part.Given != nil {
			fmt.Fprintf(table, "%d\tgiven\t%s\n", i, visible(t.set.Vocab.Sentence(r.part.Given[i])))
		}
		fmt.Fprintf(table, "%d\t%s\t%s\n", i, captions[0], visible(t.set.Vocab.Sentence(seq)))
		fmt.Fprintf(table, "\t%s\t%s\n", captions[1], words(t.set.Vocab, r.own.sentences[i]))
		fmt.Fprintf(table, "\tz of %d\t%s\n", r.partner[i], words(t.set.Vocab, r.others.sentences[i]))
	}
	return table.Flush()
}

// gallery has a row for each of the three, in blocks that fit a screen.
func (r reconstructions) gallery(set *data.Set) data.Gallery {
	const columns = 12
	g := data.Gallery{Height: set.Height, Width: set.Width, Left: captions}
	for rows := range slices.Chunk(upTo(r.part.N()), columns) {
		first, end := rows[0], rows[len(rows)-1]+1
		g.Blocks = append(g.Blocks, data.Block{
			Rows: [][][]float32{r.part.Values[first:end], r.own.values[first:end], r.others.values[first:end]},
		})
	}
	return g
}
