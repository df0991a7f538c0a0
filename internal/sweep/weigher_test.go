package sweep

import (
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
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

func init() {
	variants.Methods.Add("steady-for-tests", steady{})
	variants.Methods.Add("spherical-for-tests", spherical{})
}

// TestKLBesideControllers: whatever section kl says beside a registered controller or ramp, the fault names it.
func TestKLBesideControllers(t *testing.T) {
	found := 0
	for _, name := range variants.Methods.Names() {
		method, err := variants.Methods.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := variants.Check(method)
		if err != nil || v.Weigher == nil {
			continue
		}
		found++
		beside := ", ln: {}"
		if v.MakesPosterior() {
			beside = ""
		}
		for _, kl := range []string{"{schedule: linear, warm_up: 2}", "{beta: 0.5}", "{start: 0}"} {
			_, err := Parse("x.yaml", []byte("base: {kl: "+kl+"}\ngrid:\n- variant: vanilla\n- variant: {"+name+": {}"+beside+"}\n"), Options{})
			want := ": kl: has no effect with " + name + ", which sets the KL weight itself; leave out kl or " + name + ", or move kl to the entries of the grid without it"
			if err == nil || !strings.Contains(err.Error(), "x.yaml:1:") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s beside kl: %s: got %v, want %s", name, kl, err, want)
			}
		}
	}
	if found < 3 { // capacity, control-vae, geco
		t.Errorf("only %d methods set the KL weight", found)
	}
}

// A spherical head makes posteriors that have no mu and sigma.
type spherical struct{}

func (spherical) Build(vae.Builder) vae.Variant {
	return vae.Variant{Gives: vae.SphereFamily, Head: func(*nn.Pass, *grad.Value, *grad.Value) vae.Posterior { return nil }}
}

// TestPenaltyOfAnotherFamily: a penalty that reads mu and sigma is refused beside a head without them; both are named.
func TestPenaltyOfAnotherFamily(t *testing.T) {
	const want = "x.yaml:1:17: variant: mae+spherical-for-tests: spherical-for-tests makes posteriors of the family sphere, and mae needs those of the family gaussian; choose another head or leave mae out"
	_, err := Parse("x.yaml", []byte("base: {variant: {mae: {}, spherical-for-tests: {}}}\n"), Options{})
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestSettingsHaveRanges: each setting of each variant says what it may be, and a number outside is a fault that names both.
func TestSettingsHaveRanges(t *testing.T) {
	for _, name := range variants.Methods.Names() {
		method, _ := variants.Methods.Get(name)
		for _, s := range Explain(method) {
			switch outside := "-1"; {
			case s.Allowed == "" && s.Default != "true" && s.Default != "false":
				t.Errorf("%s.%s may be anything", name, s.Key)
			case strings.HasPrefix(s.Allowed, "(-inf"), len(s.Choices) > 0, s.Allowed == "":
			default:
				_, err := Parse("x.yaml", []byte("base: {variant: {"+name+": {"+s.Key+": "+outside+"}}}\n"), Options{})
				if want := "variant." + name + "." + s.Key + ": -1 is outside " + s.Allowed; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		}
	}
}

// TestKLBesideAWeigher: section kl has no effect beside a variant that weighs.
func TestKLBesideAWeigher(t *testing.T) {
	const file = "base: {variant: steady-for-tests}\n"
	if _, err := Parse("x.yaml", []byte(file), Options{}); err != nil {
		t.Error(err)
	}
	const want = "x.yaml:2:7: kl: has no effect with steady-for-tests, which sets the KL weight itself; leave out kl or steady-for-tests, or move kl to the entries of the grid without it"
	_, err := Parse("x.yaml", []byte("base:\n kl: {beta: 2}\n variant: {bn: {}, steady-for-tests: {}}\n"), Options{})
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	trial := parse(t, file, Options{}).Trials[0]
	if _, err := FromConfig(trial.Trial); err != nil { // trial.json has section kl all the same
		t.Error(err)
	}
}
