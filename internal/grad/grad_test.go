package grad

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/tensor"
)

// A formula is an operation under test: a function of its inputs, whose shapes are given.
type formula struct {
	name   string
	shapes [][2]int
	f      func(in []*Value) *Value
	lift   float64 // added to the random inputs, for functions of positive numbers
}

var packed = Steps{Active: []int{3, 3, 2, 1}, Offset: []int{0, 3, 6, 8, 9}}

var formulas = []formula{
	{"Exp", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Exp() }, 0},
	{"Log", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Log() }, 5},
	{"Sqrt", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Sqrt() }, 5},
	{"Square", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Square() }, 0},
	{"Sigmoid", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Sigmoid() }, 0},
	{"Tanh", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Tanh() }, 0},
	{"Softplus", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Softplus() }, 0},
	{"ELU", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].ELU() }, 0},
	{"Scale", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Scale(-2.5) }, 0},
	{"Shift", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Shift(2) }, 0},
	{"Max", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Max(0.1) }, 0},
	{"Add", [][2]int{{3, 4}, {3, 4}}, func(in []*Value) *Value { return in[0].Add(in[1]) }, 0},
	{"Add itself", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Add(in[0]) }, 0},
	{"Sub", [][2]int{{3, 4}, {3, 4}}, func(in []*Value) *Value { return in[0].Sub(in[1]) }, 0},
	{"Mul", [][2]int{{3, 4}, {3, 4}}, func(in []*Value) *Value { return in[0].Mul(in[1]) }, 0},
	{"Mul itself", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Mul(in[0]) }, 0},
	{"AddRow", [][2]int{{3, 4}, {1, 4}}, func(in []*Value) *Value { return in[0].AddRow(in[1]) }, 0},
	{"MulRow", [][2]int{{3, 4}, {1, 4}}, func(in []*Value) *Value { return in[0].MulRow(in[1]) }, 0},
	{"Columns", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Columns(1, 3) }, 0},
	{"Gather", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Gather([]int{2, 0, 2}) }, 0},
	{"Embed", [][2]int{{5, 4}}, func(in []*Value) *Value {
		return in[0].tape.Embed(in[0].Matrix, &Rows{whole: in[0].Grad}, []int32{4, 0, 4})
	}, 0},
	{"Dropout", [][2]int{{3, 5}}, func(in []*Value) *Value { return in[0].Dropout(7, 0.4) }, 0},
	{"Mask", [][2]int{{2, 2}}, func(in []*Value) *Value { return in[0].Mask([]Float{0, 2, 2, 0}) }, 0},
	{"Through", [][2]int{{3, 4}}, func(in []*Value) *Value {
		y := tensor.New(4, 3) // of another shape: x² in another order
		for i, x := range in[0].Data {
			y.Data[len(y.Data)-1-i] = x * x
		}
		return in[0].Through(y, func(y tensor.Matrix, dy, dx []Float) {
			for i, x := range in[0].Data {
				dx[i] += 2 * x * dy[len(dy)-1-i]
			}
		}).Tanh()
	}, 0},
	{"Place", [][2]int{{2, 3}}, func(in []*Value) *Value { return in[0].Place(3, 4, []int{11, 1, 2, 7, 0, 6}) }, 0},
	{"Transpose", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Transpose() }, 0},
	{"MatMulT", [][2]int{{3, 4}, {2, 4}}, func(in []*Value) *Value { return in[0].MatMulT(in[1]) }, 0},
	{"RowSums", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].RowSums() }, 0},
	{"ColMeans", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].ColMeans() }, 0},
	{"Mean", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Mean() }, 0},
	{"SumSteps", [][2]int{{9, 1}}, func(in []*Value) *Value { return in[0].SumSteps(packed) }, 0},
	{"Reshape", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Square().Reshape(6, 2).Tanh() }, 0},
	{"Bernoulli", [][2]int{{3, 2}}, func(in []*Value) *Value { return in[0].Bernoulli(pixels) }, 0},
	{"Conv", [][2]int{{40, 2}, {3, 18}, {1, 3}}, func(in []*Value) *Value { return in[0].Conv(NewWindow(4, 5, 1, Square(3)), in[1], in[2], nil) }, 0},
	{"Conv by two", [][2]int{{30, 2}, {3, 18}, {1, 3}}, func(in []*Value) *Value { return in[0].Conv(NewWindow(5, 3, 2, Square(3)), in[1], in[2], nil) }, 0},
	{"Conv before, onto", [][2]int{{24, 1}, {2, 12}, {24, 2}}, func(in []*Value) *Value { return in[0].Conv(NewWindow(3, 4, 1, Before(5)), in[1], nil, in[2]) }, 0},
	{"Conv of many channels", [][2]int{{24, convChannels}, {3, 9 * convChannels}, {1, 3}, {24, 3}}, func(in []*Value) *Value {
		return in[0].Conv(NewWindow(3, 4, 1, Square(3)), in[1], in[2], in[3])
	}, 0},
	{"Conv of many channels before", [][2]int{{24, convChannels}, {3, 4 * convChannels}}, func(in []*Value) *Value {
		return in[0].Conv(NewWindow(3, 4, 1, Before(3)), in[1], nil, nil)
	}, 0},
	{"Unit", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Unit() }, 0},
	{"Reflect", [][2]int{{5, 4}}, func(in []*Value) *Value { return in[0].Reflect(around(in[0].tape, 5, 4)) }, 0},
	{"Reflect on a circle", [][2]int{{5, 2}}, func(in []*Value) *Value { return in[0].Unit().Reflect(around(in[0].tape, 5, 2)) }, 0},
	{"Map", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].Map(math.Sin, math.Cos) }, 0},
	{"LogSoftmax", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].LogSoftmax() }, 0},
	{"BatchNorm", [][2]int{{5, 4}}, func(in []*Value) *Value { y, _, _ := in[0].BatchNorm(1e-5); return y }, 0},
	{"LayerNorm", [][2]int{{3, 5}}, func(in []*Value) *Value { return in[0].LayerNorm(1e-5) }, 0},
	{"BatchRMS", [][2]int{{5, 4}}, func(in []*Value) *Value { y, _ := in[0].BatchRMS(1e-8); return y }, 0},
	{"CrossEntropy", [][2]int{{70, 3}, {6, 3}}, func(in []*Value) *Value {
		targets := make([]int32, 70)
		for i := range targets {
			targets[i] = int32(i % 6)
		}
		return in[0].CrossEntropy(in[1], targets)
	}, 0},
	{"LSTM", [][2]int{{9, 2}, {3, 2}, {12, 4}, {12, 3}, {1, 12}, {1, 12}, {3, 3}, {3, 3}}, func(in []*Value) *Value {
		return LSTM(packed, in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7])
	}, 0},
	{"LSTM from zero, no z", [][2]int{{9, 2}, {12, 2}, {12, 3}, {1, 12}, {1, 12}}, func(in []*Value) *Value {
		return LSTM(packed, in[0], nil, in[1], in[2], in[3], in[4], nil, nil)
	}, 0},
}

