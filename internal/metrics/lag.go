package metrics

import (
	"fmt"
	"math"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: ValidRows, Need: NeedLag,
		Metrics: []Metric{
			{Name: "lag", Doc: "mean distance by which mu falls short of E[z] under p(z|x)"},
			{Name: "lag_most", Doc: "the largest lag so far"},
			{Name: "lag_distance", Doc: "root mean square of mu - E[z] under p(z|x)"},
			{Name: "lag_model_sd", Doc: "standard deviation over examples of E[z] under p(z|x)"},
			{Name: "lag_mu_sd", Doc: "standard deviation over examples of mu"},
			{Name: "lag_model", Doc: "E[z] under p(z|x) of each example", Vector: true, Size: LagExamples},
			{Name: "lag_mu", Doc: "mu of each example", Vector: true, Size: LagExamples},
		},
	})
}

// A Lag is where a model with one latent dimension has examples, and where its encoder puts them:
// a point each of the posterior mean space, in standard deviations of the prior.
//
// Both start near the origin, where the prior is. A model posterior that moves away while mu
// stays, points along the x axis, is inference lag. A mu that moves while the model posterior
// stays, points along the y axis, is none: that decoder has yet to read z.
//
// Source: He et al. 2019, "Lagging inference networks and posterior collapse in variational
// autoencoders" (arXiv 1901.05534), Figures 2 and 3.
type Lag struct {
	Model []float64 // (N) x: E[z] under p(z|x)
	Mu    []float64 // (N) y: E[z] under q(z|x), running statistics
}

// The grid that p(z|x) is laid on. He et al. have 400 points from -20 to 20 for every example; here are
// fewer, laid again where they turn out too coarse.
const (
	gridReach     = 10 // where the prior is e^-50 of its peak; what lies beyond is not seen
	gridPoints    = 81
	gridRounds    = 4
	gridNats      = 25   // points further below the largest weight do not count: e^-25 = 1e-11
	gridTolerance = 1e-4 // of the prior's standard deviation
)

// LagOf measures the examples of the batches. It panics unless the model has one latent dimension.
//
// The model posterior mean is a sum over a grid of z, with weights p(x|z) p(z) that are divided by
// their sum. The first grid goes from -10 to 10 in steps of 0.25. Where every second point would
// have given another mean, by more than 1e-4 for any example of the batch, or one point has half of
// all weight, the next one covers what counts of the last and no more, three times at most. So a mean is right to about 1e-4, and
// to rounding where the posterior is a Gaussian; 41 points instead of 81 were wrong by up to 2e-3
// on an LSTM with large weights. Peaks narrower than a fortieth of their distance are not resolved.
func LagOf(m *vae.Model, batches []*vae.Batch) (l Lag) {
	if m.D != 1 {
		panic(fmt.Sprintf("metrics: LagOf: %d latent dimensions, want 1", m.D))
	}
	tape := &grad.Tape{NoGrad: true}
	for _, x := range batches {
		for _, mu := range m.Posterior(&nn.Pass{Tape: tape}, x).Mean().Data {
			l.Mu = append(l.Mu, float64(mu))
		}
		tape.Reset()
		l.Model = append(l.Model, modelMeans(m, tape, x)...)
	}
	return l
}

// modelMeans is E[z] under p(z|x) for every example of a batch.
func modelMeans(m *vae.Model, tape *grad.Tape, x *vae.Batch) []float64 {
	grids := make([]zGrid, x.B())
	for i := range grids {
		grids[i] = zGrid{lo: -gridReach, hi: gridReach}
	}
	prior := m.Prior().Density(&nn.Pass{Tape: tape}, x)
	tape.Reset()
	place := func(i, k int, z []float64) { z[0] = grids[i].at(k) }
	see := func(i, k int, z []float64, logp float64) {
		grids[i].z[k], grids[i].logw[k] = z[0], logp+prior(i).LogProb(z)
	}
	for round := 1; ; round++ {
		explain(m, tape, x, gridPoints, place, see)
		fine := true
		for i := range grids {
			fine = fine && grids[i].fine()
		}
		if fine || round == gridRounds {
			break
		}
		for i := range grids {
			grids[i].closeIn()
		}
	}
	means := make([]float64, len(grids))
	for i := range grids {
		means[i] = grids[i].mean(1)
	}
	return means
}

