package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// component is a mixture whose components have these means and ln sigma², with the places of their gradients.
func component(tape *grad.Tape, means, logvars [][]float64) (prior *vae.Mixture, dmu, dlogvar []Float) {
	mu, dmu := leaf(tape, means)
	logvar, dlogvar := leaf(tape, logvars)
	return vae.NewMixture(func(*nn.Pass) vae.Gaussian { return vae.FromLogvar(mu, logvar) }), dmu, dlogvar
}

// TestGoldenMixturePrior: ln p(z), the rate and all gradients.
func TestGoldenMixturePrior(t *testing.T) {
	var batch struct{ Mu, Logvar, Eps [][]float64 }
	var want struct {
		Means, Logvars [][]float64
		LogPrior       []float64 `json:"log_prior"`
		Rate           float64   `json:"kl_mc"`
		DMu, DLogvar   [][]float64
		DMeans         [][]float64
		DLogvars       [][]float64
		Tol            float64
	}
	golden(t, "batch.json", &batch)
	golden(t, "mixture_prior.json", &want)
	tape := &grad.Tape{}
	p := &nn.Pass{Tape: tape, Train: true}
	prior, dmeans, dlogvars := component(tape, want.Means, want.Logvars)
	mu, dmu := leaf(tape, batch.Mu)
	logvar, dlogvar := leaf(tape, batch.Logvar)
	eps, _ := leaf(tape, batch.Eps)
	q := vae.FromLogvar(mu, logvar)
	z := mu.Add(q.Sigma.Mul(eps))
	near(t, "ln p(z)", prior.LogProb(p, z, nil).Data, want.LogPrior, want.Tol)
	rate := prior.KL(p, q, z, nil).Mean()
	near(t, "rate", rate.Data, []float64{want.Rate}, want.Tol)
	density := prior.Density(p, nil)(0)
	for i, logp := range want.LogPrior {
		row := make([]float64, z.Cols)
		for j, v := range z.Row(i) {
			row[j] = float64(v)
		}
		near(t, "ln p(z) off the tape", []Float{Float(density.LogProb(row))}, []float64{logp}, want.Tol)
	}
	rate.Backward()
	near(t, "d rate/d mu", dmu, flat(want.DMu), want.Tol)
	near(t, "d rate/d ln sigma²", dlogvar, flat(want.DLogvar), want.Tol)
	near(t, "d rate/d means", dmeans, flat(want.DMeans), want.Tol)
	near(t, "d rate/d ln variances", dlogvars, flat(want.DLogvars), want.Tol)
}

// TestMixtureOfOne: one component N(0, I), or several equal ones, is the prior of vanilla, in density, rate and gradient.
func TestMixtureOfOne(t *testing.T) {
	for _, K := range []int{1, 4} {
		zeros := make([][]float64, K)
		for k := range zeros {
			zeros[k] = make([]float64, testD)
		}
		var losses [2]float64
		var grads [2][]Float
		for i := range losses {
			b := newBench(Vanilla{}, 1)
			b.tape.Reset()
			p := b.on(b.tape, true, 3)
			prior := vae.Prior(vae.Normal{})
			if i == 1 {
				prior, _, _ = component(b.tape, zeros, zeros)
			}
			q := b.model().First(p, b.x)
			z := q.Sample(p)
			kl := vae.SampledKL(p, q, z, prior, b.x).Mean()
			kl.Backward()
			losses[i], grads[i] = kl.Scalar(), b.m.Grad()
		}
		if math.Abs(losses[0]-losses[1]) > 1e-5 {
			t.Errorf("%d components: rate %v, of vanilla %v", K, losses[1], losses[0])
		}
		for i, g := range grads[0] {
			if math.Abs(float64(g-grads[1][i])) > 1e-5 {
				t.Errorf("%d components: gradient %d is %v, of vanilla %v", K, i, grads[1][i], g)
			}
		}
	}
}

// TestMixtureDraws: components are drawn equally often, and each as itself.
func TestMixtureDraws(t *testing.T) {
	prior, _, _ := component(&grad.Tape{}, [][]float64{{-10}, {0}, {10}}, [][]float64{{0}, {math.Log(0.25)}, {0}})
	density := prior.Density(&nn.Pass{Tape: &grad.Tape{}}, nil)(0)
	const n = 9000
	counts, squares := map[int]float64{}, map[int]float64{}
	noise, z := rand.New(rand.NewPCG(1, 2)), make([]float64, 1)
	for range n {
		density.Draw(noise, z)
		k := int(math.Round(z[0] / 10))
		off := z[0] - 10*float64(k)
		counts[k]++
		squares[k] += off * off
	}
	for k, variance := range map[int]float64{-1: 1, 0: 0.25, 1: 1} {
		if math.Abs(counts[k]-n/3) > 4.5*math.Sqrt(n*2/9.) {
			t.Errorf("component %d was drawn %v times of %d", k, counts[k], n)
		}
		if got := squares[k] / counts[k]; math.Abs(got-variance) > 5*variance*math.Sqrt(2/counts[k]) {
			t.Errorf("component %d has variance %v, want %v", k, got, variance)
		}
	}
}

// TestMixtureOfPosteriors: components that are posteriors have finite-difference gradients in the encoder too, and do not
// depend on whether the pass trains.
func TestMixtureOfPosteriors(t *testing.T) {
	for _, found := range faults(MixturePrior{K: 3, Components: "data"}) {
		t.Error(found)
	}
	b := newBench(MixturePrior{K: 4, Components: "data"}, 0)
	z := []float64{0.3, -1, 0.5}
	tape := &grad.Tape{}
	trained := b.variant.Prior.Density(b.on(tape, true, 1), b.x)(0).LogProb(z)
	if got := b.variant.Prior.Density(b.on(tape, false, 2), b.x)(0).LogProb(z); got != trained {
		t.Errorf("ln p(z) is %v in evaluation, %v in training", got, trained)
	}
	var want float64 // by the posteriors of the examples themselves
	q := b.model().First(&nn.Pass{Tape: tape}, vae.NewBatch(testSentences[:4], nil))
	for k := range 4 {
		want += math.Exp(q.Density(k).LogProb(z)) / 4
	}
	if math.Abs(trained-math.Log(want)) > 1e-5 {
		t.Errorf("ln p(z) is %v, of the posteriors of four examples %v", trained, math.Log(want))
	}
}
