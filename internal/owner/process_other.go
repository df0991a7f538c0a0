//go:build !linux

package owner

// system is not known here. A process is then taken for dead only if it misses its heartbeats.
func system() string { return "" }

func born(int) string { return "" }
