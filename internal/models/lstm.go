package models

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// LSTM is the text VAE of the field's reference code: one LSTM reads the sentence, one
// writes it, told z at every step.
//
//	encoder   m, s = W h_T,  h = LSTM(embed x)                               no bias
//	decoder   c_0 = W z,  h_0 = tanh c_0,  h = LSTM([embed x_t; z])
//	          ln p(x_{t+1} | x_{1..t}, z) = ln softmax(W h_t)                no biases
//
// Parameters carry that code's names and layouts, so its checkpoints load here and ours
// load there.
//
// Source: He et al. 2019, jxhe/vae-lagging-encoder (arXiv 1901.05534), whose modules
// valdersoul/bn-vae keeps.
type LSTM struct {
	// LatentDim is d, the number of latent dimensions.
	LatentDim int `yaml:"latent_dim" range:"[1,100000]" alias:"nz|latent_size|dim_z"`
	// EmbedDim is the size of a word vector, in encoder and decoder.
	EmbedDim int `yaml:"embed_dim" range:"[1,100000]" alias:"ni|emb|enc_word_dim"`
	// EncHidden is the size of the encoder's state.
	EncHidden int `yaml:"enc_hidden" range:"[1,100000]" alias:"enc_nh|enc_h_dim"`
	// DecHidden is the size of the decoder's state.
	DecHidden int `yaml:"dec_hidden" range:"[1,100000]" alias:"dec_nh|dec_h_dim"`
	// DropoutIn is the share of the decoder's word vector elements that training drops.
	DropoutIn float64 `yaml:"dropout_in" range:"[0,1)" alias:"dec_dropout_in"`
	// DropoutOut is the same for the decoder's outputs.
	DropoutOut float64 `yaml:"dropout_out" range:"[0,1)" alias:"dec_dropout_out"`
	// Init chooses the initial weights: he19 draws all from U(-0.01, 0.01), word vectors from
	// U(-0.1, 0.1); bn-vae does so in the decoder only and leaves the encoder to PyTorch's
	// defaults; pytorch does that everywhere.
	Init string `yaml:"init" choice:"he19|bn-vae|pytorch"`
}

func init() {
	Models.Add("lstm", LSTM{LatentDim: 32, EmbedDim: 256, EncHidden: 256, DecHidden: 256, Init: "bn-vae"})
}

// Latent is d.
func (m LSTM) Latent() int { return m.LatentDim }

// Fits: sentences only.
func (m LSTM) Fits(s vae.Space) error { return s.Want("lstm", vae.Text) }

// FlopsPerToken is 3 [8H(E+H) + 8H'(E+D+H') + 2H'V], H and H' the states of encoder and decoder.
func (m LSTM) FlopsPerToken(s vae.Space) float64 {
	E, D, He, Hd := float64(m.EmbedDim), float64(m.LatentDim), float64(m.EncHidden), float64(m.DecHidden)
	return 3 * (8*He*(E+He) + 8*Hd*(E+D+Hd) + 2*Hd*float64(s.V))
}

// Build makes both halves.
func (m LSTM) Build(ps *nn.Params, s vae.Space) (vae.Encoder, vae.Decoder) {
	V := s.V
	he19 := func(int) nn.Init { return nn.Uniform(0.01) }
	layer, words := he19, nn.Uniform(0.1)
	if m.Init != "he19" {
		layer, words = nn.FanIn, nn.Normal(1)
	}
	enc := &lstmEncoder{
		embed:  nn.NewEmbedding(ps, "encoder.embed", V, m.EmbedDim, words),
		lstm:   nn.NewLSTM(ps, "encoder.lstm", m.EmbedDim, m.EncHidden, layer(m.EncHidden)),
		linear: nn.NewLinear(ps, "encoder.linear", m.EncHidden, 2*m.LatentDim, layer(m.EncHidden)),
		d:      m.LatentDim,
	}
	if m.Init == "bn-vae" {
		layer, words = he19, nn.Uniform(0.1)
	}
	dec := &lstmDecoder{
		embed:      nn.NewEmbedding(ps, "decoder.embed", V, m.EmbedDim, words),
		trans:      nn.NewLinear(ps, "decoder.trans_linear", m.LatentDim, m.DecHidden, layer(m.LatentDim)),
		lstm:       nn.NewLSTM(ps, "decoder.lstm", m.EmbedDim+m.LatentDim, m.DecHidden, layer(m.DecHidden)),
		pred:       nn.NewLinear(ps, "decoder.pred_linear", m.DecHidden, V, layer(m.DecHidden)),
		dropoutIn:  nn.Float(m.DropoutIn),
		dropoutOut: nn.Float(m.DropoutOut),
	}
	return enc, dec
}

type lstmEncoder struct {
	embed  nn.Embedding
	lstm   nn.LSTM
	linear nn.Linear
	d      int
}

// Encode reads each sentence from <s> to </s> and uses the state at its end.
func (e *lstmEncoder) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	words := e.embed.Apply(p, x.Symbols)                  // (N, E)
	h := e.lstm.Apply(p, x.Steps, words, nil, nil, nil)   // (N, H)
	both := e.linear.Apply(p, h.Gather(x.Last))           // (B, 2D)
	return both.Columns(0, e.d), both.Columns(e.d, 2*e.d) // (B, D) each
}

type lstmDecoder struct {
	embed                 nn.Embedding
	trans                 nn.Linear
	lstm                  nn.LSTM
	pred                  nn.Linear
	dropoutIn, dropoutOut nn.Float
}

// LogProb is teacher-forced: each word is predicted from z and the true words before it.
func (d *lstmDecoder) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	nll := d.read(p, z, x).CrossEntropy(p.Use(d.pred.Weight), x.Out) // (M, 1)
	return nll.SumSteps(x.Predict).Neg()                             // (B, 1)
}

// Predict is LogProb's logits, (M, V).
func (d *lstmDecoder) Predict(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return d.pred.Apply(p, d.read(p, z, x))
}

// read runs over the words that are known before each prediction, (M, H).
func (d *lstmDecoder) read(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	words := nn.Dropout(p, d.embed.Apply(p, x.In), d.dropoutIn) // (M, E)
	c0 := d.trans.Apply(p, z)                                   // (B, H)
	h := d.lstm.Apply(p, x.Predict, words, z, c0.Tanh(), c0)    // (M, H)
	return nn.Dropout(p, h, d.dropoutOut)
}
