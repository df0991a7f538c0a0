package data

import (
	"math"
	"testing"
)

// TestLogPrior: a density, with the moments of the mixture: E[z_d²] = 1 + 4.
func TestLogPrior(t *testing.T) {
	var g generator
	const step = 0.1
	var total, second float64
	for a := -9.0; a < 9; a += step {
		for b := -9.0; b < 9; b += step {
			p := math.Exp(g.LogPrior([]float64{a, b})) * step * step
			total += p
			second += p * a * a
		}
	}
	if math.Abs(total-1) > 1e-6 || math.Abs(second-5) > 1e-4 {
		t.Errorf("integral %v, second moment %v", total, second)
	}
}
