package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/vae"
)

// gaussians are N posteriors of D dimensions with mu ~ N(0, s²) and sigma constant, so that
// q(z_j) = N(0, s² + sigma²).
func gaussians(N, D int, s, sigma float64, seed uint64) *Encoded {
	rng := newRand(seed)
	e := encoded(normals(N, D, s, rng), sigma, rng)
	e.Sizes = []int{N}
	return e
}

// gaussianKL is KL(N(mean, a) || N(0, b)), a and b variances.
func gaussianKL(mean, a, b float64) float64 { return 0.5 * (a/b + mean*mean/b - 1 - math.Log(a/b)) }

// TestMarginalKL: of Gaussian posteriors in closed form, and KL = MI + marginal KL.
func TestMarginalKL(t *testing.T) {
	const s, sigma, D = 0.8, 0.5, 2
	e := gaussians(4000, D, s, sigma, 31)
	values, _ := every(e, 0)
	near(t, "marginal KL", values["marginal_kl"], D*gaussianKL(0, s*s+sigma*sigma, 1), 5*values["mi_se"])
	near(t, "KL", values["mi"]+values["marginal_kl"], values["kl"], 1e-12)
	same := gaussians(500, 3, 0, 0.5, 32) // all posteriors one: the KL is all marginal
	if mi, _ := same.MI(); math.Abs(mi) > tolerance {
		t.Errorf("MI %v", mi)
	}
}

// TestBatchMI: the mean over batches of a double loop with the exact entropy, its cap, and what it
// is for a split of one batch. By length a batch has examples of its length only.
func TestBatchMI(t *testing.T) {
	e := gaussians(60, 3, 1, 0.4, 33)
	e.Sizes = []int{32, 1, 27}
	for i := range e.N {
		e.Lengths = append(e.Lengths, 5+(i+59)/60) // 5, then 6 throughout: the middle batch is not of one length
	}
	var want, limit float64
	drawn := e.drawn(vae.Mixed, 1)
	if slices.IsSorted(slices.Concat(drawn...)) {
		t.Error("the batches are not drawn")
	}
	for b, B := range e.Sizes {
		part := e.pick(drawn[b])
		mix, _ := mixtureByDefinition(part, part.Z)
		for i := range B {
			entropy := 0.0 // of q(z|x_i) without D/2 ln 2 pi
			for _, lv := range part.Logvar[i*3 : i*3+3] {
				entropy += 0.5 * (1 + lv)
			}
			want += (-entropy - mix[i]) / 60
		}
		limit += float64(B) * math.Log(float64(B)) / 60
	}
	got, ceiling := e.BatchMI(vae.Mixed, 1)
	near(t, "MI in batches", got, want, 1e-4)
	near(t, "its cap", ceiling, limit, 1e-12)
	for i := range e.N {
		e.Lengths[i] = 5
		if i >= 33 {
			e.Lengths[i] = 9
		}
		e.Mu[3*i] += 100 * float64(e.Lengths[i]) // which of the two lengths is then known for sure
		e.Z[3*i] += 100 * float64(e.Lengths[i])
	}
	apart, _ := e.BatchMI(vae.ByLength, 1)
	together, _ := e.BatchMI(vae.Mixed, 1)
	if !(together > apart+0.3) { // ln 2 at most, less the batch of one
		t.Errorf("batches of one length tell %v nats, mixed ones %v", apart, together)
	}
	e.Sizes = []int{30, 30} // near lengths: 30 of the 33 with 5, then the other 3 and the 27 with 9
	for b, rows := range e.drawn(vae.Near, 1) {
		short := 0
		for _, i := range rows {
			if e.Lengths[i] == 5 {
				short++
			}
		}
		if want := []int{30, 3}[b]; short != want || slices.IsSorted(rows) {
			t.Errorf("batch %d of near lengths has %d short ones, want %d, and its rows are %v", b, short, want, rows)
		}
	}
	wide := gaussians(3000, 2, 0.6, 0.8, 34) // one batch of all: another estimate of the MI of the split
	mi, se := wide.MI()
	batch, _ := wide.BatchMI(vae.Mixed, 1)
	near(t, "MI in one batch", batch, mi, 4*math.Hypot(se, math.Sqrt(2./2/3000))) // its entropy term has a variance of D/2
}

