package vae

import (
	"fmt"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Reader is a decoder of text up to its output layer. Words makes a decoder of it.
type Reader interface {
	// Read is what the output layer reads before each prediction, (M, H), a row for each of x.Predict's. In, (M), are
	// the symbols that it reads in place of x.In.
	Read(p *nn.Pass, z *grad.Value, in []int32, x *Batch) *grad.Value
	// Output is the weights of the output layer, (V, H).
	Output(p *nn.Pass) *grad.Value
	// Signal is what z becomes where it enters the decoder, (B, ·), linear in z.
	Signal(p *nn.Pass, z *grad.Value) *grad.Value
}

// Words is a decoder of text that predicts each symbol from z and the symbols before it:
//
//	ln p(x_{t+1} | x_{1..t}, z) = ln softmax(W h_t + S r_t)_{x_{t+1}},   h = Read(z, Inputs(x))
//
// A variant changes Inputs, and S r by Logits, whatever the Reader is, or makes the logits of [h_t; z] by an output map.
type Words struct {
	Reader
	Inputs Inputs // nil: x.In
	Logits Logits // nil: S r is 0
	Rows   *Rows  // LogProb leaves there what it read; nil if nobody asks

	In, Out int    // of an output map: the sizes of h_t and z together, and V
	Own     Output // nil: W and S are the output map
}

// Rows are what the output layer of a Words reads, [h r], (M, H), and its weights, [W S], (V, H), whose product is the logits;
// or those of a variant's output map.
type Rows struct{ H, W *grad.Value }

// Inputs are the symbols that a decoder of text reads, (M), in place of x.In: such as Unk in place of words. Metrics and
// generation ask for them as well, with p.Train false. Memory for them is p.Tape.Symbols. What is predicted stays.
type Inputs func(p *nn.Pass, x *Batch) (in []int32)

// Logits is a term that is added to the logits of a decoder of text: rows, (M, K), times the transpose of weights, (V, K).
type Logits func(p *nn.Pass, z *grad.Value, x *Batch) (rows, weights *grad.Value)

// Skip is the term S z.
func Skip(s nn.Linear) Logits {
	return func(p *nn.Pass, z *grad.Value, x *Batch) (rows, weights *grad.Value) {
		return z.Spread(x.Predict), p.Use(s.Weight)
	}
}

// LogProb is teacher-forced: what is read are the true symbols, unless Inputs says otherwise.
func (d Words) LogProb(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value {
	h, w := d.output(p, z, x)
	if d.Rows != nil {
		*d.Rows = Rows{h, w}
	}
	return h.CrossEntropy(w, x.Out).SumSteps(x.Predict).Neg() // (M, 1), then (B, 1)
}

// Predict is LogProb's logits, (M, V).
func (d Words) Predict(p *nn.Pass, z *grad.Value, x *Batch) *grad.Value {
	h, w := d.output(p, z, x)
	return h.MatMulT(w)
}

// output is [h r] and [W S], so that one product makes W h + S r.
func (d Words) output(p *nn.Pass, z *grad.Value, x *Batch) (h, w *grad.Value) {
	in := x.In
	if d.Inputs != nil {
		in = d.Inputs(p, x)
	}
	h = d.Read(p, z, in, x)
	if d.Own != nil {
		return d.Own(p, h.Beside(z.Spread(x.Predict)))
	}
	if d.Logits == nil {
		return h, d.Output(p)
	}
	rows, weights := d.Logits(p, z, x)
	h = h.Beside(rows)
	return h, d.Output(p).Beside(weights)
}

// Sizes are those of an output map.
func (d Words) Sizes() (in, out int) { return d.In, d.Out }

// Map is the decoder with another output map, which neither W nor S is part of.
func (d Words) Map(o Output) Decoder {
	d.Own = o
	return d
}

// Decode returns the decoder with what the variant changes of it.
func (v Variant) Decode(d Decoder) (Decoder, error) {
	if v.Output != nil {
		mapped, ok := d.(Mapped)
		if !ok {
			return nil, fmt.Errorf("a variant makes the output map of the decoder, and %T has no place for one", d)
		}
		o, err := v.Output(mapped.Sizes())
		if err != nil {
			return nil, err
		}
		d = mapped.Map(o)
	}
	if v.Noise != nil {
		vectors, ok := d.(Vectors)
		if !ok {
			return nil, fmt.Errorf("a variant sets the variance of a decoder of vectors, and %T has none", d)
		}
		vectors.Noise = v.Noise
		d = vectors
	}
	if v.Inputs == nil && v.Logits == nil && v.Rows == nil {
		return d, nil
	}
	words, ok := d.(Words)
	switch {
	case !ok:
		return nil, fmt.Errorf("a variant changes what a decoder does with words, and %T reads none", d)
	case v.Logits != nil && words.Logits != nil:
		return nil, fmt.Errorf("the model's own skip and a variant both add to the logits")
	}
	if v.Inputs != nil {
		words.Inputs = v.Inputs
	}
	if v.Rows != nil {
		words.Rows = v.Rows
	}
	if v.Logits != nil {
		words.Logits = v.Logits
	}
	return words, nil
}
