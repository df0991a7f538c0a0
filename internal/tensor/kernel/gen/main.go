//go:generate go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel

// Command gen writes the assembly of package kernel. It is a module of its own, so that
// the generator's dependencies stay out of the program's.
package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	ConstraintExpr("!f64")
	for _, rows := range []int{1, 2, 4, 6, 8} { // 8x16 needs AVX-512's registers, though not its width
		tile(rows, 1, 32, YMM)
		tile(rows, 2, 32, YMM)
	}
	tile(4, 2, 64, ZMM)
	tile(8, 2, 64, ZMM)
	packs()
	e := newExponential()
	elementary(e)
	softmaxes(e)
	backCell()
	vectors()
	adam()
	fma()
	Generate()
}

// tile is the heart of the matrix product: a tile of C, one or two registers wide, that stays in
// registers while k rank-1 updates pass. AVX2 has room for 6x16: two loads and six broadcasts
// feed twelve multiply-adds, so that the two units never wait. AVX-512 has room for 12x32; 8x32
// is enough to keep its units busy and divides the usual batch of 32. The lower and narrower ones are for
// what is left below and beside, such as the last four of an image's 28 rows or of a sentence's 20 words.
func tile(rows, columns, bytes int, vector func() reg.VecVirtual) {
	cols := bytes / 4 * columns
	name := fmt.Sprintf("tile%dx%d", rows, cols)
	TEXT(name, NOSPLIT, "func(k int, a *float32, aRow, aCol int, b *float32, ldb int, onto *float32, ldo int, c *float32, ldc int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes the %dx%d tile c = a·b + onto, their rows ldc and ldo apart; onto may be nil or c.", name, rows, cols),
		"Element (i, p) of a stands at i*aRow + p*aCol, and the k rows of b are ldb apart.")
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64()).(reg.GPVirtual)
	aRow := Load(Param("aRow"), GP64()).(reg.GPVirtual)
	aCol := Load(Param("aCol"), GP64())
	b := Load(Param("b"), GP64())
	ldb := Load(Param("ldb"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	for _, r := range []Op{aRow, aCol, ldb, ldc} {
		SHLQ(Imm(2), r) // bytes
	}
	// Rows 0 ... 3 of a are reached from one pointer, rows 4 ... 7 from another.
	three, low := GP64(), GP64()
	if rows > 3 {
		LEAQ(Mem{Base: aRow, Index: aRow, Scale: 2}, three)
	}
	if rows > 4 {
		LEAQ(Mem{Base: a, Index: aRow, Scale: 4}, low)
	}
	at := func(i int) Mem {
		base := a
		if i >= 4 {
			base = low
		}
		switch i % 4 {
		case 0:
			return Mem{Base: base}
		case 3:
			return Mem{Base: base, Index: three, Scale: 1}
		}
		return Mem{Base: base, Index: aRow, Scale: uint8(i % 4)}
	}

	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		for range columns {
			v := vector()
			if bytes == 64 {
				VPXORD(v, v, v)
			} else {
				VXORPS(v, v, v)
			}
			acc[i] = append(acc[i], v)
		}
	}
	// The lines of c are prefetched: what a training step writes is larger than the caches.
	ahead := GP64()
	MOVQ(c, ahead)
	for i := range acc {
		for line := 0; line < 4*cols; line += 64 {
			PREFETCHT0(Mem{Base: ahead, Disp: line})
		}
		PREFETCHT0(Mem{Base: ahead, Disp: 4*cols - 4}) // of a row that does not begin with a line
		if i < rows-1 {
			ADDQ(ldc, ahead)
		}
	}
	row := []reg.VecVirtual{vector(), vector()}[:columns]
	pair := []reg.VecVirtual{vector(), vector()}
	step := func() {
		for j, v := range row {
			VMOVUPS(Mem{Base: b, Disp: bytes * j}, v)
		}
		for i := 0; i < rows; i += 2 { // two rows at a time hide the broadcasts
			two := pair[:min(2, rows-i)]
			for r, x := range two {
				VBROADCASTSS(at(i+r), x)
			}
			for r, x := range two {
				for j, v := range row {
					VFMADD231PS(v, x, acc[i+r][j])
				}
			}
		}
		ADDQ(ldb, b)
		ADDQ(aCol, a)
		if rows > 4 {
			ADDQ(aCol, low)
		}
	}
	Label("four")
	CMPQ(k, Imm(4))
	JL(LabelRef("one"))
	for range 4 {
		step()
	}
	SUBQ(Imm(4), k)
	JMP(LabelRef("four"))
	Label("one")
	TESTQ(k, k)
	JZ(LabelRef("write"))
	step()
	DECQ(k)
	JMP(LabelRef("one"))

	Label("write")
	onto, ldo := Load(Param("onto"), GP64()), Load(Param("ldo"), GP64())
	TESTQ(onto, onto)
	JZ(LabelRef("store"))
	SHLQ(Imm(2), ldo)
	for i := range acc {
		for j, v := range acc[i] {
			VADDPS(Mem{Base: onto, Disp: bytes * j}, v, v)
		}
		if i < rows-1 {
			ADDQ(ldo, onto)
		}
	}
	Label("store")
	for i := range acc {
		for j, v := range acc[i] {
			VMOVUPS(v, Mem{Base: c, Disp: bytes * j})
		}
		if i < rows-1 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}

// packs bring operands into the order of the panels: the scalar loops and calls of a general
// copy would cost as much as a tenth of a training step.
func packs() {
	for _, width := range []int{6, 8, 16, 32} {
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
		if width == 6 {
			four, two := XMM(), GP64()
			VMOVUPS(Mem{Base: from}, four)
			MOVQ(Mem{Base: from, Disp: 16}, two)
			VMOVUPS(four, Mem{Base: to})
			MOVQ(two, Mem{Base: to, Disp: 16})
		}
		v := [4]reg.VecVirtual{YMM(), YMM(), YMM(), YMM()}
		for i := range width / 8 {
			VMOVUPS(Mem{Base: from, Disp: 32 * i}, v[i])
		}
		for i := range width / 8 {
			VMOVUPS(v[i], Mem{Base: to, Disp: 32 * i})
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

// constant is a vector of eight equal 32-bit words in read-only memory.
func constant(name string, bits uint32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 8 {
		DATA(4*i, U32(bits))
	}
	return m
}

func float(name string, v float32) Mem { return constant(name, math.Float32bits(v)) }

// exponential emits y = e^x for eight numbers: x = k ln 2 + r, a polynomial for e^r
// (coefficients: Cephes, Moshier 1989, expf), and 2^k in two factors because k may be 128.
// Below the range of normal numbers the result is 0, above it +Inf; a NaN stays.
type exponential struct {
	low, high, log2e, ln2hi, ln2lo, one, inf, bias Mem
	p                                              []Mem
}

func newExponential() exponential {
	e := exponential{
		low: float("expLow", -87.33654), high: float("expHigh", 88.72283),
		log2e: float("expLog2e", 1.44269504088896341),
		ln2hi: float("expLn2hi", 0.693359375), ln2lo: float("expLn2lo", -2.12194440e-4),
		one: float("one", 1), inf: float("inf", float32(math.Inf(1))), bias: constant("expBias", 127),
	}
	for i, c := range []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1} {
		e.p = append(e.p, float("expP"+string(rune('0'+i)), c))
	}
	return e
}

// powers splits r = k ln 2 + r, k whole, and sets y to e^r - 1 of the rest.
func (e exponential) powers(r, k, y reg.VecVirtual) {
	t := YMM()
	VMULPS(e.log2e, r, k)
	VROUNDPS(Imm(0), k, k)
	VFNMADD231PS(e.ln2hi, k, r)
	VFNMADD231PS(e.ln2lo, k, r)
	VMOVUPS(e.p[0], y)
	for _, c := range e.p[1:] {
		VFMADD213PS(c, r, y)
	}
	VMULPS(r, r, t)
	VFMADD213PS(r, t, y)
}

// below emits y = e^x for numbers x below 88, or NaN: the same as emit, with less to do.
func (e exponential) below(x, y reg.VecVirtual) {
	k, r, mask := YMM(), YMM(), YMM()
	VMOVUPS(e.low, r)
	VMAXPS(x, r, r) // a NaN stays, being the second operand
	e.powers(r, k, y)
	VADDPS(e.one, y, y)
	VCVTPS2DQ(k, k)
	VPADDD(e.bias, k, k)
	VPSLLD(Imm(23), k, k)
	VMULPS(k, y, y)
	VCMPPS(Imm(1), e.low, x, mask) // x < low
	VANDNPS(y, mask, y)
}

// emit emits y = e^x for any x.
func (e exponential) emit(x, y reg.VecVirtual) {
	k, r, t, mask := YMM(), YMM(), YMM(), YMM()
	VMINPS(e.high, x, r)
	VMAXPS(e.low, r, r)
	e.powers(r, k, y)
	VADDPS(e.one, y, y)
	VCVTPS2DQ(k, k)
	VPSRAD(Imm(1), k, t)
	VPSUBD(t, k, k)
	VPADDD(e.bias, t, t)
	VPSLLD(Imm(23), t, t)
	VMULPS(t, y, y)
	VPADDD(e.bias, k, k)
	VPSLLD(Imm(23), k, k)
	VMULPS(k, y, y)
	VCMPPS(Imm(14), e.high, x, mask) // x > high
	VMOVUPS(e.inf, t)
	VBLENDVPS(mask, t, y, y)
	VCMPPS(Imm(1), e.low, x, mask) // x < low
	VANDNPS(y, mask, y)
	VCMPPS(Imm(3), x, x, mask) // NaN
	VBLENDVPS(mask, x, y, y)
}

// elementary are the functions that softmax and the gates of an LSTM are made of.
func elementary(e exponential) {
	TEXT("exp8", NOSPLIT, "func(x *float32, n int, shift float32, sum *float32)")
	Pragma("noescape")
	Doc("exp8 replaces n times eight numbers x by e^(x-shift), and adds them to the eight sums.")
	ptr := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	sums := Load(Param("sum"), GP64())
	shift, total := broadcast("shift"), YMM()
	VMOVUPS(Mem{Base: sums}, total)
	loop8(n, func() {
		x, y := YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		VSUBPS(shift, x, x)
		e.emit(x, y)
		VMOVUPS(y, Mem{Base: ptr})
		VADDPS(y, total, total)
	}, ptr)
	VMOVUPS(total, Mem{Base: sums})
	VZEROUPPER()
	RET()

	sign := constant("sign", 1<<31)
	// sigmoid sets y to the sigmoid of x: with e = e^-|x| and q = e/(1+e) it is 1 - q for positive
	// x and q for negative, there as e - e q, which rounds once.
	sigmoid := func(x, y reg.VecVirtual) {
		minus, one := YMM(), YMM()
		VORPS(sign, x, minus) // -|x|
		e.below(minus, y)
		VMOVUPS(e.one, one)
		VADDPS(one, y, minus)
		VDIVPS(minus, y, minus)     // q
		VSUBPS(minus, one, one)     // 1 - q
		VFNMADD213PS(y, y, minus)   // e - e q
		VBLENDVPS(x, minus, one, y) // the sign of x chooses
	}
	TEXT("sigmoid8", NOSPLIT, "func(x *float32, n int)")
	Pragma("noescape")
	Doc("sigmoid8 replaces n times eight numbers x by their sigmoid.")
	ptr = Load(Param("x"), GP64())
	n = Load(Param("n"), GP64())
	loop8(n, func() {
		x, y := YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		sigmoid(x, y)
		VMOVUPS(y, Mem{Base: ptr})
	}, ptr)
	VZEROUPPER()
	RET()

	// GELU is x sigmoid(2u) with 2u = x (a + b x²), a = √(8/π), b = 0.044715 a.
	geluA := float("geluA", 2*math.Sqrt2/math.SqrtPi)
	geluB, geluB3 := float("geluB", 0.044715*2*math.Sqrt2/math.SqrtPi), float("geluB3", 3*0.044715*2*math.Sqrt2/math.SqrtPi)
	TEXT("gelu8", NOSPLIT, "func(x, y *float32, n int)")
	Pragma("noescape")
	Doc("gelu8 sets n times eight numbers y to the GELU of x.")
	ptr = Load(Param("x"), GP64())
	onto := Load(Param("y"), GP64())
	n = Load(Param("n"), GP64())
	loop8(n, func() {
		x, y := YMM(), YMM()
		u := YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		VMULPS(x, x, u)
		VMULPS(geluB, u, u)
		VADDPS(geluA, u, u)
		VMULPS(x, u, u)
		sigmoid(u, y)
		VMULPS(x, y, y)
		VMOVUPS(y, Mem{Base: onto})
	}, ptr, onto)
	VZEROUPPER()
	RET()

	TEXT("backGELU8", NOSPLIT, "func(x, dy, dx *float32, n int)")
	Pragma("noescape")
	Doc("backGELU8 adds dy s (1 + x (1-s) (a + 3b x²)) to n times eight numbers dx, s = sigmoid(2u).")
	ptr = Load(Param("x"), GP64())
	dy, dx := Load(Param("dy"), GP64()), Load(Param("dx"), GP64())
	n = Load(Param("n"), GP64())
	loop8(n, func() {
		x, y := YMM(), YMM()
		u, slope, rest := YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		VMULPS(x, x, slope)
		VMULPS(geluB, slope, u)
		VADDPS(geluA, u, u)
		VMULPS(x, u, u)
		VMULPS(geluB3, slope, slope)
		VADDPS(geluA, slope, slope)
		VMULPS(x, slope, slope)
		sigmoid(u, y)
		VMOVUPS(e.one, rest)
		VSUBPS(y, rest, rest)
		VMULPS(rest, slope, slope)
		VADDPS(e.one, slope, slope)
		VMULPS(y, slope, slope)
		VMULPS(Mem{Base: dy}, slope, slope)
		VADDPS(Mem{Base: dx}, slope, slope)
		VMOVUPS(slope, Mem{Base: dx})
	}, ptr, dy, dx)
	VZEROUPPER()
	RET()

	// tanh x is 1 - 2/(e^2|x| + 1) with the sign of x, or, where that would cancel, an odd
	// polynomial (coefficients: Cephes, Moshier 1989, tanhf).
	small, two := float("tanhSmall", 0.625), float("two", 2)
	var p []Mem
	for i, c := range []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1} {
		p = append(p, float("tanhP"+string(rune('0'+i)), c))
	}
	// tanh sets y to the tanh of x.
	tanh := func(x, y reg.VecVirtual) {
		a, s, q, mask := YMM(), YMM(), YMM(), YMM()
		VMOVUPS(sign, a)
		VANDNPS(x, a, a) // |x|
		VADDPS(a, a, s)
		e.emit(s, y)
		VADDPS(e.one, y, y)
		VMOVUPS(two, s)
		VDIVPS(y, s, y)
		VMOVUPS(e.one, s)
		VSUBPS(y, s, y)
		VMOVUPS(sign, s)
		VANDPS(x, s, s)
		VORPS(s, y, y)
		VMULPS(x, x, s)
		VMOVUPS(p[0], q)
		for _, c := range p[1:] {
			VFMADD213PS(c, s, q)
		}
		VMULPS(s, q, q)
		VFMADD213PS(x, x, q) // x + x (q s)
		VCMPPS(Imm(1), small, a, mask)
		VBLENDVPS(mask, q, y, y)
	}
	TEXT("tanh8", NOSPLIT, "func(x, y *float32, n int)")
	Pragma("noescape")
	Doc("tanh8 sets n times eight numbers y to tanh x; y may be x.")
	ptr = Load(Param("x"), GP64())
	to := Load(Param("y"), GP64())
	n = Load(Param("n"), GP64())
	loop8(n, func() {
		x, y := YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		tanh(x, y)
		VMOVUPS(y, Mem{Base: to})
	}, ptr, to)
	VZEROUPPER()
	RET()

	TEXT("elu8", NOSPLIT, "func(x, y *float32, n int)")
	Pragma("noescape")
	Doc("elu8 sets n times eight numbers y to x where x is positive and to e^x - 1 elsewhere: with x = k ln 2 + r it",
		"is 2^k (e^r - 1) + (2^k - 1), which does not cancel near 0.")
	ptr = Load(Param("x"), GP64())
	to = Load(Param("y"), GP64())
	n = Load(Param("n"), GP64())
	none, least := YMM(), YMM()
	VXORPS(none, none, none)
	VMOVUPS(e.low, least)
	loop8(n, func() {
		x, y := YMM(), YMM()
		k, r, scale := YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: ptr}, x)
		VMINPS(x, none, r) // a NaN stays, being the second operand
		VMAXPS(r, least, r)
		e.powers(r, k, y)
		VCVTPS2DQ(k, k)
		VPADDD(e.bias, k, k)
		VPSLLD(Imm(23), k, scale)
		VSUBPS(e.one, scale, k)
		VFMADD213PS(k, scale, y)
		VMAXPS(x, none, x)
		VADDPS(x, y, y)
		VMOVUPS(y, Mem{Base: to})
	}, ptr, to)
	VZEROUPPER()
	RET()

	TEXT("backELU8", NOSPLIT, "func(y, dy, dx *float32, n int)")
	Pragma("noescape")
	Doc("backELU8 adds dy (min(y, 0) + 1) to n times eight numbers dx.")
	ptr = Load(Param("y"), GP64())
	dy, dx = Load(Param("dy"), GP64()), Load(Param("dx"), GP64())
	n = Load(Param("n"), GP64())
	VXORPS(none, none, none)
	loop8(n, func() {
		y := YMM()
		VMINPS(Mem{Base: ptr}, none, y)
		VADDPS(e.one, y, y)
		VMULPS(Mem{Base: dy}, y, y)
		VADDPS(Mem{Base: dx}, y, y)
		VMOVUPS(y, Mem{Base: dx})
	}, ptr, dy, dx)
	VZEROUPPER()
	RET()
}

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

