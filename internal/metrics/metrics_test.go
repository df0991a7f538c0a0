package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// tolerance is what arithmetic in Float may cost a number near 1.
var tolerance = map[int]float64{32: 2e-5, 64: 1e-10}[tensor.Bits]

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) { // NaN is not near
		t.Errorf("%s: got %v, want %v ± %v", what, got, want, within)
	}
}

// encoded is a split made of its numbers, sigma being the same everywhere and z drawn.
func encoded(mu [][]float64, sigma float64, rng *rand.Rand) *Encoded {
	e := &Encoded{N: len(mu), D: len(mu[0])}
	for _, row := range mu {
		for _, m := range row {
			e.Mu = append(e.Mu, m)
			e.Sigma = append(e.Sigma, sigma)
			e.Var = append(e.Var, sigma*sigma)
			e.Logvar = append(e.Logvar, math.Log(sigma*sigma))
			e.Z = append(e.Z, m+sigma*rng.NormFloat64())
		}
	}
	return e
}

// every is what an evaluation has of a split that is encoded; the last one, if batches are given.
func every(e *Encoded, samples int, batches ...*vae.Batch) (values map[string]float64, vectors map[string][]float64) {
	if e.model == nil {
		e.model = &vae.Model{}
	}
	f := Facts{D: e.D, Samples: samples, Variant: e.model.Variant}
	if e.Tokens > 0 {
		f.Kind = vae.Text
	}
	s := &Split{Encoded: e, Model: e.model, Batches: batches, Drawn: func() []*vae.Batch { return batches }, Batching: vae.Mixed, Beta: 2, Partners: 2, Samples: samples, Seed: 1}
	row := Measure(s, f, batches != nil)
	return row.Values, row.Vectors
}

