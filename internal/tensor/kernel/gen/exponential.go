package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exponential emits y = e^x for the numbers of a register: x = k ln 2 + r, a polynomial for e^r
// (coefficients: Cephes, Moshier 1989, expf), and 2^k in two factors because k may be 128.
// Below the range of normal numbers the result is 0, above it +Inf; a NaN stays.
type exponential struct {
	low, high, log2e, ln2hi, ln2lo, one, inf, bias Mem
	p                                              []Mem
}

func newExponential() exponential {
	e := exponential{
		low: float("expLow", -87.33654), high: float("expHigh", 88.72283),
		log2e: float("expLog2e", 1.44269504088896341),
		ln2hi: float("expLn2hi", 0.693359375), ln2lo: float("expLn2lo", -2.12194440e-4),
		one: float("one", 1), inf: float("inf", float32(math.Inf(1))), bias: constant("expBias", 127),
	}
	for i, c := range []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		e.p = append(e.p, float("expP"+string(rune('0'+i)), c))
	}
	return e
}

// powers splits r = k ln 2 + r, k whole, and sets y to e^r - 1 of the rest.
func (e exponential) powers(w width, r, k, y reg.VecVirtual) {
	t := w.vector()
	VMULPS(e.log2e, r, k)
	w.round(k, k)
	VFNMADD231PS(e.ln2hi, k, r)
	VFNMADD231PS(e.ln2lo, k, r)
	VMOVUPS(e.p[0], y)
	for _, c := range e.p[1:] {
		VFMADD213PS(c, r, y)
	}
	VMULPS(r, r, t)
	VFMADD213PS(r, t, y)
}

// below emits y = e^x for numbers x below 88, or NaN: the same as emit, with less to do.
func (e exponential) below(w width, x, y reg.VecVirtual) {
	k, r := w.vector(), w.vector()
	VMOVUPS(e.low, r)
	VMAXPS(x, r, r) // a NaN stays, being the second operand
	e.powers(w, r, k, y)
	VADDPS(e.one, y, y)
	VCVTPS2DQ(k, k)
	VPADDD(e.bias, k, k)
	VPSLLD(Imm(23), k, k)
	VMULPS(k, y, y)
	w.keep(w.compare(x, notLess, e.low), y)
}

// emit emits y = e^x for any x.
func (e exponential) emit(w width, x, y reg.VecVirtual) {
	k, r, t := w.vector(), w.vector(), w.vector()
	VMINPS(e.high, x, r)
	VMAXPS(e.low, r, r)
	e.powers(w, r, k, y)
	VADDPS(e.one, y, y)
	VCVTPS2DQ(k, k)
	VPSRAD(Imm(1), k, t)
	VPSUBD(t, k, k)
	VPADDD(e.bias, t, t)
	VPSLLD(Imm(23), t, t)
	VMULPS(t, y, y)
	VPADDD(e.bias, k, k)
	VPSLLD(Imm(23), k, k)
	VMULPS(k, y, y)
	w.blend(w.compare(x, greater, e.high), e.inf, y, y)
	w.keep(w.compare(x, notLess, e.low), y)
	w.blend(w.compare(x, unordered, x), x, y, y)
}
