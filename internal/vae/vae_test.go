package vae

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

func matrix(rows, cols int, x ...Float) tensor.Matrix {
	return tensor.Matrix{Rows: rows, Cols: cols, Data: x}
}

// TestKLIsTheIntegral compares the closed form with numerical integration of q ln(q/p).
func TestKLIsTheIntegral(t *testing.T) {
	var tape grad.Tape
	for _, c := range []struct{ mu, sigma float64 }{{0, 1}, {1.5, 0.3}, {-2, 1.7}, {0.2, -0.8}} {
		q := FromSigma(tape.Const(matrix(1, 1, Float(c.mu))), tape.Const(matrix(1, 1, Float(c.sigma))))
		want, dz := 0.0, 1e-3
		for z := -15.0; z < 15; z += dz {
			v := []float64{float64(Float(z))}
			lq := q.Density(0).LogProb(v)
			want += math.Exp(lq) * (lq - Normal{}.Density(nil, nil)(0).LogProb(v)) * dz
		}
		if got := q.KL().RowSums().Mean().Scalar(); math.Abs(got-want) > 1e-4 {
			t.Errorf("mu %v sigma %v: KL %v, integral %v", c.mu, c.sigma, got, want)
		}
	}
}

// TestTheoremKLIsNotNegative: e^x >= x+1 with x = ln sigma² makes every dimension's KL
// at least mu²/2, whatever sigma and its sign.
func TestTheoremKLIsNotNegative(t *testing.T) {
	var tape grad.Tape
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		mu, sigma := Float(rng.NormFloat64()*2), Float(math.Exp(rng.NormFloat64()*3))
		if rng.IntN(2) == 0 {
			sigma = -sigma
		}
		kl := FromSigma(tape.Const(matrix(1, 1, mu)), tape.Const(matrix(1, 1, sigma))).KL().Scalar()
		if floor := 0.5 * float64(mu) * float64(mu); kl < floor-1e-6*(1+math.Abs(kl)) {
			t.Fatalf("mu %v sigma %v: KL %v is below mu²/2 = %v", mu, sigma, kl, floor)
		}
		tape.Reset()
	}
}

// TestSignOfSigmaIsFree: sigma and -sigma have the same KL and the same density.
func TestSignOfSigmaIsFree(t *testing.T) {
	var tape grad.Tape
	mu := tape.Const(matrix(1, 2, 0.3, -1))
	a, b := FromSigma(mu, tape.Const(matrix(1, 2, 0.5, 2))), FromSigma(mu, tape.Const(matrix(1, 2, -0.5, 2)))
	if x, y := a.KL().Sum().Scalar(), b.KL().Sum().Scalar(); x != y {
		t.Errorf("KL %v and %v", x, y)
	}
	if x, y := a.Density(0).LogProb([]float64{1, 1}), b.Density(0).LogProb([]float64{1, 1}); x != y {
		t.Errorf("ln q %v and %v", x, y)
	}
}

func TestBatchLayout(t *testing.T) {
	x := NewBatch([][]int32{{1, 7, 2}, {1, 5, 6, 2}, {1, 8, 2}}, []int{0, 1, 2})
	if x.B() != 3 || x.Tokens() != 7 || x.Labels[0] != 1 || x.Labels[1] != 0 {
		t.Errorf("B %d tokens %d labels %v", x.B(), x.Tokens(), x.Labels)
	}
	for name, c := range map[string]struct{ got, want []int32 }{
		"Symbols": {x.Symbols, []int32{1, 1, 1, 5, 7, 8, 6, 2, 2, 2}},
		"In":      {x.In, []int32{1, 1, 1, 5, 7, 8, 6}},
		"Out":     {x.Out, []int32{5, 7, 8, 6, 2, 2, 2}},
	} {
		if len(c.got) != len(c.want) {
			t.Fatalf("%s: got %v, want %v", name, c.got, c.want)
		}
		for i := range c.want {
			if c.got[i] != c.want[i] {
				t.Fatalf("%s: got %v, want %v", name, c.got, c.want)
			}
		}
	}
	for b, r := range x.Last {
		if x.Symbols[r] != 2 {
			t.Errorf("Last[%d] is row %d, symbol %d", b, r, x.Symbols[r])
		}
	}
	if r := x.Repeat(2); r.B() != 6 || r.Seqs[0][1] != 5 || r.Seqs[1][1] != 5 || r.Seqs[2][1] != 7 {
		t.Errorf("Repeat(2): %v", r.Seqs)
	}
}

