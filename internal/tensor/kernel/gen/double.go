package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// double is a vector of four equal float64 in read-only memory.
func double(name string, v float64) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 4 {
		DATA(8*i, U64(math.Float64bits(v)))
	}
	return m
}

// doubleTile is a tile of a product in float64, eight columns wide. It rounds each product before it adds it, as gonum
// does, so a sum has the same bits. Multiplications and additions go to different units, and a tile of six rows keeps
// both busy.
func doubleTile(rows int) {
	name := fmt.Sprintf("double%dx8", rows)
	TEXT(name, NOSPLIT, "func(k int, a *float64, lda int, b, onto *float64, ldo int, c *float64, ldc int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes the %dx8 tile c = a·b, rounding each product before it is added, and adds onto unless that is nil.", name, rows),
		"The rows of a, onto and c are lda, ldo and ldc apart, those of b eight.")
	k, a, lda := Load(Param("k"), GP64()), Load(Param("a"), GP64()).(reg.GPVirtual), Load(Param("lda"), GP64()).(reg.GPVirtual)
	b, c, ldc := Load(Param("b"), GP64()), Load(Param("c"), GP64()), Load(Param("ldc"), GP64())
	SHLQ(Imm(3), lda)
	SHLQ(Imm(3), ldc)
	at := rowsOf(a, lda, rows)
	var acc [][]reg.VecVirtual
	for range rows {
		left, right := YMM(), YMM()
		VXORPD(left, left, left)
		VXORPD(right, right, right)
		acc = append(acc, []reg.VecVirtual{left, right})
	}
	row := []reg.VecVirtual{YMM(), YMM()}
	step := func() {
		for j, v := range row {
			VMOVUPD(Mem{Base: b, Disp: 32 * j}, v)
		}
		for i := range rows {
			x := YMM()
			VBROADCASTSD(at.row(i), x)
			y := YMM()
			VMULPD(row[0], x, y)
			VMULPD(row[1], x, x)
			VADDPD(y, acc[i][0], acc[i][0])
			VADDPD(x, acc[i][1], acc[i][1])
		}
		ADDQ(Imm(64), b)
		at.advance(Imm(8))
	}
	byFours(k, step)
	onto, ldo := Load(Param("onto"), GP64()), Load(Param("ldo"), GP64())
	TESTQ(onto, onto)
	JZ(LabelRef("store"))
	SHLQ(Imm(3), ldo)
	for i := range rows {
		for j, v := range acc[i] {
			VADDPD(Mem{Base: onto, Disp: 32 * j}, v, v)
		}
		if i < rows-1 {
			ADDQ(ldo, onto)
		}
	}
	Label("store")
	for i := range rows {
		for j, v := range acc[i] {
			VMOVUPD(v, Mem{Base: c, Disp: 32 * j})
		}
		if i < rows-1 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}

// doubleExponential emits y = e^x for four numbers x, -700 <= x <= 710, with the operations of Go's math.Exp on amd64 in
// their order, so the bits are those of math.Exp: +Inf where x/ln 2 rounds to 1024.
type doubleExponential struct {
	log2e, ln2hi, ln2lo, sixteenth, one, two, bias Mem
	p                                              []Mem
}

func newDoubleExponential() doubleExponential {
	e := doubleExponential{
		log2e: double("doubleLog2e", 1.4426950408889634073599246810018920),
		ln2hi: double("doubleLn2hi", 0.69314718055966295651160180568695068359375),
		ln2lo: double("doubleLn2lo", 0.28235290563031577122588448175013436025525412068e-12),
		one:   double("doubleOne", 1), two: double("doubleTwo", 2), sixteenth: double("doubleSixteenth", 0.0625),
		bias: double("doubleBias", math.Float64frombits(1023)),
	}
	for i, c := range []float64{2.4801587301587301587e-5, 1.9841269841269841270e-4, 1.3888888888888888889e-3,
		8.3333333333333333333e-3, 4.1666666666666666667e-2, 1.6666666666666666667e-1, 0.5, 1} {
		e.p = append(e.p, double(fmt.Sprint("doubleP", i), c))
	}
	return e
}

// together emits the same for several vectors, step by step: their chains of dependent instructions then overlap, of
// which the processor's window holds few.
func together(n int, steps ...func(i int)) {
	for _, step := range steps {
		for i := range n {
			step(i)
		}
	}
}