// normals are N rows of D draws from N(0, s²).
func normals(N, D int, s float64, rng *rand.Rand) [][]float64 {
	rows := make([][]float64, N)
	for i := range rows {
		for range D {
			rows[i] = append(rows[i], s*rng.NormFloat64())
		}
	}
	return rows
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// TestKL by hand: (mu² + sigma² - ln sigma² - 1)/2, summed over dimensions, mean over examples.
func TestKL(t *testing.T) {
	ln4 := math.Log(4)
	e := &Encoded{
		N: 2, D: 2,
		Mu:     []float64{1, 0, 3, 0},
		Var:    []float64{1, 1, 0.25, 4},
		Logvar: []float64{0, 0, -ln4, ln4},
		Rec:    []float64{10, 20},
	}
	sum, perDim := e.KL()
	// Dimension 0: (1/2 + (9 + 1/4 + ln 4 - 1)/2)/2, dimension 1: (0 + (4 - ln 4 - 1)/2)/2.
	want := []float64{(0.5 + (8.25+ln4)/2) / 2, (3 - ln4) / 4}
	for j := range want {
		near(t, "KL of a dimension", perDim[j], want[j], 1e-15)
	}
	near(t, "KL", sum, want[0]+want[1], 1e-15)
	near(t, "NELBO", e.NELBO(), 15+want[0]+want[1], 1e-14)
	mu2, sigma2 := e.SecondMoments()
	near(t, "E[mu²]", mu2, 10./4, 0)
	near(t, "E[sigma²]", sigma2, 6.25/4, 0)
}

// TestMIOfGaussians: if mu ~ N(0, s² I) and sigma is constant, z is a Gaussian channel of
// capacity I(x; z) = (D/2) ln(1 + s²/sigma²). The standard error covers the truth, and is
// what repeated estimates scatter by.
func TestMIOfGaussians(t *testing.T) {
	for _, c := range []struct {
		D        int
		s, sigma float64
	}{{1, 0.5, 1}, {2, 0.5, 1}, {2, 1, -0.8}, {3, 0.05, 0.5}} {
		rng := newRand(7)
		want := float64(c.D) / 2 * math.Log(1+c.s*c.s/(c.sigma*c.sigma))
		mi, se := encoded(normals(2000, c.D, c.s, rng), c.sigma, rng).MI()
		near(t, "MI", mi, want, 4*se)
		if se <= 0 || se > 0.05 {
			t.Errorf("%+v: standard error %v", c, se)
		}
	}
	const runs, N, D = 60, 300, 2
	want, covered := D/2.*math.Log(1+0.25), 0
	var sum, squares, meanSE float64
	for r := range uint64(runs) {
		rng := newRand(100 + r)
		mi, se := encoded(normals(N, D, 0.5, rng), 1, rng).MI()
		sum, squares, meanSE = sum+mi, squares+mi*mi, meanSE+se/runs
		if math.Abs(mi-want) < 2*se {
			covered++
		}
	}
	sd := math.Sqrt((squares - sum*sum/runs) / (runs - 1))
	if covered < 50 { // 57 expected
		t.Errorf("two standard errors cover the truth in %d of %d estimates", covered, runs)
	}
	near(t, "standard error over scatter", meanSE/sd, 1, 0.3) // sd has an error of 9 %
}

// TestMIAtItsLimits: 0 if all posteriors are one, ln N if none overlap, and never outside.
func TestMIAtItsLimits(t *testing.T) {
	rng := newRand(3)
	same := make([][]float64, 500)
	far := make([][]float64, 500)
	for i := range same {
		same[i], far[i] = []float64{1, -2, 3}, []float64{100 * float64(i), 0, 1}
	}
	mi, se := encoded(same, 0.3, rng).MI()
	near(t, "MI of one posterior", mi, 0, tolerance)
	near(t, "its standard error", se, 0, 1e-6)
	mi, se = encoded(far, 0.3, rng).MI()
	near(t, "MI of posteriors far apart", mi, math.Log(500), 1e-12)
	near(t, "its standard error", se, 0, 1e-6)
	near(t, "the cap among all values", func() float64 { v, _ := every(encoded(far, 0.3, rng), 0); return v["mi_cap"] }(), math.Log(500), 0)

	// Two groups: which of them is known for sure, nothing else: ln 2.
	for i := range far {
		far[i] = []float64{100 * float64(i%2)}
	}
	mi, _ = encoded(far, 1, rng).MI()
	near(t, "MI of two groups", mi, math.Ln2, 1e-12)

	// A sigma of 1e-6 does not underflow the mixture.
	if mi, se = encoded(normals(50, 4, 1, rng), 1e-6, rng).MI(); mi > math.Log(50)+1e-9 || math.IsNaN(mi+se) {
		t.Errorf("MI %v ± %v, beyond ln 50", mi, se)
	}
}

// TestAU: a dimension is active from a variance of 0.01, unbiased, of its mean.
func TestAU(t *testing.T) {
	column := func(variance float64) []float64 { // two values with that unbiased variance
		d := math.Sqrt(variance / 2)
		return []float64{5 - d, 5 + d}
	}
	for _, c := range []struct {
		variances []float64
		want      float64
	}{
		{[]float64{0, 0}, 0}, {[]float64{0.00999, 0.01001}, 1}, {[]float64{1, 100}, 2}, {[]float64{0.01001, 0, 0.00999}, 1},
	} {
		e := &Encoded{N: 2, D: len(c.variances)}
		for i := range e.N {
			for _, v := range c.variances {
				e.Mu = append(e.Mu, column(v)[i])
			}
		}
		if got := e.AU(0.01); got != c.want {
			t.Errorf("variances %v: AU %v, want %v", c.variances, got, c.want)
		}
	}
	if got := (&Encoded{N: 1, D: 2, Mu: []float64{9, 9}, Var: []float64{1, 1}}).AU(0.01); got != 0 {
		t.Errorf("one example: AU %v, want 0", got)
	}
}

// TestAUThresholds: the names of the rows stand for their thresholds.
func TestAUThresholds(t *testing.T) {
	rng := newRand(11)
	scale := []float64{0.05, 0.15, 0.15, 0.27, 0.27, 0.27, 0.5, 0.5, 0.5, 0.5, 0.9} // variances 0.0025, 0.02, 0.07, 0.25, 0.8
	rows := normals(2000, len(scale), 1, rng)
	for _, row := range rows {
		for j := range row {
			row[j] *= scale[j]
		}
	}
	values, _ := every(encoded(rows, 1, rng), 0)
	for name, want := range map[string]float64{"au": 10, "au_05": 8, "au_10": 5, "au_50": 1, "au_free": 10} {
		near(t, name, values[name], want, 0)
	}
}

// TestScaleFreeAU: active from a hundredth of the variance of z, whatever the scale.
func TestScaleFreeAU(t *testing.T) {
	// Var(mu) is 2, 2 and 0 in the three dimensions; E sigma² is 1, 200 and 1.
	e := &Encoded{N: 2, D: 3, Mu: []float64{-1, -1, 4, 1, 1, 4}, Var: []float64{0.5, 100, 1, 1.5, 300, 1}}
	for _, factor := range []float64{1e-6, 1e-3, 1, 1e4} {
		f := *e
		f.Mu, f.Var = slices.Clone(e.Mu), slices.Clone(e.Var)
		for i := range f.Mu {
			f.Mu[i] *= factor
			f.Var[i] *= factor * factor
		}
		if got := f.ScaleFreeAU(); got != 1 { // 2/3, 2/202 < 0.01, 0
			t.Errorf("factor %v: got %v, want 1", factor, got)
		}
	}
	e.Var[1], e.Var[4] = 197, 197 // 2/199 > 0.01
	if got := e.ScaleFreeAU(); got != 2 {
		t.Errorf("share 2/199: got %v, want 2", got)
	}
	if got := (&Encoded{N: 2, D: 1, Mu: []float64{3, 3}, Var: []float64{0, 0}}).ScaleFreeAU(); got != 0 {
		t.Errorf("no variance at all: got %v, want 0", got)
	}
}

// A linear model with Gaussian noise, of which everything is known:
//
//	z ~ N(0, I),   a_j = w z_j + r eps_j,   p(a) = N(0, w² + r²) in each dimension
//	p(z_j|a) = N(w a_j/(w² + r²), r²/(w² + r²))
//
// A sentence stands for a: its symbol j+1 is 50 + 10 a_j. What follows is ignored. The
// encoder's mean is off by shift, its sigma by the factor widen.
type linear struct {
	D            int
	w, r         float64
	shift, widen float64
}

func (l linear) model() *vae.Model { return &vae.Model{Encoder: l, Decoder: l, D: l.D} }

func number(seq []int32, j int) float64 { return (float64(seq[j+1]) - 50) / 10 }

func (l linear) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	m, s = p.Tape.Zeros(x.B(), l.D), p.Tape.Zeros(x.B(), l.D)
	total := l.w*l.w + l.r*l.r
	for i, seq := range x.Seqs {
		for j := range l.D {
			m.Row(i)[j] = Float(l.w*number(seq, j)/total + l.shift)
			s.Row(i)[j] = Float(math.Log(l.r * l.r / total * l.widen * l.widen))
		}
	}
	return m, s
}

