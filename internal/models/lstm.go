package models

import (
	"errors"
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// LSTM is the text VAE of the reference code: an LSTM encoder and an LSTM decoder that is
// conditioned on z at every step.
//
//	encoder   m, s = W h_T,  h = LSTM(embed x)                               no bias
//	decoder   c_0 = W z,  h_0 = tanh c_0,  h = LSTM([embed x_t; z])
//	          ln p(x_{t+1} | x_{1..t}, z) = ln softmax(W h_t)                no biases
//
// Parameters carry that code's names and layouts, so its checkpoints load here and ours
// load there. The settings from word_dropout on are remedies of the literature that weaken
// the decoder or connect z to the words more directly. None is in the reference code, and the
// defaults switch all of them off.
//
// Source: He et al. 2019, jxhe/vae-lagging-encoder (arXiv 1901.05534), whose modules
// valdersoul/bn-vae keeps.
type LSTM struct {
	// LatentDim is d, the number of latent dimensions.
	LatentDim int `yaml:"latent_dim" range:"[1,100000]" alias:"nz|latent_size|dim_z|z_dim|num_latent|n_latent"`
	// EmbedDim is the size of a word vector, in encoder and decoder.
	EmbedDim int `yaml:"embed_dim" range:"[1,100000]" alias:"ni|emb|enc_word_dim|dim_emb|emb_dim|embedding_dim|emsize"`
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
	// WordDropout is the share of the variant word-dropout; 0 is none.
	WordDropout float64 `yaml:"word_dropout" range:"[0,1)" alias:"dec_word_dropout|word_dropout_rate"`
	// Inputless is the variant inputless.
	Inputless bool `yaml:"inputless"`
	// Skip is the variant skip. In a decoder of several layers it leads z straight into each of them as well.
	Skip bool `yaml:"skip"`
	// BagOfWords is the weight of the variant bag-of-words, whose hidden layer is as large as the decoder's state; 0 is
	// none.
	BagOfWords float64 `yaml:"bag_of_words" range:"[0,inf)" alias:"bow"`
	// EncLayers is the number of layers of the encoder's LSTM.
	EncLayers int `yaml:"enc_layers" range:"[1,100]" alias:"enc_num_layers"`
	// DecLayers is the number of layers of the decoder's LSTM. Those above the first start
	// from zero and, without skip, know of z what comes up from below.
	DecLayers int `yaml:"dec_layers" range:"[1,100]" alias:"dec_num_layers"`
	// Pooling says what of the encoder's states makes m and s: the last, the mean of all, or
	// the largest of each element.
	//
	// Source: Long et al. 2019, "Preventing posterior collapse in sequence VAEs with pooling"
	// (arXiv 1911.03976).
	Pooling string `yaml:"pooling" choice:"last|mean|max"`
}

func init() {
	Models.Add("lstm", LSTM{
		LatentDim: 32, EmbedDim: 256, EncHidden: 256, DecHidden: 256, Init: "bn-vae",
		EncLayers: 1, DecLayers: 1, Pooling: "last",
	})
}

// DecoderDropout is the larger of both shares.
func (m LSTM) DecoderDropout() float64 { return max(m.DropoutIn, m.DropoutOut) }

// ReadsSteps: the encoder's last state must be what makes m and s.
func (m LSTM) ReadsSteps() error {
	if m.Pooling == "mean" || m.Pooling == "max" {
		return fmt.Errorf("reads the encoder's state after each symbol, and model.lstm.pooling: %s makes one vector of all states; set pooling: last, or leave the variant out", m.Pooling)
	}
	return nil
}

// Latent is d.
func (m LSTM) Latent() int { return m.LatentDim }

// Fits: sentences only.
func (m LSTM) Fits(s vae.Space) error {
	if m.Inputless && m.WordDropout > 0 {
		return errors.New("word_dropout has no effect, because an inputless decoder reads no word to drop; set one of the two")
	}
	return s.Want("lstm", vae.Text)
}

// FlopsPerToken is 3 [8H(E+H) + 8H'(E+D+H') + 2H'V], H and H' the states of encoder and
// decoder, and what further layers and skip add. The bag of words, once a sentence, is left out.
func (m LSTM) FlopsPerToken(s vae.Space) float64 {
	E, D, He, Hd := float64(m.EmbedDim), float64(reads(m.LatentDim, s)), float64(m.EncHidden), float64(m.DecHidden)
	moreEnc, moreDec := float64(max(1, m.EncLayers)-1), float64(max(1, m.DecLayers)-1)
	skip := 0.0
	if m.Skip {
		skip = D
	}
	enc := 8*He*(E+He) + moreEnc*8*He*2*He
	dec := 8*Hd*(E+D+Hd) + moreDec*8*Hd*(2*Hd+skip)
	return 3 * (enc + dec + 2*(Hd+skip)*float64(s.V))
}

// he19 is the reference code's first draw of a layer.
func he19(int) nn.Init { return nn.Uniform(0.01) }

// Encoder makes encoder.embed, encoder.lstm and encoder.linear.
func (m LSTM) Encoder(ps *nn.Params, s vae.Space, raw vae.Raw) vae.Encoder {
	layer, words := nn.FanIn, nn.Normal(1)
	if m.Init == "he19" {
		layer, words = he19, nn.Uniform(0.1)
	}
	H := m.EncHidden
	e := &lstmEncoder{
		embed:   nn.NewEmbedding(ps, "encoder.embed", s.V, m.EmbedDim, words),
		layers:  []nn.LSTM{nn.NewLSTM(ps, "encoder.lstm", m.EmbedDim, H, layer(H))},
		linear:  nn.NewLinear(ps, "encoder.linear", H, outputs(raw, m.LatentDim), layer(H)),
		pooling: m.Pooling,
		d:       m.LatentDim,
	}
	for l := 1; l < m.EncLayers; l++ {
		e.layers = append(e.layers, nn.NewLSTMLayer(ps, "encoder.lstm", l, H, H, layer(H)))
	}
	return e
}

// Decoder makes decoder.embed, decoder.trans_linear, decoder.lstm and decoder.pred_linear.
func (m LSTM) Decoder(ps *nn.Params, s vae.Space) vae.Decoder { return m.decoder(ps, s, true) }

// Bare makes all but decoder.pred_linear.
func (m LSTM) Bare(ps *nn.Params, s vae.Space) vae.Mapped { return m.decoder(ps, s, false) }

func (m LSTM) decoder(ps *nn.Params, s vae.Space, whole bool) vae.Words {
	layer, words := he19, nn.Uniform(0.1)
	if m.Init == "pytorch" {
		layer, words = nn.FanIn, nn.Normal(1)
	}
	H, D := m.DecHidden, m.LatentDim
	R := reads(D, s)
	d := &lstmDecoder{
		embed:      nn.NewEmbedding(ps, "decoder.embed", s.V, m.EmbedDim, words),
		trans:      nn.NewLinear(ps, "decoder.trans_linear", R, H, layer(R)),
		layers:     []nn.LSTM{nn.NewLSTM(ps, "decoder.lstm", m.EmbedDim+R, H, layer(H))},
		dropoutIn:  nn.Float(m.DropoutIn),
		dropoutOut: nn.Float(m.DropoutOut),
		deep:       m.Skip,
	}
	if whole {
		d.pred = nn.NewLinear(ps, "decoder.pred_linear", H, s.V, layer(H))
	}
	dec := vae.Words{Reader: d, In: H + D, Out: s.V}
	above := H // what a layer above the first reads
	if m.Skip {
		dec.Logits = vae.Skip(nn.NewLinear(ps, "decoder.skip_linear", D, s.V, layer(D)))
		above += R
	}
	for l := 1; l < m.DecLayers; l++ {
		d.layers = append(d.layers, nn.NewLSTMLayer(ps, "decoder.lstm", l, above, H, layer(H)))
	}
	return dec
}

type lstmEncoder struct {
	embed   nn.Embedding
	layers  []nn.LSTM
	linear  nn.Linear
	pooling string
	d       int
}

// Encode reads each sentence from <s> to </s> and uses the state at its end, or all pooled.
func (e *lstmEncoder) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	return split(e.linear.Apply(p, pool(e.pooling, e.states(p, x), x)), e.d)
}

