package metrics

import (
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// TestPriorGap: a linear model with its exact posterior loses
// E_p[-ln p(a|z)] - E_q[-ln p(a|z)] in closed form; a decoder that ignores z loses nothing.
func TestPriorGap(t *testing.T) {
	l := linear{D: 2, w: 1.5, r: 0.7, widen: 1}
	batches := []*vae.Batch{sentences(4000, 2, newRand(51)), sentences(1, 2, newRand(52))}
	e := Encode(l.model(), batches, 1)
	// -ln p(a|z) is (a - w z)²/2r² + a constant: E_p is a² + w², E_q is (a - w m)² + w² v.
	total := l.w*l.w + l.r*l.r
	var want float64
	for _, x := range batches {
		for _, seq := range x.Seqs {
			for j := range l.D {
				a := number(seq, j)
				m, v := l.w*a/total, l.r*l.r/total
				want += (a*a + l.w*l.w - (a-l.w*m)*(a-l.w*m) - l.w*l.w*v) / (2 * l.r * l.r) / float64(e.N)
			}
		}
	}
	near(t, "prior gap", e.PriorGap(l.model(), batches, 1), want, 0.3) // 4,001 examples, a spread of about 4
	ignores := &vae.Model{Encoder: l, Decoder: uniform{5}, D: 2}
	if got := Encode(ignores, batches, 1).PriorGap(ignores, batches, 1); got != 0 {
		t.Errorf("a decoder that ignores z: %v", got)
	}
}

// TestBNGap: the KL that training would see minus that of an evaluation, and nothing moves. A method without
// running statistics has none.
func TestBNGap(t *testing.T) {
	rng := newRand(53)
	batches := []*vae.Batch{sentences(8, 2, rng), sentences(1, 2, rng), sentences(5, 2, rng)}
	for _, x := range batches {
		x.Labels = make([]int, x.B()) // the conditions of methods that read some
	}
	for _, name := range variants.Methods.Names() {
		method, err := variants.Methods.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		m := lstm(t, method)
		before := nn.Tensors(m.Params.All(), "")
		got := BNGap(m, batches)
		for i, after := range nn.Tensors(m.Params.All(), "") {
			if !slices.Equal(after.Data, before[i].Data) {
				t.Errorf("%s: %s has moved", name, after.Name)
			}
		}
		if !slices.ContainsFunc(m.Params.All(), func(p *nn.Param) bool { return strings.Contains(p.Name, ".running_") }) {
			if got != 0 {
				t.Errorf("%s has no running statistics, but a gap of %v", name, got)
			}
			continue
		}
		var want float64
		perDim := make([]float64, m.D)
		for _, x := range []*vae.Batch{batches[0], batches[2]} {
			running, _, _ := Moments(m.Posterior(&nn.Pass{Tape: &grad.Tape{}}, x), vae.Normal{}, nil, perDim)
			fresh := lstm(t, method) // the same weights; training moves its statistics
			train, _, _ := Moments(fresh.Posterior(&nn.Pass{Tape: &grad.Tape{}, Train: true}, x), vae.Normal{}, nil, perDim)
			want += (train - running) * float64(x.B()) / 13
		}
		near(t, name, got, want, 1e-6*(1+math.Abs(want)))
		if math.Abs(want) < 1e-3 {
			t.Errorf("%s: a gap of %v tells nothing", name, want)
		}
	}
	if got := BNGap(lstm(t), batches); got != 0 {
		t.Errorf("without statistics: %v", got)
	}
	if got := BNGap(lstm(t), batches[1:2]); !math.IsNaN(got) {
		t.Errorf("batches of one: %v", got)
	}
}

// TestFinal: what the last row adds, with IW-NLL only if it is asked for.
func TestFinal(t *testing.T) {
	m := lstm(t, variants.BN{Gamma: 0.6, Eps: 1e-5, Momentum: 0.1})
	batches := []*vae.Batch{sentences(8, 2, newRand(54)), sentences(5, 2, newRand(55))}
	e := Encode(m, batches, 1)
	quick, _ := every(e, 0)
	before := len(quick)
	values, vectors := every(e, 0, batches...)
	if _, ok := values["iw_nll"]; ok || len(values) != before+7 || len(vectors["mi_dim"]) != 3 || len(vectors["density_gap_dim"]) != 3 {
		t.Errorf("values %v, vectors %v", values, vectors)
	}
	if dims := vectors["aggregate_dims"]; len(dims) != 2 || !slices.Equal(vectors["aggregate"], e.AggregateGrid(int(dims[0]), int(dims[1]))) {
		t.Errorf("aggregate of dimensions %v", dims)
	} else if mi := vectors["mi_dim"]; mi[int(dims[0])] != slices.Max(mi) {
		t.Errorf("dimensions %v of MI %v", dims, mi)
	}
	if len(vectors["kl_quantiles"]) != KLLevels+1 || len(vectors["sigma_histogram"]) != SigmaBins {
		t.Errorf("vectors %v", vectors)
	}
	values, _ = every(e, 3, batches...)
	var sum float64
	for _, nll := range IWNLL(m, batches, 3, 1) {
		sum += nll
	}
	near(t, "IW-NLL", values["iw_nll"], sum/13, 1e-12)
	near(t, "its perplexity", values["iw_ppl"], math.Exp(sum/float64(e.Tokens)), 1e-9)
}

// classes are n examples of three classes around corners of a triangle.
func classes(n int, distance float64, seed uint64) Labelled {
	rng := newRand(seed)
	corners := [][]float64{{0, 0}, {1, 0}, {0, 1}}
	l := Labelled{D: 2}
	for range n {
		y := rng.IntN(3)
		l.Y = append(l.Y, y)
		for _, c := range corners[y] {
			l.X = append(l.X, distance*c+rng.NormFloat64())
		}
	}
	return l
}

// TestProbe: classes far apart are told apart, noise is at chance, and the scale of mu does not
// matter.
func TestProbe(t *testing.T) {
	test := classes(3000, 20, 61)
	near(t, "far apart", classes(100, 20, 62).Probe(test), 1, 0)
	near(t, "noise", classes(2000, 0, 63).Probe(classes(3000, 0, 64)), 1./3, 0.05)
	// Two unit Gaussians 3 apart in the first dimension: the best classifier has Phi(1.5).
	two := func(n int, seed uint64) Labelled {
		rng := newRand(seed)
		l := Labelled{D: 5}
		for range n {
			y := rng.IntN(2)
			l.Y = append(l.Y, y)
			for j := range 5 {
				v := rng.NormFloat64()
				if j == 0 {
					v += 3 * float64(y)
				}
				l.X = append(l.X, v)
			}
		}
		return l
	}
	train, judge := two(4000, 65), two(10_000, 66)
	best := 0.5 * (1 + math.Erf(1.5/math.Sqrt2))
	got := train.Probe(judge)
	near(t, "3 apart", got, best, 0.01)
	scale := func(l Labelled) Labelled {
		l.X = slices.Clone(l.X)
		for i := range l.X {
			l.X[i] = 7 + 1e-3*l.X[i]
		}
		return l
	}
	near(t, "at another scale", scale(train).Probe(scale(judge)), got, 1e-3)
	constant := Labelled{D: 1, X: make([]float64, 200), Y: train.Y[:200]} // a collapsed dimension
	if got := constant.Probe(Labelled{D: 1, X: make([]float64, 100), Y: judge.Y[:100]}); !(got > 0.3 && got < 0.7) {
		t.Errorf("constant mu: %v", got)
	}
	// Without anything in mu the probe guesses the most frequent class: its accuracy is chance.
	skewed := Labelled{D: 1, X: make([]float64, 6), Y: []int{2, 0, 2, 1, 2, 0}}
	near(t, "chance", skewed.Chance(), 0.5, 0)
	near(t, "constant mu, skewed classes", skewed.Probe(skewed), skewed.Chance(), 0)
	curve := train.ProbeCurve(judge)
	if len(curve) != 4 || curve[100] > curve[2000]+0.01 || curve[100] < 0.85 { // 4,000 labels: no 10,000
		t.Errorf("curve %v", curve)
	}
	for n, got := range curve {
		near(t, "a point of the curve", got, Labelled{5, train.X[:5*n], train.Y[:n]}.Probe(judge), 0)
	}
	if curve[100] == curve[2000] {
		t.Errorf("the number of labels does not matter: %v", curve)
	}
}

// TestProbeIsTheMinimum: the gradient of the penalised likelihood, by central differences of its
// definition, is zero where the fit ends, also for classes that can be told apart entirely.
func TestProbeIsTheMinimum(t *testing.T) {
	for _, distance := range []float64{0.5, 3, 50} {
		for _, n := range []int{30, 3000} {
			p := newProbe(classes(n, distance, 67))
			w := p.fit()
			loss := func() (sum float64) {
				q := make([]float64, p.classes)
				for i, y := range p.Y {
					p.logits(w, p.X[2*i:2*i+2], q)
					sum += logSumExp(q) - q[y]
				}
				for k, v := range w {
					if k%3 != 2 {
						sum += 0.5 * v * v
					}
				}
				return sum / float64(n)
			}
			for k := range w {
				const h = 1e-5
				old := w[k]
				w[k] = old + h
				up := loss()
				w[k] = old - h
				down := loss()
				w[k] = old
				near(t, "slope", (up-down)/(2*h), 0, 3e-5)
			}
		}
	}
}

// BenchmarkProbe is the largest probe: 10,000 labels of ten classes on 32 dimensions.
func BenchmarkProbe(b *testing.B) {
	rng := newRand(68)
	l := Labelled{D: 32}
	for range 10_000 {
		y := rng.IntN(10)
		l.Y = append(l.Y, y)
		for j := range 32 {
			v := rng.NormFloat64()
			if j == y {
				v += 1.5
			}
			l.X = append(l.X, v)
		}
	}
	for b.Loop() {
		l.Probe(l.first(100))
	}
}

// TestGradRatio: with a single number's gradient on each side, and of a real model by its definition, the
// variant's parameters being on the encoder's side.
func TestGradRatio(t *testing.T) {
	var ps nn.Params
	param := func(name string, grad ...Float) *nn.Param {
		p := ps.New(name, nn.Constant(0), len(grad))
		copy(p.Grad(), grad)
		return p
	}
	s := SidesOf([]*nn.Param{param("encoder.a", 3), param("decoder.b", 0.5), param("encoder.c", 0, 4), param("encoders", 1.2)})
	encoder, decoder := s.Norms()
	near(t, "encoder", encoder, 5, 1e-6)
	near(t, "decoder", decoder, 1.3, 1e-6)
	near(t, "ratio", GradRatio(encoder, decoder), 5/1.3, 1e-6)

	m := lstm(t, variants.BNScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.1})
	m.Loss(&nn.Pass{Tape: &grad.Tape{}, Train: true, KLWeight: 1}, sentences(8, 2, newRand(56))).Loss.Backward()
	var squares [2]float64
	for _, p := range m.Params.Learnt() {
		side := 1
		if strings.HasPrefix(p.Name, "encoder") {
			side = 0
		}
		for _, g := range p.Grad() {
			squares[side] += float64(g) * float64(g)
		}
	}
	encoder, decoder = SidesOf(m.Params.Learnt()).Norms()
	if theta := m.Params.Get("encoder.scaler.theta").Grad(); !slices.ContainsFunc(theta, func(g Float) bool { return g != 0 }) {
		t.Errorf("theta has no gradient: %v", theta)
	}
	near(t, "encoder of a model", encoder, math.Sqrt(squares[0]), 1e-5*encoder)
	near(t, "decoder of a model", decoder, math.Sqrt(squares[1]), 1e-5*decoder)
}
