package variants

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/mmd"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// TestGoldenMMD: value and gradient of both kernels, the distance of a set from itself, and the whole charge.
func TestGoldenMMD(t *testing.T) {
	var want struct {
		Z, Prior [][]float64
		IMQ      float64     `json:"imq_u"`
		DIMQ     [][]float64 `json:"dimq_dz"`
		RBF      float64     `json:"rbf_u"`
		DRBF     [][]float64 `json:"drbf_dz"`
		Same     float64     `json:"same_sets_u"`
		InfoVAE  struct {
			Alpha   float64
			Lambda  float64 `json:"lambda_"`
			Penalty float64
		}
		Tol float64
	}
	var batch struct{ KL [][]float64 }
	golden(t, "mmd.json", &want)
	golden(t, "batch.json", &batch)
	if tensor.Bits == 32 {
		want.Tol = 5e-6 // MMD² is the difference of sums as large as 14
	}
	for kernel, c := range map[string]struct {
		value    float64
		gradient [][]float64
	}{"imq": {want.IMQ, want.DIMQ}, "rbf": {want.RBF, want.DRBF}} {
		tape := &grad.Tape{}
		z, gradient := leaf(tape, want.Z)
		prior, _ := leaf(tape, want.Prior)
		d := mmd.New(kernel).Squared(z, prior)
		near(t, kernel, d.Data, []float64{c.value}, want.Tol)
		d.Backward()
		near(t, kernel+", gradient", gradient, flat(c.gradient), want.Tol)
	}
	tape := &grad.Tape{}
	z, _ := leaf(tape, want.Z)
	prior, _ := leaf(tape, want.Prior)
	kl, _ := leaf(tape, batch.KL)
	near(t, "the same set twice", mmd.New("imq").Squared(prior, prior).Data, []float64{want.Same}, want.Tol)
	method := InfoVAE{Alpha: want.InfoVAE.Alpha, MMD: want.InfoVAE.Alpha + want.InfoVAE.Lambda - 1, Kernel: "imq"}
	model := vae.Model{Variant: method.Build(vae.Builder{D: z.Cols})}
	charge := model.Penalty(nil, &vae.Terms{KL: kl}).Add(mmd.New("imq").Squared(z, prior).Scale(Float(method.MMD)))
	near(t, "KL and MMD", charge.Data, []float64{want.InfoVAE.Penalty}, want.Tol)
}

// A moved prior is N(by, I).
type moved struct {
	vae.Prior
	by float64
}

func (m moved) Density(p *nn.Pass, x *vae.Batch) func(int) vae.Density {
	return func(i int) vae.Density { return movedDensity{m.Prior.Density(p, x)(i), m.by} }
}

type movedDensity struct {
	vae.Density
	by float64
}

func (m movedDensity) Draw(noise *rand.Rand, z []float64) {
	m.Density.Draw(noise, z)
	for j := range z {
		z[j] += m.by
	}
}

// TestMMD: over many draws the mean of the extra is 0 if z has the distribution of the prior, which need not be N(0, I), also
// with few examples, and it rises with the distance of the two. Draws of the prior differ from call to call.
func TestMMD(t *testing.T) {
	const B, D, draws = 5, 3, 800
	for kernel, prior := range map[string]moved{"imq": {vae.Normal{}, 0}, "rbf": {vae.Normal{}, -3}} {
		extra := InfoVAE{MMD: 10, Kernel: kernel}.Build(vae.Builder{D: D}).Extras[0]
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, Noise: rand.New(rand.NewPCG(1, 2))}
		last := 0.0
		for _, shift := range []float64{0, 0.7, 1.4} {
			var mean, squares float64
			for range draws {
				z := p.Tape.Zeros(B, D)
				for i := range z.Data {
					z.Data[i] = Float(prior.by + shift + p.Noise.NormFloat64())
				}
				v := extra(p, &vae.Terms{Z: z, Prior: prior}).Scalar()
				mean, squares = mean+v/draws, squares+v*v/draws
				p.Tape.Reset()
			}
			se := math.Sqrt((squares - mean*mean) / draws)
			if shift == 0 && math.Abs(mean) > 4*se || shift > 0 && mean < last+10*se || !(se > 0) {
				t.Errorf("%s, shift %v: mean %v ± %v, before %v", kernel, shift, mean, se, last)
			}
			last = mean
		}
	}
}

// TestInfoVAE: alpha takes its share of the KL; without it another variant may change the KL term. One example has no extra.
func TestInfoVAE(t *testing.T) {
	for alpha, want := range map[float64]float64{0: 2, 0.25: 1.5, 1: 0} {
		method := InfoVAE{Alpha: alpha, MMD: 1, Kernel: "imq"}
		tape := &grad.Tape{}
		kl, _ := leaf(tape, [][]float64{{0.5}, {3.5}})
		model := vae.Model{Variant: method.Build(vae.Builder{D: 1})}
		if got := model.Penalty(nil, &vae.Terms{KL: kl}).Scalar(); math.Abs(got-want) > 1e-6 {
			t.Errorf("alpha %v: %v, want %v", alpha, got, want)
		}
		if _, err := Check(method, FreeBits{Lambda: 1, Mode: "dim"}); (err == nil) != (alpha == 0) {
			t.Errorf("alpha %v with free bits: %v", alpha, err)
		}
		z, _ := leaf(tape, [][]float64{{1}})
		if got := model.Extra(&nn.Pass{Tape: tape}, &vae.Terms{Z: z}).Scalar(); got != 0 {
			t.Errorf("one example has extra %v", got)
		}
	}
}
