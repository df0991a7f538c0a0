package metrics

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// A shifted prior is N(c, I). With a posterior shifted as far every measure must be that of the unshifted pair.
type shifted struct{ c Float }

func (s shifted) KL(_ *nn.Pass, q vae.Posterior, _ *grad.Value, _ *vae.Batch) *grad.Value {
	g := q.(vae.Gaussian)
	return vae.Gaussian{Mu: g.Mu.Shift(-s.c), Sigma: g.Sigma, Logvar: g.Logvar}.KL()
}

func (s shifted) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return vae.Normal{}.LogProb(p, z.Shift(-s.c), x)
}

func (s shifted) Density(p *nn.Pass, x *vae.Batch) func(int) vae.Density {
	return func(i int) vae.Density { return moved{vae.Normal{}.Density(p, x)(i), float64(s.c)} }
}

type moved struct {
	of vae.Density
	c  float64
}

func (m moved) LogProb(z []float64) float64 {
	back := make([]float64, len(z))
	for j, v := range z {
		back[j] = v - m.c
	}
	return m.of.LogProb(back)
}

func (m moved) Draw(noise *rand.Rand, z []float64) {
	m.of.Draw(noise, z)
	for j := range z {
		z[j] += m.c
	}
}

// A hidden is a Gaussian that does not say so: what is measured through the interface alone.
type hidden struct{ vae.Gaussian }

func (h hidden) With(parts []*grad.Value) vae.Posterior {
	return hidden{h.Gaussian.With(parts).(vae.Gaussian)}
}

// A level decoder explains an example by how near z, less a shift, is to a place of its own: it reads z.
type level struct{ c Float }

func (d level) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	want := p.Tape.Zeros(z.Rows, z.Cols)
	for i := range z.Rows {
		for j := range z.Cols {
			want.Row(i)[j] = Float(x.Values.Row(i)[j])
		}
	}
	return z.Shift(-d.c).Sub(want).Square().RowSums().Scale(-0.5)
}

// A level encoder has mu = x/2 and sigma² = 1/2, the exact posterior.
type halving struct{ D int }

func (e halving) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	m, s = p.Tape.Zeros(x.B(), e.D), p.Tape.Zeros(x.B(), e.D)
	for i := range x.B() {
		for j := range e.D {
			m.Row(i)[j], s.Row(i)[j] = x.Values.Row(i)[j]/2, Float(math.Log(0.5))
		}
	}
	return m, s
}

// planes are four batches of 16 vectors of two numbers.
func planes() (batches []*vae.Batch) {
	rng := newRand(3)
	for range 4 {
		var rows [][]float32
		for range 16 {
			rows = append(rows, []float32{float32(1.4 * rng.NormFloat64()), float32(1.4 * rng.NormFloat64())})
		}
		batches = append(batches, vae.NewGrid(rows, nil, false))
	}
	return batches
}

// TestMeasuredThroughPosteriorAndPrior: prior, posterior and decoder shifted together, or a posterior known by its
// interface alone, change no measure but by rounding (and mi_batch, which knows the entropy of a Gaussian).
func TestMeasuredThroughPosteriorAndPrior(t *testing.T) {
	const D = 2
	batches := planes()
	measure := func(m *vae.Model) map[string]float64 {
		m.D, m.Encoder = D, halving{D}
		e := Encode(m, batches, 1)
		values, _ := every(e, 3, batches...)
		return values
	}
	// How far z is from a draw of the prior, of examples that are regrouped.
	extras := []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
		drawn, row := p.Tape.Zeros(t.Z.Rows, D), make([]float64, D)
		for i := range t.Z.Rows {
			t.Prior.Density(p, t.X)(i).Draw(p.Noise, row)
			for j, z := range row {
				drawn.Row(i)[j] = Float(z)
			}
		}
		return t.Z.Sub(drawn).Square().RowSums().Mean()
	}}
	plain := measure(&vae.Model{Decoder: level{}, Variant: vae.Variant{Extras: extras}})
	const c = 1.5
	moved := measure(&vae.Model{Decoder: level{c}, Variant: vae.Variant{
		Prior: shifted{c}, Extras: extras,
		Head: func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return vae.FromLogvar(m.Shift(c), s) },
	}})
	family := measure(&vae.Model{Decoder: level{}, Variant: vae.Variant{
		Extras: extras,
		Gives:  vae.SphereFamily, // anything but a Gaussian
		Head:   func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return hidden{vae.FromLogvar(m, s)} },
		Penalty: func(_ *nn.Pass, t *vae.Terms) *grad.Value {
			return t.Q.(hidden).KL().RowSums().Mean() // the vanilla one, from regrouped parts
		},
	}})
	if plain["kl"] < 0.3 || plain["mi"] < 0.3 {
		t.Fatalf("the model is too plain to tell: %v", plain)
	}
	for _, name := range []string{"rec", "kl", "nelbo", "mi", "mi_se", "marginal_kl", "gap", "prior_gap", "density_gap", "density_gap_se",
		"bn_gap", "nelbo_se", "kl_sd", "iw_nll", "iw_nll_se", "extra", "objective"} {
		near(t, "a shifted pair: "+name, moved[name], plain[name], 2e-4*(1+math.Abs(plain[name])))
		if name == "kl" || name == "nelbo" || name == "marginal_kl" || name == "kl_sd" || name == "nelbo_se" || name == "objective" {
			continue // of one sample, below
		}
		near(t, "a hidden Gaussian: "+name, family[name], plain[name], 2e-4*(1+math.Abs(plain[name])))
	}
	near(t, "a hidden Gaussian: objective", family["objective"], plain["objective"], 1e-4)
	near(t, "a hidden Gaussian: KL of one sample", family["kl"], plain["kl"], 0.5)
	near(t, "a shifted pair: au", moved["au"], plain["au"], 0)
	for _, name := range []string{"moment", "sigma2", "au", "au_free"} {
		if _, ok := family[name]; ok {
			t.Errorf("%s is measured of a posterior without sigma", name)
		}
	}
}
