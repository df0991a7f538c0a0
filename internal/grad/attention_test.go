package grad

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"vaelab/internal/tensor"
)

// long has examples of many tiles, and of some rows more.
var long = layout(55, 50)

// layout packs examples of the given lengths, the longest first.
func layout(lengths ...int) Steps {
	s := Steps{Offset: []int{0}}
	for t := range lengths[0] {
		n := 0
		for n < len(lengths) && lengths[n] > t {
			n++
		}
		s.Active, s.Offset = append(s.Active, n), append(s.Offset, s.Offset[t]+n)
	}
	return s
}

func init() {
	attend := func(s Steps, memory, causal bool, heads int) func(in []*Value) *Value {
		return func(in []*Value) *Value {
			if memory {
				return Attention(s, in[0], in[1], heads, causal)
			}
			return Attention(s, in[0], nil, heads, causal)
		}
	}
	formulas = append([]formula{
		{"Attention", [][2]int{{9, 12}}, attend(packed, false, false, 2), 0},
		{"Attention causal", [][2]int{{9, 12}}, attend(packed, false, true, 2), 0},
		{"Attention memory", [][2]int{{9, 12}, {3, 8}}, attend(packed, true, false, 2), 0},
		{"Attention memory causal", [][2]int{{9, 12}, {3, 8}}, attend(packed, true, true, 1), 0},
		{"Attention of eight columns", [][2]int{{9, 48}, {3, 16}}, attend(packed, true, false, 2), 0},
		{"Attention of eight columns causal", [][2]int{{9, 48}, {3, 48}}, attend(packed, true, true, 2), 0},
		{"Attention long", [][2]int{{105, 6}, {2, 2}}, attend(long, true, true, 2), 0},
		{"Affine", [][2]int{{3, 4}, {2, 4}, {1, 2}}, func(in []*Value) *Value { return in[0].Affine(in[1], in[2]) }, 0},
		{"ByExample", [][2]int{{9, 2}}, func(in []*Value) *Value { return in[0].ByExample(packed) }, 0},
		{"BySteps", [][2]int{{9, 2}}, func(in []*Value) *Value { return in[0].BySteps(packed) }, 0},
		{"AddSteps", [][2]int{{9, 2}, {5, 2}}, func(in []*Value) *Value { return in[0].AddSteps(packed, in[1]) }, 0},
		{"FirstRows", [][2]int{{9, 2}}, func(in []*Value) *Value { return in[0].Square().FirstRows(3) }, 0},
	}, formulas...)
}

// TestByExampleOrder writes out where the rows of examples of 4, 3 and 2 steps go.
func TestByExampleOrder(t *testing.T) {
	var tape Tape
	x := tape.Const(tensor.Matrix{Rows: 9, Cols: 1, Data: []Float{0, 10, 20, 1, 11, 21, 2, 12, 3}})
	y := x.ByExample(packed)
	if want := []Float{0, 1, 2, 3, 10, 11, 12, 20, 21}; !slices.Equal(y.Data, want) {
		t.Errorf("ByExample: %v, want %v", y.Data, want)
	}
	if back := y.BySteps(packed); !slices.Equal(back.Data, x.Data) {
		t.Errorf("BySteps: %v, want %v", back.Data, x.Data)
	}
}

func random(rng *rand.Rand, rows, cols int) tensor.Matrix {
	m := tensor.New(rows, cols)
	for i := range m.Data {
		m.Data[i] = Float(rng.NormFloat64())
	}
	return m
}

// naive is Attention written out for one row of one example and head, in float64: q is the
// query, seen the keys and values that it sees.
func naive(q []Float, keys, values [][]Float) []float64 {
	weights, sum := make([]float64, len(keys)), 0.0
	for j, k := range keys {
		dot := 0.0
		for i := range q {
			dot += float64(q[i]) * float64(k[i])
		}
		weights[j] = math.Exp(dot / math.Sqrt(float64(len(q))))
		sum += weights[j]
	}
	y := make([]float64, len(q))
	for j, v := range values {
		for i := range v {
			y[i] += weights[j] / sum * float64(v[i])
		}
	}
	return y
}

