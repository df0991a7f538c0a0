package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// double is a vector of eight equal float64 in read-only memory. AVX2 reads the first four.
func double(name string, v float64) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 8 {
		DATA(8*i, U64(math.Float64bits(v)))
	}
	return m
}

// doubleTile is a tile of a product in float64, two registers wide. It rounds each product before it adds it, as gonum
// does, so a sum has the same bits. Multiplications and additions go to different units, and a tile of six rows, or in
// AVX-512 of eight, keeps both busy.
func doubleTile(w width, rows int) {
	name := fmt.Sprintf("double%dx%d", rows, w)
	TEXT(name, NOSPLIT, "func(count, k int, a *float64, lda int, b, onto *float64, ldo int, c *float64, ldc int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes count tiles c = a·b of %dx%d, one below the other, rounding each product before it is added, and adds", name, rows, w),
		"onto unless that is nil. The rows of a, onto and c are lda, ldo and ldc apart, those of b eight, and its panels follow one",
		"another.")
	left, lda, ldo, c, ldc := pointer("a"), pointer("lda"), pointer("ldo"), pointer("c"), pointer("ldc")
	for _, bytes := range []Op{lda, ldo, ldc} {
		SHLQ(Imm(3), bytes)
	}
	Label("tile")
	k, a, b := pointer("k"), GP64(), pointer("b")
	MOVQ(left, a)
	at := rowsOf(a, lda, rows)
	var acc [][]reg.VecVirtual
	for range rows {
		sums := w.vectors(2)
		for _, v := range sums {
			if w == sixteen {
				VPXORD(v, v, v)
			} else {
				VXORPD(v, v, v)
			}
		}
		acc = append(acc, sums)
	}
	// The lines of onto are prefetched: those of a block of sentences are in the second cache.
	ahead := pointer("onto")
	for i := range rows {
		for line := 0; line < 2*w.bytes(); line += 64 {
			PREFETCHT0(Mem{Base: ahead, Disp: line})
		}
		if i < rows-1 {
			ADDQ(ldo, ahead)
		}
	}
	row := w.vectors(2)
	second := Mem{Base: b, Disp: w.bytes()}
	if w == sixteen { // it is in the next panel
		panel := GP64()
		MOVQ(k, panel)
		SHLQ(Imm(6), panel)
		second = Mem{Base: b, Index: panel, Scale: 1}
	}
	step := func() {
		VMOVUPD(Mem{Base: b}, row[0])
		VMOVUPD(second, row[1])
		for i := range rows {
			x, y := w.vector(), w.vector()
			if w == sixteen {
				VPBROADCASTQ(at.row(i), x) // VBROADCASTSD takes the adders' time on a Zen 4, a third of all
			} else {
				VBROADCASTSD(at.row(i), x)
			}
			VMULPD(row[0], x, y)
			VMULPD(row[1], x, x)
			VADDPD(y, acc[i][0], acc[i][0])
			VADDPD(x, acc[i][1], acc[i][1])
		}
		ADDQ(Imm(64), b)
		at.advance(Imm(8))
	}
	byFours(k, step, func() {})
	onto := pointer("onto")
	TESTQ(onto, onto)
	JZ(LabelRef("store"))
	for i := range rows {
		for j, v := range acc[i] {
			VADDPD(Mem{Base: onto, Disp: w.bytes() * j}, v, v)
		}
		ADDQ(ldo, onto)
	}
	MOVQ(onto, argument("onto"))
	Label("store")
	for i := range rows {
		for j, v := range acc[i] {
			VMOVUPD(v, Mem{Base: c, Disp: w.bytes() * j})
		}
		ADDQ(ldc, c)
		ADDQ(lda, left)
	}
	DECQ(argument("count"))
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// doubleExponential emits y = e^x for numbers x, -700 <= x <= 710, with the operations of Go's math.Exp on amd64 in
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
func (e doubleExponential) emit(w width, x, y []reg.VecVirtual) {
	k := w.vectors(len(x))
	one := w.vector()
	if w == sixteen {
		VMOVUPD(e.one, one)
	}
	steps := []func(i int){
		func(i int) { VMULPD(e.log2e, x[i], k[i]) },
		func(i int) { VCVTPD2DQY(k[i], k[i].AsX()) },
		func(i int) { VCVTDQ2PD(k[i].AsX(), y[i]) },
	}
	power := []func(i int){ // k to 2^k
		func(i int) { VPMOVSXDQ(k[i].AsX(), k[i]) },
		func(i int) { VPADDQ(e.bias, k[i], k[i]) },
		func(i int) { VPSLLQ(Imm(52), k[i], k[i]) },
	}
	if w == sixteen { // the same in fewer instructions
		steps = []func(i int){
			func(i int) { VMULPD(e.log2e, x[i], k[i]) },
			func(i int) { VRNDSCALEPD(Imm(0), k[i], k[i]) },
			func(i int) { VMOVAPD(k[i], y[i]) },
		}
		power = []func(i int){func(i int) { VSCALEFPD(k[i], one, k[i]) }}
	}
	steps = append(steps,
		func(i int) { VFNMADD231PD(e.ln2hi, y[i], x[i]) },
		func(i int) { VFNMADD231PD(e.ln2lo, y[i], x[i]) },
		func(i int) { VMULPD(e.sixteenth, x[i], x[i]) },
		func(i int) { VMOVUPD(e.p[0], y[i]) },
	)
	for _, c := range e.p[1:] {
		steps = append(steps, func(i int) { VFMADD213PD(c, x[i], y[i]) })
	}
	steps = append(steps, func(i int) { VMULPD(y[i], x[i], x[i]) })
	for range 3 { // e^2x - 1 from e^x - 1
		steps = append(steps, func(i int) { VADDPD(e.two, x[i], y[i]) }, func(i int) { VMULPD(y[i], x[i], x[i]) })
	}
	steps = append(steps, func(i int) { VADDPD(e.two, x[i], y[i]) }, func(i int) { VFMADD213PD(e.one, x[i], y[i]) })
	steps = append(append(steps, power...), func(i int) { VMULPD(k[i], y[i], y[i]) })
	together(len(x), steps...)
}

