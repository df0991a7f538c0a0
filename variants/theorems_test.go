package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// posterior runs a method in training mode on given raw outputs.
func posterior(method vae.Method, B, D int, raw func(i, j int) (m, s float64), learnt map[string]float64) (vae.Gaussian, vae.Variant) {
	ps := &nn.Params{}
	variant := method.Build(vae.Builder{Params: ps, D: D})
	for name, x := range learnt {
		for j := range ps.Get(name).Data {
			ps.Get(name).Data[j] = Float(x)
		}
	}
	tape := &grad.Tape{}
	m, s := tape.Zeros(B, D), tape.Zeros(B, D)
	for i := range B {
		for j := range D {
			a, b := raw(i, j)
			m.Row(i)[j], s.Row(i)[j] = Float(a), Float(b)
		}
	}
	return variant.Head(&nn.Pass{Tape: tape, Train: true}, m, s).(vae.Gaussian), variant
}

func meanKL(q vae.Gaussian) float64 { return q.KL().RowSums().Mean().Scalar() }

// second is the mean over the batch of the squares of column j.
func second(v *grad.Value, j int) (s float64) {
	for i := range v.Rows {
		x := float64(v.Row(i)[j])
		s += x * x / float64(v.Rows)
	}
	return s
}

// gaussians returns raw outputs of a given spread around a hostile offset.
func gaussians(spread, offset float64) func(i, j int) (float64, float64) {
	rng := rand.New(rand.NewPCG(2, 3))
	return func(int, int) (float64, float64) {
		return offset + spread*rng.NormFloat64(), offset + spread*rng.NormFloat64()
	}
}

// TestTheoremBNFloor: E[KL] >= (1/2) sum_j (gamma² v/(v+eps) + beta²), equation 6 with its
// eps leak, for any raw outputs. The bound is tight where sigma = 1 for every example.
func TestTheoremBNFloor(t *testing.T) {
	const B, D, beta = 50, 6, 0.4
	for _, gamma := range []float64{0.1, 0.5, 1, 2} {
		for _, spread := range []float64{1e-4, 1e-2, 1, 100} {
			method := BN{Gamma: gamma, Eps: 1e-5, Momentum: 0.1}
			raw := gaussians(spread, 0.5)
			rows := [B][D][2]float64{}
			for i := range B {
				for j := range D {
					rows[i][j][0], rows[i][j][1] = raw(i, j)
				}
			}
			at := func(i, j int) (float64, float64) { return rows[i][j][0], rows[i][j][1] }
			q, variant := posterior(method, B, D, at, map[string]float64{"encoder.mu_bn.bias": beta})
			leaky := 0.0
			for j := range D {
				var mean, v float64
				for i := range B {
					mean += float64(Float(rows[i][j][0])) / B
				}
				for i := range B {
					d := float64(Float(rows[i][j][0])) - mean
					v += d * d / B
				}
				leaky += 0.5 * (gamma*gamma*v/(v+1e-5) + beta*beta)
			}
			if kl := meanKL(q); kl < leaky*(1-1e-3) {
				t.Errorf("gamma %v spread %v: KL %v below its floor %v", gamma, spread, kl, leaky)
			}
			full := D / 2. * (gamma*gamma + beta*beta)
			if got := variant.Floor(); math.Abs(got-full) > 1e-5 {
				t.Errorf("gamma %v: Floor() %v, want %v", gamma, got, full)
			}
			if spread == 1e-4 && leaky > 0.9*full && gamma >= 0.5 {
				t.Errorf("gamma %v spread %v: the floor should leak: %v of %v", gamma, spread, leaky, full)
			}
			// ln sigma² = 0 makes the bound an equality.
			q, _ = posterior(method, B, D, func(i, j int) (float64, float64) { return rows[i][j][0], 0 },
				map[string]float64{"encoder.mu_bn.bias": beta})
			if kl := meanKL(q); math.Abs(kl-leaky) > 2e-3*leaky {
				t.Errorf("gamma %v spread %v, sigma 1: KL %v, floor %v", gamma, spread, kl, leaky)
			}
		}
	}
}

