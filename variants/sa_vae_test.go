package variants

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// row is one example on the tape, a leaf with the place of its gradient.
func row(tape *grad.Tape, x []float64) (*grad.Value, []Float) { return leaf(tape, [][]float64{x}) }

// A closed model encodes one example as the leaves m and s. Its decoder says nothing: the whole NELBO of the linear decoder,
// ln p(x|z) = ln N(x; W z, s2 I), is in the penalty, in closed form.
type closed struct {
	m, s *grad.Value
	w    [][]float64 // (P, D)
	x    []float64
	s2   float64
}

func (c closed) Encode(*nn.Pass, *vae.Batch) (m, s *grad.Value) { return c.m, c.s }

func (c closed) LogProb(p *nn.Pass, z *grad.Value, _ *vae.Batch) *grad.Value {
	return p.Tape.Zeros(z.Rows, 1)
}

// nelbo is |x - W mu|²/(2 s2) + sum_j (W'W)_jj sigma_j²/(2 s2) + P/2 ln(2 pi s2) + KL.
func (c closed) nelbo(p *nn.Pass, t *vae.Terms) *grad.Value {
	q := t.Q.(vae.Gaussian)
	w, squares := tensor.New(len(c.w), len(c.w[0])), make([]Float, len(c.w[0]))
	for i, v := range flat(c.w) {
		w.Data[i] = Float(v)
		squares[i%w.Cols] += Float(v * v / (2 * c.s2))
	}
	x := p.Tape.Zeros(1, w.Rows)
	for i, v := range c.x {
		x.Data[i] = Float(v)
	}
	off := x.Sub(q.Mu.MatMulT(p.Tape.Const(w))).Square().Sum().Scale(Float(0.5 / c.s2))
	spread := q.Sigma.Square().Mask(squares).Sum()
	return off.Add(spread).Shift(Float(0.5 * float64(len(c.x)) * math.Log(2*math.Pi*c.s2))).Add(t.KL.Sum())
}

// run is a training pass of the closed model.
func (c closed) run(tape *grad.Tape, v SAVAE) *vae.Terms {
	variant := v.Build(vae.Builder{D: len(c.w[0])})
	variant.Penalty = c.nelbo
	m := vae.Model{Encoder: c, Decoder: c, Variant: variant, D: len(c.w[0])}
	return m.Loss(&nn.Pass{Tape: tape, Train: true, KLWeight: 1, Noise: rand.New(rand.NewPCG(1, 2))}, vae.NewGrid([][]float32{{0}}, nil, false))
}