// run evaluates sum(weights * f(inputs)) and, if grads is not nil, its gradients.
func (c formula) run(inputs, grads []tensor.Matrix) float64 {
	tape := &Tape{NoGrad: grads == nil}
	leaves := make([]*Value, len(inputs))
	for i, m := range inputs {
		var g []Float
		if grads != nil {
			g = grads[i].Data
		}
		leaves[i] = tape.Leaf(m, g)
	}
	loss := c.loss(leaves)
	loss.Backward()
	return loss.Scalar()
}

// loss is sum(weights * f(in)).
func (c formula) loss(in []*Value) *Value {
	y := c.f(in)
	weights := make([]Float, len(y.Data))
	for i := range weights { // distinct upstream gradients, so that no row can stand for another
		weights[i] = Float(math.Sin(float64(i + 1)))
	}
	return y.Mask(weights).Sum()
}

// inputs are random inputs, with room for their gradients.
func (c formula) inputs() (inputs, grads []tensor.Matrix) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range c.shapes {
		m := tensor.New(s[0], s[1])
		for i := range m.Data {
			m.Data[i] = Float(rng.NormFloat64() + c.lift)
		}
		inputs, grads = append(inputs, m), append(grads, tensor.New(s[0], s[1]))
	}
	return inputs, grads
}

// TestGradients compares every operation's derivative with central differences. In
// float64 the two agree to 1e-6; in float32 the differences themselves are only good to
// about a percent, which still tells a wrong formula.
func TestGradients(t *testing.T) {
	h, tol := 1e-5, 1e-6
	if tensor.Bits == 32 {
		h, tol = 1e-2, 3e-2
	}
	for _, c := range formulas {
		t.Run(c.name, func(t *testing.T) {
			inputs, grads := c.inputs()
			if with, without := c.run(inputs, grads), c.run(inputs, nil); with != without {
				t.Errorf("value with gradients %v, without %v", with, without)
			}
			for k, m := range inputs {
				for i, x := range m.Data {
					m.Data[i] = x + Float(h)
					up := c.run(inputs, nil)
					m.Data[i] = x - Float(h)
					down := c.run(inputs, nil)
					m.Data[i] = x
					want := (up - down) / (2 * h)
					if got := float64(grads[k].Data[i]); math.Abs(got-want) > tol*(1+math.Abs(want)) {
						t.Fatalf("input %d element %d: derivative %v, central difference %v", k, i, got, want)
					}
				}
			}
		})
	}
}

