package vae

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

// TestLogProbIsTheDensity: what is on the tape and what is off it are the same density, for posterior and prior.
func TestLogProbIsTheDensity(t *testing.T) {
	tape := &grad.Tape{}
	p := &nn.Pass{Tape: tape, Noise: rand.New(rand.NewPCG(1, 2))}
	q := FromSigma(tape.Const(matrix(2, 3, 0.3, -1, 2, 0, 0, 1)), tape.Const(matrix(2, 3, 0.5, -2, 1, 0.1, 1, 3)))
	z := q.Sample(p)
	onTape, prior := q.LogProb(p, z), Normal{}.LogProb(p, z, nil)
	for i := range 2 {
		row := []float64{float64(z.Row(i)[0]), float64(z.Row(i)[1]), float64(z.Row(i)[2])}
		if got, want := q.Density(i).LogProb(row), float64(onTape.Data[i]); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
			t.Errorf("ln q of example %d: %v, on the tape %v", i, got, want)
		}
		if got, want := (Normal{}).Density(p, nil)(i).LogProb(row), float64(prior.Data[i]); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
			t.Errorf("ln p of example %d: %v, on the tape %v", i, got, want)
		}
	}
}

// TestSampledKL: the mean over many samples is the closed form.
func TestSampledKL(t *testing.T) {
	const N = 20000
	tape := &grad.Tape{NoGrad: true}
	mu, sigma := tensor.New(N, 2), tensor.New(N, 2)
	for i := range N {
		copy(mu.Row(i), []Float{0.7, -0.2})
		copy(sigma.Row(i), []Float{0.5, -1.5})
	}
	q := FromSigma(tape.Const(mu), tape.Const(sigma))
	p := &nn.Pass{Tape: tape, Noise: rand.New(rand.NewPCG(3, 4))}
	got := SampledKL(p, q, q.Sample(p), Normal{}, nil)
	var mean, squares float64
	for _, v := range got.Data {
		mean, squares = mean+float64(v)/N, squares+float64(v)*float64(v)/N
	}
	want := NormalKL(0.7, 0.25, math.Log(0.25)) + NormalKL(-0.2, 2.25, math.Log(2.25))
	if se := math.Sqrt((squares - mean*mean) / N); math.Abs(mean-want) > 4*se {
		t.Errorf("mean of ln q - ln p is %v ± %v, the KL %v", mean, se, want)
	}
}

// TestWith: the posterior made of its parts is the same.
func TestWith(t *testing.T) {
	tape := &grad.Tape{}
	q := FromSigma(tape.Const(matrix(1, 2, 0.3, -1)), tape.Const(matrix(1, 2, 0.5, -2)))
	if got := q.With(q.Parts()); got != Posterior(q) {
		t.Errorf("%v is not %v", got, q)
	}
}
