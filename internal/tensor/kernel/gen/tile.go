package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tile is the heart of the matrix product: a tile of C, one or two registers wide, that stays in
// registers while k rank-1 updates pass. AVX2 has room for 6x16: two loads and six broadcasts
// feed twelve multiply-adds, so that the two units never wait. AVX-512 has room for 12x32; 8x32
// is enough to keep its units busy and divides the usual batch of 32. The lower and narrower ones are for
// what is left below and beside, such as the last four of an image's 28 rows or of a sentence's 20 words.
func tile(do products, rows, columns, bytes int) {
	vector := do.vectors(bytes)
	cols := bytes / 4 * columns
	name := fmt.Sprintf("%s%dx%d", do.name, rows, cols)
	TEXT(name, NOSPLIT, "func(k int, a *float32, aRow, aCol int, b *float32, ldb int, onto *float32, ldo int, c *float32, ldc int)")
	Pragma("noescape")
	Doc(append([]string{fmt.Sprintf("%s computes the %dx%d tile c = a·b + onto, their rows ldc and ldo apart; onto may be nil or c.", name, rows, cols),
		"Element (i, p) of a stands at i*aRow + p*aCol, and the k rows of b are ldb apart."}, do.doc...)...)
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
	leave := do.enter()
	multiplyAdd := do.step(vector, bytes, acc)
	step := func() {
		multiplyAdd(b, from.row)
		ADDQ(ldb, b)
		from.advance(aCol)
	}
	byFours(k, step)
	leave()
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

// tiles are those of all sizes.
func tiles(do products) {
	for _, rows := range []int{1, 2, 4, 6, 8} { // 8x16 needs AVX-512's registers, though not its width
		tile(do, rows, 1, 32)
		tile(do, rows, 2, 32)
	}
	tile(do, 4, 2, 64)
	tile(do, 8, 2, 64)
}

// products are how tiles multiply.
type products struct {
	name    string
	doc     []string
	vectors func(bytes int) func() reg.Register
	// enter goes before the products, and what it returns goes after them.
	enter func() (leave func())
	// step is the code of one step over p: it adds the products of a row of b and a column of a, whose element i is
	// at(i), to acc.
	step func(vector func() reg.Register, bytes int, acc [][]reg.Register) step
}

type step func(b reg.Register, at func(i int) Mem)

// float32s are products of float32, by fused multiply-adds.
var float32s = products{
	name: "tile", vectors: virtual, enter: nothing,
	step: func(vector func() reg.Register, bytes int, acc [][]reg.Register) step {
		return rankOne(vector, bytes, acc, func(v, x, sum reg.Register) { VFMADD231PS(v, x, sum) })
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

// rankOne loads a row of b, and broadcasts what each row of a has for it.
func rankOne(vector func() reg.Register, bytes int, acc [][]reg.Register, add func(v, x, sum reg.Register)) step {
	row := []reg.Register{vector(), vector()}[:len(acc[0])]
	pair := []reg.Register{vector(), vector()}
	return func(b reg.Register, at func(int) Mem) {
		for j, v := range row {
			VMOVUPS(Mem{Base: b, Disp: bytes * j}, v)
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

// byFours does step k times.
func byFours(k Op, step func()) {
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
