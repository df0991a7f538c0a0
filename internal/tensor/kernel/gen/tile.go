package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tiles are those of AVX2, and of AVX-512.
func tiles(do products) {
	if do.name != "" {
		for rows := 1; rows <= 6; rows++ {
			tile(do, do.name, rows, 1, 32)
			tile(do, do.name, rows, 2, 32)
		}
	}
	for rows := 1; rows <= 8; rows++ {
		tile(do, do.wide, rows, 1, 64)
		tile(do, do.wide, rows, 2, 64)
	}
}

// tile is the heart of the matrix product: tiles of C, one or two registers wide, one below the other. Each stays in
// registers while k rank-1 updates pass. AVX2 has room for 6x16: two loads and six broadcasts feed twelve
// multiply-adds, so that the two units never wait. AVX-512 has room for 12x32; 8x32 is enough to keep its units busy
// and divides the usual batch of 32. Every lower height exists, so that any number of rows can be split evenly.
func tile(do products, family string, rows, columns, bytes int) {
	vector := do.vectors(bytes)
	lanes := bytes / 4
	cols := lanes * columns
	name := fmt.Sprintf("%s%dx%d", family, rows, cols)
	TEXT(name, NOSPLIT, "func(count, k int, a *float32, aRow, aCol, next int, b *float32, ldb int, onto *float32, ldo int, c *float32, ldc, last int)")
	Pragma("noescape")
	Doc(append([]string{fmt.Sprintf("%s computes count tiles c = a·b + onto of %dx%d, one below the other; onto may be nil or c. The rows of c and", name, rows, cols),
		"onto are ldc and ldo apart. Element (i, p) of a is at i*aRow + p*aCol, its tiles are next apart, and the k rows of b",
		fmt.Sprintf("are ldb apart. Of the last %d columns of onto and c, only the first `last` exist.", lanes)}, do.doc...)...)
	aRow := Load(Param("aRow"), GP64()).(reg.GPVirtual)
	aCol, ldb, ldc := Load(Param("aCol"), GP64()), Load(Param("ldb"), GP64()), Load(Param("ldc"), GP64())
	c := Load(Param("c"), GP64())
	for _, r := range []Op{aRow, aCol, ldb, ldc} {
		SHLQ(Imm(2), r) // bytes
	}
	var last mask
	if bytes == 64 {
		last.bits()
	}
	ahead := prefetch(ldb, columns, bytes)
	leaveAll := do.all()
	Label("tile")
	k, a, b := Load(Param("k"), GP64()), Load(Param("a"), GP64()).(reg.GPVirtual), Load(Param("b"), GP64())
	from := rowsOf(a, aRow, rows)

	acc := make([][]reg.Register, rows)
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
	to := GP64()
	MOVQ(c, to)
	for i := range acc {
		for line := 0; line < 4*cols; line += 64 {
			PREFETCHT0(Mem{Base: to, Disp: line})
		}
		PREFETCHT0(Mem{Base: to, Disp: 4*cols - 4}) // of a row that does not begin with a line
		if i < rows-1 {
			ADDQ(ldc, to)
		}
	}
	leave := do.each()
	multiplyAdd := do.step(vector, bytes, acc, &last)
	step := func() {
		multiplyAdd(b, from.row)
		ADDQ(ldb, b)
		from.advance(aCol)
	}
	byFours(k, step, ahead)
	leave()

	// The last vector of a row is masked; in AVX2, where that is slow, only if columns are missing.
	write := func(label string, masked bool) {
		onto, ldo := Load(Param("onto"), GP64()), Load(Param("ldo"), GP64())
		TESTQ(onto, onto)
		JZ(LabelRef(label + "store"))
		SHLQ(Imm(2), ldo)
		for i := range acc {
			for j, v := range acc[i] {
				at := Mem{Base: onto, Disp: bytes * j}
				if masked && j == columns-1 {
					last.add(at, v)
				} else {
					VADDPS(at, v, v)
				}
			}
			ADDQ(ldo, onto)
		}
		MOVQ(onto, argument("onto"))
		Label(label + "store")
		for i := range acc {
			for j, v := range acc[i] {
				at := Mem{Base: c, Disp: bytes * j}
				if masked && j == columns-1 {
					last.store(v, at)
				} else {
					VMOVUPS(v, at)
				}
			}
			ADDQ(ldc, c)
		}
	}
	if bytes == 64 {
		write("", true)
	} else {
		CMPQ(argument("last"), Imm(uint64(lanes)))
		JNE(LabelRef("ragged"))
		write("", false)
	}
	Label("next")
	step4 := Load(Param("next"), GP64())
	SHLQ(Imm(2), step4)
	ADDQ(step4, argument("a"))
	DECQ(argument("count"))
	JNZ(LabelRef("tile"))
	leaveAll()
	VZEROUPPER()
	RET()
	if bytes == 32 {
		Label("ragged")
		last.words()
		write("ragged_", true)
		JMP(LabelRef("next"))
	}
}

