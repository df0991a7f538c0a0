package grad

import (
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/tensor"
)

// lstmRun is the output and all gradients of an LSTM of 64 examples that end at three steps.
func lstmRun(tape *Tape) (bits [][]Float) {
	const B, I, D, H = 64, 8, 4, 96
	steps := Steps{Active: []int{B, B, 41, 7}, Offset: []int{0, B, 2 * B, 2*B + 41, 2*B + 48}}
	rng := rand.New(rand.NewPCG(5, 6))
	var in []*Value
	for _, shape := range [][2]int{{steps.Rows(), I}, {B, D}, {4 * H, I + D}, {4 * H, H}, {1, 4 * H}, {1, 4 * H}, {B, H}, {B, H}} {
		bits = append(bits, make([]Float, shape[0]*shape[1]))
		in = append(in, tape.Leaf(random(rng, shape[0], shape[1]), bits[len(bits)-1]))
	}
	out := LSTM(steps, in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7])
	bits = append(bits, slices.Clone(out.Data))
	out.Square().Sum().Backward()
	tape.Reset()
	return bits
}

// TestLSTMStepwise: some examples through all steps, or all examples step by step, on one processor or on three: the
// same bits.
func TestLSTMStepwise(t *testing.T) {
	defer func(n int) { stepwiseWeights = n }(stepwiseWeights)
	defer tensor.SetProcs(1)
	var tape Tape
	want := lstmRun(&tape)
	for _, procs := range []int{1, 3} {
		for _, stepwiseWeights = range []int{0, 1 << 30} {
			tensor.SetProcs(procs)
			for i, got := range lstmRun(&tape) {
				if !slices.Equal(got, want[i]) {
					t.Errorf("%d processors, step by step from %d weights: the gradient of input %d, or the output, differs", procs, stepwiseWeights, i)
				}
			}
		}
	}
}

func TestLSTMStepwiseAllocatesNothing(t *testing.T) {
	defer func(n int) { stepwiseWeights = n }(stepwiseWeights)
	stepwiseWeights = 0
	TestStepAllocatesNothing(t)
}
