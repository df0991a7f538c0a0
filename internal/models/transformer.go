package models

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// Transformer is a text VAE of two small transformers: a bidirectional encoder and a causal
// decoder, which is conditioned on z as memory, by addition, or both.
//
//	encoder   m, s = W pool(h),  h = transformer(embed x_t + position t)          no bias
//	decoder   h = transformer(embed x_t + position t [+ W z], [memory_l = W_l z])
//	          ln p(x_{t+1} | x_{1..t}, z) = ln softmax(W h_t)                     no biases
//
// memory_l is what every word may attend to in layer l besides the words before it: one or
// more vectors, key and value in one, of a projection of that layer's own. Blocks are
// pre-norm with GELU in its tanh form, and positions are learnt; see nn.Transformer.
//
// All weights, word vectors, positions and projections of z included, begin as GPT-2's:
// N(0, 0.02²), those that add to the residual as N(0, 0.02²/(2 layers)), biases 0. Dropout
// acts on the embedded words and on each block's two additions, not on attention weights.
//
// Source: Li et al. 2020, "Optimus: organizing sentences via pre-trained modeling of a latent
// space" (arXiv 2004.04092), for memory and add; here trained from scratch. Blocks as
// Radford et al. 2019, GPT-2, names and layouts as nanoGPT.
type Transformer struct {
	// LatentDim is d, the number of latent dimensions.
	LatentDim int `yaml:"latent_dim" range:"[1,100000]" alias:"nz|latent_size|dim_z|z_dim|num_latent|n_latent"`
	// EmbedDim is the width E of both transformers: of word vectors and all between blocks.
	EmbedDim int `yaml:"embed_dim" range:"[1,100000]" alias:"n_embd|d_model|ni"`
	// Heads is the number of attention heads; it divides the width.
	Heads int `yaml:"heads" range:"[1,1000]" alias:"n_head|num_heads|nhead"`
	// EncLayers is the number of the encoder's blocks.
	EncLayers int `yaml:"enc_layers" range:"[1,1000]" alias:"num_encoder_layers"`
	// DecLayers is the number of the decoder's blocks.
	DecLayers int `yaml:"dec_layers" range:"[1,1000]" alias:"num_decoder_layers"`
	// FF is how many times wider the middle of a block's second half is.
	FF int `yaml:"ff" range:"[1,100]"`
	// Dropout is the share of elements that training drops.
	Dropout float64 `yaml:"dropout" range:"[0,1)"`
	// Positions is the longest sentence that can be read, <s> and </s> included; 0 means the
	// longest of the data.
	Positions int `yaml:"positions" range:"[0,1000000]" alias:"block_size|n_positions"`
	// Pooling makes one vector of the encoder's: the mean, the largest of each element, or that of the first symbol, <s>.
	Pooling string `yaml:"pooling" choice:"mean|max|first-token"`
	// ZEnters says how the decoder is conditioned on z: as memory, added to each word vector, or both.
	ZEnters string `yaml:"z_enters" choice:"memory|add|both"`
	// Memory is the number of vectors in each layer's memory.
	Memory int `yaml:"memory" range:"[1,1000]"`
	// Tied makes the decoder's word vectors its output layer too.
	Tied bool `yaml:"tied"`
}

func init() {
	Models.Add("transformer", Transformer{
		LatentDim: 32, EmbedDim: 256, Heads: 4, EncLayers: 4, DecLayers: 4, FF: 4, Dropout: 0.1,
		Pooling: "mean", ZEnters: "both", Memory: 1,
	})
}

// DecoderDropout is that of both halves.
func (m Transformer) DecoderDropout() float64 { return m.Dropout }

// Latent is d.
func (m Transformer) Latent() int { return m.LatentDim }

// Fits: sentences that have no more symbols than there are positions. The heads must divide
// the width.
func (m Transformer) Fits(s vae.Space) error {
	switch {
	case m.EmbedDim%m.Heads != 0:
		return fmt.Errorf("transformer: %d heads do not divide the width %d; set heads or embed_dim", m.Heads, m.EmbedDim)
	case s.Kind == vae.Text && m.Positions > 0 && s.Given.MaxLen > m.Positions:
		return fmt.Errorf("transformer: the longest condition has %d symbols, <s> and </s> included, but there are %d positions; set positions to %d, or to 0 for the longest", s.Given.MaxLen, m.Positions, max(s.MaxLen, s.Given.MaxLen))
	case s.Kind == vae.Text && m.Positions > 0 && s.MaxLen > m.Positions:
		return fmt.Errorf("transformer: the longest sentence has %d symbols, <s> and </s> included, but there are %d positions; set positions to %d, or to 0 for the longest", s.MaxLen, m.Positions, s.MaxLen)
	}
	return s.Want("transformer", vae.Text)
}

// FlopsPerToken is 3 [2 (4+2 ff) E² (layers of both) + 2EV]. The products of attention
// itself, 4TE or half of it in each layer, depend on the sentence and are left out.
func (m Transformer) FlopsPerToken(s vae.Space) float64 {
	E, layers := float64(m.EmbedDim), float64(m.EncLayers+m.DecLayers)
	return 6 * (float64(4+2*m.FF)*E*E*layers + E*float64(s.V))
}

