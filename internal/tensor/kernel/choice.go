package kernel

import (
	"fmt"
	"os"
)

// CheckChoice tells whether what VAELAB_KERNEL asks for can be had: nothing, "generic" (gonum
// and plain Go) or "avx2".
func CheckChoice() error {
	switch v := os.Getenv("VAELAB_KERNEL"); {
	case v == "" || v == "generic" || v == "avx2" && Supported:
		return nil
	case v == "avx2":
		return fmt.Errorf("VAELAB_KERNEL=avx2: this processor or this build has no AVX2 kernels; unset it or set generic")
	default:
		return fmt.Errorf("VAELAB_KERNEL=%s: known: generic, avx2", v)
	}
}
