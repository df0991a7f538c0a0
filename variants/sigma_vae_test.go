package variants

import (
	"math"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// given is a mean that is given, whatever z.
func given(mean *grad.Value) func(*nn.Pass, *grad.Value) *grad.Value {
	return func(*nn.Pass, *grad.Value) *grad.Value { return mean }
}

// vectorsOf is a decoder of vectors with the noise of a variant, and a batch.
func vectorsOf(t *testing.T, v vae.Variant, mean *grad.Value, x [][]float64) (vae.Decoder, *vae.Batch) {
	t.Helper()
	rows := make([][]float32, len(x))
	for i, row := range x {
		for _, n := range row {
			rows[i] = append(rows[i], float32(n))
		}
	}
	d, err := v.Decode(vae.Vectors{Mean: given(mean), Variance: 1})
	if err != nil {
		t.Fatal(err)
	}
	batch := vae.NewGrid(rows, nil, false)
	for i, n := range flat(x) { // not rounded to float32
		batch.Values.Data[i] = Float(n)
	}
	return d, batch
}

// goldenSigma are the figures of a batch.
type goldenSigma struct {
	X           [][]float64
	XHat        [][]float64 `json:"x_hat"`
	Sigma2      float64
	NLL, Closed float64
	DNLL        [][]float64
	DNLLFixed   [][]float64 `json:"dnll_fixed_sigma"`
	Softclip    []struct {
		LogSigma float64 `json:"log_sigma"`
		Clipped  float64
	}
	Tol float64
}

// TestGoldenSigma: the optimal s², the NLL and its gradient in the means, which is that of the same s² held fixed (the
// envelope theorem); and the soft clip of the learnt ln s.
func TestGoldenSigma(t *testing.T) {
	var want goldenSigma
	golden(t, "sigma_vae.json", &want)
	nll := func(v vae.Variant, fixed float64) (value, d []Float) {
		tape := &grad.Tape{}
		mean, d := leaf(tape, want.XHat)
		decoder, x := vectorsOf(t, v, mean, want.X)
		if fixed > 0 {
			decoder = vae.Vectors{Mean: given(mean), Variance: fixed}
		}
		loss := decoder.LogProb(&nn.Pass{Tape: tape, Train: true}, nil, x).Mean().Neg()
		loss.Backward()
		return loss.Data, d
	}
	ps := &nn.Params{}
	v := SigmaVAE{Sigma: "optimal"}.Build(vae.Builder{Params: ps})
	value, d := nll(v, 0)
	near(t, "NLL", value, []float64{want.NLL}, want.Tol)
	near(t, "P/2 (1 + ln 2 pi s²)", value, []float64{want.Closed}, want.Tol)
	near(t, "dNLL", d, flat(want.DNLL), 1e1*want.Tol)
	value, d = nll(v, want.Sigma2)
	near(t, "NLL at s²", value, []float64{want.NLL}, want.Tol)
	near(t, "dNLL at a fixed s²", d, flat(want.DNLLFixed), want.Tol)
	near(t, "s²", []Float{Float(frozen(ps.Get("decoder.sigma.running").Data))}, []float64{want.Sigma2}, want.Tol)

	for _, c := range want.Softclip {
		ps := &nn.Params{}
		v := SigmaVAE{Sigma: "learnt"}.Build(vae.Builder{Params: ps})
		ps.Get("decoder.sigma.log").Data[0] = Float(c.LogSigma)
		logvar := v.Noise(&nn.Pass{Tape: &grad.Tape{}}, nil)
		near(t, "ln s", []Float{logvar.Data[0] / 2}, []float64{c.Clipped}, want.Tol)
	}
	if len(want.Softclip) == 0 {
		t.Error("no soft clips")
	}
}

// TestSigmaFrozen: an evaluation has the s² of training steps, whatever its examples; before any step it is 1, after one that of
// this step, and then a mean with weight 0.1 for the last. Passes within a step move nothing.
func TestSigmaFrozen(t *testing.T) {
	ps := &nn.Params{}
	v := SigmaVAE{Sigma: "optimal"}.Build(vae.Builder{Params: ps})
	logp := func(x float64, p nn.Pass) float64 {
		p.Tape = &grad.Tape{NoGrad: true}
		decoder, batch := vectorsOf(t, v, p.Tape.Zeros(1, 2), [][]float64{{x, -x}})
		return decoder.LogProb(&p, nil, batch).Scalar()
	}
	want := func(x, s2 float64) float64 { return -x*x/s2 - math.Log(2*math.Pi*s2) }
	check := func(when string, s2 float64) {
		t.Helper()
		for _, x := range []float64{0.1, 3} {
			before := slices.Clone(ps.Get("decoder.sigma.running").Data)
			if got, want := logp(x, nn.Pass{}), want(x, s2); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				t.Errorf("%s: ln p(%v) is %v, want %v", when, x, got, want)
			}
			for _, still := range []nn.Pass{{BatchStats: true}, {Train: true, Inner: true}} {
				if got, want := logp(x, still), want(x, x*x); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
					t.Errorf("%s: ln p(%v) under the batch's own s² is %v, want %v", when, x, got, want)
				}
			}
			if after := ps.Get("decoder.sigma.running").Data; !slices.Equal(before, after) {
				t.Errorf("%s: %v has moved to %v", when, before, after)
			}
		}
	}
	check("before any step", 1)
	logp(2, nn.Pass{Train: true})
	check("after a step", 4)
	logp(1, nn.Pass{Train: true})
	check("after two", (0.9*0.1*4+0.1*1)/(0.9*0.1+0.1))
	for range 400 {
		logp(0, nn.Pass{Train: true})
	}
	check("of equal vectors", math.Exp(-12))
	if got := logp(0, nn.Pass{Train: true}); math.Abs(got-want(0, math.Exp(-12))) > 1e-3 {
		t.Errorf("a batch without residuals has ln p %v, want that of the least s², %v", got, want(0, math.Exp(-12)))
	}
}

// TestSigmaMovesOnce: a step moves the running s² once, though the steps of sa-vae decode within it.
func TestSigmaMovesOnce(t *testing.T) {
	for _, mode := range []string{"through", "cheap"} {
		b := newBench(combination{SigmaVAE{Sigma: "optimal"}, SAVAE{Steps: 3, LR: 0.1, Mode: mode}}, 0)
		b.pass(true, true)
		running := b.params.Get("decoder.sigma.running").Data
		if math.Abs(float64(running[1])-0.1) > 1e-6 {
			t.Errorf("%s: the weight of the first step is %v, want 0.1", mode, running[1])
		}
	}
}

// TestSigmaConformance: TestConformance tries optimal only.
func TestSigmaConformance(t *testing.T) {
	for _, methods := range []combination{
		{SigmaVAE{Sigma: "learnt"}},
		{SigmaVAE{Sigma: "learnt"}, IWAE{K: 2, Gradient: "stl"}},
		{SigmaVAE{Sigma: "optimal"}, IWAE{K: 2, Gradient: "stl"}},
	} {
		for _, fault := range faultsOf(methods, 1) {
			t.Errorf("%+v: %s", methods, fault)
		}
	}
}
