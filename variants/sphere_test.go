package variants

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/sphere"
	"vaelab/internal/vae"
)

// spherical is q(z|x) of one example with given m.
func spherical(tape *grad.Tape, method vae.Method, m []float64) (q vae.Spherical, gradient []Float) {
	v, gradient := leaf(tape, [][]float64{m})
	return method.Build(vae.Builder{D: len(m)}).Head(&nn.Pass{Tape: tape}, v, nil).(vae.Spherical), gradient
}

// sharp compares numbers that are float64 whatever the engine's are.
func sharp(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*max(1, math.Abs(want))) {
		t.Errorf("%s: %v, want %v within %v", what, got, want, tol)
	}
}

// slope is the derivative by differences of fourth order.
func slope(x float64, f func(x float64) float64) float64 {
	const h = 0.01
	return (8*(f(x+h)-f(x-h)) - (f(x+2*h) - f(x-2*h))) / (12 * h)
}

// axis is e1 in D dimensions.
func axis(D int) []float64 {
	e1 := make([]float64, D)
	e1[0] = 1
	return e1
}

// TestGoldenVMF: the table of A, KL and density; what Wood's sampler proposes and accepts; z of a given draw.
func TestGoldenVMF(t *testing.T) {
	var want struct {
		Table []struct {
			D           int
			Kappa, A    float64
			KL          float64
			DKL         float64 `json:"dkl_dkappa"`
			LogC        float64 `json:"log_c"`
			LogC0       float64 `json:"log_c0"`
			KLOfTheCode float64 `json:"kl_of_the_bn_vae_code"`
		}
		Wood []struct {
			Beta, U, W float64
			Accepted   bool
		}
		Householder struct {
			Mu, V, Z []float64
			W        float64
		}
		Tol float64
	}
	golden(t, "vmf.json", &want)
	for _, c := range want.Table {
		law := sphere.NewVMF(c.D, c.Kappa)
		sharp(t, "A", law.Mean(), c.A, want.Tol)
		sharp(t, "KL", law.KL(), c.KL, want.Tol)
		sharp(t, "ln c", law.LogProb(0), c.LogC, want.Tol)
		sharp(t, "ln c of the uniform", -sphere.LogArea(c.D), c.LogC0, want.Tol)
		sharp(t, "dKL/dkappa", slope(c.Kappa, func(kappa float64) float64 { return sphere.NewVMF(c.D, kappa).KL() }), c.DKL, want.Tol)
		sharp(t, "the KL of public code", sphere.NewVMF(c.D+2, c.Kappa).KL(), c.KLOfTheCode, want.Tol)
		near(t, "floor", []Float{Float(VMF{Kappa: c.Kappa}.Build(vae.Builder{D: c.D}).Floor())}, []float64{c.KL}, want.Tol)
	}
	const D, kappa = 4, 10 // as the golden says
	for _, c := range want.Wood {
		w, logP := sphere.NewVMF(D, kappa).Propose(c.Beta)
		sharp(t, "w", w, c.W, want.Tol)
		if accepted := logP >= math.Log(c.U); accepted != c.Accepted {
			t.Errorf("beta %v, u %v: accepted %t, want %t", c.Beta, c.U, accepted, c.Accepted)
		}
	}
	h := want.Householder
	tape := &grad.Tape{}
	q, _ := spherical(tape, VMF{Kappa: kappa}, h.Mu)
	x := tape.Zeros(1, D)
	x.Data[0] = Float(h.W)
	for j, v := range h.V {
		x.Data[j+1] = Float(math.Sqrt(1-h.W*h.W) * v)
	}
	near(t, "z", q.Mu.Reflect(x).Data, h.Z, want.Tol)
	if len(want.Table) == 0 || len(want.Wood) == 0 {
		t.Error("no table, or no draws")
	}
}