// EncodeSteps uses the state after each symbol.
func (e *lstmEncoder) EncodeSteps(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	return split(e.linear.Apply(p, e.states(p, x)), e.d)
}

// states are those of the last layer, (N, H).
func (e *lstmEncoder) states(p *nn.Pass, x *vae.Batch) *grad.Value {
	h := e.embed.Apply(p, x.Symbols) // (N, E)
	for _, lstm := range e.layers {
		h = lstm.Apply(p, x.Steps, h, nil, nil, nil)
	}
	return h
}

type lstmDecoder struct {
	embed                 nn.Embedding
	trans                 nn.Linear
	layers                []nn.LSTM
	pred                  nn.Linear
	dropoutIn, dropoutOut nn.Float
	deep                  bool // z is an input of every layer
}

// Read is h, (M, H).
func (d *lstmDecoder) Read(p *nn.Pass, z *grad.Value, in []int32, x *vae.Batch) *grad.Value {
	words := nn.Dropout(p, d.embed.Apply(p, in), d.dropoutIn)     // (M, E)
	c0 := d.Signal(p, z)                                          // (B, H)
	h := d.layers[0].Apply(p, x.Predict, words, z, c0.Tanh(), c0) // (M, H)
	var direct *grad.Value
	if d.deep {
		direct = z
	}
	for _, lstm := range d.layers[1:] {
		h = lstm.Apply(p, x.Predict, h, direct, nil, nil)
	}
	return nn.Dropout(p, h, d.dropoutOut)
}

// Signal is c_0, (B, H).
func (d *lstmDecoder) Signal(p *nn.Pass, z *grad.Value) *grad.Value { return d.trans.Apply(p, z) }

// Output is W, (V, H).
func (d *lstmDecoder) Output(p *nn.Pass) *grad.Value { return p.Use(d.pred.Weight) }
