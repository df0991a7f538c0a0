package metrics

import (
	"math"

	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Tests, Need: &Need{"text with something given (data: given)", func(f Facts) bool { return f.Kind == vae.Text && f.Given != "" }},
		Measure: func(s *Split, r Row) {
			r.Values["bleu"] = BLEU(s.Write())
		},
		Metrics: []Metric{
			{Name: "bleu", Unit: "%", Doc: "BLEU-4 of sentences that are written from z of the prior, given the condition, against the examples"},
		},
	})
}

// bleuN is the longest n-gram of BLEU.
const bleuN = 4

// BLEU is the corpus BLEU-4 of sentences against one reference each, in percent:
//
//	100 BP exp( (1/4) sum_{n=1..4} ln p_n ),   BP = min(1, exp(1 - r/c))
//	p_1 = m_1/t_1,   p_n = (m_n + 1)/(t_n + 1) for n > 1
//
// t_n is the number of n-grams of all written sentences. m_n is how many of them match: an n-gram counts in a sentence as
// often as it occurs in the sentence's reference, at most. c and r are the words of the written sentences and of the
// references. Sequences are from <s> to </s>, which do not count. Adding 1 to the counts of n > 1 is smoothing 2 of Chen &
// Cherry: without it a corpus that shares no four words in a row with its references has a BLEU of 0. It is 0 if no word
// matches.
//
// Source: Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine translation", section 2.3; smoothing
// of Lin & Och 2004, "ORANGE: a method for evaluating automatic evaluation metrics for machine translation", named in Chen &
// Cherry 2014, "A systematic comparison of smoothing techniques for sentence-level BLEU".
func BLEU(written, references [][]int32) float64 {
	var matches, total [bleuN + 1]float64 // by n
	var c, r float64
	for i, reference := range references {
		reference, words := reference[1:len(reference)-1], written[i][1:len(written[i])-1]
		c, r = c+float64(len(words)), r+float64(len(reference))
		for n := 1; n <= bleuN; n++ {
			left := grams(reference, n)
			for at := range len(words) - n + 1 {
				total[n]++
				if g := gram(words[at:], n); left[g] > 0 {
					left[g]--
					matches[n]++
				}
			}
		}
	}
	if matches[1] == 0 {
		return 0
	}
	sum := math.Log(matches[1] / total[1])
	for n := 2; n <= bleuN; n++ {
		sum += math.Log((matches[n] + 1) / (total[n] + 1))
	}
	return 100 * math.Exp(sum/bleuN+min(0, 1-r/c))
}

// grams are the n-grams of words with the number of their occurrences.
func grams(words []int32, n int) map[[bleuN]int32]int {
	all := map[[bleuN]int32]int{}
	for at := range len(words) - n + 1 {
		all[gram(words[at:], n)]++
	}
	return all
}

// gram is the first n words, and zeros, which are no words.
func gram(words []int32, n int) (g [bleuN]int32) {
	copy(g[:], words[:n])
	return g
}
