package vae

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// gradients are G of two steps for a batch at its first posterior, and the next number of the pass's noise.
func gradients(m *Model, train bool, x *Batch, weight nn.Float, seed uint64) (g [2][]Float, next uint64) {
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}, Train: train, KLWeight: weight, Noise: rand.New(rand.NewPCG(seed, 2))}
	n := &Inner{Examples: 32, Clip: 5}
	q := m.First(p, x).(Gaussian)
	lambda := q.Mu.Beside(q.Logvar)
	n.Start(p, m, x, 2, 2)
	for k := range g {
		g[k] = slices.Clone(n.Gradient(k, lambda.Matrix))
	}
	return g, p.Noise.Uint64()
}

// TestInner: in evaluation the gradient of an example is its own, whatever stands beside it, at KL weight 1, and draws nothing
// from the pass. In training it is that of the pass's draws and KL weight. Each step has another eps. Parameters have no part.
func TestInner(t *testing.T) {
	ps, n := newNear()
	m := &Model{Params: ps, Encoder: n, Decoder: n, D: 2}
	all, next := gradients(m, false, points, 0, 7)
	if next != rand.New(rand.NewPCG(7, 2)).Uint64() {
		t.Error("evaluation draws from the pass")
	}
	turned, _ := gradients(m, false, NewGrid([][]float32{{-1, 0}, {1, -0.5}, {0.3, 2}}, nil, false), 0.5, 8)
	for k := range all {
		for i := range 3 {
			at := (i + 1) % 3
			if !slices.Equal(all[k][4*i:4*i+4], turned[k][4*at:4*at+4]) {
				t.Errorf("step %d example %d: gradient %v, at another place %v", k, i, all[k][4*i:4*i+4], turned[k][4*at:4*at+4])
			}
		}
	}
	one, _ := gradients(m, false, NewGrid([][]float32{{1, -0.5}}, nil, false), 1, 9)
	for j, g := range one[0] {
		if math.Abs(float64(g-all[0][j])) > 1e-6 {
			t.Errorf("gradient[%d] alone %v, among others %v", j, g, all[0][j])
		}
	}
	if slices.Equal(all[0], all[1]) {
		t.Error("two steps have one eps")
	}
	a, _ := gradients(m, true, points, 1, 7)
	b, _ := gradients(m, true, points, 1, 7)
	c, _ := gradients(m, true, points, 1, 8)
	d, _ := gradients(m, true, points, 0.5, 7)
	if !slices.Equal(a[1], b[1]) || slices.Equal(a[1], c[1]) || slices.Equal(a[1], d[1]) {
		t.Error("in training the gradient is not that of draws and KL weight")
	}
	for _, p := range ps.Learnt() {
		for _, g := range p.Grad() {
			if g != 0 {
				t.Errorf("%s has gradient %v", p.Name, g)
			}
		}
	}
	n.w.Data[0] = 1e4 // far off: mu's gradient has a norm above 5, that of ln sigma² not
	far, _ := gradients(m, true, points, 1, 7)
	var mu, logvar float64
	for i, g := range far[0] {
		if i%4 < 2 {
			mu += float64(g) * float64(g)
		} else {
			logvar += float64(g) * float64(g)
		}
	}
	if math.Abs(math.Sqrt(mu)-5) > 1e-4 || logvar == 25 || logvar == 0 {
		t.Errorf("norms %v and %v, want 5 and one of its own", math.Sqrt(mu), math.Sqrt(logvar))
	}
}

// TestKLTo: the KL of two Gaussians is 0 from one to itself, that to N(0, I) is KL, and else it is the mean of ln q - ln r.
func TestKLTo(t *testing.T) {
	tape := &grad.Tape{}
	q := FromSigma(tape.Const(matrix(2, 2, 0.3, -1, 2, 0)), tape.Const(matrix(2, 2, 0.5, -2, 1, 0.1)))
	r := FromSigma(tape.Const(matrix(2, 2, -0.3, 1, 1, 0.2)), tape.Const(matrix(2, 2, 1, 1.5, -0.7, 0.4)))
	unit := FromLogvar(tape.Zeros(2, 2), tape.Zeros(2, 2))
	for i, v := range q.KLTo(q).Data {
		if math.Abs(float64(v)) > 1e-6 {
			t.Errorf("KL[%d] to itself is %v", i, v)
		}
		if got, want := float64(q.KLTo(unit).Data[i]), float64(q.KL().Data[i]); math.Abs(got-want) > 1e-5 {
			t.Errorf("KL[%d] to N(0, 1) is %v, want %v", i, got, want)
		}
	}
	const draws = 20000
	noise, z := rand.New(rand.NewPCG(1, 2)), make([]float64, 2)
	for i, want := range q.KLTo(r).RowSums().Data {
		var sum, squares float64
		for range draws {
			q.Density(i).Draw(noise, z)
			d := q.Density(i).LogProb(z) - r.Density(i).LogProb(z)
			sum, squares = sum+d/draws, squares+d*d/draws
		}
		if se := math.Sqrt((squares - sum*sum) / draws); math.Abs(sum-float64(want)) > 4*se {
			t.Errorf("example %d: KL %v, mean of ln q - ln r %v ± %v", i, want, sum, se)
		}
	}
}
