package tensor

// Make returns n zeros. On Linux long slices lie on pages of 2 MB where the system has them: the tiles of a product read
// rows that are far apart, and with pages of 4 kB the processor looks up an address for nearly every row.
func Make(n int) []Float {
	s := make([]Float, n)
	if n >= hugeFloats {
		hugePages(s)
	}
	return s
}

// hugeFloats is the least length of memory for which large pages are asked. Slabs of the arena have it, too, and often lie
// side by side.
const hugeFloats = slabFloats

// grow returns n floats, in s if they fit. Old contents are lost.
func grow(s []Float, n int) []Float {
	if cap(s) < n {
		return Make(n)
	}
	return s[:n]
}
