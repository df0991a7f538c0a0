package kernel

import (
	"fmt"
	"os"
)

// CheckChoice returns an error if this processor lacks what VAELAB_KERNEL selects: nothing,
// "generic" (gonum and plain Go), "avx2" or "avx512" (without AVX512_BF16).
func CheckChoice() error {
	switch v := os.Getenv("VAELAB_KERNEL"); {
	case v == "" || v == "generic" || v == "avx2" && Supported || v == "avx512" && Supported512:
		return nil
	case v == "avx2" || v == "avx512":
		return fmt.Errorf("VAELAB_KERNEL=%s: this processor or this build has no such kernels; unset it or set generic", v)
	default:
		return fmt.Errorf("VAELAB_KERNEL=%s: known: generic, avx2, avx512", v)
	}
}