// Encoder makes encoder.wte (words), encoder.wpe (positions), encoder.h.0 ..., encoder.ln_f and encoder.linear.
func (m Transformer) Encoder(ps *nn.Params, s vae.Space, raw vae.Raw) vae.Encoder {
	return &transformerEncoder{
		transformerStack: m.stack(ps, "encoder", s, m.EncLayers, false),
		pooling:          m.Pooling,
		linear:           nn.NewLinear(ps, "encoder.linear", m.EmbedDim, outputs(raw, m.LatentDim), nn.Normal(nn.GPT2Init)),
		d:                m.LatentDim,
	}
}

// Decoder makes the same without linear, decoder.memory.0 ..., decoder.add (z) and decoder.lm_head.
func (m Transformer) Decoder(ps *nn.Params, s vae.Space) vae.Decoder { return m.decoder(ps, s, true) }

// Bare makes all but decoder.lm_head.
func (m Transformer) Bare(ps *nn.Params, s vae.Space) vae.Mapped { return m.decoder(ps, s, false) }

func (m Transformer) decoder(ps *nn.Params, s vae.Space, whole bool) vae.Words {
	E, R, init := m.EmbedDim, reads(m.LatentDim, s), nn.Normal(nn.GPT2Init)
	dec := &transformerDecoder{transformerStack: m.stack(ps, "decoder", s, m.DecLayers, true)}
	if m.ZEnters != "add" {
		for l := range m.DecLayers {
			dec.memory = append(dec.memory, nn.NewLinear(ps, fmt.Sprintf("decoder.memory.%d", l), R, m.Memory*E, init))
		}
	}
	if m.ZEnters != "memory" {
		add := nn.NewLinear(ps, "decoder.add", R, E, init)
		dec.add = &add
	}
	dec.output = nn.Linear{Weight: dec.words.Weight}
	if !m.Tied && whole {
		dec.output = nn.NewLinear(ps, "decoder.lm_head", E, s.V, init)
	}
	return vae.Words{Reader: dec, In: E + m.LatentDim, Out: s.V}
}

// transformerStack is what both halves have: from symbols to rows.
type transformerStack struct {
	words, positions nn.Embedding
	blocks           nn.Transformer
	dropout          nn.Float
}

func (m Transformer) stack(ps *nn.Params, half string, s vae.Space, layers int, causal bool) transformerStack {
	E, T, init := m.EmbedDim, m.Positions, nn.Normal(nn.GPT2Init)
	if T == 0 {
		T = s.MaxLen
	}
	if causal {
		T-- // nothing follows the last symbol
	}
	return transformerStack{
		words:     nn.NewEmbedding(ps, half+".wte", s.V, E, init),
		positions: nn.NewEmbedding(ps, half+".wpe", T, E, init),
		blocks:    nn.NewTransformer(ps, half, E, m.FF, m.Heads, layers, causal, m.Dropout),
		dropout:   nn.Float(m.Dropout),
	}
}

// embed is embed x_t + position t, (N, E).
func (t *transformerStack) embed(p *nn.Pass, steps grad.Steps, symbols []int32) *grad.Value {
	return t.words.Apply(p, symbols).AddSteps(steps, p.Use(t.positions.Weight))
}

type transformerEncoder struct {
	transformerStack
	pooling string
	linear  nn.Linear
	d       int
}

// Encode reads each sentence from <s> to </s>, every symbol seeing all.
func (e *transformerEncoder) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	h := nn.Dropout(p, e.embed(p, x.Steps, x.Symbols), e.dropout) // (N, E)
	h = e.blocks.Apply(p, x.Steps, h, nil)                        // (N, E)
	return split(e.linear.Apply(p, pool(e.pooling, h, x)), e.d)
}

type transformerDecoder struct {
	transformerStack
	memory []nn.Linear // one a layer, or none
	add    *nn.Linear  // or nil
	output nn.Linear
}

// Output is W, (V, E).
func (d *transformerDecoder) Output(p *nn.Pass) *grad.Value { return p.Use(d.output.Weight) }

// Signal is what is added to each word, (B, E), or without that the memory of the first layer, (B, memory·E).
func (d *transformerDecoder) Signal(p *nn.Pass, z *grad.Value) *grad.Value {
	if d.add != nil {
		return d.add.Apply(p, z)
	}
	return d.memory[0].Apply(p, z)
}

// Read is h, (M, E).
func (d *transformerDecoder) Read(p *nn.Pass, z *grad.Value, in []int32, x *vae.Batch) *grad.Value {
	h := d.embed(p, x.Predict, in) // (M, E)
	if d.add != nil {
		h = h.Add(d.add.Apply(p, z).Spread(x.Predict))
	}
	h = nn.Dropout(p, h, d.dropout)
	if d.memory == nil {
		return d.blocks.Apply(p, x.Predict, h, nil)
	}
	return d.blocks.Apply(p, x.Predict, h, func(l int) *grad.Value { return d.memory[l].Apply(p, z) })
}
