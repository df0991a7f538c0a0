// Package nn has the layers of models, and the registry of all their parameters and running statistics.
package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"vaelab/internal/grad"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
)

// Float is the engine's number.
type Float = tensor.Float

// Products is the precision of a model's matrix products.
type Products = tensor.Precision

// Full is that of Floats.
const Full = tensor.Full

// ProductsIn returns that of a name: float32, which is that of Floats, or bf16.
func ProductsIn(name string) (Products, error) {
	switch {
	case name != "bf16":
		return tensor.Full, nil
	case tensor.Bits != 32:
		return tensor.Full, fmt.Errorf("bf16 needs a program built for float32, and this one is built with -tags f64; build it without the tag, or leave precision out")
	}
	return tensor.BF16, nil
}

// A Param is a named array of numbers: learnt, or kept beside the learnt ones, such as a running statistic or a frozen gamma.
type Param struct {
	Name  string
	Shape []int // as PyTorch has it: (O, I) for a weight, (C) for a bias, () for a counter
	Int   bool  // a counter, stored as a 64-bit integer
	tensor.Matrix

	learnt   bool
	grad     []Float // but of a table in rows; nil until first asked for
	init     Init
	variance bool // none of its numbers is negative: a running variance or mean square

	table bool      // read by rows, see Embedding
	rows  grad.Rows // of a table: the gradient, of those rows where it is not 0, unless it is dense
	dense bool      // of a table: any element may have a gradient, because it was used as a matrix

	products tensor.Precision
}

// Grad is the gradient in the layout of Data, or nil if p is not learnt. That of a table takes memory for all its rows from
// then on; EachGrad does without.
func (p *Param) Grad() []Float {
	switch {
	case !p.learnt:
		return nil
	case p.table:
		return p.rows.Whole(p.Matrix)
	case p.grad == nil:
		p.grad = tensor.Make(len(p.Data))
	}
	return p.grad
}

// EachGrad calls f with the weights and gradients of the parameter: all at once, or row by
// row where it is a table of which a step has read few rows. The gradients left out are 0.
func (p *Param) EachGrad(f func(w, g []Float)) {
	if !p.table || p.dense {
		f(p.Data, p.Grad())
		return
	}
	for i, r := range p.rows.List {
		f(p.Row(int(r)), p.rows.Row(i, p.Cols))
	}
}

// Params is every number of a model, in the order it was made. The zero value is empty;
// values are drawn from streams named by the parameter, so that two models share the
// initial value of every parameter they have in common.
type Params struct {
	Seed uint64
	Most int // numbers at most, if not 0: a parameter that needs more panics with a TooMany

	Products Products // with the parameters

	size int
	list []*Param
	by   map[string]*Param

	parent *Params // of what Under, At and Copies return, with under or at
	under  string
	at     string
	copies bool     // what Copies returns
	pairs  []copied // of these copies
}

// A copied is a copy with what it is of.
type copied struct{ to, of *Param }

// WeightBytes is what a learnt number takes in training: itself, its gradient, and Adam's two means.
const WeightBytes = 4 * tensor.Bits / 8

// TooMany is what stopped the making of a parameter: with it there would be more numbers than Params.Most.
type TooMany struct {
	Name string
	Size int
}

// An Init fills a new parameter.
type Init func(rng *rand.Rand, x []Float)

// Uniform draws from U(-a, a).
func Uniform(a float64) Init {
	return func(rng *rand.Rand, x []Float) {
		for i := range x {
			x[i] = Float((2*rng.Float64() - 1) * a)
		}
	}
}

// Normal draws from N(0, sd²).
func Normal(sd float64) Init {
	return func(rng *rand.Rand, x []Float) {
		for i := range x {
			x[i] = Float(rng.NormFloat64() * sd)
		}
	}
}

// Constant fills with one number.
func Constant(c float64) Init {
	return func(_ *rand.Rand, x []Float) {
		for i := range x {
			x[i] = Float(c)
		}
	}
}

// FanIn is PyTorch's default for linear and recurrent layers: U(-1/√n, 1/√n).
func FanIn(n int) Init { return Uniform(1 / math.Sqrt(float64(n))) }

// Under makes parameters among these whose names have one more part: encoder.embed becomes encoder.name.embed. So a model
// can have two encoders, or two decoders. It makes them, and knows none.
func (ps *Params) Under(name string) *Params { return &Params{parent: ps, under: name} }

// At is Under with another side: encoder.embed becomes decoder.name.embed, where the path is decoder.name.
func (ps *Params) At(path string) *Params { return &Params{parent: ps, at: path} }

// Copies makes buffers among these in place of learnt parameters: encoder.name.embed, which begins as encoder.embed. Follow
// moves them. A parameter that there is not panics.
func (ps *Params) Copies(name string) *Params { return &Params{parent: ps, under: name, copies: true} }

