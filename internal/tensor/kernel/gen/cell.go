package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// cells are one example's step through an LSTM and its step back; see package grad.
func cells(e gates) {
	// rows are where four rows of h numbers stand, i f g o, and the two pointers that reach them.
	rows := func(name string, row reg.GPVirtual) (at [4]Mem, pointers []reg.GPVirtual) {
		first, third := pointer(name), GP64()
		LEAQ(Mem{Base: first, Index: row, Scale: 2}, third)
		at = [4]Mem{{Base: first}, {Base: first, Index: row, Scale: 1}, {Base: third}, {Base: third, Index: row, Scale: 1}}
		return at, []reg.GPVirtual{first, third}
	}
	// sizes are the number of units and the bytes of a row.
	sizes := func() (n, row reg.GPVirtual) {
		n, row = pointer("n"), GP64()
		MOVQ(n, row)
		SHLQ(Imm(2), row)
		return n, row
	}

	function("cell", "func(gates, fixed, cPrev, c, h *float32, n int)", func(w width) {
		n, row := sizes()
		gates, ofGates := rows("gates", row)
		fixed, ofFixed := rows("fixed", row)
		cPrev, c, h := pointer("cPrev"), pointer("c"), pointer("h")
		w.loop(n, func(k chunk) {
			// gate computes gate i of the four.
			gate := func(i int, f func(w width, x, y reg.VecVirtual)) reg.VecVirtual {
				x, y := k.load(gates[i]), w.vector()
				VADDPS(k.read(fixed[i]), x, x)
				f(w, x, y)
				k.store(y, gates[i])
				return y
			}
			new := gate(0, e.sigmoid)
			VMULPS(gate(2, e.tanh), new, new) // i g
			old := gate(1, e.sigmoid)
			VMULPS(k.read(Mem{Base: cPrev}), old, old) // f c', rounded before it is added
			VADDPS(new, old, old)
			k.store(old, Mem{Base: c})
			VMOVUPS(old, new)
			t := w.vector()
			e.tanh(w, new, t)
			VMULPS(gate(3, e.sigmoid), t, t)
			k.store(t, Mem{Base: h})
		}, append(append(ofGates, ofFixed...), cPrev, c, h)...)
	}, "cell takes an LSTM cell of n units one step on. It adds fixed to the pre-activations gates, rows i f g o of n",
		"numbers each, and turns them into the gates. With them it sets c and h.")

	function("backCell", "func(dOut, dh, dc, gates, cPrev, c, dPre *float32, n int)", func(w width) {
		n, row := sizes()
		gates, ofGates := rows("gates", row)
		dPre, ofPre := rows("dPre", row)
		dOut, dh, dc, cPrev, cell := pointer("dOut"), pointer("dh"), pointer("dc"), pointer("cPrev"), pointer("c")
		w.loop(n, func(c chunk) {
			t := w.vector()
			e.tanh(w, c.load(Mem{Base: cell}), t)
			i, f, g, o := c.load(gates[0]), c.load(gates[1]), c.load(gates[2]), c.load(gates[3])
			dC, u, k := w.vector(), w.vector(), w.vector()
			VMOVUPS(e.one, k)
			dH := c.load(Mem{Base: dOut})
			VADDPS(c.read(Mem{Base: dh}), dH, dH)
			VMULPS(dH, o, dC)      // dH o
			VMULPS(t, dC, u)       // dH o t
			VFNMADD231PS(t, u, dC) // dH o (1 - t²)
			VADDPS(c.read(Mem{Base: dc}), dC, dC)
			VMULPS(t, dH, u) // do = dH t o (1-o)
			VMULPS(o, u, u)
			VSUBPS(o, k, t)
			VMULPS(t, u, u)
			c.store(u, dPre[3])
			VMULPS(f, dC, u) // dc = dC f
			c.store(u, Mem{Base: dc})
			VMULPS(c.read(Mem{Base: cPrev}), u, u) // df = dC c f (1-f)
			VSUBPS(f, k, t)
			VMULPS(t, u, u)
			c.store(u, dPre[1])
			VMULPS(i, dC, dC) // dC i
			VMULPS(g, dC, u)  // di = dC i g (1-i)
			VSUBPS(i, k, t)
			VMULPS(t, u, t)
			c.store(t, dPre[0])
			VFNMADD231PS(g, u, dC) // dg = dC i (1 - g²)
			c.store(dC, dPre[2])
		}, append(append(ofGates, ofPre...), dOut, dh, dc, cPrev, cell)...)
	}, "backCell takes an LSTM cell of n units one step back: gates and dPre have rows i f g o of n numbers each.")
}
