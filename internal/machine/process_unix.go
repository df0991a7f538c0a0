//go:build unix

package machine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// CPUTime is the CPU time of this process so far: user and system time of all its threads. It is 0 if the
// system does not say.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// PeakMemory is the largest resident memory of this process so far, in bytes, or 0 if the system does
// not say. Linux is asked by /proc, which counts the program alone: what getrusage says of a child
// begins with the memory of the parent that started it.
func PeakMemory() int64 {
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
