package vae

import (
	"math"
	"math/rand/v2"
	"slices"
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
// its value is that of each sample on its own, its mean that of the closed form, and its gradient its own.
func TestBound(t *testing.T) {
	const K, weight = 3, 0.7
	mean := &Bound{K: K, Loss: func(p *nn.Pass, s Samples) *grad.Value { return s.LogW(p.KLWeight).Mean().Neg() }}
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
	if terms.Z.Rows != 3*K || terms.X.B() != 3*K || !slices.Equal(terms.X.Labels, []int{3, 3, 3, 1, 1, 1, 2, 2, 2}) {
		t.Fatalf("%d z of %d examples with labels %v", terms.Z.Rows, terms.X.B(), terms.X.Labels)
	}
	if got, want := terms.Loss.Scalar(), -terms.Rec.Mean().Scalar()+weight*terms.Penalty.Scalar(); math.Abs(got-want) > 1e-5 {
		t.Errorf("loss %v, of its terms %v", got, want)
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
		got := slices.Clone(p.Grad)
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

// TestInputs: the decoder reads other symbols in training, and predicts the same; in evaluation it reads x.
func TestInputs(t *testing.T) {
	x := NewBatch([][]int32{{1, 7, 8, 2}}, nil)
	m := Model{Variant: Variant{Inputs: func(_ *nn.Pass, x *Batch) []int32 {
		in := slices.Clone(x.In)
		in[1] = Unk
		return in
	}}}
	got := m.read(&nn.Pass{Train: true}, x)
	if !slices.Equal(got.In, []int32{1, Unk, 8}) || !slices.Equal(got.Out, x.Out) || !slices.Equal(x.In, []int32{1, 7, 8}) {
		t.Errorf("reads %v, predicts %v", got.In, got.Out)
	}
	if m.read(&nn.Pass{}, x) != x {
		t.Error("evaluation reads something else")
	}
}

// TestGiven: conditions are repeated with their examples.
func TestGiven(t *testing.T) {
	x := NewGrid([][]float32{{1}, {2}}, []int{5, 6}, false)
	x.Given = NewGrid([][]float32{{10}, {20}}, nil, false)
	r := x.Repeat(2)
	if got := r.Given.Values.Data; !slices.Equal(got, []Float{10, 10, 20, 20}) || !slices.Equal(r.Labels, []int{5, 5, 6, 6}) {
		t.Errorf("given %v, labels %v", got, r.Labels)
	}
}
