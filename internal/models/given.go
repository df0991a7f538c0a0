package models

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// NewGiven makes what reads the conditions of a space, nil if it has none: c is
//
//	of a text    m and s of a second encoder of the model's class, side by side
//	of a label   a row of a table
//
// so C is 2D. Its parameters are decoder.given: p(x|z, c) and p(z|c) are on the decoder's side. q(z|x, c) reads the same c.
func NewGiven(m Model, ps *nn.Params, s vae.Space) *vae.Given {
	C := reads(m.Latent(), s) - m.Latent()
	switch s.Given.Kind {
	case vae.Text:
		encoder := m.Encoder(ps.At("decoder.given"), vae.Space{Kind: vae.Text, V: s.V, MaxLen: s.Given.MaxLen}, vae.MAndS)
		return vae.NewGiven(C, func(p *nn.Pass, x *vae.Batch) *grad.Value {
			m, s := encoder.Encode(p, x.Given)
			return m.Beside(s).Gather(x.GivenAt)
		})
	case vae.Label:
		table := nn.NewEmbedding(ps, "decoder.given", s.Given.Classes, C, nn.Normal(1))
		return vae.NewGiven(C, func(p *nn.Pass, x *vae.Batch) *grad.Value {
			labels := p.Tape.Symbols(len(x.Labels))
			for i, label := range x.Labels {
				labels[i] = int32(label)
			}
			return table.Apply(p, labels)
		})
	}
	return nil
}

// reads is how many numbers a decoder reads of an example: D, and C beside them if the space has conditions.
func reads(D int, s vae.Space) int {
	if s.Given.Kind == "" {
		return D
	}
	return 3 * D
}

// NewEncoder makes the encoder of a model that a variant reads, with its conditions.
func NewEncoder(m Model, ps *nn.Params, s vae.Space, v vae.Variant, given *vae.Given) vae.Encoder {
	return given.Encoder(m.Encoder(ps, s, v.Raw), ps, m.Latent(), v.Raw)
}

// NewDecoder makes what of the decoder of a model a variant leaves to it. It reads c with z, see vae.Given.Decoder.
func NewDecoder(m Model, ps *nn.Params, s vae.Space, v vae.Variant) vae.Decoder {
	if v.Output != nil {
		return m.(Bare).Bare(ps, s)
	}
	return m.Decoder(ps, s)
}