// TestGradientsOfComputed: what is computed on the tape gets the gradient that a leaf gets, from the
// first operation that has one for it and from the next, in memory that is full of NaN. What no
// loss reads does not count.
func TestGradientsOfComputed(t *testing.T) {
	for _, c := range formulas {
		if c.name == "Embed" { // a table is always a leaf
			continue
		}
		inputs, want := c.inputs()
		c.run(inputs, want)
		_, got := c.inputs()
		tape := Tape{Poison: true}
		leftovers := tape.Zeros(1, 1<<18).Data
		for i := range leftovers {
			leftovers[i] = Float(math.NaN())
		}
		tape.Reset()
		var in []*Value
		for k, m := range inputs {
			in = append(in, tape.Leaf(m, got[k].Data).Scale(1))
			in[k].Scale(1) // read by nobody
		}
		c.loss(in).Add(c.loss(in)).Backward()
		for k := range got {
			for i, g := range got[k].Data {
				if w := 2 * float64(want[k].Data[i]); !(math.Abs(float64(g)-w) <= 1e-5*(1+math.Abs(w))) {
					t.Fatalf("%s: input %d element %d: derivative of twice the loss %v, want %v", c.name, k, i, g, w)
				}
			}
		}
	}
}

// TestTakeCutsBuffers: a long buffer serves several that are taken at once; they do not overlap, begin with cache
// lines, and come back whole; one up to twice as long is taken before a longer one is cut.
func TestTakeCutsBuffers(t *testing.T) {
	var tape Tape
	long, short := tape.take(1000), tape.take(50)
	tape.give(short)
	tape.give(long)
	if m := tape.take(40); &m[0] != &short[0] {
		t.Error("40 numbers are not taken from a free buffer of 50")
	}
	var parts [][]Float
	for i, n := range []int{100, 7, 33, 200} {
		m := tape.take(n)
		for k := range m[:cap(m)] {
			m[:cap(m)][k] = Float(i + 1)
		}
		parts = append(parts, m)
	}
	used := 0
	for i, m := range parts {
		if &m[0] != &long[used] {
			t.Errorf("buffer %d does not begin at %d", i, used)
		}
		if used += cap(m); used%cacheLine != 0 {
			t.Errorf("buffer %d ends at %d, within a cache line", i, used)
		}
		for _, x := range m {
			if x != Float(i+1) {
				t.Fatalf("another buffer overwrote buffer %d", i)
			}
		}
	}
	tape.give(parts[3])
	if m := tape.take(150); &m[0] != &parts[3][0] {
		t.Error("150 numbers are not taken from the latest buffer of 200")
	}
}

// TestGradientsBorrowMemory: a chain of operations needs two gradients at a time, whatever its length; what is handed on
// is not read again, nor is what was handed on before a Reset; and Backward runs once.
func TestGradientsBorrowMemory(t *testing.T) {
	tape, x, grad := Tape{Poison: true}, tensor.New(3, 5), make([]Float, 15)
	for i := range x.Data {
		x.Data[i] = Float(i) / 7
	}
	var first []Float
	for step := range 3 {
		clear(grad)
		y := tape.Leaf(x, grad)
		for range 20 {
			y = y.GELU().Add(y)
		}
		loss := y.Sum()
		loss.Backward()
		if n := len(tape.free); n < 2 || n > 4 {
			t.Errorf("a chain of 40 operations left %d gradients, want two to four", n)
		}
		if first == nil {
			first = slices.Clone(grad)
		}
		if !slices.Equal(grad, first) {
			t.Errorf("step %d has other gradients than the first: %v, %v", step, grad, first)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("Backward ran a second time")
				}
			}()
			loss.Backward()
		}()
		tape.Reset()
	}
}

// TestLSTMPackedEqualsAlone: an example's outputs do not depend on its neighbours.
func TestLSTMPackedEqualsAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	random := func(r, c int) tensor.Matrix {
		m := tensor.New(r, c)
		for i := range m.Data {
			m.Data[i] = Float(rng.NormFloat64())
		}
		return m
	}
	var tape Tape
	x, wih, whh, b := random(9, 2), tape.Const(random(12, 2)), tape.Const(random(12, 3)), tape.Const(random(1, 12))
	all := LSTM(packed, tape.Const(x), nil, wih, whh, b, b, nil, nil)
	for e := range packed.Active[0] {
		alone := Steps{Offset: []int{0}}
		var rows []int
		for s, n := range packed.Active {
			if e < n {
				rows = append(rows, packed.Offset[s]+e)
				alone.Active = append(alone.Active, 1)
				alone.Offset = append(alone.Offset, len(rows))
			}
		}
		h := LSTM(alone, tape.Const(x).Gather(rows), nil, wih, whh, b, b, nil, nil)
		for i, r := range rows {
			if got, want := fmt.Sprintf("%.5f", h.Row(i)), fmt.Sprintf("%.5f", all.Row(r)); got != want {
				t.Errorf("example %d step %d: alone %s, in the batch %s", e, i, got, want)
			}
		}
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	c := formulas[slices.IndexFunc(formulas, func(f formula) bool { return f.name == "LSTM" })]
	var tape Tape
	var inputs, grads []tensor.Matrix
	for _, s := range c.shapes {
		inputs, grads = append(inputs, tensor.New(s[0], s[1])), append(grads, tensor.New(s[0], s[1]))
	}
	leaves := make([]*Value, len(inputs))
	step := func() {
		for i := range inputs {
			leaves[i] = tape.Leaf(inputs[i], grads[i].Data)
		}
		c.f(leaves).Mean().Backward()
		tape.Reset()
	}
	step()
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("a warm LSTM step allocates %v times", n)
	}
}

