package generate_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/sphere"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// writers are models of sentences.
var writers = map[string]models.Model{
	"lstm":        models.LSTM{LatentDim: 3, EmbedDim: 6, EncHidden: 8, DecHidden: 8, Init: "pytorch", EncLayers: 1, DecLayers: 2, Pooling: "last", Skip: true},
	"transformer": models.Transformer{LatentDim: 3, EmbedDim: 8, Heads: 2, EncLayers: 1, DecLayers: 2, FF: 2, Pooling: "mean", ZEnters: "both", Memory: 2},
	"mlp":         models.MLP{LatentDim: 3, Hidden: 16, Layers: 2, Activation: "elu", Output: "position"},
	"mlp bag":     models.MLP{LatentDim: 3, Hidden: 16, Layers: 1, Activation: "tanh", Output: "bag"},
}

// build makes a model whose decoder has strong opinions: its weights are those of a new model
// times a factor.
func build(settings models.Model, s vae.Space, factor generate.Float) (*vae.Model, vae.Predictor) {
	ps := &nn.Params{Seed: 5}
	enc, dec := models.Build(settings, ps, s, vae.Variant{})
	for _, p := range ps.Learnt() {
		if p.Name[:7] == "decoder" {
			for i := range p.Data {
				p.Data[i] *= factor
			}
		}
	}
	return &vae.Model{Params: ps, Encoder: enc, Decoder: dec, D: settings.Latent()}, dec.(vae.Predictor)
}

// sentences is the space of the tests: seven words beside the reserved symbols, six at most.
var sentences = vae.Space{Kind: vae.Text, V: 11, MaxLen: 8}

func noise(purpose string) generate.Noise {
	return func(i int) *rand.Rand { return stream.New(3, purpose, i) }
}

// ways are all ways to write sentences.
var ways = map[string]func(d vae.Predictor, z tensor.Matrix, w generate.Words) []generate.Sentence{
	"greedy": generate.Greedy,
	"sample": func(d vae.Predictor, z tensor.Matrix, w generate.Words) []generate.Sentence {
		return generate.Sample(d, z, w, 0.8, noise("words"))
	},
	"beam": func(d vae.Predictor, z tensor.Matrix, w generate.Words) []generate.Sentence {
		return generate.Beam(d, z, w, 3)
	},
}

// TestSentences: every sentence is well formed and within the limit, and its probability is that
// which the decoder gives it when it reads it whole.
func TestSentences(t *testing.T) {
	z := generate.Prior(vae.Normal{}, 0, 20, 3, 1)
	for name, settings := range writers {
		factor := generate.Float(4)
		if name == "transformer" {
			factor = 30 // new ones begin at 0.02
		}
		m, d := build(settings, sentences, factor)
		for way, write := range ways {
			for _, w := range []generate.Words{{V: 11, Max: 6}, {V: 11, Max: 6, NoUnk: true}, {V: 11, Max: 2}, {V: 11}} {
				what := fmt.Sprintf("%s, %s, %+v", name, way, w)
				got := write(d, z, w)
				var split data.Split
				for _, s := range got {
					n := len(s.Seq)
					if n < 2 || n > w.Max+2 || s.Seq[0] != data.Start || s.Seq[n-1] != data.End || s.Cut && n != w.Max+2 {
						t.Fatalf("%s: the sentence %v, cut %v", what, s.Seq, s.Cut)
					}
					for _, word := range s.Seq[1 : n-1] {
						if word < data.Unk || word == data.Unk && w.NoUnk {
							t.Errorf("%s: the symbol %d in %v", what, word, s.Seq)
						}
					}
					split.Seqs = append(split.Seqs, s.Seq)
				}
				for i, want := range generate.LogProbs(m, split, z) {
					if math.Abs(got[i].LogProb-want) > 1e-4*(1+math.Abs(want)) {
						t.Errorf("%s: ln p of %v is %v, the decoder has %v", what, got[i].Seq, got[i].LogProb, want)
					}
				}
			}
		}
	}
}

