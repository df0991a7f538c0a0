package optim

import (
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
)

// Weights returns the parameters that weight decay acts on: the matrices, which are the weights of linear and
// recurrent layers, convolutions and tables of embeddings. Biases, the gains of a layer normalisation, and the
// vectors that a variant learns are left out. Decay would pull bn-scaler's theta to 0, where mu and sigma get
// equal shares, and so decide what an experiment asks.
//
// Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 7.1 (biases are left out).
func Weights(params []*nn.Param) (out []*nn.Param) {
	for _, p := range params {
		if len(p.Shape) == 2 {
			out = append(out, p)
		}
	}
	return out
}

// WeightDecay multiplies parameters by 1 - lr lambda. Before an optimiser's step it makes decoupled weight decay,
//
//	w = (1 - lr lambda) w - lr u,
//
// with u the direction of SGD or Adam. Neither clipping nor momentum nor Adam's means see the decay. With Adam
// this is AdamW with the factor lr before lambda, as in torch.optim.AdamW; the paper has a schedule's multiplier
// there instead. With SGD without momentum it equals the L2 penalty lambda/2 |w|², and so torch.optim.SGD's
// weight_decay; with momentum it does not.
//
// Every row of a table decays, also one without a gradient. Lambda 0 changes nothing.
//
// Source: Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithms 1 and 2 (arXiv 1711.05101).
func WeightDecay(params []*nn.Param, lr, lambda float64) {
	if lambda == 0 {
		return
	}
	for _, p := range params {
		tensor.Scale(Float(1-lr*lambda), p.Data)
	}
}
