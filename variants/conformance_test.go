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

const (
	testB = 7
	testD = 3
)

// A bench stands in for the model around a variant: raw encoder outputs m and s that are
// themselves learnt, and a "decoder" that wants z to be something else for every example.
type bench struct {
	params  *nn.Params
	variant vae.Variant
	m, s    *nn.Param
}

func newBench(method vae.Method) bench {
	ps := &nn.Params{Seed: 5}
	b := bench{params: ps, variant: method.Build(vae.Builder{Params: ps, D: testD})}
	b.m = ps.New("test.m", nn.Normal(1.5), testB, testD)
	b.s = ps.New("test.s", nn.Normal(0.7), testB, testD)
	// Off their starting points, learnt numbers have no accidental zero gradients.
	for _, p := range ps.Learnt()[:len(ps.Learnt())-2] {
		for j := range p.Data {
			p.Data[j] += Float(0.3 * float64(j+1))
		}
	}
	return b
}

// pass evaluates the loss and, if backward is asked, all gradients.
func (b bench) pass(train, backward bool) (loss float64, q vae.Gaussian, tape *grad.Tape) {
	tape = &grad.Tape{NoGrad: !backward}
	p := &nn.Pass{Tape: tape, Train: train, KLWeight: 0.7, Noise: rand.New(rand.NewPCG(9, 9))}
	model := vae.Model{Variant: b.variant}
	q = model.Head(p, p.Use(b.m), p.Use(b.s))
	z := q.Sample(p)
	want := tape.Zeros(testB, testD)
	for i := range want.Data {
		want.Data[i] = Float(math.Cos(float64(3 * i)))
	}
	rec := z.Sub(want).Square().RowSums().Neg()
	total := rec.Mean().Neg().Add(model.Penalty(p, q, z).Scale(p.KLWeight))
	if backward {
		b.params.ZeroGrad()
		total.Backward()
	}
	return total.Scalar(), q, tape
}

// kept is a copy of every number that is not learnt.
func (b bench) kept() string {
	var s strings.Builder
	for _, p := range b.params.All() {
		if p.Grad == nil {
			fmt.Fprintln(&s, p.Name, p.Data)
		}
	}
	return s.String()
}

// TestConformance holds every registered variant to the contract of the seams. A new file
// is tested by being there.
func TestConformance(t *testing.T) {
	for _, name := range Methods.Names() {
		t.Run(name, func(t *testing.T) {
			method, err := Methods.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			if doc := Methods.Doc(name); len(doc) < 20 {
				t.Errorf("the type's doc comment says only %q", doc)
			}
			b := newBench(method)
			for _, train := range []bool{true, false} {
				_, q, _ := b.pass(train, false)
				for part, v := range map[string]*grad.Value{"mu": q.Mu, "sigma": q.Sigma, "logvar": q.Logvar} {
					if v.Rows != testB || v.Cols != testD {
						t.Errorf("train %t: %s has shape %v, want (%d, %d)", train, part, v.Matrix, testB, testD)
					}
				}
				for i, s := range q.Sigma.Data {
					if got, want := float64(q.Logvar.Data[i]), math.Log(float64(s*s)); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
						t.Errorf("train %t: logvar %v, but ln sigma² is %v", train, got, want)
					}
				}
			}

			before := b.kept()
			b.pass(false, false)
			if after := b.kept(); after != before {
				t.Errorf("evaluation changed state:\n%s\nwas\n%s", after, before)
			}

			one, _, _ := newBench(method).pass(true, false)
			two, _, _ := newBench(method).pass(true, false)
			if one != two {
				t.Errorf("the same seed gave losses %v and %v", one, two)
			}

			b.pass(true, true)
			for _, p := range b.params.Learnt() {
				for j, g := range p.Grad {
					if g == 0 || g != g {
						t.Errorf("%s[%d] gets gradient %v: it would never train", p.Name, j, g)
					}
				}
			}
			checkGradients(t, b)
		})
	}
}

func checkGradients(t *testing.T, b bench) {
	h, tol := 1e-5, 1e-6
	if tensor.Bits == 32 {
		h, tol = 3e-3, 3e-2
	}
	grads := map[string][]Float{}
	b.pass(true, true)
	for _, p := range b.params.Learnt() {
		grads[p.Name] = append([]Float(nil), p.Grad...)
	}
	for _, p := range b.params.Learnt() {
		for j, x := range p.Data {
			p.Data[j] = x + Float(h)
			up, _, _ := b.pass(true, false)
			p.Data[j] = x - Float(h)
			down, _, _ := b.pass(true, false)
			p.Data[j] = x
			want := (up - down) / (2 * h)
			if got := float64(grads[p.Name][j]); math.Abs(got-want) > tol*(1+math.Abs(want)) {
				t.Errorf("%s[%d]: gradient %v, central difference %v", p.Name, j, got, want)
			}
		}
	}
}

func TestCheckRefusesTwoHeads(t *testing.T) {
	for _, c := range []struct {
		methods []vae.Method
		ok      bool
	}{
		{[]vae.Method{BN{Gamma: 0.5, Eps: 1e-5, Momentum: 0.1}, FreeBits{Lambda: 1, Mode: "dim"}}, true},
		{[]vae.Method{Vanilla{}, FreeBits{Lambda: 1, Mode: "total"}}, true},
		{[]vae.Method{BN{Gamma: 0.5}, LN{Gamma: 0.5}}, false},
		{[]vae.Method{BN{Gamma: 0.5}, BNScaler{Tau: 0.5}}, false},
	} {
		if _, err := Check(c.methods...); (err == nil) != c.ok {
			t.Errorf("%#v: error %v", c.methods, err)
		}
	}
}
