package variants

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// ladder are posterior and prior of two levels with these A and P, given the levels of m and s.
func ladder(p *nn.Pass, A, P, m1, mu2, s1, s2 [][]float64) (vae.Ladder, vae.LadderPrior) {
	ps := &nn.Params{}
	variant := Hierarchy{Top: len(A[0])}.Build(vae.Builder{Params: ps, D: len(A) + len(A[0])})
	for name, rows := range map[string][][]float64{"encoder.hierarchy.a": A, "decoder.hierarchy.p": P} {
		for i, x := range flat(rows) {
			ps.Get(name).Data[i] = Float(x)
		}
	}
	beside := func(one, two [][]float64) *grad.Value {
		a, _ := leaf(p.Tape, one)
		b, _ := leaf(p.Tape, two)
		return a.Beside(b)
	}
	q := variant.Head(p, beside(m1, mu2), beside(s1, s2)).(vae.Ladder)
	return q, variant.Prior.(vae.LadderPrior)
}

// TestGoldenHierarchy: z1 of given eps, and the KL of each level at a given z2.
func TestGoldenHierarchy(t *testing.T) {
	var want struct {
		A, P, M1, V1, Eps1, Z1, Z2 [][]float64
		KL1, KL2                   []float64
		KL, Tol                    float64
	}
	var batch struct{ Mu, Logvar [][]float64 }
	golden(t, "hierarchy.json", &want)
	golden(t, "batch.json", &batch)
	first := func(rows [][]float64) (some [][]float64) {
		for _, row := range rows {
			some = append(some, row[:len(want.A[0])])
		}
		return some
	}
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
	q, prior := ladder(p, want.A, want.P, want.M1, first(batch.Mu), want.V1, first(batch.Logvar))

	var drawn [][]float64 // z1 without A z2, of which a posterior that has them as means makes z
	for i, row := range want.M1 {
		drawn = append(drawn, nil)
		for j, m := range row {
			drawn[i] = append(drawn[i], m+math.Exp(want.V1[i][j]/2)*want.Eps1[i][j])
		}
	}
	at, _ := ladder(p, want.A, want.P, drawn, want.Z2, want.V1, first(batch.Logvar))
	z := at.Mean()
	kl := prior.KL(p, q, z, nil)
	for i := range kl.Rows {
		near(t, "z", z.Row(i), append(append([]float64(nil), want.Z1[i]...), want.Z2[i]...), want.Tol)
		near(t, "KL", kl.Row(i), []float64{want.KL1[i], want.KL2[i]}, want.Tol)
	}
	near(t, "mean KL", []Float{Float(kl.RowSums().Mean().Scalar())}, []float64{want.KL}, want.Tol)
}

