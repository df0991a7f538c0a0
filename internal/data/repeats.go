package data

import (
	"fmt"
	"math"
	"slices"
)

// FNV-1a, a number at a time, with the high bits brought down, which a product does not.
const hashOffset, hashPrime = 14695981039346656037, 1099511628211

func hashed(h, x uint64) uint64 {
	h = (h ^ x) * hashPrime
	return h ^ h>>29
}

// keys are hashes of a file's sentences in ascending order: equal ones are equal sentences, up to one collision in 2^64. They
// are of the words as the file has them, since sentences with <unk> may differ in what is unknown. The file must
// not be encoded yet.
func (f *textFile) keys() []uint64 {
	words := make([]uint64, len(f.lexicon.words))
	for i, w := range f.lexicon.words {
		words[i] = hashOffset
		for _, b := range []byte(w) {
			words[i] = hashed(words[i], uint64(b))
		}
	}
	keys := make([]uint64, 0, len(f.seqs))
	for i, seq := range f.seqs {
		h := uint64(hashOffset)
		for _, w := range seq[1 : len(seq)-1] {
			h = hashed(h, words[w])
		}
		if f.given != nil { // a sentence is another example in another context
			h = hashed(h, hashOffset) // between the two
			for _, w := range f.given[i][1 : len(f.given[i])-1] {
				h = hashed(h, words[w])
			}
		}
		keys = append(keys, h)
	}
	slices.Sort(keys)
	return keys
}

// keys are hashes of a split's images in ascending order.
func (s Split) keys() []uint64 {
	keys := make([]uint64, 0, s.N())
	for _, row := range s.Values {
		h := uint64(hashOffset)
		for _, v := range row {
			h = hashed(h, uint64(math.Float32bits(v)))
		}
		keys = append(keys, h)
	}
	slices.Sort(keys)
	return keys
}

// repeated returns how many of sorted keys occur more than once, and how often the most frequent one does.
func repeated(keys []uint64) (n, most int) {
	for from := 0; from < len(keys); {
		to := from + 1
		for to < len(keys) && keys[to] == keys[from] {
			to++
		}
		if to-from > 1 {
			n += to - from
		}
		most = max(most, to-from)
		from = to
	}
	return n, most
}

// common is how many of some sorted keys are among others, also sorted.
func common(some, among []uint64) (n int) {
	at := 0
	for _, k := range some {
		for at < len(among) && among[at] < k {
			at++
		}
		if at < len(among) && among[at] == k {
			n++
		}
	}
	return n
}

// adjective says of which split examples are.
var adjective = map[string]string{"train": "training", "valid": "validation", "test": "test"}

const (
	leakLeast = 5    // equal examples that are worth a word
	leakShare = 0.01 // of a split, from which on it is a doubt
	leakMost  = 0.9  // from which on it is one though train repeats itself as often
)

// repeatDoubts warns of examples of one split that stand in another, too, and of a training split that is mostly one
// example repeated. What examples are called, and where the splits come from, is for the message. The keys are
// those of train, valid and test. Pairs of the same path are left out: they have a warning of their own.
//
// Short sentences recur by chance. If train and test are drawn alike, a test example is in train as often as an example of train
// is there again. So a share is a doubt if it exceeds that of train's own repetitions by three standard errors, or
// if it is more than 90 %: then the split tells what a model remembers.
func repeatDoubts(keys [][]uint64, paths []string, called string) (doubts []error) {
	names := []string{"train", "valid", "test"}
	for i := range keys {
		for j := range i {
			a, b := keys[j], keys[i]
			if len(a) == 0 || len(b) == 0 || paths[i] == paths[j] {
				continue
			}
			own, _ := repeated(a)
			n, m := float64(len(a)), float64(len(b))
			equal := common(b, a)
			share, natural := float64(equal)/m, float64(own)/n
			p := float64(equal+own) / (m + n)
			chance := natural + 3*math.Sqrt(p*(1-p)*(1/m+1/n))
			if equal < leakLeast || share <= leakShare || share <= chance && share <= leakMost {
				continue
			}
			doubts = append(doubts, fmt.Errorf("%s: %d of %d %s %s (%.3g %%) are also in %s; in %s, %.2g %% of the %s are repeated; results on %s are then partly on training examples; check how the files were split",
				paths[i], equal, len(b), adjective[names[i]], called, 100*share, names[j], names[j], 100*natural, called, names[i]))
		}
	}
	if n := len(keys[0]); n >= leakLeast {
		if _, most := repeated(keys[0]); 2*most > n {
			doubts = append(doubts, fmt.Errorf("%s: %d of %d %s are the same one; a model learns nothing else", paths[0], most, n, called))
		}
	}
	return doubts
}
