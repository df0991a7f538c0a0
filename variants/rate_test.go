package variants

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// wrongRate is what a method's posterior and rate do against what holds for every method. Rates are means over a batch, in
// nats:
//
//	rate >= 0,   MI <= rate,   floor <= rate               in training, up to 3 standard errors of what is sampled
//	least penalty <= penalty                               in training
//	mean of ln q(z|x) - ln p(z) over draws of q = rate     in evaluation, up to 4 standard errors
//	the integral of q(z|x) over z, or the sum, = 1         in two dimensions, of flows up to 4 standard errors
//
// MI is that of x and z within the batch, so that rate = MI + KL(q(z) || p). For a method with conditions all of that is
// given c, and holds for the examples of each condition.
func wrongRate(method vae.Method) (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }

	b, tape := newBench(method, 1), &grad.Tape{NoGrad: true}
	var rate, over estimate // over: MI less the rate
	for seed := range uint64(100) {
		tape.Reset()
		t := b.model().Loss(b.on(tape, true, seed), b.x)
		conditions := make([]int, t.Z.Rows)
		if b.variant.Conditional {
			conditions = t.X.Labels
		}
		kl, mi := t.KL.RowSums().Mean().Scalar(), mutualGiven(t, conditions)
		rate.add(kl)
		over.add(mi - kl)
		if least := b.variant.LeastPenalty; least != nil {
			bound := 0.0
			for _, mu := range t.Q.Mean().Data {
				bound += least(float64(mu)) / float64(t.Z.Rows)
			}
			if got := t.Penalty.Scalar(); got < bound-1e-5*(1+bound) {
				fault("the penalty is %v nats, its bound %v", got, bound)
			}
		}
	}
	small := 1e-5 * (1 + math.Abs(rate.mean()))
	if rate.mean() < -3*rate.se()-small {
		fault("the rate is %v nats, standard error %v", rate.mean(), rate.se())
	}
	if over.mean() > 3*over.se()+small {
		fault("the MI is %v nats above the rate %v, standard error %v", over.mean(), rate.mean(), over.se())
	}
	if b.variant.Floor != nil {
		if floor := b.variant.Floor(); floor > rate.mean()+3*rate.se()+small {
			fault("the floor is %v nats, the rate on batch statistics %v, standard error %v", floor, rate.mean(), rate.se())
		}
	}

	var differs estimate
	noise := rand.New(rand.NewPCG(3, 3))
	for seed := range uint64(20) {
		tape.Reset()
		p := b.on(tape, false, seed)
		t := b.model().Loss(p, b.x)
		prior := b.model().Prior().Density(p, b.x)
		for i := range t.KL.Rows {
			const draws = 50
			q, z, sampled := t.Q.Density(i), make([]float64, testD), 0.0
			for range draws {
				q.Draw(noise, z)
				sampled += (q.LogProb(z) - prior(i*testB/t.KL.Rows).LogProb(z)) / draws
			}
			kl := 0.0
			for _, part := range t.KL.Row(i) {
				kl += float64(part)
			}
			differs.add(sampled - kl)
		}
	}
	if math.Abs(differs.mean()) > 4*differs.se()+small {
		fault("the mean of ln q(z|x) - ln p(z) over draws of q differs from the KL by %v nats, standard error %v", differs.mean(), differs.se())
	}

	b = newBenchOf(method, 1, 2)
	_, t := b.pass(false, false)
	prior := b.model().Prior().Density(b.on(b.tape, false, 9), b.x)(0)
	for i := range 3 {
		mass, q, tol := 0.0, t.Q.Density(i), 1e-3
		switch b.variant.Family() {
		case vae.SphereFamily:
			mass = round(q)
		case vae.CodeFamily:
			mass = sum(q, prior)
		case vae.FlowFamily: // its ridges are narrower than the steps of integral
			e := around(q)
			mass, tol = e.mean(), 4*e.se()
		default:
			mass = integral(q)
		}
		if math.Abs(mass-1) > tol {
			fault("the density q(z|x) integrates to %.4f in two dimensions", mass)
		}
	}
	return found
}

