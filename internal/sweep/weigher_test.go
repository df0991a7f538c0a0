package sweep

import (
	"strings"
	"testing"

	"vaelab/internal/vae"
	"vaelab/variants"
)

// A steady variant weighs the penalty itself.
type steady struct{}

func (steady) Build(vae.Builder) vae.Variant { return vae.Variant{Weigher: steady{}} }

func (steady) Weight(int, int) float64 { return 1 }
func (steady) Saw(kl, rec float64)     {}
func (steady) Final(int) int           { return 0 }
func (steady) Goal() float64           { return 1 }

func init() { variants.Methods.Add("steady-for-tests", steady{}) }

// TestKLBesideAWeigher: section kl has no effect beside a variant that weighs.
func TestKLBesideAWeigher(t *testing.T) {
	const file = "base: {variant: steady-for-tests}\n"
	if _, err := Parse("x.yaml", []byte(file), Options{}); err != nil {
		t.Error(err)
	}
	const want = "x.yaml:2:7: kl: has no effect with steady-for-tests, which sets the weight of the penalty itself; leave kl or the variant out"
	_, err := Parse("x.yaml", []byte("base:\n kl: {beta: 2}\n variant: steady-for-tests\n"), Options{})
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	trial := parse(t, file, Options{}).Trials[0]
	if _, err := FromConfig(trial.Trial); err != nil { // trial.json has section kl all the same
		t.Error(err)
	}
}
