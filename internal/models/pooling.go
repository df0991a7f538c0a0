package models

import (
	"vaelab/internal/grad"
	"vaelab/internal/vae"
)

// pool makes one vector of those of each sentence's symbols, h of (N, C) to (B, C): their mean, the largest of each
// element, that of the first symbol, or that of the last.
//
// Source: Long et al. 2019, "Preventing posterior collapse in sequence VAEs with pooling" (arXiv 1911.03976).
func pool(how string, h *grad.Value, x *vae.Batch) *grad.Value {
	switch how {
	case "mean":
		return h.MeanSteps(x.Steps)
	case "max":
		return h.MaxSteps(x.Steps)
	case "first-token":
		return h.FirstRows(x.B())
	}
	return h.Gather(x.Last)
}
