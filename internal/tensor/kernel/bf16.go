package kernel

import "math"

// Products are what a product multiplies.
type Products uint8

// The two kinds of products. A number of BF16Pairs is two neighbours in the sum, rounded to bfloat16, the first in its
// lower half; k counts pairs. Every sum is in float32: for each pair first the product of the second ones is added and
// then that of the first ones, each with one rounding to nearest even, and a denormal becomes 0. So does VDPBF16PS.
const (
	Float32s Products = iota
	BF16Pairs
)

// Block is the number of terms, or pairs of them, that are summed before the sum is added to the result.
const Block = 256

// BF16 is the bfloat16 nearest to x, to even if two are. A NaN stays one and a denormal becomes 0, as for VCVTNEPS2BF16.
func BF16(x float32) uint16 {
	u := math.Float32bits(x)
	switch {
	case x != x:
		return uint16(u>>16) | 0x40
	case u&0x7f800000 == 0:
		return uint16(u>>16) & 0x8000
	}
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// pair is the number that stands for two.
func pair(first, second float32) float32 {
	return math.Float32frombits(uint32(BF16(second))<<16 | uint32(BF16(first)))
}
