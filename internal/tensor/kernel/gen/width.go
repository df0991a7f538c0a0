package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A width is the number of float32 in a register. Code for one width differs from that for the other in its registers,
// in its masks, and in the few instructions below.
type width int

const (
	eight   width = 8  // AVX2
	sixteen width = 16 // AVX-512
)

// function emits a function with one body for each width. The variable wide chooses between them.
func function(name, signature string, body func(w width), doc ...string) {
	text(name, signature, doc...)
	wide := label("wide")
	CMPB(NewDataAddr(Symbol{Name: "·wide"}, 0), Imm(0))
	JNE(LabelRef(wide))
	body(eight)
	VZEROUPPER()
	RET()
	Label(wide)
	body(sixteen)
	VZEROUPPER()
	RET()
}

// function8 emits a function for AVX2 alone: one that waits for its eight sums, so that sixteen numbers at a time would
// not make it faster.
func function8(name, signature string, body func(w width), doc ...string) {
	text(name, signature, doc...)
	body(eight)
	VZEROUPPER()
	RET()
}

// lanes is the number of each lane.
var lanes = words("lanes", func(i int) uint32 { return uint32(i) })

// text begins a function.
func text(name, signature string, doc ...string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(doc...)
}

var labels int

// label is a name that no other label has.
func label(name string) string {
	labels++
	return fmt.Sprint(name, labels)
}

// constant is a vector of sixteen equal 32-bit words in read-only memory. AVX2 reads the first eight.
func constant(name string, bits uint32) Mem {
	return words(name, func(int) uint32 { return bits })
}

func float(name string, v float32) Mem { return constant(name, math.Float32bits(v)) }

// words is a vector of sixteen 32-bit words.
func words(name string, word func(i int) uint32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range int(sixteen) {
		DATA(4*i, U32(word(i)))
	}
	return m
}

// pointer loads an argument of 64 bits.
func pointer(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// bytes is the size of a register.
func (w width) bytes() int { return 4 * int(w) }

func (w width) vector() reg.VecVirtual {
	if w == sixteen {
		return ZMM()
	}
	return YMM()
}

// broadcast loads a float32 argument into every lane.
func (w width) broadcast(name string) reg.VecVirtual {
	at, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := w.vector()
	VBROADCASTSS(at.Addr, v)
	return v
}

// mask is a new register for one truth value per lane.
func (w width) mask() Op {
	if w == sixteen {
		return K()
	}
	return YMM()
}

// The relations of compare.
const (
	less      = U8(1)
	unordered = U8(3) // one of the two is a NaN
	notLess   = U8(5) // or a NaN
	greater   = U8(14)
)

// compare is the mask of the lanes in which x stands in that relation to y.
func (w width) compare(x reg.VecVirtual, relation U8, y Op) Op {
	m := w.mask()
	VCMPPS(relation, y, x, m)
	return m
}

// first is the mask of the first n lanes.
func (w width) first(n reg.GPVirtual) Op {
	all, m := w.spread(n), w.mask()
	VPCMPGTD(lanes, all, m)
	return m
}

// spread is n in every lane, as an integer.
func (w width) spread(n reg.GPVirtual) reg.VecVirtual {
	v := w.vector()
	VMOVQ(n, v.AsX())
	VPBROADCASTD(v.AsX(), v)
	return v
}

// negative is the mask of the lanes in which x has the sign bit.
func (w width) negative(x reg.VecVirtual) Op {
	if w == eight {
		return x
	}
	m := w.mask()
	VPMOVD2M(x, m)
	return m
}

// blend sets y to yes where the mask is set, and to no elsewhere.
func (w width) blend(mask, yes, no, y Op) {
	if w == sixteen {
		VBLENDMPS(yes, no, mask, y)
	} else {
		VBLENDVPS(mask, yes, no, y)
	}
}

// keep sets x to 0 where the mask is not set.
func (w width) keep(mask Op, x reg.VecVirtual) {
	if w == sixteen {
		VMOVAPS_Z(x, mask, x)
	} else {
		VANDPS(mask, x, x)
	}
}

// round sets y to the integer nearest to x.
func (w width) round(x, y reg.VecVirtual) {
	if w == sixteen {
		VRNDSCALEPS(Imm(0), x, y)
	} else {
		VROUNDPS(Imm(0), x, y)
	}
}

// accumulate combines the numbers x with eight results, the lower eight of sixteen first, so that every width does it in
// one order.
func (w width) accumulate(op func(...Op), x, results reg.VecVirtual) {
	op(x.AsY(), results, results)
	if w == sixteen {
		upper := YMM()
		VEXTRACTF32X8(Imm(1), x, upper)
		op(upper, results, results)
	}
}

// join combines eight results with one another and returns the result in every lane.
func (w width) join(op func(...Op), results reg.VecVirtual) reg.VecVirtual {
	t := YMM()
	VPERM2F128(Imm(0x01), results, results, t)
	op(t, results, results)
	VSHUFPS(Imm(0xb1), results, results, t)
	op(t, results, results)
	VSHUFPS(Imm(0x4e), results, results, t)
	op(t, results, results)
	if w == eight {
		return results
	}
	all := w.vector()
	VBROADCASTSS(results.AsX(), all)
	return all
}

// A chunk is what one round of a loop handles: as many numbers as a register holds, or, with a mask, some of them. It
// touches no memory of the others and reads them as 0.
type chunk struct {
	width
	mask Op
}

// read is an operand with the numbers at m.
func (c chunk) read(m Mem) Op {
	if c.mask == nil {
		return m
	}
	return c.load(m)
}

// load is a register with the numbers at m.
func (c chunk) load(m Mem) reg.VecVirtual {
	v := c.vector()
	c.loadInto(m, v)
	return v
}

// loadInto sets a register to the numbers at m.
func (c chunk) loadInto(m Mem, v reg.VecVirtual) {
	switch {
	case c.mask == nil:
		VMOVUPS(m, v)
	case c.width == sixteen:
		VMOVUPS_Z(m, c.mask, v)
	default:
		VMASKMOVPS(m, c.mask, v)
	}
}

// store writes v to m.
func (c chunk) store(v reg.VecVirtual, m Mem) {
	switch {
	case c.mask == nil:
		VMOVUPS(v, m)
	case c.width == sixteen:
		VMOVUPS(v, c.mask, m)
	default:
		VMASKMOVPS(v, c.mask, m)
	}
}

// loop does body for n numbers, first in whole registers and then for those that are left, and moves the pointers on.
func (w width) loop(n reg.GPVirtual, body func(c chunk), pointers ...reg.GPVirtual) {
	whole, rest, done := label("whole"), label("rest"), label("done")
	SUBQ(Imm(uint64(w)), n)
	JLT(LabelRef(rest))
	Label(whole)
	body(chunk{w, nil})
	for _, p := range pointers {
		ADDQ(Imm(uint64(w.bytes())), p)
	}
	SUBQ(Imm(uint64(w)), n)
	JGE(LabelRef(whole))
	Label(rest)
	ADDQ(Imm(uint64(w)), n)
	JZ(LabelRef(done))
	body(chunk{w, w.first(n)})
	Label(done)
}

// repeat does body n times and moves the pointers on, by so many bytes each time.
func repeat(n Op, bytes uint64, body func(), pointers ...Op) {
	Label("loop")
	body()
	for _, p := range pointers {
		ADDQ(Imm(bytes), p)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
}