func (l linear) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	out := p.Tape.Zeros(x.B(), 1)
	for i, seq := range x.Seqs {
		var s float64
		for j := range l.D {
			s += logNormal(number(seq, j), l.w*float64(z.Row(i)[j]), l.r*l.r)
		}
		out.Data[i] = Float(s)
	}
	return out
}

func logNormal(x, mean, variance float64) float64 {
	return -0.5 * ((x-mean)*(x-mean)/variance + math.Log(2*math.Pi*variance))
}

// nll is the exact -ln p(x).
func (l linear) nll(seq []int32) (nats float64) {
	for j := range l.D {
		nats -= logNormal(number(seq, j), 0, l.w*l.w+l.r*l.r)
	}
	return nats
}

// excess is KL(q(z|x) || p(z|x)), the same for every x: what the NELBO is above -ln p(x).
func (l linear) excess() float64 {
	v := l.widen * l.widen
	return 0.5 * float64(l.D) * (v + l.shift*l.shift*(l.w*l.w+l.r*l.r)/(l.r*l.r) - math.Log(v) - 1)
}

// sentences are B of them with numbers of the linear model, of different lengths.
func sentences(B, D int, rng *rand.Rand) *vae.Batch {
	seqs := make([][]int32, B)
	for i := range seqs {
		seqs[i] = []int32{1}
		for range D {
			seqs[i] = append(seqs[i], 30+rng.Int32N(41)) // a in [-2, 2]
		}
		for range rng.IntN(4) {
			seqs[i] = append(seqs[i], 99)
		}
		seqs[i] = append(seqs[i], 2)
	}
	return vae.NewBatch(seqs, nil)
}

