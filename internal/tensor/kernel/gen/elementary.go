package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elementary are the functions that softmax and the gates of an LSTM are made of.
func elementary(e exponential) {
	TEXT("exp8", NOSPLIT, "func(x *float32, n int, shift float32, sum *float32)")
	Pragma("noescape")
	Doc("exp8 replaces n times eight numbers x by e^(x-shift), and adds them to the eight sums.")
	ptr := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	sums := Load(Param("sum"), GP64())
	shift, total := broadcast("shift"), YMM()
	VMOVUPS(Mem{Base: sums}, total)
	loop8(n, func() {
		x, y := YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		VSUBPS(shift, x, x)
		e.emit(x, y)
		VMOVUPS(y, Mem{Base: ptr})
		VADDPS(y, total, total)
	}, ptr)
	VMOVUPS(total, Mem{Base: sums})
	VZEROUPPER()
	RET()

	sign := constant("sign", 1<<31)
	// sigmoid sets y to the sigmoid of x: with e = e^-|x| and q = e/(1+e) it is 1 - q for positive
	// x and q for negative, there as e - e q, which rounds once.
	sigmoid := func(x, y reg.VecVirtual) {
		minus, one := YMM(), YMM()
		VORPS(sign, x, minus) // -|x|
		e.below(minus, y)
		VMOVUPS(e.one, one)
		VADDPS(one, y, minus)
		VDIVPS(minus, y, minus)     // q
		VSUBPS(minus, one, one)     // 1 - q
		VFNMADD213PS(y, y, minus)   // e - e q
		VBLENDVPS(x, minus, one, y) // the sign of x chooses
	}
	TEXT("sigmoid8", NOSPLIT, "func(x *float32, n int)")
	Pragma("noescape")
	Doc("sigmoid8 replaces n times eight numbers x by their sigmoid.")
	ptr = Load(Param("x"), GP64())
	n = Load(Param("n"), GP64())
	loop8(n, func() {
		x, y := YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		sigmoid(x, y)
		VMOVUPS(y, Mem{Base: ptr})
	}, ptr)
	VZEROUPPER()
	RET()

	// GELU is x sigmoid(2u) with 2u = x (a + b x²), a = √(8/π), b = 0.044715 a.
	geluA := float("geluA", 2*math.Sqrt2/math.SqrtPi)
	geluB, geluB3 := float("geluB", 0.044715*2*math.Sqrt2/math.SqrtPi), float("geluB3", 3*0.044715*2*math.Sqrt2/math.SqrtPi)
	TEXT("gelu8", NOSPLIT, "func(x, y *float32, n int)")
	Pragma("noescape")
	Doc("gelu8 sets n times eight numbers y to the GELU of x.")
	ptr = Load(Param("x"), GP64())
	onto := Load(Param("y"), GP64())
	n = Load(Param("n"), GP64())
	loop8(n, func() {
		x, y := YMM(), YMM()
		u := YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		VMULPS(x, x, u)
		VMULPS(geluB, u, u)
		VADDPS(geluA, u, u)
		VMULPS(x, u, u)
		sigmoid(u, y)
		VMULPS(x, y, y)
		VMOVUPS(y, Mem{Base: onto})
	}, ptr, onto)
	VZEROUPPER()
	RET()

	TEXT("backGELU8", NOSPLIT, "func(x, dy, dx *float32, n int)")
	Pragma("noescape")
	Doc("backGELU8 adds dy s (1 + x (1-s) (a + 3b x²)) to n times eight numbers dx, s = sigmoid(2u).")
	ptr = Load(Param("x"), GP64())
	dy, dx := Load(Param("dy"), GP64()), Load(Param("dx"), GP64())
	n = Load(Param("n"), GP64())
	loop8(n, func() {
		x, y := YMM(), YMM()
		u, slope, rest := YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		VMULPS(x, x, slope)
		VMULPS(geluB, slope, u)
		VADDPS(geluA, u, u)
		VMULPS(x, u, u)
		VMULPS(geluB3, slope, slope)
		VADDPS(geluA, slope, slope)
		VMULPS(x, slope, slope)
		sigmoid(u, y)
		VMOVUPS(e.one, rest)
		VSUBPS(y, rest, rest)
		VMULPS(rest, slope, slope)
		VADDPS(e.one, slope, slope)
		VMULPS(y, slope, slope)
		VMULPS(Mem{Base: dy}, slope, slope)
		VADDPS(Mem{Base: dx}, slope, slope)
		VMOVUPS(slope, Mem{Base: dx})
	}, ptr, dy, dx)
	VZEROUPPER()
	RET()

	// tanh x is 1 - 2/(e^2|x| + 1) with the sign of x, or, where that would cancel, an odd
	// polynomial (coefficients: Cephes, Moshier 1989, tanhf).
	small, two := float("tanhSmall", 0.625), float("two", 2)
	var p []Mem
	for i, c := range []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1} {
		p = append(p, float("tanhP"+string(rune('0'+i)), c))
	}
	// tanh sets y to the tanh of x.
	tanh := func(x, y reg.VecVirtual) {
		a, s, q, mask := YMM(), YMM(), YMM(), YMM()
		VMOVUPS(sign, a)
		VANDNPS(x, a, a) // |x|
		VADDPS(a, a, s)
		e.emit(s, y)
		VADDPS(e.one, y, y)
		VMOVUPS(two, s)
		VDIVPS(y, s, y)
		VMOVUPS(e.one, s)
		VSUBPS(y, s, y)
		VMOVUPS(sign, s)
		VANDPS(x, s, s)
		VORPS(s, y, y)
		VMULPS(x, x, s)
		VMOVUPS(p[0], q)
		for _, c := range p[1:] {
			VFMADD213PS(c, s, q)
		}
		VMULPS(s, q, q)
		VFMADD213PS(x, x, q) // x + x (q s)
		VCMPPS(Imm(1), small, a, mask)
		VBLENDVPS(mask, q, y, y)
	}
	TEXT("tanh8", NOSPLIT, "func(x, y *float32, n int)")
	Pragma("noescape")
	Doc("tanh8 sets n times eight numbers y to tanh x; y may be x.")
	ptr = Load(Param("x"), GP64())
	to := Load(Param("y"), GP64())
	n = Load(Param("n"), GP64())
	loop8(n, func() {
		x, y := YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		tanh(x, y)
		VMOVUPS(y, Mem{Base: to})
	}, ptr, to)
	VZEROUPPER()
	RET()

	TEXT("elu8", NOSPLIT, "func(x, y *float32, n int)")
	Pragma("noescape")
	Doc("elu8 sets n times eight numbers y to x where x is positive and to e^x - 1 elsewhere: with x = k ln 2 + r it",
		"is 2^k (e^r - 1) + (2^k - 1), which does not cancel near 0.")
	ptr = Load(Param("x"), GP64())
	to = Load(Param("y"), GP64())
	n = Load(Param("n"), GP64())
	none, least := YMM(), YMM()
	VXORPS(none, none, none)
	VMOVUPS(e.low, least)
	loop8(n, func() {
		x, y := YMM(), YMM()
		k, r, scale := YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		VMINPS(x, none, r) // a NaN stays, being the second operand
		VMAXPS(r, least, r)
		e.powers(r, k, y)
		VCVTPS2DQ(k, k)
		VPADDD(e.bias, k, k)
		VPSLLD(Imm(23), k, scale)
		VSUBPS(e.one, scale, k)
		VFMADD213PS(k, scale, y)
		VMAXPS(x, none, x)
		VADDPS(x, y, y)
		VMOVUPS(y, Mem{Base: to})
	}, ptr, to)
	VZEROUPPER()
	RET()

	TEXT("backELU8", NOSPLIT, "func(y, dy, dx *float32, n int)")
	Pragma("noescape")
	Doc("backELU8 adds dy (min(y, 0) + 1) to n times eight numbers dx.")
	ptr = Load(Param("y"), GP64())
	dy, dx = Load(Param("dy"), GP64()), Load(Param("dx"), GP64())
	n = Load(Param("n"), GP64())
	VXORPS(none, none, none)
	loop8(n, func() {
		y := YMM()
		VMINPS(Mem{Base: ptr}, none, y)
		VADDPS(e.one, y, y)
		VMULPS(Mem{Base: dy}, y, y)
		VADDPS(Mem{Base: dx}, y, y)
		VMOVUPS(y, Mem{Base: dx})
	}, ptr, dy, dx)
	VZEROUPPER()
	RET()
}
