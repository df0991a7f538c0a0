package models

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// MLP is a VAE of multi-layer perceptrons whose decoder is conditioned on z only: given z, pixels
// and words are independent.
//
//	encoder   m, s = W h + b,  h = MLP(x); of a sentence x is the frequencies of its words
//	images    ln p(x|z) = Σ_j ln Bernoulli(x_j; sigmoid (W MLP(z) + b)_j)
//	vectors   ln p(x|z) = ln N(x; W MLP(z) + b, noise I)
//	text      ln p(x|z) = Σ_t ln softmax(W MLP(z, t))_{x_t},  words and </s>, no biases
//
// The first layer of an MLP over frequencies is a table of word vectors, of which the
// sentence takes the mean; that of the text decoder adds a vector of its own for each
// position t, or none, and then a sentence is a bag of words to the decoder as well.
//
// Source: Kingma & Welling 2014, "Auto-encoding variational Bayes", appendix C (arXiv
// 1312.6114), for images; the bag as Miao et al. 2016, "Neural variational inference for text
// processing" (arXiv 1511.06038).
type MLP struct {
	// LatentDim is d, the number of latent dimensions.
	LatentDim int `yaml:"latent_dim" range:"[1,100000]" alias:"nz|latent_size|dim_z|z_dim|num_latent|n_latent"`
	// Hidden is the size of every hidden layer, and of a word vector.
	Hidden int `yaml:"hidden" range:"[1,100000]" alias:"hidden_dim|hidden_size"`
	// Layers is the number of hidden layers of the encoder, and of the decoder.
	Layers int `yaml:"layers" range:"[1,100]" alias:"num_layers"`
	// Activation is what follows a hidden layer.
	Activation string `yaml:"activation" choice:"relu|tanh|elu"`
	// Noise is the decoder's variance for vectors, the same for each number of x; it is not learnt, and the variant sigma-vae
	// replaces it.
	Noise float64 `yaml:"noise" range:"(0,inf)" neutral:"1"`
	// Output says what the text decoder is conditioned on besides z: the position of a word, or nothing.
	Output string `yaml:"output" choice:"position|bag"`
}

func init() {
	Models.Add("mlp", MLP{LatentDim: 32, Hidden: 512, Layers: 2, Activation: "relu", Noise: 1, Output: "position"})
}

// Latent is d.
func (m MLP) Latent() int { return m.LatentDim }

// Fits: all kinds.
func (m MLP) Fits(s vae.Space) error { return s.Want("mlp", vae.Text, vae.Image, vae.Vector) }

// FlopsPerToken is 6 for each weight that a prediction meets. What is done once an example is
// shared out among its pixels, or among the symbols of the longest sentence.
func (m MLP) FlopsPerToken(s vae.Space) float64 {
	D, H, more := float64(m.LatentDim), float64(m.Hidden), float64(m.Layers-1)
	ends, deep := H*2*D+float64(reads(m.LatentDim, s))*H, more*H*H
	if s.Kind != vae.Text {
		P := float64(s.Size())
		return 6 * (2*H + (ends+2*deep)/P)
	}
	V, T := float64(s.V), float64(max(1, s.MaxLen-1))
	if m.Output == "bag" {
		return 6 * (ends + 2*deep + H*V) / T
	}
	return 6 * (deep + H*V + (ends+deep)/T)
}

// Encoder makes encoder.hidden.0 ... and encoder.linear; for text encoder.embed instead of the first.
func (m MLP) Encoder(ps *nn.Params, s vae.Space, raw vae.Raw) vae.Encoder {
	H, D := m.Hidden, m.LatentDim
	enc := &mlpEncoder{d: D}
	if s.Kind != vae.Text {
		pixels := nn.NewAffine(ps, "encoder.hidden.0", s.Size(), H, nn.FanIn(s.Size()))
		enc.read = func(p *nn.Pass, x *vae.Batch) *grad.Value { return pixels.Apply(p, x.Numbers(p.Tape)) }
	} else {
		words := nn.NewEmbedding(ps, "encoder.embed", s.V, H, nn.Normal(1))
		enc.read = func(p *nn.Pass, x *vae.Batch) *grad.Value { return words.Apply(p, x.Symbols).MeanSteps(x.Steps) }
	}
	enc.above = m.above(ps, "encoder")
	enc.linear = nn.NewAffine(ps, "encoder.linear", H, outputs(raw, D), nn.FanIn(H))
	return enc
}

// Decoder makes decoder.hidden.0 ... and decoder.linear; for text decoder.position as well.
func (m MLP) Decoder(ps *nn.Params, s vae.Space) vae.Decoder {
	H, R := m.Hidden, reads(m.LatentDim, s)
	first := nn.NewAffine(ps, "decoder.hidden.0", R, H, nn.FanIn(R))
	above := m.above(ps, "decoder")
	if s.Kind != vae.Text {
		linear := nn.NewAffine(ps, "decoder.linear", H, s.Size(), nn.FanIn(H))
		predict := func(p *nn.Pass, z *grad.Value) *grad.Value {
			return linear.Apply(p, above.apply(p, first.Apply(p, z)))
		}
		if s.Kind == vae.Vector {
			return vae.Vectors{In: R, Out: s.Size(), Mean: predict, Variance: m.Noise}
		}
		return mlpPixels{direct{R, s.Size(), predict}}
	}
	linear := nn.NewLinear(ps, "decoder.linear", H, s.V, nn.FanIn(H))
	if m.Output == "bag" {
		return mlpBag{direct{R, s.V, func(p *nn.Pass, z *grad.Value) *grad.Value {
			return linear.Apply(p, above.apply(p, first.Apply(p, z)))
		}}}
	}
	d := m.positions(ps, s)
	d.output = func(p *nn.Pass, z, position *grad.Value, x *vae.Batch) (rows, weights *grad.Value) {
		pre := first.Apply(p, z).Spread(x.Predict).Add(position) // (M, H)
		return above.apply(p, pre), p.Use(linear.Weight)
	}
	return d
}