func TestGoldenPowerSpherical(t *testing.T) {
	var want struct {
		Table []struct {
			D                  int
			Kappa, Entropy, KL float64
			LogNorm            float64 `json:"log_norm"`
			Mean               float64 `json:"mean_t"`
			DKL                float64 `json:"dkl_dkappa"`
		}
		Tol float64
	}
	golden(t, "power_spherical.json", &want)
	for _, c := range want.Table {
		law := sphere.NewPowerSpherical(c.D, c.Kappa)
		sharp(t, "ln c", law.LogProb(0), c.LogNorm, want.Tol)
		sharp(t, "E[t]", law.Mean(), c.Mean, want.Tol)
		sharp(t, "KL", law.KL(), c.KL, want.Tol)
		sharp(t, "entropy", sphere.LogArea(c.D)-law.KL(), c.Entropy, want.Tol)
		sharp(t, "dKL/dkappa", slope(c.Kappa, func(kappa float64) float64 { return sphere.NewPowerSpherical(c.D, kappa).KL() }), c.DKL, 1e-7) // psi is right to 1e-10
		near(t, "floor", []Float{Float(PowerSpherical{Kappa: c.Kappa}.Build(vae.Builder{D: c.D}).Floor())}, []float64{c.KL}, want.Tol)
	}
	if len(want.Table) == 0 {
		t.Error("no table")
	}
}

// TestGoldenKappaOfARate: the kappas whose KL is a round number of nats.
func TestGoldenKappaOfARate(t *testing.T) {
	var want struct {
		Rows []struct {
			D              int
			R              float64
			VMF            float64 `json:"vmf_kappa"`
			PowerSpherical float64 `json:"power_spherical_kappa"`
		}
	}
	golden(t, "knobs.json", &want)
	for _, c := range want.Rows {
		sharp(t, "vmf", sphere.NewVMF(c.D, c.VMF).KL(), c.R, 1e-9)
		sharp(t, "power-spherical", sphere.NewPowerSpherical(c.D, c.PowerSpherical).KL(), c.R, 1e-9)
	}
	if len(want.Rows) == 0 {
		t.Error("no rows")
	}
}

// spheres are methods from a low rate to a high one.
var spheres = map[string]vae.Method{
	"vmf 1": VMF{Kappa: 1}, "vmf 40": VMF{Kappa: 40}, "vmf 500": VMF{Kappa: 500},
	"power-spherical 1": PowerSpherical{Kappa: 1}, "power-spherical 40": PowerSpherical{Kappa: 40}, "power-spherical 500": PowerSpherical{Kappa: 500},
}

// TestSphereSamples: over many samples the mean of mu·z is E[t], and that of ln q - ln p is the KL. Each z has length 1.
func TestSphereSamples(t *testing.T) {
	const N = 4000
	for name, method := range spheres {
		for _, D := range []int{2, 3, 16} {
			tape := &grad.Tape{NoGrad: true}
			p := &nn.Pass{Tape: tape, Noise: rand.New(rand.NewPCG(1, uint64(D)))}
			variant := method.Build(vae.Builder{D: D})
			m := tape.Zeros(N, D)
			for i := range m.Data {
				m.Data[i] = Float(math.Cos(float64(i)))
			}
			q := variant.Head(p, m, nil).(vae.Spherical)
			z := q.Sample(p)
			logq, logp := q.LogProb(p, z), variant.Prior.LogProb(p, z, nil)
			var along, alongs, kl, kls float64
			for i := range N {
				var squares, dot float64
				for j, v := range z.Row(i) {
					squares += float64(v) * float64(v)
					dot += float64(v) * float64(q.Mu.Row(i)[j])
				}
				sharp(t, "|z|²", squares, 1, 1e-5)
				d := float64(logq.Data[i]) - float64(logp.Data[i])
				along, alongs, kl, kls = along+dot/N, alongs+dot*dot/N, kl+d/N, kls+d*d/N
			}
			for what, c := range map[string][3]float64{"E[mu·z]": {along, alongs, q.Law.Mean()}, "KL": {kl, kls, q.Law.KL()}} {
				if se := math.Sqrt(max(0, c[1]-c[0]*c[0]) / N); math.Abs(c[0]-c[2]) > 5*se+1e-4 {
					t.Errorf("%s, D %d: %s %v ± %v, want %v", name, D, what, c[0], se, c[2])
				}
			}
		}
	}
}

