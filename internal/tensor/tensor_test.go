package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

func TestExpAndTanh(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tol := 3e-7
	if Bits == 64 {
		tol = 1e-14
	}
	for range 200000 {
		x := Float(rng.Float64()*174 - 87)
		if got, want := float64(Exp(x)), math.Exp(float64(x)); math.Abs(got-want) > tol*want {
			t.Fatalf("Exp(%v) = %v, want %v", x, got, want)
		}
		x /= 20
		if got, want := float64(Tanh(x)), math.Tanh(float64(x)); math.Abs(got-want) > tol*math.Abs(want) {
			t.Fatalf("Tanh(%v) = %v, want %v", x, got, want)
		}
	}
	inf := math.Inf(1)
	for _, c := range []struct{ x, exp, tanh float64 }{
		{0, 1, 0}, {inf, inf, 1}, {-inf, 0, -1}, {1e30, inf, 1}, {-1e30, 0, -1},
	} {
		if got := float64(Exp(Float(c.x))); got != c.exp {
			t.Errorf("Exp(%v) = %v", c.x, got)
		}
		if got := float64(Tanh(Float(c.x))); got != c.tanh {
			t.Errorf("Tanh(%v) = %v", c.x, got)
		}
	}
	nan := Float(math.NaN())
	if v := Exp(nan); v == v {
		t.Error("Exp(NaN) is not NaN")
	}
	if v := Tanh(nan); v == v {
		t.Error("Tanh(NaN) is not NaN")
	}
	if v := SoftmaxLSE([]Float{1, nan, 2}); v == v {
		t.Error("SoftmaxLSE with a NaN is not NaN")
	}
	if v := SoftmaxLSE([]Float{1000, 1000}); math.Abs(float64(v)-1000-math.Ln2) > 1e-3 {
		t.Errorf("SoftmaxLSE(1000, 1000) = %v", v)
	}
}

// TestSlicesEqualScalars: the functions on slices are those on numbers.
func TestSlicesEqualScalars(t *testing.T) {
	var x []Float
	for v := -100.0; v < 100; v += 0.37 {
		x = append(x, Float(v))
	}
	x = append(x, 0, 0.62, 0.63, -0.62, -0.63, Float(math.Inf(1)), Float(math.Inf(-1)), Float(math.NaN()))
	for name, f := range map[string]struct {
		slice  func([]Float)
		scalar func(Float) Float
	}{
		"expSum":   {func(x []Float) { expSum(x, 0) }, Exp},
		"Sigmoids": {Sigmoids, Sigmoid},
		"Tanhs":    {func(x []Float) { Tanhs(x, x) }, Tanh},
	} {
		y := append([]Float(nil), x...)
		f.slice(y)
		for i, v := range x {
			got, want := float64(y[i]), float64(f.scalar(v))
			if got != want && !(math.Abs(got-want) <= 4e-7*math.Abs(want)) && !(got != got && want != want) && math.Abs(want) > 1e-37 {
				t.Errorf("%s(%v) = %v, alone %v", name, v, got, want)
			}
		}
	}
}

// TestGemmOfOverlappingRows: a matrix whose rows overlap is multiplied as its copy.
func TestGemmOfOverlappingRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const rows, cols, stride, n = 37, 30, 7, 5
	a := Matrix{Rows: rows, Cols: cols, Stride: stride, Data: make([]Float, (rows-1)*stride+cols)}
	right, left := New(cols, n), New(n, rows)
	for _, m := range []Matrix{a, right, left} {
		for i := range m.Data {
			m.Data[i] = Float(rng.NormFloat64())
		}
	}
	dense := New(rows, cols)
	for i := range rows {
		copy(dense.Row(i), a.Row(i))
	}
	results := func(a Matrix) []Matrix {
		c, alone, d, e := New(rows, n), New(rows, n), New(n, cols), New(cols, n)
		Gemm(N, a, N, right, 0, c)
		Prepare(func(n int) []Float { return make([]Float, n) }, N, right).GemmAlone(a, 0, alone)
		Gemm(N, left, N, a, 0, d)
		Gemm(T, a, T, left, 0, e)
		return []Matrix{c, alone, d, e}
	}
	want := results(dense)
	for k, m := range results(a) {
		for i, v := range m.Data {
			if v != want[k].Data[i] {
				t.Fatalf("product %d element %d: %v, of the copy %v", k, i, v, want[k].Data[i])
			}
		}
	}
}

