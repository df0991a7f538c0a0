//go:build !f64

package kernel

import (
	"os"

	"golang.org/x/sys/cpu"
)

// SupportedBF16 reports whether this processor multiplies pairs of bfloat16 by itself.
var SupportedBF16 = Supported512 && cpu.X86.HasAVX512BF16

// HasAMX reports whether it does so in AMX, too, which the kernels do not use.
var HasAMX = cpu.X86.HasAMXBF16

// native selects VDPBF16PS. Without it pairs are multiplied as float32, with equal bits.
var native = wide && SupportedBF16 && os.Getenv("VAELAB_KERNEL") != "avx512"

// NativeBF16 tells whether the processor multiplies BF16Pairs by itself.
func NativeBF16() bool { return native }

// PairRows pairs two rows: number j of dst stands for first[j] and second[j]. second may be nil, for zeros.
func PairRows(dst, first, second []float32) {
	n := len(dst)
	if n == 0 {
		return
	}
	_ = first[n-1]
	if second != nil {
		_ = second[n-1]
	}
	j := 0
	if whole := n / 16; native && whole > 0 {
		wideRows(&dst[0], &first[0], from(second, 0), whole)
		j = 16 * whole
	}
	if whole := (n - j) / 8; whole > 0 {
		pairRows8(&dst[j], &first[j], from(second, j), whole)
		j += 8 * whole
	}
	for ; j < n; j++ {
		y := float32(0)
		if second != nil {
			y = second[j]
		}
		dst[j] = pair(first[j], y)
	}
}

// from is where x begins at j, or nil.
func from(x []float32, j int) *float32 {
	if x == nil {
		return nil
	}
	return &x[j]
}

// PairAlong pairs neighbours: number p of dst stands for src[2p] and src[2p+1], or 0 where src ends.
func PairAlong(dst, src []float32) {
	n := len(src)
	if n == 0 {
		return
	}
	_ = dst[(n-1)/2]
	i := 0
	if whole := n / 32; native && whole > 0 {
		widePairs(&dst[0], &src[0], whole)
		i = 32 * whole
	}
	if whole := (n - i) / 16; whole > 0 {
		pairs8(&dst[i/2], &src[i], whole)
		i += 16 * whole
	}
	for ; i < n; i += 2 {
		y := float32(0)
		if i+1 < n {
			y = src[i+1]
		}
		dst[i/2] = pair(src[i], y)
	}
}
