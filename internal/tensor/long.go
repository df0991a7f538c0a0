package tensor

import "sync"

// splitFloats is the length of slice from which a second processor pays.
const splitFloats = 1 << 15

// Clear sets x to zeros.
func Clear(x []Float) {
	if len(x) < 2*splitFloats {
		clear(x)
		return
	}
	w := clearings.Get().(*clearing)
	w.x = x
	Split(w, len(x), splitFloats)
	clearings.Put(w)
}

// clearing is a long Clear that can be done in parts.
type clearing struct{ x []Float }

var clearings = sync.Pool{New: func() any { return new(clearing) }}

// Part clears elements from ... to-1.
func (w *clearing) Part(from, to int) { clear(w.x[from:to]) }

// SumSquares is the sum of x_i² in float64, block by block, so that it is the same on any
// number of processors.
func SumSquares(x []Float) float64 {
	if len(x) <= splitFloats {
		return squaresHere(x)
	}
	w := squarings.Get().(*squaring)
	blocks := (len(x) + splitFloats - 1) / splitFloats
	if cap(w.sums) < blocks {
		w.sums = make([]float64, blocks)
	}
	w.x, w.sums = x, w.sums[:blocks]
	Split(w, blocks, 1)
	total := 0.0
	for _, s := range w.sums {
		total += s
	}
	squarings.Put(w)
	return total
}

// squaring is a long SumSquares that can be done in parts.
type squaring struct {
	x    []Float
	sums []float64 // of the blocks
}

var squarings = sync.Pool{New: func() any { return new(squaring) }}

// Part sums blocks from ... to-1.
func (w *squaring) Part(from, to int) {
	for b := from; b < to; b++ {
		w.sums[b] = squaresHere(w.x[b*splitFloats : min(len(w.x), (b+1)*splitFloats)])
	}
}
