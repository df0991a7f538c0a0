//go:generate go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel

// Command gen writes the assembly of package kernel. It is a module of its own, so that
// the generator's dependencies stay out of the program's.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("amd64")
	ConstraintExpr("!f64")
	tiles(float32s)
	packs()
	e := newExponential()
	g := newGates(e)
	elementary(g)
	softmaxes(e)
	cells(g)
	vectors()
	adam()
	ceiling(8, e.one, YMM)
	ceiling(16, e.one, ZMM)
	tiles(halves())
	tiles(pairs)
	roundings()
	nativeRoundings()
	for _, rows := range []int{1, 2, 4, 6} {
		doubleTile(eight, rows)
	}
	doubleTile(sixteen, 8)
	doubleCell()
	Generate()
}
