package grad

import "vaelab/internal/tensor"

// BatchNorm standardises every column of x, shape (B, C), over the batch:
//
//	y = (x - mean) / sqrt(var + eps)
//
// with the biased variance. It returns mean and var, (C) each, for running statistics;
// they live as long as the tape's values. With a batch of one every y is 0.
//
// Source: Ioffe & Szegedy 2015, "Batch normalization", algorithm 1 (arXiv 1502.03167).
func (v *Value) BatchNorm(eps Float) (y *Value, mean, variance []Float) {
	C := v.Cols
	out := v.tape.op(v.Rows, C, backBatchNorm, v)
	stats := v.tape.arena.Raw(3 * C)
	mean, variance, inv := stats[:C], stats[C:2*C], stats[2*C:]
	for j := range C {
		mean[j], variance[j], inv[j] = standardiseColumn(v.Data[j:], out.Data[j:], v.Rows, C, eps)
	}
	out.save[0] = inv
	return out, mean, variance
}

func backBatchNorm(v *Value) {
	C := v.Cols
	for j := range C {
		backStandardiseColumn(v.Grad[j:], v.Data[j:], v.in[0].Grad[j:], v.Rows, C, v.save[0][j])
	}
}

// LayerNorm standardises every row of x, shape (B, C), over its columns, with the biased
// variance: y = (x - mean) / sqrt(var + eps).
//
// Source: Ba, Kiros & Hinton 2016, "Layer normalization" (arXiv 1607.06450).
func (v *Value) LayerNorm(eps Float) *Value {
	C := v.Cols
	out := v.tape.op(v.Rows, C, backLayerNorm, v)
	inv := v.tape.arena.Raw(v.Rows)
	for i := range v.Rows {
		inv[i] = standardiseRow(v.Data[i*C:][:C], out.Data[i*C:][:C], eps)
	}
	out.save[0] = inv
	return out
}

func backLayerNorm(v *Value) {
	C := v.Cols
	for i := range v.Rows {
		backStandardiseRow(v.Grad[i*C:][:C], v.Data[i*C:][:C], v.in[0].Grad[i*C:][:C], v.save[0][i])
	}
}

// standardiseColumn handles n numbers, `stride` apart.
func standardiseColumn(x, y []Float, n, stride int, eps Float) (mean, variance, inv Float) {
	for i := range n {
		mean += x[i*stride]
	}
	mean /= Float(n)
	for i := range n {
		d := x[i*stride] - mean
		variance += d * d
	}
	variance /= Float(n)
	inv = 1 / tensor.Sqrt(variance+eps)
	for i := range n {
		y[i*stride] = (x[i*stride] - mean) * inv
	}
	return mean, variance, inv
}

// backStandardiseColumn: dx = inv (dy - mean(dy) - y mean(dy y)).
func backStandardiseColumn(dy, y, dx []Float, n, stride int, inv Float) {
	var mean, meanY Float
	for i := range n {
		mean += dy[i*stride]
		meanY += dy[i*stride] * y[i*stride]
	}
	mean /= Float(n)
	meanY /= Float(n)
	for i := range n {
		dx[i*stride] += inv * (dy[i*stride] - mean - y[i*stride]*meanY)
	}
}

// standardiseRow is standardiseColumn of neighbours.
func standardiseRow(x, y []Float, eps Float) (inv Float) {
	n := Float(len(x))
	mean := tensor.Total(x) / n
	for i, v := range x {
		y[i] = v - mean
	}
	inv = 1 / tensor.Sqrt(tensor.Dot(y, y)/n+eps)
	tensor.Scale(inv, y)
	return inv
}

// backStandardiseRow is backStandardiseColumn of neighbours.
func backStandardiseRow(dy, y, dx []Float, inv Float) {
	n := Float(len(dy))
	mean, meanY := tensor.Total(dy)/n, tensor.Dot(dy, y)/n
	tensor.BackStandardise(dy, y, dx, inv, mean, meanY)
}

// BatchRMS divides every column of x, shape (B, C), by its root mean square over the
// batch: y = x / sqrt(mean(x²) + eps). It returns the mean squares, (C).
func (v *Value) BatchRMS(eps Float) (y *Value, meanSquare []Float) {
	C := v.Cols
	out := v.tape.op(v.Rows, C, backBatchRMS, v)
	stats := v.tape.arena.Raw(2 * C)
	meanSquare, inv := stats[:C], stats[C:]
	for j := range C {
		var s Float
		for i := range v.Rows {
			x := v.Data[i*C+j]
			s += x * x
		}
		meanSquare[j] = s / Float(v.Rows)
		inv[j] = 1 / tensor.Sqrt(meanSquare[j]+eps)
		for i := range v.Rows {
			out.Data[i*C+j] = v.Data[i*C+j] * inv[j]
		}
	}
	out.save[0] = inv
	return out, meanSquare
}

// dx = inv (dy - y mean(dy y))
func backBatchRMS(v *Value) {
	C := v.Cols
	dx := v.in[0].Grad
	for j := range C {
		var m Float
		for i := range v.Rows {
			m += v.Grad[i*C+j] * v.Data[i*C+j]
		}
		m /= Float(v.Rows)
		for i := range v.Rows {
			dx[i*C+j] += v.save[0][j] * (v.Grad[i*C+j] - v.Data[i*C+j]*m)
		}
	}
}
