package nn

import (
	"math"
	"strconv"

	"vaelab/internal/grad"
)

// LayerNorm standardises each row of C columns, then scales and shifts the columns.
type LayerNorm struct{ Gain, Bias *Param }

// NewLayerNorm makes `name`.weight, at first 1, and `name`.bias, at first 0, (C) each.
func NewLayerNorm(ps *Params, name string, C int) LayerNorm {
	return LayerNorm{ps.New(name+".weight", Constant(1), C), ps.New(name+".bias", Constant(0), C)}
}

// Apply standardises the rows of x, shape (B, C), with eps 1e-5.
func (n LayerNorm) Apply(p *Pass, x *grad.Value) *grad.Value {
	return x.LayerNormAffine(p.Use(n.Gain), p.Use(n.Bias), 1e-5)
}

// Transformer is a stack of pre-norm transformer blocks and a last layer norm, as GPT-2 has
// them:
//
//	x += W_p Attention(W_a LN(x)),    x += W_o GELU(W_i LN(x)),    y = LN(x)
//
// Source: Radford et al. 2019, "Language models are unsupervised multitask learners",
// section 2.3.
type Transformer struct {
	Blocks  []Block
	Norm    LayerNorm
	Heads   int
	Causal  bool  // a row sees itself and those before it, or all of its example
	Dropout Float // of each addition to x
}

// Block is one layer of a Transformer.
type Block struct {
	Norm1, Norm2  LayerNorm
	Attend, Proj  Affine // (3E, E) columns Q, K, V; (E, E)
	Widen, Narrow Affine // (ff E, E); (E, ff E)
}

// GPT2Init is GPT-2's initial spread of every weight matrix: N(0, 0.02²).
const GPT2Init = 0.02

// NewTransformer makes `name`.h.0 ... `name`.h.`layers-1` and `name`.ln_f, for rows of E
// numbers that the second half of a block widens to ff E. Names and layouts are those of
// nanoGPT: ln_1, attn.c_attn, attn.c_proj, ln_2, mlp.c_fc, mlp.c_proj, a weight and a bias
// each. Weights begin as N(0, 0.02²), the two that add to x as N(0, 0.02²/(2 layers)), so
// that the sum's variance does not grow with depth; biases as 0.
func NewTransformer(ps *Params, name string, E, ff, heads, layers int, causal bool, dropout float64) Transformer {
	t := Transformer{Heads: heads, Causal: causal, Dropout: Float(dropout)}
	residual := GPT2Init / math.Sqrt(2*float64(layers))
	affine := func(name string, in, out int, sd float64) Affine {
		return Affine{NewLinear(ps, name, in, out, Normal(sd)), ps.New(name+".bias", Constant(0), out)}
	}
	for l := range layers {
		at := name + ".h." + strconv.Itoa(l)
		t.Blocks = append(t.Blocks, Block{
			Norm1:  NewLayerNorm(ps, at+".ln_1", E),
			Attend: affine(at+".attn.c_attn", E, 3*E, GPT2Init),
			Proj:   affine(at+".attn.c_proj", E, E, residual),
			Norm2:  NewLayerNorm(ps, at+".ln_2", E),
			Widen:  affine(at+".mlp.c_fc", E, ff*E, GPT2Init),
			Narrow: affine(at+".mlp.c_proj", ff*E, E, residual),
		})
	}
	t.Norm = NewLayerNorm(ps, name+".ln_f", E)
	return t
}

// Apply runs x, packed rows (N, E), through all blocks; so is the result. Memory is nil, or
// gives what every example's rows may attend to besides in layer l, (B, m E); see
// grad.Attention.
func (t Transformer) Apply(p *Pass, steps grad.Steps, x *grad.Value, memory func(l int) *grad.Value) *grad.Value {
	x = x.ByExample(steps)
	for l, b := range t.Blocks {
		var m *grad.Value
		if memory != nil {
			m = memory(l)
		}
		qkv := b.Attend.Apply(p, b.Norm1.Apply(p, x))             // (N, 3E)
		heads := grad.Attention(steps, qkv, m, t.Heads, t.Causal) // (N, E)
		x = x.Add(Dropout(p, b.Proj.Apply(p, heads), t.Dropout))  // (N, E)
		wide := b.Widen.Apply(p, b.Norm2.Apply(p, x)).GELU()      // (N, ff E)
		x = x.Add(Dropout(p, b.Narrow.Apply(p, wide), t.Dropout)) // (N, E)
	}
	return t.Norm.Apply(p, x).BySteps(steps)
}