// TestIWNLLWithTheExactPosterior: the weights p(x|z) p(z)/q(z|x) are then all p(x), so that
// the estimate is exact for any K. 600 and 513 samples are decoded in several parts.
func TestIWNLLWithTheExactPosterior(t *testing.T) {
	l := linear{D: 2, w: 1.5, r: 0.7, widen: 1}
	rng := newRand(5)
	batches := []*vae.Batch{sentences(7, l.D, rng), sentences(1, l.D, rng), sentences(3, l.D, rng)}
	for _, K := range []int{1, 2, 100, 513, 600} {
		got := IWNLL(l.model(), batches, K, 1)
		i := 0
		for _, x := range batches {
			for _, seq := range x.Seqs {
				near(t, "IW-NLL", got[i], l.nll(seq), 10*tolerance)
				i++
			}
		}
		if i != len(got) {
			t.Errorf("K %d: %d estimates for %d examples", K, len(got), i)
		}
	}
	if got := IWNLL(l.model(), []*vae.Batch{sentences(iwRows+5, l.D, rng)}, 2, 1); len(got) != iwRows+5 {
		t.Errorf("a large batch: %d estimates", len(got))
	}
}

// TestIWNLLWithAnotherPosterior: K = 1 is the NELBO, -ln p(x) + KL(q || p(z|x)), and more
// samples bring the bound down towards -ln p(x) from above.
func TestIWNLLWithAnotherPosterior(t *testing.T) {
	l := linear{D: 2, w: 1, r: 0.8, shift: 0.3, widen: 1.2}
	x := sentences(1, l.D, newRand(9))
	x = x.Repeat(2000)
	above := func(K int) (mean, se float64) {
		var squares float64
		got := IWNLL(l.model(), []*vae.Batch{x}, K, 4)
		for _, nll := range got {
			d := nll - l.nll(x.Seqs[0])
			mean, squares = mean+d/2000, squares+d*d/2000
		}
		return mean, math.Sqrt((squares - mean*mean) / 2000)
	}
	last, lastSE := above(1)
	near(t, "K 1 is the NELBO", last, l.excess(), 4*lastSE)
	for _, K := range []int{3, 10, 100} {
		mean, se := above(K)
		if mean < -4*se || mean > last-2*math.Hypot(se, lastSE) {
			t.Errorf("K %d: %v ± %v above -ln p(x), with fewer samples %v ± %v", K, mean, se, last, lastSE)
		}
		last, lastSE = mean, se
	}
	near(t, "100 samples", last, 0, 0.02)
}

