package nn

import (
	"strconv"

	"vaelab/internal/grad"
)

// Linear is y = x·Wᵀ: x (B, I), W (O, I), no bias, as the field's text VAEs have it.
type Linear struct{ Weight *Param }

// NewLinear makes `name`.weight of shape (out, in).
func NewLinear(ps *Params, name string, in, out int, init Init) Linear {
	return Linear{ps.New(name+".weight", init, out, in)}
}

// Apply returns x·Wᵀ, shape (B, O).
func (l Linear) Apply(p *Pass, x *grad.Value) *grad.Value { return x.MatMulT(p.Use(l.Weight)) }

// Embedding is a table of V vectors of E numbers.
type Embedding struct{ Weight *Param }

// NewEmbedding makes `name`.weight of shape (V, E).
func NewEmbedding(ps *Params, name string, V, E int, init Init) Embedding {
	w := ps.New(name+".weight", init, V, E)
	w.table = true
	return Embedding{w}
}

// Apply looks up N symbols: (N, E).
func (e Embedding) Apply(p *Pass, ids []int32) *grad.Value {
	if p.Frozen {
		return p.Tape.Embed(e.Weight.Matrix, nil, ids)
	}
	return p.Tape.Embed(e.Weight.Matrix, &e.Weight.rows, ids)
}

// Dropout sets each element to 0 with probability rate and multiplies the rest by
// 1/(1-rate); outside training it does nothing.
func Dropout(p *Pass, x *grad.Value, rate Float) *grad.Value {
	if !p.Train || rate == 0 {
		return x
	}
	return x.Dropout(p.Drop.Uint64(), rate)
}

// LSTM is one layer of a long short-term memory with torch.nn.LSTM's names and layouts.
type LSTM struct{ Wih, Whh, Bih, Bhh *Param }

// NewLSTM is NewLSTMLayer of the only layer, number 0.
func NewLSTM(ps *Params, name string, in, H int, init Init) LSTM {
	return NewLSTMLayer(ps, name, 0, in, H, init)
}

// NewLSTMLayer makes layer number l, counted from 0: `name`.weight_ih_l0 (4H, in),
// weight_hh_l0 (4H, H), bias_ih_l0 and bias_hh_l0 (4H) for the first, and so on; gates in
// the order i f g o.
func NewLSTMLayer(ps *Params, name string, l, in, H int, init Init) LSTM {
	layer := "_l" + strconv.Itoa(l)
	return LSTM{
		Wih: ps.New(name+".weight_ih"+layer, init, 4*H, in),
		Whh: ps.New(name+".weight_hh"+layer, init, 4*H, H),
		Bih: ps.New(name+".bias_ih"+layer, init, 4*H),
		Bhh: ps.New(name+".bias_hh"+layer, init, 4*H),
	}
}

// Apply runs the layer over packed inputs x (N, I), see grad.LSTM; z, h0, c0 may be nil.
func (l LSTM) Apply(p *Pass, steps grad.Steps, x, z, h0, c0 *grad.Value) *grad.Value {
	return grad.LSTM(steps, x, z, p.Use(l.Wih), p.Use(l.Whh), p.Use(l.Bih), p.Use(l.Bhh), h0, c0)
}
