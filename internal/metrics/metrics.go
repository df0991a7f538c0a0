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

// Encoded is a split as a model sees it, batch after batch. Mu, Sigma (of either sign), Var
// (sigma²), Logvar and Z are (N, D), row-major; Rec is (N).
type Encoded struct {
	N, D                      int
	Mu, Sigma, Var, Logvar, Z []float64
	Rec                       []float64 // -ln p(x_i|z_i)
	Labels                    []int     // (N), or nil if the data have none
	Sizes                     []int     // examples in each batch
	Lengths                   []int     // (N), symbols of each sentence; nil for images and vectors
	Tokens                    int       // predicted symbols of all sentences; 0 for images and vectors
	variant                   vae.Variant
}

// Encode runs a model over batches under evaluation statistics. The noise depends on the
// seed and the batch's place only, so that every evaluation of a trial, and every variant
// with that seed, draws the same. Another order of the file draws other noise for an example: rec,
// and what is made of Z, differ by the error of that draw; mu and sigma, and what is made of these
// alone, do not.
func Encode(m *vae.Model, batches []*vae.Batch, seed uint64) *Encoded {
	e := &Encoded{D: m.D, variant: m.Variant}
	tape := &grad.Tape{NoGrad: true}
	for b, x := range batches {
		p := &nn.Pass{Tape: tape, Noise: stream.New(seed, "evaluation", b)}
		q := m.Posterior(p, x)
		z := q.Sample(p)
		rec := m.Decoder.LogProb(p, z, x)
		for i := range x.B() {
			e.Rec = append(e.Rec, -float64(rec.Data[i]))
		}
		for i := range q.Mu.Data {
			s := float64(q.Sigma.Data[i])
			e.Mu = append(e.Mu, float64(q.Mu.Data[i]))
			e.Sigma = append(e.Sigma, s)
			e.Var = append(e.Var, s*s)
			e.Logvar = append(e.Logvar, float64(q.Logvar.Data[i]))
			e.Z = append(e.Z, float64(z.Data[i]))
		}
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

// Moments are the means over a training batch of the KL (summed over dimensions, and
// added to perDim for each), and of mu² and sigma² (means over dimensions too).
func Moments(q vae.Gaussian, perDim []float64) (kl, mu2, sigma2 float64) {
	B, D := q.Mu.Rows, q.Mu.Cols
	for i := range B {
		mu, sigma, logvar := q.Mu.Row(i), q.Sigma.Row(i), q.Logvar.Row(i)
		for j := range D {
			m, s := float64(mu[j]), float64(sigma[j])
			m, s = m*m, s*s
			nats := 0.5 * (m + s - float64(logvar[j]) - 1) / float64(B)
			perDim[j] += nats
			kl += nats
			mu2 += m / float64(B*D)
			sigma2 += s / float64(B*D)
		}
	}
	return kl, mu2, sigma2
}

// All is every metric of a split that is made of its posteriors alone, by name, none of which depends
// on batches or on the order of the examples. Every evaluation has them.
func All(e *Encoded) (values map[string]float64, vectors map[string][]float64) {
	kl, klDim := e.KL()
	mi, se := e.MI()
	mu2, sigma2 := e.SecondMoments()
	deficit, momentDim := e.MomentDeficit()
	small, negative, logvar := e.SigmaSigns()
	values = map[string]float64{
		"rec": e.MeanRec(), "kl": kl, "nelbo": e.NELBO(),
		"mi": mi, "mi_se": se, "mi_cap": math.Log(float64(e.N)), "marginal_kl": MarginalKL(kl, mi),
		"au": e.AU(0.01), "au_05": e.AU(0.05), "au_10": e.AU(0.1), "au_50": e.AU(0.5), "au_free": e.ScaleFreeAU(),
		"mu2": mu2, "sigma2": sigma2, "moment": mu2 + sigma2, "moment_deficit": deficit,
		"sigma_small": small, "sigma_negative": negative, "logvar": logvar,
	}
	if e.Tokens > 0 {
		values["ppl"] = e.PPL(e.NELBO())
	}
	vectors = map[string][]float64{
		"kl_dim": klDim, "mi_dim_bound": e.MIDimBound(), "moment_dim": momentDim, "collapse": e.CollapseCurve(),
	}
	addGauges(e.variant, kl, values, vectors)
	return values, vectors
}

// More adds what takes another pass over the split, or over pairs of examples: what the last row
// of a trial has, and no evaluation while it trains. drawn are the examples of batches in batches
// that were drawn anew. samples of z make the importance-weighted likelihood, 0 none.
func More(m *vae.Model, batches, drawn []*vae.Batch, e *Encoded, samples int, seed uint64, values map[string]float64, vectors map[string][]float64) {
	density := e.DensityGap(seed)
	values["density_gap"], values["density_gap_se"], values["density_close"] = density.Joint, density.SE, density.Close
	values["prior_gap"], values["bn_gap"] = e.PriorGap(m, batches, seed), BNGap(m, drawn)
	values["nelbo_se"] = e.NELBOSE()
	vectors["density_gap_dim"], vectors["mi_dim"] = density.Dims, e.MIDim(seed)
	vectors["kl_quantiles"], values["kl_sd"] = e.KLQuantiles()
	vectors["sigma_histogram"] = e.SigmaHistogram()
	if e.D > 1 { // the two dimensions that tell most of x
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
