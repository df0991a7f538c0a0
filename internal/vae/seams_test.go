package vae

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

// A near model encodes x as mu = w x, sigma² = e^s, and explains x by N(x; z, 1): all of it is Gaussian.
type near struct{ w, s *nn.Param }

func newNear() (*nn.Params, near) {
	ps := &nn.Params{Seed: 1}
	return ps, near{ps.New("encoder.w", nn.Constant(0.4), 1, 2), ps.New("encoder.s", nn.Constant(-0.5), 1, 2)}
}

func (n near) Encode(p *nn.Pass, x *Batch) (m, s *grad.Value) {
	zero := p.Tape.Zeros(x.B(), 2)
	return p.Tape.Const(x.Values).MulRow(p.Use(n.w)), zero.AddRow(p.Use(n.s))
}

func (n near) LogProb(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value {
	return z.Sub(p.Tape.Const(x.Values)).Square().RowSums().Scale(-0.5)
}

var points = NewGrid([][]float32{{1, -0.5}, {0.3, 2}, {-1, 0}}, []int{3, 1, 2}, false)

// TestBound: the mean over K samples of ln w, without the exponentials of importance weights, is the ELBO of K samples:
// its mean is that of the closed form, and its gradient its own. Extras get the posterior, z and x of each example once, as
// without a bound; rec is the mean over the samples.
func TestBound(t *testing.T) {
	const K, weight = 3, 0.7
	var samples Samples
	mean := &Bound{K: K, Loss: func(p *nn.Pass, s Samples) *grad.Value {
		samples = s
		return s.LogW(p.KLWeight).Mean().Neg()
	}}
	ps, n := newNear()
	m := &Model{Params: ps, Encoder: n, Decoder: n, Variant: Variant{Bound: mean}, D: 2}
	loss := func(seed uint64, backward bool) *Terms {
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: !backward}, Train: true, KLWeight: weight, Noise: rand.New(rand.NewPCG(seed, 2))}
		terms := m.Loss(p, points)
		if backward {
			ps.ZeroGrad()
			terms.Loss.Backward()
		}
		return terms
	}
	terms := loss(1, false)
	if s := samples.Z; s.Rows != 3*K || terms.X != points || terms.Z.Rows != 3 || terms.KL.Rows != 3 || terms.Q != terms.First {
		t.Fatalf("%d z, of which the terms have %d of %d examples", s.Rows, terms.Z.Rows, terms.X.B())
	}
	for i := range 3 {
		if !slices.Equal(terms.Z.Row(i), samples.Z.Row(i*K)) {
			t.Errorf("example %d: z is %v, its first %v", i, terms.Z.Row(i), samples.Z.Row(i*K))
		}
		var rec Float
		for k := range K {
			var off Float
			for j, z := range samples.Z.Row(i*K + k) {
				off += (z - points.Values.Row(i)[j]) * (z - points.Values.Row(i)[j])
			}
			rec -= off / 2 / K
		}
		if got := terms.Rec.Data[i]; math.Abs(float64(got-rec)) > 1e-5 {
			t.Errorf("example %d: rec %v, the mean over its samples %v", i, got, rec)
		}
	}
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, KLWeight: weight, Noise: rand.New(rand.NewPCG(1, 2))}
	extra := Variant{Extras: []Extra{func(_ *nn.Pass, t *Terms) *grad.Value { return t.Z.Square().RowSums().Mean() }}}
	with := &Model{Params: ps, Encoder: n, Decoder: n, Variant: Variant{Bound: mean, Extras: extra.Extras}, D: 2}
	if got := with.Loss(p, points); math.Abs(got.Loss.Scalar()-got.Extra.Scalar()-terms.Loss.Scalar()) > 1e-5 || got.Extra.Scalar() <= 0 {
		t.Errorf("loss %v with an extra of %v, %v without", got.Loss.Scalar(), got.Extra.Scalar(), terms.Loss.Scalar())
	}
	const draws = 4000
	var sampled, closed float64
	for seed := range uint64(draws) {
		sampled += loss(seed, false).Loss.Scalar() / draws
	}
	plain := &Model{Params: ps, Encoder: n, Decoder: n, D: 2}
	for seed := range uint64(draws) {
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, KLWeight: weight, Noise: rand.New(rand.NewPCG(seed, 3))}
		closed += plain.Loss(p, points).Loss.Scalar() / draws
	}
	if math.Abs(sampled-closed) > 0.05 {
		t.Errorf("mean loss %v, of the ELBO %v", sampled, closed)
	}
	loss(7, true)
	h, tol := 1e-5, 1e-6
	if tensor.Bits == 32 {
		h, tol = 3e-3, 2e-2
	}
	for _, p := range ps.Learnt() {
		got := slices.Clone(p.Grad())
		for j, v := range p.Data {
			p.Data[j] = v + Float(h)
			up := loss(7, false).Loss.Scalar()
			p.Data[j] = v - Float(h)
			down := loss(7, false).Loss.Scalar()
			p.Data[j] = v
			if want := (up - down) / (2 * h); math.Abs(float64(got[j])-want) > tol*(1+math.Abs(want)) || want == 0 {
				t.Errorf("%s[%d]: gradient %v, central difference %v", p.Name, j, got[j], want)
			}
		}
	}
	if _, err := Compose(Variant{Bound: mean}, Variant{Penalty: func(*nn.Pass, *Terms) *grad.Value { return nil }}); err == nil {
		t.Error("a bound goes with a penalty")
	}
}