// TestNELBOOfTheLinearModel: with the exact posterior the NELBO is -ln p(x).
func TestNELBOOfTheLinearModel(t *testing.T) {
	l := linear{D: 2, w: 1.5, r: 0.7, widen: 1}
	x := sentences(3000, l.D, newRand(6))
	e := Encode(l.model(), []*vae.Batch{x}, 1)
	var want, squares float64
	for i, seq := range x.Seqs {
		want += l.nll(seq) / 3000
		d := e.Rec[i] - e.MeanRec()
		squares += d * d / 3000
	}
	near(t, "NELBO", e.NELBO(), want, 4*math.Sqrt(squares/3000))
}

// uniform is a decoder that ignores z: every symbol has probability 1/V.
type uniform struct{ V float64 }

func (u uniform) LogProb(p *nn.Pass, _ *grad.Value, x *vae.Batch) *grad.Value {
	out := p.Tape.Zeros(x.B(), 1)
	for i, seq := range x.Seqs {
		out.Data[i] = Float(-float64(len(seq)-1) * math.Log(u.V)) // all but <s>
	}
	return out
}

// prior is an encoder whose posterior is the prior.
type prior struct{ D int }

func (e prior) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	return p.Tape.Zeros(x.B(), e.D), p.Tape.Zeros(x.B(), e.D)
}

// TestPPL: a uniform guess among V symbols, </s> included, at no KL, has perplexity V.
func TestPPL(t *testing.T) {
	rng := newRand(2)
	batches := []*vae.Batch{sentences(5, 2, rng), sentences(3, 2, rng)}
	e := Encode(&vae.Model{Encoder: prior{2}, Decoder: uniform{17}, D: 2}, batches, 1)
	tokens := 0
	for _, x := range batches {
		for _, seq := range x.Seqs {
			tokens += len(seq) - 1
		}
	}
	if e.Tokens != tokens || e.N != 8 || len(e.Rec) != 8 {
		t.Errorf("%d symbols of %d examples, want %d of 8", e.Tokens, e.N, tokens)
	}
	near(t, "perplexity", e.PPL(e.NELBO()), 17, 17*tolerance)
	if kl, _ := e.KL(); kl != 0 {
		t.Errorf("KL %v", kl)
	}
	mi, se := e.MI()
	near(t, "MI", mi, 0, tolerance)
	near(t, "its standard error", se, 0, 1e-6)
	if values, _ := every(e, 0); values["au"] != 0 || values["au_free"] != 0 || values["moment"] != 1 {
		t.Errorf("a collapsed model: %v", values)
	}
}

// TestGap against a loop: partners are any others, of other batches and lengths too; the mean is over
// the draws, of which a smaller number is the first.
func TestGap(t *testing.T) {
	l := linear{D: 2, w: 1.5, r: 0.7, widen: 1}
	rng := newRand(8)
	batches := []*vae.Batch{sentences(3, 2, rng), sentences(1, 2, rng), sentences(40, 2, rng)}
	var seqs [][]int32
	for _, x := range batches {
		seqs = append(seqs, x.Seqs...)
	}
	e := Encode(l.model(), batches, 1)
	var means []float64
	for r := range 3 {
		partner := derangement(e.N, 1, r)
		var mean float64
		for i, seq := range seqs {
			for j := range l.D {
				own, other := e.Z[i*l.D+j], e.Z[partner[i]*l.D+j]
				mean += (logNormal(number(seq, j), l.w*own, l.r*l.r) - logNormal(number(seq, j), l.w*other, l.r*l.r)) / float64(e.N)
			}
		}
		means = append(means, mean)
		want := 0.0
		for _, m := range means {
			want += m / float64(len(means))
		}
		got, se := e.Gap(l.model(), batches, r+1, 1)
		near(t, "gap", got, want, 20*tolerance)
		if got < 1 || !(se > 0 && se < got) {
			t.Errorf("the decoder reads z, but the gap is %v ± %v", got, se)
		}
	}
	one := []*vae.Batch{sentences(1, 2, rng)}
	if got, se := Encode(l.model(), one, 1).Gap(l.model(), one, 2, 1); !math.IsNaN(got) || !math.IsNaN(se) {
		t.Errorf("one example: gap %v ± %v, want NaN", got, se)
	}
	ones := append(one, sentences(1, 2, rng))
	if got, se := Encode(l.model(), ones, 1).Gap(l.model(), ones, 2, 1); math.IsNaN(got) || math.IsNaN(se) {
		t.Errorf("two batches of one: gap %v ± %v", got, se)
	}
	ignores := &vae.Model{Encoder: l, Decoder: uniform{5}, D: 2}
	if got, se := Encode(ignores, batches, 1).Gap(ignores, batches, 5, 1); got != 0 || se != 0 {
		t.Errorf("a decoder that ignores z: gap %v ± %v, want 0", got, se)
	}
}

