package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// adam is one pass over a parameter and its two running means: 16 bytes in and 12 out for
// each weight, so that memory limits it.
func adam() {
	TEXT("adam8", NOSPLIT, "func(w, grad, m, v *float32, n int, beta1, rest1, beta2, rest2, rate, root, eps float32)")
	Pragma("noescape")
	Doc("adam8 makes one step of Adam on n times eight weights: m = beta1 m + rest1 grad,",
		"v = beta2 v + rest2 grad², w -= rate m / (root sqrt(v) + eps).")
	w, g := Load(Param("w"), GP64()), Load(Param("grad"), GP64())
	m, v := Load(Param("m"), GP64()), Load(Param("v"), GP64())
	n := Load(Param("n"), GP64())
	beta1, rest1, beta2, rest2 := broadcast("beta1"), broadcast("rest1"), broadcast("beta2"), broadcast("rest2")
	rate, root, eps := broadcast("rate"), broadcast("root"), broadcast("eps")
	Label("loop")
	x, y, grad, t := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: g}, grad)
	VMULPS(Mem{Base: m}, beta1, x)
	VFMADD231PS(grad, rest1, x)
	VMOVUPS(x, Mem{Base: m})
	VMULPS(Mem{Base: v}, beta2, y)
	VMULPS(grad, grad, t)
	VFMADD231PS(t, rest2, y)
	VMOVUPS(y, Mem{Base: v})
	VSQRTPS(y, y)
	VMULPS(root, y, y)
	VADDPS(eps, y, y)
	VMULPS(rate, x, x)
	VDIVPS(y, x, x)
	VMOVUPS(Mem{Base: w}, t)
	VSUBPS(x, t, t)
	VMOVUPS(t, Mem{Base: w})
	for _, p := range []reg.Register{w, g, m, v} {
		ADDQ(Imm(32), p)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