// TestGreedyTakesTheLikeliest: no other symbol at any one place, what follows left out, is
// likelier than the one written.
func TestGreedyTakesTheLikeliest(t *testing.T) {
	m, d := build(writers["lstm"], sentences, 6)
	z := generate.Prior(vae.Normal{}, 0, 8, 3, 1)
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
	distinct := map[string]bool{}
	for i, s := range generate.Greedy(m.Decoder.(vae.Predictor), z, generate.Words{V: 11, Max: 6}) {
		distinct[fmt.Sprint(s.Seq)] = true
		logits := d.Predict(p, p.Tape.Const(z.RowRange(i, i+1)), vae.NewBatch([][]int32{s.Seq}, nil))
		for at := range min(6, logits.Rows) {
			row := logits.Row(at)
			if want := 2 + slices.Index(row[2:], slices.Max(row[2:])); int(s.Seq[at+1]) != want {
				t.Errorf("row %d: %v has at place %d %d, likeliest is %d", i, s.Seq, at+1, s.Seq[at+1], want)
			}
		}
		p.Tape.Reset()
	}
	if len(distinct) < 3 {
		t.Errorf("eight z give %d sentences; the test needs a decoder that uses z", len(distinct))
	}
}

// TestSampleFrequencies: first symbols occur as often as the softmax of the logits over the
// temperature says, without those that may not be written.
func TestSampleFrequencies(t *testing.T) {
	_, d := build(writers["lstm"], sentences, 3)
	const N, temperature = 20000, 0.7
	z := tensor.New(N, 3)
	for i := range N {
		copy(z.Row(i), []generate.Float{0.5, -1, 0.3})
	}
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
	logits := d.Predict(p, p.Tape.Const(z.RowRange(0, 1)), vae.NewBatch([][]int32{{data.Start, data.End}}, nil)).Row(0)
	want, sum := make([]float64, 11), 0.0
	for s := range want {
		if s != data.Pad && s != data.Start && s != data.Unk {
			want[s] = math.Exp(float64(logits[s]) / temperature)
			sum += want[s]
		}
	}
	all := generate.Sample(d, z, generate.Words{V: 11, Max: 1, NoUnk: true}, temperature, noise("frequencies"))
	got := make([]float64, 11)
	for _, s := range all {
		got[s.Seq[1]] += 1.0 / N
	}
	for s := range want {
		w := want[s] / sum
		if off := math.Abs(got[s] - w); off > 4.5*math.Sqrt(w*(1-w)/N) {
			t.Errorf("symbol %d: a share of %v, want %v", s, got[s], w)
		}
	}
	for i, s := range generate.Sample(d, z.RowRange(0, 7), generate.Words{V: 11, Max: 1, NoUnk: true}, temperature, noise("frequencies")) {
		if !slices.Equal(s.Seq, all[i].Seq) {
			t.Errorf("row %d of 7 is %v, of all %v", i, s.Seq, all[i].Seq)
		}
	}
}

// TestSampleColdIsGreedy: a temperature near 0 takes the likeliest symbol.
func TestSampleColdIsGreedy(t *testing.T) {
	_, d := build(writers["lstm"], sentences, 4)
	z, w := generate.Prior(vae.Normal{}, 0, 20, 3, 1), generate.Words{V: 11, Max: 6}
	greedy := generate.Greedy(d, z, w)
	for i, s := range generate.Sample(d, z, w, 1e-6, noise("cold")) {
		if !slices.Equal(s.Seq, greedy[i].Seq) {
			t.Errorf("row %d: cold %v, greedy %v", i, s.Seq, greedy[i].Seq)
		}
	}
}

// TestBeam: one beginning is greedy, more never find a less likely sentence, and all beginnings
// find the likeliest of all sentences. Any number finds what the plain search finds.
func TestBeam(t *testing.T) {
	small := vae.Space{Kind: vae.Text, V: 6, MaxLen: 5}
	better := 0
	for name, settings := range writers {
		factor := generate.Float(3)
		if name == "transformer" {
			factor = 20
		}
		m, d := build(settings, small, factor)
		z := generate.Prior(vae.Normal{}, 0, 12, 3, 1)
		for _, w := range []generate.Words{{V: 6, Max: 3}, {V: 6, Max: 2, NoUnk: true}, {V: 6, Max: 1}} {
			greedy := generate.Greedy(d, z, w)
			for k := 1; k <= 3; k++ {
				for i, s := range generate.Beam(d, z, w, k) {
					want := math.Max(greedy[i].LogProb, plainBeam(d, z.RowRange(i, i+1), w, k))
					switch {
					case k == 1 && !slices.Equal(s.Seq, greedy[i].Seq):
						t.Errorf("%s: beam 1 writes %v, greedy %v", name, s.Seq, greedy[i].Seq)
					case math.Abs(s.LogProb-want) > 1e-5:
						t.Errorf("%s, %+v: beam %d has ln p %v, the plain one %v, greedy %v", name, w, k, s.LogProb, want, greedy[i].LogProb)
					case s.LogProb > greedy[i].LogProb:
						better++
					}
				}
			}
			every := everySentence(w)
			for i, s := range generate.Beam(d, z, w, 100) {
				split, same := data.Split{Seqs: every}, tensor.New(len(every), 3)
				for r := range same.Rows {
					copy(same.Row(r), z.Row(i))
				}
				if best := slices.Max(generate.LogProbs(m, split, same)); math.Abs(best-s.LogProb) > 1e-4 {
					t.Errorf("%s: the widest beam has ln p %v, the likeliest sentence %v", name, s.LogProb, best)
				}
			}
		}
	}
	if better == 0 {
		t.Error("no beam found more than greedy did; the test needs decoders for which it does")
	}
}

