package plots

import (
	"gonum.org/v1/plot/vg"

	"vaelab/internal/record"
)

func init() { Figures.Add("moments", Moments{}) }

// Moments shows E[mu²], E[sigma²] and their sum, the second moment of q(z), against the training step.
//
// The means are over examples and latent dimensions. If the aggregate q(z) = E_x q(z|x) is the
// prior N(0, I), the sum is 1. The converse is not true.
//
// Source: Su 2020 (kexue.fm/archives/7381), where the sum is what a scaler fixes.
type Moments struct{}

// Draw implements Figure.
func (Moments) Draw(set *record.Set) (*Drawing, error) {
	return overSteps{
		figure: "moments", height: 2.45 * vg.Inch,
		panels: []stepPanel{
			{metric: "mu2", label: "E[μ²]"},
			{metric: "sigma2", label: "E[σ²]"},
			{metric: "moment", label: "E[μ²] + E[σ²]", levels: []float64{1}},
		},
		level: "1, as of the prior",
		about: "second moments of q, means over examples and latent dimensions. The sum is 1 if q(z) is the prior.",
		told: func(groups []record.Group, split string) string {
			moment, end := atEnd(groups, split, "moment")
			return sentence("%s the second moment E[μ²] + E[σ²], 1 under the prior, %s.", end.when(), spread(moment, ""))
		},
	}.draw(set, set.Groups())
}
