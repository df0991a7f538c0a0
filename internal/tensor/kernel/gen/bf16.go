package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pairDoc says what the operands of products of bfloat16 are.
var pairDoc = []string{
	"A number of a or b is two neighbours in p, rounded to bfloat16, the first in the lower half. The product of the second",
	"ones is added first.",
}

// pairs are products of pairs of bfloat16 by AVX512_BF16.
var pairs = products{
	wide: "pairs", doc: pairDoc, vectors: physical, all: nothing, each: nothing,
	step: func(vector func() reg.Register, bytes int, acc [][]reg.Register, last *mask) step {
		return rankOne(vector, bytes, acc, last, vdpbf16ps)
	},
}

// physical hands out vector registers, since vdpbf16ps must know which they are: Y0, Y1 and so on, or Z0, Z1 and so on.
func physical(bytes int) func() reg.Register {
	next, size := reg.Index(0), reg.S256
	if bytes == 64 {
		size = reg.S512
	}
	return func() reg.Register {
		next++
		return reg.Vector.Lookup(next-1, size)
	}
}

// vdpbf16ps adds x[1] v[1] and then x[0] v[0] to sum, in each 32 bits: two fused multiply-adds that round to nearest even,
// take denormals for 0 and write 0 for them, whatever MXCSR says.
func vdpbf16ps(v, x, sum reg.Register) { avx512bf16("VDPBF16PS", 2, 0x52, v, x, sum, sum) }

// vcvtne2ps2bf16 rounds low into the lower half of to, and high into the upper half.
func vcvtne2ps2bf16(low, high, to reg.Register) {
	avx512bf16("VCVTNE2PS2BF16", 3, 0x72, low, high, to)
}

// avx512bf16 emits an instruction that neither avo nor Go's assembler knows: EVEX.p.0F38.W0 opcode /r, where p is 2 for
// F3 and 3 for F2. Other registers than these are read, too.
func avx512bf16(name string, p, opcode uint64, last, first, to reg.Register, read ...Op) {
	number := func(r reg.Register) uint64 { return uint64(r.ID().Index()) }
	dst, src1, src2 := number(to), number(first), number(last)
	not := func(n uint64, bit int) uint64 { return ^n >> bit & 1 }
	length := uint64(1) // 256 bits
	if to.Size() == 64 {
		length = 2
	}
	code := []uint64{
		0x62,
		not(dst, 3)<<7 | not(src2, 4)<<6 | not(src2, 3)<<5 | not(dst, 4)<<4 | 2, // R X B R' and the map 0F38
		(^src1&15)<<3 | 1<<2 | p, // W vvvv 1 and the prefix
		length<<5 | not(src1, 4)<<3,
		opcode,
		3<<6 | dst&7<<3 | src2&7,
	}
	Comment(fmt.Sprintf("%s %s, %s, %s", name, last.Asm(), first.Asm(), to.Asm()))
	low, high := uint64(0), code[4]|code[5]<<8
	for i, b := range code[:4] {
		low |= b << (8 * i)
	}
	read = append([]Op{last, first}, read...)
	Instruction(&ir.Instruction{Opcode: "LONG", Operands: []Op{U32(low)}, Inputs: read, Outputs: []Op{to}})
	Instruction(&ir.Instruction{Opcode: "WORD", Operands: []Op{U16(high)}, Inputs: read, Outputs: []Op{to}})
}

// halves are the same products, to the bit, where AVX512_BF16 is missing: as float32, by fused multiply-adds.
func halves() products {
	upper := constant("bf16_upper", 0xffff0000)
	return products{
		name: "halves", wide: "wideHalves", doc: pairDoc, vectors: virtual,
		all: nothing, each: flushing, // as vdpbf16ps, and what is added to the products is not flushed
		step: func(vector func() reg.Register, bytes int, acc [][]reg.Register, last *mask) step {
			row := []reg.Register{vector(), vector()}[:len(acc[0])]
			x, high := vector(), vector()
			VBROADCASTSS(upper, high)
			second := func(from Op, to reg.Register) {
				if bytes == 64 {
					VPANDD(from, high, to)
				} else {
					VANDPS(from, high, to)
				}
			}
			first := func(from Op, to reg.Register) {
				if bytes == 64 {
					VPSLLD(Imm(16), from, to)
					return
				}
				if from != to {
					VMOVUPS(from, to)
				}
				VPSLLD(Imm(16), to, to)
			}
			return func(b reg.Register, at func(int) Mem) {
				for _, half := range []func(Op, reg.Register){second, first} {
					for j, v := range row {
						at := Mem{Base: b, Disp: bytes * j}
						if last.of(j, row) {
							VMOVUPS_Z(at, last.k, v)
							half(v, v)
						} else {
							half(at, v)
						}
					}
					for i := range acc {
						VBROADCASTSS(at(i), x)
						half(x, x)
						for j, v := range row {
							VFMADD231PS(v, x, acc[i][j])
						}
					}
				}
			}
		},
	}
}

