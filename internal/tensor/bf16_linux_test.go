//go:build !f64

package tensor

import (
	"os"
	"regexp"
	"testing"
)

// TestSlowBF16: BF16 is called fast where the system says that the processor has AVX512_BF16 and no AMX.
func TestSlowBF16(t *testing.T) {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip(err)
	}
	if os.Getenv("VAELAB_KERNEL") != "" {
		t.Skip("another kernel is forced")
	}
	has := func(flag string) bool { return regexp.MustCompile(`\b` + flag + `\b`).Match(text) }
	if fast := has("avx512_bf16") && !has("amx_bf16"); fast != (SlowBF16() == "") {
		t.Errorf("fast is %t by the system, but here %q", fast, SlowBF16())
	}
}