// TestTheoremHierarchy: with A = P the KL of each level is that of independent m and s. Otherwise that of z1 is, over draws of
// z2, the one in closed form. The prior is N(0, [[I + P Pᵀ, P], [Pᵀ, I]]), in density and in draws.
func TestTheoremHierarchy(t *testing.T) {
	A, P := [][]float64{{0.7, -1}, {0.2, 0.4}, {-0.5, 0.9}}, [][]float64{{-0.3, 0.5}, {1, 0.1}, {0.6, -0.2}}
	m1, mu2, s1, s2 := [][]float64{{0.3, -1, 2}}, [][]float64{{1.5, -0.4}}, [][]float64{{-1, 0.5, 0}}, [][]float64{{-0.7, 0.3}}
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, Noise: rand.New(rand.NewPCG(1, 1))}
	levels := func(q vae.Ladder, prior vae.LadderPrior) [2]float64 {
		kl := prior.KL(p, q, q.Sample(p), nil)
		return [2]float64{float64(kl.Data[0]), float64(kl.Data[1])}
	}
	var want [2]float64
	for k, raw := range [2][2][]float64{{m1[0], s1[0]}, {mu2[0], s2[0]}} {
		for j, m := range raw[0] {
			want[k] += vae.NormalKL(m, math.Exp(raw[1][j]), raw[1][j])
		}
	}
	for range 3 {
		got := levels(ladder(p, A, A, m1, mu2, s1, s2))
		near(t, "KL with A = P", []Float{Float(got[0]), Float(got[1])}, want[:], 1e-5)
	}
	closed := want[0]
	for i, m := range m1[0] {
		mean, variance := m, 0.0
		for k, mu := range mu2[0] {
			b := A[i][k] - P[i][k]
			mean += b * mu
			variance += b * b * math.Exp(s2[0][k])
		}
		closed += (mean*mean + variance - m*m) / 2
	}
	var first estimate
	q, prior := ladder(p, A, P, m1, mu2, s1, s2)
	for range 4000 {
		first.add(levels(q, prior)[0])
	}
	if math.Abs(first.mean()-closed) > 4*first.se() || first.se() > 0.1*closed {
		t.Errorf("KL of z1: mean %v, standard error %v, in closed form %v", first.mean(), first.se(), closed)
	}

	D1, D2 := len(P), len(P[0])
	cov := mat.NewSymDense(D1+D2, nil)
	for i := range D1 + D2 {
		cov.SetSym(i, i, 1)
	}
	for i := range D1 {
		for j := range D2 {
			cov.SetSym(i, D1+j, P[i][j])
		}
		for j := range i + 1 {
			sum := cov.At(i, j)
			for k := range D2 {
				sum += P[i][k] * P[j][k]
			}
			cov.SetSym(j, i, sum)
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(cov) {
		t.Fatal("the covariance is singular")
	}
	density, z := prior.Density(nil, nil)(0), make([]float64, D1+D2)
	const n = 4000
	second := mat.NewSymDense(D1+D2, nil)
	for range n {
		density.Draw(p.Noise, z)
		v := mat.NewVecDense(len(z), z)
		second.SymRankOne(second, 1./n, v)
		var solved mat.VecDense
		if err := chol.SolveVecTo(&solved, v); err != nil {
			t.Fatal(err)
		}
		want := -0.5 * (mat.Dot(v, &solved) + chol.LogDet() + float64(len(z))*math.Log(2*math.Pi))
		row, _ := leaf(p.Tape, [][]float64{z})
		for what, got := range map[string]float64{"off the tape": density.LogProb(z), "on it": prior.LogProb(p, row, nil).Scalar()} {
			if math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				t.Fatalf("ln p(%v) is %v %s, want %v", z, got, what, want)
			}
		}
	}
	for i := range D1 + D2 {
		for j := range i + 1 {
			if se := math.Sqrt((cov.At(i, i)*cov.At(j, j) + cov.At(i, j)*cov.At(i, j)) / n); math.Abs(second.At(i, j)-cov.At(i, j)) > 5*se {
				t.Errorf("E[z_%d z_%d] is %v over draws, want %v", i, j, second.At(i, j), cov.At(i, j))
			}
		}
	}
}

// TestHierarchyLevels: the sizes of the levels, and what does not go with them.
func TestHierarchyLevels(t *testing.T) {
	for _, c := range []struct{ top, D, want int }{{0, 2, 1}, {0, 5, 2}, {3, 5, 3}, {1, 8, 1}} {
		ps := &nn.Params{}
		v := Hierarchy{Top: c.top}.Build(vae.Builder{Params: ps, D: c.D})
		if a := ps.Get("encoder.hierarchy.a"); a.Rows != c.D-c.want || a.Cols != c.want || v.Parts(c.D) != 2 {
			t.Errorf("top %d of %d dimensions: A is %v, the KL has %d parts", c.top, c.D, a.Matrix, v.Parts(c.D))
		}
	}
	for top, D := range map[int]int{0: 1, 4: 4} {
		if err := Fits([]vae.Method{Hierarchy{Top: top}}, D); err == nil || !strings.Contains(err.Error(), "raise latent_dim") {
			t.Errorf("top %d of %d dimensions: %v", top, D, err)
		}
	}
	if v, err := Check(Hierarchy{Top: 9}, FreeBits{Lambda: 1, Mode: "dim"}); err != nil || !v.Levels {
		t.Errorf("with free bits: %v, levels %t", err, v.Levels)
	}
	if _, err := Check(Hierarchy{}, FlowPrior{Layers: 1, Hidden: 1}); err == nil || !strings.Contains(err.Error(), "both act on the prior") {
		t.Errorf("with another prior: %v", err)
	}
}