// TestGoldenSVI: five steps, the gradient through them, and the loss of the cheap mode. In float32 the gradient, which is made
// of differences, is good to 3e-5.
func TestGoldenSVI(t *testing.T) {
	var want struct {
		What    string
		W       [][]float64
		X       []float64
		S2      float64
		M0, L0  []float64
		M5, L5  []float64
		NELBO0  float64
		NELBO5  float64
		Ddm0    []float64 `json:"d_dm0"`
		Ddl0    []float64 `json:"d_dl0"`
		BestM   []float64 `json:"best_m"`
		BestLog []float64 `json:"best_logvar"`
		Cheap   float64   `json:"cheap_mode_loss"`
		LogPx   float64   `json:"log_px"`
		Tol     float64
	}
	golden(t, "svi.json", &want)
	setting := func(before, after string) float64 { // the golden states its settings in words
		found := regexp.MustCompile(regexp.QuoteMeta(before) + `([.0-9]*[0-9])` + regexp.QuoteMeta(after)).FindStringSubmatch(want.What)
		if found == nil {
			t.Fatalf("no number between %q and %q in %q", before, after, want.What)
		}
		v, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := SAVAE{Steps: int(setting("; ", " momentum steps")), LR: 32 * setting("lr ", ","), Momentum: setting("momentum ", " ("), Mode: "through"}
	cheap := v
	cheap.Mode = "cheap"
	tape := &grad.Tape{}
	c := closed{w: want.W, x: want.X, s2: want.S2}
	var dm, ds []Float
	start := func() {
		c.m, dm = row(tape, want.M0)
		c.s, ds = row(tape, want.L0)
	}
	start()
	terms := c.run(tape, v)
	q := terms.Q.(vae.Gaussian)
	near(t, "m5", q.Mu.Data, want.M5, want.Tol)
	near(t, "l5", q.Logvar.Data, want.L5, want.Tol)
	near(t, "nelbo5", terms.Loss.Data, []float64{want.NELBO5}, want.Tol)
	terms.Loss.Backward()
	through := want.Tol
	if tensor.Bits == 32 {
		through = 3e-5
	}
	near(t, "d/dm0", dm, want.Ddm0, through)
	near(t, "d/dl0", ds, want.Ddl0, through)

	tape.Reset()
	start()
	terms = c.run(tape, cheap)
	near(t, "m5", terms.Q.Mean().Data, want.M5, want.Tol)
	near(t, "cheap mode's loss", terms.Loss.Sub(terms.Penalty).Data, []float64{want.Cheap}, want.Tol)

	tape.Reset()
	start()
	still := cheap
	still.LR = 0
	terms = c.run(tape, still)
	near(t, "nelbo0", terms.Penalty.Data, []float64{want.NELBO0}, want.Tol)

	tape.Reset()
	start()
	long := cheap
	long.Steps = 400
	terms = c.run(tape, long)
	q = terms.Q.(vae.Gaussian)
	near(t, "best m", q.Mu.Data, want.BestM, want.Tol)
	near(t, "best logvar", q.Logvar.Data, want.BestLog, want.Tol)
	if nelbo := terms.Penalty.Scalar(); nelbo < -want.LogPx-1e-6 {
		t.Errorf("the NELBO, %v, is below -ln p(x), %v", nelbo, -want.LogPx)
	}
}

// A curved bench has a decoder that learns, is not linear in z and drops a share of its signals:
//
//	ln p(x|z) = -k |dropout(tanh(W z)) - want|²
type curved struct {
	bench
	w *nn.Param
	k Float
}

func newCurved(k Float, methods ...vae.Method) curved {
	c := curved{k: k}
	c.bench = newBench(made(func(b vae.Builder) vae.Variant {
		c.w = b.Params.New("decoder.w", nn.Normal(0.5), 4, testD)
		v, err := Build(b, methods...)
		if err != nil {
			panic(err)
		}
		return v
	}), 0)
	return c
}

func (c curved) LogProb(p *nn.Pass, z *grad.Value, _ *vae.Batch) *grad.Value {
	y := nn.Dropout(p, z.MatMulT(p.Use(c.w)).Tanh(), 0.3)
	want := p.Tape.Zeros(y.Rows, y.Cols)
	for i := range want.Data {
		want.Data[i] = Float(math.Cos(float64(3 * i)))
	}
	return y.Sub(want).Square().RowSums().Scale(-c.k)
}

// loss is that of a training pass; backward computes all gradients.
func (c curved) loss(backward bool) (float64, *vae.Terms) {
	p := &nn.Pass{
		Tape: &grad.Tape{NoGrad: !backward}, Train: true, KLWeight: 0.7,
		Noise: rand.New(rand.NewPCG(9, 9)), Drop: rand.New(rand.NewPCG(8, 8)),
	}
	m := vae.Model{Encoder: c, Decoder: c, Variant: c.variant, D: testD}
	terms := m.Loss(p, examples(testB))
	if backward {
		c.params.ZeroGrad()
		terms.Loss.Backward()
	}
	return terms.Loss.Scalar(), terms
}

// examples are n that differ.
func examples(n int) *vae.Batch {
	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = []float32{float32(i)}
	}
	return vae.NewGrid(rows, nil, false)
}

