package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectors are the loops over long slices that the compiler does not vectorise.
func vectors() {
	function8("max8", "func(x *float32, n int, top *float32)", func(w width) {
		x, n, top := pointer("x"), pointer("n"), pointer("top")
		m := w.vector()
		VMOVUPS(Mem{Base: top}, m)
		repeat(n, 32, func() {
			v := w.vector()
			VMOVUPS(Mem{Base: x}, v)
			VMAXPS(m, v, m)
		}, x)
		VMOVUPS(m, Mem{Base: top})
	}, "max8 raises the eight numbers top to the largest of n times eight; it passes NaNs over.")

	function("scale", "func(x *float32, n int, k float32)", func(w width) {
		x, n, k := pointer("x"), pointer("n"), w.broadcast("k")
		leave := flushing()
		w.loop(n, func(c chunk) {
			v := w.vector()
			VMULPS(c.read(Mem{Base: x}), k, v)
			c.store(v, Mem{Base: x})
		}, x)
		leave()
	}, "scale multiplies n numbers by k. Denormals count as zero: in a momentum they would last, as in adam.")

	function("axpy", "func(k float32, x, y *float32, n int)", func(w width) {
		k, x, y, n := w.broadcast("k"), pointer("x"), pointer("y"), pointer("n")
		w.loop(n, func(c chunk) {
			v := w.vector()
			VMULPS(c.read(Mem{Base: x}), k, v)
			VADDPS(c.read(Mem{Base: y}), v, v)
			c.store(v, Mem{Base: y})
		}, x, y)
	}, "axpy adds k times n numbers x to y, rounding the product first.")

	function8("dot", "func(x, y *float32, n int, sum *float32)", func(w width) {
		x, y, n, sum := pointer("x"), pointer("y"), pointer("n"), pointer("sum")
		sums := w.vector()
		VMOVUPS(Mem{Base: sum}, sums)
		w.loop(n, func(c chunk) {
			v := c.load(Mem{Base: x})
			if c.mask == nil {
				VFMADD231PS(Mem{Base: y}, v, sums)
				return
			}
			VMULPS(c.read(Mem{Base: y}), v, v)
			VADDPS(v, sums, sums)
		}, x, y)
		VMOVUPS(sums, Mem{Base: sum})
	}, "dot adds the products of n numbers x and y to eight sums, those after the last eight rounded first.")

	function8("sum", "func(x *float32, n int, sum *float32)", func(w width) {
		x, n, sum := pointer("x"), pointer("n"), pointer("sum")
		sums := w.vector()
		VMOVUPS(Mem{Base: sum}, sums)
		w.loop(n, func(c chunk) {
			VADDPS(c.read(Mem{Base: x}), sums, sums)
		}, x)
		VMOVUPS(sums, Mem{Base: sum})
	}, "sum adds n numbers to eight sums.")

	function("sumRows", "func(x *float32, rows, stride int, y *float32, n int)", func(w width) {
		x := pointer("x")
		w.columns(func(c chunk, at int, sum reg.VecVirtual) {
			VADDPS(c.read(Mem{Base: x, Disp: at}), sum, sum)
		}, x)
	}, "sumRows adds rows of n numbers, stride apart, to y, in their order.")

	function("sumProducts", "func(a, b *float32, rows, stride int, y *float32, n int)", func(w width) {
		a, b := pointer("a"), pointer("b")
		w.columns(func(c chunk, at int, sum reg.VecVirtual) {
			v := c.load(Mem{Base: a, Disp: at})
			VMULPS(c.read(Mem{Base: b, Disp: at}), v, v)
			VADDPS(v, sum, sum)
		}, a, b)
	}, "sumProducts adds the products of rows of n numbers, stride apart, to y, in their order, rounding each first.")

	function("mul", "func(x, y *float32, n int)", func(w width) {
		x, y, n := pointer("x"), pointer("y"), pointer("n")
		w.loop(n, func(c chunk) {
			v := c.load(Mem{Base: x})
			VMULPS(c.read(Mem{Base: y}), v, v)
			c.store(v, Mem{Base: y})
		}, x, y)
	}, "mul multiplies n numbers y by x.")

	function("mulAdd", "func(x, a, b, y *float32, n int)", func(w width) {
		x, a, b, y, n := pointer("x"), pointer("a"), pointer("b"), pointer("y"), pointer("n")
		w.loop(n, func(c chunk) {
			v := c.load(Mem{Base: x})
			VMULPS(c.read(Mem{Base: a}), v, v)
			VADDPS(c.read(Mem{Base: b}), v, v)
			c.store(v, Mem{Base: y})
		}, x, a, b, y)
	}, "mulAdd sets n numbers y to a x + b, rounding the product first.")

	function("backStandardise", "func(dy, y, dx *float32, n int, inv, mean, meanY float32)", func(w width) {
		dy, y, dx, n := pointer("dy"), pointer("y"), pointer("dx"), pointer("n")
		inv, mean, meanY := w.broadcast("inv"), w.broadcast("mean"), w.broadcast("meanY")
		w.loop(n, func(c chunk) {
			v, t := c.load(Mem{Base: dy}), w.vector()
			VSUBPS(mean, v, v)
			VMULPS(c.read(Mem{Base: y}), meanY, t)
			VSUBPS(t, v, v)
			VMULPS(inv, v, v)
			VADDPS(c.read(Mem{Base: dx}), v, v)
			c.store(v, Mem{Base: dx})
		}, dy, y, dx)
	}, "backStandardise adds inv (dy - mean - meanY y) to n numbers dx.")

	function8("squares", "func(x *float32, n int, sum *float64)", func(w width) {
		x, n, sum := pointer("x"), pointer("n"), pointer("sum")
		p, q := YMM(), YMM()
		VMOVUPD(Mem{Base: sum}, p)
		VMOVUPD(Mem{Base: sum, Disp: 32}, q)
		w.loop(n, func(c chunk) {
			low, high := YMM(), YMM()
			if c.mask == nil {
				VCVTPS2PD(Mem{Base: x}, low)
				VCVTPS2PD(Mem{Base: x, Disp: 16}, high)
			} else {
				v, upper := c.load(Mem{Base: x}), XMM()
				VEXTRACTF128(Imm(1), v, upper)
				VCVTPS2PD(v.AsX(), low)
				VCVTPS2PD(upper, high)
			}
			VFMADD231PD(low, low, p)
			VFMADD231PD(high, high, q)
		}, x)
		VMOVUPD(p, Mem{Base: sum})
		VMOVUPD(q, Mem{Base: sum, Disp: 32})
	}, "squares adds the squares of n numbers to eight sums in float64.")
}

