// Package machine reads the CPU time and the peak memory of the process, and the CPU model. It is the only
// package that reads the CPU clock, and only programs import it: libraries are given functions, so that no
// result depends on what the machine does.
package machine