// TestThroughIsTheGradient: the gradient through the steps is that of the whole loss, in what encoder, head and decoder learn:
// with dropout, where steps are clipped, where they are not, and with the penalties and extras of other variants.
func TestThroughIsTheGradient(t *testing.T) {
	steps := SAVAE{Steps: 4, LR: 3, Momentum: 0.5, Mode: "through"}
	h, tol := 1e-5, 1e-6
	if tensor.Bits == 32 {
		h, tol = 3e-3, 2e-2
	}
	for name, c := range map[string]curved{
		"free":     newCurved(1, steps),
		"clipped":  newCurved(60, SAVAE{Steps: 4, LR: 0.1, Momentum: 0.5, Mode: "through"}),
		"bn":       newCurved(1, steps, BN{Gamma: 0.7, Eps: 1e-5, Momentum: 0.1}),
		"capacity": newCurved(1, steps, Capacity{C: 30, Gamma: 2}),
		"info-vae": newCurved(1, InfoVAE{Alpha: 0.5, MMD: 3, Kernel: "imq"}, steps),
	} {
		here, terms := c.loss(true)
		if first, last := terms.First.Mean(), terms.Q.Mean(); first == last || here != here {
			t.Fatalf("%s: loss %v, refined %t", name, here, first != last)
		}
		moved := math.Sqrt(tensor.SumSquares(terms.First.Mean().Sub(terms.Q.Mean()).Data))
		if most := 0.1 * 5 * (1 + 1.5 + 1.75 + 1.875); name == "clipped" && (moved > most || moved < most/2) {
			t.Errorf("clipped: mu moved by %v; four steps of norm 5 in one direction would be %v", moved, most)
		}
		unlike := 0.0
		for _, p := range c.params.Learnt() {
			for j, v := range p.Data {
				got := float64(p.Grad()[j])
				p.Data[j] = v + Float(h)
				up, _ := c.loss(false)
				p.Data[j] = v - Float(h)
				down, _ := c.loss(false)
				p.Data[j] = v
				want := (up - down) / (2 * h)
				if off := math.Abs(got-want) / (1 + math.Abs(want)); off > tol {
					t.Errorf("%s: %s[%d]: gradient %v, central difference %v", name, p.Name, j, got, want)
				}
				unlike += math.Abs(want)
			}
		}
		if unlike == 0 {
			t.Errorf("%s: all gradients are 0", name)
		}
	}
}

// TestThroughOneAtATime: the backward pass of a batch after another one was refined would read that one's steps, and panics.
func TestThroughOneAtATime(t *testing.T) {
	c := newCurved(1, SAVAE{Steps: 2, LR: 1, Momentum: 0.5, Mode: "through"})
	p := &nn.Pass{Tape: &grad.Tape{}, Train: true, KLWeight: 1, Noise: rand.New(rand.NewPCG(9, 9)), Drop: rand.New(rand.NewPCG(8, 8))}
	m := vae.Model{Encoder: c, Decoder: c, Variant: c.variant, D: testD}
	terms := m.Loss(p, examples(testB))
	c.loss(false)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	terms.Loss.Backward()
}

// TestCheapHoldsTheLast: in the cheap mode the decoder has the gradient that it has at the last posterior as a constant, and
// the encoder that of KL(q_0 || q_K), with q_K held fixed.
func TestCheapHoldsTheLast(t *testing.T) {
	cheap := SAVAE{Steps: 4, LR: 3, Momentum: 0.5, Mode: "cheap"}
	c := newCurved(1, cheap)
	loss, terms := c.loss(true)
	last := terms.Q.(vae.Gaussian)
	fixed := newCurved(1)
	inner := cheap.Build(vae.Builder{D: testD}).Refine // draws what cheap draws
	fixed.variant.Refine = func(p *nn.Pass, m *vae.Model, x *vae.Batch, q vae.Posterior) vae.Posterior {
		inner(p, m, x, q)
		return vae.FromLogvar(p.Tape.Const(last.Mu.Matrix), p.Tape.Const(last.Logvar.Matrix))
	}
	fixed.variant.Auxiliary = []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
		q := t.First.(vae.Gaussian)
		return q.Sigma.Square().Add(q.Mu.Sub(p.Tape.Const(last.Mu.Matrix)).Square()).Mul(p.Tape.Const(last.Logvar.Matrix).Neg().Exp()).
			Sub(q.Logvar).Add(p.Tape.Const(last.Logvar.Matrix)).Shift(-1).Sum().Scale(0.5 / testB)
	}}
	want, _ := fixed.loss(true)
	near(t, "loss", []Float{Float(loss)}, []float64{want}, 1e-9)
	for k, p := range c.params.Learnt() {
		var all []float64
		for _, g := range fixed.params.Learnt()[k].Grad() {
			all = append(all, float64(g))
		}
		near(t, p.Name, p.Grad(), all, 1e-6)
	}
	for _, fault := range faults(SAVAE{Steps: 5, LR: 1, Momentum: 0.5, Mode: "cheap"}) {
		t.Error(fault)
	}
}

