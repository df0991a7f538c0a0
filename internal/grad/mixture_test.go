package grad

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/tensor"
)

// mixing are logarithms of weights of 5 components for each of 5 rows; some are 0.
func mixing() []Float {
	logw := make([]Float, 25)
	for i := range logw {
		logw[i] = Float(math.Log(float64(1+i%3) / 7))
		if i%4 == 1 {
			logw[i] = Float(math.Inf(-1))
		}
	}
	return logw
}

func init() {
	formulas = append(formulas,
		formula{"MixtureLSE", [][2]int{{10, 3}, {5, 3}, {5, 3}}, func(in []*Value) *Value { return in[0].MixtureLSE(in[1], in[2], 5, nil) }, 0},
		formula{"MixtureLSE in chunks", [][2]int{{10, 3}, {5, 3}, {5, 3}}, func(in []*Value) *Value { return in[0].MixtureLSE(in[1], in[2], 2, nil) }, 0},
		formula{"MixtureLSE with weights", [][2]int{{5, 3}, {5, 3}, {5, 3}}, func(in []*Value) *Value { return in[0].MixtureLSE(in[1], in[2], 9, mixing()) }, 0},
		formula{"LogNormals", [][2]int{{4, 3}, {2, 3}, {2, 3}}, func(in []*Value) *Value { return in[0].LogNormals(in[1], in[2]) }, 0},
		formula{"LogNormals of itself", [][2]int{{3, 2}, {3, 2}}, func(in []*Value) *Value { return in[0].LogNormals(in[0], in[1]) }, 0},
		formula{"LogSumExp", [][2]int{{10, 5}}, func(in []*Value) *Value { return in[0].LogSumExp(5, nil) }, 0},
		formula{"LogSumExp of a few rows", [][2]int{{3, 5}}, func(in []*Value) *Value { return in[0].LogSumExp(5, nil) }, 0},
		formula{"LogSumExp in chunks", [][2]int{{10, 5}}, func(in []*Value) *Value { return in[0].LogSumExp(2, nil) }, 0},
		formula{"LogSumExp with weights", [][2]int{{5, 5}}, func(in []*Value) *Value { return in[0].LogSumExp(9, mixing()) }, 0},
		formula{"MixtureLSE of its own draws", [][2]int{{4, 3}, {4, 3}}, func(in []*Value) *Value {
			return in[0].Add(in[1].Scale(0.5).Exp()).MixtureLSE(in[0], in[1], 3, nil)
		}, 0},
	)
}

// TestMixtureLSE compares it with sums of densities written out, for chunks of every size. Far from all components, where every
// density is 0 in float32, the logarithm is that of the nearest one.
func TestMixtureLSE(t *testing.T) {
	const K, M, D = 7, 3, 4
	rng := rand.New(rand.NewPCG(3, 4))
	tape := &Tape{NoGrad: true}
	random := func(rows int, scale float64) *Value {
		v := tape.Zeros(rows, D)
		for i := range v.Data {
			v.Data[i] = Float(scale * rng.NormFloat64())
		}
		return v
	}
	z, mu, logvar := random(K*M, 2), random(K, 2), random(K, 1)
	for chunk := 1; chunk <= K+1; chunk++ {
		y := z.MixtureLSE(mu, logvar, chunk, nil)
		for r := range K * M {
			for j := range D {
				first := r / M / chunk * chunk
				last := min(first+chunk, K)
				var sum float64
				for k := first; k < last; k++ {
					d, s := float64(z.Row(r)[j]-mu.Row(k)[j]), float64(logvar.Row(k)[j])
					sum += math.Exp(-0.5*(d*d*math.Exp(-s)+s+math.Log(2*math.Pi))) / float64(last-first)
				}
				if got := float64(y.Row(r)[j]); math.Abs(got-math.Log(sum)) > 1e-5*(1+math.Abs(got)) {
					t.Fatalf("chunks of %d, row %d, column %d: %v, want %v", chunk, r, j, got, math.Log(sum))
				}
			}
		}
	}
	far := tape.Const(tensor.Matrix{Rows: 2, Cols: 1, Data: []Float{200, 200}})
	at := tape.Const(tensor.Matrix{Rows: 2, Cols: 1, Data: []Float{0, 100}})
	want := -0.5*(100*100+math.Log(2*math.Pi)) - math.Log(2)
	if got := float64(far.MixtureLSE(at, tape.Zeros(2, 1), 2, nil).Data[0]); math.Abs(got-want) > 1e-6*math.Abs(want) {
		t.Errorf("far away: %v, want %v", got, want)
	}
}

// TestMixturesOfOneDimension: with one dimension LogSumExp of LogNormals is MixtureLSE, with chunks and with weights. With more, a
// LogNormal is the sum of those of the dimensions.
func TestMixturesOfOneDimension(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	tape := &Tape{NoGrad: true}
	random := func(rows, cols int) *Value {
		v := tape.Zeros(rows, cols)
		for i := range v.Data {
			v.Data[i] = Float(rng.NormFloat64())
		}
		return v
	}
	same := func(what string, got, want []Float) {
		t.Helper()
		for i, x := range want {
			if math.Abs(float64(got[i]-x)) > 1e-5*(1+math.Abs(float64(x))) {
				t.Errorf("%s: number %d is %v, want %v", what, i, got[i], x)
			}
		}
	}
	z, mu, logvar := random(10, 1), random(5, 1), random(5, 1)
	for chunk := 1; chunk < 7; chunk++ {
		same("chunks", z.LogNormals(mu, logvar).LogSumExp(chunk, nil).Data, z.MixtureLSE(mu, logvar, chunk, nil).Data)
	}
	z = random(5, 1)
	same("weights", z.LogNormals(mu, logvar).LogSumExp(5, mixing()).Data, z.MixtureLSE(mu, logvar, 5, mixing()).Data)
	z, mu, logvar = random(6, 3), random(1, 3), random(1, 3)
	same("a product", z.LogNormals(mu, logvar).Data, z.MixtureLSE(mu, logvar, 1, nil).RowSums().Data)
}

// BenchmarkMixtureLSE is the forward and the backward pass of 32 draws of each of 32 components, 32 dimensions.
func BenchmarkMixtureLSE(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	tape := &Tape{}
	fill := func(rows, cols int) (m tensor.Matrix) {
		m = tensor.New(rows, cols)
		for i := range m.Data {
			m.Data[i] = Float(rng.NormFloat64())
		}
		return m
	}
	z, mu, logvar := fill(1024, 32), fill(32, 32), fill(32, 32)
	grads := [3][]Float{make([]Float, 1024*32), make([]Float, 1024), make([]Float, 1024)}
	for b.Loop() {
		y := tape.Leaf(z, grads[0]).MixtureLSE(tape.Leaf(mu, grads[1]), tape.Leaf(logvar, grads[2]), 32, nil)
		y.Sum().Backward()
		tape.Reset()
	}
}