func (w width) vectors(n int) (v []reg.VecVirtual) {
	for range n {
		v = append(v, w.vector())
	}
	return v
}

// blendDoubles is blend for float64.
func (w width) blendDoubles(mask Op, yes, no, y reg.VecVirtual) {
	if w == sixteen {
		VBLENDMPD(yes, no, mask, y)
	} else {
		VBLENDVPD(mask, yes, no, y)
	}
}

// unrolled is loop with so many registers at a time, as long as there are so many numbers, and then with one.
func (w width) unrolled(many int, n reg.GPVirtual, body func(c chunk, many int), pointers ...reg.GPVirtual) {
	bulk, rest := label("bulk"), label("few")
	Label(bulk)
	CMPQ(n, I32(many*int(w)))
	JL(LabelRef(rest))
	body(chunk{w, nil}, many)
	for _, p := range pointers {
		ADDQ(I32(many*w.bytes()), p)
	}
	SUBQ(I32(many*int(w)), n)
	JMP(LabelRef(bulk))
	Label(rest)
	w.loop(n, func(c chunk) { body(c, 1) }, pointers...)
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
	squashed := func(w width, of ...squash) []reg.VecVirtual {
		x, y := w.vectors(len(of)), w.vectors(len(of))
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
		e.emit(w, x, y)
		for i, s := range of {
			VADDPD(e.one, y[i], y[i])
			if !s.tanh {
				VMOVUPD(e.one, x[i])
				VDIVPD(y[i], x[i], y[i])
				continue
			}
			x, y, s2, t, z, near := x[i], y[i], w.vector(), w.vector(), w.vector(), w.mask()
			s.load(x)
			VANDPD(size, x, z)
			VCMPPD(less, least, z, near)
			VMULPD(x, x, s2)
			VADDPD(q[0], s2, t)
			VMULPD(s2, t, t)
			VADDPD(q[1], t, t)
			VMULPD(s2, t, t)
			VADDPD(q[2], t, t)
			w.blendDoubles(near, t, y, y)
			VMULPD(p[0], s2, t)
			VADDPD(p[1], t, t)
			VMULPD(s2, t, t)
			VADDPD(p[2], t, t)
			VMULPD(s2, x, s2)
			VMULPD(t, s2, s2)
			VMOVUPD(e.two, t)
			w.blendDoubles(near, s2, t, t)
			VDIVPD(y, t, t)
			VADDPD(x, t, s2)
			VMOVUPD(e.one, y)
			VSUBPD(t, y, y)
			w.blendDoubles(near, s2, y, y)
			VANDPD(sign, x, t)
			VORPD(t, y, y)
		}
		return y
	}
	// many is how many exponentials are computed together: as many as the registers hold.
	many := func(w width) int {
		if w == sixteen {
			return 8
		}
		return 4
	}
	// words is the argument n as a number of 32-bit words, which chunks count.
	words := func() reg.GPVirtual {
		n := pointer("n")
		ADDQ(n, n)
		return n
	}

	function8("fromDoubles", "func(x *float64, y *float32, n int)", func(w width) {
		x, y, n := pointer("x"), pointer("y"), pointer("n")
		repeat(n, 64, func() {
			for half := range 2 {
				v := YMM()
				VMOVUPD(Mem{Base: x, Disp: 32 * half}, v)
				VCVTPD2PSY(v, v.AsX())
				VMOVUPS(v.AsX(), Mem{Base: y, Disp: 16 * half})
			}
			ADDQ(Imm(32), y)
		}, x)
	}, "fromDoubles rounds n times eight numbers x to y.")

	function("doubleTanh", "func(x *float64, n int)", func(w width) {
		x := pointer("x")
		w.unrolled(many(w), words(), func(c chunk, n int) {
			var of []squash
			for i := range n {
				of = append(of, squash{func(v reg.VecVirtual) { c.loadInto(Mem{Base: x, Disp: w.bytes() * i}, v) }, true})
			}
			for i, y := range squashed(w, of...) {
				c.store(y, Mem{Base: x, Disp: w.bytes() * i})
			}
		}, x)
	}, "doubleTanh replaces n numbers x by math.Tanh of them.")

	function("doubleCell", "func(gates, x, c, h *float64, n int)", func(w width) {
		units := pointer("n")
		SHLQ(Imm(3), units)
		three := GP64()
		LEAQ(Mem{Base: units, Index: units, Scale: 2}, three)
		// A pass of the whole row at a time needs fewer registers than one for all gates.
		pass := func(many int, body func(c chunk, many int, at func(name string, row, i int) Mem, gate func(row, i int) func(reg.VecVirtual))) {
			left, base, pointers := words(), map[string]reg.GPVirtual{}, []reg.GPVirtual{}
			for _, name := range []string{"gates", "x", "c", "h"} {
				base[name] = pointer(name)
				pointers = append(pointers, base[name])
			}
			at := func(name string, row, i int) Mem {
				switch row {
				case 0:
					return Mem{Base: base[name], Disp: w.bytes() * i}
				case 3:
					return Mem{Base: base[name], Index: three, Scale: 1, Disp: w.bytes() * i}
				}
				return Mem{Base: base[name], Index: units, Scale: uint8(row), Disp: w.bytes() * i}
			}
			w.unrolled(many, left, func(c chunk, many int) {
				body(c, many, at, func(row, i int) func(reg.VecVirtual) {
					return func(v reg.VecVirtual) {
						c.loadInto(at("gates", row, i), v)
						VADDPD(c.read(at("x", row, i)), v, v)
					}
				})
			}, pointers...)
		}
		pass(many(w)/2, func(c chunk, many int, at func(string, int, int) Mem, gate func(int, int) func(reg.VecVirtual)) {
			var of []squash
			for i := range many {
				of = append(of, squash{gate(0, i), false}, squash{gate(1, i), false})
			}
			for i, y := range squashed(w, of...) {
				c.store(y, at("gates", i%2, i/2))
			}
		})
		pass(many(w), func(c chunk, many int, at func(string, int, int) Mem, gate func(int, int) func(reg.VecVirtual)) {
			var of []squash
			for i := range many {
				of = append(of, squash{gate(2, i), true})
			}
			for i, g := range squashed(w, of...) {
				VMULPD(c.read(at("gates", 0, i)), g, g)
				old := c.load(at("gates", 1, i))
				VMULPD(c.read(at("c", 0, i)), old, old)
				VADDPD(g, old, old)
				c.store(old, at("c", 0, i))
			}
		})
		pass(many(w)/2, func(c chunk, many int, at func(string, int, int) Mem, gate func(int, int) func(reg.VecVirtual)) {
			var of []squash
			for i := range many {
				of = append(of, squash{gate(3, i), false}, squash{func(v reg.VecVirtual) { c.loadInto(at("c", 0, i), v) }, true})
			}
			y := squashed(w, of...)
			for i := range many {
				VMULPD(y[2*i], y[2*i+1], y[2*i])
				c.store(y[2*i], at("h", 0, i))
			}
		})
	}, "doubleCell makes one step of an LSTM of n units, whose pre-activations are gates + x, in rows i f g o. It sets c and h, and",
		"destroys gates.")
}