// rows32 is the rest of a function that adds rows of 32 numbers to y: add does it for the eight numbers at an
// offset, and the pointers go from row to row.
func rows32(add func(at int, sum reg.VecVirtual), pointers ...Op) {
	n, stride, y := Load(Param("rows"), GP64()), Load(Param("stride"), GP64()), Load(Param("y"), GP64())
	SHLQ(Imm(2), stride) // bytes
	sums := []reg.VecVirtual{YMM(), YMM(), YMM(), YMM()}
	for i, s := range sums {
		VMOVUPS(Mem{Base: y, Disp: 32 * i}, s)
	}
	Label("loop")
	for i, s := range sums {
		add(32*i, s)
	}
	for _, p := range pointers {
		ADDQ(stride, p)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	for i, s := range sums {
		VMOVUPS(s, Mem{Base: y, Disp: 32 * i})
	}
	VZEROUPPER()
	RET()
}

// vectors are the loops over long slices that the compiler does not vectorise.
func vectors() {
	TEXT("max8", NOSPLIT, "func(x *float32, n int, top *float32)")
	Pragma("noescape")
	Doc("max8 raises the eight numbers top to the largest of n times eight; it passes NaNs over.")
	x, n, top := Load(Param("x"), GP64()), Load(Param("n"), GP64()), Load(Param("top"), GP64())
	m, v := YMM(), YMM()
	VMOVUPS(Mem{Base: top}, m)
	loop8(n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VMAXPS(m, v, m)
	}, x)
	VMOVUPS(m, Mem{Base: top})
	VZEROUPPER()
	RET()

	TEXT("scale8", NOSPLIT, "func(x *float32, n int, k float32)")
	Pragma("noescape")
	Doc("scale8 multiplies n times eight numbers by k.")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	k := broadcast("k")
	loop8(n, func() {
		v := YMM()
		VMULPS(Mem{Base: x}, k, v)
		VMOVUPS(v, Mem{Base: x})
	}, x)
	VZEROUPPER()
	RET()

	TEXT("axpy8", NOSPLIT, "func(k float32, x, y *float32, n int)")
	Pragma("noescape")
	Doc("axpy8 adds k times n times eight numbers x to y, rounding the product first.")
	k = broadcast("k")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	y := Load(Param("y"), GP64())
	loop8(n, func() {
		v := YMM()
		VMULPS(Mem{Base: x}, k, v)
		VADDPS(Mem{Base: y}, v, v)
		VMOVUPS(v, Mem{Base: y})
	}, x, y)
	VZEROUPPER()
	RET()

	TEXT("dot8", NOSPLIT, "func(x, y *float32, n int, sum *float32)")
	Pragma("noescape")
	Doc("dot8 adds the products of n times eight numbers x and y to eight sums.")
	x, y = Load(Param("x"), GP64()), Load(Param("y"), GP64())
	n = Load(Param("n"), GP64())
	sum := Load(Param("sum"), GP64())
	m, v = YMM(), YMM()
	VMOVUPS(Mem{Base: sum}, m)
	loop8(n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VFMADD231PS(Mem{Base: y}, v, m)
	}, x, y)
	VMOVUPS(m, Mem{Base: sum})
	VZEROUPPER()
	RET()

	TEXT("sum8", NOSPLIT, "func(x *float32, n int, sum *float32)")
	Pragma("noescape")
	Doc("sum8 adds n times eight numbers to eight sums.")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	sum = Load(Param("sum"), GP64())
	m = YMM()
	VMOVUPS(Mem{Base: sum}, m)
	loop8(n, func() {
		VADDPS(Mem{Base: x}, m, m)
	}, x)
	VMOVUPS(m, Mem{Base: sum})
	VZEROUPPER()
	RET()

	TEXT("sumRows32", NOSPLIT, "func(x *float32, rows, stride int, y *float32)")
	Pragma("noescape")
	Doc("sumRows32 adds rows of 32 numbers, stride apart, to y, in their order.")
	x = Load(Param("x"), GP64())
	rows32(func(at int, sum reg.VecVirtual) {
		VADDPS(Mem{Base: x, Disp: at}, sum, sum)
	}, x)

	TEXT("sumProducts32", NOSPLIT, "func(a, b *float32, rows, stride int, y *float32)")
	Pragma("noescape")
	Doc("sumProducts32 adds the products of rows of 32 numbers, stride apart, to y, in their order, rounding each first.")
	a, b := Load(Param("a"), GP64()), Load(Param("b"), GP64())
	rows32(func(at int, sum reg.VecVirtual) {
		v := YMM()
		VMOVUPS(Mem{Base: a, Disp: at}, v)
		VMULPS(Mem{Base: b, Disp: at}, v, v)
		VADDPS(v, sum, sum)
	}, a, b)

	TEXT("mul8", NOSPLIT, "func(x, y *float32, n int)")
	Pragma("noescape")
	Doc("mul8 multiplies n times eight numbers y by x.")
	x, y, n = Load(Param("x"), GP64()), Load(Param("y"), GP64()), Load(Param("n"), GP64())
	v = YMM()
	loop8(n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VMULPS(Mem{Base: y}, v, v)
		VMOVUPS(v, Mem{Base: y})
	}, x, y)
	VZEROUPPER()
	RET()

	TEXT("mulAdd8", NOSPLIT, "func(x, a, b, y *float32, n int)")
	Pragma("noescape")
	Doc("mulAdd8 sets n times eight numbers y to a x + b, rounding the product first.")
	x, a = Load(Param("x"), GP64()), Load(Param("a"), GP64())
	b, y, n = Load(Param("b"), GP64()), Load(Param("y"), GP64()), Load(Param("n"), GP64())
	v = YMM()
	loop8(n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VMULPS(Mem{Base: a}, v, v)
		VADDPS(Mem{Base: b}, v, v)
		VMOVUPS(v, Mem{Base: y})
	}, x, a, b, y)
	VZEROUPPER()
	RET()

	TEXT("backStandardise8", NOSPLIT, "func(dy, y, dx *float32, n int, inv, mean, meanY float32)")
	Pragma("noescape")
	Doc("backStandardise8 adds inv (dy - mean - meanY y) to n times eight numbers dx.")
	dy, dx := Load(Param("dy"), GP64()), Load(Param("dx"), GP64())
	y, n = Load(Param("y"), GP64()), Load(Param("n"), GP64())
	inv, mean, meanY := broadcast("inv"), broadcast("mean"), broadcast("meanY")
	v, t := YMM(), YMM()
	loop8(n, func() {
		VMOVUPS(Mem{Base: dy}, v)
		VSUBPS(mean, v, v)
		VMULPS(Mem{Base: y}, meanY, t)
		VSUBPS(t, v, v)
		VMULPS(inv, v, v)
		VADDPS(Mem{Base: dx}, v, v)
		VMOVUPS(v, Mem{Base: dx})
	}, dy, y, dx)
	VZEROUPPER()
	RET()

	TEXT("squares8", NOSPLIT, "func(x *float32, n int, sum *float64)")
	Pragma("noescape")
	Doc("squares8 adds the squares of n times eight numbers to eight sums in float64.")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	sum = Load(Param("sum"), GP64())
	p, q, low, high := YMM(), YMM(), YMM(), YMM()
	VMOVUPD(Mem{Base: sum}, p)
	VMOVUPD(Mem{Base: sum, Disp: 32}, q)
	loop8(n, func() {
		VCVTPS2PD(Mem{Base: x}, low)
		VCVTPS2PD(Mem{Base: x, Disp: 16}, high)
		VFMADD231PD(low, low, p)
		VFMADD231PD(high, high, q)
	}, x)
	VMOVUPD(p, Mem{Base: sum})
	VMOVUPD(q, Mem{Base: sum, Disp: 32})
	VZEROUPPER()
	RET()
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
