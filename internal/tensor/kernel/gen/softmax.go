package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmaxes are the loops over rows of which only the first numbers count, one more in each row if so wished: the
// weights of attention. They go by whole eights and mask what does not count, as short rows are the rule.
func softmaxes(e exponential) {
	least := float("least", float32(math.Inf(-1)))
	minus := map[width]Mem{}
	for _, w := range []width{eight, sixteen} {
		minus[w] = constant(fmt.Sprint("minus", int(w)), -uint32(w))
	}

	// rows emits a loop over rows: body does a row of which n numbers count.
	rows := func(body func(n reg.GPVirtual), next func()) {
		n, left := pointer("count"), pointer("rows")
		row := label("row")
		Label(row)
		body(n)
		next()
		grow := GP64()
		Load(Param("grow"), grow)
		ADDQ(grow, n)
		DECQ(left)
		JNZ(LabelRef(row))
	}
	// whole sets up to n, in eights.
	whole := func(n, up reg.GPVirtual) {
		LEAQ(Mem{Base: n, Disp: 7}, up)
		ANDQ(I8(-8), up)
	}
	// pass emits a loop over the eights of the n numbers that count, from where at points, one or two eights a round;
	// counts tells which numbers do.
	pass := func(w width, n reg.GPVirtual, body func(c chunk, at reg.GPVirtual, counts Op)) {
		at, last := GP64(), GP64()
		whole(n, last)
		c, eights := chunk{width: w}, reg.VecVirtual(nil)
		if w > eight {
			eights, c.mask = w.spread(last), w.mask()
		}
		SHLQ(Imm(2), last) // bytes
		XORQ(at, at)
		left, counts := w.spread(n), w.mask()
		again := label("pass")
		Label(again)
		VPCMPGTD(lanes, left, counts)
		VPADDD(minus[w], left, left)
		if w > eight {
			VPCMPGTD(lanes, eights, c.mask)
			VPADDD(minus[w], eights, eights)
		}
		body(c, at, counts)
		ADDQ(Imm(uint64(w.bytes())), at)
		CMPQ(at, last)
		JLT(LabelRef(again))
	}
	// rest emits a loop that clears what is left of a row.
	rest := func(x, n, width reg.GPVirtual) {
		at, zero := GP64(), YMM()
		whole(n, at)
		VXORPS(zero, zero, zero)
		test, clear := label("test"), label("clear")
		JMP(LabelRef(test))
		Label(clear)
		VMOVUPS(zero, Mem{Base: x, Index: at, Scale: 4})
		ADDQ(Imm(8), at)
		Label(test)
		CMPQ(at, width)
		JLT(LabelRef(clear))
	}

	function("softmaxRows", "func(x *float32, rows, ld, width, count, grow int, scale float32)", func(w width) {
		x, ld, width := pointer("x"), pointer("ld"), pointer("width")
		SHLQ(Imm(2), ld)
		scale := w.broadcast("scale")
		rows(func(n reg.GPVirtual) {
			eighths := YMM()
			VMOVUPS(least, eighths)
			pass(w, n, func(c chunk, at reg.GPVirtual, counts Op) {
				v := w.vector()
				VMOVUPS(least, v)
				w.blend(counts, c.read(Mem{Base: x, Index: at, Scale: 1}), v, v)
				w.accumulate(func(o ...Op) { VMAXPS(o[1], o[0], o[2]) }, v, eighths) // passes NaNs over
			})
			top := w.join(func(o ...Op) { VMAXPS(o[0], o[1], o[2]) }, eighths)
			VMULPS(scale, top, top)
			sums := YMM()
			VXORPS(sums, sums, sums)
			pass(w, n, func(c chunk, at reg.GPVirtual, counts Op) {
				v, y := c.load(Mem{Base: x, Index: at, Scale: 1}), w.vector()
				VMULPS(scale, v, v) // rounded as the largest was, so that no exponent is above 0
				VSUBPS(top, v, v)
				e.below(w, v, y)
				w.keep(counts, y)
				c.store(y, Mem{Base: x, Index: at, Scale: 1})
				w.accumulate(VADDPS, y, sums)
			})
			sum, one := w.join(VADDPS, sums), w.vector()
			VMOVUPS(e.one, one)
			VDIVPS(sum, one, sum)
			pass(w, n, func(c chunk, at reg.GPVirtual, counts Op) {
				v := w.vector()
				VMULPS(c.read(Mem{Base: x, Index: at, Scale: 1}), sum, v)
				w.keep(counts, v) // 0, even if the sum is NaN
				c.store(v, Mem{Base: x, Index: at, Scale: 1})
			})
			rest(x, n, width)
		}, func() { ADDQ(ld, x) })
	}, "softmaxRows replaces the first count numbers x of each row by softmax(scale x) and the rest, up to a width of",
		"whole eights, by 0. Rows are ld apart, and count grows by grow from each to the next.")

	function("backSoftmaxRows", "func(p *float32, ldp int, d *float32, ldd, rows, width, count, grow int, scale float32)", func(w width) {
		p, d, ldp, ldd, width := pointer("p"), pointer("d"), pointer("ldp"), pointer("ldd"), pointer("width")
		SHLQ(Imm(2), ldp)
		SHLQ(Imm(2), ldd)
		scale := w.broadcast("scale")
		rows(func(n reg.GPVirtual) {
			sums := YMM()
			VXORPS(sums, sums, sums)
			pass(eight, n, func(c chunk, at reg.GPVirtual, counts Op) { // which waits for its eight sums
				v := YMM()
				VANDPS(Mem{Base: d, Index: at, Scale: 1}, counts, v)
				VFMADD231PS(Mem{Base: p, Index: at, Scale: 1}, v, sums)
			})
			sum := w.join(VADDPS, sums)
			pass(w, n, func(c chunk, at reg.GPVirtual, counts Op) {
				v, t := c.load(Mem{Base: d, Index: at, Scale: 1}), w.vector()
				VSUBPS(sum, v, v)
				VMULPS(c.read(Mem{Base: p, Index: at, Scale: 1}), scale, t)
				VMULPS(t, v, v)
				w.keep(counts, v)
				c.store(v, Mem{Base: d, Index: at, Scale: 1})
			})
			rest(d, n, width)
		}, func() {
			ADDQ(ldp, p)
			ADDQ(ldd, d)
		})
	}, "backSoftmaxRows replaces the first count numbers d of each row by scale p (d - Σ p d) and the rest, up to a",
		"width of whole eights, by 0, as softmaxRows left p there. Count grows by grow from each row to the next.")
}
