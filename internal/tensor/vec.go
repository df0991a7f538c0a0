package tensor

import (
	"fmt"
	"math"

	"vaelab/internal/tensor/kernel"
)

// Add adds x to y.
func Add(x, y []Float) { Axpy(1, x, y) }

// Exp is e^x: relative error below 1e-7 in float32 (see TestExp), 0 below the range of
// normal numbers, +Inf above it, NaN for NaN.
func Exp(x Float) Float {
	if Bits == 64 {
		return Float(math.Exp(float64(x)))
	}
	return Float(exp32(float32(x)))
}

// exp32 splits x = k ln 2 + r with |r| <= ln(2)/2 and sums e^r = 1 + r + r² p(r), p a
// polynomial of degree 4 (coefficients: Cephes, Moshier 1989, expf). Subnormal results
// are flushed to zero. It is a few times faster than math.Exp, which dominates a softmax over
// a vocabulary.
func exp32(x float32) float32 {
	const (
		log2e = 1.44269504088896341
		ln2hi = 0.693359375
		ln2lo = -2.12194440e-4
	)
	switch {
	case x != x:
		return x
	case x > 88.72283:
		return float32(math.Inf(1))
	case x < -87.33654:
		return 0
	}
	k := x * log2e
	if k >= 0 {
		k += 0.5
	} else {
		k -= 0.5
	}
	n := int32(k) // nearest integer
	f := float32(n)
	r := x - float32(f*ln2hi)
	r -= float32(f * ln2lo)
	p := float32(1.9875691500e-4)
	p = float32(p*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	y := float32(float32(p*r)*r) + r + 1
	// 2^n in two factors, because n may be 128.
	h := n >> 1
	return y * math.Float32frombits(uint32(h+127)<<23) * math.Float32frombits(uint32(n-h+127)<<23)
}

// Sigmoid is 1/(1+e^-x), without overflow.
func Sigmoid(x Float) Float {
	if x >= 0 {
		return 1 / (1 + Exp(-x))
	}
	e := Exp(x)
	return e / (1 + e)
}

// Tanh is the hyperbolic tangent, relative error below 3e-7 in float32.
func Tanh(x Float) Float {
	if Bits == 64 {
		return Float(math.Tanh(float64(x)))
	}
	a := x
	if a < 0 {
		a = -a
	}
	if a < 0.625 {
		// Odd polynomial (coefficients: Cephes, Moshier 1989, tanhf): 1 - 2/(e^2x+1) would cancel here.
		s := x * x
		p := Float(-5.70498872745e-3)
		p = p*s + 2.06390887954e-2
		p = p*s - 5.37397155531e-2
		p = p*s + 1.33314422036e-1
		p = p*s - 3.33332819422e-1
		return p*s*x + x
	}
	t := 1 - 2/(Exp(2*a)+1)
	if x < 0 {
		return -t
	}
	return t
}

// Log is the natural logarithm.
func Log(x Float) Float { return Float(math.Log(float64(x))) }

// Sqrt is the square root.
func Sqrt(x Float) Float { return Float(math.Sqrt(float64(x))) }

// ExpSum replaces each x by e^(x - shift) and returns the sum of these.
func ExpSum(x []Float, shift Float) (sum Float) { return expSum(x, shift) }

// Largest is the largest of x, which must not be empty; NaNs are passed over.
func Largest(x []Float) Float { return largest(x) }

// Weights replaces each x by e^(x - m), m the largest, NaNs passed over, and sets sums to the sums of WeightsChunk of these
// each, the last perhaps of fewer.
func Weights(x, sums []Float) {
	if chunks := (len(x) + WeightsChunk - 1) / WeightsChunk; len(sums) != chunks {
		panic(fmt.Sprintf("tensor: Weights: %d sums for %d chunks", len(sums), chunks))
	}
	if len(x) > 0 {
		weights(x, sums)
	}
}

// WeightsChunk is how many numbers a sum of Weights has.
const WeightsChunk = kernel.WeightsChunk

// ExpLSE replaces a row of logits by e^(x - m), m the largest, and returns the sum of these
// and ln sum_j e^x_j, each exponential computed once. A NaN or +Inf among them makes both
// results NaN.
func ExpLSE(x []Float) (sum, lse Float) {
	m := largest(x)
	sum = expSum(x, m)
	return sum, m + Log(sum)
}

// SoftmaxLSE replaces a row of logits by its softmax and returns ln sum_j e^x_j, as ExpLSE.
func SoftmaxLSE(x []Float) Float {
	sum, lse := ExpLSE(x)
	Scale(1/sum, x)
	return lse
}
