// Package host names the system that a process runs on, so that processes of several hosts can be told apart.
package host

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"sync"
)

// System names the running system and the space of its process numbers: containers of one machine may have one host name
// and different processes of one number. It changes when the machine starts again. It is empty if the system does not
// say; Linux does.
var System = sync.OnceValue(func() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + space
})

// ID is a short name of the host: eight hexadecimal digits, a hash of its name and of System. Two processes with one ID
// share a kernel that has not been started anew since, so that a lock holds between them.
var ID = sync.OnceValue(func() string {
	name, _ := os.Hostname() // System tells most hosts apart without it
	sum := sha256.Sum256([]byte(name + "\n" + System()))
	return hex.EncodeToString(sum[:4])
})
