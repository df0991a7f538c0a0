//go:build !amd64 || f64

package kernel

// Available is false without kernels: no other function of the package may be called then.
const Available = false

// Supported is false without kernels.
const Supported = false

// Supported512 is false without kernels.
const Supported512 = false

// SupportedBF16 is false without kernels.
const SupportedBF16 = false

// HasAMX is false without kernels.
const HasAMX = false

// Name is the name of the instruction set.
func Name() string { return "none" }

// NativeBF16 is false without kernels.
func NativeBF16() bool { return false }

const missing = "kernel: not available on this processor or in this build"

// PairRows, PairAlong, PanelSize, Pack, GemmPanel, Gemm, Lies, Direct, Ceiling, ExpSum, Weights, Sigmoid, Tanh, GELU, BackGELU, ELU, BackELU, SumRows, SumProducts, Mul, MulAdd, BackStandardise, Softmax, BackSoftmax, Transpose, Dot, Sum, Max, Scale, Axpy, SumSquares, Adam, Cell, BackCell, DoublePanelSize, DoublePack, DoubleProduct, FromDoubles, DoubleTanh and DoubleCell
// exist on amd64 only.

func PairRows(dst, first, second []float32)                   { panic(missing) }
func PairAlong(dst, src []float32)                            { panic(missing) }
func PanelSize(k, n int) int                                  { panic(missing) }
func Pack(panel, b []float32, from, to, k, n, bRow, bCol int) { panic(missing) }
func GemmPanel(do Products, m, from, to, n, k int, a []float32, aRow, aCol int, panel, onto []float32, ldo int, c []float32, ldc int) {
	panic(missing)
}
func Gemm(do Products, m, n, k int, a []float32, aRow, aCol int, b []float32, bRow, bCol int, onto []float32, ldo int, c []float32, ldc int) {
	panic(missing)
}
func Lies(m, n, bRow, bCol int) bool { panic(missing) }
func Direct(m int, extent func(first, end int) (cols, from, to int), a []float32, aRow, aCol int, b []float32, ldb int, onto []float32, ldo int, c []float32, ldc int) {
	panic(missing)
}
func Ceiling(n int) (flops float64)                                        { panic(missing) }
func ExpSum(x []float32, shift float32) float32                            { panic(missing) }
func Weights(x, sums []float32)                                            { panic(missing) }
func Sigmoid(x []float32)                                                  { panic(missing) }
func Tanh(x, y []float32)                                                  { panic(missing) }
func GELU(x, y []float32)                                                  { panic(missing) }
func BackGELU(x, dy, dx []float32)                                         { panic(missing) }
func ELU(x, y []float32)                                                   { panic(missing) }
func BackELU(y, dy, dx []float32)                                          { panic(missing) }
func SumRows(x []float32, rows, stride int, y []float32)                   { panic(missing) }
func SumProducts(a, b []float32, rows, stride int, y []float32)            { panic(missing) }
func Mul(x, y []float32)                                                   { panic(missing) }
func MulAdd(x, a, b, y []float32)                                          { panic(missing) }
func BackStandardise(dy, y, dx []float32, inv, mean, meanY float32)        { panic(missing) }
func Softmax(x []float32, rows, ld, width, count, grow int, scale float32) { panic(missing) }
func BackSoftmax(p []float32, ldp int, d []float32, ldd, rows, width, count, grow int, scale float32) {
	panic(missing)
}
func Transpose(x []float32, rows, cols, ldx int, y []float32, ldy int)               { panic(missing) }
func Dot(x, y []float32) float32                                                     { panic(missing) }
func Sum(x []float32) float32                                                        { panic(missing) }
func Max(x []float32) float32                                                        { panic(missing) }
func Scale(k float32, x []float32)                                                   { panic(missing) }
func Axpy(k float32, x, y []float32)                                                 { panic(missing) }
func SumSquares(x []float32) float64                                                 { panic(missing) }
func Adam(w, g, m, v []float32, beta1, rest1, beta2, rest2, rate, root, eps float32) { panic(missing) }
func Cell(gates, fixed, cPrev, c, h []float32)                                       { panic(missing) }
func BackCell(dOut, dh, dc, gates, cPrev, c, dPre []float32)                         { panic(missing) }
func DoublePanelSize(k, n int) int                                                   { panic(missing) }
func DoublePack(panel, b []float64, k, n int)                                        { panic(missing) }
func DoubleProduct(m, n, k int, a, panel, onto, c []float64)                         { panic(missing) }
func FromDoubles(x []float64, y []float32) (done int)                                { panic(missing) }
func DoubleTanh(x []float64)                                                         { panic(missing) }
func DoubleCell(gates, x, c, h []float64)                                            { panic(missing) }
