// Package metrics evaluates a model on a split: one metric per file, each with its formula.
//
// All of them read one Encoded split: for every example the posterior under evaluation
// (running) statistics, one sample z, and ln p(x|z). Units are nats unless a comment says
// otherwise.
package metrics

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// Float is the engine's number.
type Float = tensor.Float

// Encoded is a split as a model sees it, batch after batch. Mu (the mean of z under q) and Z are (N, D), row-major;
// Rec is (N). Sigma (of either sign), Var (sigma²) and Logvar are (N, D) if the posteriors are Gaussian, else nil.
type Encoded struct {
	N, D                      int
	Mu, Sigma, Var, Logvar, Z []float64
	Rec                       []float64 // -ln p(x_i|z_i)
	Parts                     int       // J, the parts of an example's KL; 0 if KLs is nil
	KLs                       []float64 // (N, J) KL by part; nil for Gaussians and N(0, I), whose KL has a closed form
	Labels                    []int     // (N), or nil if the data have none
	Sizes                     []int     // examples in each batch
	Lengths                   []int     // (N), symbols of each sentence; nil for images and vectors
	Tokens                    int       // predicted symbols of all sentences; 0 for images and vectors

	model     *vae.Model    // nil if the numbers are no model's
	family    vae.Posterior // one of the posteriors, for its kind
	parts     [][]float64   // what makes the posteriors, see vae.Posterior.Parts: (N, ·) each
	widths    []int         // columns of each of parts
	densities []vae.Density // (N) of posteriors that are not Gaussian
	priors    []vae.Density // (N) of a prior other than N(0, I)
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
	prior := e.model.Prior()
	_, standard := prior.(vae.Normal)
	e.family = q
	if gaussian {
		for i, s := range g.Sigma.Data {
			e.Sigma, e.Var = append(e.Sigma, float64(s)), append(e.Var, float64(s)*float64(s))
			e.Logvar = append(e.Logvar, float64(g.Logvar.Data[i]))
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
	if !gaussian || !standard {
		kl := prior.KL(p, q, z, x)
		e.Parts, e.KLs = kl.Cols, add(e.KLs, kl)
	}
}

// variant is the model's, or the zero one.
func (e *Encoded) variant() (v vae.Variant) {
	if e.model != nil {
		v = e.model.Variant
	}
	return v
}

// gaussian tells whether the posteriors are Gaussian.
func (e *Encoded) gaussian() bool { return e.densities == nil }

// standard tells whether the prior is N(0, I).
func (e *Encoded) standard() bool { return e.priors == nil }

// terms are the terms of the loss, without X, for some examples, in their order.
func (e *Encoded) terms(tape *grad.Tape, rows []int) *vae.Terms {
	pick := func(x []float64, cols int) *grad.Value {
		v := tape.Zeros(len(rows), cols)
		for r, i := range rows {
			for j, f := range x[i*cols : (i+1)*cols] {
				v.Row(r)[j] = Float(f) // exact: it was one
			}
		}
		return v
	}
	t := &vae.Terms{Z: pick(e.Z, e.D), Rec: pick(e.Rec, 1).Neg()}
	if e.gaussian() {
		t.Q = vae.Gaussian{Mu: pick(e.Mu, e.D), Sigma: pick(e.Sigma, e.D), Logvar: pick(e.Logvar, e.D)}
	} else {
		parts := make([]*grad.Value, len(e.parts))
		for k, x := range e.parts {
			parts[k] = pick(x, e.widths[k])
		}
		t.Q = e.family.With(parts)
	}
	if e.KLs == nil {
		t.KL = vae.Normal{}.KL(nil, t.Q, t.Z, nil)
	} else {
		t.KL = pick(e.KLs, e.Parts)
	}
	return t
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

// All is every metric of a split that is made of its posteriors alone, by name, none of which depends
// on batches or on the order of the examples. Every evaluation has them.
func All(e *Encoded) (values map[string]float64, vectors map[string][]float64) {
	kl, klDim := e.KL()
	mi, se := e.MI()
	values = map[string]float64{
		"rec": e.MeanRec(), "kl": kl, "nelbo": e.NELBO(),
		"mi": mi, "mi_se": se, "mi_cap": math.Log(float64(e.N)), "marginal_kl": MarginalKL(kl, mi),
		"au": e.AU(0.01), "au_05": e.AU(0.05), "au_10": e.AU(0.1), "au_50": e.AU(0.5),
	}
	if e.Tokens > 0 {
		values["ppl"] = e.PPL(e.NELBO())
	}
	vectors = map[string][]float64{"kl_dim": klDim, "collapse": e.CollapseCurve()}
	if e.gaussian() {
		mu2, sigma2 := e.SecondMoments()
		values["mu2"], values["sigma2"], values["moment"] = mu2, sigma2, mu2+sigma2
		values["moment_deficit"], vectors["moment_dim"] = e.MomentDeficit()
		values["sigma_small"], values["sigma_negative"], values["logvar"] = e.SigmaSigns()
		values["au_free"], vectors["mi_dim_bound"] = e.ScaleFreeAU(), e.MIDimBound()
	}
	addGauges(e.variant(), kl, values, vectors)
	return values, vectors
}

// More adds what takes another pass over the split, or over pairs of examples: what the last row
// of a trial has, and no evaluation while it trains. drawn are the examples of batches in batches
// that were drawn anew. samples of z make the importance-weighted likelihood, 0 none.
func More(m *vae.Model, batches, drawn []*vae.Batch, e *Encoded, samples int, seed uint64, values map[string]float64, vectors map[string][]float64) {
	density := e.DensityGap(seed)
	values["density_gap"], values["density_gap_se"] = density.Joint, density.SE
	values["prior_gap"], values["bn_gap"] = e.PriorGap(m, batches, seed), BNGap(m, drawn)
	values["nelbo_se"] = e.NELBOSE()
	if density.Dims != nil {
		values["density_close"], vectors["density_gap_dim"] = density.Close, density.Dims
	}
	vectors["kl_quantiles"], values["kl_sd"] = e.KLQuantiles()
	if e.gaussian() {
		vectors["mi_dim"], vectors["sigma_histogram"] = e.MIDim(seed), e.SigmaHistogram()
	}
	if e.gaussian() && e.D > 1 { // the two dimensions that tell most of x
		a, b := twoLargest(vectors["mi_dim"])
		vectors["aggregate"], vectors["aggregate_dims"] = e.AggregateGrid(a, b), []float64{float64(a), float64(b)}
	}
	if samples == 0 {
		return
	}
	nll := IWNLL(m, batches, samples, seed)
	var sum float64
	for _, nats := range nll {
		sum += nats
	}
	values["iw_nll"], values["iw_nll_se"] = sum/float64(e.N), standardError(nll)
	if e.Tokens > 0 {
		values["iw_ppl"] = e.PPL(values["iw_nll"])
	}
}

// addGauges adds what the variant says of itself: its floor, the slack of the KL above
// it, and its own numbers.
func addGauges(v vae.Variant, kl float64, values map[string]float64, vectors map[string][]float64) {
	if v.Floor != nil {
		floor := v.Floor()
		values["floor"] = floor
		values["slack"] = kl - floor
	}
	if v.Gauges != nil {
		for _, g := range v.Gauges() {
			vectors[g.Name] = g.Values
		}
	}
}
