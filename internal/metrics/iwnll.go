package metrics

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

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
		q := m.Posterior(p, x)
		q = vae.Gaussian{Mu: keep(q.Mu), Sigma: keep(q.Sigma), Logvar: keep(q.Logvar)}
		tape.Reset()
		logw := make([][]float64, x.B())
		chunk := max(1, iwRows/x.B())
		if x.Seqs == nil {
			chunk = max(1, min(iwRows, iwNumbers/x.Values.Cols)/x.B())
		}
		var repeated *vae.Batch // x, k times
		for done, last := 0, 0; done < K; done += chunk {
			k := min(chunk, K-done)
			if k != last {
				repeated, last = x.Repeat(k), k
			}
			z := tape.Zeros(x.B()*k, m.D) // rows i*k ... i*k+k-1 belong to example i
			for r := range z.Rows {
				row := z.Row(r)
				for j := range row {
					row[j] = q.Mu.Row(r / k)[j] + q.Sigma.Row(r / k)[j]*Float(noise.NormFloat64())
				}
			}
			rec := m.Decoder.LogProb(&nn.Pass{Tape: tape}, z, repeated)
			for r := range z.Rows {
				i := r / k
				logw[i] = append(logw[i], float64(rec.Data[r])+vae.LogPrior(z.Row(r))-q.LogProb(i, z.Row(r)))
			}
			tape.Reset()
		}
		for _, w := range logw {
			out = append(out, -(logSumExp(w) - math.Log(float64(K))))
		}
	}
	return out
}

// keep copies a value off the tape.
func keep(v *grad.Value) *grad.Value {
	c := *v
	c.Data = append([]Float(nil), v.Data...)
	return &c
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