// TestSphereDensity: q has integral 1 over the circle and over the sphere, whatever mu, and the uniform prior as well.
func TestSphereDensity(t *testing.T) {
	const steps = 4000
	for name, method := range spheres {
		tape := &grad.Tape{}
		two, _ := spherical(tape, method, []float64{-0.6, 2})
		three, _ := spherical(tape, method, []float64{0.3, -0.2, 0.5})
		var circle, ball, flat float64
		prior := vae.UniformSphere{D: 3}.Density(nil, nil)(0)
		for i := range steps {
			a := 2 * math.Pi * float64(i) / steps
			circle += 2 * math.Pi / steps * math.Exp(two.Density(0).LogProb([]float64{math.Cos(a), math.Sin(a)}))
		}
		const bands = 400 // of equal height, and so of equal area
		for i := range bands {
			h := -1 + (2*float64(i)+1)/bands
			for k := range bands {
				a := 2 * math.Pi * float64(k) / bands
				r := math.Sqrt(1 - h*h)
				z := []float64{r * math.Cos(a), r * math.Sin(a), h}
				ball += 4 * math.Pi / bands / bands * math.Exp(three.Density(0).LogProb(z))
				flat += 4 * math.Pi / bands / bands * math.Exp(prior.LogProb(z))
			}
		}
		sharp(t, name+" on a circle", circle, 1, 1e-4) // mu is rounded
		sharp(t, name+" on a sphere", ball, 1, 1e-3)
		sharp(t, "uniform", flat, 1, 1e-9)
	}
}

// TestTheoremConstantRate: the KL is the same for every m, and has no gradient.
func TestTheoremConstantRate(t *testing.T) {
	for name, method := range spheres {
		tape := &grad.Tape{}
		m, gradient := leaf(tape, [][]float64{{1, 2, 3}, {-1e6, 1, 0}, {0, 0, 1e-9}, {0, 0, 0}})
		variant := method.Build(vae.Builder{D: 3})
		p := &nn.Pass{Tape: tape, Noise: rand.New(rand.NewPCG(1, 2))}
		q := variant.Head(p, m, nil)
		kl := variant.Prior.KL(p, q, nil, nil)
		for _, nats := range kl.Data {
			near(t, name, []Float{nats}, []float64{variant.Floor()}, 1e-7)
		}
		kl.Sum().Backward()
		if !slices.Equal(gradient, make([]Float, len(gradient))) {
			t.Errorf("%s: the KL has the gradient %v", name, gradient)
		}
	}
}

// TestSphereEdges: an m of 0 and one along e1 or against it have samples on the sphere, with mu·z as drawn, and finite
// gradients.
func TestSphereEdges(t *testing.T) {
	method := VMF{Kappa: 30}
	for name, m := range map[string][]float64{
		"zero": {0, 0, 0, 0}, "e1": {2, 0, 0, 0}, "nearly e1": {1, 1e-7, 0, 0}, "near e1": {1, 1e-4, -1e-4, 0}, "-e1": {-3, 0, 0, 0},
		"nearly -e1": {-1, 1e-6, 0, 0}, "tiny": {0, 1e-10, 0, 1e-10}, "huge": {1e15, 0, -1e15, 0},
	} {
		tape := &grad.Tape{}
		q, gradient := spherical(tape, method, m)
		noise := rand.New(rand.NewPCG(3, 4))
		x := make([]float64, 4)
		sphere.Draw(q.Law, rand.New(rand.NewPCG(3, 4)), x)
		z := q.Sample(&nn.Pass{Tape: tape, Noise: noise})
		var dot, squares float64
		for j, v := range z.Data {
			dot += float64(v) * float64(q.Mu.Data[j])
			squares += float64(v) * float64(v)
		}
		sharp(t, name+": |z|²", squares, 1, 1e-6)
		sharp(t, name+": mu·z", dot, x[0], 2e-6)
		z.Mask([]Float{1, 2, 3, 4}).Sum().Backward()
		for _, g := range gradient {
			if g-g != 0 {
				t.Errorf("%s: gradient %v", name, gradient)
			}
		}
		if name == "zero" && (q.Mu.Data[0] != 1 || !slices.Equal(gradient, make([]Float, 4))) {
			t.Errorf("without a direction mu is %v, the gradient %v", q.Mu.Data, gradient)
		}
	}
	tape := &grad.Tape{}
	q, _ := spherical(tape, method, axis(5))
	if got := q.Sample(&nn.Pass{Tape: tape}); got != q.Mu {
		t.Errorf("without noise z is %v", got)
	}
	near(t, "E[z]", q.Mean().Data, []float64{q.Law.Mean(), 0, 0, 0, 0}, 1e-7)
}

