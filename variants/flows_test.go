package variants

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// triangle fills a layer's numbers with those of a strictly lower triangular matrix.
func triangle(w *nn.Param, rows [][]float64) {
	k := 0
	for i, row := range rows {
		for _, x := range row[:i] {
			w.Data[k] = Float(x)
			k++
		}
	}
}

// TestGoldenFlows: a coupling and an inverse autoregressive layer with their log-determinants, and ln q of the latter.
func TestGoldenFlows(t *testing.T) {
	var want struct {
		What     string
		Z        [][]float64
		Coupling struct {
			Y      [][]float64
			LogDet []float64
		}
		IAF struct {
			MW, SW, Z [][]float64
			LogDet    []float64
			LogQ      []float64 `json:"log_q"`
		}
		Tol float64
	}
	var batch struct{ Mu, Logvar [][]float64 }
	golden(t, "flows.json", &want)
	golden(t, "batch.json", &batch)
	var s1, s2, t1, t2, shift float64
	var split int
	if _, err := fmt.Sscanf(want.What, "coupling: y=(a, b exp(s)+t), s=tanh(%f a1%f a2), t=%f a1%f a2, a=z[:%d]; IAF: z_new=sg z+(1-sg) m, m=z MW^T, sg=sigmoid(z SW^T+%f)",
		&s1, &s2, &t1, &t2, &split, &shift); err != nil {
		t.Fatal(err)
	}
	tape := &grad.Tape{NoGrad: true}
	p := &nn.Pass{Tape: tape}
	z, _ := leaf(tape, want.Z)
	coupling := vae.Coupling{Split: split, Net: func(_ *nn.Pass, a *grad.Value) (s, t *grad.Value) {
		row := func(x, y float64) *grad.Value { v, _ := leaf(tape, [][]float64{{x, y}}); return v }
		return a.MatMulT(row(s1, s2)).Tanh(), a.MatMulT(row(t1, t2))
	}}
	y, logdet := coupling.Apply(p, z)
	near(t, "coupling", y.Data, flat(want.Coupling.Y), want.Tol)
	near(t, "its log-determinant", logdet.Data, want.Coupling.LogDet, want.Tol)
	near(t, "its inverse", coupling.Inverse(p, y).Data, flat(want.Z), want.Tol)

	D := len(want.Z[0])
	layer := vae.NewIAFLayer(&nn.Params{}, "encoder.iaf.0", D, false)
	triangle(layer.M, want.IAF.MW)
	triangle(layer.S, want.IAF.SW)
	context := tape.Zeros(z.Rows, 2*D)
	next, logdet := layer.Apply(p, z, context)
	near(t, "IAF", next.Data, flat(want.IAF.Z), want.Tol)
	near(t, "its log-determinant", logdet.Data, want.IAF.LogDet, want.Tol)
	near(t, "its inverse", layer.Inverse(p, next, context).Data, flat(want.Z), want.Tol)

	first := func(rows [][]float64) *grad.Value {
		v, _ := leaf(tape, rows)
		return v.Columns(0, D)
	}
	q := vae.NewIAF(p, vae.FromLogvar(first(batch.Mu), first(batch.Logvar)), []vae.IAFLayer{layer}, context)
	near(t, "ln q", q.LogProb(p, next).Data, want.IAF.LogQ, want.Tol)
	for i, row := range want.IAF.Z {
		near(t, "ln q off the tape", []Float{Float(q.Density(i).LogProb(row))}, want.IAF.LogQ[i:i+1], want.Tol)
	}
}

// flows are a flow prior and an IAF of D dimensions and two examples, with weights of some size.
func flows(D int, size float64) (prior *vae.Flow, q func(p *nn.Pass) *vae.IAF) {
	ps := &nn.Params{Seed: 4}
	b := vae.Builder{Params: ps, D: D}
	prior, head := FlowPrior{Layers: 3, Hidden: 5}.Build(b).Prior.(*vae.Flow), IAF{Layers: 3}.Build(b).Head
	rng := rand.New(rand.NewPCG(8, 9))
	for _, p := range ps.Learnt() {
		for j := range p.Data {
			p.Data[j] = Float(size * rng.NormFloat64())
		}
	}
	raw := [2][][]float64{}
	for k := range raw {
		for i := range 2 {
			raw[k] = append(raw[k], nil)
			for range D {
				raw[k][i] = append(raw[k][i], rng.NormFloat64())
			}
		}
	}
	return prior, func(p *nn.Pass) *vae.IAF {
		m, _ := leaf(p.Tape, raw[0])
		s, _ := leaf(p.Tape, raw[1])
		return head(p, m, s).(*vae.IAF)
	}
}