// plainBeam is beam search for one z as it is usually written, one beginning at a time and without
// giving up any: ln p(x|z) of the likeliest sentence that it finds.
func plainBeam(d vae.Predictor, z tensor.Matrix, w generate.Words, k int) float64 {
	type beginning struct {
		seq []int32
		lp  float64
	}
	best, open := math.Inf(-1), []beginning{{seq: []int32{data.Start}}}
	for t := 0; t <= w.Max; t++ {
		var all []beginning
		for _, b := range open {
			p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
			logits := d.Predict(p, p.Tape.Const(z), vae.NewBatch([][]int32{append(slices.Clone(b.seq), data.End)}, nil))
			row := slices.Clone(logits.Row(logits.Rows - 1))
			lse := float64(tensor.SoftmaxLSE(slices.Clone(row)))
			for s := data.End; s < w.V; s++ {
				if s == data.Unk && w.NoUnk || s != data.End && t == w.Max {
					continue
				}
				all = append(all, beginning{append(slices.Clone(b.seq), int32(s)), b.lp + float64(row[s]) - lse})
			}
		}
		slices.SortStableFunc(all, func(a, b beginning) int { return cmp.Compare(b.lp, a.lp) })
		open = nil
		for _, b := range all[:min(k, len(all))] {
			if b.seq[t+1] == data.End {
				best = max(best, b.lp)
			} else {
				open = append(open, b)
			}
		}
	}
	return best
}

// chain is a decoder that knows the probability of each symbol after each other.
type chain [][]float64

func (c chain) Predict(p *nn.Pass, _ *grad.Value, x *vae.Batch) *grad.Value {
	logits := p.Tape.Zeros(len(x.In), len(c))
	for r, before := range x.In {
		for s, probability := range c[before] {
			logits.Row(r)[s] = generate.Float(math.Log(probability))
		}
	}
	return logits
}

// TestBeamLeavesTheGardenPath: the likelier first word leads to the less likely sentence.
func TestBeamLeavesTheGardenPath(t *testing.T) {
	const never = 1e-9
	first, other := []float64{never, never, never, never, 0.55, 0.45}, []float64{never, never, 0.6, never, 0.2, 0.2}
	d := chain{nil, first, nil, nil, other, {never, never, 0.99, never, 0.005, 0.005}}
	for _, limit := range []int{1, 5} {
		w := generate.Words{V: 6, Max: limit}
		for k, want := range map[int]struct {
			word int32
			p    float64
		}{1: {4, 0.55 * 0.6}, 2: {5, 0.45 * 0.99}, 3: {5, 0.45 * 0.99}} {
			s := generate.Beam(d, tensor.New(1, 1), w, k)[0]
			if !slices.Equal(s.Seq, []int32{data.Start, want.word, data.End}) || math.Abs(s.LogProb-math.Log(want.p)) > 1e-5 || s.Cut {
				t.Errorf("beam %d writes %+v, want the word %d with a probability of %v", k, s, want.word, want.p)
			}
		}
	}
}

// everySentence is all that may be written.
func everySentence(w generate.Words) (all [][]int32) {
	open := [][]int32{{data.Start}}
	for t := 0; len(open) > 0; t++ {
		var longer [][]int32
		for _, seq := range open {
			all = append(all, append(slices.Clone(seq), data.End))
			for s := data.Unk; t < w.Max && s < w.V; s++ {
				if s == data.Unk && w.NoUnk {
					continue
				}
				longer = append(longer, append(slices.Clone(seq), int32(s)))
			}
		}
		open = longer
	}
	return all
}