// An estimate is the mean of independent numbers with its standard error.
type estimate struct{ n, sum, squares float64 }

func (e *estimate) add(x float64) { e.n, e.sum, e.squares = e.n+1, e.sum+x, e.squares+x*x }

func (e *estimate) mean() float64 { return e.sum / e.n }

func (e *estimate) se() float64 {
	return math.Sqrt(max(0, e.squares/e.n-e.mean()*e.mean()) / e.n)
}

// mutual is mutualGiven where all examples have one condition.
func mutual(t *vae.Terms) float64 { return mutualGiven(t, make([]int, t.Z.Rows)) }

// mutualGiven is the mean of ln q(z|x) - ln q(z|c) at a sample of each example, with q(z|c) the mean over the examples of the batch
// that have its condition c: an unbiased estimate of the MI of x and z given c, where x is an example of the batch.
func mutualGiven(t *vae.Terms, conditions []int) (mi float64) {
	n := t.Z.Rows
	densities, z, logs := make([]vae.Density, n), make([]float64, t.Z.Cols), make([]float64, n)
	for i := range densities {
		densities[i] = t.Q.Density(i)
	}
	for i := range n {
		for j, v := range t.Z.Row(i) {
			z[j] = float64(v)
		}
		most := math.Inf(-1)
		for k, q := range densities {
			logs[k] = q.LogProb(z)
			most = max(most, logs[k])
		}
		sum, alike := 0.0, 0.0
		for k, l := range logs {
			if conditions[k] == conditions[i] {
				sum += math.Exp(l - most)
				alike++
			}
		}
		mi += (logs[i] - most - math.Log(sum/alike)) / float64(n)
	}
	return mi
}

// integral is that of a density on the plane, over a square of 12 standard deviations each way around its mean.
func integral(q vae.Density) (mass float64) {
	var x, y estimate
	noise, z := rand.New(rand.NewPCG(4, 4)), make([]float64, 2)
	for range 500 {
		q.Draw(noise, z)
		x.add(z[0])
		y.add(z[1])
	}
	const steps = 200
	sd := func(e estimate) float64 { return e.se() * math.Sqrt(e.n) }
	dx, dy := 24*sd(x)/steps, 24*sd(y)/steps
	for i := range steps {
		for j := range steps {
			z[0], z[1] = x.mean()+dx*(float64(i)-steps/2), y.mean()+dy*(float64(j)-steps/2)
			mass += math.Exp(q.LogProb(z)) * dx * dy
		}
	}
	return mass
}

// around is an estimate of that integral for a density of any shape, by importance: from draws of it that are moved by r.
func around(q vae.Density) (mass estimate) {
	const kernels, draws, width = 200, 4000, 0.3
	noise, all := rand.New(rand.NewPCG(6, 6)), make([][2]float64, kernels)
	var x, y estimate
	for k := range all {
		q.Draw(noise, all[k][:])
		x.add(all[k][0])
		y.add(all[k][1])
	}
	h := [2]float64{width * x.se() * math.Sqrt(kernels), width * y.se() * math.Sqrt(kernels)}
	for n := range draws {
		var z [2]float64
		for j, v := range all[n%kernels] {
			z[j] = v + h[j]*noise.NormFloat64()
		}
		r := 0.0
		for _, c := range all {
			u, v := (z[0]-c[0])/h[0], (z[1]-c[1])/h[1]
			r += math.Exp(-(u*u+v*v)/2) / (2 * math.Pi * h[0] * h[1] * kernels)
		}
		mass.add(math.Exp(q.LogProb(z[:])) / r)
	}
	return mass
}

// round is the integral of a density on the circle.
func round(q vae.Density) (mass float64) {
	const steps = 2000
	for i := range steps {
		angle := 2 * math.Pi * float64(i) / steps
		mass += math.Exp(q.LogProb([]float64{math.Cos(angle), math.Sin(angle)})) * 2 * math.Pi / steps
	}
	return mass
}

