package memory

import (
	"runtime"
	"testing"
)

func TestFits(t *testing.T) {
	for _, c := range []struct {
		bytes float64
		total uint64
		fits  bool
	}{{1e9, 2e9, true}, {2e9, 2e9, true}, {2.1e9, 2e9, false}, {1e30, 0, true}} {
		if err := Fits(c.bytes, c.total); (err == nil) != c.fits {
			t.Errorf("%v bytes of %v: %v", c.bytes, c.total, err)
		}
	}
	const want = "they need 2.1 GB of memory, and this machine has 2 GB"
	if err := Fits(2.1e9, 2e9); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestTotal: a machine on which this test runs has some memory, and no more than 2^50 bytes.
func TestTotal(t *testing.T) {
	if total := Total(); runtime.GOOS == "linux" && (total < 64<<20 || total > 1<<50) {
		t.Errorf("%d bytes", total)
	}
}
