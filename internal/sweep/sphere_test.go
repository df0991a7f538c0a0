package sweep

import (
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A charging variant has a penalty that is no function of the KL alone.
type charging struct{}

func (charging) Build(vae.Builder) vae.Variant {
	return vae.Variant{BeyondKL: true, Penalty: func(_ *nn.Pass, t *vae.Terms) *grad.Value { return t.Z.Square().Mean() }}
}

func init() { variants.Methods.Add("charging-for-tests", charging{}) }

// TestSpheres: what has no effect on a constant KL, or no meaning on a sphere, is refused with both sides and the remedy.
func TestSpheres(t *testing.T) {
	const because = ", because no training changes the KL of its posteriors; leave kl out, or move it to the entries of the grid without "
	for _, c := range []struct{ file, want string }{
		{"base: {variant: {vmf: {kappa: 12}}}\n", ""},
		{"base: {variant: vmf, kl: {schedule: constant, beta: 1}}\n", ""},
		{"base: {variant: [vmf, power-spherical]}\n", ""},
		{"base: {variant: {vmf: {}, vanilla: {}}}\n", ""},
		{"base: {variant: {vmf: {}, charging-for-tests: {}}, kl: {schedule: linear, beta: 0.5}}\n", ""},
		{"base: {variant: vmf, kl: {schedule: linear}}\n", "x.yaml:1:27: kl.schedule: has no effect with vmf" + because + "vmf"},
		{"base: {variant: power-spherical, kl: {beta: 0.5}}\n", "x.yaml:1:39: kl.beta: has no effect with power-spherical" + because + "power-spherical"},
		{"base: {variant: vmf, kl: {lambda_kl: 2}}\n", "kl.beta: has no effect with vmf" + because + "vmf"},
		{"base: {variant: vmf, model: {lstm: {latent_dim: 1}}}\n", "x.yaml:1:17: variant: vmf needs two latent dimensions or more, because a sphere of one dimension is two points; set latent_dim of lstm to 2 or more"},
		{"base: {variant: {vmf: {kappa: 0}}}\n", "variant.vmf.kappa: 0 is outside [0.001,10000]"},
		{"base: {variant: {power-spherical: {kappa: 1.0e+5}}}\n", "variant.power-spherical.kappa: 1.0e+5 is outside [0.001,10000]"},
		{"base: {variant: {vmf: {}, free-bits: {}}}\n", "variant: free-bits+vmf: vmf makes posteriors of constant KL, so free-bits, which charges the KL, has no effect; leave one of them out"},
		{"base: {variant: {vmf: {}, control-vae: {}}}\n", "variant: control-vae+vmf: vmf makes posteriors of constant KL, so the KL weight that control-vae sets has no effect; leave one of them out"},
		{"base: {variant: {vmf: {}, capacity: {}}}\n", "variant: capacity+vmf: vmf makes posteriors of constant KL, so capacity, which charges the KL, has no effect; leave one of them out"},
		{"base: {variant: {vmf: {}, power-spherical: {}}}\n", "power-spherical and vmf both act on the head"},
	} {
		e, err := Parse("x.yaml", []byte(c.file), Options{})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.file, err)
		case c.want == "":
			for _, trial := range e.Trials {
				if _, err := FromConfig(trial.Trial); err != nil {
					t.Errorf("%s: from its own settings: %v", c.file, err)
				}
			}
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: got %v, want %s", c.file, err, c.want)
		}
	}
}