// TestMIDim: of Gaussian posteriors ln(1 + s²/sigma²)/2 in each dimension, estimated and bounded,
// and nothing where mu is constant.
func TestMIDim(t *testing.T) {
	const N = 4000
	rng := newRand(35)
	scale := []float64{1, 0.5, 0}
	e := made(N, 3, rng, func(_, j int) float64 { return scale[j] * rng.NormFloat64() }, func(int, int) float64 { return math.Log(0.7) })
	estimate, bound := e.MIDim(1), e.MIDimBound()
	for j, s := range scale {
		want := 0.5 * math.Log1p(s*s/0.49)
		near(t, "MI of a dimension", estimate[j], want, 0.1) // 500 z
		near(t, "its bound", bound[j], want, 0.03)
	}
	near(t, "MI of a constant", estimate[2], 0, tolerance)
	// A mu of two values has less MI than the Gaussian of its variance, at most ln 2.
	two := made(N, 1, rng, func(i, _ int) float64 { return float64(2*(i%2) - 1) }, func(int, int) float64 { return math.Log(0.1) })
	near(t, "MI of a coin", two.MIDim(1)[0], math.Ln2, 1e-3)
	if got := two.MIDimBound()[0]; got < 1.5*math.Ln2 {
		t.Errorf("bound %v", got)
	}
	if got := gaussians(3, 2, 1, 0.5, 36).MIDim(1); len(got) != 2 || got[0] > math.Log(3)+tolerance {
		t.Errorf("three examples: %v", got)
	}
}

// TestMIDimByDefinition: every posterior with its own sigma, against a double loop.
func TestMIDimByDefinition(t *testing.T) {
	rng := newRand(37)
	e := made(80, 2, rng, func(int, int) float64 { return rng.NormFloat64() }, func(int, int) float64 { return -3 * rng.Float64() })
	for j, got := range e.MIDim(1) {
		var want float64
		for i := range e.N {
			var mix, own float64
			for k := range e.N {
				p := math.Exp(logNormal(e.Z[i*2+j], e.Mu[k*2+j], e.Var[k*2+j]))
				mix += p / 80
				if k == i {
					own = p
				}
			}
			want += math.Log(own/mix) / 80
		}
		near(t, "MI of a dimension", got, want, 1e-4)
	}
}

// TestMomentDeficit: zero for the prior's moments, the KL of the Gaussian otherwise, and never
// above the true marginal KL.
func TestMomentDeficit(t *testing.T) {
	at := func(mu []float64, variance float64) *Encoded { // one dimension
		e := &Encoded{N: len(mu), D: 1, Mu: mu}
		for range mu {
			e.Var = append(e.Var, variance)
		}
		return e
	}
	for _, c := range []struct {
		e    *Encoded
		want float64
	}{
		{at([]float64{-0.6, 0.6}, 0.64), 0},
		{at([]float64{1, 1}, 1), gaussianKL(1, 1, 1)},
		{at([]float64{-2, 2}, 1), gaussianKL(0, 5, 1)},
		{at([]float64{0, 1}, 0.5), gaussianKL(0.5, 0.75, 1)},
	} {
		got, m := c.e.MomentDeficit()
		near(t, "moment deficit", got, c.want, 1e-12)
		mu2, sigma2 := c.e.SecondMoments()
		near(t, "second moment", m[0], mu2+sigma2, 1e-12)
	}
	// Two heaps with the prior's moments: no deficit, though far from the prior.
	rng := newRand(38)
	heaps := made(2000, 1, rng, func(i, _ int) float64 { return 0.995 * float64(2*(i%2)-1) }, func(int, int) float64 { return math.Log(0.1) })
	kl, _ := heaps.KL()
	mi, _ := heaps.MI()
	deficit, _ := heaps.MomentDeficit()
	if marginal := MarginalKL(kl, mi); math.Abs(deficit) > 1e-3 || marginal < 1 {
		t.Errorf("deficit %v, marginal KL %v", deficit, marginal)
	}
}

