package data

import "math"

// LogPrior is log p(z) in nats of the mixture that sentences come from, z of two numbers.
func (g *generator) LogPrior(z []float64) float64 {
	logs := make([]float64, len(modes))
	for c, mean := range modes {
		logs[c] = -math.Log(2 * math.Pi * float64(len(modes))) // normal in two dimensions, equal shares
		for d, m := range mean {
			logs[c] -= (z[d] - m) * (z[d] - m) / 2
		}
	}
	return logSumExp(logs)
}