// lstm is a small model of the real kind.
func lstm(t *testing.T, methods ...vae.Method) *vae.Model {
	t.Helper()
	reads, err := variants.Check(methods...)
	if err != nil {
		t.Fatal(err)
	}
	ps, space := &nn.Params{Seed: 3}, vae.Space{Kind: vae.Text, V: 100, MaxLen: 12}
	settings := models.LSTM{LatentDim: 3, EmbedDim: 6, EncHidden: 6, DecHidden: 6, Init: "pytorch"}
	if reads.Conditional {
		space.Given = vae.Condition{Kind: vae.Label, Classes: 2}
	}
	given := models.NewGiven(settings, ps, space)
	enc, dec := models.NewEncoder(settings, ps, space, reads, given), given.Decoder(models.NewDecoder(settings, ps, space, reads))
	variant, err := variants.Build(vae.Builder{
		Params: ps, D: 3, Space: space, Given: given,
		Decoder: func(name string) vae.Decoder { return settings.Decoder(ps.Under(name), space) },
		Follower: func(name string) (vae.Encoder, func(float64)) {
			copies := ps.Copies(name)
			return settings.Encoder(copies, space, reads.Raw), copies.Follow
		},
	}, methods...)
	if err != nil {
		t.Fatal(err)
	}
	return &vae.Model{Params: ps, Encoder: enc, Decoder: dec, Variant: variant, D: 3}
}

// TestMomentsAgree: without batch statistics, what is measured of the training batches is,
// weighted by their sizes, what is measured of the split.
func TestMomentsAgree(t *testing.T) {
	m := lstm(t)
	rng := newRand(4)
	batches := []*vae.Batch{sentences(8, 2, rng), sentences(3, 2, rng), sentences(1, 2, rng)}
	e := Encode(m, batches, 1)
	var kl, mu2, sigma2 float64
	perDim := make([]float64, m.D)
	for _, x := range batches {
		tape := &grad.Tape{}
		dims := make([]float64, m.D)
		k, m2, s2 := Moments(m.Posterior(&nn.Pass{Tape: tape, Train: true}, x), vae.Normal{}, nil, dims)
		share := float64(x.B()) / float64(e.N)
		kl, mu2, sigma2 = kl+k*share, mu2+m2*share, sigma2+s2*share
		for j := range dims {
			perDim[j] += dims[j] * share
		}
	}
	wantKL, wantDims := e.KL()
	wantMu2, wantSigma2 := e.SecondMoments()
	near(t, "KL", kl, wantKL, 1e-12)
	near(t, "E[mu²]", mu2, wantMu2, 1e-12)
	near(t, "E[sigma²]", sigma2, wantSigma2, 1e-12)
	for j := range perDim {
		near(t, "KL of a dimension", perDim[j], wantDims[j], 1e-12)
	}
	if kl == 0 || wantMu2 == 0 {
		t.Error("the model is too plain to tell")
	}
}