func TestShapeMistakesPanic(t *testing.T) {
	var tape Tape
	a, b := tape.Zeros(2, 3), tape.Zeros(3, 2)
	for name, f := range map[string]func(){
		"Add":      func() { a.Add(b) },
		"AddRow":   func() { a.AddRow(b) },
		"MatMulT":  func() { a.MatMulT(b) },
		"Columns":  func() { a.Columns(2, 4) },
		"Backward": func() { a.Backward() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s with wrong shapes did not panic", name)
				}
			}()
			f()
		}()
	}
}

// TestDropout: the share dropped is the rate, the mean stays, whatever the length and in
// however many parts; another key drops others.
func TestDropout(t *testing.T) {
	for _, n := range []int{100_001, 7} {
		ones := tensor.New(1, n)
		for i := range ones.Data {
			ones.Data[i] = 1
		}
		var tape Tape
		x := tape.Const(ones)
		for _, rate := range []float64{0, 0.25, 0.5, 0.9} {
			y := x.Dropout(3, Float(rate))
			tensor.SetProcs(3)
			z := x.Dropout(3, Float(rate))
			tensor.SetProcs(1)
			zeros := 0.0
			for i, v := range y.Data {
				if z.Data[i] != v {
					t.Fatalf("element %d differs on three processors", i)
				}
				if v == 0 {
					zeros++
				} else if math.Abs(float64(v)-1/(1-rate)) > 1e-5 {
					t.Fatalf("rate %v: kept as %v", rate, v)
				}
			}
			if sd := math.Sqrt(rate * (1 - rate) / float64(n)); math.Abs(zeros/float64(n)-rate) > 4*sd {
				t.Errorf("rate %v: a share of %v was dropped", rate, zeros/float64(n))
			}
		}
	}
	var tape Tape
	x := tape.Const(tensor.New(1, 64))
	for i := range x.Data {
		x.Data[i] = 1
	}
	if slices.Equal(x.Dropout(1, 0.5).Data, x.Dropout(2, 0.5).Data) {
		t.Error("two keys drop the same")
	}
}

// TestRows: the rows of a table's gradient are those of the whole, to the bit, whether or when it is asked for, and after
// Clear they begin at 0.
func TestRows(t *testing.T) {
	table := tensor.New(5, 3)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range table.Data {
		table.Data[i] = Float(rng.NormFloat64())
	}
	var tape Tape
	read := func(r *Rows, ids ...int32) {
		y := tape.Embed(table, r, ids)
		y.Mul(y).Sum().Backward()
		tape.Reset()
	}
	want := make([]Float, len(table.Data))
	for _, id := range []int{4, 1, 4, 2, 4} {
		for j, v := range table.Row(id) {
			want[3*id+j] += 2 * v
		}
	}
	for _, asked := range []int{-1, 0, 1, 2} {
		var r Rows
		for range 2 {
			for i, ids := range [][]int32{{4, 1}, {4, 2, 4}} {
				if i == asked {
					r.Whole(table)
				}
				read(&r, ids...)
			}
			if !slices.Equal(r.List, []int32{4, 1, 2}) {
				t.Errorf("whole asked for before step %d: rows %v, want 4, 1, 2", asked, r.List)
			}
			for i, id := range r.List {
				if got := r.Row(i, 3); !slices.Equal(got, want[3*id:3*id+3]) {
					t.Errorf("whole asked for before step %d: row %d is %v, want %v", asked, id, got, want[3*id:3*id+3])
				}
			}
			for i := range r.List {
				if asked >= 0 {
					clear(r.Row(i, 3))
				}
			}
			if asked == 2 {
				r.Whole(table)
			}
			r.Clear()
		}
	}
	var r Rows
	read(&r, 4, 1, 4, 2, 4)
	if got := r.Whole(table); !slices.Equal(got, want) {
		t.Errorf("the whole is %v, want %v", got, want)
	}
}