// TestHoldQ: ln q with its parameters held fixed has their value and no gradient in them, whether they are those of an example
// or of the layers that all share. Its gradient in z is that of ln q.
func TestHoldQ(t *testing.T) {
	ps := &nn.Params{Seed: 6}
	layers := []IAFLayer{NewIAFLayer(ps, "encoder.0", 3, false), NewIAFLayer(ps, "encoder.1", 3, true)}
	raw := ps.New("encoder.raw", nn.Normal(1), 2, 18)
	grads := func(hold bool) (logq []Float, dz []Float) {
		p := &nn.Pass{Tape: &grad.Tape{}}
		all := p.Use(raw)
		q := NewIAF(p, FromLogvar(all.Columns(0, 3), all.Columns(3, 6)), layers, all.Columns(6, 18))
		dz = make([]Float, 6)
		z := p.Tape.Leaf(matrix(2, 3, 0.5, -1, 2, 0.1, 0.7, -0.3), dz)
		s := Samples{Q: q, Z: z, LogQ: q.LogProb(p, z)}
		if hold {
			s = s.HoldQ(p)
		}
		ps.ZeroGrad()
		s.LogQ.Sum().Backward()
		if p.Frozen {
			t.Error("the pass stays frozen")
		}
		return s.LogQ.Data, dz
	}
	logq, dz := grads(false)
	for _, p := range ps.Learnt() {
		if !slices.ContainsFunc(p.Grad(), func(g Float) bool { return g != 0 }) {
			t.Errorf("%s has no gradient", p.Name)
		}
	}
	held, dzHeld := grads(true)
	if !slices.Equal(logq, held) || !slices.Equal(dz, dzHeld) || dz[0] == 0 {
		t.Errorf("ln q %v with gradient %v, held %v with %v", logq, dz, held, dzHeld)
	}
	for _, p := range ps.Learnt() {
		if slices.ContainsFunc(p.Grad(), func(g Float) bool { return g != 0 }) {
			t.Errorf("%s has the gradient %v though it is held", p.Name, p.Grad())
		}
	}
}

// TestRefine: a step from the encoder's mu to the exact posterior's, x/2, is what the loss and metrics see.
func TestRefine(t *testing.T) {
	ps, n := newNear()
	exact := func(p *nn.Pass, m *Model, x *Batch, q Posterior) Posterior {
		return FromLogvar(p.Tape.Const(x.Values).Scale(0.5), q.(Gaussian).Logvar)
	}
	m := &Model{Params: ps, Encoder: n, Decoder: n, Variant: Variant{Refine: exact}, D: 2}
	p := &nn.Pass{Tape: &grad.Tape{}, KLWeight: 1}
	for _, q := range []Posterior{m.Posterior(p, points), m.Loss(p, points).Q} {
		if got := q.Mean().Row(1)[1]; got != 1 {
			t.Errorf("mu %v, refined 1", got)
		}
	}
}

// An echo is a Reader whose rows are the symbols that it reads, beside each the z of its sentence.
type echo struct{ words *nn.Param }