// TestSphereCombines: what charges or weighs a constant KL is refused, and so is a second prior; what does not, goes.
func TestSphereCombines(t *testing.T) {
	mixed := made(func(vae.Builder) vae.Variant { return vae.Variant{Prior: vae.Normal{}} })
	beyond := made(func(vae.Builder) vae.Variant {
		return vae.Variant{BeyondKL: true, Penalty: func(_ *nn.Pass, t *vae.Terms) *grad.Value { return t.Z.Square().Mean() }}
	})
	for _, c := range []struct {
		other vae.Method
		want  string // "" if they go together
	}{
		{FreeBits{Lambda: 1, Mode: "total"}, " makes posteriors of constant KL, so free-bits, which charges the KL, has no effect; leave one of them out"},
		{MAE{Eta: 1}, " makes posteriors of the family sphere, and mae needs those of the family gaussian; choose another head or leave mae out"},
		{Capacity{C: 1, Gamma: 1}, " makes posteriors of constant KL, so capacity, which charges the KL, has no effect; leave one of them out"},
		{ControlVAE{C: 1, Ki: 1}, " makes posteriors of constant KL, so the KL weight that control-vae sets has no effect; leave one of them out"},
		{GECO{Kappa: 1, Nu: 1}, "so the KL weight that geco sets has no effect"},
		{InfoVAE{Alpha: 0.5, MMD: 1, Kernel: "imq"}, "so info-vae, which charges the KL, has no effect"},
		{InfoVAE{MMD: 1, Kernel: "imq"}, ""},
		{mixed, "both act on the prior (each brings the prior p(z)), so one of them would have no effect; write two entries of the grid"},
		{BN{Gamma: 1}, "both act on the head"},
		{beyond, ""},
		{Vanilla{}, ""},
	} {
		for _, methods := range [][]vae.Method{{VMF{Kappa: 5}, c.other}, {c.other, PowerSpherical{Kappa: 5}}} {
			v, err := Check(methods...)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%#v: %v", methods, err)
			case c.want == "":
				if v.Floor == nil || v.IdleWeight() != (v.Penalty == nil) {
					t.Errorf("%#v: floor %t, idle weight %t", methods, v.Floor != nil, v.IdleWeight())
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("%#v: error %v, want %s", methods, err, c.want)
			}
		}
	}
}

// TestDefaultKappas: the rates that the doc comments state.
func TestDefaultKappas(t *testing.T) {
	for _, c := range []struct {
		method  vae.Method
		D       int
		nats    float64
		comment string
	}{
		{VMF{Kappa: 20}, 32, 4.2, "vmf"}, {VMF{Kappa: 20}, 8, 4.6, "vmf"},
		{PowerSpherical{Kappa: 30}, 32, 4.4, "power-spherical"}, {PowerSpherical{Kappa: 30}, 8, 4.0, "power-spherical"},
	} {
		sharp(t, c.comment, c.method.Build(vae.Builder{D: c.D}).Floor(), c.nats, 0.05)
	}
	for _, name := range []string{"vmf", "power-spherical"} {
		if method, _ := Methods.Get(name); method != (VMF{Kappa: 20}) && method != (PowerSpherical{Kappa: 30}) {
			t.Errorf("%s has other defaults: %+v", name, method)
		}
	}
}