// columns adds rows to y, up to four registers of columns at a time: add does it for the numbers at an offset from
// pointers, which go from row to row.
func (w width) columns(add func(c chunk, at int, sum reg.VecVirtual), pointers ...reg.GPVirtual) {
	rows, stride, y, n := pointer("rows"), pointer("stride"), pointer("y"), pointer("n")
	SHLQ(Imm(2), stride) // bytes
	left := GP64()
	tops := make([]reg.GPVirtual, len(pointers))
	for i := range tops {
		tops[i] = GP64()
	}
	blocks, done := make([]string, 4), label("done")
	for i := range blocks {
		blocks[i] = label("block")
	}
	next := label("next")
	Label(next)
	for i, p := range pointers {
		MOVQ(p, tops[i])
	}
	MOVQ(rows, left)
	for count := 4; count > 1; count-- {
		CMPQ(n, U8(int(w)*(count-1)))
		JGT(LabelRef(blocks[count-1]))
	}
	for count := 1; count <= 4; count++ {
		Label(blocks[count-1])
		if count > 1 {
			SUBQ(Imm(uint64(int(w)*(count-1))), n)
		}
		last := w.first(n)
		chunks, sums := make([]chunk, count), make([]reg.VecVirtual, count)
		for i := range chunks {
			chunks[i].width = w
			if i == count-1 {
				chunks[i].mask = last
			}
			sums[i] = chunks[i].load(Mem{Base: y, Disp: w.bytes() * i})
		}
		row := label("row")
		Label(row)
		for i, c := range chunks {
			add(c, w.bytes()*i, sums[i])
		}
		for _, p := range pointers {
			ADDQ(stride, p)
		}
		DECQ(left)
		JNZ(LabelRef(row))
		for i, c := range chunks {
			c.store(sums[i], Mem{Base: y, Disp: w.bytes() * i})
		}
		if count < 4 {
			JMP(LabelRef(done))
		}
	}
	for i, p := range pointers {
		LEAQ(Mem{Base: tops[i], Disp: 4 * w.bytes()}, p)
	}
	ADDQ(U32(4*w.bytes()), y)
	SUBQ(Imm(uint64(w)), n)
	JG(LabelRef(next))
	Label(done)
}
