//go:build unix

package machine

import "testing"

// TestProcess: work costs CPU time, and memory that is written is in the peak.
func TestProcess(t *testing.T) {
	before := CPUTime()
	if before <= 0 {
		t.Fatalf("CPU time %v", before)
	}
	const size = 32 << 20
	sum := 0
	block := make([]byte, size)
	for CPUTime()-before < 1e7 { // 10 ms
		for i := range block {
			block[i]++
			sum += int(block[i])
		}
	}
	if peak := PeakMemory(); peak < size || sum == 0 {
		t.Errorf("peak memory %d bytes after %d were written", peak, size)
	}
}
