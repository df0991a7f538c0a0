package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// FSQ rounds each number of z to one of so many levels, L, with a uniform prior over them, so that no training changes the KL:
//
//	b  = h tanh(m + s) - o,   h = (L - 1)(1 - 1e-3)/2, o = 1/2 for even L, else 0, s = tan(o/h)
//	z  = round(b)/⌊L/2⌋
//	KL = D ln L
//
// m and z are (B, D), the KL is in nats. z has the gradient of b/⌊L/2⌋, straight through the rounding. There is no codebook to
// learn. s is to put b near 0 at m = 0. The decoder gets I(x; z), the entropy of z over x, which is exact (mi); how many levels
// a dimension uses is code_perplexity. What charges or weighs the KL has no effect and is refused; so is another prior. q(z|x)
// is one code, so there is no importance-weighted likelihood.
//
// Public code: some ports have atanh(o/h) for s and 1 + 1e-3 in h; with 1 - 1e-3 that is not a number at L = 2.
//
// Source: Mentzer, Minnen, Agustsson & Tschannen 2024, "Finite scalar quantization: VQ-VAE made simple" (arXiv 2309.15505),
// with 5 to 8 levels in most dimensions.
type FSQ struct {
	// Levels is the number of values of a dimension; the KL is D ln levels.
	Levels int `yaml:"levels" range:"[2,64]" knob:"rises"`
}

func init() { Methods.Add("fsq", FSQ{Levels: 3}) }

// RateBound says what the KL is.
func (FSQ) RateBound() string { return "KL = D ln levels" }

// Build needs no parameters.
func (v FSQ) Build(b vae.Builder) vae.Variant {
	half, offset, unit := float64(v.Levels-1)*(1-1e-3)/2, 0.0, 1/Float(v.Levels/2)
	if v.Levels%2 == 0 {
		offset = 0.5
	}
	shift := math.Tan(offset / half)
	return vae.Variant{
		Gives: vae.CodeFamily,
		Raw:   vae.MOnly,
		Head: func(p *nn.Pass, m, _ *grad.Value) vae.Posterior {
			bounded := m.Shift(Float(shift)).Tanh().Scale(Float(half)).Shift(Float(-offset))
			whole := p.Tape.Zeros(m.Rows, m.Cols)
			for i, x := range bounded.Data {
				if r := math.RoundToEven(float64(x)); r != 0 { // -0 is 0
					whole.Data[i] = Float(r)
				}
			}
			return vae.Code{Z: bounded.Straight(whole.Matrix).Scale(unit), Raw: m, J: m.Cols}
		},
		Prior: vae.UniformCode{J: b.D, K: v.Levels, Put: func(k int, z []float64) {
			z[0] = float64(Float(k-v.Levels/2) * unit)
		}},
		ConstantRate: true,
		Floor:        func() float64 { return float64(b.D) * math.Log(float64(v.Levels)) },
	}
}