// emit destroys x.
func (e doubleExponential) emit(x, y []reg.VecVirtual) {
	k := vectorsOf(len(x))
	steps := []func(i int){
		func(i int) { VMULPD(e.log2e, x[i], k[i]) },
		func(i int) { VCVTPD2DQY(k[i], k[i].AsX()) },
		func(i int) { VCVTDQ2PD(k[i].AsX(), y[i]) },
		func(i int) { VFNMADD231PD(e.ln2hi, y[i], x[i]) },
		func(i int) { VFNMADD231PD(e.ln2lo, y[i], x[i]) },
		func(i int) { VMULPD(e.sixteenth, x[i], x[i]) },
		func(i int) { VMOVUPD(e.p[0], y[i]) },
	}
	for _, c := range e.p[1:] {
		steps = append(steps, func(i int) { VFMADD213PD(c, x[i], y[i]) })
	}
	steps = append(steps, func(i int) { VMULPD(y[i], x[i], x[i]) })
	for range 3 { // e^2x - 1 from e^x - 1
		steps = append(steps, func(i int) { VADDPD(e.two, x[i], y[i]) }, func(i int) { VMULPD(y[i], x[i], x[i]) })
	}
	together(len(x), append(steps,
		func(i int) { VADDPD(e.two, x[i], y[i]) },
		func(i int) { VFMADD213PD(e.one, x[i], y[i]) },
		func(i int) { VPMOVSXDQ(k[i].AsX(), k[i]) },
		func(i int) { VPADDQ(e.bias, k[i], k[i]) },
		func(i int) { VPSLLQ(Imm(52), k[i], k[i]) },
		func(i int) { VMULPD(k[i], y[i], y[i]) },
	)...)
}

func vectorsOf(n int) (v []reg.VecVirtual) {
	for range n {
		v = append(v, YMM())
	}
	return v
}