func (e echo) Read(p *nn.Pass, z *grad.Value, in []int32, x *Batch) *grad.Value {
	h := p.Tape.Zeros(len(in), 1)
	for i, s := range in {
		h.Data[i] = Float(s)
	}
	return h.Beside(z.Spread(x.Predict))
}

func (e echo) Signal(_ *nn.Pass, z *grad.Value) *grad.Value { return z }

func (e echo) Output(p *nn.Pass) *grad.Value { return p.Use(e.words) }

// TestWords: what is read is x.In or that of Inputs, in training and in evaluation; what is predicted stays. Logits are
// added to those of the output layer, and likelihood and prediction have the same.
func TestWords(t *testing.T) {
	const V = 10
	ps := &nn.Params{Seed: 1}
	read := echo{ps.New("decoder.words", nn.Normal(1), V, 2)}
	s := nn.NewLinear(ps, "decoder.s", 1, V, nn.Normal(1))
	x := NewBatch([][]int32{{1, 7, 8, 2}, {1, 9, 2}}, nil)
	decode := func(v Variant, train bool) (logp, logits []Float) {
		t.Helper()
		d, err := v.Decode(Words{Reader: read})
		if err != nil {
			t.Fatal(err)
		}
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, Train: train}
		z := p.Tape.Const(matrix(2, 1, 0.5, -1))
		return d.LogProb(p, z, x).Data, d.(Predictor).Predict(p, z, x).Data
	}
	inputs := Variant{Inputs: func(p *nn.Pass, x *Batch) []int32 {
		in := p.Tape.Symbols(len(x.In))
		copy(in, x.In)
		in[2] = Unk
		return in
	}}
	plainLogp, plain := decode(Variant{}, false)
	for _, train := range []bool{false, true} {
		_, got := decode(inputs, train)
		for i := range got {
			want := plain[i]
			if i/V == 2 { // the row that reads the first word of the first sentence, 7
				want += (Unk - 7) * read.words.Row(i % V)[0]
			}
			if math.Abs(float64(got[i]-want)) > 1e-5 {
				t.Errorf("train %t: logit %d of row %d is %v, want %v", train, i%V, i/V, got[i], want)
			}
		}
	}
	if !slices.Equal(x.In, []int32{1, 1, 7, 9, 8}) {
		t.Errorf("the batch has changed: %v", x.In)
	}
	logp, got := decode(Variant{Logits: Skip(s)}, false)
	rows := []Float{0.5, -1, 0.5, -1, 0.5} // z of each row's sentence
	sums := make([]float64, 2)
	for i := range got {
		if want := plain[i] + rows[i/V]*s.Weight.Data[i%V]; math.Abs(float64(got[i]-want)) > 1e-5 {
			t.Errorf("skip: logit %d of row %d is %v, want %v", i%V, i/V, got[i], want)
		}
	}
	for r, y := range x.Out {
		var sum float64
		for _, l := range got[r*V:][:V] {
			sum += math.Exp(float64(l))
		}
		sums[[]int{0, 1, 0, 1, 0}[r]] += float64(got[r*V+int(y)]) - math.Log(sum)
	}
	for i, want := range sums {
		if math.Abs(float64(logp[i])-want) > 1e-4 || logp[i] == plainLogp[i] {
			t.Errorf("skip: ln p of example %d is %v, by the logits %v, without skip %v", i, logp[i], want, plainLogp[i])
		}
	}
}

