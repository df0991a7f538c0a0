package data

import "math"

// Unigram returns the mean NLL of test under the add-one unigram model of train,
//
//	p(w) = (c(w) + 1) / (N + K),
//
// in nats per sentence. c(w) counts words and </s>, N is their total, and K =
// vocabSize - 2 the number of symbols that can follow, all but <pad> and <s>. It is NaN
// if test is empty. Perplexity is exp of the total NLL over the total number of symbols.
func Unigram(train, test Split, vocabSize int) float64 {
	m := fitBigram(train, vocabSize)
	return meanNLL(test, func(_, w int32) float64 { return m.unigram(w) })
}

// Bigram returns the mean NLL of test under the bigram model of train with absolute
// discounting, interpolated with the unigram model,
//
//	p(w|v) = max(c(v,w) - D, 0) / c(v) + D n(v) / c(v) p(w),   D = n1 / (n1 + 2 n2),
//
// in nats per sentence. c(v,w) counts pairs, with <s> as the first v; n(v) is the number
// of different words after v, and n1 and n2 the number of pairs seen once and twice. D
// is 1/2 if no pair was seen once. After a word new in test, p(w|v) = p(w). It is NaN if
// test is empty. A trained LSTM that does not beat this number is broken.
//
// Source: Ney, Essen & Kneser 1994, "On structuring probabilistic dependences in
// stochastic language modelling"; interpolated, with the lower order left as it is.
func Bigram(train, test Split, vocabSize int) float64 {
	m := fitBigram(train, vocabSize)
	return meanNLL(test, m.prob)
}

// bigram holds the counts of a training split.
type bigram struct {
	count   []float64 // (V) how often a symbol follows another
	total   float64   // sum of count
	symbols float64   // K, how many symbols can follow

	pair     map[[2]int32]float64 // how often w follows v
	context  []float64            // (V) how often a symbol is followed
	distinct []float64            // (V) by how many different symbols
	discount float64              // D
}

func fitBigram(train Split, vocabSize int) *bigram {
	m := &bigram{
		symbols: float64(vocabSize - 2),
		count:   make([]float64, vocabSize), context: make([]float64, vocabSize), distinct: make([]float64, vocabSize),
		pair: map[[2]int32]float64{}, discount: 0.5,
	}
	for _, seq := range train.Seqs {
		for t, w := range seq[1:] {
			v := seq[t]
			m.count[w]++
			m.total++
			m.context[v]++
			m.pair[[2]int32{v, w}]++
		}
	}
	var n1, n2 float64
	for vw, c := range m.pair {
		m.distinct[vw[0]]++
		switch c {
		case 1:
			n1++
		case 2:
			n2++
		}
	}
	if n1 > 0 {
		m.discount = n1 / (n1 + 2*n2)
	}
	return m
}

// unigram is p(w).
func (m *bigram) unigram(w int32) float64 { return (m.count[w] + 1) / (m.total + m.symbols) }

// prob is p(w|v).
func (m *bigram) prob(v, w int32) float64 {
	p := m.unigram(w)
	if m.context[v] == 0 {
		return p
	}
	seen := max(m.pair[[2]int32{v, w}]-m.discount, 0)
	return (seen + m.discount*m.distinct[v]*p) / m.context[v]
}

// meanNLL is the mean over sequences of -log of the product of prob(v, w) over steps.
func meanNLL(s Split, prob func(v, w int32) float64) float64 {
	var nll float64
	for _, seq := range s.Seqs {
		for t, w := range seq[1:] {
			nll -= math.Log(prob(seq[t], w))
		}
	}
	return nll / float64(len(s.Seqs))
}
