package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gates emits the functions of which the gates of an LSTM are made.
type gates struct {
	exponential
	sign, small, two Mem
	odd              []Mem
}

func newGates(e exponential) gates {
	g := gates{exponential: e, sign: constant("sign", 1<<31), small: float("tanhSmall", 0.625), two: float("two", 2)}
	for i, c := range []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1} {
		g.odd = append(g.odd, float("tanhP"+string(rune('0'+i)), c))
	}
	return g
}

// sigmoid sets y to the sigmoid of x: with e = e^-|x| and q = e/(1+e) it is 1 - q for positive
// x and q for negative, there as e - e q, which rounds once.
func (g gates) sigmoid(w width, x, y reg.VecVirtual) {
	minus, one := w.vector(), w.vector()
	VORPS(g.sign, x, minus) // -|x|
	g.below(w, minus, y)
	VMOVUPS(g.one, one)
	VADDPS(one, y, minus)
	VDIVPS(minus, y, minus)   // q
	VSUBPS(minus, one, one)   // 1 - q
	VFNMADD213PS(y, y, minus) // e - e q
	w.blend(w.negative(x), minus, one, y)
}

// tanh sets y to the tanh of x: 1 - 2/(e^2|x| + 1) with the sign of x, or, where that would cancel, an odd
// polynomial (coefficients: Cephes, Moshier 1989, tanhf).
func (g gates) tanh(w width, x, y reg.VecVirtual) {
	a, s, q := w.vector(), w.vector(), w.vector()
	VMOVUPS(g.sign, a)
	VANDNPS(x, a, a) // |x|
	VADDPS(a, a, s)
	g.emit(w, s, y)
	VADDPS(g.one, y, y)
	VMOVUPS(g.two, s)
	VDIVPS(y, s, y)
	VMOVUPS(g.one, s)
	VSUBPS(y, s, y)
	VMOVUPS(g.sign, s)
	VANDPS(x, s, s)
	VORPS(s, y, y)
	VMULPS(x, x, s)
	VMOVUPS(g.odd[0], q)
	for _, c := range g.odd[1:] {
		VFMADD213PS(c, s, q)
	}
	VMULPS(s, q, q)
	VFMADD213PS(x, x, q) // x + x (q s)
	w.blend(w.compare(a, less, g.small), q, y, y)
}

