package variants

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

var goldens = flag.String("goldens", "testdata", "read the golden figures from this folder")

// golden reads the inputs, settings and expected figures of a method.
func golden(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(*goldens, name))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// near compares numbers with golden ones at the golden's tolerance. The figures are float64; in float32 a number of size
// 1 differs by about 1e-6 after a few operations, so no tolerance below that can be met there.
func near(t *testing.T, what string, got []Float, want []float64, tol float64) {
	t.Helper()
	if tensor.Bits == 32 {
		tol = max(tol, 1e-6)
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i, x := range got {
		if !(math.Abs(float64(x)-want[i]) <= tol*max(1, math.Abs(want[i]))) {
			t.Errorf("%s[%d]: %v, want %v within %v", what, i, x, want[i], tol)
		}
	}
}

// flat is a matrix row by row.
func flat(rows [][]float64) (all []float64) {
	for _, row := range rows {
		all = append(all, row...)
	}
	return all
}

// leaf is a matrix on the tape, with the place of its gradient.
func leaf(tape *grad.Tape, rows [][]float64) (v *grad.Value, gradient []Float) {
	m := tensor.New(len(rows), len(rows[0]))
	for i, x := range flat(rows) {
		m.Data[i] = Float(x)
	}
	gradient = make([]Float, len(m.Data))
	return tape.Leaf(m, gradient), gradient
}

func TestGoldenDelta(t *testing.T) {
	var want struct {
		Delta      float64
		M, S       [][]float64
		Mu, Sigma  [][]float64
		Logvar, KL [][]float64
		DKLdM      [][]float64 `json:"dkl_dm"`
		DKLdS      [][]float64 `json:"dkl_ds"`
		Tol        float64
		Roots      []struct {
			Delta float64
			Sigma [2]float64
		}
	}
	golden(t, "delta_vae.json", &want)
	D := len(want.M[0])
	variant := DeltaVAE{Delta: want.Delta}.Build(vae.Builder{D: D})
	tape := &grad.Tape{}
	m, dm := leaf(tape, want.M)
	s, ds := leaf(tape, want.S)
	q := variant.Head(&nn.Pass{Tape: tape, Train: true}, m, s).(vae.Gaussian)
	kl := q.KL()
	near(t, "mu", q.Mu.Data, flat(want.Mu), want.Tol)
	near(t, "sigma", q.Sigma.Data, flat(want.Sigma), want.Tol)
	near(t, "logvar", q.Logvar.Data, flat(want.Logvar), want.Tol)
	near(t, "KL", kl.Data, flat(want.KL), want.Tol)
	kl.Sum().Backward()
	near(t, "dKL/dm", dm, flat(want.DKLdM), want.Tol)
	near(t, "dKL/ds", ds, flat(want.DKLdS), want.Tol)
	near(t, "floor", []Float{Float(variant.Floor())}, []float64{float64(D) * want.Delta}, want.Tol)
	if len(want.Roots) == 0 {
		t.Error("no roots")
	}
	for _, r := range want.Roots { // the ends of the range of sigma, where the sigmoid is 0 and 1
		q, _ := posterior(DeltaVAE{Delta: r.Delta}, 1, 2, func(_, j int) (float64, float64) { return 0, float64(2*j-1) * 200 }, nil)
		near(t, "roots", q.Sigma.Data, r.Sigma[:], want.Tol)
	}
}