// Follow moves the copies to what they are of:
//
//	copy <- decay copy + (1 - decay) original
func (ps *Params) Follow(decay float64) {
	for _, p := range ps.pairs {
		for i, v := range p.of.Data {
			p.to.Data[i] += Float(1-decay) * (v - p.to.Data[i])
		}
	}
}

func (ps *Params) add(name string, init Init, shape []int) *Param {
	if ps.parent != nil {
		side, rest, _ := strings.Cut(name, ".")
		under := side + "." + ps.under + "." + rest
		switch {
		case ps.at != "":
			return ps.parent.add(ps.at+"."+rest, init, shape)
		case !ps.copies:
			return ps.parent.add(under, init, shape)
		}
		of := ps.parent.Get(name)
		if of == nil {
			panic("nn: Copies: there is no parameter " + name)
		}
		to := ps.parent.add(under, func(_ *rand.Rand, x []Float) { copy(x, of.Data) }, shape)
		ps.pairs = append(ps.pairs, copied{to, of})
		return to
	}
	if _, ok := ps.by[name]; ok {
		panic("nn: parameter " + name + " made twice")
	}
	rows, cols := 1, 1
	switch len(shape) {
	case 0:
	case 1:
		cols = shape[0]
	case 2:
		rows, cols = shape[0], shape[1]
	default:
		panic(fmt.Sprintf("nn: parameter %s has shape %v; a matrix at most", name, shape))
	}
	if ps.size += rows * cols; ps.Most > 0 && ps.size > ps.Most {
		panic(TooMany{name, ps.size})
	}
	p := &Param{Name: name, Shape: shape, Matrix: tensor.New(rows, cols), init: init, products: ps.Products}
	init(stream.New(ps.Seed, "init", name), p.Data)
	if ps.by == nil {
		ps.by = map[string]*Param{}
	}
	ps.list, ps.by[name] = append(ps.list, p), p
	return p
}

// Redraw gives a parameter or buffer the values it began with.
func (ps *Params) Redraw(p *Param) { p.init(stream.New(ps.Seed, "init", p.Name), p.Data) }

// New makes a learnt parameter of one or two dimensions.
func (ps *Params) New(name string, init Init, shape ...int) *Param {
	p := ps.add(name, init, shape)
	p.learnt = !ps.copies
	return p
}

// Buffer makes an array that is kept and saved but not learnt.
func (ps *Params) Buffer(name string, init Init, shape ...int) *Param {
	return ps.add(name, init, shape)
}

// Variance makes a buffer that starts at 1 and has no negative numbers.
func (ps *Params) Variance(name string, shape ...int) *Param {
	p := ps.Buffer(name, Constant(1), shape...)
	p.variance = true
	return p
}

// Counter makes a whole number that is kept and saved.
func (ps *Params) Counter(name string) *Param {
	p := ps.add(name, Constant(0), nil)
	p.Int = true
	return p
}

// All is every parameter and buffer in the order of their making.
func (ps *Params) All() []*Param { return ps.list }

// Learnt is every parameter with a gradient.
func (ps *Params) Learnt() []*Param {
	var out []*Param
	for _, p := range ps.list {
		if p.learnt {
			out = append(out, p)
		}
	}
	return out
}

// Get is the parameter of that name, or nil.
func (ps *Params) Get(name string) *Param { return ps.by[name] }

// Size is the number of learnt numbers.
func (ps *Params) Size() int {
	n := 0
	for _, p := range ps.Learnt() {
		n += len(p.Data)
	}
	return n
}

// ZeroGrad clears every gradient.
func (ps *Params) ZeroGrad() {
	for _, p := range ps.list {
		p.EachGrad(func(_, g []Float) { tensor.Clear(g) })
		p.rows.Clear()
		p.dense = false
	}
}

// A Pass is one way through a model: it carries the tape, whether batch or running
// statistics rule, the KL weight, and the noise of the step.
type Pass struct {
	Tape       *grad.Tape
	Train      bool       // batch statistics, dropout, running statistics move; else nothing changes
	BatchStats bool       // batch statistics as in training, though nothing moves
	KLWeight   Float      // beta of the loss
	Noise      *rand.Rand // eps of z; nil makes z the posterior mean
	Drop       *rand.Rand // dropout masks; may be nil if Train is false

	Frozen bool // parameters are constants: no gradient is added to theirs
	Inner  bool // it is within a step, such as one of a refinement: no running statistic moves
}

// Use puts a parameter on the pass's tape.
func (p *Pass) Use(w *Param) *grad.Value {
	var v *grad.Value
	if p.Frozen {
		v = p.Tape.Const(w.Matrix)
	} else {
		w.dense = true
		v = p.Tape.Leaf(w.Matrix, w.Grad())
	}
	v.Products = w.products
	return v
}
