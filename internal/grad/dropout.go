package grad

import "vaelab/internal/tensor"

// Dropout sets each element to 0 with probability rate and multiplies the rest by
// 1/(1-rate). Whether an element is dropped depends only on key and its position, so the
// backward pass computes the mask again and none is stored.
//
// Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from
// overfitting".
func (v *Value) Dropout(key uint64, rate Float) *Value {
	out := v.tape.op(v.Rows, v.Cols, backDropout, v)
	out.key, out.k = key, rate
	clear(out.Data)
	applyDropout(key, rate, v.Data, out.Data)
	return out
}

func backDropout(v *Value) { applyDropout(v.key, v.k, v.Grad, v.in[0].Grad) }

// dropout adds what is kept of x to y.
type dropout struct {
	key  uint64
	rate Float
	x, y []Float
}

func applyDropout(key uint64, rate Float, x, y []Float) {
	align := 1 << 13 // from twice this length on a second processor is faster
	tensor.Run(dropout{key, rate, x, y}, len(x), align)
}

// Part computes elements first ... last-1; first is even. Two elements share 64 random bits.
func (w *dropout) Part(first, last int) {
	scale := [2]Float{0, 1 / (1 - w.rate)}
	limit := uint64(float64(w.rate) * (1 << 32)) // dropped below
	x, y := w.x[first:last], w.y[first:last]
	for i := range len(x) / 2 {
		bits := mix(w.key + uint64(first/2+i)*0x9e3779b97f4a7c15)
		low, high := bits&(1<<32-1), bits>>32
		y[2*i] += x[2*i] * scale[1-(low-limit)>>63]
		y[2*i+1] += x[2*i+1] * scale[1-(high-limit)>>63]
	}
	if n := len(x); n%2 != 0 {
		bits := mix(w.key + uint64((first+n)/2)*0x9e3779b97f4a7c15)
		y[n-1] += x[n-1] * scale[1-(bits&(1<<32-1)-limit)>>63]
	}
}

// mix makes random bits of a counter.
//
// Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", the
// mixing function of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
