//go:generate go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel

// Command gen writes the assembly of package kernel. It is a module of its own, so that
// the generator's dependencies stay out of the program's.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	ConstraintExpr("!f64")
	tiles(float32s)
	packs()
	e := newExponential()
	elementary(e)
	softmaxes(e)
	backCell()
	vectors()
	adam()
	ceiling(8, e.one, YMM)
	ceiling(16, e.one, ZMM)
	tiles(halves())
	tiles(pairs)
	roundings()
	Generate()
}

// constant is a vector of eight equal 32-bit words in read-only memory.
func constant(name string, bits uint32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 8 {
		DATA(4*i, U32(bits))
	}
	return m
}

func float(name string, v float32) Mem { return constant(name, math.Float32bits(v)) }

// loop8 does body n times, for eight numbers each time, and moves the pointers on.
func loop8(n Op, body func(), pointers ...Op) {
	Label("loop")
	body()
	for _, p := range pointers {
		ADDQ(Imm(32), p)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
}

// broadcast loads a float32 argument into every lane.
func broadcast(name string) reg.VecVirtual {
	at, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := YMM()
	VBROADCASTSS(at.Addr, v)
	return v
}