// roundings bring float32 into pairs of bfloat16.
func roundings() {
	one, half, quiet := constant("bf16_one", 1), constant("bf16_half", 0x7fff), constant("bf16_quiet", 0x400000)
	infinity, sign := constant("bf16_infinity", 0x7f800000), constant("bf16_sign", 0x80000000)
	// round leaves the bfloat16 nearest to x, to even if two are, in the upper half of each number; the lower half is
	// anything. A NaN stays one and a denormal becomes 0, as for VCVTNEPS2BF16.
	round := func(x reg.VecVirtual) {
		y, t, e := YMM(), YMM(), YMM()
		VPSRLD(Imm(16), x, y)
		VPAND(one, y, y)
		VPADDD(half, y, y)
		VPADDD(x, y, y)
		VPOR(quiet, x, t)
		VCMPPS(Imm(3), x, x, e) // unordered
		VBLENDVPS(e, t, y, y)
		VPAND(infinity, x, t)
		VPXOR(e, e, e)
		VPCMPEQD(e, t, e) // the exponent is 0
		VPAND(sign, x, t)
		VBLENDVPS(e, t, y, x)
	}

	TEXT("pairRows8", NOSPLIT, "func(dst, first, second *float32, n int)")
	Pragma("noescape")
	Doc("pairRows8 rounds n times eight numbers of two rows to bfloat16, and pairs those of a column. Without a second row",
		"its numbers are 0.")
	dst, first, second := Load(Param("dst"), GP64()), Load(Param("first"), GP64()), Load(Param("second"), GP64())
	n, keep := Load(Param("n"), GP64()), YMM()
	VPCMPEQD(keep, keep, keep)
	TESTQ(second, second)
	JNZ(LabelRef("loop"))
	VPXOR(keep, keep, keep)
	MOVQ(first, second)
	repeat(n, 32, func() {
		x, y := YMM(), YMM()
		VMOVUPS(Mem{Base: first}, x)
		VPAND(Mem{Base: second}, keep, y)
		round(x)
		round(y)
		VPSRLD(Imm(16), x, x)
		VPBLENDW(Imm(0xaa), y, x, x)
		VMOVUPS(x, Mem{Base: dst})
	}, dst, first, second)
	VZEROUPPER()
	RET()

	TEXT("pairs8", NOSPLIT, "func(dst, src *float32, n int)")
	Pragma("noescape")
	Doc("pairs8 rounds n times sixteen numbers to bfloat16, and pairs neighbours.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	n = Load(Param("n"), GP64())
	repeat(n, 32, func() {
		u, v, x, y := YMM(), YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: src}, u)
		VMOVUPS(Mem{Base: src, Disp: 32}, v)
		ADDQ(Imm(32), src)
		VSHUFPS(Imm(0x88), v, u, x) // the first of each pair, and the second
		VSHUFPS(Imm(0xdd), v, u, y)
		round(x)
		round(y)
		VPSRLD(Imm(16), x, x)
		VPBLENDW(Imm(0xaa), y, x, x)
		VPERMQ(Imm(0xd8), x, x)
		VMOVUPS(x, Mem{Base: dst})
	}, dst, src)
	VZEROUPPER()
	RET()
}

// nativeRoundings are those of AVX512_BF16.
func nativeRoundings() {
	text("wideRows", "func(dst, first, second *float32, n int)",
		"wideRows is pairRows8 for sixteen numbers, by AVX512_BF16.")
	dst, first, second, n := pointer("dst"), pointer("first"), pointer("second"), pointer("n")
	keep, order := ZMM(), ZMM()
	VPTERNLOGD(Imm(0xff), keep, keep, keep)
	TESTQ(second, second)
	JNZ(LabelRef("there"))
	VPXORD(keep, keep, keep)
	MOVQ(first, second)
	Label("there")
	VMOVUPS(words("bf16_order", func(i int) uint32 { return uint32(i + 16<<16 + i<<16) }), order)
	x, y := reg.Z0, reg.Z1
	repeat(n, 64, func() {
		VMOVUPS(Mem{Base: first}, x)
		VPANDD(Mem{Base: second}, keep, y)
		vcvtne2ps2bf16(x, y, x)
		VPERMW(x, order, x)
		VMOVUPS(x, Mem{Base: dst})
	}, dst, first, second)
	VZEROUPPER()
	RET()

	text("widePairs", "func(dst, src *float32, n int)", "widePairs is pairs8 for 32 numbers, by AVX512_BF16.")
	dst, src := pointer("dst"), pointer("src")
	n = pointer("n")
	repeat(n, 64, func() {
		VMOVUPS(Mem{Base: src}, x)
		VMOVUPS(Mem{Base: src, Disp: 64}, y)
		vcvtne2ps2bf16(x, y, x)
		VMOVUPS(x, Mem{Base: dst})
		ADDQ(Imm(64), src)
	}, dst, src)
	VZEROUPPER()
	RET()
}