// TestAffine: the row is added to every row of the product, by the bits of a Gemm that adds.
func TestAffine(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, dim := range [][3]int{{1, 1, 1}, {7, 5, 70}, {300, 65, 17}, {65, 300, 260}} {
		m, n, k := dim[0], dim[1], dim[2]
		a, b, bias, got, want := New(m, k), New(n, k), New(1, n), New(m, n), New(m, n)
		for _, x := range []Matrix{a, b, bias} {
			for i := range x.Data {
				x.Data[i] = Float(rng.NormFloat64())
			}
		}
		for i := range m {
			copy(want.Row(i), bias.Data)
		}
		Gemm(N, a, T, b, 1, want)
		Full.Affine(a, T, b, bias.Data, got)
		for i, v := range got.Data {
			if v != want.Data[i] {
				t.Fatalf("%v: element %d is %v, want %v", dim, i, v, want.Data[i])
			}
		}
	}
}

// TestGemm compares all transpositions, also of column views, with three loops.
func TestGemm(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	random := func(r, c int) Matrix {
		m := New(r, c+3) // a view: the last three columns are not part of it
		for i := range m.Data {
			m.Data[i] = Float(rng.NormFloat64())
		}
		return m.ColRange(1, c+1)
	}
	at := func(m Matrix, tr Trans, i, j int) float64 {
		if tr {
			i, j = j, i
		}
		return float64(m.Row(i)[j])
	}
	for _, dim := range [][3]int{{1, 1, 1}, {2, 3, 4}, {7, 5, 70}, {33, 65, 17}} {
		m, n, k := dim[0], dim[1], dim[2]
		for _, tA := range []Trans{N, T} {
			for _, tB := range []Trans{N, T} {
				a, b, c := random(m, k), random(k, n), random(m, n)
				if tA {
					a = random(k, m)
				}
				if tB {
					b = random(n, k)
				}
				want := New(m, n)
				for i := range m {
					for j := range n {
						s := 0.5 * float64(c.Row(i)[j])
						for l := range k {
							s += at(a, tA, i, l) * at(b, tB, l, j)
						}
						want.Row(i)[j] = Float(s)
					}
				}
				if tA == N {
					prepared := New(m, n)
					for i := range m {
						copy(prepared.Row(i), c.Row(i))
					}
					Prepare(func(n int) []Float { return make([]Float, n) }, tB, b).Gemm(a, 0.5, prepared)
					defer func(c Matrix) {
						for i := range m {
							for j := range n {
								if prepared.Row(i)[j] != c.Row(i)[j] {
									t.Errorf("%v tB=%t: a prepared operand gives another product", dim, tB)
								}
							}
						}
					}(c)
				}
				Gemm(tA, a, tB, b, 0.5, c)
				for i := range m {
					for j := range n {
						if got := c.Row(i)[j]; math.Abs(float64(got-want.Row(i)[j])) > 1e-4 {
							t.Fatalf("%v tA=%t tB=%t element (%d, %d): got %v, want %v", dim, tA, tB, i, j, got, want.Row(i)[j])
						}
					}
				}
			}
		}
	}
}

func TestArenaReuses(t *testing.T) {
	for _, size := range []int{100_000, 5_000_000} { // joined, and too large for that
		testArena(t, size)
	}
}

// TestArenaGrows: batches that become longer step by step keep less than twice the memory of the longest, and each request
// has memory of its own.
func TestArenaGrows(t *testing.T) {
	var a Arena
	need := 0
	for length := 1; length <= 12; length++ {
		a.Reset()
		need = 0
		var lent [][]Float
		for i, rows := range []int{20, 400_000, 100_000, 300_000} {
			n := rows * length
			need += n
			s := a.Raw(n)
			for k := range s {
				s[k] = Float(i)
			}
			lent = append(lent, s)
		}
		for i, s := range lent {
			if s[0] != Float(i) || s[len(s)-1] != Float(i) {
				t.Fatalf("length %d: request %d shares memory with another", length, i)
			}
		}
	}
	total := 0
	for _, s := range a.slabs {
		total += len(s)
	}
	if total > 2*need {
		t.Errorf("%d numbers in %d slabs; the last round needs %d", total, len(a.slabs), need)
	}
}

