//go:build !linux

package tensor

// hugePages does nothing: other systems choose the size of pages themselves.
func hugePages([]Float) {}