// TestOutput: an output map makes logits of [h; z], with the sizes that the decoder names, in place of W; what is read is
// still that of Inputs. A map that does not fit is refused.
func TestOutput(t *testing.T) {
	const V = 10
	x := NewBatch([][]int32{{1, 7, 8, 2}, {1, 9, 2}}, nil)
	weights := matrix(V, 3, make([]Float, 3*V)...)
	for i := range weights.Data {
		weights.Data[i] = Float(math.Sin(float64(i)))
	}
	v := Variant{
		Inputs: func(p *nn.Pass, x *Batch) []int32 { return make([]int32, len(x.In)) },
		Output: func(in, out int) (Output, error) {
			if in != 3 || out != V {
				return nil, fmt.Errorf("sizes %d and %d", in, out)
			}
			return func(p *nn.Pass, r *grad.Value) (rows, w *grad.Value) { return r.Scale(2), p.Tape.Const(weights) }, nil
		},
	}
	d, err := v.Decode(Words{Reader: echo{}, In: 3, Out: V})
	if err != nil {
		t.Fatal(err)
	}
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
	z := p.Tape.Const(matrix(2, 1, 0.5, -1))
	logits := d.(Predictor).Predict(p, z, x)
	sums := make([]float64, 2)
	for r, y := range x.Out {
		i := []int{0, 1, 0, 1, 0}[r]
		var sum float64
		for k, got := range logits.Row(r) { // h is [0 z]
			want := 2 * z.Data[i] * (weights.Row(k)[1] + weights.Row(k)[2])
			if math.Abs(float64(got-want)) > 1e-5 {
				t.Errorf("logit %d of row %d is %v, want %v", k, r, got, want)
			}
			sum += math.Exp(float64(got))
		}
		sums[i] += float64(logits.Row(r)[y]) - math.Log(sum)
	}
	for i, got := range d.LogProb(p, z, x).Data {
		if math.Abs(float64(got)-sums[i]) > 1e-4 {
			t.Errorf("ln p of example %d is %v, by the logits %v", i, got, sums[i])
		}
	}
	if _, err := v.Decode(Words{Reader: echo{}, In: 4, Out: V}); fmt.Sprint(err) != "sizes 4 and 10" {
		t.Errorf("a map of other sizes: %v", err)
	}
}

