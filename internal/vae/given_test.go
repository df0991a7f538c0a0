package vae

import (
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// TestGivenIsReadOnce in a pass over a batch, and anew in the next one, in another batch, and where parameters are constants
// or a batch trains.
func TestGivenIsReadOnce(t *testing.T) {
	reads := 0
	g := NewGiven(1, func(p *nn.Pass, x *Batch) *grad.Value {
		reads++
		return p.Tape.Const(matrix(1, 1, Float(reads)))
	})
	x, other := &Batch{Values: matrix(1, 1, 0)}, &Batch{Values: matrix(1, 1, 0)}
	tape := &grad.Tape{}
	p := &nn.Pass{Tape: tape}
	for i, next := range []func() (*nn.Pass, *Batch){
		func() (*nn.Pass, *Batch) { return p, x },
		func() (*nn.Pass, *Batch) { tape.Reset(); return p, x },
		func() (*nn.Pass, *Batch) { return p, other },
		func() (*nn.Pass, *Batch) { return &nn.Pass{Tape: tape, Train: true}, other },
		func() (*nn.Pass, *Batch) { return &nn.Pass{Tape: tape, Frozen: true}, other },
		func() (*nn.Pass, *Batch) { return &nn.Pass{Tape: &grad.Tape{}}, other },
	} {
		p, x := next()
		if a, b := g.Of(p, x), g.Of(p, x); a != b || reads != i+1 || a.Data[0] != Float(i+1) {
			t.Errorf("pass %d: read %d times", i, reads)
		}
	}
	other.Tell(matrix(1, 1, 7))
	if c := g.Of(p, other); c.Data[0] != 7 || reads != 6 {
		t.Errorf("c that was told is %v", c.Data)
	}
}

// TestNoConditions: a nil Given changes nothing.
func TestNoConditions(t *testing.T) {
	var g *Given
	if g.Encoder(fixed{}, nil, 2, MAndS) != (fixed{}) || g.Decoder(fixed{}) != (fixed{}) {
		t.Error("a model without conditions is another one")
	}
}

// TestGaussianPrior: KL, ln p and draws are those of the Gaussian of each example.
func TestGaussianPrior(t *testing.T) {
	tape := &grad.Tape{}
	p := &nn.Pass{Tape: tape}
	of := FromLogvar(tape.Const(matrix(2, 1, 1, -2)), tape.Const(matrix(2, 1, 0.5, -1)))
	q := FromLogvar(tape.Const(matrix(2, 1, 0, 1)), tape.Const(matrix(2, 1, 0.3, 0)))
	prior := GaussianPrior(func(*nn.Pass, *Batch) Gaussian { return of })
	z := tape.Const(matrix(2, 1, 0.7, -0.4))
	density := prior.Density(p, nil)
	kl, logp := prior.KL(p, q, z, nil), prior.LogProb(p, z, nil)
	for i := range 2 {
		var integral float64
		const dz = 1e-3
		for v := -12.0; v < 12; v += dz {
			at := []float64{float64(Float(v))}
			lq := q.Density(i).LogProb(at)
			integral += math.Exp(lq) * (lq - density(i).LogProb(at)) * dz
		}
		if got := float64(kl.Data[i]); math.Abs(got-integral) > 1e-4 {
			t.Errorf("example %d: KL %v, the integral %v", i, got, integral)
		}
		if got, want := float64(logp.Data[i]), density(i).LogProb([]float64{float64(z.Data[i])}); math.Abs(got-want) > 1e-5 {
			t.Errorf("example %d: ln p %v on the tape, %v off it", i, got, want)
		}
	}
}
