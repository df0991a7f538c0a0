// Package machine measures the process and names the processor that it runs on. It is the only package
// that reads the CPU clock, and only programs import it: libraries are given functions, so that no
// result depends on what the machine does.
package machine
