package metrics

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

func init() {
	g := Group{
		Splits: Tests, Need: needProbe,
		Measure: func(s *Split, r Row) {
			if math.IsNaN(s.NELBO()) {
				return
			}
			for n, accuracy := range s.Learn().ProbeCurve(s.Labelled()) {
				r.Values["probe_"+strconv.Itoa(n)] = accuracy
			}
			r.Values["probe_chance"] = s.Labelled().Chance()
		},
		Metrics: []Metric{{Name: "probe_chance", Doc: "share of the most frequent label: the accuracy of a constant guess"}},
	}
	for _, n := range ProbeSizes {
		g.Metrics = append(g.Metrics, Metric{Name: "probe_" + strconv.Itoa(n), Doc: fmt.Sprintf("accuracy of a linear probe of mu trained on %d labels", n)})
	}
	Register(g)
}

// ProbeSizes are the numbers of labelled examples that probes learn from.
var ProbeSizes = [...]int{100, 500, 1000, 2000, 10000}

// Labelled are posterior means with their classes: X is (N, D), row-major, Y counts from 0.
type Labelled struct {
	D int
	X []float64
	Y []int
}

// Means appends the posterior means of batches, under running statistics, to the labelled
// examples.
func (l *Labelled) Means(m *vae.Model, batches []*vae.Batch) {
	l.D = m.D
	tape := &grad.Tape{NoGrad: true}
	for _, x := range batches {
		for _, mu := range m.Posterior(&nn.Pass{Tape: tape}, x).Mean().Data {
			l.X = append(l.X, float64(mu))
		}
		l.Y = append(l.Y, x.Labels...)
		tape.Reset()
	}
}

// Labelled are the split's posterior means with their labels.
func (e *Encoded) Labelled() Labelled { return Labelled{e.D, e.Mu, e.Labels} }

// first are the first n examples.
func (l Labelled) first(n int) Labelled { return Labelled{l.D, l.X[:n*l.D], l.Y[:n]} }

// Probe is the share of test's labels that a linear classifier of mu finds, trained on the
// labels of l. It is multinomial logistic regression on mu, each dimension standardised over l,
// with a ridge that makes it unique:
//
//	min over W, b of   sum_i -ln softmax(W x_i + b)_{y_i} + |W|²/2
//
// Standardising makes the result independent of the scale of mu, which methods fix differently.
// A class that l lacks is never guessed. It is deterministic.
//
// Source: the linear probe on the posterior mean of Zhu et al. 2020, table 3 (arXiv 2004.12585),
// who train by gradient steps and with neither standardisation nor ridge.
func (l Labelled) Probe(test Labelled) float64 {
	p := newProbe(l)
	weights := p.fit()
	right, logits := 0, make([]float64, p.classes)
	for i, y := range test.Y {
		p.logits(weights, test.X[i*l.D:(i+1)*l.D], logits)
		best := 0
		for c, v := range logits {
			if v > logits[best] {
				best = c
			}
		}
		if best == y {
			right++
		}
	}
	return float64(right) / float64(len(test.Y))
}

// ProbeCurve is Probe for the first n examples of l, for each n of ProbeSizes that l has.
func (l Labelled) ProbeCurve(test Labelled) map[int]float64 {
	curve := map[int]float64{}
	for _, n := range ProbeSizes {
		if n <= len(l.Y) {
			curve[n] = l.first(n).Probe(test)
		}
	}
	return curve
}

// Chance is the share of the most frequent label: what the best guess finds that knows nothing of x.
func (l Labelled) Chance() float64 {
	counts, most := map[int]int{}, 0
	for _, y := range l.Y {
		counts[y]++
		most = max(most, counts[y])
	}
	return float64(most) / float64(len(l.Y))
}

// A probe is a classifier in training. Its weights are (classes, D+1): W and, last, b.
type probe struct {
	Labelled
	classes     int
	mean, scale []float64 // of each dimension, over the examples
}

