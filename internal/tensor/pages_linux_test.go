package tensor

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"
)

// TestHugePages: the system has noted that a long slice wants large pages, from its first to its last number.
func TestHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		t.Skip("the system has no large pages")
	}
	s := Make(3 * hugeFloats)
	for _, at := range []int{0, len(s) / 2, len(s) - 1} {
		address := uintptr(unsafe.Pointer(&s[at]))
		text, err := os.ReadFile("/proc/self/smaps")
		if err != nil {
			t.Skip(err)
		}
		inside, known := false, false
		for line := range strings.Lines(string(text)) {
			var from, to uintptr
			if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
				inside = from <= address && address < to
			}
			if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
				if known = true; !strings.Contains(flags+" ", " hg ") {
					t.Errorf("number %d of %d: flags %s", at, len(s), flags)
				}
			}
		}
		if !known {
			t.Skip("the system does not tell the flags of memory")
		}
	}
}
