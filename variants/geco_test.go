package variants

import (
	"math"
	"testing"

	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// geco builds the method.
func geco(method GECO) vae.Weigher {
	return method.Build(vae.Builder{Params: new(nn.Params), D: 1}).Weigher
}

// TestGoldenGECO: lambda, one over the weight, after each reconstruction of a sequence.
func TestGoldenGECO(t *testing.T) {
	var want struct {
		GECO struct {
			Rec              []float64
			Kappa, Alpha, LR float64
			Lambda           []float64 `json:"lambda_"`
		}
		Tol float64
	}
	golden(t, "controllers.json", &want)
	g := want.GECO
	if len(g.Rec) == 0 || len(g.Rec) != len(g.Lambda) {
		t.Fatalf("%d reconstructions, %d lambda", len(g.Rec), len(g.Lambda))
	}
	weigher := geco(GECO{Kappa: g.Kappa, Alpha: g.Alpha, Nu: g.LR, Most: 100})
	if first := weigher.Weight(0, 1); first != 1 {
		t.Errorf("the first weight is %v", first)
	}
	for k, rec := range g.Rec {
		weigher.Saw(0, rec)
		if got := 1 / weigher.Weight(k, 1); !(math.Abs(got-g.Lambda[k]) <= want.Tol*g.Lambda[k]) {
			t.Errorf("step %d: lambda %v, want %v", k, got, g.Lambda[k])
		}
	}
}

// TestGECO: with kappa out of reach the weight stays at a limit and leaves it with the first step that allows it; and steps
// far below the spacing of float32 add up.
func TestGECO(t *testing.T) {
	for _, c := range []struct{ rec, limit float64 }{{50, 1e-3}, {-50, 1e3}} {
		weigher := geco(GECO{Kappa: 0, Nu: 0.1, Most: 1000})
		for range 100 {
			weigher.Saw(0, c.rec)
		}
		at := weigher.Weight(0, 1)
		weigher.Saw(0, -c.rec/50)
		want := at * math.Exp(0.1*c.rec/50)
		if left := weigher.Weight(0, 1); math.Abs(at/c.limit-1) > 1e-9 || math.Abs(left/want-1) > 1e-9 {
			t.Errorf("rec %v: weight %v and then %v, want %v and %v", c.rec, at, left, c.limit, want)
		}
	}
	const steps, nu = 1000, 1e-9
	weigher := geco(GECO{Kappa: 4, Nu: nu, Most: 10})
	for range steps {
		weigher.Saw(0, 5)
	}
	if got := -math.Log(weigher.Weight(0, 1)); math.Abs(got-steps*nu) > 1e-10 {
		t.Errorf("ln lambda is %v, want %v", got, steps*nu)
	}
	if got := weigher.Final(7); got != 1e9 {
		t.Errorf("evaluations count from step %d", got)
	}
}
