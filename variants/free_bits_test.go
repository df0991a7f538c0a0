package variants

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// modes are all modes of free bits, as the tag lists them.
func modes(t *testing.T) []string {
	t.Helper()
	field, ok := reflect.TypeOf(FreeBits{}).FieldByName("Mode")
	if !ok || field.Tag.Get("choice") == "" {
		t.Fatal("FreeBits.Mode has no choices")
	}
	return strings.Split(field.Tag.Get("choice"), "|")
}

// charge is the penalty of free bits for KLs, (B, D), and its gradient.
func charge(v FreeBits, kl [][]float64) (value Float, gradient []Float) {
	tape := &grad.Tape{}
	x, gradient := leaf(tape, kl)
	penalty := v.Build(vae.Builder{D: x.Cols}).Penalty(&nn.Pass{Tape: tape, Train: true}, &vae.Terms{KL: x})
	penalty.Backward()
	return penalty.Data[0], gradient
}

func TestGoldenFreeBits(t *testing.T) {
	var want struct {
		KL     [][]float64
		Lambda float64 `json:"lambda_"`
		Modes  map[string]struct {
			Value     float64
			Gradients [][]float64 `json:"dvalue_dkl"`
		}
		Small map[string]float64 `json:"lambda_small"`
		Tol   float64
	}
	golden(t, "free_bits.json", &want)
	name := map[string][2]string{ // in the file
		"dim": {"dim", "dim"}, "total": {"total", "total"}, "example-total": {"max_example", "max_example"},
		"mask-dim": {"li_fb2_mask_dim", "mask-dim"}, "mask-example": {"li_fb1_mask_example", "mask-example"},
		"mask-batch": {"li_fb3_mask_batch", "mask-batch"},
	}
	for _, mode := range modes(t) {
		expected, ok := want.Modes[name[mode][0]]
		small, also := want.Small[name[mode][1]]
		if !ok || !also {
			t.Errorf("%s: no golden figures", mode)
			continue
		}
		value, gradient := charge(FreeBits{Lambda: want.Lambda, Mode: mode}, want.KL)
		near(t, mode, []Float{value}, []float64{expected.Value}, want.Tol)
		near(t, mode+": gradient", gradient, flat(expected.Gradients), want.Tol)
		value, _ = charge(FreeBits{Lambda: want.Small["lambda_"], Mode: mode}, want.KL)
		near(t, mode+", small lambda", []Float{value}, []float64{small}, want.Tol)
	}
}

// TestTheoremFreeBits: with a lambda above all KLs the gradient is exactly 0, with one below all it is exactly that of
// the KL. A mask has the gradient of the max over the same KL, and below lambda the value 0. One example is its own batch.
func TestTheoremFreeBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, B := range []int{1, 4} {
		for range 20 {
			kl := make([][]float64, B)
			for i := range kl {
				for range 3 {
					kl[i] = append(kl[i], 0.1+0.9*rng.Float64())
				}
			}
			full, mean := 1/Float(B), 0.0
			for _, x := range flat(kl) {
				mean += x / float64(B)
			}
			for _, mode := range modes(t) {
				v := FreeBits{Lambda: 4, Mode: mode} // 4/3 a dimension
				value, gradient := charge(v, kl)
				near(t, mode+" below lambda", gradient, make([]float64, 3*B), 0)
				if want := map[bool]float64{true: 0, false: 4}[v.Masks()]; math.Abs(float64(value)-want) > 1e-6 {
					t.Errorf("%s, B %d: penalty %v below lambda, want %v", mode, B, value, want)
				}
				value, gradient = charge(FreeBits{Lambda: 0.2, Mode: mode}, kl)
				for _, g := range gradient {
					if g != full {
						t.Errorf("%s, B %d: gradient %v above lambda, want %v", mode, B, g, full)
					}
				}
				if math.Abs(float64(value)-mean) > 1e-6*mean {
					t.Errorf("%s, B %d: penalty %v above lambda, want the KL %v", mode, B, value, mean)
				}
			}
			pairs := [][2]string{{"total", "mask-batch"}, {"example-total", "mask-example"}}
			if B == 1 {
				pairs = append(pairs, [2]string{"total", "example-total"}, [2]string{"mask-batch", "mask-example"})
			}
			for _, pair := range pairs {
				a, one := charge(FreeBits{Lambda: 1.6, Mode: pair[0]}, kl)
				b, two := charge(FreeBits{Lambda: 1.6, Mode: pair[1]}, kl)
				if !slices.Equal(one, two) {
					t.Errorf("%v, B %d: gradients %v and %v", pair, B, one, two)
				}
				if same := strings.HasPrefix(pair[0], "mask") == strings.HasPrefix(pair[1], "mask"); same && math.Abs(float64(a-b)) > 1e-6 {
					t.Errorf("%v, one example: penalties %v and %v", pair, a, b)
				}
			}
		}
	}
}

