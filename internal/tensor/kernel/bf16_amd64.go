//go:build !f64

package kernel

import (
	"os"

	"golang.org/x/sys/cpu"
)

// SupportedBF16 reports whether this processor multiplies pairs of bfloat16 by itself.
var SupportedBF16 = Supported512 && cpu.X86.HasAVX512BF16

// native selects VDPBF16PS. Without it pairs are multiplied as float32, with equal bits.
var native = wide && SupportedBF16 && os.Getenv("VAELAB_KERNEL") != "avx512"

// NativeBF16 tells whether the processor multiplies BF16Pairs by itself.
func NativeBF16() bool { return native }

// PairRows pairs two rows: number j of dst stands for first[j] and second[j]. second may be nil, for zeros.
func PairRows(dst, first, second []float32) {
	whole := len(dst) / 8
	if whole > 0 {
		_ = first[len(dst)-1]
		var from *float32
		if second != nil {
			_ = second[len(dst)-1]
			from = &second[0]
		}
		pairRows8(&dst[0], &first[0], from, whole)
	}
	for j := 8 * whole; j < len(dst); j++ {
		y := float32(0)
		if second != nil {
			y = second[j]
		}
		dst[j] = pair(first[j], y)
	}
}

// PairAlong pairs neighbours: number p of dst stands for src[2p] and src[2p+1], or 0 where src ends.
func PairAlong(dst, src []float32) {
	whole := len(src) / 16
	if whole > 0 {
		_ = dst[8*whole-1]
		pairs8(&dst[0], &src[0], whole)
	}
	for p := 8 * whole; 2*p < len(src); p++ {
		y := float32(0)
		if 2*p+1 < len(src) {
			y = src[2*p+1]
		}
		dst[p] = pair(src[2*p], y)
	}
}
