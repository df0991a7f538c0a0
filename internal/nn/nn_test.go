package nn

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
)

func columns(rows int, cols ...func(i int) float64) tensor.Matrix {
	m := tensor.New(rows, len(cols))
	for i := range rows {
		for j, f := range cols {
			m.Row(i)[j] = Float(f(i))
		}
	}
	return m
}

// TestBatchNormRunningStatistics: after many batches from one distribution, evaluation
// standardises it as training does; evaluation leaves the statistics alone.
func TestBatchNormRunningStatistics(t *testing.T) {
	var ps Params
	n := NewBatchNorm(&ps, "bn", 2, 1e-5, 0.1)
	var tape grad.Tape
	x := columns(4, func(i int) float64 { return float64(i) }, func(i int) float64 { return 10 - 2*float64(i) })
	for range 200 {
		n.Apply(&Pass{Tape: &tape, Train: true}, tape.Const(x))
		tape.Reset()
	}
	for j, want := range []struct{ mean, variance float64 }{{1.5, 5. / 3}, {7, 20. / 3}} { // unbiased variance
		if got := float64(n.Mean.Data[j]); math.Abs(got-want.mean) > 1e-5 {
			t.Errorf("running mean of column %d: %v, want %v", j, got, want.mean)
		}
		if got := float64(n.Var.Data[j]); math.Abs(got-want.variance) > 1e-5 {
			t.Errorf("running variance of column %d: %v, want %v", j, got, want.variance)
		}
	}
	if n.Batches.Data[0] != 200 {
		t.Errorf("%v batches counted, want 200", n.Batches.Data[0])
	}
	before := append([]Float(nil), n.Mean.Data...)
	y := n.Apply(&Pass{Tape: &tape}, tape.Const(x))
	if got, want := float64(y.Row(0)[0]), -1.5/math.Sqrt(5./3+1e-5); math.Abs(got-want) > 1e-5 {
		t.Errorf("evaluation: %v, want %v", got, want)
	}
	if n.Mean.Data[0] != before[0] || n.Batches.Data[0] != 200 {
		t.Error("evaluation moved the running statistics")
	}
}

// TestBatchSD: the factor of a batch is 1 over its biased standard deviation. After many batches that of an evaluation is 1
// over the unbiased one, and evaluations change nothing.
func TestBatchSD(t *testing.T) {
	var ps Params
	n := NewBatchSD(&ps, "sd", 2, 1e-8, 0.1)
	x := columns(4, func(i int) float64 { return float64(i) }, func(i int) float64 { return 10 - 2*float64(i) })
	tape := &grad.Tape{}
	for _, c := range []struct {
		pass     Pass
		variance float64 // of the first column; 4 times that is of the second
		repeat   int
	}{{Pass{Train: true}, 1.25, 200}, {Pass{BatchStats: true}, 1.25, 1}, {Pass{}, 5. / 3, 1}} {
		before, moved := append([]Float(nil), n.Var.Data...), false
		for range c.repeat {
			tape.Reset()
			c.pass.Tape = tape
			f := n.Inverse(&c.pass, tape.Const(x))
			for j, want := range []float64{1 / math.Sqrt(c.variance), 0.5 / math.Sqrt(c.variance)} {
				if got := float64(f.Data[j]); math.Abs(got-want) > 1e-5 {
					t.Fatalf("%+v: factor %d is %v, want %v", c.pass, j, got, want)
				}
			}
			moved = moved || !slices.Equal(before, n.Var.Data)
		}
		if moved != c.pass.Train {
			t.Errorf("%+v: the running variance moves: %t", c.pass, moved)
		}
	}
}