func TestAttentionIsTheFormula(t *testing.T) {
	for _, c := range []struct {
		lengths   []int
		E, heads  int
		m, procs  int
		causal    bool
		tolerance float64
	}{
		{[]int{1}, 4, 1, 0, 1, true, 1e-5},
		{[]int{5, 3, 1}, 6, 2, 0, 1, false, 1e-5},
		{[]int{5, 3, 1}, 6, 3, 2, 1, true, 1e-5},
		{[]int{110, 97, 49, 48, 2}, 16, 2, 1, 1, true, 1e-5},
		{[]int{110, 97, 49, 48, 2}, 16, 2, 1, 2, false, 1e-5},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			tensor.SetProcs(c.procs)
			defer tensor.SetProcs(1)
			rng, s := rand.New(rand.NewPCG(1, 2)), layout(c.lengths...)
			B, E, d := len(c.lengths), c.E, c.E/c.heads
			var tape Tape
			qkv := tape.Const(random(rng, s.Rows(), 3*E))
			var memory *Value
			if c.m > 0 {
				memory = tape.Const(random(rng, B, c.m*E))
			}
			y := Attention(s, qkv, memory, c.heads, c.causal)
			row := 0
			for b, T := range c.lengths {
				for i := range T * c.heads {
					r, h := i/c.heads, i%c.heads
					part := func(row, of int) []Float { return qkv.Row(row)[of*E+h*d:][:d] }
					var keys, values [][]Float
					for j := range c.m {
						v := memory.Row(b)[j*E+h*d:][:d]
						keys, values = append(keys, v), append(values, v)
					}
					for k := 0; k < T && (!c.causal || k <= r); k++ {
						keys, values = append(keys, part(row+k, 1)), append(values, part(row+k, 2))
					}
					for j, want := range naive(part(row+r, 0), keys, values) {
						if got := float64(y.Row(row + r)[h*d+j]); math.Abs(got-want) > c.tolerance {
							t.Fatalf("example %d row %d head %d: %v, want %v", b, r, h, got, want)
						}
					}
				}
				row += T
			}
		})
	}
}

// TestAttentionIsOfOneExample: changing one example changes no row of another, and changing
// a row of a causal one changes none before it, to the bit.
func TestAttentionIsOfOneExample(t *testing.T) {
	rng, s := rand.New(rand.NewPCG(1, 2)), layout(70, 60, 3)
	x, memory := random(rng, s.Rows(), 24), random(rng, 3, 8)
	var tape Tape
	before := Attention(s, tape.Const(x), tape.Const(memory), 2, true)
	const changed = 70 + 55 // row 55 of the second
	for i := range x.Row(changed) {
		x.Row(changed)[i]++
	}
	after := Attention(s, tape.Const(x), tape.Const(memory), 2, true)
	for r := range x.Rows {
		same := slices.Equal(before.Row(r), after.Row(r))
		if want := r < changed || r >= 130; same != want {
			t.Errorf("row %d: same %t, want %t", r, same, want)
		}
	}
}

// transformerStep is forward and backward of what a transformer is made of.
func transformerStep(tape *Tape, s Steps, heads int, inputs, grads []tensor.Matrix) {
	var in [6]*Value
	for i := range inputs {
		in[i] = tape.Leaf(inputs[i], grads[i].Data)
	}
	x := in[0].AddSteps(s, in[5]).ByExample(s).LayerNormAffine(in[3], in[4], 1e-5)
	y := Attention(s, x.GELU(), in[1], heads, true)
	y.BySteps(s).MeanSteps(s).MatMulT(in[2]).Square().Mean().Backward()
	tape.Reset()
}

