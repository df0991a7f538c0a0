package variants

import (
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// DeltaVAE gives mu and sigma such ranges that every dimension has a KL of at least delta nats, for every example:
//
//	sigma = l + (u - l) sigmoid(s)                          l², u²: the roots x of ln x - x + 2 delta + 1 = 0
//	mu    = sqrt(2 delta + 1 + ln sigma² - sigma² + relu(m))
//	KL_j  = delta + relu(m_j)/2
//
// m and s are (B, D), the KL is in nats. Its gradient is 1/2 for m_j > 0, else 0, and 0 for s: only rec moves sigma. mu is
// never negative. A posterior that is the same for all examples has the KL of the floor, D delta, so the floor does not
// imply a positive MI. The head combines with penalties, schedules and regimes, but not with another head.
//
// Public code: valdersoul/bn-vae adds 1e-6 under the root over the mean, which raises the KL by 5e-7, and keeps sigmoid(s)
// above 0.02, where the gradient of s becomes 0.
//
// Source: Razavi et al. 2019, "Preventing posterior collapse with delta-VAEs" (arXiv 1901.03416). Its prior over the positions
// of a sequence is not built, because there is one z. The square root over the mean is missing in its equation 8.
type DeltaVAE struct {
	// Delta is the least KL of a dimension, in nats.
	Delta float64 `yaml:"delta" range:"(0,inf)" knob:"rises"`
}

func init() { Methods.Add("delta-vae", DeltaVAE{Delta: 0.15}) }

// Build needs no parameters.
func (v DeltaVAE) Build(b vae.Builder) vae.Variant {
	c := 2*v.Delta + 1
	low, high := 0.0, c
	for range 1000 { // both fixed points attract
		low, high = math.Exp(low-c), c+math.Log(high)
	}
	l, u := math.Sqrt(low), math.Sqrt(high)
	return vae.Variant{
		Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			sigma := s.Sigmoid().Scale(Float(u - l)).Shift(Float(l))
			logvar := sigma.Square().Log()
			slack := logvar.Sub(sigma.Square()).Shift(Float(c)) // 0 at l and at u
			mu := slack.Add(m.Max(0)).Max(1e-12).Sqrt()         // 1e-12: a gradient at 0 would be infinite
			return vae.Gaussian{Mu: mu, Sigma: sigma, Logvar: logvar}
		},
		Floor: func() float64 { return v.Delta * float64(b.D) },
	}
}

// RateBound is Floor.
func (DeltaVAE) RateBound() string { return "KL >= D delta" }

// leastKL is the floor, which every dimension of every example keeps.
func (v DeltaVAE) leastKL(D int) bound {
	return bound{nats: v.Delta * float64(D), dims: true, examples: true}
}