// TestArenaBeginsWithLines: what is lent does not share a line of cache with what was lent before.
func TestArenaBeginsWithLines(t *testing.T) {
	var a Arena
	for range 3 {
		first := a.Raw(3)
		second := a.Raw(1)
		if n := uintptr(unsafe.Pointer(&second[0])) - uintptr(unsafe.Pointer(&first[0])); n != 64 {
			t.Errorf("three numbers and the next lie %d bytes apart, want 64", n)
		}
	}
}

func testArena(t *testing.T, size int) {
	var a Arena
	step := func() {
		for range 10 {
			s := a.Floats(size)
			for _, v := range s[:100] {
				if v != 0 {
					t.Fatal("Floats lent a number that is not zero")
				}
			}
			s[0], s[99] = 1, 1
		}
		a.Reset()
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("a warm arena allocates %v times a step", n)
	}
}

// normal is a matrix of numbers from N(0, 1).
func normal(rng *rand.Rand, rows, cols int) Matrix {
	m := New(rows, cols)
	for i := range m.Data {
		m.Data[i] = Float(rng.NormFloat64())
	}
	return m
}

// TestSplitIsExact: on any number of processors every product and every Adam step has the
// bits that one processor gives it.
func TestSplitIsExact(t *testing.T) {
	defer SetProcs(1)
	rng := rand.New(rand.NewPCG(5, 6))
	random := func(rows, cols int) Matrix { return normal(rng, rows, cols) }
	heap := func(n int) []Float { return make([]Float, n) }
	for _, d := range [][3]int{{32, 1024, 256}, {700, 513, 300}, {130, 2100, 50}, {2100, 130, 50}} {
		m, n, k := d[0], d[1], d[2]
		a, at, b, bt := random(m, k), random(k, m), random(k, n), random(n, k)
		var first []Matrix
		for procs := 1; procs <= 5; procs++ {
			SetProcs(procs)
			results := make([]Matrix, 8)
			for i := range results {
				results[i] = New(m, n)
			}
			Gemm(N, a, N, b, 0, results[0])
			Gemm(N, a, T, bt, 0, results[1])
			Gemm(T, at, N, b, 1, results[2])
			Prepare(heap, T, bt).Gemm(a, 0, results[3])
			g, mean, v := append([]Float(nil), a.Data...), make([]Float, len(a.Data)), make([]Float, len(a.Data))
			w := Matrix{Data: append([]Float(nil), at.Data...)}
			Adam(w.Data, g, mean, v, 0.9, 0.1, 0.999, 0.001, 0.1, 1, 1e-8)
			results[4] = w
			Full.Affine(a, T, bt, b.Row(0), results[5])
			AddRows(results[5], results[6].Row(0))
			Plus(results[0].Data, results[2].Data, results[7].Data)
			if procs == 1 {
				first = results
				continue
			}
			for r := range results {
				for i, x := range results[r].Data {
					if x != first[r].Data[i] {
						t.Fatalf("%v, operation %d on %d processors: element %d is %v, on one %v", d, r, procs, i, x, first[r].Data[i])
					}
				}
			}
		}
	}
}

// faulty is work whose last part panics.
type faulty struct{}

func (faulty) Part(from, _ int) {
	if from > 0 {
		panic("part")
	}
}

// TestSplitPassesPanicsOn: a panic on another processor is the caller's, who can recover.
func TestSplitPassesPanicsOn(t *testing.T) {
	defer SetProcs(1)
	SetProcs(2)
	defer func() {
		if r := recover(); r != "part" {
			t.Errorf("recovered %v", r)
		}
	}()
	Split(faulty{}, 10, 1)
}

