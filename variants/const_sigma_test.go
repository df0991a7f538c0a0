package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestGoldenConstSigma: the KL of any batch is that of the golden. What z tells of x within a batch is below the golden's
// bound, and near it where m is Gaussian and the bound is well below ln B.
func TestGoldenConstSigma(t *testing.T) {
	var want struct {
		Cases []struct {
			C, Gamma, KL float64
			D            int
			MIAtMost     float64 `json:"mi_at_most"`
		} `json:"constant_sigma"`
		Tol float64
	}
	golden(t, "ceae.json", &want)
	const B = 600
	low := 0
	for _, c := range want.Cases {
		method := ConstSigma{C: c.C, Gamma: c.Gamma} // the golden has no eps
		q, variant := posterior(method, B, c.D, gaussians(3, -2), nil)
		near(t, "KL", []Float{Float(meanKL(q))}, []float64{c.KL}, want.Tol)
		near(t, "floor", []Float{Float(variant.Floor())}, []float64{c.KL}, want.Tol)
		if c.MIAtMost > math.Log(B) { // no batch of B has so much
			continue
		}
		mi := information(q)
		if mi.mean() > c.MIAtMost+3*mi.se() {
			t.Errorf("c %v: MI %v ± %v above %v", c.C, mi.mean(), mi.se(), c.MIAtMost)
		}
		if c.MIAtMost < 0.5*math.Log(B) {
			low++
			if mi.mean() < 0.9*c.MIAtMost {
				t.Errorf("c %v: MI %v of Gaussian m, far below %v", c.C, mi.mean(), c.MIAtMost)
			}
		}
	}
	if low == 0 {
		t.Error("no case has a bound below ln B")
	}
}

// information is the MI of x and z within a batch, over several draws of z.
func information(q vae.Gaussian) (mi estimate) {
	for seed := range uint64(6) {
		z := q.Sample(&nn.Pass{Tape: &grad.Tape{}, Noise: rand.New(rand.NewPCG(seed, 6))})
		mi.add(mutual(&vae.Terms{Q: q, Z: z}))
	}
	return mi
}

// TestTheoremConstSigma: whatever m is, the KL of a batch is the floor, and MI is below D/2 ln(1 + gamma²/c²). A batch with
// two m has an MI of at most ln 2 in each dimension, far below the bound.
func TestTheoremConstSigma(t *testing.T) {
	const B, D = 120, 2
	for _, c := range []float64{1, 0.3, 0.02} {
		for _, gamma := range []float64{0.5, 2} {
			for name, raw := range map[string]func(int, int) (float64, float64){
				"gaussian": gaussians(5, 3), "two": func(i, j int) (float64, float64) { return float64(i >> j % 2), 0 },
				"skewed": func(i, j int) (float64, float64) { return math.Exp(float64((i*(j+3))%11) / 2), 0 },
			} {
				q, variant := posterior(ConstSigma{C: c, Gamma: gamma, Eps: 1e-8, Momentum: 0.1}, B, D, raw, nil)
				want := 0.5 * D * (gamma*gamma + c*c - 2*math.Log(c) - 1)
				if kl := meanKL(q); math.Abs(kl-want) > 1e-4*want || math.Abs(variant.Floor()-want) > 1e-9 {
					t.Errorf("%s, c %v, gamma %v: KL %v, floor %v, want %v", name, c, gamma, kl, variant.Floor(), want)
				}
				most := 0.5 * D * math.Log1p(gamma*gamma/(c*c))
				if name == "two" {
					most = min(most, D*math.Ln2)
				}
				if mi := information(q); mi.mean() > most+3*mi.se()+1e-4 {
					t.Errorf("%s, c %v, gamma %v: MI %v ± %v above %v", name, c, gamma, mi.mean(), mi.se(), most)
				}
			}
		}
	}
}

// TestConstSigmaRefusals: a charge of the KL has no effect beside it, unless the KL is that to another prior or of a refined q.
func TestConstSigmaRefusals(t *testing.T) {
	method := ConstSigma{C: 0.5, Gamma: 1, Eps: 1e-8, Momentum: 0.1}
	for name, c := range map[string]struct {
		with []vae.Method
		ok   bool
	}{
		"free bits":          {[]vae.Method{FreeBits{Lambda: 1, Mode: "dim"}}, false},
		"a controller":       {[]vae.Method{ControlVAE{C: 1, Kp: 0.1, Ki: 0.01, Mode: "to-1"}}, false},
		"a group's penalty":  {[]vae.Method{DGVAE{Agg: 4, Draws: 2}}, true},
		"parts of the KL":    {[]vae.Method{TC{Alpha: 0.5, Beta: 2, Gamma: 1, Estimator: "batch"}}, true},
		"a prior":            {[]vae.Method{MixturePrior{K: 2, Components: "mog"}}, true},
		"a prior, free bits": {[]vae.Method{MixturePrior{K: 2, Components: "mog"}, FreeBits{Lambda: 1, Mode: "dim"}}, true},
		"a refinement":       {[]vae.Method{SAVAE{Steps: 1, LR: 1, Mode: "cheap"}, FreeBits{Lambda: 1, Mode: "dim"}}, true},
	} {
		if _, err := Check(append(c.with, method)...); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
