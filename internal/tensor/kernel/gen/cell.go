package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// backCell is one example's step back through an LSTM; see backLSTMCell in package grad.
func backCell() {
	one := float("one1", 1)
	TEXT("backCell8", NOSPLIT, "func(dOut, dh, dc, gates, cPrev, tanhC, dPre *float32, h int)")
	Pragma("noescape")
	Doc("backCell8 takes an LSTM cell of h units, a multiple of eight, one step back: gates and",
		"dPre have rows i f g o of h numbers each.")
	ptr := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	dOut, dh, dc, gi := ptr("dOut"), ptr("dh"), ptr("dc"), ptr("gates")
	cPrev, tanhC, di, h := ptr("cPrev"), ptr("tanhC"), ptr("dPre"), ptr("h")
	row := GP64() // bytes of a gate
	MOVQ(h, row)
	SHLQ(Imm(2), row)
	g2, d2 := GP64(), GP64() // rows g and o stand two rows further
	LEAQ(Mem{Base: gi, Index: row, Scale: 2}, g2)
	LEAQ(Mem{Base: di, Index: row, Scale: 2}, d2)
	SHRQ(Imm(3), h)
	Label("loop")
	i, f, g, o := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: gi}, i)
	VMOVUPS(Mem{Base: gi, Index: row, Scale: 1}, f)
	VMOVUPS(Mem{Base: g2}, g)
	VMOVUPS(Mem{Base: g2, Index: row, Scale: 1}, o)
	dH, dC, t, u, k := YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVUPS(one, k)
	VMOVUPS(Mem{Base: dOut}, dH)
	VADDPS(Mem{Base: dh}, dH, dH)
	VMOVUPS(Mem{Base: tanhC}, t)
	VMULPS(dH, o, dC)      // dH o
	VMULPS(t, dC, u)       // dH o t
	VFNMADD231PS(t, u, dC) // dH o (1 - t²)
	VADDPS(Mem{Base: dc}, dC, dC)
	VMULPS(t, dH, u) // do = dH t o (1-o)
	VMULPS(o, u, u)
	VSUBPS(o, k, t)
	VMULPS(t, u, u)
	VMOVUPS(u, Mem{Base: d2, Index: row, Scale: 1})
	VMULPS(f, dC, u) // dc = dC f
	VMOVUPS(u, Mem{Base: dc})
	VMULPS(Mem{Base: cPrev}, u, u) // df = dC c f (1-f)
	VSUBPS(f, k, t)
	VMULPS(t, u, u)
	VMOVUPS(u, Mem{Base: di, Index: row, Scale: 1})
	VMULPS(i, dC, dC) // dC i
	VMULPS(g, dC, u)  // di = dC i g (1-i)
	VSUBPS(i, k, t)
	VMULPS(t, u, t)
	VMOVUPS(t, Mem{Base: di})
	VFNMADD231PS(g, u, dC) // dg = dC i (1 - g²)
	VMOVUPS(dC, Mem{Base: d2})
	for _, p := range []reg.Register{dOut, dh, dc, gi, g2, cPrev, tanhC, di, d2} {
		ADDQ(Imm(32), p)
	}
	DECQ(h)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
