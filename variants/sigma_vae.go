package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// SigmaVAE sets the variance of a decoder of vectors, s², one for all numbers, in place of a fixed one:
//
//	ln p(x|z) = ln N(x; mean(z), s² I)
//	optimal:  s² = mean over batch and numbers of (x - mean(z))²          in training; rec is then P/2 (1 + ln 2 pi s²)
//	learnt:   ln s = softclip(l) = -6 + ln(1 + e^(l+6)),   l is learnt, from 0
//
// With squared errors alone, s² is the weight of the KL: s² times the loss is |x - mean(z)|²/2 + s² KL + (P s²/2) ln 2 pi s².
// So it sets beta itself: s² falls as the reconstruction gets better, and the KL costs less. A latent dimension of a linear
// VAE collapses where s² is at least its eigenvalue. The KL has no bound. Both s² have one optimum; at optimal the gradient is
// that of s² held fixed, because the loss is least in s² there.
//
// Evaluations have s² frozen: with optimal it is the running mean of those of training steps, with weight 0.1 for the last one.
// The s² of the examples that are evaluated would be chosen by them, and p(x|z) would be no density. So rec of training rows is
// slightly lower. s² is at least e^-12. It is the metric noise. The variant is for vectors, images of binarise: none among them,
// with any posterior, penalty, bound and regime. Beside iwae the s² of optimal is that of all samples.
//
// Public code: some of it takes the mean over the P numbers in place of the sum, which makes the KL weight P times as
// large. The soft clip is that of the authors.
//
// Source: Rybkin, Daniilidis & Levine 2021, "Simple and effective VAE training with calibrated decoders" (arXiv 2006.13202).
type SigmaVAE struct {
	// Sigma is where s comes from: optimal for each batch, or learnt.
	Sigma string `yaml:"sigma" choice:"optimal|learnt"`
}

func init() { Methods.Add("sigma-vae", SigmaVAE{Sigma: "optimal"}) }

// RateBound says that the rate has none.
func (SigmaVAE) RateBound() string { return "none" }

// leastLogSigma is the least ln s.
const leastLogSigma = -6

// Build makes decoder.sigma.log, l, or the buffer decoder.sigma.running.
func (v SigmaVAE) Build(b vae.Builder) vae.Variant {
	variant := vae.Variant{Kind: vae.Vector}
	if v.Sigma == "learnt" {
		l := b.Params.New("decoder.sigma.log", nn.Constant(0), 1)
		variant.Noise = func(p *nn.Pass, _ *grad.Value) *grad.Value { return softclip(p.Use(l), leastLogSigma).Scale(2) }
		return variant
	}
	running := b.Params.Buffer("decoder.sigma.running", nn.Constant(0), 2) // the weighted sum of s², and of the weights
	variant.Noise = func(p *nn.Pass, squares *grad.Value) *grad.Value {
		if !p.Train && !p.BatchStats {
			return p.Tape.Zeros(1, 1).Shift(Float(math.Log(frozen(running.Data))))
		}
		s2 := squares.Mean()
		if p.Train && !p.Inner {
			const last = 0.1
			running.Data[0] += last * (s2.Data[0] - running.Data[0])
			running.Data[1] += last * (1 - running.Data[1])
		}
		return s2.Max(Float(math.Exp(2 * leastLogSigma))).Log()
	}
	return variant
}

// softclip is x above a, and a below it, with a smooth passage: a + ln(1 + e^(x-a)).
func softclip(x *grad.Value, a Float) *grad.Value { return x.Shift(-a).Softplus().Shift(a) }

// frozen is s² of evaluations; 1 before any training.
func frozen(running []Float) float64 {
	if running[1] == 0 {
		return 1
	}
	return max(math.Exp(2*leastLogSigma), float64(running[0]/running[1]))
}
