package variants

import (
	"fmt"
	"math"

	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// GECO has the least KL of those models whose reconstruction costs at most kappa. A multiplier lambda charges rec - kappa, and
// the KL weight is 1/lambda:
//
//	c      = rec - kappa of the step before
//	m      = alpha m + (1 - alpha) c,   from m = c at the first step
//	lambda = lambda exp(nu m),          from lambda = 1
//	w      = 1/lambda,                  1 at the first step
//
// rec and kappa are in nats per example, summed over its symbols or pixels. The paper's loss, lambda rec + KL, is lambda
// times the loss here, rec + w KL. A kappa above the rec of a model that ignores z lets the KL vanish. At first, and where
// kappa is below what the decoder can reach, rec is far above kappa and raises lambda. What it rises it has to fall again, at
// nu for each nat of rec below kappa, so lambda stays between 1/most and most. The KL has no lower bound. Any posterior goes
// with it. Section kl does not, because the weight is set here. Evaluations count from step 1/nu, in which ln lambda can move
// by 1 for each nat of c.
//
// Source: Rezende & Viola 2018, "Taming VAEs", algorithm 1 (arXiv 1810.00597), with alpha 0.99.
type GECO struct {
	// Kappa is the largest cost of the reconstruction, -ln p(x|z), in nats per example. Vectors may have a negative one.
	Kappa float64 `yaml:"kappa" range:"(-inf,inf)" knob:"falls"`
	// Alpha is the weight of the past in the mean of rec - kappa.
	Alpha float64 `yaml:"alpha" range:"[0,1)"`
	// Nu is how far ln lambda moves in a step for each nat of rec above kappa.
	Nu float64 `yaml:"nu" range:"(0,inf)"`
	// Most is the largest lambda, and 1/most the least. The KL weight is at least 1/most.
	Most float64 `yaml:"most" range:"[1,inf)"`
}

func init() { Methods.Add("geco", GECO{Kappa: 20, Alpha: 0.99, Nu: 0.001, Most: 100}) }

// RateBound says what bounds the rate.
func (GECO) RateBound() string { return "none; it settles where rec = kappa" }

// Build makes encoder.geco.m, ln lambda in encoder.geco.ln_lambda, and the counter encoder.geco.step.
func (v GECO) Build(b vae.Builder) vae.Variant {
	return vae.Variant{Weigher: multiplier{v,
		newExact(b, "encoder.geco.m", 0), newExact(b, "encoder.geco.ln_lambda", 0), b.Params.Counter("encoder.geco.step"),
	}}
}

func (v GECO) hurry(steps int) string {
	return fmt.Sprintf("raise nu from %.3g above 1/steps = %.3g", v.Nu, 1/float64(steps))
}

// A multiplier remembers m and ln lambda.
type multiplier struct {
	GECO
	m, lnLambda exact
	step        *nn.Param
}

// Target is that of the reconstruction.
func (g multiplier) Target() (string, float64) { return "rec", g.Kappa }

func (g multiplier) Weight(int, int) float64 { return math.Exp(-g.lnLambda.get()) }

func (g multiplier) Saw(_, rec float64) {
	c := rec - g.Kappa
	if g.step.Data[0]++; g.step.Data[0] > 1 {
		c = g.Alpha*g.m.get() + (1-g.Alpha)*c
	}
	g.m.set(c)
	most := math.Log(g.Most)
	g.lnLambda.set(min(most, max(-most, g.lnLambda.get()+g.Nu*c)))
}

func (g multiplier) Final(int) int { return int(min(math.Ceil(1/g.Nu), math.MaxInt32)) }

// Goal is 1: at the target the objective, the NELBO, compares the KL.
func (g multiplier) Goal() float64 { return 1 }
