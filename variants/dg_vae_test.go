package variants

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestGoldenDG: value and gradients for groups of one, of two, and of the whole batch.
func TestGoldenDG(t *testing.T) {
	var batch struct{ Mu, Logvar [][]float64 }
	var want struct {
		Eps   [][][]float64
		ByAgg map[string]struct {
			Value        float64
			DMu, DLogvar [][]float64
		} `json:"by_agg_size"`
		Tol float64
	}
	golden(t, "batch.json", &batch)
	golden(t, "dg_vae.json", &want)
	if len(want.ByAgg) == 0 {
		t.Fatal("no cases")
	}
	for agg, c := range want.ByAgg {
		n, err := strconv.Atoi(agg)
		if err != nil {
			t.Fatal(err)
		}
		tape := &grad.Tape{}
		mu, dmu := leaf(tape, batch.Mu)
		logvar, dlogvar := leaf(tape, batch.Logvar)
		var draws [][]float64
		for _, of := range want.Eps {
			draws = append(draws, of...)
		}
		eps, _ := leaf(tape, draws)
		q := vae.FromLogvar(mu, logvar)
		var rows []int
		for i, of := range want.Eps {
			for range of {
				rows = append(rows, i)
			}
		}
		z := q.Mu.Gather(rows).Add(q.Sigma.Gather(rows).Mul(eps))
		gap := DGVAE{Agg: n}.gap(&nn.Pass{Tape: tape}, q, z)
		near(t, "agg "+agg, gap.Data, []float64{c.Value}, want.Tol)
		gap.Backward()
		near(t, "agg "+agg+": d/dmu", dmu, flat(c.DMu), want.Tol)
		near(t, "agg "+agg+": d/dlogvar", dlogvar, flat(c.DLogvar), want.Tol)
	}
}

// gapOf is the penalty for a posterior and its standard error, from many independent estimates.
func gapOf(v DGVAE, q vae.Gaussian, noise *rand.Rand) (mean, se float64) {
	const n = 400
	penalty := v.Build(vae.Builder{D: q.Mu.Cols}).Penalty
	var squares float64
	for range n {
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, Noise: noise}
		mu, logvar := p.Tape.Const(q.Mu.Matrix), p.Tape.Const(q.Logvar.Matrix)
		x := penalty(p, &vae.Terms{Q: vae.FromLogvar(mu, logvar)}).Scalar()
		mean, squares = mean+x/n, squares+x*x/n
	}
	return mean, math.Sqrt((squares - mean*mean) / n)
}

// TestTheoremDG: with groups of one the penalty is an estimate of the KL. It falls as groups grow, by convexity, and is
// at least 0. If all posteriors are equal it is their KL for every agg; if they are the prior together, it is 0,
// whatever their KL.
func TestTheoremDG(t *testing.T) {
	const B, D = 12, 3
	noise := rand.New(rand.NewPCG(5, 6))
	tape := &grad.Tape{}
	q := func(f func(i, j int) (mu, logvar float64)) vae.Gaussian {
		mu, logvar := tape.Zeros(B, D), tape.Zeros(B, D)
		for i := range B {
			for j := range D {
				a, b := f(i, j)
				mu.Row(i)[j], logvar.Row(i)[j] = Float(a), Float(b)
			}
		}
		return vae.FromLogvar(mu, logvar)
	}
	some := q(func(i, j int) (float64, float64) { return 1.5 * math.Sin(float64(5*i+j)), math.Cos(float64(i*j)) - 1 })
	kl := meanKL(some)
	last := math.Inf(1)
	for _, agg := range []int{1, 3, 12, 100} {
		got, se := gapOf(DGVAE{Agg: agg, Draws: 8}, some, noise)
		if agg == 1 && math.Abs(got-kl) > 4*se {
			t.Errorf("agg 1: %v ± %v, want the KL %v", got, se, kl)
		}
		if agg == 100 && math.Abs(got-last) > 6*se { // one group, as with 12
			t.Errorf("agg 100: %v ± %v, want %v as for the batch size", got, se, last)
		}
		if agg < 100 && got > last-4*se || got < -4*se || !(se > 0) {
			t.Errorf("agg %d: %v ± %v, of the smaller agg %v", agg, got, se, last)
		}
		last = got
	}
	same := q(func(_, j int) (float64, float64) { return float64(j) - 0.7, -0.5 * float64(j) })
	for _, agg := range []int{1, 5, 12} {
		if got, se := gapOf(DGVAE{Agg: agg, Draws: 8}, same, noise); math.Abs(got-meanKL(same)) > 4*se {
			t.Errorf("equal posteriors, agg %d: %v ± %v, want their KL %v", agg, got, se, meanKL(same))
		}
	}
	prior := q(func(i, _ int) (float64, float64) { // sigma 0.25 at quantiles of N(0, 1 - 0.25²)
		return math.Sqrt(1-0.0625) * math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/B-1), math.Log(0.0625)
	})
	if got, _ := gapOf(DGVAE{Agg: B, Draws: 8}, prior, noise); got > 0.05*D || meanKL(prior) < 1.3*D {
		t.Errorf("posteriors that together are nearly the prior: penalty %v, KL %v", got, meanKL(prior))
	}
}

// TestDGGroups: where agg does not divide the batch the last group is what is left, and the value is the mean of all
// groups alone, weighted by their sizes.
func TestDGGroups(t *testing.T) {
	const B, D, draws = 5, 2, 3
	rng := rand.New(rand.NewPCG(8, 8))
	tape := &grad.Tape{NoGrad: true}
	random := func(rows int) *grad.Value {
		v := tape.Zeros(rows, D)
		for i := range v.Data {
			v.Data[i] = Float(rng.NormFloat64())
		}
		return v
	}
	q, z := vae.FromLogvar(random(B), random(B)), random(B*draws)
	p := &nn.Pass{Tape: tape}
	for agg, sizes := range map[int][]int{1: {1, 1, 1, 1, 1}, 2: {2, 2, 1}, 3: {3, 2}, 4: {4, 1}, 5: {5}, 9: {5}} {
		want, first := 0.0, 0
		for _, size := range sizes {
			var rows, of []int
			for i := first; i < first+size; i++ {
				rows = append(rows, i)
				for m := range draws {
					of = append(of, i*draws+m)
				}
			}
			alone := vae.FromLogvar(q.Mu.Gather(rows), q.Logvar.Gather(rows))
			want += float64(size) / B * DGVAE{Agg: size}.gap(p, alone, z.Gather(of)).Scalar()
			first += size
		}
		if got := (DGVAE{Agg: agg}).gap(p, q, z).Scalar(); math.Abs(got-want) > 1e-5 {
			t.Errorf("agg %d: %v, want %v", agg, got, want)
		}
	}
}

// TestDGConformance: TestConformance tries one group only.
func TestDGConformance(t *testing.T) {
	for _, fault := range faults(DGVAE{Agg: 3, Draws: 4}) {
		t.Error(fault)
	}
}
