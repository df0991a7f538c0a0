package grad

import (
	"math"
	"testing"

	"vaelab/internal/tensor"
)

func init() {
	words := []int32{0, 3, 1, 3, 3, 2, 0, 3, 1}
	formulas = append(formulas,
		formula{"MeanSteps", [][2]int{{9, 2}}, func(in []*Value) *Value { return in[0].MeanSteps(packed) }, 0},
		formula{"MaxSteps", [][2]int{{9, 2}}, func(in []*Value) *Value { return in[0].MaxSteps(packed) }, 0},
		formula{"Spread", [][2]int{{3, 2}}, func(in []*Value) *Value { return in[0].Spread(packed) }, 0},
		formula{"Beside", [][2]int{{3, 2}, {3, 4}}, func(in []*Value) *Value { return in[0].Beside(in[1]) }, 0},
		formula{"BagOfWords", [][2]int{{3, 4}}, func(in []*Value) *Value { return in[0].BagOfWords(packed, words) }, 0},
	)
}

// TestPoolsOfAnExample writes out what each pool is of three examples of 4, 3 and 2 rows.
func TestPoolsOfAnExample(t *testing.T) {
	var tape Tape
	x := tape.Const(tensor.Matrix{Rows: 9, Cols: 1, Data: []Float{-1, 2, 3, -5, 7, 5, -6, 0, -4}})
	for name, c := range map[string]struct {
		got  *Value
		want []Float
	}{
		"MeanSteps": {x.MeanSteps(packed), []Float{(-1 - 5 - 6 - 4) / 4., (2 + 7 + 0) / 3., (3 + 5) / 2.}},
		"MaxSteps":  {x.MaxSteps(packed), []Float{-1, 7, 5}},
		"Spread":    {x.MaxSteps(packed).Spread(packed), []Float{-1, 7, 5, -1, 7, 5, -1, 7, -1}},
		"Beside":    {x.Gather([]int{0, 1}).Beside(x.Gather([]int{2, 3})), []Float{-1, 3, 2, -5}},
	} {
		if len(c.got.Data) != len(c.want) {
			t.Fatalf("%s: %v, want %v", name, c.got.Data, c.want)
		}
		for i, w := range c.want {
			if math.Abs(float64(c.got.Data[i]-w)) > 1e-6 {
				t.Errorf("%s: %v, want %v", name, c.got.Data, c.want)
			}
		}
	}
}

// TestBagOfWordsIsACrossEntropy: the sum over an example's words of the cross-entropy of the
// same logits.
func TestBagOfWordsIsACrossEntropy(t *testing.T) {
	var tape Tape
	h := tape.Const(tensor.Matrix{Rows: 3, Cols: 2, Data: []Float{1, -2, 0.5, 3, -1, -1}})
	w := tape.Const(tensor.Matrix{Rows: 3, Cols: 2, Data: []Float{0, 1, 2, -1, -0.5, 1}})
	words := []int32{0, 2, 1, 2, 2, 2, 0, 1, 1}
	want := h.Spread(packed).CrossEntropy(w, words).SumSteps(packed)
	got := h.MatMulT(w).BagOfWords(packed, words)
	for b := range want.Data {
		if math.Abs(float64(got.Data[b]-want.Data[b])) > 1e-5 {
			t.Errorf("example %d: %v, want %v", b, got.Data[b], want.Data[b])
		}
	}
}
