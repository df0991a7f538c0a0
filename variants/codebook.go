package variants

import (
	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A codebook are the codes of VQ with their moving means.
type codebook struct {
	VQ
	codes, n *nn.Param // (k, D), (k)

	number, sum []float64 // of the batch of the last training pass: how many m have a code, and their sum
	fresh       []example // codes that begin anew, with the m that they become
}

// An example of a batch is what a code becomes.
type example struct {
	code int
	m    []Float
}

// round writes the nearest code of each m, the first of equally near ones. In training it remembers what move needs.
func (b *codebook) round(p *nn.Pass, m, z *grad.Value) {
	scores := p.Tape.Const(m.Matrix).MatMulT(p.Tape.Const(b.codes.Matrix)) // m·c
	squares := p.Tape.Zeros(1, b.K).Data
	for a := range b.K {
		for _, c := range b.codes.Row(a) {
			squares[a] += c * c
		}
	}
	if p.Train {
		clear(b.number)
		clear(b.sum)
	}
	for i := range m.Rows {
		nearest, least := 0, Float(0)
		for a, s := range scores.Row(i) {
			if d := squares[a] - 2*s; a == 0 || d < least { // |m - c|² - |m|²
				nearest, least = a, d
			}
		}
		copy(z.Row(i), b.codes.Row(nearest))
		if p.Train {
			b.number[nearest]++
			for j, x := range m.Row(i) {
				b.sum[nearest*m.Cols+j] += float64(x)
			}
		}
	}
	if p.Train {
		b.choose(p, m)
	}
}

// choose draws an example for each code that begins anew.
func (b *codebook) choose(p *nn.Pass, m *grad.Value) {
	b.fresh = b.fresh[:0]
	for a, n := range b.n.Data {
		if float64(n) < b.Restart && p.Noise != nil {
			b.fresh = append(b.fresh, example{a, m.Row(p.Noise.IntN(m.Rows))})
		}
	}
}

// move is the update of the means with the batch of the last training pass.
func (b *codebook) move() {
	D := b.codes.Cols
	for a := range b.K {
		past, now := b.Decay*float64(b.n.Data[a]), (1-b.Decay)*b.number[a]
		b.n.Data[a] = Float(past + now)
		if now == 0 {
			continue
		}
		for j, c := range b.codes.Row(a) {
			b.codes.Row(a)[j] = Float((past*float64(c) + (1-b.Decay)*b.sum[a*D+j]) / (past + now))
		}
	}
	for _, f := range b.fresh {
		copy(b.codes.Row(f.code), f.m)
		b.n.Data[f.code] = 1
	}
}
