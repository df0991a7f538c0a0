package tensor

// An Arena is a bump allocator for the memory of one training step. Reset frees all slices.
// The zero Arena is ready to use. It is not safe for concurrent use.
type Arena struct {
	slabs [][]Float
	slab  int // the slab in use
	used  int // floats allocated from it
}

const slabFloats = 1 << 18

// Floats allocates n zeros.
func (a *Arena) Floats(n int) []Float {
	s := a.Raw(n)
	Clear(s)
	return s
}

// line is the length of a cache line in floats.
const line = 64 / (Bits / 8)

// Raw allocates n floats, uninitialised: the caller must write each before reading it. They
// are aligned to a cache line if the slab is, as large slabs are.
func (a *Arena) Raw(n int) []Float {
	a.used = (a.used + line - 1) / line * line
	for a.slab < len(a.slabs) && len(a.slabs[a.slab])-a.used < n {
		a.slab, a.used = a.slab+1, 0
	}
	if a.slab == len(a.slabs) {
		a.slabs = append(a.slabs, Make(max(slabFloats, (n+line-1)/line*line)))
	}
	s := a.slabs[a.slab][a.used:][:n:n]
	a.used += n
	return s
}

// joinFloats is the maximum that Reset joins. Above it the old slabs and the joined one
// would together double the peak memory.
const joinFloats = 1 << 22

// Reset frees everything allocated since the last Reset. It joins several small slabs into
// one, so that steps of other shapes waste no memory between slabs.
func (a *Arena) Reset() {
	total := 0
	for _, s := range a.slabs {
		total += len(s)
	}
	if len(a.slabs) > 1 && total <= joinFloats {
		a.slabs = [][]Float{Make(total)}
	}
	a.slab, a.used = 0, 0
}
