package metrics

import (
	"math"

	"vaelab/internal/tensor"
)

// A mixture is the aggregate posterior of a split, q(z) = (1/N) sum_k q(z|x_k), made ready to
// be evaluated at many z. With z and mu centred on the mean of mu,
//
//	-2 ln q(z|x_k) = sum_j [ z_j²/sigma_kj² - 2 z_j mu_kj/sigma_kj² ] + sum_j [ mu_kj²/sigma_kj² + ln sigma_kj² ]
//
// (constants that do not depend on k left out) is a product of two matrices, (M, 2D+1) times
// (2D+1, N). The terms of a narrow posterior are large and cancel, which costs more digits
// than Float has: such a component is sharp, its product only tells whether it can matter,
// and if so it is summed in float64 without expanding the square. So the largest error stays
// near a thousandth of a nat for one z, whatever sigma, and most of it is random.
type mixture struct {
	N, D     int
	mu, inv  []float64 // (N, D) mean, 1/sigma²
	norm     []float64 // (N) sum_j ln sigma²
	centre   []float64 // (D)
	order    []int     // component of each column of the product, the sharp ones last
	column   []int     // column of each component
	plain    int       // columns of components that are not sharp
	slack    []Float   // (N - plain) how wrong the product may be, in nats
	expanded tensor.Panel
}

const (
	// rounding is what a product of 2D+1 terms of sum S may lose, as a share of S: 16 times the
	// unit roundoff, twice the random walk of D = 32.
	rounding = 32. / (1 << 25)
	// plainSum is the largest S that is still no more than a thousandth of a nat wrong.
	plainSum = 1e-3 / rounding
	// matters is how far below the largest a component still counts; e^-40 times a million is 4e-12.
	matters = 40
)

// mixture makes the aggregate posterior ready for z no further from its centre, in each
// dimension, than those that are given, (M, D).
func (e *Encoded) mixture(z []float64) *mixture {
	N, D := e.N, e.D
	m := &mixture{
		N: N, D: D, mu: e.Mu, inv: make([]float64, N*D), norm: make([]float64, N),
		centre: make([]float64, D), column: make([]int, N),
	}
	for i, lv := range e.Logvar {
		m.inv[i] = math.Exp(-lv)
		m.norm[i/D] += lv
		m.centre[i%D] += e.Mu[i] / float64(N)
	}
	reach := make([]float64, D) // the largest |z_j - centre_j|
	for i, v := range z {
		reach[i%D] = max(reach[i%D], math.Abs(v-m.centre[i%D]))
	}
	var sharp []int
	var slack []float64
	for k := range N {
		if s := m.terms(k, reach); s <= plainSum { // NaN is sharp
			m.order = append(m.order, k)
		} else {
			sharp, slack = append(sharp, k), append(slack, s*rounding)
		}
	}
	m.plain = len(m.order)
	m.order = append(m.order, sharp...)
	for c, k := range m.order {
		m.column[k] = c
	}
	m.slack = make([]Float, len(slack))
	for c, s := range slack {
		if m.slack[c] = Float(math.Inf(1)); s < 1e30 { // within the range of Float
			m.slack[c] = Float(s)
		}
	}
	m.expanded = m.expand()
	return m
}

// terms is the sum of the magnitudes of what the product adds up for component k, halved.
func (m *mixture) terms(k int, reach []float64) float64 {
	first, s := 0., 0.
	for j, r := range reach {
		w, mu := m.inv[k*m.D+j], m.mu[k*m.D+j]-m.centre[j]
		s += w * (r*r/2 + r*math.Abs(mu))
		first += w * mu * mu
	}
	return s + math.Abs(first+m.norm[k])/2
}

// expand is the right-hand side of the product, (2D+1, N).
func (m *mixture) expand() tensor.Panel {
	right := tensor.New(m.N, 2*m.D+1)
	for c, k := range m.order {
		if c >= m.plain && math.IsInf(float64(m.slack[c-m.plain]), 1) {
			continue // zeros: its product says nothing
		}
		row, constant := right.Row(c), m.norm[k]
		for j, centre := range m.centre {
			w, mu := m.inv[k*m.D+j], m.mu[k*m.D+j]-centre
			row[2*j], row[2*j+1] = Float(-w/2), Float(w*mu)
			constant += w * mu * mu
		}
		row[2*m.D] = Float(-constant / 2)
	}
	return tensor.Prepare(func(n int) []Float { return make([]Float, n) }, tensor.T, right)
}

// logDensity is ln q(z_i), and where i is an example too ln q(z_i|x_i), for rows z_i, (M, D);
// both without the constant -D/2 ln 2 pi. It is the same on any number of processors.
func (m *mixture) logDensity(z []float64) (mix, own []float64) {
	w := &density{mixture: m, z: z, mix: make([]float64, len(z)/m.D), own: make([]float64, len(z)/m.D)}
	tensor.Split(w, len(w.mix), densityRows)
	return w.mix, w.own
}

// densityRows is how many z are multiplied at a time.
const densityRows = 32

// A density is the evaluation of a mixture at M rows of z, which do not depend on each other.
type density struct {
	*mixture
	z, mix, own []float64
}

// Part evaluates rows first ... last-1.
func (w *density) Part(first, last int) {
	left, product := tensor.New(densityRows, 2*w.D+1), tensor.New(densityRows, w.N)
	for from := first; from < last; from += densityRows {
		n := min(densityRows, last-from)
		for i := range n {
			row := left.Row(i)
			for j, centre := range w.centre {
				v := w.z[(from+i)*w.D+j] - centre
				row[2*j], row[2*j+1] = Float(v*v), Float(v)
			}
			row[2*w.D] = 1
		}
		w.expanded.GemmAlone(left.RowRange(0, n), 0, product.RowRange(0, n))
		for i := range n {
			w.sum(from+i, product.Row(i))
		}
	}
}

// sum makes the densities of z_i of its row of the product, (N).
func (w *density) sum(i int, row []Float) {
	z, plain, sharp := w.z[i*w.D:(i+1)*w.D], row[:w.plain], row[w.plain:]
	w.own[i] = math.Inf(-1)
	if i < w.N {
		if c := w.column[i]; c < w.plain {
			w.own[i] = float64(row[c]) // so that its error cancels where posteriors agree
		} else {
			w.own[i] = w.exactly(z, i)
		}
	}
	top, total := w.own[i], 0. // the sum so far is e^top total
	if len(plain) > 0 {
		_, lse := tensor.ExpLSE(plain)
		top = max(top, float64(lse))
		total = math.Exp(float64(lse) - top)
	}
	for c, v := range sharp {
		if v+w.slack[c] < Float(top)-matters {
			continue
		}
		l := w.exactly(z, w.order[w.plain+c])
		if l > top {
			total, top = total*math.Exp(top-l)+1, l
		} else {
			total += math.Exp(l - top)
		}
	}
	w.mix[i] = top + math.Log(total/float64(w.N))
}

// exactly is ln q(z|x_k) without its constant.
func (m *mixture) exactly(z []float64, k int) float64 {
	s := m.norm[k]
	mu, w := m.mu[k*m.D:(k+1)*m.D], m.inv[k*m.D:(k+1)*m.D]
	for j, v := range z {
		d := v - mu[j]
		s += d * d * w[j]
	}
	return -0.5 * s
}
