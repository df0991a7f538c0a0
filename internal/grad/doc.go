// Package grad is reverse-mode differentiation of matrix formulas: a tape of coarse
// operations, each with its derivative in the same file.
//
// Methods on values compute a formula and record it:
//
//	var tape grad.Tape
//	w := tape.Leaf(weight, weightGrad)      // learnable: its gradient is added to weightGrad
//	y := tape.Const(x).MatMulT(w).Tanh()    // x·wᵀ, then tanh
//	y.Mean().Backward()                     // fills weightGrad
//	tape.Reset()                            // all values above are gone
//
// Values are matrices, usually one row per example. There is no broadcasting beyond
// AddRow and MulRow, and no operation smaller than a matrix. The expensive parts (an LSTM
// over a whole sequence, the output layer with its cross-entropy) are one operation each.
//
// Wrong shapes are bugs of the caller and panic with the operation and both shapes.
// A tape belongs to one goroutine.
package grad