// TestCollapseCurve: three dimensions, one of which has a KL of 0.03 in all but one example of 100,
// which delta forgives, and one in all but two, which it does not.
func TestCollapseCurve(t *testing.T) {
	e := &Encoded{N: 100, D: 3}
	for i := range e.N {
		far := []float64{0, 0, 0}
		if i == 7 || i == 8 {
			far[2] = 3
		}
		if i == 7 {
			far[1] = 3
		}
		for _, mu := range far { // mu²/2 = 0.03
			e.Mu = append(e.Mu, math.Sqrt(0.06)+mu)
			e.Var = append(e.Var, 1)
			e.Logvar = append(e.Logvar, 0)
		}
	}
	for s, got := range e.CollapseCurve() {
		want := 0.0
		if record.CollapseEps[s] > 0.03 {
			want = 2. / 3
		}
		near(t, "share collapsed", got, want, 1e-12)
	}
	if !slices.IsSorted(record.CollapseEps[:]) {
		t.Error("the grid is not in order")
	}
}

// TestSigmaSigns: of a Gaussian sigma, whose ln sigma² is ln E[sigma²] - 1.2704 in the mean.
func TestSigmaSigns(t *testing.T) {
	rng := newRand(39)
	const n = 100_000
	e := &Encoded{}
	for range n {
		s := 0.5 * rng.NormFloat64()
		e.Sigma, e.Logvar = append(e.Sigma, s), append(e.Logvar, math.Log(s*s))
	}
	small, negative, logvar := e.SigmaSigns()
	near(t, "share near zero", small, math.Erf(0.1/math.Sqrt2), 4*math.Sqrt(0.08*0.92/n))
	near(t, "share negative", negative, 0.5, 4*0.5/math.Sqrt(n))
	near(t, "mean of ln sigma²", logvar, math.Log(0.25)-1.2704, 4*2.3/math.Sqrt(n))
}

// TestDensityGap: KL(N(0, I) || N(0, v I)) in closed form, joint and of each marginal; nothing
// for the prior itself; a hole for two heaps.
func TestDensityGap(t *testing.T) {
	const s, sigma, D = 0.6, 0.5, 2
	v := s*s + sigma*sigma
	g := gaussians(4000, D, s, sigma, 41).DensityGap(1)
	near(t, "joint gap", g.Joint, D*gaussianKL(0, 1, v), 4*g.SE)
	if g.SE <= 0 || g.SE > 0.1 {
		t.Errorf("standard error %v", g.SE)
	}
	for _, nats := range g.Dims {
		near(t, "marginal gap", nats, gaussianKL(0, 1, v), 0.1) // 500 z
	}
	prior := gaussians(300, 3, 0, 1, 42).DensityGap(1)
	near(t, "gap of the prior", prior.Joint, 0, tolerance)
	if prior.Close != 3 {
		t.Errorf("%v dimensions are the prior's, want 3", prior.Close)
	}
	rng := newRand(43)
	heaps := made(400, 2, rng, func(i, j int) float64 { return float64((2*(i%2) - 1) * (1 - j)) }, func(_, j int) float64 { return math.Log(0.1) * float64(1-j) })
	if g := heaps.DensityGap(1); g.Dims[0] < 5 || math.Abs(g.Dims[1]) > 1e-5 || g.Close != 1 || g.Joint < 5 {
		t.Errorf("two heaps: %+v", g)
	}
}

// TestRecovery: four modes far apart are all recovered, noise is at chance.
func TestRecovery(t *testing.T) {
	rng := newRand(44)
	modes := make([]int, 4000) // in no order, so that neighbours tell nothing
	for i := range modes {
		modes[i] = rng.IntN(4)
	}
	split := func(distance float64) *Encoded {
		e := made(4000, 2, rng, func(i, j int) float64 { return distance*float64(modes[i]>>j&1) + rng.NormFloat64() }, func(int, int) float64 { return 0 })
		e.Labels = modes
		return e
	}
	near(t, "modes far apart", split(20).Recovery(1), 1, 0)
	near(t, "noise", split(0).Recovery(1), 0.25, 4*math.Sqrt(0.25*0.75/2000))
	// Two Gaussians a distance of 4 apart in each dimension: Phi(2)².
	phi := 0.5 * (1 + math.Erf(2/math.Sqrt2))
	near(t, "modes 4 apart", split(4).Recovery(1), phi*phi, 0.02)
	if got := gaussians(10, 2, 1, 1, 1).Recovery(1); !math.IsNaN(got) {
		t.Errorf("without labels: %v", got)
	}
}