// doubleCell is the LSTM cell in float64, with the bits of Go's math.Exp and math.Tanh.
func doubleCell() {
	e := newDoubleExponential()
	sign, size := double("doubleSign", math.Copysign(0, -1)), double("doubleSize", math.Float64frombits(1<<63-1))
	low, high := double("doubleLow", -700), double("doubleHigh", 710)
	saturated, least := double("doubleSaturated", 100), double("doubleLeast", 0.625)
	p, q := []Mem{}, []Mem{}
	for i, c := range []float64{-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3} {
		p = append(p, double(fmt.Sprint("doubleTanhP", i), c))
	}
	for i, c := range []float64{1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3} {
		q = append(q, double(fmt.Sprint("doubleTanhQ", i), c))
	}
	// A squash is the sigmoid or tanh of a vector that load loads. Its exponential is computed together with others.
	type squash struct {
		load func(x reg.VecVirtual)
		tanh bool
	}
	// squashed is the results. The sigmoid is 1/(1+e^-x), in which e^-700 and less is nothing. The tanh is 1 - 2/(e^2|x| + 1)
	// where |x| is 0.625 or more, which is 1 long before |x| is 50, and else x + x s p/q with s = x² and polynomials p and q;
	// then the sign of x. One division does for both.
	squashed := func(of ...squash) []reg.VecVirtual {
		x, y := vectorsOf(len(of)), vectorsOf(len(of))
		for i, s := range of {
			s.load(x[i])
			if s.tanh {
				VANDPD(size, x[i], x[i])
				VADDPD(x[i], x[i], x[i])
				VMOVUPD(saturated, y[i])
				VMINPD(x[i], y[i], x[i]) // a NaN stays, being the second operand
				continue
			}
			VXORPD(sign, x[i], x[i])
			VMOVUPD(high, y[i])
			VMINPD(x[i], y[i], x[i])
			VMOVUPD(low, y[i])
			VMAXPD(x[i], y[i], x[i])
		}
		e.emit(x, y)
		for i, s := range of {
			VADDPD(e.one, y[i], y[i])
			if !s.tanh {
				VMOVUPD(e.one, x[i])
				VDIVPD(y[i], x[i], y[i])
				continue
			}
			x, y, s2, t, z := x[i], y[i], YMM(), YMM(), YMM()
			s.load(x)
			VANDPD(size, x, z)
			VCMPPD(Imm(1), least, z, z) // |x| < least
			VMULPD(x, x, s2)
			VADDPD(q[0], s2, t)
			VMULPD(s2, t, t)
			VADDPD(q[1], t, t)
			VMULPD(s2, t, t)
			VADDPD(q[2], t, t)
			VBLENDVPD(z, t, y, y)
			VMULPD(p[0], s2, t)
			VADDPD(p[1], t, t)
			VMULPD(s2, t, t)
			VADDPD(p[2], t, t)
			VMULPD(s2, x, s2)
			VMULPD(t, s2, s2)
			VMOVUPD(e.two, t)
			VBLENDVPD(z, s2, t, t)
			VDIVPD(y, t, t)
			VADDPD(x, t, s2)
			VMOVUPD(e.one, y)
			VSUBPD(t, y, y)
			VBLENDVPD(z, s2, y, y)
			VANDPD(sign, x, t)
			VORPD(t, y, y)
		}
		return y
	}
	// fours emits loops over n vectors, first by so many together and then by one, and moves the pointers on.
	fours := func(label string, many int, n Op, pointers []reg.GPVirtual, body func(many int)) {
		for _, step := range []int{many, 1} {
			name, next := fmt.Sprint(label, step), fmt.Sprint(label, "After", step)
			Label(name)
			CMPQ(n, Imm(uint64(step)))
			JL(LabelRef(next))
			body(step)
			for _, p := range pointers {
				ADDQ(Imm(uint64(32*step)), p)
			}
			SUBQ(Imm(uint64(step)), n)
			JMP(LabelRef(name))
			Label(next)
		}
	}

	TEXT("doubleTanh4", NOSPLIT, "func(x *float64, n int)")
	Pragma("noescape")
	Doc("doubleTanh4 replaces n times four numbers x by math.Tanh of them.")
	ptr, n := Load(Param("x"), GP64()).(reg.GPVirtual), Load(Param("n"), GP64())
	fours("tanh", 4, n, []reg.GPVirtual{ptr}, func(many int) {
		var of []squash
		for i := range many {
			of = append(of, squash{func(x reg.VecVirtual) { VMOVUPD(Mem{Base: ptr, Disp: 32 * i}, x) }, true})
		}
		for i, y := range squashed(of...) {
			VMOVUPD(y, Mem{Base: ptr, Disp: 32 * i})
		}
	})
	VZEROUPPER()
	RET()

	TEXT("doubleCell4", NOSPLIT, "func(gates, x, c, h *float64, units, n int)")
	Pragma("noescape")
	Doc("doubleCell4 makes one step of n times four of an LSTM's units, whose pre-activations are gates + x, in rows i f g o",
		"of units numbers. It sets c and h, and destroys gates.")
	units := Load(Param("units"), GP64()).(reg.GPVirtual)
	SHLQ(Imm(3), units)
	three := GP64()
	LEAQ(Mem{Base: units, Index: units, Scale: 2}, three)
	// A pass of the whole row at a time needs fewer registers than one for all gates.
	pass := func(label string, many int, body func(many int, at func(name string, row, i int) Mem, gate func(row, i int) func(reg.VecVirtual))) {
		left, base, pointers := Load(Param("n"), GP64()), map[string]reg.GPVirtual{}, []reg.GPVirtual{}
		for _, name := range []string{"gates", "x", "c", "h"} {
			base[name] = Load(Param(name), GP64()).(reg.GPVirtual)
			pointers = append(pointers, base[name])
		}
		at := func(name string, row, i int) Mem {
			switch row {
			case 0:
				return Mem{Base: base[name], Disp: 32 * i}
			case 3:
				return Mem{Base: base[name], Index: three, Scale: 1, Disp: 32 * i}
			}
			return Mem{Base: base[name], Index: units, Scale: uint8(row), Disp: 32 * i}
		}
		gate := func(row, i int) func(reg.VecVirtual) {
			return func(v reg.VecVirtual) {
				VMOVUPD(at("gates", row, i), v)
				VADDPD(at("x", row, i), v, v)
			}
		}
		fours(label, many, left, pointers, func(many int) { body(many, at, gate) })
	}
	pass("open", 2, func(many int, at func(string, int, int) Mem, gate func(int, int) func(reg.VecVirtual)) {
		var of []squash
		for i := range many {
			of = append(of, squash{gate(0, i), false}, squash{gate(1, i), false})
		}
		for i, y := range squashed(of...) {
			VMOVUPD(y, at("gates", i%2, i/2))
		}
	})
	pass("carry", 4, func(many int, at func(string, int, int) Mem, gate func(int, int) func(reg.VecVirtual)) {
		var of []squash
		for i := range many {
			of = append(of, squash{gate(2, i), true})
		}
		for i, g := range squashed(of...) {
			c := YMM()
			VMULPD(at("gates", 0, i), g, g)
			VMOVUPD(at("gates", 1, i), c)
			VMULPD(at("c", 0, i), c, c)
			VADDPD(g, c, c)
			VMOVUPD(c, at("c", 0, i))
		}
	})
	pass("out", 2, func(many int, at func(string, int, int) Mem, gate func(int, int) func(reg.VecVirtual)) {
		var of []squash
		for i := range many {
			of = append(of, squash{gate(3, i), false}, squash{func(v reg.VecVirtual) { VMOVUPD(at("c", 0, i), v) }, true})
		}
		y := squashed(of...)
		for i := range many {
			VMULPD(y[2*i], y[2*i+1], y[2*i])
			VMOVUPD(y[2*i], at("h", 0, i))
		}
	})
	VZEROUPPER()
	RET()
}