// TestTheoremFlows: each layer has an inverse, and the logarithm of the determinant that it gives is that of its Jacobian.
// The Jacobian of an IAF layer is triangular.
func TestTheoremFlows(t *testing.T) {
	tol := 1e-8
	if tensor.Bits == 32 {
		tol = 1e-4
	}
	logdet := func(J [][]float64) float64 {
		l, _ := mat.LogDet(mat.NewDense(len(J), len(J), flat(J)))
		return l
	}
	for _, D := range []int{2, 3, 5} {
		prior, posterior := flows(D, 0.6)
		var z []float64
		rng := rand.New(rand.NewPCG(1, uint64(D)))
		for range D {
			z = append(z, 1.5*rng.NormFloat64())
		}
		check := func(name string, apply func(p *nn.Pass, z *grad.Value) (y, logdet *grad.Value), inverse func(p *nn.Pass, y *grad.Value) *grad.Value) [][]float64 {
			t.Helper()
			p := &nn.Pass{Tape: &grad.Tape{}}
			v, _ := leaf(p.Tape, [][]float64{z})
			y, got := apply(p, v)
			J := jacobian(z, func(p *nn.Pass, z *grad.Value) *grad.Value { y, _ := apply(p, z); return y })
			if want := logdet(J); math.Abs(got.Scalar()-want) > tol*(1+math.Abs(want)) {
				t.Errorf("%s of %d: ln |det| %v, of the Jacobian %v", name, D, got.Scalar(), want)
			}
			near(t, name+": inverse", inverse(p, y).Data, z, tol)
			return J
		}
		for k, c := range prior.Couplings {
			check(fmt.Sprintf("coupling %d", k), c.Apply, c.Inverse)
		}
		for k, l := range posterior(&nn.Pass{Tape: &grad.Tape{}}).Layers {
			context := func(p *nn.Pass) *grad.Value { return posterior(p).Context.Columns(2*D*k, 2*D*(k+1)).Gather([]int{0}) }
			J := check(fmt.Sprintf("IAF layer %d", k), func(p *nn.Pass, z *grad.Value) (y, logdet *grad.Value) { return l.Apply(p, z, context(p)) },
				func(p *nn.Pass, y *grad.Value) *grad.Value { return l.Inverse(p, y, context(p)) })
			for i := range D {
				for j := range D {
					if before := j > i; i != j && before != l.Upper && J[i][j] != 0 || i != j && before == l.Upper && J[i][j] == 0 {
						t.Errorf("IAF layer %d of %d, upper %t: dz'_%d/dz_%d is %v", k, D, l.Upper, i, j, J[i][j])
					}
				}
			}
		}
	}
}

