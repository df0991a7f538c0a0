package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmaxes are the loops over rows of which only the first numbers count, one more in each row if so wished: the
// weights of attention. They go by whole eights and mask what does not count, as short rows are the rule.
func softmaxes(e exponential) {
	lanes := GLOBL("lanes", attr.RODATA|attr.NOPTR)
	for i := range 8 {
		DATA(4*i, U32(i))
	}
	least, minus8 := float("least", float32(math.Inf(-1))), constant("minus8", 1<<32-8)

	// rows emits a loop over rows: body does a row of which n numbers count.
	rows := func(body func(n reg.GPVirtual), next func()) {
		n, left := Load(Param("count"), GP64()).(reg.GPVirtual), Load(Param("rows"), GP64())
		Label("row")
		body(n)
		next()
		grow := GP64()
		Load(Param("grow"), grow)
		ADDQ(grow, n)
		DECQ(left)
		JNZ(LabelRef("row"))
		VZEROUPPER()
		RET()
	}
	// pass emits a loop over the eights of the n numbers that count, from where at points; mask tells which do.
	pass := func(name string, n reg.GPVirtual, mask reg.VecVirtual, body func(at reg.GPVirtual)) {
		at, last := GP64(), GP64()
		XORQ(at, at)
		LEAQ(Mem{Base: n, Index: n, Scale: 1}, last)
		ADDQ(last, last) // bytes
		left := YMM()
		VMOVQ(n, left.AsX())
		VPBROADCASTD(left.AsX(), left)
		Label(name)
		VPCMPGTD(lanes, left, mask)
		VPADDD(minus8, left, left)
		body(at)
		ADDQ(Imm(32), at)
		CMPQ(at, last)
		JLT(LabelRef(name))
	}
	// rest emits a loop that clears what is left of a row.
	rest := func(x, n, width reg.GPVirtual) {
		at, zero := GP64(), YMM()
		LEAQ(Mem{Base: n, Disp: 7}, at)
		ANDQ(I8(-8), at)
		VXORPS(zero, zero, zero)
		JMP(LabelRef("test"))
		Label("clear")
		VMOVUPS(zero, Mem{Base: x, Index: at, Scale: 4})
		ADDQ(Imm(8), at)
		Label("test")
		CMPQ(at, width)
		JLT(LabelRef("clear"))
	}
	// join combines the lanes of v with all others, the same result in each.
	join := func(op func(...Op), v reg.VecVirtual) {
		t := YMM()
		VPERM2F128(Imm(0x01), v, v, t)
		op(t, v, v)
		VSHUFPS(Imm(0xb1), v, v, t)
		op(t, v, v)
		VSHUFPS(Imm(0x4e), v, v, t)
		op(t, v, v)
	}

	TEXT("softmaxRows", NOSPLIT, "func(x *float32, rows, ld, width, count, grow int, scale float32)")
	Pragma("noescape")
	Doc("softmaxRows replaces the first count numbers x of each row by softmax(scale x) and the rest, up to a width of",
		"whole eights, by 0. Rows are ld apart, and count grows by grow from each to the next.")
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	ld, width := Load(Param("ld"), GP64()), Load(Param("width"), GP64()).(reg.GPVirtual)
	SHLQ(Imm(2), ld)
	scale := broadcast("scale")
	rows(func(n reg.GPVirtual) {
		top, mask := YMM(), YMM()
		VMOVUPS(least, top)
		pass("max", n, mask, func(at reg.GPVirtual) {
			v := YMM()
			VMOVUPS(least, v)
			VBLENDVPS(mask, Mem{Base: x, Index: at, Scale: 1}, v, v)
			VMAXPS(top, v, top) // passes NaNs over
		})
		join(func(o ...Op) { VMAXPS(o[0], o[1], o[2]) }, top)
		VMULPS(scale, top, top)
		sum := YMM()
		VXORPS(sum, sum, sum)
		pass("exp", n, mask, func(at reg.GPVirtual) {
			v, y := YMM(), YMM()
			VMOVUPS(Mem{Base: x, Index: at, Scale: 1}, v)
			VMULPS(scale, v, v) // rounded as the largest was, so that no exponent is above 0
			VSUBPS(top, v, v)
			e.below(v, y)
			VANDPS(mask, y, y)
			VMOVUPS(y, Mem{Base: x, Index: at, Scale: 1})
			VADDPS(y, sum, sum)
		})
		join(func(o ...Op) { VADDPS(o[0], o[1], o[2]) }, sum)
		one := YMM()
		VMOVUPS(e.one, one)
		VDIVPS(sum, one, sum)
		pass("divide", n, mask, func(at reg.GPVirtual) {
			v := YMM()
			VMULPS(Mem{Base: x, Index: at, Scale: 1}, sum, v)
			VANDPS(mask, v, v) // 0, even if the sum is NaN
			VMOVUPS(v, Mem{Base: x, Index: at, Scale: 1})
		})
		rest(x, n, width)
	}, func() { ADDQ(ld, x) })

	TEXT("backSoftmaxRows", NOSPLIT, "func(p *float32, ldp int, d *float32, ldd, rows, width, count, grow int, scale float32)")
	Pragma("noescape")
	Doc("backSoftmaxRows replaces the first count numbers d of each row by scale p (d - Σ p d) and the rest, up to a",
		"width of whole eights, by 0, as softmaxRows left p there. Count grows by grow from each row to the next.")
	p, d := Load(Param("p"), GP64()).(reg.GPVirtual), Load(Param("d"), GP64()).(reg.GPVirtual)
	ldp, ldd := Load(Param("ldp"), GP64()), Load(Param("ldd"), GP64())
	width = Load(Param("width"), GP64()).(reg.GPVirtual)
	SHLQ(Imm(2), ldp)
	SHLQ(Imm(2), ldd)
	scale = broadcast("scale")
	rows(func(n reg.GPVirtual) {
		sum, mask := YMM(), YMM()
		VXORPS(sum, sum, sum)
		pass("dot", n, mask, func(at reg.GPVirtual) {
			v := YMM()
			VANDPS(Mem{Base: d, Index: at, Scale: 1}, mask, v)
			VFMADD231PS(Mem{Base: p, Index: at, Scale: 1}, v, sum)
		})
		join(func(o ...Op) { VADDPS(o[0], o[1], o[2]) }, sum)
		pass("back", n, mask, func(at reg.GPVirtual) {
			v, t := YMM(), YMM()
			VMOVUPS(Mem{Base: d, Index: at, Scale: 1}, v)
			VSUBPS(sum, v, v)
			VMULPS(Mem{Base: p, Index: at, Scale: 1}, scale, t)
			VMULPS(t, v, v)
			VANDPS(mask, v, v)
			VMOVUPS(v, Mem{Base: d, Index: at, Scale: 1})
		})
		rest(d, n, width)
	}, func() {
		ADDQ(ldp, p)
		ADDQ(ldd, d)
	})
}
