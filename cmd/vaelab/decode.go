package main

import (
	"encoding/csv"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/registry"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// The ways from what a decoder predicts to an example.
const (
	greedy  = "greedy" // the likeliest symbol, or pixel, at each place
	sampled = "sample" // one drawn from the prediction, at each place
	beamed  = "beam"   // the likeliest sentence that a search finds
	means   = "mean"   // probabilities of pixels, means of vectors
)

// decodeHelp explains the flags of a decoding to the reader of --help.
const decodeHelp = `--decode chooses how the decoder's predictions become an example. Text: greedy (the default)
takes the most likely word at each step, sample draws it, beam searches for the most likely
sentence. Beam search has no length normalisation, so a wide beam favours short sentences.
Images: mean (the default) shows the probability of each pixel as a grey value, greedy the more
likely of black and white, sample draws pixels. An autoregressive decoder (pixelcnn) has no mean;
its default is sample. Vectors: mean.`

// A decoding holds the flags that say how examples are made of z.
type decoding struct {
	method      string
	temperature float64
	beam        int
	maxWords    int
	noUnk       bool
	seed        uint64
	png         string
}

func (d *decoding) flags(cmd *cobra.Command, picture string) {
	f := cmd.Flags()
	f.StringVar(&d.method, "decode", "", "decoding `method`: greedy, sample, beam or mean")
	f.Float64Var(&d.temperature, "temperature", 1, "temperature of --decode sample: below 1 more likely examples, above 1 less likely ones")
	f.IntVar(&d.beam, "beam", 5, "beam `width` of --decode beam")
	f.IntVar(&d.maxWords, "max-words", 0, "most `symbols` of a sentence, words or characters (default and largest value: those of the longest sentence of the data)")
	f.BoolVar(&d.noUnk, "no-unk", false, "never write <unk>")
	f.Uint64Var(&d.seed, "seed", 1, "random `seed` of everything that is drawn")
	f.StringVar(&d.png, "png", picture, "`file` for images; - is the standard output")
}

// settle checks the flags against what the model writes, and chooses a way where none was chosen.
func (d *decoding) settle(cmd *cobra.Command, t *trained) error {
	kind, given := t.set.Space().Kind, cmd.Flags().Changed
	p, ok := generate.Conditional(t.model)
	if !ok {
		return fmt.Errorf("the model %s cannot generate: its decoder has no Predict", t.trial.Config["model"])
	}
	ways := map[vae.Kind][]string{
		vae.Text: {greedy, sampled, beamed}, vae.Image: {means, greedy, sampled}, vae.Vector: {means},
	}[kind]
	if kind == vae.Image && generate.Autoregressive(p) {
		ways = []string{sampled, greedy}
	}
	if d.method == "" {
		d.method = ways[0]
	}
	switch {
	case !slices.Contains(ways, d.method):
		return usageError{fmt.Errorf("--decode: %w; this model generates %s data", registry.Unknown("way", d.method, ways), kind)}
	case !(d.temperature > 0):
		return usageError{fmt.Errorf("--temperature %v: must be above 0; its limit at 0 is --decode greedy", d.temperature)}
	case given("temperature") && d.method != sampled:
		return usageError{fmt.Errorf("--temperature has no effect on %s; add --decode sample", d.method)}
	case given("beam") && d.method != beamed:
		return usageError{fmt.Errorf("--beam has no effect on %s; add --decode beam", d.method)}
	}
	if err := within("--beam", d.beam, 1, 1000); err != nil {
		return err
	}
	return d.settleKind(t.set.Space(), given)
}

// settleKind checks the flags that only some kinds of data have.
func (d *decoding) settleKind(s vae.Space, given func(string) bool) error {
	for _, flag := range []string{"max-words", "no-unk"} {
		if given(flag) && s.Kind != vae.Text {
			return usageError{fmt.Errorf("--%s: this model generates %s data and no words", flag, s.Kind)}
		}
	}
	if given("png") && s.Kind != vae.Image {
		return usageError{fmt.Errorf("--png: this model generates %s data; a picture can be drawn only of images", s.Kind)}
	}
	if s.Kind == vae.Image {
		if err := fileFor("png", d.png); err != nil {
			return err
		}
	}
	if longest := s.MaxLen - 2; given("max-words") && (d.maxWords < 0 || d.maxWords > longest) {
		return usageError{fmt.Errorf("--max-words %d: must be 0 to %d, the symbols of the longest sentence of the data", d.maxWords, longest)}
	} else if !given("max-words") {
		d.maxWords = longest
	}
	return nil
}

// A written holds the examples that were made, of one kind.
type written struct {
	sentences []generate.Sentence
	values    [][]float32 // images or vectors
}

// write makes an example of each row of z, given the condition of the example at the same place of a split, if the model has
// conditions. Row i draws from noise(i). It is an error if the decoder's numbers are not finite.
func (d *decoding) write(t *trained, z tensor.Matrix, of data.Split, noise generate.Noise) (x written, err error) {
	x = d.make(t, generate.Beside(z, generate.Given(t.model, of)), noise)
	var logp []float64
	for _, s := range x.sentences {
		logp = append(logp, s.LogProb)
	}
	if x.values != nil {
		logp = generate.LogProbs(t.model, data.Split{Values: x.values, Labels: of.Labels}, z)
	}
	return x, finite("ln p(x|z)", logp)
}

// finite returns an error if what a model made, of finite weights, is not.
func finite[T float32 | float64](what string, numbers []T) error {
	for _, v := range numbers {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("the model's %s is %v: its weights are finite but it has diverged; use those of an earlier epoch", what, f)
		}
	}
	return nil
}

