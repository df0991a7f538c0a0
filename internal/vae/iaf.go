package vae

import (
	"math"
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// An IAFLayer is an invertible map of z, (B, D), whose j-th number depends on those before it:
//
//	z' = g ⊙ z + (1 - g) ⊙ m,   m = z Mᵀ + context_m,   g = sigmoid(max(z Sᵀ + context_s + 1.5, -3))
//	ln |det dz'/dz| = sum_j ln g_j
//
// M and S are (D, D) and strictly lower triangular, or if Upper strictly upper, which reverses the order. Context is (B, 2D):
// that of m beside that of s, of the example.
type IAFLayer struct {
	M, S  *nn.Param // (D (D-1)/2) each: the numbers of a triangle, row by row
	D     int
	Upper bool

	at []int
}

// gateShift makes g begin near 1, where z' is z. leastGate keeps it above 0.047: where g vanishes z' has no digits left of z, so
// that no density of it can be computed.
const gateShift, leastGate = 1.5, -3

// NewIAFLayer makes `name`.m and `name`.s.
func NewIAFLayer(ps *nn.Params, name string, D int, upper bool) IAFLayer {
	n := D * (D - 1) / 2
	l := IAFLayer{M: ps.New(name+".m", nn.FanIn(D), n), S: ps.New(name+".s", nn.FanIn(D), n), D: D, Upper: upper}
	for i := range D {
		for j := range i {
			k := i*D + j
			if upper {
				k = (D-1-i)*D + D - 1 - j
			}
			l.at = append(l.at, k)
		}
	}
	return l
}

// gate are m and x with g = sigmoid(x), (B, D) each.
func (l IAFLayer) gate(p *nn.Pass, z, context *grad.Value) (m, x *grad.Value) {
	triangle := func(w *nn.Param) *grad.Value { return p.Use(w).Place(l.D, l.D, l.at) }
	m = z.MatMulT(triangle(l.M)).Add(context.Columns(0, l.D))
	return m, z.MatMulT(triangle(l.S)).Add(context.Columns(l.D, 2*l.D)).Shift(gateShift).Max(leastGate)
}

// Apply is z', (B, D), and ln |det dz'/dz|, (B, 1).
func (l IAFLayer) Apply(p *nn.Pass, z, context *grad.Value) (next, logdet *grad.Value) {
	m, x := l.gate(p, z, context)
	return x.Sigmoid().Mul(z.Sub(m)).Add(m), x.Neg().Softplus().RowSums().Neg()
}

// Inverse is z, (B, D), one column after the other.
func (l IAFLayer) Inverse(p *nn.Pass, next, context *grad.Value) *grad.Value {
	B := next.Rows
	z := p.Tape.Zeros(B, l.D) // a column that is not known yet has no weight in the next one
	for i := range l.D {
		j := i
		if l.Upper {
			j = l.D - 1 - i
		}
		m, x := l.gate(p, z, context)
		m, x = m.Columns(j, j+1), x.Columns(j, j+1)
		column := next.Columns(j, j+1).Sub(m).Mul(x.Neg().Softplus().Exp()).Add(m) // m + (z' - m)/g
		at := make([]int, B)
		for b := range at {
			at[b] = b*l.D + j
		}
		z = z.Add(column.Place(B, l.D, at))
	}
	return z
}

// An IAF is a posterior q(z|x): that of f(z0), z0 ~ Base, with f the layers one after the other, given the example's context. So
//
//	ln q(z|x) = ln Base(z0) - ln |det dz/dz0|,   z = f(z0)
//
// A sample costs one pass, and knows its density. The density of any other z takes the inverse of f. E[z] and the mode have no
// closed form: f(mu) stands for both, with mu the mean of Base.
//
// Source: Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow" (arXiv 1606.04934).
type IAF struct {
	Base    Gaussian
	Layers  []IAFLayer
	Context *grad.Value // those of the layers beside each other, (B, 2D K)

	centre  *grad.Value // f(mu), (B, D)
	z, logq *grad.Value // of the last sample
	dense   []triangles // of the layers, for densities; nil before the first
}

// NewIAF is the posterior of a pass.
func NewIAF(p *nn.Pass, base Gaussian, layers []IAFLayer, context *grad.Value) *IAF {
	q := &IAF{Base: base, Layers: layers, Context: context}
	q.centre, _ = q.flow(p, base.Mu)
	return q
}

// context is that of layer k, (B, 2D).
func (q *IAF) context(k int) *grad.Value {
	n := 2 * q.Layers[k].D
	return q.Context.Columns(k*n, (k+1)*n)
}

// flow is f(z0), (B, D), and ln |det dz/dz0|, (B, 1).
func (q *IAF) flow(p *nn.Pass, z *grad.Value) (_, logdet *grad.Value) {
	logdet = p.Tape.Zeros(z.Rows, 1)
	for k, l := range q.Layers {
		var more *grad.Value
		z, more = l.Apply(p, z, q.context(k))
		logdet = logdet.Add(more)
	}
	return z, logdet
}

// Sample is f(z0), (B, D); without noise in the pass f(mu).
func (q *IAF) Sample(p *nn.Pass) *grad.Value {
	if p.Noise == nil {
		return q.centre
	}
	z0 := q.Base.Sample(p)
	z, logdet := q.flow(p, z0)
	q.z, q.logq = z, q.Base.LogProb(p, z0).Sub(logdet)
	return z
}

// LogProb is ln q(z_i|x_i), (B, 1).
func (q *IAF) LogProb(p *nn.Pass, z *grad.Value) *grad.Value {
	if z == q.z {
		return q.logq
	}
	for k := len(q.Layers) - 1; k >= 0; k-- {
		z = q.Layers[k].Inverse(p, z, q.context(k))
	}
	_, logdet := q.flow(p, z)
	return q.Base.LogProb(p, z).Sub(logdet)
}

// Mean is f(mu).
func (q *IAF) Mean() *grad.Value { return q.centre }

// Parts are those of Base, f(mu), and the contexts.
func (q *IAF) Parts() []*grad.Value { return append(q.Base.Parts(), q.centre, q.Context) }

// With is the posterior of other parts with the same layers.
func (q *IAF) With(parts []*grad.Value) Posterior {
	base := q.Base.With(parts[:3]).(Gaussian)
	return &IAF{Base: base, Layers: q.Layers, Context: parts[4], centre: parts[3]}
}

// Density is that of example i.
func (q *IAF) Density(i int) Density {
	if q.dense == nil {
		for _, l := range q.Layers {
			q.dense = append(q.dense, l.triangles())
		}
	}
	return iaf{q.Base.Density(i), q.dense, float64s(q.Context.Row(i))}
}

// float64s is a copy.
func float64s(x []Float) []float64 {
	y := make([]float64, len(x))
	for j, v := range x {
		y[j] = float64(v)
	}
	return y
}

// triangles are M and S of a layer off the tape, in the order in which z is made: of an Upper layer both are reversed.
type triangles struct {
	m, s []float64
	D    int
	from int // the first column, and step the way to the next
	step int
}

func (l IAFLayer) triangles() triangles {
	t := triangles{m: float64s(l.M.Data), s: float64s(l.S.Data), D: l.D, step: 1}
	if l.Upper {
		t.from, t.step = l.D-1, -1
	}
	return t
}

// run calls f for each column j in order, with m_j and x_j, g_j = sigmoid(x_j), of the z before it.
func (t triangles) run(z, context []float64, f func(j int, m, x float64)) {
	for i, row := 0, 0; i < t.D; i, row = i+1, row+i {
		j := t.from + i*t.step
		m, x := context[j], context[t.D+j]+gateShift
		for k := range i {
			v := z[t.from+k*t.step]
			m += t.m[row+k] * v
			x += t.s[row+k] * v
		}
		f(j, m, max(x, leastGate))
	}
}

// An iaf is an IAF of one example.
type iaf struct {
	base    Density
	layers  []triangles
	context []float64 // (2D K)
}

// run is that of layer k.
func (q iaf) run(k int, z []float64, f func(j int, m, x float64)) {
	n := 2 * len(z)
	q.layers[k].run(z, q.context[k*n:(k+1)*n], f)
}

func (q iaf) LogProb(z []float64) float64 {
	z0, logdet := append([]float64(nil), z...), 0.0
	for k := len(q.layers) - 1; k >= 0; k-- {
		product := 1.0 // of 1/g, at most 21 each
		q.run(k, z0, func(j int, m, x float64) {
			inverse := 1 + math.Exp(-x)
			z0[j] = m + (z0[j]-m)*inverse
			if product *= inverse; product > 1e200 {
				logdet, product = logdet-math.Log(product), 1
			}
		})
		logdet -= math.Log(product)
	}
	return q.base.LogProb(z0) - logdet
}

func (q iaf) Draw(noise *rand.Rand, z []float64) {
	q.base.Draw(noise, z)
	next := make([]float64, len(z))
	for k := range q.layers {
		q.run(k, z, func(j int, m, x float64) { next[j] = m + (z[j]-m)/(1+math.Exp(-x)) })
		copy(z, next)
	}
}
