package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
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
	var condition string
	cmd := &cobra.Command{
		Use:   "sample " + weightsUsage,
		Short: "Decode z drawn from the prior",
		Long: `Draw z from the prior, which is N(0, I) unless the variant brings another, and decode an example
from each z: sentences as a table with their ln p(x|z), images as a PNG, vectors as CSV. After
posterior collapse, greedy decoding gives one sentence for every z.

A model that was trained with conditions writes what follows --given: a text, or the name or number
of a label. z is then drawn from p(z|c), if the variant has one.

` + decodeHelp,
		Example: `  vaelab sample results/kl-vanishing/bn-1a2b3c4d/seed-1
  vaelab sample results/mlp-glyphs/bn-1a2b3c4d/seed-1 --n 60 --png glyphs.png
  vaelab sample model.safetensors --config my.yaml --set variant=bn --decode beam --json
  vaelab sample results/cvae-halves/bn+cvae-1a2b3c4d/seed-1 --given "w3 w17 w4 w250 w9"`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := within("--n", n, 1, 1_000_000_000); err != nil {
				return err
			}
			if asJSON && d.png == stdoutName {
				return usageError{fmt.Errorf("--png -: --json uses the standard output; name a file")}
			}
			t, err := c.load(cmd.ErrOrStderr(), given[0], false)
			if err != nil {
				return err
			}
			if err := d.settle(cmd, t); err != nil {
				return err
			}
			if err := t.given(cmd.Flags().Changed("given"), condition); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			show := d.show(out, t)
			if asJSON {
				show, out = showJSON(out, t), cmd.ErrOrStderr()
			}
			return d.samples(t, n, condition, show, out, cmd.Flags().Changed("png") || !asJSON)
		},
	}
	c.flags(cmd)
	d.flags(cmd, "samples.png")
	f := cmd.Flags()
	f.IntVarP(&n, "n", "n", 10, "`number` of examples")
	f.StringVar(&condition, "given", "", "`condition` of the examples, if the model has conditions: a text, or a label")
	f.BoolVar(&asJSON, "json", false, "print one JSON object per line, with z; images are drawn only if --png is given")
	return cmd
}

const (
	// sampleChunk is how many examples are made and printed at a time, so that any number of them takes the memory of these.
	sampleChunk = 1000
	// picturePixels bounds the images that are drawn into one picture, which takes some 10 bytes a pixel.
	picturePixels = 1 << 26
)

// given returns an error unless the model is given a condition if it has conditions, and none otherwise.
func (t *trained) given(is bool, condition string) error {
	switch of := t.set.Space().Given; {
	case is && t.model.Given == nil:
		return usageError{fmt.Errorf("--given: the model was trained without conditions; leave it out")}
	case !is && t.model.Given != nil:
		return usageError{fmt.Errorf("--given is missing: the model was trained with %v given; name one", of)}
	}
	if _, err := t.set.Blank(t.trial.Data, condition, 1); err != nil {
		return usageError{fmt.Errorf("--given: %w", err)}
	}
	return nil
}

// samples makes n examples from the prior, of one condition if the model has any, and shows them chunk by chunk. If they
// are to be drawn and are images, they are kept for a picture, whose name is printed on w.
func (d *decoding) samples(t *trained, n int, condition string, show func(first int, z tensor.Matrix, x written) error, w io.Writer, draw bool) error {
	draw = draw && t.set.Space().Kind == vae.Image
	if size := t.set.Space().Size(); draw && n > picturePixels/size {
		return usageError{fmt.Errorf("--n %d: a picture holds at most %d images of %d pixels; lower --n, or write JSON with --json and without --png", n, picturePixels/size, size)}
	}
	var images [][]float32
	noise := d.each("sample")
	for first := 0; first < n; first += sampleChunk {
		of, z := data.Split{}, tensor.Matrix{}
		if t.model.Given == nil {
			z = generate.Prior(t.model.Prior(), first, min(sampleChunk, n-first), t.model.D, d.seed)
		} else {
			var err error
			if of, err = t.set.Blank(t.trial.Data, condition, min(sampleChunk, n-first)); err != nil {
				return err
			}
			z = generate.PriorGiven(t.model, of, first, d.seed)
		}
		x, err := d.write(t, z, of, func(i int) *rand.Rand { return noise(first + i) })
		if err != nil {
			return err
		}
		if err := show(first, z, x); err != nil {
			return err
		}
		if draw {
			images = append(images, x.values...)
		}
	}
	if !draw {
		return nil
	}
	return d.saves(w, grid(t.set, images))
}

// show prints examples as a table of sentences or as CSV of vectors. Images are drawn instead.
func (d *decoding) show(w io.Writer, t *trained) func(first int, z tensor.Matrix, x written) error {
	switch t.set.Space().Kind {
	case vae.Image:
		return func(int, tensor.Matrix, written) error { return nil }
	case vae.Vector:
		return func(first int, _ tensor.Matrix, x written) error {
			rows := make([]vectorRow, len(x.values))
			for i, v := range x.values {
				rows[i] = vectorRow{[]string{strconv.Itoa(first + i)}, v}
			}
			if first > 0 {
				return writeVectors(w, nil, rows)
			}
			return writeVectors(w, []string{"index"}, rows)
		}
	}
	return func(first int, _ tensor.Matrix, x written) error {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		if first == 0 {
			fmt.Fprintf(w, "z from %s, %s\n", priorName(t.model.Prior()), d.how())
			fmt.Fprintln(table, "\tln p(x|z)\tsentence")
		}
		for i, s := range x.sentences {
			fmt.Fprintf(table, "%d\t%s\t%s\n", first+i, report.Decimal(s.LogProb, 2), words(t.set.Vocab, s))
		}
		return table.Flush()
	}
}

// priorName says what z is drawn from.
func priorName(p vae.Prior) string {
	if s, ok := p.(fmt.Stringer); ok {
		return s.String()
	}
	return "the prior"
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

// showJSON prints an object a line.
func showJSON(w io.Writer, t *trained) func(first int, z tensor.Matrix, x written) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return func(first int, z tensor.Matrix, x written) error {
		for i := range z.Rows {
			line := sampleJSON{Index: first + i, Z: z.Row(i)}
			if x.sentences != nil {
				s := x.sentences[i]
				text := t.set.Vocab.Sentence(s.Seq)
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
}