// TestRepeat: a batch of each example k times is laid out as a new batch of these examples, also in the memory of another.
func TestRepeat(t *testing.T) {
	memory := new(Batch)
	for _, seqs := range [][][]int32{
		{{1, 4, 5, 6, 2}, {1, 7, 8, 2}, {1, 9, 3, 2}, {1, 2}},
		{{1, 8, 2}, {1, 2}},
	} {
		x := NewBatch(seqs, []int{7, 8, 9, 10}[:len(seqs)])
		for _, k := range []int{1, 3, 2} {
			var all [][]int32
			for i := range seqs {
				for range k {
					all = append(all, seqs[i])
				}
			}
			want := NewBatch(all, nil)
			memory.repeat(x, k)
			for _, got := range []*Batch{x.Repeat(k), memory} {
				for what, ok := range map[string]bool{
					"sentences": reflect.DeepEqual(got.Seqs, want.Seqs), "symbols": slices.Equal(got.Symbols, want.Symbols),
					"inputs": slices.Equal(got.In, want.In), "targets": slices.Equal(got.Out, want.Out), "last": slices.Equal(got.Last, want.Last),
					"steps": reflect.DeepEqual(got.Steps, want.Steps), "steps of the decoder": reflect.DeepEqual(got.Predict, want.Predict),
				} {
					if !ok {
						t.Errorf("%d examples, %d times: the %s are not those of a new batch: %+v", len(seqs), k, what, got)
					}
				}
				for i, label := range got.Labels {
					if label != x.Labels[i/k] || got.Rows[i] != x.Rows[i/k] || len(got.Labels) != k*len(seqs) {
						t.Errorf("%d times: example %d has label %d and row %d", k, i, label, got.Rows[i])
					}
				}
			}
		}
	}
}

// TestGrid: rows of numbers, drawn from their probabilities where they are grey.
func TestGrid(t *testing.T) {
	rows := [][]float32{{0, 1, 0.25}, {1, 0, 0.25}}
	x := NewGrid(rows, []int{4, 5}, false)
	if x.B() != 2 || x.Tokens() != 6 || x.Values.Row(1)[2] != 0.25 {
		t.Errorf("B %d, %d numbers, %v", x.B(), x.Tokens(), x.Values)
	}
	if r := x.Repeat(2); r.B() != 4 || r.Values.Row(1)[1] != 1 || r.Values.Row(2)[0] != 1 {
		t.Errorf("Repeat(2): %v", r.Values)
	}
	rng, ones := rand.New(rand.NewPCG(1, 2)), 0.0
	x = NewGrid(rows, nil, true)
	for range 2000 {
		x.Draw(rng)
		for i := range 2 {
			row := x.Values.Row(i)
			if row[0] != Float(i) || row[1] != Float(1-i) {
				t.Fatalf("a certain pixel was drawn otherwise: %v", row)
			}
			ones += float64(row[2])
		}
	}
	if got := ones / 4000; math.Abs(got-0.25) > 4*math.Sqrt(0.25*0.75/4000) {
		t.Errorf("a pixel of probability 0.25 was 1 in a share of %v", got)
	}
}

// TestExtrasAddUp: two variants may each add a term; the loss has both, without the KL weight.
func TestExtrasAddUp(t *testing.T) {
	adds := func(c Float) Variant {
		return Variant{Extras: []Extra{func(p *nn.Pass, t *Terms) *grad.Value { return t.Z.Square().RowSums().Mean().Scale(c) }}}
	}
	both, err := Compose(adds(2), adds(3))
	if err != nil {
		t.Fatal(err)
	}
	loss := func(v Variant) (*Terms, float64) {
		tape := &grad.Tape{}
		m := Model{Variant: v, Encoder: fixed{}, Decoder: fixed{}, D: 2}
		terms := m.Loss(&nn.Pass{Tape: tape, KLWeight: 0.5}, &Batch{Values: matrix(1, 1, 0)})
		return terms, terms.Loss.Scalar()
	}
	_, plain := loss(Variant{})
	terms, got := loss(both)
	const square = 0.3*0.3 + 1 // |mu|²
	if want := plain + 5*square; math.Abs(got-want) > 1e-5 || math.Abs(terms.Extra.Scalar()-5*square) > 1e-5 {
		t.Errorf("loss %v, extra %v; want %v, %v", got, terms.Extra.Scalar(), want, 5*square)
	}
	if kl := terms.KL.Sum().Scalar(); terms.Penalty.Scalar() != kl {
		t.Errorf("penalty %v, KL %v", terms.Penalty.Scalar(), kl)
	}
}

// TestProjectsFollowEachOther: the constraints of two variants are both kept, in their order.
func TestProjectsFollowEachOther(t *testing.T) {
	x := 1.0
	both, err := Compose(Variant{Project: func() { x += 2 }}, Variant{}, Variant{Project: func() { x *= 5 }})
	if err != nil {
		t.Fatal(err)
	}
	if both.Project(); x != 15 {
		t.Errorf("%v, want (1+2)*5", x)
	}
}

// A fixed model has one posterior for all x, and a likelihood of 1.
type fixed struct{}

func (fixed) Encode(p *nn.Pass, _ *Batch) (m, s *grad.Value) {
	return p.Tape.Const(matrix(1, 2, 0.3, -1)), p.Tape.Zeros(1, 2)
}

func (fixed) LogProb(p *nn.Pass, z *grad.Value, _ *Batch) *grad.Value { return p.Tape.Zeros(z.Rows, 1) }
