package vae

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

// A Given makes c, (B, C), of the conditions of a batch. The three parts of a conditional model read c:
//
//	q(z|x, c):  m, s = Encode(x) + W c
//	p(x|z, c):  the decoder reads z and c side by side where it would read z
//	p(z|c):     the prior of a variant, or p(z)
//
// If the last layer of an encoder is linear, then m and s are linear in its features and c side by side. A nil Given is that
// of a model without conditions, and changes no encoder and no decoder.
//
// Source: Zhao et al. 2017, "Learning discourse-level diversity for neural dialog models using conditional variational
// autoencoders", section 3.2 (arXiv 1703.10960): its recognition network and the first state of its decoder are linear in
// such a pair.
type Given struct {
	C    int
	read func(p *nn.Pass, x *Batch) *grad.Value

	made made
	c    *grad.Value
}

// made is all that c depends on. It is read by encoder, decoder and prior of a pass, and computed once.
type made struct {
	x             *Batch
	tape          *grad.Tape
	round         uint64
	train, frozen bool
}

// NewGiven is what read makes of the conditions of a batch, (B, C).
func NewGiven(C int, read func(p *nn.Pass, x *Batch) *grad.Value) *Given {
	return &Given{C: C, read: read}
}

// Of is c of a batch, (B, C).
func (g *Given) Of(p *nn.Pass, x *Batch) *grad.Value {
	if x.told.Data != nil {
		return p.Tape.Const(x.told)
	}
	if now := (made{x, p.Tape, p.Tape.Round(), p.Train, p.Frozen}); g.made != now {
		g.made, g.c = now, g.read(p, x)
	}
	return g.c
}

// Encoder is an encoder of D latent dimensions with its conditions. It makes encoder.given, W.
func (g *Given) Encoder(e Encoder, ps *nn.Params, D int, raw Raw) Encoder {
	if g == nil {
		return e
	}
	if raw == MAndS {
		D *= 2
	}
	return &givenEncoder{e, g, nn.NewLinear(ps, "encoder.given", g.C, D, nn.FanIn(g.C))}
}

type givenEncoder struct {
	Encoder
	given *Given
	w     nn.Linear
}

// Encode is m and s of x and c.
func (e *givenEncoder) Encode(p *nn.Pass, x *Batch) (m, s *grad.Value) {
	m, s = e.Encoder.Encode(p, x)
	return with(m, s, e.w.Apply(p, e.given.Of(p, x)))
}

// EncodeSteps is the same after each symbol, of an encoder that has it.
func (e *givenEncoder) EncodeSteps(p *nn.Pass, x *Batch) (m, s *grad.Value) {
	m, s = e.Encoder.(StepsEncoder).EncodeSteps(p, x)
	return with(m, s, e.w.Apply(p, e.given.Of(p, x)).Spread(x.Steps))
}

// with adds c to m and s, or to m alone.
func with(m, s, c *grad.Value) (*grad.Value, *grad.Value) {
	if s == nil {
		return m.Add(c), nil
	}
	return m.Add(c.Columns(0, m.Cols)), s.Add(c.Columns(m.Cols, c.Cols))
}

// Decoder is a decoder that was made for C numbers more than z has, with its conditions. What variants change of it has been
// changed before; see Variant.Decode.
func (g *Given) Decoder(d Decoder) Decoder {
	if g == nil {
		return d
	}
	if words, ok := d.(Words); ok {
		words.Reader = givenReader{words.Reader, g}
		return words
	}
	return givenDecoder{d, g}
}

// beside is z and c, (B, D+C).
func (g *Given) beside(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value { return z.Beside(g.Of(p, x)) }

type givenReader struct {
	Reader
	given *Given
}

// Read is that of z and c.
func (r givenReader) Read(p *nn.Pass, z *grad.Value, in []int32, x *Batch) *grad.Value {
	return r.Reader.Read(p, r.given.beside(p, z, x), in, x)
}

// Signal is what z adds to the signal: that of z with c = 0.
func (r givenReader) Signal(p *nn.Pass, z *grad.Value) *grad.Value {
	return r.Reader.Signal(p, z.Beside(p.Tape.Zeros(z.Rows, r.given.C)))
}

type givenDecoder struct {
	Decoder
	given *Given
}

// LogProb is ln p(x|z, c).
func (d givenDecoder) LogProb(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value {
	return d.Decoder.LogProb(p, d.given.beside(p, z, x), x)
}

// Predict is what the decoder expects given z and c. It panics if the decoder is no Predictor.
func (d givenDecoder) Predict(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value {
	return d.Decoder.(Predictor).Predict(p, d.given.beside(p, z, x), x)
}

// Autoregressive is whether the decoder is.
func (d givenDecoder) Autoregressive() bool {
	a, ok := d.Decoder.(Autoregressive)
	return ok && a.Autoregressive()
}

// Tell makes c known for the examples of a batch, (B, C), whose conditions are then not read.
func (x *Batch) Tell(c tensor.Matrix) { x.told = c }

// A GaussianPrior is p(z|c) = N(mu, sigma²) of each example, with independent dimensions.
type GaussianPrior func(p *nn.Pass, x *Batch) Gaussian

// KL is the closed form for a Gaussian posterior, by dimension; see Gaussian.KLTo.
func (r GaussianPrior) KL(p *nn.Pass, q Posterior, z *grad.Value, x *Batch) *grad.Value {
	if g, ok := q.(Gaussian); ok {
		return g.KLTo(r(p, x))
	}
	return SampledKL(p, q, z, r, x)
}

// LogProb is ln p(z_i|c_i), (B, 1).
func (r GaussianPrior) LogProb(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value {
	return r(p, x).LogProb(p, z)
}

// Density is p(z|c_i).
func (r GaussianPrior) Density(p *nn.Pass, x *Batch) func(i int) Density {
	of := r(p, x)
	all := make([]Density, of.Mu.Rows)
	for i := range all {
		all[i] = of.Density(i)
	}
	return func(i int) Density { return all[i] }
}

// String is "p(z|c)".
func (GaussianPrior) String() string { return "p(z|c)" }