// A line encodes x, a row of D numbers, as q with mu x and ln sigma² 0, and explains it by N(x; c z, 1), for which the exact
// posterior is N(c x/(1 + c²), 1/(1 + c²)).
type line struct{ c Float }

func (l line) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	return p.Tape.Const(x.Values), p.Tape.Zeros(x.Values.Rows, x.Values.Cols)
}

func (l line) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return z.Scale(l.c).Sub(p.Tape.Const(x.Values)).Square().RowSums().Scale(-0.5)
}

// TestStepsFindThePosterior: with drawn eps and many small steps the mean over many refinements is the exact posterior, in
// training and in evaluation. In evaluation the noise of an example is its own, so examples differ a little here.
func TestStepsFindThePosterior(t *testing.T) {
	const B, c, x = 2000, 1.5, 0.8
	rows := make([][]float32, B)
	for i := range rows {
		rows[i] = []float32{x + 1e-5*float32(i), -x}
	}
	v := SAVAE{Steps: 150, LR: 1, Momentum: 0.5, Mode: "cheap"}.Build(vae.Builder{D: 2})
	m := vae.Model{Encoder: line{c}, Decoder: line{c}, Variant: v, D: 2}
	for _, train := range []bool{true, false} {
		tape := &grad.Tape{NoGrad: true}
		q := m.Posterior(&nn.Pass{Tape: tape, Train: train, KLWeight: 1, Noise: rand.New(rand.NewPCG(3, 4))}, vae.NewGrid(rows, nil, false)).(vae.Gaussian)
		mu, logvar := q.Mu.ColMeans(), q.Logvar.ColMeans()
		for j, want := range []float64{c * (x + 1e-5*B/2) / (1 + c*c), -c * x / (1 + c*c)} {
			if math.Abs(float64(mu.Data[j])-want) > 0.01 {
				t.Errorf("train %t: mu %v, of the exact posterior %v", train, mu.Data[j], want)
			}
			if want := -math.Log(1 + c*c); math.Abs(float64(logvar.Data[j])-want) > 0.03 {
				t.Errorf("train %t: ln sigma² %v, of the exact posterior %v", train, logvar.Data[j], want)
			}
		}
	}
}

// TestRefinedAlone: with sa-vae a head's floor is none of the refined q, and free bits are not idle; a bound of several
// samples and another family of posteriors do not go with it.
func TestRefinedAlone(t *testing.T) {
	steps := SAVAE{Steps: 2, LR: 1, Mode: "cheap"}
	v, err := Check(DeltaVAE{Delta: 0.5}, steps)
	if err != nil || v.Floor != nil {
		t.Errorf("beside delta-vae: a floor %t, error %v", v.Floor != nil, err)
	}
	if _, _, idle := IdleFreeBits([]vae.Method{DeltaVAE{Delta: 0.5}, FreeBits{Lambda: 0.5, Mode: "dim"}}, 3); !idle {
		t.Error("free bits below the floor of delta-vae are not idle")
	}
	if _, _, idle := IdleFreeBits([]vae.Method{DeltaVAE{Delta: 0.5}, steps, FreeBits{Lambda: 0.5, Mode: "dim"}}, 3); idle {
		t.Error("free bits are idle though sa-vae leaves the floor")
	}
	bound := made(func(vae.Builder) vae.Variant { return vae.Variant{Bound: &vae.Bound{K: 2}} })
	sphere := made(func(vae.Builder) vae.Variant {
		return vae.Variant{Gives: vae.SphereFamily, Head: func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return vae.FromLogvar(m, s) }}
	})
	for what, other := range map[string]vae.Method{"the loss of several samples": bound, "act on the refine": steps, "the family sphere": sphere} {
		if _, err := Check(steps, other); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want one about %s", err, what)
		}
	}
}
