package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packs bring operands into the order of the panels: the scalar loops and calls of a general
// copy would cost as much as a tenth of a training step.
func packs() {
	for _, width := range []int{1, 2, 3, 4, 5, 6, 7, 8, 16, 32} {
		name := fmt.Sprintf("copy%d", width)
		TEXT(name, NOSPLIT, "func(dst, src *float32, n, stride, panels, next int)")
		Pragma("noescape")
		Doc(fmt.Sprintf("%s copies n rows that are stride apart into panels %d wide that are next apart: line by", name, width),
			"line, because a row may be a page away from the one before.")
		dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
		n, stride := Load(Param("n"), GP64()), Load(Param("stride"), GP64())
		panels, next := Load(Param("panels"), GP64()), Load(Param("next"), GP64())
		SHLQ(Imm(2), stride)
		SHLQ(Imm(2), next)
		to, from, left := GP64(), GP64(), GP64()
		Label("row")
		MOVQ(dst, to)
		MOVQ(src, from)
		MOVQ(panels, left)
		Label("panel")
		for at := 0; at < width; {
			n := 8
			for n > width-at {
				n /= 2
			}
			v, move := Op(nil), VMOVUPS
			switch n {
			case 8:
				v = YMM()
			case 4:
				v = XMM()
			case 2:
				v, move = GP64(), func(ops ...Op) { MOVQ(ops[0], ops[1]) }
			case 1:
				v, move = GP32(), func(ops ...Op) { MOVL(ops[0], ops[1]) }
			}
			move(Mem{Base: from, Disp: 4 * at}, v)
			move(v, Mem{Base: to, Disp: 4 * at})
			at += n
		}
		ADDQ(U32(uint32(4*width)), from)
		ADDQ(next, to)
		DECQ(left)
		JNZ(LabelRef("panel"))
		ADDQ(stride, src)
		ADDQ(U32(uint32(4*width)), dst)
		DECQ(n)
		JNZ(LabelRef("row"))
		VZEROUPPER()
		RET()
	}

	TEXT("cross8", NOSPLIT, "func(dst, src *float32, n, line, width int)")
	Pragma("noescape")
	Doc("cross8 interleaves eight lines that are line apart, n times eight numbers of each: number p of",
		"line l goes to p*width + l.")
	dst, src := Load(Param("dst"), GP64()).(reg.GPVirtual), Load(Param("src"), GP64()).(reg.GPVirtual)
	n, line := Load(Param("n"), GP64()), Load(Param("line"), GP64()).(reg.GPVirtual)
	width := Load(Param("width"), GP64()).(reg.GPVirtual)
	SHLQ(Imm(2), line)
	SHLQ(Imm(2), width)
	line3, src4, width3, dst4 := GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: line, Index: line, Scale: 2}, line3)
	LEAQ(Mem{Base: src, Index: line, Scale: 4}, src4)
	LEAQ(Mem{Base: width, Index: width, Scale: 2}, width3)
	Label("loop")
	var r, t [8]reg.VecVirtual
	for i := range 8 {
		r[i], t[i] = YMM(), YMM()
	}
	quarter := func(low, high, step, step3 reg.GPVirtual, i int) Mem {
		m := Mem{Base: low}
		if i >= 4 {
			m.Base = high
		}
		switch i % 4 {
		case 3:
			m.Index, m.Scale = step3, 1
		case 1, 2:
			m.Index, m.Scale = step, uint8(i%4)
		}
		return m
	}
	for i := range 8 {
		VMOVUPS(quarter(src, src4, line, line3, i), r[i])
	}
	for i := 0; i < 8; i += 2 { // pairs of lines, number by number
		VUNPCKLPS(r[i+1], r[i], t[i])
		VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 { // fours of lines
		VSHUFPS(Imm(0x44), t[i+2], t[i], r[i])
		VSHUFPS(Imm(0xee), t[i+2], t[i], r[i+1])
		VSHUFPS(Imm(0x44), t[i+3], t[i+1], r[i+2])
		VSHUFPS(Imm(0xee), t[i+3], t[i+1], r[i+3])
	}
	for i := range 4 { // and the two halves
		VPERM2F128(Imm(0x20), r[i+4], r[i], t[i])
		VPERM2F128(Imm(0x31), r[i+4], r[i], t[i+4])
	}
	LEAQ(Mem{Base: dst, Index: width, Scale: 4}, dst4)
	for i := range 8 {
		VMOVUPS(t[i], quarter(dst, dst4, width, width3, i))
	}
	ADDQ(Imm(32), src)
	ADDQ(Imm(32), src4)
	LEAQ(Mem{Base: dst, Index: width, Scale: 8}, dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
