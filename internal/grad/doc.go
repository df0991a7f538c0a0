// Package grad is reverse-mode differentiation of matrix formulas: a tape of coarse
// operations, each with its derivative written beside it.
//
// A formula is written with methods on values and recorded as it is computed:
//
//	var tape grad.Tape
//	w := tape.Leaf(weight, weightGrad)      // learnable: its gradient is added to weightGrad
//	y := tape.Const(x).MatMulT(w).Tanh()    // x·wᵀ, then tanh
//	y.Mean().Backward()                     // fills weightGrad
//	tape.Reset()                            // all values above are gone
//
// Values are matrices, usually one row per example. There is no broadcasting beyond
// AddRow and MulRow, and no operation smaller than a matrix. What costs time (an LSTM
// over a whole sequence, the output layer with its cross-entropy) is one operation.
//
// Shape mistakes are the caller's bugs and panic with the operation and both shapes.
// A tape belongs to one goroutine.
package grad
