//go:build unix

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// peakRSS is the largest resident memory of this process so far, in bytes. Where the
// kernel tells it per program it is asked there: what getrusage says of a child begins
// with the memory of the parent that started it.
func peakRSS() int64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		var kB int64
		if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
			if _, err := fmt.Sscan(after, &kB); err == nil {
				return kB << 10
			}
		}
	}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(u.Maxrss) // bytes there, KiB elsewhere
	}
	return int64(u.Maxrss) << 10
}
