package variants

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// newCEAE builds the method with a second encoder that says 0.
func newCEAE(v CEAE, D int) (vae.Variant, *nn.Params) {
	ps := &nn.Params{}
	return v.Build(vae.Builder{Params: ps, D: D, Follower: func(string) (vae.Encoder, func(float64)) {
		return still{D}, func(float64) {}
	}}), ps
}

// A still encoder says 0.
type still struct{ D int }

func (s still) Encode(p *nn.Pass, x *vae.Batch) (m, _ *grad.Value) {
	return p.Tape.Zeros(x.B(), s.D), nil
}

// TestGoldenCEAE: the contrast of the golden's mu and mu+ without a queue, its gradient, and sigma and lambda by epoch.
func TestGoldenCEAE(t *testing.T) {
	var batch struct{ Mu [][]float64 }
	var want struct {
		MuPlus [][]float64 `json:"mu_plus"`
		Value  float64
		DMu    [][]float64 `json:"dvalue_dmu"`
		C      []struct {
			Epoch  int
			C, Lam float64
		}
		C0, Lambda0, Tol float64
	}
	golden(t, "batch.json", &batch)
	golden(t, "ceae.json", &want)
	tape := &grad.Tape{}
	mu, dmu := leaf(tape, batch.Mu)
	plus, dplus := leaf(tape, want.MuPlus)
	got := contrast(&nn.Pass{Tape: tape}, mu, plus.Stop(), tensor.Matrix{})
	near(t, "value", got.Data, []float64{want.Value}, want.Tol)
	got.Backward()
	near(t, "d/dmu", dmu, flat(want.DMu), want.Tol)
	near(t, "d/dmu+", dplus, make([]float64, len(dplus)), 0)
	const perEpoch = 7
	for _, at := range want.C {
		variant, _ := newCEAE(CEAE{C0: want.C0, TMax: at.Epoch, Lambda: want.Lambda0, Queue: 1}, 2)
		c := variant.Weigher.(*cooling)
		for _, step := range []int{(at.Epoch - 1) * perEpoch, at.Epoch*perEpoch - 1} { // the first and the last of the epoch
			c.Weight(step, perEpoch)
			near(t, fmt.Sprintf("c of epoch %d", at.Epoch), []Float{Float(c.sigma())}, []float64{at.C}, want.Tol)
			near(t, fmt.Sprintf("lambda of epoch %d", at.Epoch), []Float{Float(c.lambda())}, []float64{at.Lam}, want.Tol)
		}
		if c.Weight(at.Epoch*perEpoch, perEpoch); c.sigma() != zero {
			t.Errorf("c after epoch %d is %v", at.Epoch, c.sigma())
		}
	}
	if len(want.C) == 0 {
		t.Error("the golden has no epochs")
	}
}

// TestContrast is the formula, term by term, with keys of earlier batches.
func TestContrast(t *testing.T) {
	rows := func(n int, shift float64) (all [][]float64) {
		for i := range n {
			all = append(all, []float64{math.Sin(float64(3*i) + shift), math.Cos(float64(5*i) - shift)})
		}
		return all
	}
	mu, plus, keys := rows(4, 0), rows(4, 0.3), rows(3, 1)
	dot := func(a, b []float64) float64 { return a[0]*b[0] + a[1]*b[1] }
	want := 0.0
	for i := range mu {
		sum := 0.0
		for k := range mu {
			if k != i {
				sum += math.Exp(dot(mu[i], mu[k]))
			}
		}
		for _, key := range keys {
			sum += math.Exp(dot(mu[i], key))
		}
		want += math.Log(sum) - dot(mu[i], plus[i])
	}
	tape := &grad.Tape{}
	m, _ := leaf(tape, mu)
	p, _ := leaf(tape, plus)
	k, _ := leaf(tape, keys)
	near(t, "contrast", contrast(&nn.Pass{Tape: tape}, m, p, k.Matrix).Data, []float64{want}, 1e-9)
}

