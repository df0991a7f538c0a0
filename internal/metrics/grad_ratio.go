package metrics

import (
	"strings"

	"vaelab/internal/nn"
	"vaelab/internal/optim"
)

// Sides are the learnt parameters on the two sides of z.
type Sides struct {
	Encoder []*nn.Param // the encoder's and the variant's: their names begin with "encoder."
	Decoder []*nn.Param // the others
}

// SidesOf sorts parameters.
func SidesOf(learnt []*nn.Param) (s Sides) {
	for _, p := range learnt {
		if strings.HasPrefix(p.Name, "encoder.") {
			s.Encoder = append(s.Encoder, p)
		} else {
			s.Decoder = append(s.Decoder, p)
		}
	}
	return s
}

// Norms are the Euclidean norms of the gradient of the loss with respect to each side's
// parameters, in nats per unit of a parameter, as the last backward pass left it.
func (s Sides) Norms() (encoder, decoder float64) {
	return optim.Norm(s.Encoder), optim.Norm(s.Decoder)
}

// GradRatio is the norm of the encoder's gradient over that of the decoder's, each the mean over
// some steps. Where the decoder does not read z only the KL pulls at the encoder, and where that has vanished too the
// ratio is near 0. It depends on the sizes of the two networks: it is to be compared along
// a training, and between methods on one model. The number is ours.
func GradRatio(encoder, decoder float64) float64 { return encoder / decoder }
