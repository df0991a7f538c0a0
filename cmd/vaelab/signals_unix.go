//go:build unix

package main

import (
	"os"
	"syscall"
)

var limitSignals = []os.Signal{syscall.SIGUSR1}
