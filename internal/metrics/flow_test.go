package metrics

import (
	"math"
	"math/rand/v2"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// A warp is an invertible map of z, by IAF layers whose contexts are the same for all examples.
type warp struct {
	layers  []vae.IAFLayer
	context []Float // of each layer
}

// contexts are those of B examples, side by side.
func (w warp) contexts(p *nn.Pass, B int) *grad.Value {
	c := p.Tape.Zeros(B, len(w.context)*len(w.layers))
	for i := range c.Data {
		c.Data[i] = w.context[i%len(w.context)]
	}
	return c
}

// posterior is that of the map of a Gaussian.
func (w warp) posterior(p *nn.Pass, g vae.Gaussian) *vae.IAF {
	return vae.NewIAF(p, g, w.layers, w.contexts(p, g.Mu.Rows))
}

// back is the inverse map.
func (w warp) back(p *nn.Pass, z *grad.Value) *grad.Value {
	n, context := len(w.context), w.contexts(p, z.Rows)
	for k := len(w.layers) - 1; k >= 0; k-- {
		z = w.layers[k].Inverse(p, z, context.Columns(k*n, (k+1)*n))
	}
	return z
}

// A warped prior is that of the map of N(0, I).
type warped struct{ warp }

func (w warped) of(p *nn.Pass, B, D int) *vae.IAF {
	zero := p.Tape.Zeros(B, D)
	return w.posterior(p, vae.FromLogvar(zero, zero))
}

func (w warped) KL(p *nn.Pass, q vae.Posterior, z *grad.Value, x *vae.Batch) *grad.Value {
	return vae.SampledKL(p, q, z, w, x)
}

func (w warped) LogProb(p *nn.Pass, z *grad.Value, _ *vae.Batch) *grad.Value {
	return w.of(p, z.Rows, z.Cols).LogProb(p, z)
}

func (w warped) Density(p *nn.Pass, _ *vae.Batch) func(int) vae.Density {
	return func(int) vae.Density { return w.of(p, 1, len(w.context)/2).Density(0) }
}

// An undoing decoder reads z through an inverse map.
type undoing struct {
	level
	back func(p *nn.Pass, z *grad.Value) *grad.Value
}

func (d undoing) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return d.level.LogProb(p, d.back(p, z), x)
}

// TestFlowsMeasured: an invertible map of z in posterior and prior, which the decoder undoes, changes no measure of x and z: MI,
// gaps and likelihoods. It is the map of an IAF, the shear of two levels, or that of a flow prior, which is a shift here. Rates
// without a closed form are those of the same Gaussian by one sample, and rows have the rate of each level.
func TestFlowsMeasured(t *testing.T) {
	const D = 2
	batches := planes()
	measure := func(d vae.Decoder, v vae.Variant) (map[string]float64, map[string][]float64) {
		m := &vae.Model{D: D, Encoder: halving{D}, Decoder: d, Variant: v}
		return every(Encode(m, batches, 1), 3, batches...)
	}
	head := func(f func(p *nn.Pass, g vae.Gaussian) vae.Posterior) vae.Head {
		return func(p *nn.Pass, m, s *grad.Value) vae.Posterior { return f(p, vae.FromLogvar(m, s)) }
	}
	exact, _ := measure(level{}, vae.Variant{})
	sampled, _ := measure(level{}, vae.Variant{Gives: vae.FlowFamily, KLParts: 1, Head: head(func(_ *nn.Pass, g vae.Gaussian) vae.Posterior { return hidden{g} })})

	ps := &nn.Params{Seed: 2}
	w := warp{[]vae.IAFLayer{vae.NewIAFLayer(ps, "encoder.0", D, false), vae.NewIAFLayer(ps, "encoder.1", D, true)}, []Float{0.5, -1, 0.3, -0.6}}
	shear := vae.Shear{A: ps.New("encoder.a", nn.Constant(0.8), 1, 1)}
	const c = 1.5
	shift := func(last bool) vae.Coupling {
		return vae.Coupling{Split: 1, Last: last, Net: func(p *nn.Pass, z *grad.Value) (s, t *grad.Value) {
			return z.Scale(0), z.Scale(0).Shift(-c)
		}}
	}
	for _, k := range []struct {
		name    string
		decoder vae.Decoder
		variant vae.Variant
		rate    map[string]float64
	}{
		{"iaf", undoing{back: w.back}, vae.Variant{Gives: vae.FlowFamily, KLParts: 1, Prior: warped{w},
			Head: head(func(p *nn.Pass, g vae.Gaussian) vae.Posterior { return w.posterior(p, g) })}, sampled},
		{"two levels", undoing{back: func(p *nn.Pass, z *grad.Value) *grad.Value {
			z1, z2 := z.Columns(0, 1), z.Columns(1, 2)
			return z1.Sub(z2.Scale(0.8)).Beside(z2)
		}}, vae.Variant{Gives: vae.FlowFamily, KLParts: 2, Levels: true, Prior: vae.LadderPrior{Shear: shear},
			Head: head(func(p *nn.Pass, g vae.Gaussian) vae.Posterior { return vae.NewLadder(p, g, shear) })}, exact},
		{"flow prior", level{c}, vae.Variant{KLParts: 1, Prior: &vae.Flow{Couplings: []vae.Coupling{shift(false), shift(true)}},
			Head: head(func(_ *nn.Pass, g vae.Gaussian) vae.Posterior { return vae.FromLogvar(g.Mu.Shift(c), g.Logvar) })}, sampled},
	} {
		values, vectors := measure(k.decoder, k.variant)
		for _, name := range []string{"rec", "mi", "mi_se", "gap", "prior_gap", "density_gap", "density_gap_se", "iw_nll", "iw_nll_se"} {
			near(t, k.name+": "+name, values[name], exact[name], 5e-4*(1+math.Abs(exact[name])))
		}
		for _, name := range []string{"kl", "nelbo", "marginal_kl"} {
			near(t, k.name+": "+name, values[name], k.rate[name], 5e-4*(1+math.Abs(k.rate[name])))
		}
		if levels, ok := vectors["kl_level"]; ok != k.variant.Levels || ok && (len(levels) != 2 || math.Abs(levels[0]+levels[1]-values["kl"]) > 1e-9 || levels[0] == levels[1]) {
			t.Errorf("%s: the rates of levels are %v, all in all %v", k.name, levels, values["kl"])
		}
		if _, ok := vectors["kl_dim"]; ok {
			t.Errorf("%s: there is a KL of dimensions", k.name)
		}
	}
	density, z := warped{w}.Density(&nn.Pass{Tape: &grad.Tape{}}, nil)(0), make([]float64, D)
	density.Draw(rand.New(rand.NewPCG(1, 1)), z)
	if math.Abs(z[0]) < 1e-3 || exact["mi"] < 0.3 {
		t.Errorf("the models are too plain to tell: a draw is %v, the MI %v", z, exact["mi"])
	}
}
