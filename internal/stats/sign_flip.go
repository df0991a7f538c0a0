package stats

import (
	"fmt"
	"math"
)

// MaxFlips is the largest number of differences that SignFlip enumerates the signs of.
const MaxFlips = 20

// Paired returns the two-sided p-value of the hypothesis that paired differences are
// symmetric about 0, and the name of the test: SignFlip up to MaxFlips differences, and
// SignedRank above.
func Paired(d []float64) (p float64, test string) {
	if len(d) <= MaxFlips {
		return SignFlip(d), "sign-flip test"
	}
	return SignedRank(d), "signed-rank test"
}

// SignFlip returns the exact two-sided p-value of paired differences under the hypothesis
// that each could as well have the other sign: the share of the 2^n choices of signs whose sum is at
// least as far from 0 as the one observed,
//
//	p = #{s in {-1, 1}^n : |Σ s_i d_i| >= |Σ d_i|} / 2^n.
//
// The smallest possible p is 2^(1-n): 0.0625 for 5 differences, 0.031 for 6. Without a
// difference p is 1. It panics beyond MaxFlips differences.
//
// Source: Fisher 1935, "The design of experiments", section 21.
func SignFlip(d []float64) float64 {
	if len(d) > MaxFlips {
		panic(fmt.Sprintf("stats: SignFlip: %d differences, more than %d", len(d), MaxFlips))
	}
	notNaN("SignFlip", d)
	if len(d) == 0 {
		return 1
	}
	sum, size := 0.0, 0.0
	for _, v := range d {
		sum += v
		size += math.Abs(v)
	}
	observed := math.Abs(sum) - 1e-12*size // equal sums, added in another order, may differ by rounding
	extreme := 0
	var flip func(sum float64, rest []float64)
	flip = func(sum float64, rest []float64) {
		if len(rest) == 0 {
			if math.Abs(sum) >= observed {
				extreme++
			}
			return
		}
		flip(sum+rest[0], rest[1:])
		flip(sum-rest[0], rest[1:])
	}
	flip(d[0], d[1:]) // the other sign of the first mirrors all the rest
	return float64(extreme) / math.Pow(2, float64(len(d)-1))
}
