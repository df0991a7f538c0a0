package variants

import (
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// A queue has the last rows that were put in, at most so many, in buffers.
type queue struct {
	rows *nn.Param // (n, D)
	at   *nn.Param // where the next row goes; how many there are
}

// newQueue makes `name`.rows and `name`.at.
func newQueue(b vae.Builder, name string, n int) queue {
	return queue{b.Params.Buffer(name+".rows", nn.Constant(0), n, b.D), b.Params.Buffer(name+".at", nn.Constant(0), 2)}
}

// filled are the rows that there are, in no order.
func (q queue) filled() tensor.Matrix { return q.rows.RowRange(0, int(q.at.Data[1])) }

// put adds rows; each takes the place of the oldest once the queue is full.
func (q queue) put(rows tensor.Matrix) {
	for i := range rows.Rows {
		next := int(q.at.Data[0])
		copy(q.rows.Row(next), rows.Row(i))
		q.at.Data[0] = Float((next + 1) % q.rows.Rows)
		q.at.Data[1] = min(q.at.Data[1]+1, Float(q.rows.Rows))
	}
}
