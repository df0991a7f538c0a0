package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fma is nothing but independent multiply-adds: what it reaches is the ceiling that the
// benchmarks are shares of.
func fma() {
	TEXT("fmaLoop", NOSPLIT, "func(n int)")
	Doc("fmaLoop executes n rounds of twelve independent multiply-adds of eight numbers.")
	n := Load(Param("n"), GP64())
	var acc [12]reg.VecVirtual
	for i := range acc {
		acc[i] = YMM()
		VXORPS(acc[i], acc[i], acc[i])
	}
	x := YMM()
	VXORPS(x, x, x)
	Label("loop")
	for i := range acc {
		VFMADD231PS(x, x, acc[i])
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