// picture is a model whose decoder reads the pixels before each.
var picture = models.PixelCNN{LatentDim: 3, EncStages: 1, EncChannels: 4, EncHidden: 8, Kernels: "5,3,3", Channels: 8, ZMaps: 2, Activation: "elu"}

// TestPixelsOneByOne: images are those that fixing one pixel a pass makes of the same random
// numbers.
func TestPixelsOneByOne(t *testing.T) {
	s := vae.Space{Kind: vae.Image, Height: 5, Width: 6}
	_, d := build(picture, s, 1.5)
	if !generate.Autoregressive(d) {
		t.Fatal("a pixelcnn says that it does not read pixels")
	}
	z := generate.Prior(vae.Normal{}, 0, 6, 3, 1)
	for _, temperature := range []float64{0.5, 1, 0} { // 0 stands for modes
		got := generate.PixelModes(d, z, s.Size())
		if temperature > 0 {
			got = generate.PixelSamples(d, z, s.Size(), temperature, noise("pixels"))
		}
		ones := 0
		for i, image := range got {
			rng := noise("pixels")(i)
			want := make([]float32, s.Size())
			for j := range want {
				p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
				logit := float64(d.Predict(p, p.Tape.Const(z.RowRange(i, i+1)), vae.NewGrid([][]float32{want}, nil, false)).Row(0)[j])
				if temperature == 0 && logit > 0 || temperature > 0 && 1/(1+math.Exp(-logit/temperature)) > rng.Float64() {
					want[j] = 1
					ones++
				}
			}
			if !slices.Equal(image, want) {
				t.Errorf("temperature %v: image %d is\n%v, want\n%v", temperature, i, image, want)
			}
		}
		if ones < 10 || ones > 170 {
			t.Errorf("temperature %v: %d of 180 pixels are 1; the test needs both", temperature, ones)
		}
	}
}

// alternating is a decoder that has each pixel be the opposite of the one before it.
type alternating struct{}

func (alternating) Autoregressive() bool { return true }

func (alternating) Predict(p *nn.Pass, _ *grad.Value, x *vae.Batch) *grad.Value {
	logits := p.Tape.Zeros(x.Values.Rows, x.Values.Cols)
	for i := range logits.Rows {
		logits.Row(i)[0] = 1
		for j := 1; j < logits.Cols; j++ {
			logits.Row(i)[j] = 1 - 2*x.Values.Row(i)[j-1]
		}
	}
	return logits
}

// TestPixelsAtWorst: where each pixel waits for the one before it, the last is right as well.
func TestPixelsAtWorst(t *testing.T) {
	for _, P := range []int{1, 2, 49, 50} {
		for _, image := range generate.PixelModes(alternating{}, tensor.New(3, 1), P) {
			for j, v := range image {
				if want := float32((j + 1) % 2); v != want {
					t.Fatalf("pixel %d of %d is %v, want %v", j, P, v, want)
				}
			}
		}
	}
}

// TestPixelMeans: samples of a decoder that reads no pixel occur as its probabilities say, and
// its modes are the pixels above a half.
func TestPixelMeans(t *testing.T) {
	const N = 4000
	s := vae.Space{Kind: vae.Image, Height: 2, Width: 3}
	_, d := build(models.MLP{LatentDim: 3, Hidden: 16, Layers: 1, Activation: "tanh"}, s, 3)
	z := tensor.New(N, 3)
	for i := range N {
		copy(z.Row(i), []generate.Float{0.5, -1, 0.3})
	}
	want := generate.PixelMeans(d, z.RowRange(0, 1), 6)[0]
	got := make([]float64, 6)
	for _, image := range generate.PixelSamples(d, z, 6, 1, noise("means")) {
		for j, v := range image {
			got[j] += float64(v) / N
		}
	}
	for j, v := range want {
		p := float64(v)
		if math.Abs(got[j]-p) > 4.5*math.Sqrt(p*(1-p)/N) {
			t.Errorf("pixel %d: a share of %v, want %v", j, got[j], p)
		}
		if mode := generate.PixelModes(d, z.RowRange(0, 1), 6)[0][j]; (mode == 1) != (p > 0.5) {
			t.Errorf("pixel %d: mode %v of probability %v", j, mode, p)
		}
	}
}