// TestTheoremCEAE: whatever m is, the KL of a batch is D (c² - ln c²)/2 at each epoch, and what is charged for it is 0. It
// grows as c falls, and ends where c does.
func TestTheoremCEAE(t *testing.T) {
	const B, D = 20, 3
	for _, least := range []float64{0, 0.2, 0.3} { // c comes to 0.3 before t_max
		variant, _ := newCEAE(CEAE{C0: 0.9, CMin: least, TMax: 4, Queue: 1, Eps: 1e-8, Momentum: 0.1}, D)
		last, settled := 0.0, -1
		for step := range 12 { // two an epoch
			variant.Weigher.Weight(step, 2)
			c := max(0.9/float64(1+step/2), least, zero)
			if step >= 8 {
				c = max(least, zero)
			}
			tape := &grad.Tape{}
			m := tape.Zeros(B, D)
			raw := gaussians(0.1+float64(step), 2)
			for i := range m.Data {
				x, _ := raw(0, 0)
				m.Data[i] = Float(x)
			}
			p := &nn.Pass{Tape: tape, Train: true}
			q := variant.Head(p, m, nil).(vae.Gaussian)
			kl, want := meanKL(q), 0.5*D*(c*c-2*math.Log(c))
			if math.Abs(kl-want) > 1e-4*want || kl < last*(1-1e-4) {
				t.Errorf("c_min %v, step %d: KL %v, want %v; before %v", least, step, kl, want, last)
			}
			if charged := variant.Penalty(p, &vae.Terms{Q: q, KL: q.KL()}).Scalar(); charged != 0 {
				t.Errorf("charged %v", charged)
			}
			if c == max(least, zero) && settled < 0 {
				settled = step
			}
			last = kl
		}
		if got := variant.Weigher.Final(2); got != settled+1 {
			t.Errorf("c_min %v: evaluations count from step %d, want %d", least, got, settled+1)
		}
		if variant.Deterministic != (least == 0) {
			t.Errorf("c_min %v: deterministic %t", least, variant.Deterministic)
		}
	}
}

// TestGlobalStatistics: each third step has the running statistics, which move at all steps.
func TestGlobalStatistics(t *testing.T) {
	variant, ps := newCEAE(CEAE{C0: 1, TMax: 1, Queue: 1, Global: 3, Eps: 1e-8, Momentum: 0.5}, 1)
	mean := ps.Get("encoder.mu_bn.running_mean")
	for step := range 7 {
		variant.Weigher.Weight(step, 10)
		tape := &grad.Tape{}
		m, _ := leaf(tape, [][]float64{{1}, {2}, {4}, {7}})
		before := mean.Data[0]
		mu := variant.Head(&nn.Pass{Tape: tape, Train: true}, m, nil).(vae.Gaussian).Mu
		batch := math.Abs(float64(mu.Sum().Scalar())) < 1e-5
		if global := step%3 == 2; batch == global {
			t.Errorf("step %d: mu %v", step, mu.Data)
		}
		if mean.Data[0] == before {
			t.Errorf("step %d moves no statistics", step)
		}
	}
}

// TestQueue: the oldest rows go first, and rows that do not fit replace one another.
func TestQueue(t *testing.T) {
	q := newQueue(vae.Builder{Params: &nn.Params{}, D: 1}, "queue", 3)
	next := Float(0)
	for _, c := range []struct {
		n    int
		want []Float
	}{{0, nil}, {2, []Float{1, 2}}, {2, []Float{2, 3, 4}}, {1, []Float{3, 4, 5}}, {5, []Float{8, 9, 10}}} {
		rows := tensor.New(c.n, 1)
		for i := range rows.Data {
			next++
			rows.Data[i] = next
		}
		q.put(rows)
		if got := slices.Sorted(slices.Values(q.filled().Data)); !slices.Equal(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

// TestCEAEConformance: TestConformance has the first epoch, with lambda 0, and no keys.
func TestCEAEConformance(t *testing.T) {
	method := made(func(b vae.Builder) vae.Variant {
		v := CEAE{C0: 2, TMax: 5, Lambda: 0.6, Decay: 0.9, Queue: 4, Eps: 1e-8, Momentum: 0.1}.Build(b)
		b.Params.Get("encoder.ceae.epoch").Data[0] = 3
		keys := b.Params.Get("encoder.ceae.queue.rows")
		for i := range keys.Data {
			keys.Data[i] = Float(math.Sin(float64(3 * i)))
		}
		b.Params.Get("encoder.ceae.queue.at").Data[1] = 3
		return v
	})
	for _, fault := range append(faults(method), wrongRate(method)...) {
		t.Error(fault)
	}
}
