//go:build !unix

package main

import "os"

// There is no such signal here.
var limitSignals []os.Signal
