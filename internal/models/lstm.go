package models

import (
	"errors"
	"slices"

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
	// WordDropout is the share of the decoder's input words that training replaces by <unk>,
	// never <s>.
	//
	// Source: Bowman et al. 2016, section 3.1, where 1 - k is the share (arXiv 1511.06349).
	WordDropout float64 `yaml:"word_dropout" range:"[0,1)" alias:"dec_word_dropout|word_dropout_rate"`
	// Inputless replaces every one of them, in evaluation too: the decoder knows z and how many
	// words it has written. Bowman et al.'s k = 0.
	Inputless bool `yaml:"inputless"`
	// Skip leads z past the LSTM as well: straight into each of its layers, and into the
	// logits, W h_t + S z.
	//
	// Source: Dieng et al. 2019, "Avoiding latent variable collapse with generative skip
	// models" (arXiv 1807.04863).
	Skip bool `yaml:"skip"`
	// BagOfWords is the weight of a loss that has all words predicted from z alone; 0 is none.
	// It is part of the training loss only.
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
	E, D, He, Hd := float64(m.EmbedDim), float64(m.LatentDim), float64(m.EncHidden), float64(m.DecHidden)
	moreEnc, moreDec := float64(max(1, m.EncLayers)-1), float64(max(1, m.DecLayers)-1)
	skip := 0.0
	if m.Skip {
		skip = D
	}
	enc := 8*He*(E+He) + moreEnc*8*He*2*He
	dec := 8*Hd*(E+D+Hd) + moreDec*8*Hd*(2*Hd+skip)
	return 3 * (enc + dec + 2*(Hd+skip)*float64(s.V))
}

// Build makes both halves.
func (m LSTM) Build(ps *nn.Params, s vae.Space, raw vae.Raw) (vae.Encoder, vae.Decoder) {
	he19 := func(int) nn.Init { return nn.Uniform(0.01) }
	layer, words := he19, nn.Uniform(0.1)
	if m.Init != "he19" {
		layer, words = nn.FanIn, nn.Normal(1)
	}
	enc := m.encoder(ps, s.V, raw, layer, words)
	if m.Init == "bn-vae" {
		layer, words = he19, nn.Uniform(0.1)
	}
	dec := m.decoder(ps, s.V, layer, words)
	if m.BagOfWords > 0 {
		return enc, newBagOfWords(ps, dec, m.LatentDim, m.DecHidden, s.V, m.BagOfWords, layer)
	}
	return enc, dec
}

func (m LSTM) encoder(ps *nn.Params, V int, raw vae.Raw, layer func(fanIn int) nn.Init, words nn.Init) *lstmEncoder {
	H := m.EncHidden
	e := &lstmEncoder{
		embed:   nn.NewEmbedding(ps, "encoder.embed", V, m.EmbedDim, words),
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

func (m LSTM) decoder(ps *nn.Params, V int, layer func(fanIn int) nn.Init, words nn.Init) *lstmDecoder {
	H, D := m.DecHidden, m.LatentDim
	d := &lstmDecoder{
		embed:       nn.NewEmbedding(ps, "decoder.embed", V, m.EmbedDim, words),
		trans:       nn.NewLinear(ps, "decoder.trans_linear", D, H, layer(D)),
		layers:      []nn.LSTM{nn.NewLSTM(ps, "decoder.lstm", m.EmbedDim+D, H, layer(H))},
		pred:        nn.NewLinear(ps, "decoder.pred_linear", H, V, layer(H)),
		dropoutIn:   nn.Float(m.DropoutIn),
		dropoutOut:  nn.Float(m.DropoutOut),
		wordDropout: m.WordDropout,
		inputless:   m.Inputless,
	}
	above := H // what a layer above the first reads
	if m.Skip {
		skip := nn.NewLinear(ps, "decoder.skip_linear", D, V, layer(D))
		d.skip = &skip
		above += D
	}
	for l := 1; l < m.DecLayers; l++ {
		d.layers = append(d.layers, nn.NewLSTMLayer(ps, "decoder.lstm", l, above, H, layer(H)))
	}
	return d
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
	h := e.embed.Apply(p, x.Symbols) // (N, E)
	for _, lstm := range e.layers {
		h = lstm.Apply(p, x.Steps, h, nil, nil, nil) // (N, H)
	}
	return split(e.linear.Apply(p, e.pool(h, x)), e.d)
}

// pool makes one state of each sentence's, (N, H) to (B, H).
func (e *lstmEncoder) pool(h *grad.Value, x *vae.Batch) *grad.Value {
	switch e.pooling {
	case "mean":
		return h.MeanSteps(x.Steps)
	case "max":
		return h.MaxSteps(x.Steps)
	}
	return h.Gather(x.Last)
}

type lstmDecoder struct {
	embed                 nn.Embedding
	trans                 nn.Linear
	layers                []nn.LSTM
	pred                  nn.Linear
	skip                  *nn.Linear // nil without
	dropoutIn, dropoutOut nn.Float
	wordDropout           float64
	inputless             bool
}

// LogProb is teacher-forced: each word is predicted from z and the true words before it.
func (d *lstmDecoder) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	nll := d.read(p, z, x).CrossEntropy(d.output(p), x.Out) // (M, 1)
	return nll.SumSteps(x.Predict).Neg()                    // (B, 1)
}

// Predict is LogProb's logits, (M, V).
func (d *lstmDecoder) Predict(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return d.read(p, z, x).MatMulT(d.output(p))
}

// read runs over the words that are known before each prediction and makes what the output
// layer reads: h, (M, H), or [h; z] with skip.
func (d *lstmDecoder) read(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	words := nn.Dropout(p, d.embed.Apply(p, d.inputs(p, x)), d.dropoutIn) // (M, E)
	c0 := d.trans.Apply(p, z)                                             // (B, H)
	h := d.layers[0].Apply(p, x.Predict, words, z, c0.Tanh(), c0)         // (M, H)
	var direct *grad.Value
	if d.skip != nil {
		direct = z
	}
	for _, lstm := range d.layers[1:] {
		h = lstm.Apply(p, x.Predict, h, direct, nil, nil)
	}
	h = nn.Dropout(p, h, d.dropoutOut)
	if d.skip != nil {
		h = h.Beside(z.Spread(x.Predict)) // (M, H+D)
	}
	return h
}

// output is W, (V, H), or [W S] with skip, (V, H+D): one product makes W h_t + S z.
func (d *lstmDecoder) output(p *nn.Pass) *grad.Value {
	w := p.Use(d.pred.Weight)
	if d.skip != nil {
		w = w.Beside(p.Use(d.skip.Weight))
	}
	return w
}

// inputs are the words that the decoder reads, (M): the true ones, or <unk> for those that
// are kept from it. The first row of every sentence is <s>, which stays.
func (d *lstmDecoder) inputs(p *nn.Pass, x *vae.Batch) []int32 {
	if !d.inputless && (d.wordDropout == 0 || !p.Train) {
		return x.In
	}
	in := slices.Clone(x.In)
	for i := x.B(); i < len(in); i++ {
		if d.inputless || p.Drop.Float64() < d.wordDropout {
			in[i] = vae.Unk
		}
	}
	return in
}