// TestTrueNLL: a linear Gaussian model in closed form, and a mixture of two by a fine grid.
func TestTrueNLL(t *testing.T) {
	rng := newRand(45)
	x := []float64{1.3, -0.4, 2.2}
	w := [][]float64{{1, 0.5}, {-0.3, 2}, {0.7, 0.7}}
	joint := func(z []float64) float64 {
		sum := logNormal(z[0], 0, 1) + logNormal(z[1], 0, 1)
		for p, v := range x {
			sum += logNormal(v, w[p][0]*z[0]+w[p][1]*z[1], 0.1)
		}
		return sum
	}
	bent := func(z []float64) float64 { // a prior of two heaps, one of which x is nearer to
		heap := math.Log(0.5*math.Exp(logNormal(z[0], -2, 1)) + 0.5*math.Exp(logNormal(z[0], 2, 1)))
		return heap + logNormal(z[1], math.Sin(z[0]), 0.3) + logNormal(1.5, z[0], 0.2)
	}
	for name, f := range map[string]func(z []float64) float64{"linear": joint, "bent": bent} {
		want := -gridIntegral(f)
		var mean float64
		for s := range uint64(20) {
			got := TrueNLL(each(f), []float64{0.8, 0.3}, rand.New(rand.NewPCG(s, 2)))
			near(t, name, got, want, 0.4)
			mean += got / 20
		}
		near(t, name+", mean", mean, want, 0.06)
	}
	near(t, "the linear model by its posterior", TrueNLL(each(joint), []float64{0, 0}, rng), -gridIntegral(joint), 0.4)
}

// each is f of many z.
func each(f func(z []float64) float64) func(z [][]float64) []float64 {
	return func(z [][]float64) (values []float64) {
		for _, row := range z {
			values = append(values, f(row))
		}
		return values
	}
}

// gridIntegral is ln of the integral of e^f over a fine grid of two dimensions.
func gridIntegral(f func(z []float64) float64) float64 {
	const step = 0.02
	var logs []float64
	for a := -5.0; a < 5; a += step {
		for b := -5.0; b < 5; b += step {
			logs = append(logs, f([]float64{a, b})+2*math.Log(step))
		}
	}
	return logSumExp(logs)
}

// TestKLQuantiles: by hand; constant for equal posteriors; and where mu has two dimensions of
// N(0, s²), KL_i - c is s²/2 times a chi-square of two degrees, whose quantile at p is -2 ln(1-p).
func TestKLQuantiles(t *testing.T) {
	hand := &Encoded{N: 3, D: 2, Mu: []float64{2, 0, 0, 0, 1, 3}, Var: []float64{1, 1, 1, 1, 1, 1}, Logvar: make([]float64, 6)} // 2, 0, 5
	nats, sd := hand.KLQuantiles()
	if len(nats) != KLLevels+1 {
		t.Fatalf("%d quantiles", len(nats))
	}
	for level, want := range map[int]float64{0: 0, 10: 1, 20: 2, 30: 3.5, 40: 5} {
		near(t, "quantile", nats[level], want, 1e-12)
	}
	mean, _ := hand.KL()
	near(t, "standard deviation", sd*sd, (4+0+25)/3.-mean*mean, 1e-12)

	same, spread := gaussians(50, 3, 0, 0.5, 71).KLQuantiles()
	if same[0] != same[KLLevels] || spread > 1e-12 {
		t.Errorf("equal posteriors: from %v to %v, standard deviation %v", same[0], same[KLLevels], spread)
	}
	const s, sigma, N = 0.8, 0.5, 40_000
	nats, sd = gaussians(N, 2, s, sigma, 72).KLQuantiles()
	constant := sigma*sigma - 1 - 2*math.Log(sigma)
	for k := 1; k < KLLevels; k++ {
		p := float64(k) / KLLevels
		se := s * s * math.Sqrt(p*(1-p)/N) / (1 - p) // sqrt(p(1-p)/N) over the density
		near(t, "quantile", nats[k], constant-s*s*math.Log(1-p), 4.5*se)
	}
	near(t, "standard deviation", sd, s*s, 0.03)
}