// Bare makes decoder.position for text, or nothing.
func (m MLP) Bare(ps *nn.Params, s vae.Space) vae.Mapped {
	switch {
	case s.Kind == vae.Image:
		return mlpPixels{direct{in: reads(m.LatentDim, s), out: s.Size()}}
	case s.Kind == vae.Vector:
		return vae.Vectors{In: reads(m.LatentDim, s), Out: s.Size(), Variance: m.Noise}
	case m.Output == "bag":
		return mlpBag{direct{in: reads(m.LatentDim, s), out: s.V}}
	}
	return m.positions(ps, s)
}

// above makes the hidden layers above the first.
func (m MLP) above(ps *nn.Params, half string) hiddenLayers {
	l := hiddenLayers{activation: m.Activation}
	for i := 1; i < m.Layers; i++ {
		l.layers = append(l.layers, nn.NewAffine(ps, fmt.Sprintf("%s.hidden.%d", half, i), m.Hidden, m.Hidden, nn.FanIn(m.Hidden)))
	}
	return l
}

// hiddenLayers are those above the first.
type hiddenLayers struct {
	layers     []nn.Affine
	activation string
}

// apply goes on from the first layer's pre-activations, (B, H).
func (l hiddenLayers) apply(p *nn.Pass, pre *grad.Value) *grad.Value {
	h := activate(l.activation, pre)
	for _, layer := range l.layers {
		h = activate(l.activation, layer.Apply(p, h))
	}
	return h
}

// activate applies one of the functions that settings may choose.
func activate(activation string, x *grad.Value) *grad.Value {
	switch activation {
	case "tanh":
		return x.Tanh()
	case "elu":
		return x.ELU()
	}
	return x.Max(0)
}

type mlpEncoder struct {
	read   func(p *nn.Pass, x *vae.Batch) *grad.Value // the first layer, (B, H)
	above  hiddenLayers
	linear nn.Affine
	d      int
}

// Encode reads whole examples at once.
func (e *mlpEncoder) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	return split(e.linear.Apply(p, e.above.apply(p, e.read(p, x))), e.d)
}

type mlpPixels struct{ direct }

// Map is the decoder with another output map.
func (d mlpPixels) Map(o vae.Output) vae.Decoder {
	d.predict = o.Apply
	return d
}

// LogProb is the sum over pixels.
func (d mlpPixels) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return d.predict(p, z).Bernoulli(x.Values)
}

// Predict is the pixels' logits, (B, P).
func (d mlpPixels) Predict(p *nn.Pass, z *grad.Value, _ *vae.Batch) *grad.Value {
	return d.predict(p, z)
}

type mlpBag struct{ direct }

// Map is the decoder with another output map.
func (d mlpBag) Map(o vae.Output) vae.Decoder {
	d.predict = o.Apply
	return d
}

// LogProb draws every word from one softmax.
func (d mlpBag) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return d.predict(p, z).BagOfWords(x.Predict, x.Out).Neg()
}

// Predict is the same logits at every step, (M, V).
func (d mlpBag) Predict(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return d.predict(p, z).Spread(x.Predict)
}

type mlpPositions struct {
	position nn.Embedding
	in, out  int
	// output is what the output layer reads, (M, K), of z and the vectors of the positions, (M, H), and its weights, (V, K).
	output func(p *nn.Pass, z, position *grad.Value, x *vae.Batch) (rows, weights *grad.Value)
}

// positions makes decoder.position.
func (m MLP) positions(ps *nn.Params, s vae.Space) mlpPositions {
	n := max(1, s.MaxLen-1) // all that is predicted
	return mlpPositions{position: nn.NewEmbedding(ps, "decoder.position", n, m.Hidden, nn.Normal(1)), in: m.Hidden + reads(m.LatentDim, s), out: s.V}
}

// Sizes are those of an output map, which reads a position's vector beside z.
func (d mlpPositions) Sizes() (in, out int) { return d.in, d.out }

// Map is the decoder with another output map.
func (d mlpPositions) Map(o vae.Output) vae.Decoder {
	d.output = func(p *nn.Pass, z, position *grad.Value, x *vae.Batch) (rows, weights *grad.Value) {
		return o(p, position.Beside(z.Spread(x.Predict)))
	}
	return d
}

// LogProb predicts every word from z and its position. Positions beyond those of the longest
// sentence at building share the last one's vector.
func (d mlpPositions) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	h, w := d.output(p, z, d.vectors(p, x), x)
	return h.CrossEntropy(w, x.Out).SumSteps(x.Predict).Neg() // (M, 1), then (B, 1)
}

// Predict is LogProb's logits, (M, V).
func (d mlpPositions) Predict(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	h, w := d.output(p, z, d.vectors(p, x), x)
	return h.MatMulT(w)
}

// vectors are those of the positions, (M, H).
func (d mlpPositions) vectors(p *nn.Pass, x *vae.Batch) *grad.Value {
	at := make([]int32, 0, x.Predict.Rows())
	for t, n := range x.Predict.Active {
		for range n {
			at = append(at, int32(min(t, d.position.Weight.Rows-1)))
		}
	}
	return d.position.Apply(p, at)
}
