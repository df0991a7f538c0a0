package variants

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// A reading is a Reader that reads the next of some rows in each pass, and drops a share of them. Its weights are given.
type reading struct {
	rows    []*grad.Value
	weights *grad.Value
	share   Float
	passes  *int
}

func (r reading) Read(p *nn.Pass, _ *grad.Value, _ []int32, _ *vae.Batch) *grad.Value {
	*r.passes++
	return nn.Dropout(p, r.rows[(*r.passes-1)%len(r.rows)], r.share)
}

func (r reading) Signal(_ *nn.Pass, z *grad.Value) *grad.Value { return z }

func (r reading) Output(*nn.Pass) *grad.Value { return r.weights }

// fraternally is the loss of a decoder at KL weight 0: -ln p of its first pass and the auxiliary term.
func fraternally(t *testing.T, v Fraternal, read reading, p *nn.Pass, x *vae.Batch) *vae.Terms {
	t.Helper()
	model := &vae.Model{Encoder: blind{}, D: 1}
	model.Variant = v.Build(vae.Builder{Model: model, D: 1})
	decoder, err := model.Variant.Decode(vae.Words{Reader: read})
	if err != nil {
		t.Fatal(err)
	}
	model.Decoder = decoder
	return model.Loss(p, x)
}

// A blind encoder gives every example N(0, 1).
type blind struct{}

func (blind) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	return p.Tape.Zeros(x.B(), 1), p.Tape.Zeros(x.B(), 1)
}

// TestGoldenFraternal: two passes with given logits. The loss and its gradients in both.
func TestGoldenFraternal(t *testing.T) {
	var want struct {
		Logits1, Logits2 [][]float64
		Targets          []int32
		Kappa, Value     float64
		D1, D2           [][]float64
		Tol              float64
	}
	golden(t, "fraternal.json", &want)
	tape, passes := &grad.Tape{}, 0
	first, d1 := leaf(tape, want.Logits1)
	second, d2 := leaf(tape, want.Logits2)
	identity := make([][]float64, first.Cols)
	for v := range identity {
		identity[v] = make([]float64, first.Cols)
		identity[v][v] = 1
	}
	weights, _ := leaf(tape, identity)
	x := vae.NewBatch([][]int32{append([]int32{1}, want.Targets...)}, nil)
	terms := fraternally(t, Fraternal{Kappa: want.Kappa}, reading{rows: []*grad.Value{first, second}, weights: weights, passes: &passes}, &nn.Pass{Tape: tape, Train: true}, x)
	near(t, "value", terms.Loss.Data, []float64{want.Value}, want.Tol)
	terms.Loss.Backward()
	near(t, "d1", d1, flat(want.D1), want.Tol)
	near(t, "d2", d2, flat(want.D2), want.Tol)
	if passes != 2 {
		t.Errorf("%d passes", passes)
	}
}

// TestTheoremFraternal: over masks the distance has the mean 2 mean_v Var(l_v), which for rows h, weights W and a share r has a
// closed form, 2 mean_v sum_j W_vj² h_j² r/(1-r) for each symbol. Without dropout the term is 0, whatever kappa, and so is its
// gradient. In evaluation there is one pass.
func TestTheoremFraternal(t *testing.T) {
	const H, V, r = 3, 4, 0.3
	noise := rand.New(rand.NewPCG(1, 7))
	of := func(rows, cols int) tensor.Matrix {
		m := tensor.New(rows, cols)
		for i := range m.Data {
			m.Data[i] = Float(noise.NormFloat64())
		}
		return m
	}
	x := vae.NewBatch([][]int32{{1, 3, 2, 0}, {1, 2, 1}}, nil)
	h, w := of(len(x.Out), H), of(V, H)
	want := 0.0
	for i := range h.Rows {
		for v := range V {
			for j := range H {
				want += 2 * math.Pow(float64(w.Row(v)[j]*h.Row(i)[j]), 2) * r / (1 - r) / V / 2 // of two sentences
			}
		}
	}
	loss := func(kappa float64, share Float, train bool, seed uint64) (loss, rec float64, passes int, dh []Float) {
		tape := &grad.Tape{}
		dh = make([]Float, len(h.Data))
		read := reading{rows: []*grad.Value{tape.Leaf(h, dh)}, weights: tape.Const(w), share: share, passes: &passes}
		terms := fraternally(t, Fraternal{Kappa: kappa}, read, &nn.Pass{Tape: tape, Train: train, Drop: rand.New(rand.NewPCG(seed, 3))}, x)
		loss, rec = terms.Loss.Scalar(), -terms.Rec.Mean().Scalar()
		terms.Loss.Backward()
		return loss, rec, passes, dh
	}
	var distance estimate
	for seed := range uint64(3000) {
		with, _, _, _ := loss(1, r, true, seed)
		without, _, _, _ := loss(0, r, true, seed)
		distance.add(with - without)
	}
	if math.Abs(distance.mean()-want) > 4*distance.se() || distance.se() > 0.03*want {
		t.Errorf("the distance has the mean %v, standard error %v; want %v", distance.mean(), distance.se(), want)
	}
	plain, rec, passes, dh := loss(0, 0, true, 1)
	if math.Abs(plain-rec) > 1e-5 || passes != 2 {
		t.Errorf("without dropout the loss is %v after %d passes, rec %v", plain, passes, rec)
	}
	charged, _, _, charges := loss(50, 0, true, 1)
	if math.Abs(charged-plain) > 1e-5 {
		t.Errorf("without dropout kappa adds %v", charged-plain)
	}
	for i := range dh {
		if math.Abs(float64(dh[i]-charges[i])) > 1e-5 {
			t.Errorf("without dropout kappa changes a gradient from %v to %v", dh[i], charges[i])
		}
	}
	if loss, rec, passes, _ := loss(50, r, false, 1); loss != rec || passes != 1 {
		t.Errorf("evaluation: loss %v, rec %v, %d passes", loss, rec, passes)
	}
}

// TestFraternalRefuses: a bound of several samples, and another variant that compares passes; word dropout and the rest go.
func TestFraternalRefuses(t *testing.T) {
	const want = "iwae decodes several samples of each example, and fraternal compares two passes over one; leave one of them out"
	if _, err := Check(Fraternal{Kappa: 1}, IWAE{K: 2, Gradient: "total"}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	twin := made(func(vae.Builder) vae.Variant { return vae.Variant{Name: "twin", Rows: new(vae.Rows)} })
	if _, err := Check(Fraternal{Kappa: 1}, twin); err == nil || !strings.Contains(err.Error(), "both compare another pass") {
		t.Errorf("error %v", err)
	}
	for _, beside := range []vae.Method{WordDropout{Share: 0.2}, Skip{Init: "pytorch"}, SAVAE{Steps: 2, LR: 1, Mode: "through"}, VMF{Kappa: 5}} {
		if _, err := Check(Fraternal{Kappa: 1}, beside); err != nil {
			t.Errorf("beside %T: %v", beside, err)
		}
	}
}