// TestMask compares products and softmax under masks with whole ones of what the mask leaves.
func TestMask(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	random := func(rows, cols int) Matrix { return normal(rng, rows, cols) }
	for _, d := range [][4]int{{1, 1, 1, 1}, {20, 24, 64, 1}, {25, 32, 8, 3}, {9, 16, 5, 7}, {40, 48, 7, 1}, {3, 20, 8, 5}, {300, 304, 8, 2}, {12, 16, 8, 24}, {12, 16, 8, 10}} {
		rows, cols, k, first := d[0], d[1], d[2], d[3]
		for grow := range 2 {
			m := Mask{first, grow}
			compare := func(what string, got, want Matrix, counts func(i, j int) bool) {
				for i := range got.Rows {
					for j, v := range got.Row(i) {
						if counts(i, j) && !(math.Abs(float64(v-want.Row(i)[j])) < 1e-5) {
							t.Fatalf("%v of %v: element (%d, %d) is %v, want %v", what, d, i, j, v, want.Row(i)[j])
						}
					}
				}
			}
			counts, all := func(i, j int) bool { return j < first+i*grow }, func(int, int) bool { return true }

			// Rows of what is computed are further apart than they are long.
			apart := func(rows, cols int) Matrix { return random(rows, cols+8).ColRange(0, cols) }
			a, b, got, want := random(rows, k), random(k, cols), apart(rows, cols), New(rows, cols)
			Gemm(N, a, N, b, 0, want)
			m.Product(a, b, got)
			compare("Product", got, want, counts)

			// Softmax of a whole row with -Inf where nothing counts.
			p := got
			plain := New(rows, cols)
			for i := range rows {
				for j, v := range want.Row(i) {
					plain.Row(i)[j] = Float(math.Inf(-1))
					if counts(i, j) {
						plain.Row(i)[j] = v / 2
					}
				}
				SoftmaxLSE(plain.Row(i))
			}
			m.Softmax(0.5, p)
			compare("Softmax", p, plain, all)

			x, y := random(cols, k), random(rows, k)
			for _, add := range []bool{false, true} {
				got, want := random(rows, k), New(rows, k)
				copy(want.Data, got.Data)
				m.Mul(p, x, add, got)
				plainDirect(N, p, x, add, want)
				compare("Mul", got, want, all)

				got, want = random(cols, k), New(cols, k)
				copy(want.Data, got.Data)
				m.MulT(p, y, add, got)
				plainDirect(T, p, y, add, want)
				compare("MulT", got, want, all)
			}

			g := apart(rows, cols)
			want = New(rows, cols)
			for i := range rows {
				dot := plainDot(p.Row(i), g.Row(i))
				for j, v := range g.Row(i) {
					want.Row(i)[j] = 0.5 * p.Row(i)[j] * (v - dot)
				}
			}
			m.BackSoftmax(0.5, p, g)
			compare("BackSoftmax", g, want, all)

			turned := New(cols, rows)
			Transpose(g, turned)
			for i := range rows {
				for j, v := range g.Row(i) {
					if turned.Row(j)[i] != v {
						t.Fatalf("Transpose of %v: element (%d, %d) is %v, not %v", d, j, i, turned.Row(j)[i], v)
					}
				}
			}
		}
	}
}

