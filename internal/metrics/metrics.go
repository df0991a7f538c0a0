// Package metrics evaluates a model on a split: one metric per file, each with its formula.
//
// All of them read one Encoded split: for every example the posterior under evaluation
// (running) statistics, one sample z, and ln p(x|z). Units are nats unless a comment says
// otherwise.
package metrics

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// Float is the engine's number.
type Float = tensor.Float

// Encoded is a split as a model sees it, batch after batch. Mu (the mean of z under q) and Z are (N, D), row-major;
// Rec is (N). Sigma (of either sign), Var (sigma²) and Logvar are (N, D) if the posteriors are Gaussian, else nil. Charge is
// (N, D) if these have one, see vae.Gaussian.
type Encoded struct {
	N, D                      int
	Mu, Sigma, Var, Logvar, Z []float64
	Charge                    []float64
	Rec                       []float64 // -ln p(x_i|z_i)
	Parts                     int       // J, the parts of an example's KL; 0 if KLs is nil
	KLs                       []float64 // (N, J) KL by part; nil for Gaussians and N(0, I), whose KL has a closed form
	Labels                    []int     // (N), or nil if the data have none
	Sizes                     []int     // examples in each batch
	Lengths                   []int     // (N), symbols of each sentence; nil for images and vectors
	Tokens                    int       // predicted symbols of all sentences; 0 for images and vectors

	model     *vae.Model     // nil if the numbers are no model's
	family    vae.Posterior  // one of the posteriors, for its kind
	parts     [][]float64    // what makes the posteriors, see vae.Posterior.Parts: (N, ·) each
	widths    []int          // columns of each of parts
	densities []vae.Density  // (N) of posteriors that are not Gaussian
	priors    []vae.Density  // (N) of a prior other than N(0, I)
	given     [3][]float64   // (N, D) each: mu, sigma and ln sigma² of a vae.GaussianPrior
	memo      map[string]any // see once
}

// Encode runs a model over batches under evaluation statistics. The noise depends on the
// seed and the batch's place only, so that every evaluation of a trial, and every variant
// with that seed, draws the same. Another order of the file draws other noise for an example: rec,
// and what is made of Z, differ by the error of that draw; mu and sigma, and what is made of these
// alone, do not.
func Encode(m *vae.Model, batches []*vae.Batch, seed uint64) *Encoded {
	e := &Encoded{D: m.D, model: m}
	tape := &grad.Tape{NoGrad: true}
	for b, x := range batches {
		p := &nn.Pass{Tape: tape, Noise: stream.New(seed, "evaluation", b)}
		q := m.Posterior(p, x)
		z := q.Sample(p)
		rec := m.Decoder.LogProb(p, z, x)
		for i := range x.B() {
			e.Rec = append(e.Rec, -float64(rec.Data[i]))
		}
		e.Mu, e.Z = add(e.Mu, q.Mean()), add(e.Z, z)
		e.posteriors(p, q, z, x)
		e.N += x.B()
		e.Sizes = append(e.Sizes, x.B())
		e.Labels = append(e.Labels, x.Labels...)
		if x.Seqs != nil {
			e.Tokens += x.Tokens()
			for _, s := range x.Seqs {
				e.Lengths = append(e.Lengths, len(s))
			}
		}
		tape.Reset()
	}
	return e
}

// add appends the numbers of a value.
func add(to []float64, v *grad.Value) []float64 {
	for _, x := range v.Data {
		to = append(to, float64(x))
	}
	return to
}

// posteriors adds what a batch's posterior and prior are made of.
func (e *Encoded) posteriors(p *nn.Pass, q vae.Posterior, z *grad.Value, x *vae.Batch) {
	g, gaussian := q.(vae.Gaussian)
	if gaussian != e.model.Variant.Gaussian() {
		panic(fmt.Sprintf("metrics: the head makes %T, but its variant gives the family %s", q, e.model.Variant.Family()))
	}
	prior := e.model.Prior()
	_, standard := prior.(vae.Normal)
	e.family = q
	if gaussian {
		for i, s := range g.Sigma.Data {
			e.Sigma, e.Var = append(e.Sigma, float64(s)), append(e.Var, float64(s)*float64(s))
			e.Logvar = append(e.Logvar, float64(g.Logvar.Data[i]))
		}
		if g.Charge != nil {
			e.Charge = add(e.Charge, g.Charge)
		}
	} else {
		parts := q.Parts()
		e.widths = make([]int, len(parts))
		for k, v := range parts {
			if k == len(e.parts) {
				e.parts = append(e.parts, nil)
			}
			e.parts[k], e.widths[k] = add(e.parts[k], v), v.Cols
		}
		for i := range x.B() {
			e.densities = append(e.densities, q.Density(i))
		}
	}
	if !standard {
		density := prior.Density(p, x)
		for i := range x.B() {
			e.priors = append(e.priors, density(i))
		}
	}
	if of, ok := prior.(vae.GaussianPrior); ok {
		for k, part := range of(p, x).Parts() {
			e.given[k] = add(e.given[k], part)
		}
	}
	if !gaussian || !standard {
		kl := prior.KL(p, q, z, x)
		e.Parts, e.KLs = kl.Cols, add(e.KLs, kl)
	}
}