// sum is the probability of all codes that the prior draws.
func sum(q, prior vae.Density) (mass float64) {
	seen, noise, z := map[[2]float64]bool{}, rand.New(rand.NewPCG(5, 5)), make([]float64, 2)
	for range 2000 {
		if prior.Draw(noise, z); !seen[[2]float64(z)] {
			seen[[2]float64(z)] = true
			mass += math.Exp(q.LogProb(z))
		}
	}
	return mass
}

// A combination is several methods in one variant.
type combination []vae.Method

func (c combination) Build(b vae.Builder) vae.Variant {
	v, err := Build(b, c...)
	if err != nil {
		panic(err) // Check allows it
	}
	return v
}

// TestCombinations holds every pair of methods that Check allows to the contract, at default settings. In float64 the gradients
// are compared with differences; in float32 those of the methods alone are. A pair that is refused is refused by name.
func TestCombinations(t *testing.T) {
	differences := uint64(0)
	if tensor.Bits == 64 {
		differences = 1
	}
	allowed := 0
	names := Methods.Names()
	for i, first := range names {
		for _, second := range names[i+1:] {
			var pair combination
			for _, name := range []string{first, second} {
				pair = append(pair, registered(t, name))
			}
			if _, err := Check(pair...); err != nil {
				if !strings.Contains(err.Error(), first) || !strings.Contains(err.Error(), second) {
					t.Errorf("%s+%s: the error does not name both: %v", first, second, err)
				}
				continue
			}
			if first == "vanilla" || second == "vanilla" { // that is the other alone
				continue
			}
			allowed++
			t.Run(first+"+"+second, func(t *testing.T) {
				for _, fault := range append(faultsOf(pair, differences), wrongRate(pair)...) {
					t.Error(fault)
				}
			})
		}
	}
	t.Logf("%d pairs", allowed)
}

// A scaled prior is N(0, I) with a KL that is a multiple of the right one.
type scaled struct {
	vae.Normal
	by Float
}

func (s scaled) KL(p *nn.Pass, q vae.Posterior, z *grad.Value, x *vae.Batch) *grad.Value {
	return s.Normal.KL(p, q, z, x).Scale(s.by)
}

// A heavy posterior has a density of mass 2.
type heavy struct{ vae.Gaussian }

type heavyDensity struct{ vae.Density }

func (h heavy) Density(i int) vae.Density { return heavyDensity{h.Gaussian.Density(i)} }

func (h heavyDensity) LogProb(z []float64) float64 { return h.Density.LogProb(z) + math.Ln2 }

// TestWrongRateFinds: each breach of what holds for a rate is found, and the right rate is not.
func TestWrongRateFinds(t *testing.T) {
	plain := func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return vae.FromLogvar(m, s) }
	for name, c := range map[string]struct {
		variant vae.Variant
		want    string
	}{
		"right":           {vae.Variant{Head: plain, Floor: func() float64 { return 0.1 }}, ""},
		"a high floor":    {vae.Variant{Head: plain, Floor: func() float64 { return 50 }}, "the floor is 50 nats"},
		"a negative rate": {vae.Variant{Prior: scaled{by: -1}}, "the rate is -"},
		"MI above it":     {vae.Variant{Prior: scaled{by: 0.1}}, "nats above the rate"},
		"a high rate":     {vae.Variant{Prior: scaled{by: 1.1}}, "differs from the KL by -"},
		"a heavy density": {vae.Variant{Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			return heavy{vae.FromLogvar(m, s)}
		}}, "integrates to 2.0000 in"},
		"a heavy flow": {vae.Variant{Gives: vae.FlowFamily, Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			return heavy{vae.FromLogvar(m, s)}
		}}, "integrates to 1.99"},
	} {
		found := strings.Join(wrongRate(made(func(vae.Builder) vae.Variant { return c.variant })), "\n")
		if c.want == "" && found != "" || !strings.Contains(found, c.want) {
			t.Errorf("%s: want %q, found %s", name, c.want, found)
		}
	}
}