// TestTheoremScalerMoments: E[mu] = 0 and E[mu²] + E[sigma²] = 1 in every dimension for any
// theta and tau, and KL >= -sum ln gamma_sigma >= -(d/2) ln(1-tau). The moments need raw
// variances well above eps = 1e-8.
func TestTheoremScalerMoments(t *testing.T) {
	const B, D = 64, 4
	for _, tau := range []float64{0.05, 0.5, 0.9} {
		for _, theta := range []float64{-30, -1.32, 0, 2, 10} {
			for name, method := range map[string]vae.Method{
				"bn-scaler":  BNScaler{Tau: tau, Eps: 1e-8, Momentum: 0.01},
				"rms-scaler": RMSScaler{Tau: tau, Eps: 1e-8, Momentum: 0.01},
			} {
				q, variant := posterior(method, B, D, gaussians(0.3, 2), map[string]float64{"encoder.scaler.theta": theta})
				for j := range D {
					if got := second(q.Mu, j) + second(q.Sigma, j); math.Abs(got-1) > 1e-4 {
						t.Errorf("%s tau %v theta %v: E[mu²]+E[sigma²] = %v", name, tau, theta, got)
					}
					if got, want := second(q.Mu, j), tau+(1-tau)/(1+math.Exp(-theta)); math.Abs(got-want) > 1e-4 {
						t.Errorf("%s tau %v theta %v: E[mu²] = %v, want %v", name, tau, theta, got, want)
					}
				}
				kl, floor, least := meanKL(q), variant.Floor(), -0.5*D*math.Log(1-tau)
				if kl < floor-1e-4 || floor < least-1e-4 {
					t.Errorf("%s tau %v theta %v: KL %v, floor %v, least floor %v", name, tau, theta, kl, floor, least)
				}
			}
		}
	}
}

// TestScalerFloorIsFinite: however far theta runs, floor and gauges are numbers.
func TestScalerFloorIsFinite(t *testing.T) {
	for _, theta := range []float64{-200, 17, 40, 200} {
		_, variant := posterior(BNScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.01}, 8, 2, gaussians(1, 0),
			map[string]float64{"encoder.scaler.theta": theta})
		want := math.Log(2) + max(0, theta) // d = 2: softplus(theta) - ln(1-tau)
		if got := variant.Floor(); math.Abs(got-want) > 1e-3*want {
			t.Errorf("theta %v: floor %v, want %v", theta, got, want)
		}
	}
}

// TestTheoremGammaSigmaIsLargestWhenThetaFalls: sigmoid(theta) -> 0 gives gamma_sigma =
// sqrt(1-tau), its maximum, not 0 as a reply below the blog post has it.
func TestTheoremGammaSigmaIsLargestWhenThetaFalls(t *testing.T) {
	for _, tau := range []float64{0.1, 0.5, 0.8} {
		last := 0.0
		for _, theta := range []float64{5, 0, -5, -50} {
			_, variant := posterior(BNScaler{Tau: tau, Eps: 1e-8, Momentum: 0.01}, 8, 1, gaussians(1, 0),
				map[string]float64{"encoder.scaler.theta": theta})
			var gammaSigma float64
			for _, g := range variant.Gauges() {
				if g.Name == "gamma_sigma" {
					gammaSigma = g.Values[0]
				}
			}
			if gammaSigma <= last {
				t.Errorf("tau %v theta %v: gamma_sigma %v does not grow as theta falls", tau, theta, gammaSigma)
			}
			last = gammaSigma
		}
		if want := math.Sqrt(1 - tau); math.Abs(last-want) > 1e-6 {
			t.Errorf("tau %v: gamma_sigma ends at %v, want sqrt(1-tau) = %v", tau, last, want)
		}
	}
}

