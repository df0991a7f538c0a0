package metrics

import (
	"fmt"
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/sphere"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A compass is a model of directions: x on the unit sphere, mu = x, and ln p(x|z) = kappa x·z + a constant that is left
// out. Under the uniform prior p(z|x) is vMF(x, kappa), so a vMF posterior of that kappa is exact, and
//
//	-ln p(x) = -ln E_p[exp(kappa x·z)] = KL - kappa E[mu·z]
type compass struct{ kappa float64 }

func (c compass) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	return p.Tape.Const(x.Values).Scale(3), nil
}

func (c compass) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return z.Mul(p.Tape.Const(x.Values)).RowSums().Scale(Float(c.kappa))
}

func (c compass) model(method vae.Method, D int) *vae.Model {
	return &vae.Model{Encoder: c, Decoder: c, D: D, Variant: method.Build(vae.Builder{D: D})}
}

// directions are batches of n directions in all.
func directions(n, D int, seed uint64) []*vae.Batch {
	rng, rows := newRand(seed), make([][]float32, n)
	for i := range rows {
		rows[i] = make([]float32, D)
		sphere.Uniform(rng, rows[i])
	}
	return batchesOf(rows, make([]int, n))
}

// TestBallAgainstTheDensities: the product is the sum over all densities, for z of the posteriors and of the prior, and for
// examples that are picked.
func TestBallAgainstTheDensities(t *testing.T) {
	for _, D := range []int{2, 3, 40} {
		for name, method := range map[string]vae.Method{
			"vmf 2": variants.VMF{Kappa: 2}, "vmf 50": variants.VMF{Kappa: 50}, "vmf 3000": variants.VMF{Kappa: 3000},
			"power-spherical 2": variants.PowerSpherical{Kappa: 2}, "power-spherical 3000": variants.PowerSpherical{Kappa: 3000},
		} {
			all := Encode(compass{1}.model(method, D), directions(150, D, 4), 1)
			uniform := make([]float64, 70*D)
			for i := range 70 {
				sphere.Uniform(newRand(uint64(i)), uniform[i*D:(i+1)*D])
			}
			for what, c := range map[string]struct {
				e *Encoded
				z []float64
			}{"z of the posteriors": {all, all.Z}, "z of the prior": {all, uniform}, "some": {all.pick([]int{7, 3, 100}), all.Z[:5*D]}} {
				mix, own := c.e.logDensity(c.z)
				w := &mixed{of: c.e.densities, z: c.z, D: D, mix: make([]float64, len(mix)), own: make([]float64, len(mix))}
				tensor.Split(w, len(w.mix), 1)
				for i := range mix {
					tol := func(want float64) float64 { return 2e-3 + 1e-5*math.Abs(want) } // it is large where q is very small
					near(t, fmt.Sprintf("%s, D %d, %s", name, D, what), mix[i]-c.e.constant(), w.mix[i], tol(w.mix[i]))
					if i < c.e.N {
						near(t, fmt.Sprintf("%s, D %d, %s, own", name, D, what), own[i]-c.e.constant(), w.own[i], tol(w.own[i]))
					}
				}
			}
		}
	}
}

// TestMeasuresOfACompass: with the exact posterior NELBO and IW-NLL are -ln p(x) for any number of samples; the losses of the
// prior's z have closed forms.
func TestMeasuresOfACompass(t *testing.T) {
	const D, kappa = 4, 12.
	m := compass{kappa}.model(variants.VMF{Kappa: kappa}, D)
	law := sphere.NewVMF(D, kappa)
	batches := directions(3000, D, 5)
	e := Encode(m, batches, 1)
	values, vectors := every(e, 3, batches...)
	want := law.KL() - kappa*law.Mean()
	near(t, "KL", values["kl"], law.KL(), 1e-6)
	near(t, "slack", values["slack"], 0, 1e-6)
	near(t, "NELBO", values["nelbo"], want, 0.1)
	near(t, "IW-NLL", values["iw_nll"], want, 1e-5)
	near(t, "its error", values["iw_nll_se"], 0, 1e-5)
	near(t, "prior gap", values["prior_gap"], kappa*law.Mean(), 0.5)
	near(t, "gap", values["gap"], kappa*law.Mean(), 0.5) // x is uniform as well
	near(t, "bn_gap", values["bn_gap"], 0, 0)
	near(t, "objective", values["objective"], values["rec"]+2*law.KL(), 1e-5)
	near(t, "spread of the KL", values["kl_sd"], 0, 1e-6)
	for _, name := range []string{"kl_dim", "collapse", "mi_dim", "aggregate", "density_gap_dim"} {
		if v, ok := vectors[name]; ok {
			t.Errorf("%s %v is measured of a sphere", name, v)
		}
	}
	if mi := values["mi"]; !(mi > 0.9*law.KL() && mi <= law.KL()+3*values["mi_se"]) {
		t.Errorf("MI %v ± %v of a KL of %v, though q(z) is nearly uniform", mi, values["mi_se"], law.KL())
	}
	if values["density_gap"] > 0.2 || values["density_gap"] < -3*values["density_gap_se"] {
		t.Errorf("density gap %v ± %v, though q(z) is nearly uniform", values["density_gap"], values["density_gap_se"])
	}
	for _, name := range []string{"mu2", "sigma2", "moment", "au", "au_free", "sigma_small", "kl_mu"} {
		if _, ok := values[name]; ok {
			t.Errorf("%s is measured of a sphere", name)
		}
	}
}

// TestSpheresAtTheEnds: posteriors that are all one tell nothing, and KL(p || q(z)) is that of one; posteriors far apart
// tell which example it is.
func TestSpheresAtTheEnds(t *testing.T) {
	const D, kappa = 3, 6.
	one := make([][]float32, 64)
	for i := range one {
		one[i] = []float32{0.6, 0, 0.8}
	}
	e := Encode(compass{kappa}.model(variants.VMF{Kappa: kappa}, D), batchesOf(one, make([]int, 64)), 1)
	values, _ := every(e, 0, batchesOf(one, make([]int, 64))...)
	law := sphere.NewVMF(D, kappa)
	near(t, "MI", values["mi"], 0, 1e-5)
	near(t, "marginal KL", values["marginal_kl"], law.KL(), 1e-5)
	near(t, "density gap", values["density_gap"], kappa*law.Mean()-law.KL(), 5*values["density_gap_se"])

	var apart [][]float32
	for j := range 8 {
		for _, sign := range []float32{-1, 1} {
			row := make([]float32, 8)
			row[j] = sign
			apart = append(apart, row)
		}
	}
	for _, method := range []vae.Method{variants.VMF{Kappa: 2000}, variants.PowerSpherical{Kappa: 2000}} {
		mi, _ := Encode(compass{1}.model(method, 8), batchesOf(apart, make([]int, 16)), 1).MI()
		near(t, "MI of posteriors far apart", mi, math.Log(16), 1e-5)
	}
}