func newProbe(l Labelled) *probe {
	p := &probe{Labelled: l, mean: make([]float64, l.D), scale: make([]float64, l.D)}
	for _, y := range l.Y {
		p.classes = max(p.classes, y+1)
	}
	n := float64(len(l.Y))
	for i, v := range l.X {
		p.mean[i%l.D] += v / n
	}
	for i, v := range l.X {
		d := v - p.mean[i%l.D]
		p.scale[i%l.D] += d * d / n
	}
	for j, variance := range p.scale {
		if p.scale[j] = 0; variance > 0 { // a constant says nothing
			p.scale[j] = 1 / math.Sqrt(variance)
		}
	}
	return p
}

// logits sets out to W x + b.
func (p *probe) logits(weights, x, out []float64) {
	for c := range out {
		w := weights[c*(p.D+1) : (c+1)*(p.D+1)]
		out[c] = w[p.D]
		for j, v := range x {
			out[c] += w[j] * (v - p.mean[j]) * p.scale[j]
		}
	}
}

// gradient is that of what is minimised, divided by the number of examples.
func (p *probe) gradient(weights, out []float64) {
	n := float64(len(p.Y))
	for k, w := range weights {
		out[k] = w / n
		if k%(p.D+1) == p.D {
			out[k] = 0 // b is free
		}
	}
	q := make([]float64, p.classes)
	for i, y := range p.Y {
		x := p.X[i*p.D : (i+1)*p.D]
		p.logits(weights, x, q)
		lse := logSumExp(q)
		for c, l := range q {
			d := math.Exp(l-lse) / n
			if c == y {
				d -= 1 / n
			}
			g := out[c*(p.D+1) : (c+1)*(p.D+1)]
			for j, v := range x {
				g[j] += d * (v - p.mean[j]) * p.scale[j]
			}
			g[p.D] += d
		}
	}
}

// curvature is an upper bound, the same for every class, of the Hessian of what is minimised,
// divided by the number of examples: (X'X/2 + ridge)/n, (D+1, D+1), whatever the weights.
//
// Source: Böhning 1992, "Multinomial logistic regression algorithm", section 2.
func (p *probe) curvature() *mat.Cholesky {
	n, x := float64(len(p.Y)), make([]float64, p.D+1)
	bound := mat.NewSymDense(p.D+1, nil)
	for i := range p.Y {
		for j, v := range p.X[i*p.D : (i+1)*p.D] {
			x[j] = (v - p.mean[j]) * p.scale[j]
		}
		x[p.D] = 1
		bound.SymRankOne(bound, 0.5/n, mat.NewVecDense(p.D+1, x))
	}
	for j := range p.D {
		bound.SetSym(j, j, bound.At(j, j)+1/n)
	}
	var c mat.Cholesky
	c.Factorize(bound)
	return &c
}

const (
	probeSteps    = 300
	probeGradient = 1e-5 // the largest element of the gradient at which fit ends
)

// fit returns the weights at the minimum. It goes down along the gradient, divided by the
// curvature, from a point ahead of the last one, and starts anew where that went uphill.
//
// Source: Nesterov 1983; restarts as O'Donoghue & Candès 2015, "Adaptive restart for
// accelerated gradient schemes", section 3.2.
func (p *probe) fit() []float64 {
	size := p.classes * (p.D + 1)
	w, ahead, gradient := make([]float64, size), make([]float64, size), make([]float64, size)
	curvature, t := p.curvature(), 1.
	var step mat.Dense // (D+1, classes)
	for range probeSteps {
		p.gradient(ahead, gradient)
		if mat.Norm(mat.NewVecDense(size, gradient), math.Inf(1)) < probeGradient {
			break
		}
		curvature.SolveTo(&step, mat.NewDense(p.classes, p.D+1, gradient).T()) // it has no error: the bound is positive definite
		next, uphill := (1+math.Sqrt(1+4*t*t))/2, 0.
		for k, from := range w {
			w[k] = ahead[k] - step.At(k%(p.D+1), k/(p.D+1))
			uphill += gradient[k] * (w[k] - from)
			ahead[k] = w[k] + (t-1)/next*(w[k]-from)
		}
		if t = next; uphill > 0 {
			t = 1
			copy(ahead, w)
		}
	}
	return ahead
}

var needProbe = &Need{"train.probe and as many labels", func(f Facts) bool { return f.Probe }}
