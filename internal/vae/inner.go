package vae

import (
	"math"
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

// An Inner is the loss of a batch as a function of lambda, (B, 2D): the mu and ln sigma² of its Gaussian posteriors, side by
// side. A Refine descends it step by step, by the gradient
//
//	G(lambda) = clip of B/Examples times the gradient of the loss
//
// The loss is the one that is trained: rec, penalty and extras of whatever variants act beside the Refine, at the KL weight
// of the pass; in evaluation the KL weight is 1. Auxiliary terms are left out. The loss is a mean over B examples, so a step
// moves an example as in a batch of Examples, whatever B is.
//
// Each step has its own eps and dropout masks, and the same ones whenever it is computed again. In training they are drawn
// from the pass. In evaluation eps depends on the example and the step alone, so q(z|x) does not depend on the place of the
// example in its split.
//
// An Inner has a tape of its own, so that gradients are computed before and during the backward pass of the loss itself.
type Inner struct {
	Examples int
	Clip     float64 // the largest norm over the batch, of the gradient in mu and of that in ln sigma²

	model *Model
	x     *Batch
	pass  nn.Pass
	tape  grad.Tape
	terms Terms

	eps           []tensor.Matrix // (B, D) of each step
	g             []tensor.Matrix // (B, 2D) of each step, not clipped
	turned, moved tensor.Matrix   // (B, 2D)

	noise, drop   rand.PCG // of pass
	seeds         [2]uint64
	rands         [2]*rand.Rand
	probe, result held
}

// A held Gaussian is not allocated again while it is the same one: a tape that records the same operations at each step has
// the same values.
type held struct{ Posterior }

func (h *held) of(lambda *grad.Value) Posterior {
	D := lambda.Cols / 2
	q := FromLogvar(lambda.Columns(0, D), lambda.Columns(D, 2*D))
	if old, ok := h.Posterior.(Gaussian); !ok || old != q {
		h.Posterior = q
	}
	return h.Posterior
}

// Start begins the descent of a batch, of so many steps, with D latent dimensions. Its memory is that of the pass's tape.
func (n *Inner) Start(p *nn.Pass, m *Model, x *Batch, steps, D int) {
	if n.rands[0] == nil {
		n.rands = [2]*rand.Rand{rand.New(&n.noise), rand.New(&n.drop)}
	}
	n.model, n.x, n.pass, n.seeds = m, x, *p, [2]uint64{}
	n.pass.Tape, n.pass.Noise, n.pass.Drop, n.pass.Inner = &n.tape, n.rands[0], nil, true
	n.tape.Poison = p.Tape.Poison
	fresh := p.Train && p.Noise != nil
	if fresh {
		n.seeds[0] = p.Noise.Uint64()
	}
	if p.Train && p.Drop != nil {
		n.pass.Drop, n.seeds[1] = n.rands[1], p.Drop.Uint64()
	}
	if !p.Train {
		n.pass.KLWeight = 1
	}
	n.turned, n.moved = p.Tape.Zeros(x.B(), 2*D).Matrix, p.Tape.Zeros(x.B(), 2*D).Matrix
	n.eps, n.g = n.eps[:0], n.g[:0]
	for range steps {
		n.eps, n.g = append(n.eps, p.Tape.Zeros(x.B(), D).Matrix), append(n.g, p.Tape.Zeros(x.B(), 2*D).Matrix)
	}
	for i := range x.B() {
		noise := p.Noise
		if !fresh {
			n.noise.Seed(x.hash(i), 0)
			noise = n.rands[0]
		}
		for _, eps := range n.eps {
			for j := range D {
				eps.Row(i)[j] = Float(noise.NormFloat64())
			}
		}
	}
}

// Posterior is N(mu, sigma²) of lambda, on the tape of lambda.
func (n *Inner) Posterior(lambda *grad.Value) Posterior { return n.result.of(lambda) }

// Gradient is G of a step at lambda, until the next call. Each step is asked for it once.
func (n *Inner) Gradient(step int, lambda tensor.Matrix) []Float {
	n.pass.Frozen = true
	g := n.g[step]
	n.add(step, lambda, 1, g.Data)
	for half := range 2 {
		c := n.clip(g, half)
		for i := range g.Rows {
			for j, v := range part(g, i, half) {
				part(n.turned, i, half)[j] = c * v
			}
		}
	}
	return n.turned.Data
}

// SubtractJacobian adds the gradient of -p·G of a step at lambda, (B, 2D), in lambda to another, and in the parameters that
// take part in the loss to theirs. p is held fixed. With C the derivative of the clip, which is symmetric, and H the second
// derivatives of B/Examples times the loss, the first is
//
//	-H C p = -(g(lambda + r C p) - g(lambda - r C p)) / (2 r)
//
// No number of lambda is moved by more than 1e-5 in float64 and 4e-3 in float32, or so much of lambda's root mean square if
// that is above 1.
func (n *Inner) SubtractJacobian(step int, lambda tensor.Matrix, p, to []Float) {
	g, p2 := n.g[step], tensor.Matrix{Rows: lambda.Rows, Cols: lambda.Cols, Data: p}
	most := 0.0
	for half := range 2 {
		c, along := n.clip(g, half), Float(0)
		if c < 1 {
			along = Float(dot(g, p2, half) / dot(g, g, half))
		}
		for i := range g.Rows {
			turned, g := part(n.turned, i, half), part(g, i, half)
			for j, v := range part(p2, i, half) {
				turned[j] = c * (v - along*g[j])
				most = max(most, math.Abs(float64(turned[j])))
			}
		}
	}
	if most == 0 {
		return
	}
	off := 1e-5
	if tensor.Bits == 32 {
		off = 4e-3
	}
	r := Float(off * math.Sqrt(max(1, tensor.SumSquares(lambda.Data)/float64(len(lambda.Data)))) / most)
	n.pass.Frozen = false
	for _, side := range [2]Float{1, -1} {
		copy(n.moved.Data, lambda.Data)
		tensor.Axpy(side*r, n.turned.Data, n.moved.Data)
		n.add(step, n.moved, -side/(2*r), to)
	}
}

// add adds to a gradient, (B, 2D), that of k B/Examples times the loss of a step at lambda; and to those of the parameters,
// unless the pass is frozen.
func (n *Inner) add(step int, lambda tensor.Matrix, k Float, to []Float) {
	n.tape.Reset()
	n.noise.Seed(n.seeds[0], uint64(step))
	n.drop.Seed(n.seeds[1], uint64(step))
	q := n.probe.of(n.tape.Leaf(lambda, to))
	n.model.at(&n.pass, n.x, q, q, q.(Gaussian).at(n.tape.Const(n.eps[step])), &n.terms)
	loss := n.terms.Loss
	if extra := n.model.Extra(&n.pass, &n.terms); extra != nil {
		loss = loss.Add(extra)
	}
	loss.Scale(k * Float(n.x.B()) / Float(n.Examples)).Backward()
}

// clip is what scales a half of a gradient.
func (n *Inner) clip(g tensor.Matrix, half int) Float {
	return Float(min(1, n.Clip/math.Sqrt(dot(g, g, half))))
}

// part is row i of mu, half 0, or of ln sigma², half 1.
func part(m tensor.Matrix, i, half int) []Float {
	return m.Row(i)[half*m.Cols/2 : (half+1)*m.Cols/2]
}

// dot is the product of a half.
func dot(a, b tensor.Matrix, half int) (sum float64) {
	for i := range a.Rows {
		sum += float64(tensor.Dot(part(a, i, half), part(b, i, half)))
	}
	return sum
}
