package variants

import (
	"strings"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// FreeBits does not penalise the first lambda nats of KL, so that no gradient of the penalty lowers the KL below lambda.
// With KL_ij that of example i and part j in nats, (B, J), and [] 1 where true and else 0:
//
//	dim:            sum_j max(lambda/J, mean_i KL_ij)
//	total:          max(lambda, mean_i sum_j KL_ij)
//	example-total:  mean_i max(lambda, sum_j KL_ij)
//	mask-dim:       mean_i sum_j [KL_ij > lambda/J] KL_ij
//	mask-example:   mean_i [sum_j KL_ij > lambda] sum_j KL_ij
//	mask-batch:     [mean_i sum_j KL_ij > lambda] mean_i sum_j KL_ij
//
// The parts are the D latent dimensions, or the symbols of a code. With a prior that is no product over them there is one part.
//
// Where the KL in the max or in the brackets is below its share of lambda, the gradient is 0. Above it the gradient is that
// of the KL. So mask-example has the gradient of example-total, and mask-batch that of total. A mask does not add lambda:
// its value jumps to 0 where the KL falls to lambda. So values and objectives of two modes must not be compared.
//
// The KL has no floor: it stays below lambda where rec does not raise it. The penalty combines with every
// head, unless its KL is constant.
//
// Public code: the option fb of valdersoul/bn-vae is another: 3 is delta-vae and 4 is vmf there.
//
// Source: dim is that of Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow", section
// on free bits (arXiv 1606.04934). The masks are fb 2, 1 and 3 of the code of Li et al. 2019, "A surprisingly effective
// fix for deep latent variable modeling of text" (arXiv 1909.00868).
type FreeBits struct {
	// Lambda is the free KL in nats, summed over the dimensions.
	Lambda float64 `yaml:"lambda" range:"(0,inf)" alias:"target_kl" knob:"rises"`
	// Mode says which KL is compared with lambda. dim and total: the mean over the batch, of each dimension with its share
	// of lambda, or of all dimensions. example-total: that of each example. The masks charge 0 below lambda: mask-dim for
	// each dimension of each example, mask-example for each example, mask-batch for the batch.
	Mode string `yaml:"mode" choice:"dim|total|example-total|mask-dim|mask-example|mask-batch"`
}

func init() { Methods.Add("free-bits", FreeBits{Lambda: 4, Mode: "dim"}) }

// Build needs no parameters.
func (v FreeBits) Build(vae.Builder) vae.Variant {
	return vae.Variant{
		Penalty: func(p *nn.Pass, t *vae.Terms) *grad.Value {
			lambda, share := Float(v.Lambda), Float(v.Lambda/float64(t.KL.Cols))
			switch v.Mode {
			case "total":
				return t.KL.ColMeans().Sum().Max(lambda)
			case "example-total":
				return t.KL.RowSums().Max(lambda).Mean()
			case "mask-dim":
				return above(p, t.KL, share).RowSums().Mean()
			case "mask-example":
				return above(p, t.KL.RowSums(), lambda).Mean()
			case "mask-batch":
				return above(p, t.KL.ColMeans().Sum(), lambda)
			default: // dim
				return t.KL.ColMeans().Max(share).Sum()
			}
		},
	}
}

// RateBound is none: below lambda nothing raises the KL but rec.
func (FreeBits) RateBound() string { return "none" }

// above is x where x > k, and else 0 without a gradient.
func above(p *nn.Pass, x *grad.Value, k Float) *grad.Value {
	mask := p.Tape.Zeros(x.Rows, x.Cols).Data
	for i := range mask {
		if x.Data[i] > k {
			mask[i] = 1
		}
	}
	return x.Mask(mask)
}

// A bound is nats of KL in all dimensions that a method keeps whatever training does, up to its eps. It is one of the mean
// over a batch. dims: each dimension keeps its share of it; examples: each example keeps it.
type bound struct {
	nats           float64
	dims, examples bool
}

// A bounded method has such a bound.
type bounded interface{ leastKL(D int) bound }

// IdleFreeBits reports whether free bits are combined with a posterior whose KL is never below their lambda, and returns
// lambda and that bound. Then the penalty is the KL. This must be so for each KL that the mode compares with lambda. The
// bounds are of the KL of the head's posterior to N(0, I), so there must be no other prior and no refinement.
func IdleFreeBits(methods []vae.Method, D int) (lambda, nats float64, idle bool) {
	var bits FreeBits
	var least bound
	for _, m := range methods {
		switch m := m.(type) {
		case FreeBits:
			bits = m
		case bounded:
			least = m.leastKL(D)
		}
	}
	idle = bits.Lambda > 0 && (bits.Lambda < least.nats || bits.Lambda == least.nats && !bits.Masks()) // a mask is 0 at lambda
	if idle {
		v, err := Check(methods...)
		idle = err == nil && v.Prior == nil && v.Refine == nil
	}
	switch bits.Mode {
	case "total", "mask-batch":
	case "example-total", "mask-example":
		idle = idle && least.examples
	case "mask-dim":
		idle = idle && least.dims && least.examples
	default: // dim
		idle = idle && least.dims
	}
	return bits.Lambda, least.nats, idle
}

// Masks tells whether the mode is a mask, whose value jumps where the KL crosses lambda.
func (v FreeBits) Masks() bool { return strings.HasPrefix(v.Mode, "mask-") }