// TestFlowDensities: ln p(z) of a flow is that by the Jacobian of the whole map; its draws are taken to N(0, I) by the map.
// A draw of q has the density that its sample says, also in gradient, and ln q of a given z is the same on the tape and off it.
func TestFlowDensities(t *testing.T) {
	const D, n = 3, 1500
	prior, posterior := flows(D, 0.5)
	density := prior.Density(nil, nil)(0)
	noise, z := rand.New(rand.NewPCG(2, 2)), make([]float64, D)
	var mean, square [D]float64
	for range n {
		density.Draw(noise, z)
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
		v, _ := leaf(p.Tape, [][]float64{z})
		logp := -1.5 * math.Log(2*math.Pi)
		for _, c := range prior.Couplings {
			var logdet *grad.Value
			v, logdet = c.Apply(p, v)
			logp += logdet.Scalar()
		}
		for j, u := range v.Data {
			mean[j] += float64(u) / n
			square[j] += float64(u*u) / n
			logp -= float64(u*u) / 2
		}
		if got := density.LogProb(z); math.Abs(got-logp) > 1e-4*(1+math.Abs(logp)) {
			t.Fatalf("ln p(%v) is %v, want %v", z, got, logp)
		}
	}
	for j := range D {
		if math.Abs(mean[j]) > 5/math.Sqrt(n) || math.Abs(square[j]-1) > 5*math.Sqrt(2./n) {
			t.Errorf("f takes draws to mean %v and second moment %v, want 0 and 1", mean[j], square[j])
		}
	}

	p := &nn.Pass{Tape: &grad.Tape{}, Noise: rand.New(rand.NewPCG(3, 3))}
	q := posterior(p)
	sample := q.Sample(p)
	own, given := q.LogProb(p, sample), q.LogProb(p, sample.Scale(1))
	near(t, "ln q of a sample as of a given z", own.Data, float64Of(given.Data), 1e-4)
	for i := range 2 {
		row := float64Of(sample.Row(i))
		near(t, "ln q off the tape", []Float{Float(q.Density(i).LogProb(row))}, float64Of(own.Data[i:i+1]), 1e-4)
		for j := range D { // the slope of ln q in z, by the inverse
			h := 1e-3
			up, down := append([]float64(nil), row...), append([]float64(nil), row...)
			up[j] += h
			down[j] -= h
			want := (q.Density(i).LogProb(up) - q.Density(i).LogProb(down)) / (2 * h)
			tape := &grad.Tape{}
			at, gradient := leaf(tape, [][]float64{row, row})
			pass := &nn.Pass{Tape: tape}
			posterior(pass).LogProb(pass, at).Gather([]int{i}).Backward()
			if got := float64(gradient[i*D+j]); math.Abs(got-want) > 2e-2*(1+math.Abs(want)) {
				t.Errorf("d ln q/d z_%d is %v, by differences %v", j, got, want)
			}
		}
	}
}

// float64Of are the same numbers.
func float64Of(x []Float) (y []float64) {
	for _, v := range x {
		y = append(y, float64(v))
	}
	return y
}

// TestFlowPriorBegins: before training p(z) is N(0, I), in density and in the rate of every sample.
func TestFlowPriorBegins(t *testing.T) {
	prior := FlowPrior{Layers: 4, Hidden: 8}.Build(vae.Builder{Params: &nn.Params{Seed: 2}, D: 5}).Prior
	z := []float64{1, -2, 0.5, 3, -0.1}
	if got, want := prior.Density(nil, nil)(0).LogProb(z), (vae.Normal{}).Density(nil, nil)(0).LogProb(z); math.Abs(got-want) > 1e-5 {
		t.Errorf("ln p(z) is %v, of N(0, I) %v", got, want)
	}
}

// TestFlowsCombine: what reads mu and sigma, or measures z against N(0, I), is refused in a line that says so.
func TestFlowsCombine(t *testing.T) {
	for _, c := range []struct {
		methods []vae.Method
		want    string
	}{
		{[]vae.Method{IAF{Layers: 1}, MAE{Eta: 1}}, "iaf makes posteriors of the family flow, and mae needs those of the family gaussian; choose another head or leave mae out"},
		{[]vae.Method{IAF{Layers: 1}, BN{Gamma: 1}}, "both act on the head"},
		{[]vae.Method{FlowPrior{Layers: 1, Hidden: 1}, TC{Estimator: "mss"}}, "flow-prior brings a prior, and tc measures z against N(0, I)"},
		{[]vae.Method{FlowPrior{Layers: 1, Hidden: 1}, VMF{Kappa: 1}}, "both act on the prior"},
		{[]vae.Method{FlowPrior{Layers: 1, Hidden: 1}, IAF{Layers: 1}, FreeBits{Lambda: 1, Mode: "total"}}, ""},
		{[]vae.Method{FlowPrior{Layers: 1, Hidden: 1}, BN{Gamma: 1}}, ""},
	} {
		v, err := Check(c.methods...)
		if c.want == "" && (err != nil || v.Parts(7) != 1 || v.Floor != nil) {
			t.Errorf("%+v: %v, %d parts, a floor %t", c.methods, err, v.Parts(7), v.Floor != nil)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %s", c.methods, err, c.want)
		}
	}
	for _, m := range []vae.Method{IAF{Layers: 1}, FlowPrior{Layers: 1, Hidden: 1}} {
		if Fits([]vae.Method{m}, 1) == nil || Fits([]vae.Method{m}, 2) != nil {
			t.Errorf("%T fits one dimension, or not two", m)
		}
	}
}
