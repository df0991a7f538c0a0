// Package machine reads the CPU time and the peak memory of the process, and the CPU model. It is the only
// package that reads the CPU clock, and only programs import it. Libraries receive functions, so no result depends on
// the machine.
package machine
