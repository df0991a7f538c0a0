package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// FreeBits does not penalise the first lambda nats of KL, so that no gradient lowers the KL
// below lambda:
//
//	dim:    sum_j max(lambda/d, mean_i KL_ij)
//	total:  max(lambda, mean_i sum_j KL_ij)
//
// Both are taken on the batch mean, as the original does. (The code of Li et al. 2019
// masks single examples instead: the same gradient rule, another batch.)
//
// Source: Kingma et al. 2016, "Improving variational inference with inverse
// autoregressive flow", section on free bits (arXiv 1606.04934).
type FreeBits struct {
	// Lambda is the free KL in nats, summed over the dimensions.
	Lambda float64 `yaml:"lambda" range:"(0,inf)" alias:"target_kl"`
	// Mode shares lambda equally among the dimensions (dim) or not (total).
	Mode string `yaml:"mode" choice:"dim|total"`
}

func init() { Methods.Add("free-bits", FreeBits{Lambda: 4, Mode: "dim"}) }

// Build needs no parameters.
func (v FreeBits) Build(b vae.Builder) vae.Variant {
	return vae.Variant{
		Needs: vae.GaussianFamily, // the KL of each dimension
		Penalty: func(_ *nn.Pass, t *vae.Terms) *grad.Value {
			perDim := t.KL.ColMeans() // (1, D)
			if v.Mode == "total" {
				return perDim.Sum().Max(Float(v.Lambda))
			}
			return perDim.Max(Float(v.Lambda / float64(b.D))).Sum()
		},
	}
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
// lambda and that bound. Then max(lambda, KL) is the KL. In mode dim this must be so in each dimension.
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
	return bits.Lambda, least.nats, bits.Lambda > 0 && bits.Lambda <= least.nats && (least.dims || bits.Mode == "total")
}
