package variants

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/sphere"
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
		gap := gapAt(DGVAE{Agg: n}, q, z)
		near(t, "agg "+agg, gap.Data, []float64{c.Value}, want.Tol)
		gap.Backward()
		near(t, "agg "+agg+": d/dmu", dmu, flat(c.DMu), want.Tol)
		near(t, "agg "+agg+": d/dlogvar", dlogvar, flat(c.DLogvar), want.Tol)
	}
}

// gapAt is the penalty of given z.
func gapAt(v DGVAE, q vae.Gaussian, z *grad.Value) *grad.Value {
	return v.marginals(q, z).Sub(vae.Normal{}.LogProb(nil, z, nil)).Mean()
}

// gapOf is the penalty for a posterior and its standard error, from many independent estimates.
func gapOf(v DGVAE, q vae.Posterior, prior vae.Prior, noise *rand.Rand) (mean, se float64) {
	const n = 400
	penalty := v.Build(vae.Builder{}).Penalty
	var squares float64
	for range n {
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, Noise: noise}
		var parts []*grad.Value
		for _, v := range q.Parts() {
			parts = append(parts, p.Tape.Const(v.Matrix))
		}
		x := penalty(p, &vae.Terms{Q: q.With(parts), Z: parts[0], Prior: prior}).Scalar()
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
		got, se := gapOf(DGVAE{Agg: agg, Draws: 8}, some, vae.Normal{}, noise)
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
		if got, se := gapOf(DGVAE{Agg: agg, Draws: 8}, same, vae.Normal{}, noise); math.Abs(got-meanKL(same)) > 4*se {
			t.Errorf("equal posteriors, agg %d: %v ± %v, want their KL %v", agg, got, se, meanKL(same))
		}
	}
	prior := q(func(i, _ int) (float64, float64) { // sigma 0.25 at quantiles of N(0, 1 - 0.25²)
		return math.Sqrt(1-0.0625) * math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/B-1), math.Log(0.0625)
	})
	if got, _ := gapOf(DGVAE{Agg: B, Draws: 8}, prior, vae.Normal{}, noise); got > 0.05*D || meanKL(prior) < 1.3*D {
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
			want += float64(size) / B * gapAt(DGVAE{Agg: size}, alone, z.Gather(of)).Scalar()
			first += size
		}
		if got := gapAt(DGVAE{Agg: agg}, q, z).Scalar(); math.Abs(got-want) > 1e-5 {
			t.Errorf("agg %d: %v, want %v", agg, got, want)
		}
	}
}

// TestDGOnSphere: of given z the penalty is that of densities written out. With groups of one it is the KL, as it is for every
// agg if all examples have one mean direction; if these cover the sphere, it is nearly 0.
func TestDGOnSphere(t *testing.T) {
	const D, kappa = 3, 6
	noise := rand.New(rand.NewPCG(5, 7))
	tape := &grad.Tape{NoGrad: true}
	prior := vae.UniformSphere{D: D}
	for name, law := range map[string]sphere.Law{"vmf": sphere.NewVMF(D, kappa), "power-spherical": sphere.NewPowerSpherical(D, kappa)} {
		q := func(B int, f func(i int) []float64) vae.Spherical {
			rows := make([][]float64, B)
			for i := range rows {
				rows[i] = f(i)
			}
			m, _ := leaf(tape, rows)
			return vae.Spherical{Mu: m.Unit(), Law: law}
		}
		some := q(5, func(i int) []float64 { return []float64{1, math.Sin(float64(3 * i)), math.Cos(float64(5 * i))} })
		z := vae.Spherical{Mu: some.Mu.Gather([]int{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}), Law: law}.Sample(&nn.Pass{Tape: tape, Noise: noise})
		got := DGVAE{Agg: 2}.onSphere(some, z)
		for r := range z.Rows {
			first := r / 2 / 2 * 2
			last, sum := min(first+2, 5), 0.0
			for k := first; k < last; k++ {
				row := []float64{float64(z.Row(r)[0]), float64(z.Row(r)[1]), float64(z.Row(r)[2])}
				sum += math.Exp(some.Density(k).LogProb(row)) / float64(last-first)
			}
			if math.Abs(float64(got.Data[r])-math.Log(sum)) > 1e-4 {
				t.Errorf("%s, z %d: ln q %v, want %v", name, r, got.Data[r], math.Log(sum))
			}
		}
		same := q(6, func(int) []float64 { return []float64{0.2, -1, 0.5} })
		for _, c := range []struct {
			q   vae.Spherical
			agg int
		}{{some, 1}, {same, 1}, {same, 4}, {same, 6}} {
			if mean, se := gapOf(DGVAE{Agg: c.agg, Draws: 8}, c.q, prior, noise); math.Abs(mean-law.KL()) > 4*se {
				t.Errorf("%s, agg %d: %v ± %v, want the KL %v", name, c.agg, mean, se, law.KL())
			}
		}
		const B = 60 // points of a spiral that covers the sphere evenly
		even := q(B, func(i int) []float64 {
			h, turn := 1-2*(float64(i)+0.5)/B, math.Pi*(3-math.Sqrt(5))*float64(i)
			return []float64{h, math.Sqrt(1-h*h) * math.Cos(turn), math.Sqrt(1-h*h) * math.Sin(turn)}
		})
		if mean, _ := gapOf(DGVAE{Agg: B, Draws: 4}, even, prior, noise); math.Abs(mean) > 0.02 {
			t.Errorf("%s: directions all over the sphere have penalty %v, want about 0 of %v", name, mean, law.KL())
		}
	}
}

// TestOnSphereConformance: penalties and extras that read spheres.
func TestOnSphereConformance(t *testing.T) {
	for _, methods := range [][]vae.Method{
		{VMF{Kappa: 5}, DGVAE{Agg: 3, Draws: 4}}, {PowerSpherical{Kappa: 5}, DGVAE{Agg: 9, Draws: 4}}, {VMF{Kappa: 5}, InfoVAE{MMD: 10, Kernel: "imq"}},
	} {
		if _, err := Check(methods...); err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults(made(func(b vae.Builder) vae.Variant {
			v, _ := Build(b, methods...)
			return v
		})) {
			t.Errorf("%+v: %s", methods, fault)
		}
	}
}

// TestDGConformance: TestConformance tries one group only.
func TestDGConformance(t *testing.T) {
	for _, fault := range faults(DGVAE{Agg: 3, Draws: 4}) {
		t.Error(fault)
	}
}