func TestMaskShapeMistakesPanic(t *testing.T) {
	m := Mask{First: 2}
	for name, f := range map[string]func(){
		"Product":     func() { m.Product(New(2, 3), New(4, 8), New(2, 8)) },
		"Mul":         func() { m.Mul(New(2, 3), New(3, 8), false, New(3, 8)) },
		"MulT":        func() { m.MulT(New(2, 3), New(2, 8), false, New(3, 7)) },
		"no rows":     func() { m.MulT(New(0, 3), New(0, 8), false, New(3, 8)) },
		"BackSoftmax": func() { m.BackSoftmax(1, New(3, 8), New(2, 8)) },
		"Transpose":   func() { Transpose(New(3, 2), New(2, 9)) },
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
	m.Softmax(1, New(0, 8))
	m.BackSoftmax(1, New(0, 8), New(0, 8))
}

// TestCell compares the kernel with its plain twin.
func TestCell(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for h := range 40 {
		random := func(n int) []Float {
			x := make([]Float, n)
			for i := range x {
				x[i] = Float(3 * rng.NormFloat64())
			}
			return x
		}
		gates, fixed, cPrev := random(4*h), random(4*h), random(h)
		results := [2][3][]Float{}
		for i, cell := range []func(gates, fixed, cPrev, c, h []Float){Cell, plainCell} {
			r := [3][]Float{append([]Float(nil), gates...), make([]Float, h), make([]Float, h)}
			cell(r[0], fixed, cPrev, r[1], r[2])
			results[i] = r
		}
		for s, name := range []string{"gates", "c", "h"} {
			for i, want := range results[1][s] {
				if got := results[0][s][i]; math.Abs(float64(got-want)) > 2e-6 {
					t.Fatalf("%d units: number %d of %s is %v, plainly %v", h, i, name, got, want)
				}
			}
		}
	}
}

// TestBackCell compares the kernel with its plain twin.
func TestBackCell(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for h := range 40 {
		random := func(n int) []Float {
			x := make([]Float, n)
			for i := range x {
				x[i] = Float(rng.Float64()*1.8 - 0.9)
			}
			return x
		}
		dOut, dh, gates, cPrev, c := random(h), random(h), random(4*h), random(h), random(h)
		dc := random(h)
		dc2 := append([]Float(nil), dc...)
		one, two := make([]Float, 4*h), make([]Float, 4*h)
		BackCell(dOut, dh, dc, gates, cPrev, c, one)
		plainBackCell(dOut, dh, dc2, gates, cPrev, c, two)
		for i := range one {
			if math.Abs(float64(one[i]-two[i])) > 1e-6 {
				t.Fatalf("%d units: dPre[%d] is %v, plainly %v", h, i, one[i], two[i])
			}
		}
		for i := range dc {
			if math.Abs(float64(dc[i]-dc2[i])) > 1e-6 {
				t.Fatalf("%d units: dc[%d] is %v, plainly %v", h, i, dc[i], dc2[i])
			}
		}
	}
}

// TestSpinBudget: it grows with every successful wait, drops to the minimum after a late poll, and does not change
// when a wait exceeds it.
func TestSpinBudget(t *testing.T) {
	var p spinBudget
	var x atomic.Int64
	if x.Store(1); p.wait(&x, true) || !p.wait(&x, false) {
		t.Error("without a clock a wait for nothing succeeds, or one for something present fails")
	}
	now, tick := time.Unix(0, 0), time.Duration(0)
	clock := func() time.Time { now = now.Add(tick); return now }
	p.clock.Store(&clock)
	for range 1000 {
		if !p.wait(&x, false) {
			t.Fatal("a wait for something present fails")
		}
	}
	if p.Load() != maxSpin {
		t.Errorf("after a thousand successful waits the budget is %d", p.Load())
	}
	if tick = preempted; p.wait(&x, true) || p.Load() != maxSpin {
		t.Errorf("after a wait beyond the budget it is %d", p.Load())
	}
	if tick = preempted + 1; p.wait(&x, true) || p.Load() != minSpin {
		t.Errorf("after a late poll the budget is %d", p.Load())
	}
}

type nothing struct{}

func (nothing) Part(from, to int) {}

// BenchmarkSplit is what handing parts of an empty piece of work to another processor costs.
func BenchmarkSplit(b *testing.B) {
	SetProcs(2)
	defer SetProcs(1)
	for b.Loop() {
		Split(nothing{}, 4, 1)
	}
}

// TestWeights compares with the plain twin, and every weight with e^(x-m), at lengths around those of chunks.
func TestWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	random := func(n int) []Float {
		x := make([]Float, n)
		for i := range x {
			x[i] = Float(9*rng.NormFloat64() - 40)
		}
		return x
	}
	for _, n := range []int{0, 1, 7, 15, 16, 17, 31, 63, 64, 65, 100, 127, 128, 129, 300, 1000} {
		x := random(n)
		y, z := slices.Clone(x), slices.Clone(x)
		sums := make([]Float, (n+WeightsChunk-1)/WeightsChunk)
		plain := slices.Clone(sums)
		Weights(y, sums)
		if n == 0 {
			continue
		}
		plainWeights(z, plain)
		top := slices.Max(x)
		for i, v := range x {
			if want := math.Exp(float64(v - top)); math.Abs(float64(y[i])-want) > 1e-6*want+1e-37 || math.Abs(float64(z[i])-want) > 1e-6*want+1e-37 {
				t.Errorf("%d numbers: weight %d is %v, plainly %v, want %v", n, i, y[i], z[i], want)
			}
		}
		for i := range sums {
			if d := math.Abs(float64(sums[i] - plain[i])); !(d <= 1e-5*float64(plain[i])) {
				t.Errorf("%d numbers: sum %d is %v, plainly %v", n, i, sums[i], plain[i])
			}
		}
	}
	for _, at := range []int{0, 5, 69} {
		x, sums := random(70), make([]Float, 2)
		x[at] = Float(math.NaN())
		top := Float(math.Inf(-1))
		for _, v := range x {
			if v > top {
				top = v
			}
		}
		y := slices.Clone(x)
		Weights(y, sums)
		if y[at] == y[at] || sums[at/WeightsChunk] == sums[at/WeightsChunk] {
			t.Errorf("a NaN at %d: weight %v, sums %v", at, y[at], sums)
		}
		if at > 0 && math.Abs(float64(y[3])-math.Exp(float64(x[3]-top))) > 1e-6 { // the plain largest number begins with the first
			t.Errorf("a NaN at %d: weight 3 is %v", at, y[3])
		}
	}
}
