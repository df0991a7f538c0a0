package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestGoldenScale: the factors, z, what is charged and the rate, with the eps of the golden's batch.
func TestGoldenScale(t *testing.T) {
	var batch struct{ Mu, Logvar, Eps [][]float64 }
	var want struct {
		Target        float64
		F             []float64
		Z             [][]float64
		Penalty, Rate float64
		Tol           float64
	}
	golden(t, "batch.json", &batch)
	golden(t, "scale_vae.json", &want)
	tape := &grad.Tape{}
	m, _ := leaf(tape, batch.Mu)
	s, _ := leaf(tape, batch.Logvar)
	eps, _ := leaf(tape, batch.Eps)
	variant := ScaleVAE{Scale: want.Target}.Build(vae.Builder{Params: &nn.Params{}, D: len(want.F)}) // the golden has no e
	p := &nn.Pass{Tape: tape, Train: true}
	q := variant.Head(p, m, s).(vae.Gaussian)
	for i, row := range batch.Mu {
		for j, mu := range row {
			near(t, "f", []Float{q.Mu.Row(i)[j] / Float(mu)}, want.F[j:j+1], want.Tol)
		}
	}
	near(t, "z", q.Mu.Add(q.Sigma.Mul(eps)).Data, flat(want.Z), want.Tol)
	near(t, "penalty", variant.Penalty(p, &vae.Terms{Q: q}).Data, []float64{want.Penalty}, want.Tol)
	near(t, "rate", []Float{Float(meanKL(q))}, []float64{want.Rate}, want.Tol)
}

// TestTheoremScale: under batch statistics the rate is at least D s²/2 for any raw outputs, with equality where sigma is 1
// and the mean of m is 0. Where m shrinks, the penalty falls to 0 and the rate stays.
func TestTheoremScale(t *testing.T) {
	const B, D = 30, 3
	rng := rand.New(rand.NewPCG(4, 4))
	for _, scale := range []float64{0.3, 1, 2} {
		bound := 0.5 * D * scale * scale
		for _, spread := range []float64{0.05, 1, 20} {
			for _, raw := range []func(int, int) (float64, float64){
				gaussians(spread, -1),
				func(i, _ int) (float64, float64) { return spread * math.Pow(float64(i%5), 3), -2 },
				func(int, int) (float64, float64) { return spread * (rng.ExpFloat64() - 1), 0.5 * rng.NormFloat64() },
			} {
				q, variant := posterior(ScaleVAE{Scale: scale, Eps: 1e-8, Momentum: 0.1}, B, D, raw, nil)
				if got := variant.Floor(); math.Abs(got-bound) > 1e-12 {
					t.Fatalf("scale %v: Floor() %v, want %v", scale, got, bound)
				}
				if kl := meanKL(q); kl < bound*(1-1e-4) {
					t.Errorf("scale %v, spread %v: rate %v below %v", scale, spread, kl, bound)
				}
			}
		}
		last := math.Inf(1)
		for _, size := range []float64{10, 1, 0.1, 0.01} {
			q, variant := posterior(ScaleVAE{Scale: scale, Eps: 1e-8, Momentum: 0.1}, B, D,
				func(i, _ int) (float64, float64) { return size * float64(2*(i%2)-1), 0 }, nil)
			if kl := meanKL(q); math.Abs(kl-bound) > 1e-3*bound {
				t.Errorf("scale %v, size %v: rate %v, want %v", scale, size, kl, bound)
			}
			penalty := variant.Penalty(nil, &vae.Terms{Q: q}).Scalar()
			if want := 0.5 * D * size * size; penalty >= last || math.Abs(penalty-want) > 1e-4*want+1e-6 {
				t.Errorf("scale %v, size %v: penalty %v, want %v", scale, size, penalty, want)
			}
			last = penalty
		}
	}
}

// TestScaleIsOfTheBatch: a batch has its own factors, in training and under batch statistics; an evaluation has the same for
// every batch.
func TestScaleIsOfTheBatch(t *testing.T) {
	const B, D = 6, 2
	variant := ScaleVAE{Scale: 1, Eps: 1e-8, Momentum: 1}.Build(vae.Builder{Params: &nn.Params{}, D: D})
	factor := func(p nn.Pass, size Float) Float {
		p.Tape = &grad.Tape{}
		m := p.Tape.Zeros(B, D)
		for i := range m.Data {
			m.Data[i] = size * Float(1+i)
		}
		return variant.Head(&p, m, p.Tape.Zeros(B, D)).(vae.Gaussian).Mu.Data[0] / m.Data[0]
	}
	for _, batch := range []nn.Pass{{Train: true}, {BatchStats: true}} {
		if one, two := factor(batch, 1), factor(batch, 4); math.Abs(float64(one/two)-4) > 1e-4 {
			t.Errorf("%+v: factors %v and %v of a batch 4 times as wide", batch, one, two)
		}
	}
	factor(nn.Pass{Train: true}, 2)
	unbiased := factor(nn.Pass{BatchStats: true}, 2) * Float(math.Sqrt((B-1.)/B))
	if one, two := factor(nn.Pass{}, 1), factor(nn.Pass{}, 4); one != two || math.Abs(float64(one/unbiased)-1) > 1e-4 {
		t.Errorf("evaluations have factors %v and %v, want %v", one, two, unbiased)
	}
}