// TestPosteriors: rows stand in the split's order, whatever the lengths, and sigma is positive.
func TestPosteriors(t *testing.T) {
	m, _ := build(writers["lstm"], sentences, 1)
	m.Variant.Head = func(_ *nn.Pass, raw, s *grad.Value) vae.Posterior { return vae.FromSigma(raw, s.Shift(-0.5)) }
	rng := rand.New(rand.NewPCG(1, 2))
	var split data.Split
	for range 70 {
		seq := []int32{data.Start}
		for range rng.IntN(6) {
			seq = append(seq, int32(data.Unk+rng.IntN(8)))
		}
		split.Seqs = append(split.Seqs, append(seq, data.End))
	}
	mu, sigma := generate.Posteriors(m, split)
	lp := generate.LogProbs(m, split, mu)
	for i, seq := range split.Seqs {
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
		x := vae.NewBatch([][]int32{seq}, nil)
		q := m.Posterior(p, x).(vae.Gaussian)
		for j := range m.D {
			if got, want := float64(mu.Row(i)[j]), float64(q.Mu.Row(0)[j]); math.Abs(got-want) > 1e-5 {
				t.Errorf("example %d: mu %v, want %v", i, got, want)
			}
			if got, want := float64(sigma.Row(i)[j]), math.Abs(float64(q.Sigma.Row(0)[j])); math.Abs(got-want) > 1e-5 {
				t.Errorf("example %d: sigma %v, want %v", i, got, want)
			}
		}
		if want := float64(m.Decoder.LogProb(p, q.Mu, x).Data[0]); math.Abs(lp[i]-want) > 1e-4 {
			t.Errorf("example %d: ln p %v, want %v", i, lp[i], want)
		}
	}
	if split.Labels != nil {
		t.Error("the split was changed")
	}
}

// A labelled encoder and decoder read the label of each example: m and ln p(x|z) are the label.
type labelled struct{}

func (labelled) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	m = p.Tape.Zeros(x.B(), 1)
	for i, label := range x.Labels {
		m.Data[i] = tensor.Float(label)
	}
	return m, p.Tape.Zeros(x.B(), 1)
}

func (l labelled) LogProb(p *nn.Pass, _ *grad.Value, x *vae.Batch) *grad.Value {
	m, _ := l.Encode(p, x)
	return m
}

// TestLabelsStay: a model whose condition is the label reads it, whatever the order of the lengths.
func TestLabelsStay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var split data.Split
	for i := range 70 {
		split.Seqs = append(split.Seqs, append(make([]int32, 1+rng.IntN(6)), data.End))
		split.Labels = append(split.Labels, 100+3*i)
	}
	m := &vae.Model{Encoder: labelled{}, Decoder: labelled{}, D: 1}
	mu, _ := generate.Posteriors(m, split)
	lp := generate.LogProbs(m, split, mu)
	for i, want := range split.Labels {
		if float64(mu.Data[i]) != float64(want) || lp[i] != float64(want) {
			t.Errorf("example %d has label %d; the encoder reads %v, the decoder %v", i, want, mu.Data[i], lp[i])
		}
	}
}

// TestNoisy: z has the mean and the deviation asked for.
func TestNoisy(t *testing.T) {
	const N = 20000
	mu, sigma := tensor.New(N, 1), tensor.New(N, 1)
	for i := range N {
		mu.Data[i], sigma.Data[i] = 2, 0.5
	}
	var sum, square float64
	for _, v := range generate.Noisy(mu, sigma, noise("z")).Data {
		sum, square = sum+float64(v)/N, square+(float64(v)-2)*(float64(v)-2)/N
	}
	if math.Abs(sum-2) > 4.5*0.5/math.Sqrt(N) || math.Abs(square-0.25) > 4.5*0.25*math.Sqrt(2.0/N) {
		t.Errorf("mean %v, variance %v", sum, square)
	}
}

// TestPrior: a row depends on its number only, and has the moments of N(0, I).
func TestPrior(t *testing.T) {
	const N = 5000
	z := generate.Prior(vae.Normal{}, 0, N, 4, 1)
	if few := generate.Prior(vae.Normal{}, 0, 3, 4, 1); !slices.Equal(few.Data, z.Data[:12]) {
		t.Error("the first rows depend on their number")
	}
	if later := generate.Prior(vae.Normal{}, 3, 5, 4, 1); !slices.Equal(later.Data, z.Data[12:32]) {
		t.Error("rows depend on the first")
	}
	if other := generate.Prior(vae.Normal{}, 0, 3, 4, 2); slices.Equal(other.Data, z.Data[:12]) {
		t.Error("two seeds draw the same")
	}
	var mean, square float64
	for _, v := range z.Data {
		mean, square = mean+float64(v)/(4*N), square+float64(v)*float64(v)/(4*N)
	}
	if n := float64(4 * N); math.Abs(mean) > 4.5/math.Sqrt(n) || math.Abs(square-1) > 4.5*math.Sqrt(2/n) {
		t.Errorf("mean %v, second moment %v", mean, square)
	}
}