// A zGrid is points of z in equal steps from lo to hi, with ln p(x|z) p(z) of one example.
type zGrid struct {
	lo, hi  float64
	z, logw [gridPoints]float64
}

func (g *zGrid) at(k int) float64 { return g.lo + (g.hi-g.lo)*float64(k)/(gridPoints-1) }

// top is the point that weighs most.
func (g *zGrid) top() (best int) {
	for k, w := range g.logw {
		if w > g.logw[best] {
			best = k
		}
	}
	return best
}

// fine tells whether half the points would have done. A peak between two points, of which one is
// so much nearer that it alone counts, gives the same mean with half of them, a wrong one: no point
// may have half of all weight.
func (g *zGrid) fine() bool {
	var total float64 // in weights of the largest
	most := g.logw[g.top()]
	for _, w := range g.logw {
		total += math.Exp(w - most)
	}
	return total > 2 && math.Abs(g.mean(1)-g.mean(2)) <= gridTolerance
}

// closeIn moves the ends to the outermost points that count, and a step further.
func (g *zGrid) closeIn() {
	least := g.logw[g.top()] - gridNats
	first, last := 0, gridPoints-1
	for first < last && g.logw[first] < least {
		first++
	}
	for last > first && g.logw[last] < least {
		last--
	}
	g.lo, g.hi = g.at(max(0, first-1)), g.at(min(gridPoints-1, last+1))
}

// mean is the weighted mean of every so many points.
func (g *zGrid) mean(every int) float64 {
	most := g.logw[g.top()]
	var sum, total float64
	for k := 0; k < gridPoints; k += every {
		p := math.Exp(g.logw[k] - most)
		sum += p * g.z[k]
		total += p
	}
	return sum / total
}

// Behind is the inference lag: the mean over examples of how much of the way from the prior's mean,
// 0, to the model posterior's the encoder has not gone,
//
//	|x_i| - min(max(s_i y_i, 0), |x_i|),   s_i = sign x_i
//
// It is E|x| if the encoder has not moved, or has moved to the other side, and 0 if it is there or
// beyond. So it is small in three cases that Spread tells apart: nothing has moved yet, all has
// collapsed, or the encoder follows.
func (l Lag) Behind() float64 {
	var sum float64
	for i, x := range l.Model {
		way := math.Abs(x)
		sum += way - min(max(math.Copysign(1, x)*l.Mu[i], 0), way)
	}
	return sum / float64(len(l.Model))
}

// Distance is the root of the mean of (y - x)²: how far the points are from the diagonal, on
// either side.
func (l Lag) Distance() float64 {
	var sum float64
	for i, x := range l.Model {
		sum += (l.Mu[i] - x) * (l.Mu[i] - x)
	}
	return math.Sqrt(sum / float64(len(l.Model)))
}

// Spread is the standard deviation over examples along either axis: how far the model's
// posteriors are apart, and the encoder's.
func (l Lag) Spread() (model, mu float64) { return deviation(l.Model), deviation(l.Mu) }

// deviation is a standard deviation, dividing by N.
func deviation(x []float64) float64 {
	var mean, squares float64
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(x)))
}

// LagExamples is how many examples of the validation split the inference lag is measured on: enough points for a figure.
const LagExamples = 200

// NeedLag is what the inference lag needs.
var NeedLag = &Need{"one latent dimension and train.lag_every above 0", func(f Facts) bool { return f.Lag && f.D == 1 }}
