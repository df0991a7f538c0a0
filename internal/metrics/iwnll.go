package metrics

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Tests, Need: needSamples,
		Measure: func(s *Split, r Row) {
			nll := s.iwnll()
			r.Values["iw_nll"], r.Values["iw_nll_se"] = mean(nll), standardError(nll)
		},
		Metrics: []Metric{
			{Name: "iw_nll", Unit: "nats", Doc: "importance-weighted estimate of -ln p(x)"},
			{Name: "iw_nll_se", Unit: "nats", Doc: "standard error of iw_nll, over examples"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Tests, Need: needSampledText,
		Measure: func(s *Split, r Row) {
			r.Values["iw_ppl"] = s.PPL(mean(s.iwnll()))
		},
		Metrics: []Metric{
			{Name: "iw_ppl", Doc: "perplexity per symbol from iw_nll; counts </s>"},
		},
	})
}

// iwRows and iwNumbers bound the examples decoded at once, samples of z times sentences or
// images, and the pixels of these.
const iwRows, iwNumbers = 512, 1 << 16

// IWNLL is the importance-weighted estimate of -ln p(x) for every example, in nats, in
// the order of the batches:
//
//	-ln (1/K) sum_k p(x|z_k) p(z_k) / q(z_k|x),   z_k ~ q(z|x)
//
// an upper bound in expectation that tightens as K grows. Running statistics.
//
// Source: Burda, Grosse & Salakhutdinov 2016, "Importance weighted autoencoders",
// equation 8 (arXiv 1509.00519).
func IWNLL(m *vae.Model, batches []*vae.Batch, K int, seed uint64) []float64 {
	var out []float64
	tape := &grad.Tape{NoGrad: true}
	for b, x := range batches {
		noise := stream.New(seed, "importance", b)
		p := &nn.Pass{Tape: tape, Noise: noise}
		posterior, prior := densities(m, p, x)
		tape.Reset()
		logw := make([][]float64, x.B())
		place := func(i, _ int, z []float64) { posterior[i].Draw(noise, z) }
		explain(m, tape, x, K, place, func(i, _ int, z []float64, logp float64) {
			logw[i] = append(logw[i], logp+prior[i].LogProb(z)-posterior[i].LogProb(z))
		})
		for _, w := range logw {
			out = append(out, -(logSumExp(w) - math.Log(float64(K))))
		}
	}
	return out
}

// densities are posterior and prior of each example of a batch, off the tape.
func densities(m *vae.Model, p *nn.Pass, x *vae.Batch) (posterior, prior []vae.Density) {
	q, density := m.Posterior(p, x), m.Prior().Density(p, x)
	for i := range x.B() {
		posterior, prior = append(posterior, q.Density(i)), append(prior, density(i))
	}
	return posterior, prior
}

// explain decodes K z for each example of a batch, so many at once as iwRows and iwNumbers allow.
// Place fills in the k-th z of example i, (D); see is told it, rounded to Float, with ln p(x_i|z), in nats. The tape
// is reset in between.
func explain(m *vae.Model, tape *grad.Tape, x *vae.Batch, K int, place func(i, k int, z []float64), see func(i, k int, z []float64, logp float64)) {
	chunk := max(1, iwRows/x.B())
	if x.Seqs == nil {
		chunk = max(1, min(iwRows, iwNumbers/x.Values.Cols)/x.B())
	}
	var repeated *vae.Batch // x, n times
	for done, last := 0, 0; done < K; done += chunk {
		n := min(chunk, K-done)
		if n != last {
			repeated, last = x.Repeat(n), n
		}
		z := tape.Zeros(x.B()*n, m.D) // rows i*n ... i*n+n-1 belong to example i
		row := make([]float64, m.D)
		for r := range z.Rows {
			place(r/n, done+r%n, row)
			for j, v := range row {
				z.Row(r)[j] = Float(v)
			}
		}
		logp := m.Decoder.LogProb(&nn.Pass{Tape: tape}, z, repeated)
		for r := range z.Rows {
			for j, v := range z.Row(r) {
				row[j] = float64(v)
			}
			see(r/n, done+r%n, row, float64(logp.Data[r]))
		}
		tape.Reset()
	}
}

func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	var s float64
	for _, v := range x {
		s += math.Exp(v - top)
	}
	return top + math.Log(s)
}

// iwnll is IWNLL, once.
func (s *Split) iwnll() []float64 {
	return once(s.Encoded, "iw_nll", func() []float64 { return IWNLL(s.Model, s.Batches, s.Samples, s.Seed) })
}

// mean is that of some numbers.
func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

var (
	// sampled: importance weights of a q(z|x) that is one code, or one point, never see the p(x|z) of another.
	sampled = func(f Facts) bool { return f.Samples > 0 && !f.Variant.OneCode() && !f.Variant.Deterministic }

	needSamples     = &Need{"train.iw_samples above 0, and a q(z|x) of more than one z", sampled}
	needSampledText = &Need{"text, train.iw_samples above 0, and a q(z|x) of more than one z", func(f Facts) bool { return sampled(f) && f.Kind == vae.Text }}
)
