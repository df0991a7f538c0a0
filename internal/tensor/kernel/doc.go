// Package kernel has the hot loops in assembly, for float32 on amd64: GEMM, exponential,
// sigmoid and tanh, an LSTM cell and its backward pass, Adam, and a few elementwise passes.
// All use AVX2. GEMM and the elementwise loops also use AVX-512, which gives the same bits. GEMM
// has tiles for pairs of bfloat16, too, with and without AVX512_BF16, which give the same bits. Each
// has a version in plain Go in package tensor, which is its oracle. Products of float32, Adam and Scale take denormals
// as zero; their plain versions do not.
//
// The module in gen generates the .s file (make generate); CI checks that it is up to date. On
// other processors, in float64, or with VAELAB_KERNEL=generic, Available is false.
package kernel

// WeightsChunk is how many numbers a sum of Weights has.
const WeightsChunk = 64
