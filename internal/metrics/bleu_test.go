package metrics

import (
	"math"
	"testing"
)

// sentence is words between <s> and </s>.
func sentence(words ...int32) []int32 { return append(append([]int32{1}, words...), 2) }

// TestBLEU against counts by hand.
func TestBLEU(t *testing.T) {
	for name, c := range map[string]struct {
		written, references [][]int32
		want                float64
	}{
		"equal":        {[][]int32{sentence(4, 5, 6, 7, 8)}, [][]int32{sentence(4, 5, 6, 7, 8)}, 100},
		"nothing":      {[][]int32{sentence(4, 5)}, [][]int32{sentence(6, 7)}, 0},
		"empty":        {[][]int32{sentence()}, [][]int32{sentence(6, 7)}, 0},
		"both corpora": {[][]int32{sentence(4, 5), sentence(6)}, [][]int32{sentence(4, 5), sentence(6)}, 100},
		// 7 words, 2 of them 4s: clipped to 1. 1-grams 2/4, 2-grams (1+1)/(3+1), 3-grams (0+1)/(2+1), 4-grams (0+1)/(1+1); c = r.
		"clipped": {[][]int32{sentence(4, 4, 5, 9)}, [][]int32{sentence(4, 5, 6, 7)}, 100 * math.Pow(2./4*2/4*1/3*1/2, 0.25)},
		// c = 2, r = 4: 1-grams 2/2, 2-grams (1+1)/(1+1), 3 and 4: (0+1)/(0+1).
		"short": {[][]int32{sentence(4, 5)}, [][]int32{sentence(4, 5, 6, 7)}, 100 * math.Exp(1-4./2)},
		// Counts add up over the corpus before they are divided: 1-grams 3/5, 2-grams (1+1)/(3+1), 3-grams (0+1)/(1+1), 4-grams 1.
		"pooled": {[][]int32{sentence(4, 5), sentence(6, 9, 9)}, [][]int32{sentence(4, 5), sentence(6, 7, 8)}, 100 * math.Pow(3./5*2/4*1/2, 0.25)},
	} {
		if got := BLEU(c.written, c.references); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
