//go:build !linux && !darwin

package machine

// CPUModel is not known here; it is empty.
func CPUModel() string { return "" }
