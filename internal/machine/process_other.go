//go:build !unix

package machine

import "time"

// CPUTime is not known here; it is 0.
func CPUTime() time.Duration { return 0 }

// PeakMemory is not known here; it is 0.
func PeakMemory() int64 { return 0 }
