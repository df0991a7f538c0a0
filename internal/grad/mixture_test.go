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