// TestCopies: copies are buffers with the values and shapes of what they are of, and move to it. A layer made of them has its
// output, and no gradient.
func TestCopies(t *testing.T) {
	ps := &Params{Seed: 2}
	embed, linear := NewEmbedding(ps, "encoder.embed", 5, 3, Normal(1)), NewLinear(ps, "encoder.linear", 3, 2, Normal(1))
	copies := ps.Copies("slow")
	slowEmbed, slowLinear := NewEmbedding(copies, "encoder.embed", 5, 3, Normal(1)), NewLinear(copies, "encoder.linear", 3, 2, Normal(1))
	tape, ids := &grad.Tape{}, []int32{4, 0, 4}
	p := &Pass{Tape: tape, Train: true}
	y := linear.Apply(p, embed.Apply(p, ids))
	slow := slowLinear.Apply(p, slowEmbed.Apply(p, ids))
	if !slices.Equal(y.Data, slow.Data) {
		t.Errorf("copies say %v, want %v", slow.Data, y.Data)
	}
	y.Sum().Add(slow.Square().Sum()).Backward()
	if n := len(ps.Learnt()); n != 2 || len(ps.All()) != 4 || ps.Get("encoder.slow.linear.weight") != slowLinear.Weight || slowLinear.Weight.Grad() != nil {
		t.Errorf("%d of %d numbers are learnt", n, len(ps.All()))
	}
	before := slices.Clone(slowLinear.Weight.Data)
	for i := range linear.Weight.Data {
		linear.Weight.Data[i] += Float(i)
	}
	copies.Follow(0.9)
	for i, was := range before {
		want := 0.9*float64(was) + 0.1*float64(linear.Weight.Data[i])
		if got := float64(slowLinear.Weight.Data[i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("number %d is %v, want %v", i, got, want)
		}
	}
	ps.Redraw(slowLinear.Weight)
	if !slices.Equal(slowLinear.Weight.Data, linear.Weight.Data) {
		t.Error("drawn anew, a copy is not what it is of")
	}
	defer func() {
		if recover() == nil {
			t.Error("a copy of nothing")
		}
	}()
	NewLinear(copies, "encoder.other", 1, 1, Normal(1))
}

func TestDropoutKeepsTheMean(t *testing.T) {
	var tape grad.Tape
	x := columns(100_001, func(int) float64 { return 1 })
	y := Dropout(&Pass{Tape: &tape, Train: true, Drop: rand.New(rand.NewPCG(1, 1))}, tape.Const(x), 0.3)
	zeros, sum := 0, 0.0
	for _, v := range y.Data {
		if v == 0 {
			zeros++
		}
		sum += float64(v)
	}
	if rate := float64(zeros) / 100_001; math.Abs(rate-0.3) > 0.01 {
		t.Errorf("dropped %v of the elements, want 0.3", rate)
	}
	if mean := sum / 100_001; math.Abs(mean-1) > 0.01 {
		t.Errorf("mean %v, want 1", mean)
	}
}

// TestInitIsPaired: a parameter's initial value depends on the seed and its name only.
func TestInitIsPaired(t *testing.T) {
	a, b := Params{Seed: 7}, Params{Seed: 7}
	NewLinear(&a, "x", 3, 4, Uniform(0.1))
	a.New("w", Normal(1), 5)
	b.New("w", Normal(1), 5)
	for i, v := range a.Get("w").Data {
		if v != b.Get("w").Data[i] {
			t.Fatal("a parameter made before w changed w")
		}
	}
	if want := Float(stream.New(7, "init", "w").NormFloat64()); a.Get("w").Data[0] != want {
		t.Errorf("w starts with %v, want %v", a.Get("w").Data[0], want)
	}
}

// TestTable: a table read by rows has gradients in those rows, in the order of reading, and
// is an ordinary matrix as soon as it is used as one.
func TestTable(t *testing.T) {
	ps := &Params{Seed: 1}
	e := NewEmbedding(ps, "embed", 6, 2, Normal(1))
	var tape grad.Tape
	p := &Pass{Tape: &tape}
	rows := func() (seen [][]Float) {
		e.Weight.EachGrad(func(w, g []Float) { seen = append(seen, append(append([]Float(nil), w...), g...)) })
		return seen
	}
	if got := rows(); got != nil {
		t.Errorf("before any step: %v", got)
	}
	for range 2 { // nothing is left of the first
		ps.ZeroGrad()
		e.Apply(p, []int32{4, 1, 4}).Sum().Backward()
		w := e.Weight
		want := [][]Float{append(append([]Float(nil), w.Row(4)...), 2, 2), append(append([]Float(nil), w.Row(1)...), 1, 1)}
		if got := rows(); !reflect.DeepEqual(got, want) {
			t.Errorf("rows %v, want %v", got, want)
		}
		tape.Reset()
	}
	p.Use(e.Weight).Sum().Backward()
	if got := rows(); len(got) != 1 || got[0][12] != 1 || got[0][12+8] != 3 {
		t.Errorf("used as a matrix: %v", got)
	}
	ps.ZeroGrad()
	if got := rows(); got != nil || slices.ContainsFunc(e.Weight.Grad(), func(g Float) bool { return g != 0 }) {
		t.Errorf("after ZeroGrad: rows %v, gradients %v", got, e.Weight.Grad())
	}
}

// TestFrozen: in a frozen pass parameters are constants, tables too, with the same values.
func TestFrozen(t *testing.T) {
	ps := &Params{Seed: 3}
	table, linear := NewEmbedding(ps, "e", 5, 3, Normal(1)), NewLinear(ps, "l", 3, 2, Normal(1))
	var losses [2]float64
	for i, frozen := range []bool{false, true} {
		ps.ZeroGrad()
		p := &Pass{Tape: &grad.Tape{}, Frozen: frozen}
		z, dz := columns(2, func(int) float64 { return 1 }, func(i int) float64 { return float64(i) }, func(int) float64 { return 2 }), make([]Float, 6)
		loss := linear.Apply(p, table.Apply(p, []int32{4, 1}).Mul(p.Tape.Leaf(z, dz))).Square().Sum()
		loss.Backward()
		losses[i] = loss.Scalar()
		for _, w := range ps.Learnt() {
			if moved := slices.ContainsFunc(w.Grad(), func(g Float) bool { return g != 0 }); moved == frozen {
				t.Errorf("frozen %t: %s has a gradient: %t", frozen, w.Name, moved)
			}
		}
		if dz[0] == 0 {
			t.Errorf("frozen %t: the leaf has no gradient", frozen)
		}
	}
	if losses[0] != losses[1] {
		t.Errorf("losses %v", losses)
	}
}
