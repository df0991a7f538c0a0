package data

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.12g, want %.12g within %g", what, got, want, tolerance)
	}
}

// tiny is the corpus "a b", "a a", with a = 4 and b = 5, over 6 symbols.
//
//	counts   a 3, b 1, </s> 2, total 6; four symbols can follow (</s>, <unk>, a, b)
//	pairs    <s>a 2, ab 1, b</s> 1, aa 1, a</s> 1, so n1 = 4, n2 = 1, D = 4/6
var tiny = Split{Seqs: [][]int32{{Start, 4, 5, End}, {Start, 4, 4, End}}}

func TestNgramByHand(t *testing.T) {
	test := Split{Seqs: [][]int32{{Start, 4, End}, {Start, 5, 3, End}}}

	p := func(w int32) float64 { return map[int32]float64{End: 3. / 10, Unk: 1. / 10, 4: 4. / 10, 5: 2. / 10}[w] }
	uni := -math.Log(p(4)*p(End)*p(5)*p(Unk)*p(End)) / 2
	near(t, "Unigram", Unigram(tiny, test, 6), uni, 1e-12)

	D := 2. / 3
	bi := (2-D)/2 + D*1/2*p(4) // p(a|<s>), one word seen after <s>
	bi *= (1-D)/3 + D*3/3*p(End)
	bi *= D * 1 / 2 * p(5)   // p(b|<s>), not seen
	bi *= D * 1 / 1 * p(Unk) // p(<unk>|b), not seen
	bi *= p(End)             // after <unk>, never seen
	near(t, "Bigram", Bigram(tiny, test, 6), -math.Log(bi)/2, 1e-12)
}

func TestBigramSumsToOne(t *testing.T) {
	for name, s := range map[string]Split{
		"tiny":            tiny,
		"no pair once":    {Seqs: [][]int32{{Start, 4, End}, {Start, 4, End}}},
		"every pair once": {Seqs: [][]int32{{Start, 4, 5, 3, End}}},
		"empty":           {},
	} {
		m := fitBigram(s, 6)
		for v := range int32(6) {
			var sum float64
			for w := int32(End); w < 6; w++ {
				if p := m.prob(v, w); p <= 0 {
					t.Errorf("%s: p(%d|%d) = %g, want it positive", name, w, v, p)
				}
				sum += m.prob(v, w)
			}
			near(t, name+": sum of p(.|v)", sum, 1, 1e-12)
		}
	}
	if got := Bigram(tiny, Split{}, 6); !math.IsNaN(got) {
		t.Errorf("Bigram of nothing = %g, want NaN", got)
	}
}
