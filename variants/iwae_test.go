package variants

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

var gradients = []string{"total", "stl", "dreg"}

// A scalar model has p(z) = N(0, 1), p(x|z) = N(w z, 1) and q(z|x) = N(m, e^l), the same q for every x.
type scalar struct{ w, m, l *nn.Param }

func (s scalar) Encode(p *nn.Pass, x *vae.Batch) (m, l *grad.Value) {
	zero := p.Tape.Zeros(x.B(), 1)
	return zero.AddRow(p.Use(s.m)), zero.AddRow(p.Use(s.l))
}

func (s scalar) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	off := p.Tape.Const(x.Values).Sub(z.MulRow(p.Use(s.w)))
	return off.Square().RowSums().Shift(Float(math.Log(2 * math.Pi))).Scale(-0.5)
}

// scalarModel is that of a method, with the gradients of w, m and l in this order.
func scalarModel(method IWAE, w, m, l float64) (*vae.Model, func() []Float) {
	ps := &nn.Params{}
	of := func(name string, x float64) *nn.Param { return ps.New(name, nn.Constant(x), 1) }
	s := scalar{of("decoder.w", w), of("encoder.m", m), of("encoder.l", l)}
	model := &vae.Model{Params: ps, Encoder: s, Decoder: s, Variant: method.Build(vae.Builder{}), D: 1}
	return model, func() []Float { return []Float{s.w.Grad()[0], s.m.Grad()[0], s.l.Grad()[0]} }
}

// A drawn Gaussian has z of given eps.
type drawn struct {
	vae.Gaussian
	eps []float64
}

func (q drawn) Sample(p *nn.Pass) *grad.Value {
	eps := p.Tape.Zeros(len(q.eps), 1)
	for i, e := range q.eps {
		eps.Data[i] = Float(e)
	}
	return q.Mu.Add(q.Sigma.Mul(eps))
}

func (q drawn) With(parts []*grad.Value) vae.Posterior {
	return drawn{q.Gaussian.With(parts).(vae.Gaussian), q.eps}
}

// goldenIWAE are the figures of a scalar model. The golden's iwae is total.
type goldenIWAE struct {
	X, W, M, L  float64
	Eps         []float64
	LogW        []float64 `json:"log_w"`
	Bound, ELBO float64
	Gradients   map[string]map[string]float64
	Exact       struct {
		LogPx float64 `json:"log_px"`
		Mean  float64 `json:"posterior_mean"`
		Var   float64 `json:"posterior_var"`
	}
	MC  map[string]any
	Tol float64
}

// inGolden is the golden's name of a gradient.
func inGolden(gradient string) string {
	if gradient == "total" {
		return "iwae"
	}
	return gradient
}

// TestGoldenIWAE: importance weights, bound and ELBO of given draws, and the three gradients.
func TestGoldenIWAE(t *testing.T) {
	var want goldenIWAE
	golden(t, "iwae.json", &want)
	for _, gradient := range gradients {
		m, grads := scalarModel(IWAE{K: len(want.Eps), Gradient: gradient}, want.W, want.M, want.L)
		m.Variant.Head = func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return drawn{vae.FromLogvar(m, s), want.Eps} }
		loss := m.Variant.Bound.Loss
		var logw, held []Float
		m.Variant.Bound.Loss = func(p *nn.Pass, s vae.Samples) *grad.Value {
			logw, held = s.LogW(1).Data, s.HoldQ(p).LogW(1).Data
			return loss(p, s)
		}
		terms := m.Loss(&nn.Pass{Tape: &grad.Tape{}, Train: true, KLWeight: 1}, vae.NewGrid([][]float32{{float32(want.X)}}, nil, false))
		terms.Loss.Backward()
		near(t, "ln w", logw, want.LogW, want.Tol)
		near(t, "ln w with q held", held, want.LogW, want.Tol)
		near(t, gradient+": bound", []Float{-terms.Loss.Data[0]}, []float64{want.Bound}, want.Tol)
		elbo := 0.0
		for _, l := range logw {
			elbo += float64(l) / float64(len(logw))
		}
		near(t, "ELBO", []Float{Float(elbo)}, []float64{want.ELBO}, want.Tol)
		expected, ok := want.Gradients[inGolden(gradient)]
		if !ok {
			t.Fatalf("no golden gradients %s", gradient)
		}
		for i, name := range []string{"d_w", "d_m", "d_l"} {
			near(t, gradient+" "+name, []Float{-grads()[i]}, []float64{expected[name]}, want.Tol)
		}
	}
}