// TestCharge: the penalty of an evaluation is the mean of what the head charges for each example, in whatever batches.
func TestCharge(t *testing.T) {
	l := linear{D: 2, w: 1, r: 0.8, widen: 1.2}
	rng := newRand(9)
	batches := []*vae.Batch{sentences(5, l.D, rng), sentences(4, l.D, rng)}
	m := l.model()
	m.Variant = vae.Variant{Penalty: vae.Charged, Head: func(_ *nn.Pass, m, s *grad.Value) vae.Posterior {
		q := vae.FromLogvar(m.Scale(3), s)
		q.Charge = vae.FromLogvar(m, s).KL()
		return q
	}}
	e := Encode(m, batches, 1)
	_, penalty, _ := e.Objective(1, vae.Mixed, 1)
	want, _ := Encode(l.model(), batches, 1).KL()
	near(t, "penalty", penalty, want, 10*tolerance)
	if kl, _ := e.KL(); kl < 1.5*penalty {
		t.Errorf("KL %v, charged %v", kl, penalty)
	}
}

// TestEncode: the same seed draws the same, and nothing of the model moves.
func TestEncode(t *testing.T) {
	m := lstm(t, variants.BNScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.1})
	before := nn.Tensors(m.Params.All(), "")
	rng := newRand(4)
	batches := []*vae.Batch{sentences(8, 2, rng), sentences(3, 2, rng)}
	a, b, c := Encode(m, batches, 1), Encode(m, batches, 1), Encode(m, batches, 2)
	if !slices.Equal(a.Z, b.Z) || !slices.Equal(a.Rec, b.Rec) {
		t.Error("the same seed gives another sample")
	}
	if slices.Equal(a.Z, c.Z) || !slices.Equal(a.Mu, c.Mu) {
		t.Error("another seed should change z and nothing else")
	}
	if !slices.Equal(IWNLL(m, batches, 3, 1), IWNLL(m, batches, 3, 1)) {
		t.Error("IWNLL: the same seed gives another estimate")
	}
	for i, after := range nn.Tensors(m.Params.All(), "") {
		if !slices.Equal(after.Data, before[i].Data) {
			t.Errorf("%s has moved", after.Name)
		}
	}
	values, vectors := every(a, 0)
	near(t, "slack", values["slack"], values["kl"]-values["floor"], 1e-12)
	near(t, "floor", values["floor"], -1.5*math.Log(0.25), 10*tolerance) // theta 0: gamma_sigma² = 1/4
	for _, name := range []string{"kl_dim", "theta", "sig_theta", "gamma_mu", "gamma_sigma"} {
		if len(vectors[name]) != m.D {
			t.Errorf("%s: %v", name, vectors[name])
		}
	}
	values, _ = every(Encode(lstm(t), batches, 1), 0)
	if _, ok := values["floor"]; ok || values["ppl"] == 0 || values["slack"] != 0 {
		t.Errorf("a method without a floor has %v", values)
	}
}

// TestRegister: a metric that registers itself is measured where its facts allow; a name is taken once.
func TestRegister(t *testing.T) {
	before := groups
	defer func() { groups = before }()
	Register(Group{
		Splits: Tests, Need: NeedModes, Metrics: []Metric{{Name: "first_label", Doc: "label of the first example"}},
		Measure: func(s *Split, r Row) { r.Values["first_label"] = float64(s.Labels[0]) },
	})
	s := &Split{Encoded: encoded([][]float64{{1, 0}, {0, 2}}, 1, newRand(1)), Model: &vae.Model{}, Drawn: func() []*vae.Batch { return nil }, Partners: 1}
	s.Encoded.model, s.Rec, s.Labels = s.Model, []float64{1, 2}, []int{7, 8}
	for _, c := range []struct {
		facts Facts
		final bool
		want  float64
	}{{Facts{Truth: Modes}, true, 7}, {Facts{Truth: Modes}, false, 0}, {Facts{Truth: Exact}, true, 0}} {
		if got := Measure(s, c.facts, c.final).Values["first_label"]; got != c.want {
			t.Errorf("%+v, final %t: %v, want %v", c.facts, c.final, got, c.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a name is taken twice")
		}
	}()
	Register(Group{Metrics: []Metric{{Name: "kl"}}})
}