// prefetch returns the code, for every fourth step, that prefetches the panel after b, two lines at a time: four tiles
// load all of it, which leaves the processor time. Two lines at every step gained nothing on an Intel, perhaps because
// too many were under way. Narrow tiles only meet the last panel.
func prefetch(ldb reg.Register, columns, bytes int) func() {
	if columns < 2 || bytes < 64 {
		return func() {}
	}
	ahead := Load(Param("k"), GP64())
	IMULQ(ldb, ahead)
	ADDQ(argument("b"), ahead)
	return func() {
		PREFETCHT1(Mem{Base: ahead})
		PREFETCHT1(Mem{Base: ahead, Disp: 64})
		ADDQ(Imm(128), ahead)
	}
}

// argument is where an argument is.
func argument(name string) Mem {
	at, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return at.Addr
}

// A mask selects the columns of the last vector that exist.
type mask struct {
	k reg.OpmaskVirtual // in AVX-512
	v reg.VecVirtual    // in AVX2
}

// bits loads the mask of AVX-512.
func (m *mask) bits() {
	m.k = K()
	last, ones := Load(Param("last"), GP64()), GP64()
	MOVQ(I32(-1), ones)
	BZHIQ(last, ones, ones)
	KMOVW(ones.As32(), m.k)
}

// edge is eight words of ones, then eight of zeros.
var edge = words("edge", func(i int) uint32 { return 0xffffffff * uint32(1-i/8) })

// words loads the mask of AVX2.
func (m *mask) words() {
	m.v = YMM()
	last, at := Load(Param("last"), GP64()).(reg.GPVirtual), GP64()
	LEAQ(edge.Offset(32), at)
	NEGQ(last)
	VMOVUPS(Mem{Base: at, Index: last, Scale: 4}, m.v)
}

// add adds the columns at from to v.
func (m *mask) add(from Mem, v reg.Register) {
	if m.k != nil {
		VADDPS_Z(from, v, m.k, v)
		return
	}
	x := YMM()
	VMASKMOVPS(from, m.v, x)
	VADDPS(x, v, v)
}

// store writes the columns of v.
func (m *mask) store(v reg.Register, to Mem) {
	if m.k != nil {
		VMOVUPS(v, m.k, to)
		return
	}
	VMASKMOVPS(v, m.v, to)
}

// of reports whether vector j of a row of b is to be loaded under the mask. In AVX-512 b in place may end where the
// columns do; in AVX2 whole vectors exist.
func (m *mask) of(j int, row []reg.Register) bool { return m.k != nil && j == len(row)-1 }

// products are how tiles multiply.
type products struct {
	name, wide string // of the tiles of AVX2, if any, and of those of AVX-512
	doc        []string
	vectors    func(bytes int) func() reg.Register
	// all goes before all tiles and each before the products of a tile; what they return goes after them.
	all, each func() (leave func())
	// step is the code of one step over p: it adds the products of a row of b and a column of a, whose element i is
	// at(i), to acc.
	step func(vector func() reg.Register, bytes int, acc [][]reg.Register, last *mask) step
}