func transformerInputs(s Steps, E int) (inputs, grads []tensor.Matrix) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][2]int{{s.Rows(), 3 * E}, {s.Active[0], E}, {2, E}, {1, 3 * E}, {1, 3 * E}, {len(s.Active), 3 * E}} {
		inputs = append(inputs, random(rng, shape[0], shape[1]))
		grads = append(grads, tensor.New(shape[0], shape[1]))
	}
	return inputs, grads
}

// TestTransformerOnAnyProcessors: gradients have the same bytes on one processor and on more.
func TestTransformerOnAnyProcessors(t *testing.T) {
	defer tensor.SetProcs(1)
	s := layout(64, 64, 64, 50, 50, 41, 3)
	var want []tensor.Matrix
	for procs := 1; procs <= 3; procs++ {
		tensor.SetProcs(procs)
		inputs, grads := transformerInputs(s, 64)
		transformerStep(new(Tape), s, 4, inputs, grads)
		if procs == 1 {
			want = grads
		}
		for i := range grads {
			if !slices.Equal(grads[i].Data, want[i].Data) {
				t.Errorf("gradient of input %d differs between 1 and %d processors", i, procs)
			}
		}
	}
}

func TestTransformerStepAllocatesNothing(t *testing.T) {
	s := layout(9, 9, 4)
	inputs, grads := transformerInputs(s, 8)
	var tape Tape
	step := func() { transformerStep(&tape, s, 2, inputs, grads) }
	step()
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("a warm step allocates %v times", n)
	}
}

func TestAttentionShapeMistakesPanic(t *testing.T) {
	var tape Tape
	s := layout(3, 2)
	for name, f := range map[string]func(){
		"rows":   func() { Attention(s, tape.Zeros(4, 6), nil, 1, true) },
		"heads":  func() { Attention(s, tape.Zeros(5, 9), nil, 2, true) },
		"thirds": func() { Attention(s, tape.Zeros(5, 7), nil, 1, true) },
		"memory": func() { Attention(s, tape.Zeros(5, 6), tape.Zeros(2, 3), 1, true) },
		"table":  func() { tape.Zeros(5, 6).AddSteps(s, tape.Zeros(2, 6)) },
		"bias":   func() { tape.Zeros(5, 6).Affine(tape.Zeros(4, 6), tape.Zeros(1, 6)) },
		"gain":   func() { tape.Zeros(5, 6).LayerNormAffine(tape.Zeros(1, 5), tape.Zeros(1, 6), 1e-5) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: wrong shapes did not panic", name)
				}
			}()
			f()
		}()
	}
}

// backAlone is the way back through one operation with a gradient that is there, as if other operations had left
// it, so that no time goes into it: to write it was a quarter of attention's with 20 words.
func backAlone(v *Value, grad []Float) {
	v.Grad, v.unset = grad, false
	v.back(v)
}

// BenchmarkAttention is the operation forward and backward; the unseen half of a causal one
// is not counted.
func BenchmarkAttention(b *testing.B) {
	ceiling := tensor.Ceiling(time.Now)
	const B, E, heads = 32, 256, 4
	for _, T := range []int{20, 40, 80, 200} {
		for _, causal := range []bool{false, true} {
			b.Run(fmt.Sprintf("T %d causal %t", T, causal), func(b *testing.B) {
				lengths := make([]int, B)
				for i := range lengths {
					lengths[i] = T
				}
				s, rng := layout(lengths...), rand.New(rand.NewPCG(1, 2))
				x, dx := random(rng, B*T, 3*E), tensor.New(B*T, 3*E)
				dy := random(rng, B*T, E).Data
				var tape Tape
				step := func() {
					backAlone(Attention(s, tape.Leaf(x, dx.Data), nil, heads, causal), dy)
					tape.Reset()
				}
				step()
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
				keys := float64(T)
				if causal {
					keys = float64(T+1) / 2
				}
				rate := 3 * 4 * B * float64(T) * keys * E * float64(b.N) / b.Elapsed().Seconds()
				b.ReportMetric(rate/1e9, "GFLOP/s")
				if ceiling > 0 {
					b.ReportMetric(100*rate/ceiling, "%ceiling")
				}
			})
		}
	}
}
