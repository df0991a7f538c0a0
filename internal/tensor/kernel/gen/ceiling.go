package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ceiling is nothing but independent multiply-adds: what it reaches is the ceiling that the
// benchmarks are shares of. Twelve are more than the units have under way at a time.
func ceiling(lanes int, one Mem, vector func() reg.VecVirtual) {
	const chains = 12
	name := fmt.Sprintf("fmaLoop%d", lanes)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, sums *[%d]float32)", lanes))
	Doc(fmt.Sprintf("%s executes n rounds of %d independent multiply-adds of %d numbers, 1·1 + sum. sums is what they add up to.", name, chains, lanes))
	n, sums := Load(Param("n"), GP64()), Load(Param("sums"), GP64())
	var acc [chains]reg.VecVirtual
	for i := range acc {
		acc[i] = vector()
		VXORPS(acc[i], acc[i], acc[i])
	}
	x := vector()
	VBROADCASTSS(one, x)
	Label("loop")
	for i := range acc {
		VFMADD231PS(x, x, acc[i])
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	for _, a := range acc[1:] {
		VADDPS(a, acc[0], acc[0])
	}
	VMOVUPS(acc[0], Mem{Base: sums})
	VZEROUPPER()
	RET()
}
