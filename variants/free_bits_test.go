package variants

import (
	"math"
	"testing"

	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestIdleFreeBits: lambda is idle up to the bound that the posterior keeps, and in mode dim only where each dimension
// has its part of it. At theta = -40 the floor of the scalers is that bound; that of bn and ln is the bound as built.
func TestIdleFreeBits(t *testing.T) {
	const D = 32
	for _, c := range []struct {
		method vae.Method
		dim    bool // idle in mode dim
	}{{BN{Gamma: 0.5}, true}, {LN{Gamma: 0.5}, false}, {DeltaVAE{Delta: 0.15}, true}, {BNScaler{Tau: 0.5}, true}, {RMSScaler{Tau: 0.5}, true}} {
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
		for _, mode := range []string{"dim", "total"} {
			for _, share := range []float64{0.5, 0.999, 1.001} {
				lambda, bound, idle := IdleFreeBits([]vae.Method{c.method, FreeBits{Lambda: share * floor, Mode: mode}}, D)
				if want := share < 1 && (c.dim || mode == "total"); idle != want || lambda != share*floor || math.Abs(bound-floor) > 1e-5*floor {
					t.Errorf("%+v, %s, lambda %v: idle %v, bound %v; want %v, %v", c.method, mode, lambda, idle, bound, want, floor)
				}
			}
		}
	}
	for _, methods := range [][]vae.Method{{BN{Gamma: 1}}, {FreeBits{Lambda: 1e-9, Mode: "total"}}, {Vanilla{}, FreeBits{Lambda: 1, Mode: "dim"}}} {
		if _, _, idle := IdleFreeBits(methods, D); idle {
			t.Errorf("%+v: idle", methods)
		}
	}
}