// make is write without the check, for z with c beside it.
func (d *decoding) make(t *trained, z tensor.Matrix, noise generate.Noise) written {
	p, _ := generate.Conditional(t.model)
	s := t.set.Space()
	words := generate.Words{V: s.V, Max: d.maxWords, NoUnk: d.noUnk}
	switch {
	case s.Kind == vae.Text && d.method == sampled:
		return written{sentences: generate.Sample(p, z, words, d.temperature, noise)}
	case s.Kind == vae.Text && d.method == beamed:
		return written{sentences: generate.Beam(p, z, words, d.beam)}
	case s.Kind == vae.Text:
		return written{sentences: generate.Greedy(p, z, words)}
	case s.Kind == vae.Vector:
		return written{values: generate.Means(p, z, s.Size())}
	case d.method == sampled:
		return written{values: generate.PixelSamples(p, z, s.Size(), d.temperature, noise)}
	case d.method == greedy:
		return written{values: generate.PixelModes(p, z, s.Size())}
	}
	return written{values: generate.PixelMeans(p, z, s.Size())}
}

// each is a stream of its own for each row, named by a purpose.
func (d *decoding) each(purpose string) generate.Noise {
	return func(i int) *rand.Rand { return stream.New(d.seed, purpose, i) }
}

// same is one and the same stream for every row: rows differ by their z alone.
func (d *decoding) same(purpose string) generate.Noise {
	return func(int) *rand.Rand { return stream.New(d.seed, purpose) }
}

// how says how examples were made: "decode sample at temperature 0.5, seed 1".
func (d *decoding) how() string {
	switch d.method {
	case sampled:
		return fmt.Sprintf("decode sample at temperature %v, seed %d", d.temperature, d.seed)
	case beamed:
		return fmt.Sprintf("decode beam %d", d.beam)
	}
	return "decode " + d.method
}

// words is a sentence for a table, without <s> and </s>, and with an ellipsis where the limit cut it.
func words(v *data.Vocab, s generate.Sentence) string {
	text := visible(v.Sentence(s.Seq))
	if s.Cut {
		text = strings.TrimSpace(text + " …")
	}
	return text
}

// saves draws a gallery into the file for images and prints its name.
func (d *decoding) saves(w io.Writer, g data.Gallery) error {
	picture, err := g.Draw()
	if err != nil {
		return err
	}
	return savePNG(w, d.png, picture)
}

// savePNG writes a picture into the file that --png names, and prints the name unless that is w.
func savePNG(w io.Writer, name string, picture image.Image) error {
	toScreen, err := writeOut(w, name, func(w io.Writer) error { return png.Encode(w, picture) })
	if err == nil && !toScreen {
		_, err = fmt.Fprintln(w, name)
	}
	return err
}

// A vectorRow is numbers, with cells before them that say what they are.
type vectorRow struct {
	cells []string
	x     []float32
}

// writeVectors writes rows as CSV; head names the cells, and the numbers are x_1, x_2 ... Without a head, rows follow
// others.
func writeVectors(w io.Writer, head []string, rows []vectorRow) error {
	var table [][]string
	if head != nil {
		table = append(table, slices.Concat(head, numbered("x", len(rows[0].x))))
	}
	for _, r := range rows {
		table = append(table, slices.Concat(r.cells, digits(r.x)))
	}
	return csv.NewWriter(w).WriteAll(table)
}

// digits are numbers as CSV has them: as short as reads back the same.
func digits[T ~float32 | ~float64](x []T) []string {
	out := make([]string, len(x))
	for i, v := range x {
		out[i] = strconv.FormatFloat(float64(v), 'g', -1, 32)
	}
	return out
}

// numbered is name_1 ... name_n.
func numbered(name string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s_%d", name, i+1)
	}
	return out
}
