//go:build !linux

package owner

// born is not known here. A process is then taken for dead only if it misses its heartbeats.
func born(int) string { return "" }