// TestMaskIsStrict: a KL of exactly lambda is masked, and max(lambda, KL) is lambda.
func TestMaskIsStrict(t *testing.T) {
	for _, mode := range modes(t) {
		v := FreeBits{Lambda: 1, Mode: mode}
		value, gradient := charge(v, [][]float64{{0.5, 0.5}, {0.5, 0.5}})
		if want := map[bool]Float{true: 0, false: 1}[v.Masks()]; value != want || v.Masks() && gradient[0] != 0 {
			t.Errorf("%s: penalty %v with gradient %v, want %v", mode, value, gradient[0], want)
		}
	}
}

// TestFreeBitsOfOnePart: of a KL that is one number for each example, whatever D, all of lambda is that part's share.
func TestFreeBitsOfOnePart(t *testing.T) {
	for mode, want := range map[string]float64{"dim": 3, "mask-dim": 2} { // KL 1 and 4
		tape := &grad.Tape{}
		kl, _ := leaf(tape, [][]float64{{1}, {4}})
		v := FreeBits{Lambda: 3, Mode: mode}.Build(vae.Builder{D: 6})
		if got := v.Penalty(&nn.Pass{Tape: tape}, &vae.Terms{KL: kl}).Scalar(); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: penalty %v, want %v", mode, got, want)
		}
	}
}

// TestFreeBitsConformance: TestConformance tries the default only. At lambda 4 some of the KLs are below, some above.
func TestFreeBitsConformance(t *testing.T) {
	for _, mode := range modes(t) {
		for _, fault := range faults(FreeBits{Lambda: 4, Mode: mode}) {
			t.Errorf("%s: %s", mode, fault)
		}
	}
}

// TestIdleFreeBits: lambda is idle up to the bound that the posterior keeps, if each KL that the mode compares with lambda
// keeps its part of it. At theta = -40 the floor of the scalers is that bound; that of the others is the bound as built.
func TestIdleFreeBits(t *testing.T) {
	const D = 32
	all := "dim total example-total mask-dim mask-example mask-batch"
	for _, c := range []struct {
		method vae.Method
		idle   string // modes
	}{
		{BN{Gamma: 0.5}, "dim total mask-batch"}, {LN{Gamma: 0.5}, "total example-total mask-example mask-batch"},
		{DUVAE{Gamma: 0.5}, "total mask-batch"}, {BNScaler{Tau: 0.5}, "dim total mask-batch"}, {RMSScaler{Tau: 0.5}, "dim total mask-batch"}, {DeltaVAE{Delta: 0.15}, all},
	} {
		params := new(nn.Params)
		built := c.method.Build(vae.Builder{Params: params, D: D})
		for _, p := range params.All() {
			for i := range p.Data {
				if p.Name == "encoder.scaler.theta" {
					p.Data[i] = -40
				}
			}
		}
		floor := built.Floor()
		for _, mode := range modes(t) {
			for _, share := range []float64{0.5, 0.999, 1.001} {
				lambda, bound, idle := IdleFreeBits([]vae.Method{c.method, FreeBits{Lambda: share * floor, Mode: mode}}, D)
				if want := share < 1 && slices.Contains(strings.Fields(c.idle), mode); idle != want || lambda != share*floor || math.Abs(bound-floor) > 1e-5*floor {
					t.Errorf("%+v, %s, lambda %v: idle %v, bound %v; want %v, %v", c.method, mode, lambda, idle, bound, want, floor)
				}
			}
		}
	}
	for _, mode := range modes(t) { // at a lambda of the bound a max is the KL, a mask is 0
		bits := FreeBits{Lambda: 1, Mode: mode}
		if _, _, idle := IdleFreeBits([]vae.Method{DeltaVAE{Delta: 0.25}, bits}, 4); idle == bits.Masks() {
			t.Errorf("%s, lambda at the bound: idle %v", mode, idle)
		}
	}
	another := made(func(vae.Builder) vae.Variant { return vae.Variant{Prior: vae.Normal{}} })
	for _, methods := range [][]vae.Method{{BN{Gamma: 1}}, {BN{Gamma: 1}, another, FreeBits{Lambda: 1, Mode: "dim"}}, {FreeBits{Lambda: 1e-9, Mode: "total"}}, {Vanilla{}, FreeBits{Lambda: 1, Mode: "dim"}}} {
		if _, _, idle := IdleFreeBits(methods, D); idle {
			t.Errorf("%+v: idle", methods)
		}
	}
}
