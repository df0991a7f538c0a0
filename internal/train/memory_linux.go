package train

import "golang.org/x/sys/unix"

// memory is the machine's, in bytes, or 0 if it is not known.
func memory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
