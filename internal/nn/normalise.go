package nn

import (
	"vaelab/internal/grad"
	"vaelab/internal/tensor"
)

// BatchNorm standardises each of C columns: over the batch in training, by running
// statistics otherwise. It has no gamma and no beta; a variant that has them owns them.
//
// As in PyTorch the batch is normalised by the biased variance, while the running
// variance averages the unbiased one:
//
//	running = (1 - momentum) running + momentum batch
//
// Source: Ioffe & Szegedy 2015 (arXiv 1502.03167); momentum as torch.nn.BatchNorm1d
// (Keras counts it the other way round: its 0.99 is 0.01 here).
type BatchNorm struct {
	Eps, Momentum Float
	Mean, Var     *Param // running statistics, (C)
	Batches       *Param // batches seen
}

// NewBatchNorm makes `name`.running_mean, running_var and num_batches_tracked.
func NewBatchNorm(ps *Params, name string, C int, eps, momentum float64) *BatchNorm {
	return &BatchNorm{
		Eps: Float(eps), Momentum: Float(momentum),
		Mean:    ps.Buffer(name+".running_mean", Constant(0), C),
		Var:     ps.Variance(name+".running_var", C),
		Batches: ps.Counter(name + ".num_batches_tracked"),
	}
}

// Apply standardises x, shape (B, C). The statistics of a batch of one are the caller's mistake
// (its variance is nothing) and panic.
func (n *BatchNorm) Apply(p *Pass, x *grad.Value) *grad.Value {
	if !p.Train && !p.BatchStats {
		shift, scale := p.Tape.Zeros(1, x.Cols), p.Tape.Zeros(1, x.Cols)
		for j := range scale.Data {
			shift.Data[j] = -n.Mean.Data[j]
			scale.Data[j] = 1 / tensor.Sqrt(n.Var.Data[j]+n.Eps)
		}
		return x.AddRow(shift).MulRow(scale)
	}
	if x.Rows < 2 {
		panic("nn: BatchNorm: a batch of one has no variance")
	}
	y, mean, variance := x.BatchNorm(n.Eps)
	if !p.Train {
		return y
	}
	unbiased := Float(x.Rows) / Float(x.Rows-1)
	for j := range mean {
		n.Mean.Data[j] += n.Momentum * (mean[j] - n.Mean.Data[j])
		n.Var.Data[j] += n.Momentum * (variance[j]*unbiased - n.Var.Data[j])
	}
	n.Batches.Data[0]++
	return y
}

// BatchSD has the standard deviation of each of C columns: that of the batch in training, otherwise a running one. The
// running variance averages unbiased ones, as that of BatchNorm.
type BatchSD struct {
	Eps, Momentum Float
	Var           *Param // running variance, (C)
}

// NewBatchSD makes `name`.running_var.
func NewBatchSD(ps *Params, name string, C int, eps, momentum float64) *BatchSD {
	return &BatchSD{Float(eps), Float(momentum), ps.Variance(name+".running_var", C)}
}

// Inverse is 1/sqrt(var_B x + eps), (1, C), with the biased variance of x, (B, C). Like BatchNorm it panics for a batch of
// one.
func (n *BatchSD) Inverse(p *Pass, x *grad.Value) *grad.Value {
	if !p.Train && !p.BatchStats {
		scale := p.Tape.Zeros(1, x.Cols)
		for j := range scale.Data {
			scale.Data[j] = 1 / tensor.Sqrt(n.Var.Data[j]+n.Eps)
		}
		return scale
	}
	if x.Rows < 2 {
		panic("nn: BatchSD: a batch of one has no variance")
	}
	variance := x.AddRow(x.ColMeans().Neg()).Square().ColMeans()
	if p.Train {
		unbiased := Float(x.Rows) / Float(x.Rows-1)
		for j, v := range variance.Data {
			n.Var.Data[j] += n.Momentum * (v*unbiased - n.Var.Data[j])
		}
	}
	return variance.Shift(n.Eps).Log().Scale(-0.5).Exp()
}

// BatchRMS divides each of C columns by its root mean square: over the batch in training,
// by a running mean square otherwise.
type BatchRMS struct {
	Eps, Momentum Float
	MeanSquare    *Param // running mean square, (C)
}

// NewBatchRMS makes `name`.running_ms.
func NewBatchRMS(ps *Params, name string, C int, eps, momentum float64) *BatchRMS {
	return &BatchRMS{Float(eps), Float(momentum), ps.Variance(name+".running_ms", C)}
}

// Apply divides the columns of x, shape (B, C).
func (n *BatchRMS) Apply(p *Pass, x *grad.Value) *grad.Value {
	if !p.Train && !p.BatchStats {
		scale := p.Tape.Zeros(1, x.Cols)
		for j := range scale.Data {
			scale.Data[j] = 1 / tensor.Sqrt(n.MeanSquare.Data[j]+n.Eps)
		}
		return x.MulRow(scale)
	}
	y, ms := x.BatchRMS(n.Eps)
	if !p.Train {
		return y
	}
	for j := range ms {
		n.MeanSquare.Data[j] += n.Momentum * (ms[j] - n.MeanSquare.Data[j])
	}
	return y
}
