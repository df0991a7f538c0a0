package data

import "math"

// A Floor is what an example of a split costs a model without any learning to speak of, in nats. A
// trained model that does not beat it has learnt nothing that counts.
type Floor struct {
	Model string
	NLL   float64
}

// Floors are those of a split of a set that has training examples, the weakest model first:
// for text a unigram and a bigram model, for images one of independent pixels.
func (s *Set) Floors(split Split) []Floor {
	switch {
	case s.Train.N() == 0 || split.N() == 0 || s.Real:
		return nil
	case s.Vocab != nil:
		V := s.Vocab.Size()
		return []Floor{{"unigram model", Unigram(s.Train, split, V)}, {"bigram model", Bigram(s.Train, split, V)}}
	}
	return []Floor{{"model of independent pixels", Pixels(s.Train, split)}}
}

// Pixels returns the mean NLL of test, pixels that are 0 or 1, under independent pixels with
// the add-one frequencies of train,
//
//	p_j = (sum_i x_ij + 1) / (N + 2),
//
// in nats per image. Grey pixels of train count by their probability.
func Pixels(train, test Split) float64 {
	p := make([]float64, len(test.Values[0]))
	for _, row := range train.Values {
		for j, v := range row {
			p[j] += float64(v)
		}
	}
	for j := range p {
		p[j] = (p[j] + 1) / float64(train.N()+2)
	}
	var nll float64
	for _, row := range test.Values {
		for j, v := range row {
			nll -= math.Log(float64(v)*p[j] + (1-float64(v))*(1-p[j]))
		}
	}
	return nll / float64(test.N())
}
