package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/mmd"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// CoupledVAE trains a second, deterministic path beside the VAE, and draws the signal of the VAE's decoder to its own:
//
//	mu_c = W_c mu,   h_c = the signal of a second decoder for mu_c,   h = that of the VAE's decoder for z
//	auxiliary = mean_i [-ln p_c(x_i|mu_c,i) - lambda sum_s C/(C + |h_i - h_c,i|²)],   C = 2 D s, s in 0.1, 0.2, 0.5, 1, 2, 5, 10
//
// mu is the mean of q(z|x), (B, D). The signal is what z becomes where it enters a decoder, (B, H): in lstm the first cell
// state, in transformer what is added to each word, or else the first layer's memory. h_c is held fixed in the second term, so
// that h follows it. The path shares the encoder, which so learns to tell x from the beginning. Its decoder is like the
// VAE's, but reads all words whatever other variants hide. All of it is of training only: metrics see the stochastic path.
// The rate has no lower bound. A step costs about twice that of vanilla. With any posterior, penalty and schedule, for
// lstm and transformer.
//
// Public code: mu_c is linear in the state of the encoder, whatever mu is, and both decoders share their word vectors. Here an
// encoder gives what makes mu and sigma, and no state.
//
// Source: Wu et al. 2020, "On the encoder-decoder incompatibility in variational text modeling and beyond" (arXiv
// 2004.09189), with lambda 0.1 or 10 for text.
type CoupledVAE struct {
	// Lambda is the weight of the second term.
	Lambda float64 `yaml:"lambda" range:"[0,inf)"`
}

func init() { Methods.Add("coupled-vae", CoupledVAE{Lambda: 0.1}) }

// RateBound says that the rate has none.
func (CoupledVAE) RateBound() string { return "none" }

// Build makes encoder.coupled, (D, D), and decoder.coupled.
func (v CoupledVAE) Build(b vae.Builder) vae.Variant {
	mean := nn.NewLinear(b.Params, "encoder.coupled", b.D, b.D, nn.FanIn(b.D))
	decoder := b.Decoder("coupled")
	return vae.Variant{
		Kind: vae.Text, Words: true,
		Auxiliary: []vae.Extra{func(p *nn.Pass, t *vae.Terms) *grad.Value {
			muC := mean.Apply(p, t.First.Mean())
			rec := decoder.LogProb(p, muC, t.X).Mean()
			h, hC := signal(b.Model.Decoder, p, t.Z), signal(decoder, p, muC)
			return rec.Neg().Add(match(h, hC, b.D).Scale(Float(v.Lambda)))
		}},
	}
}

// signal is what z becomes where it enters a decoder of text.
func signal(d vae.Decoder, p *nn.Pass, z *grad.Value) *grad.Value {
	return d.(vae.Words).Signal(p, z)
}

// match is the second term, (1, 1): -sum_s C/(C + |h - h_c|²), the mean over the batch.
func match(h, hC *grad.Value, D int) *grad.Value {
	return mmd.IMQ(h.Sub(hC.Stop()).Square().RowSums(), D).Mean().Neg()
}
