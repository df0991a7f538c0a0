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

// makeSlab makes a slab of n floats at least, in whole cache lines.
func makeSlab(n int) []Float { return Make(max(slabFloats, (n+line-1)/line*line)) }

// Raw allocates n floats, uninitialised: the caller must write each before reading it. They
// are aligned to a cache line if the slab is, as large slabs are.
//
// A slab that is too short gives way to a longer one, with an eighth to spare, because the next batch is often a little
// longer again. Passing it over would keep all slabs that growing batches ever needed.
func (a *Arena) Raw(n int) []Float {
	a.used = (a.used + line - 1) / line * line
	for a.used > 0 && len(a.slabs[a.slab])-a.used < n {
		a.slab, a.used = a.slab+1, 0
	}
	switch {
	case a.slab == len(a.slabs):
		a.slabs = append(a.slabs, makeSlab(n))
	case len(a.slabs[a.slab]) < n:
		a.slabs[a.slab] = nil // the collector may take it before the next is made
		a.slabs[a.slab] = makeSlab(n + n/8)
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