// many is a batch of one x, n times.
func many(x float64, n int) *vae.Batch {
	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = []float32{float32(x)}
	}
	return vae.NewGrid(rows, nil, false)
}

// rounds are estimates of L_K and, if asked, of its gradients in w, m and l, of so many rounds of a batch.
func rounds(m *vae.Model, grads func() []Float, x *vae.Batch, weight Float, n int, backward bool) (bound estimate, d [3]estimate) {
	tape := &grad.Tape{NoGrad: !backward}
	for seed := range uint64(n) {
		tape.Reset()
		loss := m.Loss(&nn.Pass{Tape: tape, Train: true, KLWeight: weight, Noise: rand.New(rand.NewPCG(seed, 6))}, x).Loss
		bound.add(-loss.Scalar())
		if backward {
			m.Params.ZeroGrad()
			loss.Backward()
			for i, g := range grads() {
				d[i].add(-float64(g))
			}
		}
	}
	return bound, d
}

// TestIWAEGradientsInMean: total and dreg have one mean, also where the KL weight is not 1, and dreg less variance; stl has
// another mean. The golden's means, of its own draws, are met.
func TestIWAEGradientsInMean(t *testing.T) {
	var want goldenIWAE
	golden(t, "iwae.json", &want)
	const B, n = 2000, 40
	K := len(want.Eps)
	for _, weight := range []Float{1, 0.4} {
		var dm, dl, dw [3]estimate
		for i, gradient := range gradients {
			m, grads := scalarModel(IWAE{K: K, Gradient: gradient}, want.W, want.M, want.L)
			_, d := rounds(m, grads, many(want.X, B), weight, n, true)
			dw[i], dm[i], dl[i] = d[0], d[1], d[2]
			if weight != 1 {
				continue
			}
			figures, ok := want.MC[inGolden(gradient)+"_d_m"].([]any)
			if !ok {
				t.Fatalf("no golden mean of %s", gradient)
			}
			mean, se := figures[0].(float64), figures[1].(float64)
			if off := math.Abs(dm[i].mean() - mean); off > 4*math.Hypot(se, dm[i].se()) {
				t.Errorf("%s: d/dm is %v ± %v, in the golden %v ± %v", gradient, dm[i].mean(), dm[i].se(), mean, se)
			}
		}
		for name, d := range map[string][3]estimate{"d/dm": dm, "d/dl": dl} {
			total, stl, dreg := d[0], d[1], d[2]
			if se := math.Hypot(total.se(), dreg.se()); math.Abs(total.mean()-dreg.mean()) > 4*se {
				t.Errorf("KL weight %v, %s: total %v, dreg %v, standard error %v", weight, name, total.mean(), dreg.mean(), se)
			}
			if se := math.Hypot(total.se(), stl.se()); math.Abs(total.mean()-stl.mean()) < 5*se {
				t.Errorf("KL weight %v, %s: total %v, stl %v, which is biased; standard error %v", weight, name, total.mean(), stl.mean(), se)
			}
			if weight == 1 && dreg.se() > total.se()/5 {
				t.Errorf("%s: the standard error of dreg is %v, of total %v", name, dreg.se(), total.se())
			}
		}
		for i := range gradients { // the same draws
			if off := math.Abs(dw[i].mean() - dw[0].mean()); off > 1e-5 {
				t.Errorf("KL weight %v: d/dw is %v with %s, %v with total", weight, dw[i].mean(), gradients[i], dw[0].mean())
			}
		}
	}
}