// TestTheoremGaussianSigmaCosts: if BN(s) is Gaussian, the KL exceeds Jensen's floor by
// (ln 2 + Euler's constant)/2 = 0.6352 nats per dimension; a constant sigma meets it.
func TestTheoremGaussianSigmaCosts(t *testing.T) {
	const B, D = 20_000, 1
	q, variant := posterior(BNScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.01}, B, D, gaussians(1, 0), nil)
	if got := meanKL(q) - variant.Floor(); math.Abs(got-0.6352) > 0.03 {
		t.Errorf("bn-scaler pays %v nats above its floor, want 0.635", got)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	q, variant = posterior(RMSScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.01}, B, D,
		func(int, int) (float64, float64) { return rng.NormFloat64(), 1 }, nil)
	if got := meanKL(q) - variant.Floor(); math.Abs(got) > 1e-3 {
		t.Errorf("rms-scaler with a constant sigma pays %v nats above its floor, want 0", got)
	}
}

// TestTheoremLNFloor: the floor holds for every example by itself, and a constant
// direction is allowed: all examples can have the same mu.
func TestTheoremLNFloor(t *testing.T) {
	const B, D, gamma = 20, 5, 0.7
	q, variant := posterior(LN{Gamma: gamma, Eps: 1e-5}, B, D, gaussians(3, -1), nil)
	kl := q.KL().RowSums()
	for i := range B {
		if got := float64(kl.Data[i]); got < variant.Floor()*(1-1e-3) {
			t.Errorf("example %d: KL %v below %v", i, got, variant.Floor())
		}
	}
	q, variant = posterior(LN{Gamma: gamma, Eps: 1e-5}, B, D, func(_, j int) (float64, float64) { return float64(j), 0 }, nil)
	if got := meanKL(q); math.Abs(got-variant.Floor()) > 1e-3 {
		t.Errorf("the same mu for all: KL %v, want the floor %v", got, variant.Floor())
	}
}

// TestTheoremDelta: KL_j = delta + relu(m_j)/2 whatever s is, also where sigma is at an end of its range.
func TestTheoremDelta(t *testing.T) {
	for _, delta := range []float64{0.01, 0.15, 2} {
		for _, m := range []float64{-3, -1e-3, 0, 0.5, 4} {
			for _, s := range []float64{-100, -2, 0, 1, 100} {
				q, variant := posterior(DeltaVAE{Delta: delta}, 2, 3, func(int, int) (float64, float64) { return m, s }, nil)
				if got, want := meanKL(q), 3*(delta+max(m, 0)/2); math.Abs(got-want) > 1e-5 {
					t.Errorf("delta %v, m %v, s %v: KL %v, want %v", delta, m, s, got, want)
				}
				if got := variant.Floor(); math.Abs(got-3*delta) > 1e-12 {
					t.Errorf("delta %v: floor %v", delta, got)
				}
			}
		}
	}
}

// TestFreeBits: the modes of a batch mean charge lambda, or its share, below it.
func TestFreeBits(t *testing.T) {
	tape := &grad.Tape{}
	mu := tape.Zeros(2, 2)
	copy(mu.Data, []Float{2, 0, 2, 0}) // KL 2 and 0 nats
	q := vae.FromLogvar(mu, tape.Zeros(2, 2))
	for _, c := range []struct {
		mode         string
		lambda, want float64
	}{{"dim", 1, 2.5}, {"dim", 6, 6}, {"total", 1, 2}, {"total", 3, 3}} {
		v := FreeBits{Lambda: c.lambda, Mode: c.mode}.Build(vae.Builder{D: 2})
		if got := v.Penalty(&nn.Pass{Tape: tape}, &vae.Terms{Q: q, KL: q.KL()}).Scalar(); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s, lambda %v: penalty %v, want %v", c.mode, c.lambda, got, c.want)
		}
	}
}