// elementary are the functions of numbers one by one.
func elementary(g gates) {
	function("expSum", "func(x *float32, n int, shift float32, sum *float32)", func(w width) {
		x, n, sum := pointer("x"), pointer("n"), pointer("sum")
		shift, total := w.broadcast("shift"), YMM()
		VMOVUPS(Mem{Base: sum}, total)
		w.loop(n, func(c chunk) {
			v, y := c.load(Mem{Base: x}), w.vector()
			VSUBPS(shift, v, v)
			g.emit(w, v, y)
			c.store(y, Mem{Base: x})
			if c.mask != nil {
				w.keep(c.mask, y)
			}
			w.accumulate(VADDPS, y, total)
		}, x)
		VMOVUPS(total, Mem{Base: sum})
	}, "expSum replaces n numbers x by e^(x-shift), and adds them to the eight sums.")

	least := float("expLeast", float32(math.Inf(-1)))
	function("weights", "func(x *float32, n int, sums *float32)", func(w width) {
		x, n, sums := pointer("x"), pointer("n"), pointer("sums")
		none, top := w.vector(), YMM()
		VMOVUPS(least, none)
		VMOVUPS(least, top)
		w.loop(n, func(c chunk) {
			v := c.load(Mem{Base: x})
			if c.mask != nil {
				w.blend(c.mask, v, none, v)
			}
			w.accumulate(func(o ...Op) { VMAXPS(o[1], o[0], o[2]) }, v, top) // passes NaNs over
		}, x)
		shift := w.join(func(o ...Op) { VMAXPS(o[0], o[1], o[2]) }, top)
		x, n = pointer("x"), pointer("n")
		next, rest, done := label("chunk"), label("short"), label("end")
		total := YMM()
		weigh := func(c chunk, at Mem) {
			v, y := c.load(at), w.vector()
			VSUBPS(shift, v, v)
			g.below(w, v, y)
			c.store(y, at)
			if c.mask != nil {
				w.keep(c.mask, y)
			}
			w.accumulate(VADDPS, y, total)
		}
		write := func() {
			VMOVSS(eight.join(VADDPS, total).AsX(), Mem{Base: sums})
			ADDQ(Imm(4), sums)
		}
		Label(next)
		VXORPS(total, total, total)
		SUBQ(Imm(64), n)
		JLT(LabelRef(rest))
		for i := range 64 / int(w) {
			weigh(chunk{width: w}, Mem{Base: x, Disp: w.bytes() * i})
		}
		write()
		ADDQ(I32(4*64), x)
		JMP(LabelRef(next))
		Label(rest)
		ADDQ(Imm(64), n)
		JZ(LabelRef(done))
		w.loop(n, func(c chunk) { weigh(c, Mem{Base: x}) }, x)
		write()
		Label(done)
	}, "weights replaces n numbers x by e^(x-m), m the largest, and sets sums to the sums of 64 of them each, the last perhaps",
		"of fewer. NaNs stay, and are no m.")

	function("sigmoid", "func(x *float32, n int)", func(w width) {
		x, n := pointer("x"), pointer("n")
		w.loop(n, func(c chunk) {
			y := w.vector()
			g.sigmoid(w, c.load(Mem{Base: x}), y)
			c.store(y, Mem{Base: x})
		}, x)
	}, "sigmoid replaces n numbers x by their sigmoid.")

	function("tanh", "func(x, y *float32, n int)", func(w width) {
		x, to, n := pointer("x"), pointer("y"), pointer("n")
		w.loop(n, func(c chunk) {
			y := w.vector()
			g.tanh(w, c.load(Mem{Base: x}), y)
			c.store(y, Mem{Base: to})
		}, x, to)
	}, "tanh sets n numbers y to tanh x; y may be x.")

	// GELU is x sigmoid(2u) with 2u = x (a + b x²), a = √(8/π), b = 0.044715 a.
	geluA := float("geluA", 2*math.Sqrt2/math.SqrtPi)
	geluB, geluB3 := float("geluB", 0.044715*2*math.Sqrt2/math.SqrtPi), float("geluB3", 3*0.044715*2*math.Sqrt2/math.SqrtPi)
	function("gelu", "func(x, y *float32, n int)", func(w width) {
		x, to, n := pointer("x"), pointer("y"), pointer("n")
		w.loop(n, func(c chunk) {
			v, u, y := c.load(Mem{Base: x}), w.vector(), w.vector()
			VMULPS(v, v, u)
			VMULPS(geluB, u, u)
			VADDPS(geluA, u, u)
			VMULPS(v, u, u)
			g.sigmoid(w, u, y)
			VMULPS(v, y, y)
			c.store(y, Mem{Base: to})
		}, x, to)
	}, "gelu sets n numbers y to the GELU of x.")

	function("backGELU", "func(x, dy, dx *float32, n int)", func(w width) {
		x, dy, dx, n := pointer("x"), pointer("dy"), pointer("dx"), pointer("n")
		w.loop(n, func(c chunk) {
			v, y := c.load(Mem{Base: x}), w.vector()
			u, slope, rest := w.vector(), w.vector(), w.vector()
			VMULPS(v, v, slope)
			VMULPS(geluB, slope, u)
			VADDPS(geluA, u, u)
			VMULPS(v, u, u)
			VMULPS(geluB3, slope, slope)
			VADDPS(geluA, slope, slope)
			VMULPS(v, slope, slope)
			g.sigmoid(w, u, y)
			VMOVUPS(g.one, rest)
			VSUBPS(y, rest, rest)
			VMULPS(rest, slope, slope)
			VADDPS(g.one, slope, slope)
			VMULPS(y, slope, slope)
			VMULPS(c.read(Mem{Base: dy}), slope, slope)
			VADDPS(c.read(Mem{Base: dx}), slope, slope)
			c.store(slope, Mem{Base: dx})
		}, x, dy, dx)
	}, "backGELU adds dy s (1 + x (1-s) (a + 3b x²)) to n numbers dx, s = sigmoid(2u).")

	function("elu", "func(x, y *float32, n int)", func(w width) {
		x, to, n := pointer("x"), pointer("y"), pointer("n")
		none, least := w.vector(), w.vector()
		VXORPS(none, none, none)
		VMOVUPS(g.low, least)
		w.loop(n, func(c chunk) {
			v, y := c.load(Mem{Base: x}), w.vector()
			k, r, scale := w.vector(), w.vector(), w.vector()
			VMINPS(v, none, r) // a NaN stays, being the second operand
			VMAXPS(r, least, r)
			g.powers(w, r, k, y)
			VCVTPS2DQ(k, k)
			VPADDD(g.bias, k, k)
			VPSLLD(Imm(23), k, scale)
			VSUBPS(g.one, scale, k)
			VFMADD213PS(k, scale, y)
			VMAXPS(v, none, v)
			VADDPS(v, y, y)
			c.store(y, Mem{Base: to})
		}, x, to)
	}, "elu sets n numbers y to x where x is positive and to e^x - 1 elsewhere: with x = k ln 2 + r it",
		"is 2^k (e^r - 1) + (2^k - 1), which does not cancel near 0.")

	function("backELU", "func(y, dy, dx *float32, n int)", func(w width) {
		y, dy, dx, n := pointer("y"), pointer("dy"), pointer("dx"), pointer("n")
		none := w.vector()
		VXORPS(none, none, none)
		w.loop(n, func(c chunk) {
			v := w.vector()
			VMINPS(c.read(Mem{Base: y}), none, v)
			VADDPS(g.one, v, v)
			VMULPS(c.read(Mem{Base: dy}), v, v)
			VADDPS(c.read(Mem{Base: dx}), v, v)
			c.store(v, Mem{Base: dx})
		}, y, dy, dx)
	}, "backELU adds dy (min(y, 0) + 1) to n numbers dx.")
}
