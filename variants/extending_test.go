package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Pair has a prior of two Gaussians, one on either side of the origin:
//
//	p(z) = (N(z; c, I) + N(z; -c, I)) / 2
//
// c, (D), is learnt. The rate is in nats, estimated from the batch's samples.
type Pair struct {
	// Apart is each number of the first c.
	Apart float64 `yaml:"apart" range:"[0,inf)"`
}

func init() { Methods.Add("pair", Pair{Apart: 1}) }

// RateBound says that the rate has none.
func (Pair) RateBound() string { return "none" }

// Build makes decoder.pair, c.
func (v Pair) Build(b vae.Builder) vae.Variant {
	c := b.Params.New("decoder.pair", nn.Constant(v.Apart), 1, b.D)
	return vae.Variant{Prior: pair{c}, KLParts: 1}
}

type pair struct{ c *nn.Param }

// KL is estimated from z, (B, 1).
func (r pair) KL(p *nn.Pass, q vae.Posterior, z *grad.Value, x *vae.Batch) *grad.Value {
	return vae.SampledKL(p, q, z, r, x)
}

// LogProb is ln p(z), (B, 1).
func (r pair) LogProb(p *nn.Pass, z *grad.Value, _ *vae.Batch) *grad.Value {
	c := p.Use(r.c)
	right, left := vae.Normal{}.LogProb(p, z.AddRow(c.Neg()), nil), vae.Normal{}.LogProb(p, z.AddRow(c), nil)
	return right.Beside(left).LogSumExp(2, nil)
}

// Density is p(z) off the tape.
func (r pair) Density(*nn.Pass, *vae.Batch) func(int) vae.Density {
	d := twoSided{}
	for _, c := range r.c.Data {
		d = append(d, float64(c))
	}
	return func(int) vae.Density { return d }
}

// twoSided is c.
type twoSided []float64

// LogProb is ln N(z; c, I) plus what the other side adds: ln (1 + e^(-2 z·c)) - ln 2.
func (c twoSided) LogProb(z []float64) float64 {
	var squares, product float64
	for j, v := range z {
		squares += (v - c[j]) * (v - c[j])
		product += v * c[j]
	}
	return -0.5*(squares+float64(len(z))*math.Log(2*math.Pi)) + math.Log((1+math.Exp(-2*product))/2)
}

// Draw chooses a side first.
func (c twoSided) Draw(noise *rand.Rand, z []float64) {
	side := float64(2*noise.IntN(2) - 1)
	for j := range z {
		z[j] = side*c[j] + noise.NormFloat64()
	}
}

// TestExtending: the prior of docs/extending.md meets the conformance of every method, as TestConformance finds, and what a
// prior of two Gaussians has to: with c = 0 it is N(0, I), and its draws have the mean 0 and the second moment 1 + c².
func TestExtending(t *testing.T) {
	method, err := Methods.Get("pair")
	if err != nil || Methods.Doc("pair") != "Pair has a prior of two Gaussians, one on either side of the origin:" {
		t.Errorf("%v, documented as %q", err, Methods.Doc("pair"))
	}
	for _, fault := range faults(method) {
		t.Error(fault)
	}
	z := []float64{0.3, -2}
	if got, want := (twoSided{0, 0}).LogProb(z), (vae.Normal{}).Density(nil, nil)(0).LogProb(z); math.Abs(got-want) > 1e-12 {
		t.Errorf("with c = 0 ln p(z) is %v, that of N(0, I) %v", got, want)
	}
	const n = 20000
	var mean, second float64
	noise, row := rand.New(rand.NewPCG(1, 2)), make([]float64, 1)
	for range n {
		twoSided{1.5}.Draw(noise, row)
		mean += row[0] / n
		second += row[0] * row[0] / n
	}
	if math.Abs(mean) > 5*math.Sqrt(3.25/n) || math.Abs(second-3.25) > 5*math.Sqrt((2+4*2.25)/n) {
		t.Errorf("mean %v, second moment %v; want 0 and 3.25", mean, second)
	}
}
