package tensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page on amd64, and on arm64 with small pages of 4 kB.
const hugePage = 2 << 20

// hugePages asks the system for large pages under s, those that s shares with others included: the Go heap consists of
// whole ones. A system that has none refuses, and nothing else changes.
func hugePages(s []Float) {
	start := uintptr(unsafe.Pointer(&s[0]))
	end := start + uintptr(len(s))*unsafe.Sizeof(s[0])
	start &^= hugePage - 1
	end = (end + hugePage - 1) &^ (hugePage - 1)
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_HUGEPAGE)
}
