package vae

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// TestOneHot: samples on the tape, draws off it and the mode have the frequencies of softmax, one value for each symbol.
// A relaxed sample of training is not rounded, one of evaluation is.
func TestOneHot(t *testing.T) {
	const K, n = 3, 20000
	tape := &grad.Tape{}
	logits := tape.Const(matrix(1, 2*K, 0.5, -1, 0, 2, 2, -30))
	q := NewOneHot(logits, K, 0.5, false)
	want := make([]float64, 2*K)
	for j := range 2 {
		sum := 0.0
		for _, l := range logits.Data[j*K : (j+1)*K] {
			sum += math.Exp(float64(l))
		}
		for k, l := range logits.Data[j*K : (j+1)*K] {
			want[j*K+k] = math.Exp(float64(l)) / sum
		}
	}
	sampled, drawn := make([]float64, 2*K), make([]float64, 2*K)
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, Noise: rand.New(rand.NewPCG(1, 2))}
	off, z := q.Density(0), make([]float64, 2*K)
	for range n {
		for k, v := range q.Sample(p).Data {
			if v != 0 && v != 1 {
				t.Fatalf("a sample has %v", v)
			}
			sampled[k] += float64(v) / n
		}
		off.Draw(p.Noise, z)
		for k, v := range z {
			drawn[k] += v / n
		}
		p.Tape.Reset()
	}
	for k, w := range want {
		off := 4*math.Sqrt(w*(1-w)/n) + 1e-9
		if math.Abs(sampled[k]-w) > off || math.Abs(drawn[k]-w) > off || math.Abs(float64(q.Mean().Data[k])-w) > 1e-5 {
			t.Errorf("value %d: sampled %v, drawn %v, mean %v; want %v", k, sampled[k], drawn[k], q.Mean().Data[k], w)
		}
	}
	if mode := q.Sample(&nn.Pass{Tape: tape}); mode.Data[0] != 1 || mode.Data[1] != 0 {
		t.Errorf("the mode is %v", mode.Data)
	}
	for _, train := range []bool{true, false} {
		p.Train = train
		relaxed := NewOneHot(logits, K, 0.5, true).Sample(p)
		if whole := relaxed.Data[0] == 0 || relaxed.Data[0] == 1; whole == train {
			t.Errorf("train %t: a relaxed sample is %v", train, relaxed.Data)
		}
	}
}

// TestUniformCode: draws have each code equally often, with ln p that adds up to 1 over all codes.
func TestUniformCode(t *testing.T) {
	u := UniformCode{J: 2, K: 3, Put: func(k int, z []float64) { z[0] = float64(k) }}
	density, noise, z := u.Density(nil, nil)(0), rand.New(rand.NewPCG(1, 2)), make([]float64, 2)
	const n = 9000
	seen := map[[2]float64]int{}
	for range n {
		density.Draw(noise, z)
		seen[[2]float64(z)]++
	}
	if len(seen) != 9 || math.Abs(9*math.Exp(density.LogProb(z))-1) > 1e-9 {
		t.Errorf("%d codes with ln p %v", len(seen), density.LogProb(z))
	}
	for c, times := range seen {
		if math.Abs(float64(times)-n/9) > 4*math.Sqrt(n/9) {
			t.Errorf("code %v was drawn %d times of %d", c, times, n)
		}
	}
}