type step func(b reg.Register, at func(i int) Mem)

// float32s are products of float32, by fused multiply-adds. Gradients that fade over a long sentence end as denormals,
// for which an Intel takes 200 times as long (docs/performance.md).
var float32s = products{
	name: "tile", wide: "wide", vectors: virtual, all: flushing, each: nothing,
	doc: []string{"Denormals count as zero."},
	step: func(vector func() reg.Register, bytes int, acc [][]reg.Register, last *mask) step {
		return rankOne(vector, bytes, acc, last, func(v, x, sum reg.Register) { VFMADD231PS(v, x, sum) })
	},
}

// virtual makes vector registers that avo allocates.
func virtual(bytes int) func() reg.Register {
	return func() reg.Register {
		if bytes == 64 {
			return ZMM()
		}
		return YMM()
	}
}

func nothing() (leave func()) { return func() {} }

// flush is an MXCSR that takes denormals as zero and returns none; it masks all exceptions and rounds to nearest.
var flush = constant("flush", 0x9fc0)

// flushing lets denormals be zero until what it returns.
func flushing() (leave func()) {
	before := AllocLocal(8)
	STMXCSR(before)
	LDMXCSR(flush)
	return func() { LDMXCSR(before) }
}

// rankOne loads a row of b, and broadcasts what each row of a has for it.
func rankOne(vector func() reg.Register, bytes int, acc [][]reg.Register, last *mask, add func(v, x, sum reg.Register)) step {
	row := []reg.Register{vector(), vector()}[:len(acc[0])]
	pair := []reg.Register{vector(), vector()}
	return func(b reg.Register, at func(int) Mem) {
		for j, v := range row {
			at := Mem{Base: b, Disp: bytes * j}
			if last.of(j, row) {
				VMOVUPS_Z(at, last.k, v)
			} else {
				VMOVUPS(at, v)
			}
		}
		for i := 0; i < len(acc); i += 2 { // two rows at a time hide the broadcasts
			two := pair[:min(2, len(acc)-i)]
			for r, x := range two {
				VBROADCASTSS(at(i+r), x)
			}
			for r, x := range two {
				for j, v := range row {
					add(v, x, acc[i+r][j])
				}
			}
		}
	}
}

// byFours does step k times, and every four times also.
func byFours(k Op, step, also func()) {
	Label("four")
	CMPQ(k, Imm(4))
	JL(LabelRef("one"))
	for range 4 {
		step()
	}
	also()
	SUBQ(Imm(4), k)
	JMP(LabelRef("four"))
	Label("one")
	TESTQ(k, k)
	JZ(LabelRef("write"))
	step()
	DECQ(k)
	JMP(LabelRef("one"))
	Label("write")
}

// leftRows are the rows of a tile's left operand: 0 ... 3 are reached from one pointer, 4 ... 7 from another.
type leftRows struct {
	bases       []reg.GPVirtual
	next, three reg.GPVirtual // distance between rows in bytes, and three times that
}

func rowsOf(a, next reg.GPVirtual, rows int) leftRows {
	r := leftRows{bases: []reg.GPVirtual{a}, next: next, three: GP64()}
	if rows > 3 {
		LEAQ(Mem{Base: next, Index: next, Scale: 2}, r.three)
	}
	if rows > 4 {
		low := GP64()
		LEAQ(Mem{Base: a, Index: next, Scale: 4}, low)
		r.bases = append(r.bases, low)
	}
	return r
}

// row is where row i continues.
func (r leftRows) row(i int) Mem {
	base := r.bases[i/4]
	switch i % 4 {
	case 0:
		return Mem{Base: base}
	case 3:
		return Mem{Base: base, Index: r.three, Scale: 1}
	}
	return Mem{Base: base, Index: r.next, Scale: uint8(i % 4)}
}

// advance moves on by one column, which are so many bytes.
func (r leftRows) advance(bytes Op) {
	for _, base := range r.bases {
		ADDQ(bytes, base)
	}
}
