package tensor

// An Arena lends slices that all die together at Reset: the memory of one
// training step. The zero Arena is ready to use. It is not safe for concurrent use.
type Arena struct {
	slabs [][]Float
	slab  int // the slab that is being filled
	used  int // how much of it is lent
}

const slabFloats = 1 << 18

// Floats lends n zeros.
func (a *Arena) Floats(n int) []Float {
	s := a.Raw(n)
	Clear(s)
	return s
}

// line is the length of a line of cache in numbers.
const line = 64 / (Bits / 8)

// Raw lends n numbers whose values are left over from earlier use; the caller must
// write every one before reading it. They begin with a line of cache where the slab does, as large ones do.
func (a *Arena) Raw(n int) []Float {
	a.used = (a.used + line - 1) / line * line
	for a.slab < len(a.slabs) && len(a.slabs[a.slab])-a.used < n {
		a.slab, a.used = a.slab+1, 0
	}
	if a.slab == len(a.slabs) {
		a.slabs = append(a.slabs, make([]Float, max(slabFloats, (n+line-1)/line*line)))
	}
	s := a.slabs[a.slab][a.used:][:n:n]
	a.used += n
	return s
}

// joinFloats is the most that Reset joins: beyond it the old slabs and the joined one, alive
// together for a moment, would double the peak of memory.
const joinFloats = 1 << 24

// Reset takes back everything lent since the last Reset. If the step needed several small
// slabs they are joined into one, so that steps of other shapes waste nothing between them.
func (a *Arena) Reset() {
	total := 0
	for _, s := range a.slabs {
		total += len(s)
	}
	if len(a.slabs) > 1 && total <= joinFloats {
		a.slabs = [][]Float{make([]Float, total)}
	}
	a.slab, a.used = 0, 0
}