// TestTheoremIWAE: ELBO = L_1 < L_2 < L_5 < L_20 <= ln p(x), all of whose ends have closed forms. Where q(z|x) is the model's
// posterior every draw of every L_K is ln p(x), and the gradients stl and dreg are 0.
func TestTheoremIWAE(t *testing.T) {
	var g goldenIWAE
	golden(t, "iwae.json", &g)
	at := func(x, variance float64) float64 { return -0.5 * (x*x/variance + math.Log(2*math.Pi*variance)) }
	logp := at(g.X, 1+g.W*g.W)
	near(t, "ln p(x)", []Float{Float(logp)}, []float64{g.Exact.LogPx}, g.Tol)
	v := math.Exp(g.L)
	elbo := at(g.X-g.W*g.M, 1) - 0.5*g.W*g.W*v - vae.NormalKL(g.M, v, g.L)
	last := estimate{}
	for _, K := range []int{1, 2, 5, 20} {
		m, _ := scalarModel(IWAE{K: K, Gradient: "total"}, g.W, g.M, g.L)
		bound, _ := rounds(m, nil, many(g.X, 20000/K), 1, 20, false)
		switch se := math.Hypot(bound.se(), last.se()); {
		case K == 1 && math.Abs(bound.mean()-elbo) > 4*bound.se():
			t.Errorf("L_1 is %v ± %v, the ELBO %v", bound.mean(), bound.se(), elbo)
		case K > 1 && bound.mean() < last.mean()+4*se:
			t.Errorf("L_%d is %v ± %v, that of fewer samples %v", K, bound.mean(), bound.se(), last.mean())
		}
		if bound.mean() > logp+4*bound.se() {
			t.Errorf("L_%d is %v ± %v, ln p(x) %v", K, bound.mean(), bound.se(), logp)
		}
		last = bound
	}
	for _, K := range []int{1, 5} {
		for _, gradient := range gradients {
			m, grads := scalarModel(IWAE{K: K, Gradient: gradient}, g.W, g.Exact.Mean, math.Log(g.Exact.Var))
			terms := m.Loss(&nn.Pass{Tape: &grad.Tape{}, Train: true, KLWeight: 1, Noise: rand.New(rand.NewPCG(1, 1))}, many(g.X, 3))
			terms.Loss.Backward()
			near(t, "a draw of the bound", []Float{-terms.Loss.Data[0]}, []float64{logp}, 1e-6)
			d := math.Hypot(float64(grads()[1]), float64(grads()[2]))
			if zero := d < 1e-5; zero != (gradient != "total") {
				t.Errorf("K %d, %s: the gradient in m and l has norm %v", K, gradient, d)
			}
		}
	}
}

// TestIWAEConformance: TestConformance tries the gradient total. That of dreg is no function's, so only that of stl is
// compared with differences.
func TestIWAEConformance(t *testing.T) {
	for gradient, differences := range map[string]uint64{"stl": 1, "dreg": 0} {
		for _, methods := range []combination{
			{IWAE{K: 3, Gradient: gradient}},
			{IWAE{K: 3, Gradient: gradient}, BN{Gamma: 0.5, Eps: 1e-8, Momentum: 0.1}},
			{IWAE{K: 2, Gradient: gradient}, VMF{Kappa: 5}},
			{IWAE{K: 2, Gradient: gradient}, cheaper["mixture-prior"]},
		} {
			for _, fault := range faultsOf(methods, differences) {
				t.Errorf("%+v: %s", methods, fault)
			}
		}
	}
}

// TestIWAEOneSample: with one sample and the KL at the sample, total is the ELBO: beside vanilla its mean is the same.
func TestIWAEOneSample(t *testing.T) {
	var one, plain estimate
	for of, method := range map[*estimate]vae.Method{&one: IWAE{K: 1, Gradient: "total"}, &plain: Vanilla{}} {
		b := newBench(method, 1)
		for seed := range uint64(400) {
			b.tape.Reset()
			of.add(b.model().Loss(b.on(b.tape, true, seed), b.x).Loss.Scalar())
		}
	}
	if se := math.Hypot(one.se(), plain.se()); math.Abs(one.mean()-plain.mean()) > 4*se {
		t.Errorf("loss %v with one sample, %v of the ELBO, standard error %v", one.mean(), plain.mean(), se)
	}
}

// TestIWAERefuses: what a bound of several samples cannot go with is refused, naming both.
func TestIWAERefuses(t *testing.T) {
	for name, c := range map[string]struct {
		with vae.Method
		says string
	}{
		"a penalty":    {FreeBits{Lambda: 1, Mode: "dim"}, "iwae makes the loss of several samples, which has no KL term that free-bits could change; leave one of them out"},
		"a refinement": {SAVAE{Steps: 2, LR: 1, Mode: "through"}, "iwae makes the loss of several samples, and sa-vae improves the posterior by the loss of one; leave one of them out"},
		"codes":        {FSQ{Levels: 4}, "fsq makes posteriors of the family code, and iwae needs those of the family gaussian, sphere or flow; choose another head or leave iwae out"},
	} {
		if _, err := Check(IWAE{K: 2, Gradient: "total"}, c.with); fmt.Sprint(err) != c.says {
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
	}
	for _, beside := range []vae.Method{Aggressive{Every: 2, Most: 4, Patience: 1}, FBP{AEEpochs: 1}, ControlVAE{C: 1, Kp: 0.1, Ki: 0.1, Mode: "to-1"}, InfoVAE{MMD: 1, Kernel: "imq"}} {
		if _, err := Check(IWAE{K: 2, Gradient: "dreg"}, beside); err != nil {
			t.Errorf("beside %T: %v", beside, err)
		}
	}
}