// TestDecodeRefuses: a decoder that reads no words, and a second term of the logits.
func TestDecodeRefuses(t *testing.T) {
	term := Logits(func(*nn.Pass, *grad.Value, *Batch) (rows, weights *grad.Value) { return nil, nil })
	for name, c := range map[string]struct {
		v    Variant
		d    Decoder
		says string
	}{
		"no words":       {Variant{Logits: term}, fixed{}, "vae.fixed reads none"},
		"no map":         {Variant{Output: func(int, int) (Output, error) { return nil, nil }}, fixed{}, "vae.fixed has no place for one"},
		"inputs":         {Variant{Inputs: func(*nn.Pass, *Batch) []int32 { return nil }}, fixed{}, "vae.fixed reads none"},
		"two":            {Variant{Logits: term}, Words{Logits: term}, "both add to the logits"},
		"what it can":    {Variant{Logits: term}, Words{}, "<nil>"},
		"nothing to do ": {Variant{}, fixed{}, "<nil>"},
		"no variance":    {Variant{Noise: func(*nn.Pass, *grad.Value) *grad.Value { return nil }}, Words{}, "vae.Words has none"},
	} {
		if _, err := c.v.Decode(c.d); !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
	}
	if v, err := Compose(Variant{Kind: Text, Words: true}, Variant{Kind: Text}, Variant{}); err != nil || v.Kind != Text || !v.Words {
		t.Errorf("a variant that needs words and one that needs text need %v, words %t, %v", v.Kind, v.Words, err)
	}
	const want = "first acts on examples of the kind text, and second on those of the kind image; leave one of them out"
	if _, err := Compose(Variant{Name: "first", Kind: Text}, Variant{Name: "second", Kind: Image}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestVectors: ln p of a decoder with a fixed variance, and with a variant's, is that of independent numbers. The variant gets
// the squared errors, also where metrics ask.
func TestVectors(t *testing.T) {
	const s2 = 0.3
	z, x := matrix(2, 3, 2, 4, -2, 0, 1, 6), NewGrid([][]float32{{1, 1.5, -1}, {0.5, 0, 4}}, nil, false)
	var squares *grad.Value
	noise := Variant{Noise: func(p *nn.Pass, s *grad.Value) *grad.Value {
		squares = s
		return p.Tape.Zeros(1, 1).Shift(Float(math.Log(s2)))
	}}
	half := func(_ *nn.Pass, z *grad.Value) *grad.Value { return z.Scale(0.5) }
	for name, c := range map[string]struct {
		variant Variant
		fixed   float64
	}{"fixed": {Variant{}, s2}, "of a variant": {noise, 7}} {
		d, err := c.variant.Decode(Vectors{Mean: half, Variance: c.fixed})
		if err != nil {
			t.Fatal(err)
		}
		p := &nn.Pass{Tape: &grad.Tape{}}
		logp := d.LogProb(p, p.Tape.Const(z), x)
		for i := range 2 {
			want := 0.0
			for j, v := range x.Values.Row(i) {
				off := float64(v - z.Row(i)[j]/2)
				want -= 0.5 * (off*off/s2 + math.Log(2*math.Pi*s2))
			}
			if got := float64(logp.Data[i]); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("%s: ln p of example %d is %v, want %v", name, i, got, want)
			}
		}
		if mean := d.(Predictor).Predict(p, p.Tape.Const(z), x); mean.Row(1)[2] != 3 {
			t.Errorf("%s: the mean is %v, want 3", name, mean.Row(1)[2])
		}
	}
	if squares.Row(1)[2] != 1 || squares.Rows != 2 || squares.Cols != 3 {
		t.Errorf("squared errors %v: %v", squares.Matrix, squares.Data)
	}
}

// TestAuxiliary: its terms are in the loss of training, unweighted, and nowhere else.
func TestAuxiliary(t *testing.T) {
	adds := func(c Float) Variant {
		return Variant{Auxiliary: []Extra{func(_ *nn.Pass, t *Terms) *grad.Value { return t.Z.Square().RowSums().Mean().Scale(c) }}}
	}
	both, err := Compose(adds(2), adds(3))
	if err != nil {
		t.Fatal(err)
	}
	loss := func(v Variant, train bool) (*Terms, float64) {
		m := Model{Variant: v, Encoder: fixed{}, Decoder: fixed{}, D: 2}
		terms := m.Loss(&nn.Pass{Tape: &grad.Tape{}, Train: train, KLWeight: 0.5}, &Batch{Values: matrix(1, 1, 0)})
		return terms, terms.Loss.Scalar()
	}
	_, plain := loss(Variant{}, true)
	terms, got := loss(both, true)
	if want := plain + 5*(0.3*0.3+1); math.Abs(got-want) > 1e-5 || terms.Extra != nil {
		t.Errorf("loss %v, want %v; extra %v", got, want, terms.Extra)
	}
	if _, got := loss(both, false); got != plain {
		t.Errorf("in evaluation the loss is %v, without it %v", got, plain)
	}
}

// TestGiven: the condition of each example is where GivenAt says, though examples and conditions are sorted by their own
// lengths, and stays there when examples are repeated.
func TestGiven(t *testing.T) {
	seqs := [][]int32{{1, 10, 2}, {1, 11, 11, 11, 2}, {1, 12, 12, 2}, {1, 13, 2}}
	given := [][]int32{{1, 20, 20, 20, 2}, {1, 21, 2}, {1, 22, 2}, {1, 23, 23, 2}} // another order of lengths
	x := NewBatch(seqs, []int{0, 1, 2, 3})
	x.Condition(NewBatch(given, nil))
	if !slices.Equal(x.Rows, []int{1, 2, 0, 3}) || slices.Equal(x.Given.Rows, x.Rows) {
		t.Fatalf("rows %v, those of the conditions %v", x.Rows, x.Given.Rows)
	}
	for _, k := range []int{1, 3} {
		r := x.Repeat(k)
		if r.B() != 4*k || len(r.GivenAt) != 4*k || len(r.Rows) != 4*k {
			t.Fatalf("%d times: %d examples, %d conditions", k, r.B(), len(r.GivenAt))
		}
		for i, seq := range r.Seqs {
			n := int(seq[1]) - 10 // the number of the pair
			if got := int(r.Given.Seqs[r.GivenAt[i]][1]) - 20; got != n || r.Rows[i] != n || r.Labels[i] != n {
				t.Errorf("%d times: example %d is pair %d; its condition is of pair %d, its row %d, its label %d", k, i, n, got, r.Rows[i], r.Labels[i])
			}
		}
	}

	grid := NewGrid([][]float32{{1}, {2}}, []int{5, 6}, false)
	grid.Condition(NewBatch([][]int32{{1, 7, 2}, {1, 8, 8, 2}}, nil))
	r := grid.Repeat(2)
	for i, want := range []int32{7, 7, 8, 8} {
		if got := r.Given.Seqs[r.GivenAt[i]][1]; got != want || r.Labels[i] != 5+i/2 || r.Values.Data[i] != Float(1+i/2) {
			t.Errorf("example %d is %v with label %d and condition %d, want %d", i, r.Values.Data[i], r.Labels[i], got, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an example has no condition")
		}
	}()
	grid.Condition(NewGrid([][]float32{{1}}, nil, false))
}
