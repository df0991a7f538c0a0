package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows32 is the rest of a function that adds rows of 32 numbers to y: add does it for the eight numbers at an
// offset, and the pointers go from row to row.
func rows32(add func(at int, sum reg.VecVirtual), pointers ...Op) {
	n, stride, y := Load(Param("rows"), GP64()), Load(Param("stride"), GP64()), Load(Param("y"), GP64())
	SHLQ(Imm(2), stride) // bytes
	sums := []reg.VecVirtual{YMM(), YMM(), YMM(), YMM()}
	for i, s := range sums {
		VMOVUPS(Mem{Base: y, Disp: 32 * i}, s)
	}
	Label("loop")
	for i, s := range sums {
		add(32*i, s)
	}
	for _, p := range pointers {
		ADDQ(stride, p)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	for i, s := range sums {
		VMOVUPS(s, Mem{Base: y, Disp: 32 * i})
	}
	VZEROUPPER()
	RET()
}

// vectors are the loops over long slices that the compiler does not vectorise.
func vectors() {
	TEXT("max8", NOSPLIT, "func(x *float32, n int, top *float32)")
	Pragma("noescape")
	Doc("max8 raises the eight numbers top to the largest of n times eight; it passes NaNs over.")
	x, n, top := Load(Param("x"), GP64()), Load(Param("n"), GP64()), Load(Param("top"), GP64())
	m, v := YMM(), YMM()
	VMOVUPS(Mem{Base: top}, m)
	loop8(n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VMAXPS(m, v, m)
	}, x)
	VMOVUPS(m, Mem{Base: top})
	VZEROUPPER()
	RET()

	TEXT("scale8", NOSPLIT, "func(x *float32, n int, k float32)")
	Pragma("noescape")
	Doc("scale8 multiplies n times eight numbers by k.")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	k := broadcast("k")
	loop8(n, func() {
		v := YMM()
		VMULPS(Mem{Base: x}, k, v)
		VMOVUPS(v, Mem{Base: x})
	}, x)
	VZEROUPPER()
	RET()

	TEXT("axpy8", NOSPLIT, "func(k float32, x, y *float32, n int)")
	Pragma("noescape")
	Doc("axpy8 adds k times n times eight numbers x to y, rounding the product first.")
	k = broadcast("k")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	y := Load(Param("y"), GP64())
	loop8(n, func() {
		v := YMM()
		VMULPS(Mem{Base: x}, k, v)
		VADDPS(Mem{Base: y}, v, v)
		VMOVUPS(v, Mem{Base: y})
	}, x, y)
	VZEROUPPER()
	RET()

	TEXT("dot8", NOSPLIT, "func(x, y *float32, n int, sum *float32)")
	Pragma("noescape")
	Doc("dot8 adds the products of n times eight numbers x and y to eight sums.")
	x, y = Load(Param("x"), GP64()), Load(Param("y"), GP64())
	n = Load(Param("n"), GP64())
	sum := Load(Param("sum"), GP64())
	m, v = YMM(), YMM()
	VMOVUPS(Mem{Base: sum}, m)
	loop8(n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VFMADD231PS(Mem{Base: y}, v, m)
	}, x, y)
	VMOVUPS(m, Mem{Base: sum})
	VZEROUPPER()
	RET()

	TEXT("sum8", NOSPLIT, "func(x *float32, n int, sum *float32)")
	Pragma("noescape")
	Doc("sum8 adds n times eight numbers to eight sums.")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	sum = Load(Param("sum"), GP64())
	m = YMM()
	VMOVUPS(Mem{Base: sum}, m)
	loop8(n, func() {
		VADDPS(Mem{Base: x}, m, m)
	}, x)
	VMOVUPS(m, Mem{Base: sum})
	VZEROUPPER()
	RET()

	TEXT("sumRows32", NOSPLIT, "func(x *float32, rows, stride int, y *float32)")
	Pragma("noescape")
	Doc("sumRows32 adds rows of 32 numbers, stride apart, to y, in their order.")
	x = Load(Param("x"), GP64())
	rows32(func(at int, sum reg.VecVirtual) {
		VADDPS(Mem{Base: x, Disp: at}, sum, sum)
	}, x)

	TEXT("sumProducts32", NOSPLIT, "func(a, b *float32, rows, stride int, y *float32)")
	Pragma("noescape")
	Doc("sumProducts32 adds the products of rows of 32 numbers, stride apart, to y, in their order, rounding each first.")
	a, b := Load(Param("a"), GP64()), Load(Param("b"), GP64())
	rows32(func(at int, sum reg.VecVirtual) {
		v := YMM()
		VMOVUPS(Mem{Base: a, Disp: at}, v)
		VMULPS(Mem{Base: b, Disp: at}, v, v)
		VADDPS(v, sum, sum)
	}, a, b)

	TEXT("mul8", NOSPLIT, "func(x, y *float32, n int)")
	Pragma("noescape")
	Doc("mul8 multiplies n times eight numbers y by x.")
	x, y, n = Load(Param("x"), GP64()), Load(Param("y"), GP64()), Load(Param("n"), GP64())
	v = YMM()
	loop8(n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VMULPS(Mem{Base: y}, v, v)
		VMOVUPS(v, Mem{Base: y})
	}, x, y)
	VZEROUPPER()
	RET()

	TEXT("mulAdd8", NOSPLIT, "func(x, a, b, y *float32, n int)")
	Pragma("noescape")
	Doc("mulAdd8 sets n times eight numbers y to a x + b, rounding the product first.")
	x, a = Load(Param("x"), GP64()), Load(Param("a"), GP64())
	b, y, n = Load(Param("b"), GP64()), Load(Param("y"), GP64()), Load(Param("n"), GP64())
	v = YMM()
	loop8(n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VMULPS(Mem{Base: a}, v, v)
		VADDPS(Mem{Base: b}, v, v)
		VMOVUPS(v, Mem{Base: y})
	}, x, a, b, y)
	VZEROUPPER()
	RET()

	TEXT("backStandardise8", NOSPLIT, "func(dy, y, dx *float32, n int, inv, mean, meanY float32)")
	Pragma("noescape")
	Doc("backStandardise8 adds inv (dy - mean - meanY y) to n times eight numbers dx.")
	dy, dx := Load(Param("dy"), GP64()), Load(Param("dx"), GP64())
	y, n = Load(Param("y"), GP64()), Load(Param("n"), GP64())
	inv, mean, meanY := broadcast("inv"), broadcast("mean"), broadcast("meanY")
	v, t := YMM(), YMM()
	loop8(n, func() {
		VMOVUPS(Mem{Base: dy}, v)
		VSUBPS(mean, v, v)
		VMULPS(Mem{Base: y}, meanY, t)
		VSUBPS(t, v, v)
		VMULPS(inv, v, v)
		VADDPS(Mem{Base: dx}, v, v)
		VMOVUPS(v, Mem{Base: dx})
	}, dy, y, dx)
	VZEROUPPER()
	RET()

	TEXT("squares8", NOSPLIT, "func(x *float32, n int, sum *float64)")
	Pragma("noescape")
	Doc("squares8 adds the squares of n times eight numbers to eight sums in float64.")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	sum = Load(Param("sum"), GP64())
	p, q, low, high := YMM(), YMM(), YMM(), YMM()
	VMOVUPD(Mem{Base: sum}, p)
	VMOVUPD(Mem{Base: sum, Disp: 32}, q)
	loop8(n, func() {
		VCVTPS2PD(Mem{Base: x}, low)
		VCVTPS2PD(Mem{Base: x, Disp: 16}, high)
		VFMADD231PD(low, low, p)
		VFMADD231PD(high, high, q)
	}, x)
	VMOVUPD(p, Mem{Base: sum})
	VMOVUPD(q, Mem{Base: sum, Disp: 32})
	VZEROUPPER()
	RET()
}