// TestAggregateGrid: the prior's own probabilities if q(z|x) is the prior for every x; for two narrow
// heaps half in the cell of each, where they are; of Gaussians it adds up to what lies in the square.
func TestAggregateGrid(t *testing.T) {
	const width = 2 * record.AggregateReach / AggregateCells
	within := func(from, to, sd float64) float64 {
		return (math.Erf(to/sd/math.Sqrt2) - math.Erf(from/sd/math.Sqrt2)) / 2
	}
	edge := func(c int) float64 { return -record.AggregateReach + width*float64(c) }
	sum := func(grid []float64) (s float64) {
		for _, p := range grid {
			s += p
		}
		return s
	}
	prior := gaussians(7, 3, 0, 1, 73).AggregateGrid(2, 0)
	for k, p := range prior {
		r, c := k/AggregateCells, k%AggregateCells
		near(t, "the prior's cell", p, within(edge(r), edge(r+1), 1)*within(edge(c), edge(c+1), 1), 5.1e-7)
	}
	near(t, "the prior's sum", sum(prior), 1, 3e-4) // 1.3e-4 lie outside, each cell is rounded

	rng := newRand(74)
	centre := [2][2]float64{{-2.1, 3.1}, {1.1, -0.9}} // z_1 and z_0 of the two heaps
	heaps := made(10, 2, rng, func(i, j int) float64 { return centre[i%2][1-j] }, func(int, int) float64 { return math.Log(1e-3) })
	for k, p := range heaps.AggregateGrid(1, 0) {
		x, y := edge(k%AggregateCells)+width/2, edge(k/AggregateCells)+width/2
		want := 0.
		for _, c := range centre {
			if math.Abs(c[0]-x) < width/2 && math.Abs(c[1]-y) < width/2 {
				want = 0.5
			}
		}
		near(t, "a cell of two heaps", p, want, 1e-6)
	}
	// By definition, with a sigma of its own for each example and dimension.
	e := made(20, 2, rng, func(int, int) float64 { return 2 * rng.NormFloat64() }, func(int, int) float64 { return -2 * rng.Float64() })
	grid := e.AggregateGrid(0, 1)
	for k := range grid {
		r, c := k/AggregateCells, k%AggregateCells
		var want float64
		for i := range e.N {
			mu, sigma := e.Mu[2*i:2*i+2], e.Sigma[2*i:2*i+2]
			want += within(edge(c)-mu[0], edge(c+1)-mu[0], sigma[0]) * within(edge(r)-mu[1], edge(r+1)-mu[1], sigma[1]) / 20
		}
		near(t, "a cell", grid[k], want, 6e-7)
	}
	if got := sum((&Encoded{N: 1, D: 2, Mu: []float64{0, 0}, Var: []float64{0, 0}}).AggregateGrid(0, 1)); math.Abs(got-1) > 1e-6 {
		t.Errorf("a point on the corner of four cells adds up to %v", got)
	}
}

// TestTwoLargest: in order, the first of equal ones, and no NaN while there are numbers.
func TestTwoLargest(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		v    []float64
		a, b int
	}{
		{[]float64{1, 2}, 1, 0}, {[]float64{2, 1, 3}, 2, 0}, {[]float64{5, 1, 3}, 0, 2}, {[]float64{1, 1, 1}, 0, 1},
		{[]float64{nan, 1, 2}, 2, 1}, {[]float64{1, nan, 0, 2}, 3, 0}, {[]float64{nan, nan}, 0, 1},
	} {
		if a, b := twoLargest(c.v); a != c.a || b != c.b {
			t.Errorf("%v: %d and %d, want %d and %d", c.v, a, b, c.a, c.b)
		}
	}
}

// TestSigmaHistogram: where each goes, the far ones into the outermost bins, and a Gaussian's shares.
func TestSigmaHistogram(t *testing.T) {
	const width = 2 * record.SigmaReach / SigmaBins
	e := &Encoded{Sigma: []float64{-9, -0.01, 0, 0.01, 0.06, 1.01, 7, 8}}
	want := map[int]float64{0: 1, 49: 1, 50: 2, 51: 1, 70: 1, 99: 2}
	for b, got := range e.SigmaHistogram() {
		near(t, fmt.Sprintf("bin %d", b), got, want[b]/8, 1e-12)
	}
	rng := newRand(75)
	const n = 200_000
	e = &Encoded{}
	for range n {
		e.Sigma = append(e.Sigma, 0.5*rng.NormFloat64())
	}
	for b, got := range e.SigmaHistogram() {
		from := -record.SigmaReach + width*float64(b)
		p := (math.Erf((from+width)/0.5/math.Sqrt2) - math.Erf(from/0.5/math.Sqrt2)) / 2
		near(t, fmt.Sprintf("bin %d of a Gaussian", b), got, p, 4.5*math.Sqrt(p/n)+1e-5)
	}
}