// gaussian tells whether the posteriors are Gaussian.
func (e *Encoded) gaussian() bool { return e.densities == nil }

// standard tells whether the prior is N(0, I).
func (e *Encoded) standard() bool { return e.priors == nil }

// terms are the terms of the loss, without X, for some examples, in their order.
func (e *Encoded) terms(tape *grad.Tape, rows []int) *vae.Terms {
	pick := func(x []float64, cols int) *grad.Value { return rowsOf(tape, x, cols, rows) }
	t := &vae.Terms{Q: e.posterior(tape, rows), Z: pick(e.Z, e.D), Rec: pick(e.Rec, 1).Neg(), Prior: e.model.Prior()}
	if _, ok := t.Prior.(vae.GaussianPrior); ok {
		of := vae.Gaussian{Mu: pick(e.given[0], e.D), Sigma: pick(e.given[1], e.D), Logvar: pick(e.given[2], e.D)}
		t.Prior = vae.GaussianPrior(func(*nn.Pass, *vae.Batch) vae.Gaussian { return of })
	} else if !e.standard() {
		drawn := regrouped{t.Prior, nil}
		for _, i := range rows {
			drawn.of = append(drawn.of, e.priors[i])
		}
		t.Prior = drawn
	}
	if e.KLs == nil {
		t.KL = vae.Normal{}.KL(nil, t.Q, t.Z, nil)
	} else {
		t.KL = pick(e.KLs, e.Parts)
	}
	return t
}

// rowsOf are some rows of a matrix with so many columns, on a tape.
func rowsOf(tape *grad.Tape, x []float64, cols int, rows []int) *grad.Value {
	v := tape.Zeros(len(rows), cols)
	for r, i := range rows {
		for j, f := range x[i*cols : (i+1)*cols] {
			v.Row(r)[j] = Float(f) // exact: it was one
		}
	}
	return v
}

// posterior are those of some examples, in their order.
func (e *Encoded) posterior(tape *grad.Tape, rows []int) vae.Posterior {
	if e.gaussian() {
		q := vae.Gaussian{Mu: rowsOf(tape, e.Mu, e.D, rows), Sigma: rowsOf(tape, e.Sigma, e.D, rows), Logvar: rowsOf(tape, e.Logvar, e.D, rows)}
		if e.Charge != nil {
			q.Charge = rowsOf(tape, e.Charge, e.D, rows)
		}
		return q
	}
	parts := make([]*grad.Value, len(e.parts))
	for k, x := range e.parts {
		parts[k] = rowsOf(tape, x, e.widths[k], rows)
	}
	return e.family.With(parts)
}

// A regrouped prior has the densities of some examples of a split, whose batches are gone.
type regrouped struct {
	vae.Prior
	of []vae.Density
}

func (r regrouped) Density(*nn.Pass, *vae.Batch) func(i int) vae.Density {
	return func(i int) vae.Density { return r.of[i] }
}

// Moments are the means over a batch of the KL (summed over its parts, and added to perDim for each), and, if q is
// Gaussian, of mu² and sigma² (means over dimensions too).
func Moments(q vae.Posterior, prior vae.Prior, kls *grad.Value, perDim []float64) (kl, mu2, sigma2 float64) {
	g, gaussian := q.(vae.Gaussian)
	_, standard := prior.(vae.Normal)
	if !gaussian || !standard {
		for i, nats := range kls.Data {
			perDim[i%kls.Cols] += float64(nats) / float64(kls.Rows)
			kl += float64(nats) / float64(kls.Rows)
		}
	}
	if !gaussian {
		return kl, 0, 0
	}
	B, D := g.Mu.Rows, g.Mu.Cols
	for i := range B {
		mu, sigma, logvar := g.Mu.Row(i), g.Sigma.Row(i), g.Logvar.Row(i)
		for j := range D {
			m, s := float64(mu[j]), float64(sigma[j])
			if standard {
				nats := vae.NormalKL(m, s*s, float64(logvar[j])) / float64(B)
				perDim[j] += nats
				kl += nats
			}
			mu2 += m * m / float64(B*D)
			sigma2 += s * s / float64(B*D)
		}
	}
	return kl, mu2, sigma2
}
