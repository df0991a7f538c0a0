// Package host names the system that a process runs on, so that processes of several hosts can be told apart.
package host

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"sync"
)

// ID is a short name of where this process runs: eight hexadecimal digits, a hash of the host's name, of its boot and of the
// namespace of its process ids. Two processes with one ID share a kernel that has not been booted since, so that a lock holds
// between them and a process id means the same to both. What the system does not tell is left out.
var ID = sync.OnceValue(func() string {
	name, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // Linux
	space, _ := os.Readlink("/proc/self/ns/pid")
	sum := sha256.Sum256([]byte(strings.Join([]string{name, string(boot), space}, "\n")))
	return hex.EncodeToString(sum[:4])
})
