package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// adam is one pass over a parameter and its two running means: 16 bytes in and 12 out for
// each weight, so that memory limits it.
func adam() {
	function("adam", "func(w, grad, m, v *float32, n int, beta1, rest1, beta2, rest2, rate, root, eps float32)", func(w width) {
		weights, g, m, v, n := pointer("w"), pointer("grad"), pointer("m"), pointer("v"), pointer("n")
		beta1, rest1, beta2, rest2 := w.broadcast("beta1"), w.broadcast("rest1"), w.broadcast("beta2"), w.broadcast("rest2")
		rate, root, eps := w.broadcast("rate"), w.broadcast("root"), w.broadcast("eps")
		leave := flushing()
		w.loop(n, func(c chunk) {
			x, y, t := w.vector(), w.vector(), w.vector()
			grad := c.load(Mem{Base: g})
			VMULPS(c.read(Mem{Base: m}), beta1, x)
			VFMADD231PS(grad, rest1, x)
			c.store(x, Mem{Base: m})
			VMULPS(c.read(Mem{Base: v}), beta2, y)
			VMULPS(grad, grad, t)
			VFMADD231PS(t, rest2, y)
			c.store(y, Mem{Base: v})
			VSQRTPS(y, y)
			VMULPS(root, y, y)
			VADDPS(eps, y, y)
			VMULPS(rate, x, x)
			VDIVPS(y, x, x)
			t = c.load(Mem{Base: weights})
			VSUBPS(x, t, t)
			c.store(t, Mem{Base: weights})
		}, weights, g, m, v)
		leave()
	}, "adam makes one step of Adam on n weights: m = beta1 m + rest1 grad,",
		"v = beta2 v + rest2 grad², w -= rate m / (root sqrt(v) + eps). Denormals count as zero: the m of a word that has",
		"not occurred for some 700 steps would stay one, since 0.9 of the least denormal rounds to it.")
}