// TestPaths: both ways begin and end where they should; a line's steps are equal, an arc's too
// but as angles, and it keeps its distance from the origin.
func TestPaths(t *testing.T) {
	a, b := []generate.Float{2, 0, 0}, []generate.Float{0, 0, 2}
	line, arc := generate.Line(a, b, 5), generate.Arc(a, b, 5)
	for step := range 5 {
		at := float64(step) / 4
		for j := range a {
			if want := (1-at)*float64(a[j]) + at*float64(b[j]); math.Abs(float64(line.Row(step)[j])-want) > 1e-6 {
				t.Errorf("step %d of the line is %v", step, line.Row(step))
			}
		}
		want := []float64{2 * math.Cos(at*math.Pi/2), 0, 2 * math.Sin(at*math.Pi/2)}
		for j, w := range want {
			if math.Abs(float64(arc.Row(step)[j])-w) > 1e-6 {
				t.Errorf("step %d of the arc is %v, want %v", step, arc.Row(step), want)
			}
		}
	}
	for _, end := range [][]generate.Float{{4, 0, 0}, {-1, 0, 0}, {0, 0, 0}} {
		if got, want := generate.Arc(a, end, 3), generate.Line(a, end, 3); !slices.Equal(got.Data, want.Data) {
			t.Errorf("from %v to %v there is no arc, but the way is %v", a, end, got.Data)
		}
	}
}

// TestSphere: draws of prior and posteriors, the posteriors' directions and the steps of an arc between two have length 1.
// A direction is the mode, not the mean, which lies within the sphere.
func TestSphere(t *testing.T) {
	m, _ := build(writers["lstm"], sentences, 1)
	law := sphere.NewVMF(3, 5)
	m.Variant = vae.Variant{Gives: vae.SphereFamily, Prior: vae.UniformSphere{D: 3}, Head: func(_ *nn.Pass, raw, _ *grad.Value) vae.Posterior {
		return vae.Spherical{Mu: raw.Unit(), Law: law}
	}}
	split := data.Split{Seqs: [][]int32{{data.Start, 5, data.End}, {data.Start, 9, 6, 5, data.End}}}
	mu, sigma := generate.Posteriors(m, split)
	if sigma.Rows != 0 {
		t.Errorf("sigma is %v", sigma.Data)
	}
	draws := generate.Draws(m, split, noise("a draw"))
	if slices.Equal(draws.Data, generate.Draws(m, split, noise("another")).Data) {
		t.Error("two draws are equal")
	}
	for what, z := range map[string]tensor.Matrix{"directions": mu, "draws": draws, "prior": generate.Prior(m.Prior(), 0, 9, 3, 1), "arc": generate.Arc(mu.Row(0), mu.Row(1), 6)} {
		for i := range z.Rows {
			var squares float64
			for _, v := range z.Row(i) {
				squares += float64(v) * float64(v)
			}
			if math.Abs(squares-1) > 1e-5 {
				t.Errorf("%s %d: %v", what, i, z.Row(i))
			}
		}
	}
}

func TestPanics(t *testing.T) {
	_, d := build(writers["lstm"], sentences, 1)
	z, w := generate.Prior(vae.Normal{}, 0, 1, 3, 1), generate.Words{V: 11, Max: 1}
	for what, f := range map[string]func(){
		"a beam of 0":         func() { generate.Beam(d, z, w, 0) },
		"a temperature of 0":  func() { generate.Sample(d, z, w, 0, noise("")) },
		"a temperature of -1": func() { generate.PixelSamples(d, z, 1, -1, noise("")) },
		"a temperature NaN":   func() { generate.Sample(d, z, w, math.NaN(), noise("")) },
		"one step":            func() { generate.Line(z.Row(0), z.Row(0), 1) },
		"grey values":         func() { generate.LogProbs(nil, data.Split{Values: [][]float32{{0.5}}, Grey: true}, z) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", what)
				}
			}()
			f()
		}()
	}
}
