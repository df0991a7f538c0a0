package metrics

import (
	"encoding/binary"
	"math"
	"slices"

	"vaelab/internal/grad"
	"vaelab/internal/vae"
)

func init() {
	Register(Group{
		Splits: Evaluations, Need: needCode,
		Measure: func(s *Split, r Row) {
			r.Values["code_perplexity"] = s.CodePerplexity()
		},
		Metrics: []Metric{
			{Name: "code_perplexity", Doc: "values of a symbol of the code that q(z) uses: e to the entropy of a symbol over the split, mean over symbols; of vq the codes used"},
		},
	})
}

// CodePerplexity is how many values of a symbol the aggregate posterior uses, as a perplexity,
//
//	e^((1/J) sum_j H(q(symbol j))),   q(symbol j) = (1/N) sum_i q(symbol j|x_i)
//
// It is exact, and at most the number K of values. For a code of one symbol, as that of vq, the logarithm is at least the MI.
//
// Source: the perplexity of a codebook, as van den Oord, Vinyals & Kavukcuoglu 2017 (arXiv 1711.00937) and later
// work report it.
func (e *Encoded) CodePerplexity() float64 {
	c := e.codes()
	var entropy float64
	for j, values := range c.values {
		q := make([]float64, values)
		for i := range e.N {
			for _, v := range c.of[i*c.J+j] {
				q[v.value] += v.p / float64(e.N)
			}
		}
		entropy += entropyOf(q) / float64(c.J)
	}
	return math.Exp(entropy)
}

// information is KL(q(z|x_i) || q(z)) of each example, exactly,
//
//	sum_c q(c|x_i) ln( q(c|x_i)/q(c) ),   q(c) = (1/N) sum_i q(c|x_i)
//
// over all codes c. Its mean is H(q) - mean_i H(q(.|x_i)), the MI. It is nil for posteriors that are not codes, and for those
// of so many possible codes that the sum takes too long.
func (e *Encoded) information() []float64 {
	if _, ok := e.family.(vae.Coded); !ok {
		return nil
	}
	c := e.codes().joint()
	if c == nil {
		return nil
	}
	q, each := make([]float64, c.values[0]), make([]float64, e.N)
	for _, own := range c.of {
		for _, v := range own {
			q[v.value] += v.p / float64(e.N)
		}
	}
	for i, own := range c.of {
		for _, v := range own {
			each[i] += v.p * math.Log(v.p/q[v.value])
		}
	}
	return each
}

// codes are the posteriors of N examples over codes of J symbols.
type codes struct {
	J      int
	of     [][]chance // (N J): the values of symbol j of example i, at i*J+j
	values []int      // (J) how many values a symbol has in the split
}

// A chance is the number of a value with its probability.
type chance struct {
	value int
	p     float64
}

// codes numbers the values that each symbol has in the split.
func (e *Encoded) codes() *codes {
	return once(e, "codes", func() *codes {
		c := &codes{}
		var known []map[string]int // by symbol
		tape := &grad.Tape{NoGrad: true}
		for i := range e.N {
			tape.Reset()
			q := e.posterior(tape, []int{i}).(vae.Coded)
			if c.J = q.Symbols(); known == nil {
				known, c.values = make([]map[string]int, c.J), make([]int, c.J)
				for j := range known {
					known[j] = map[string]int{}
				}
			}
			for j := range c.J {
				var own []chance
				q.Values(0, j, func(value []Float, p float64) {
					key := keyOf(value)
					n, ok := known[j][key]
					if !ok {
						n = c.values[j]
						known[j][key], c.values[j] = n, n+1
					}
					own = append(own, chance{n, p})
				})
				c.of = append(c.of, own)
			}
		}
		return c
	})
}

// keyOf is a text that is another for other numbers.
func keyOf(value []Float) string {
	var key []byte
	for _, v := range value {
		key = binary.LittleEndian.AppendUint64(key, math.Float64bits(float64(v)))
	}
	return string(key)
}

// maxJoint bounds the codes of joint, and the chances of all examples together.
const maxJoint, maxChances = 1 << 20, 1 << 25

// joint are the same posteriors with each code as one symbol; nil if there are too many.
func (c *codes) joint() *codes {
	if c.J == 1 {
		return c
	}
	if !slices.ContainsFunc(c.of, func(s []chance) bool { return len(s) > 1 }) {
		return c.points()
	}
	whole := &codes{J: 1, values: []int{1}}
	for _, n := range c.values {
		if whole.values[0] *= n; whole.values[0] > maxJoint {
			return nil
		}
	}
	chances := 0
	for from := 0; from < len(c.of); from += c.J {
		all, base := []chance{{0, 1}}, 1
		for j, s := range c.of[from : from+c.J] {
			next := make([]chance, 0, len(all)*len(s))
			for _, a := range all {
				for _, v := range s {
					next = append(next, chance{a.value + base*v.value, a.p * v.p})
				}
			}
			all, base = next, base*c.values[j]
		}
		if chances += len(all); chances > maxChances {
			return nil
		}
		whole.of = append(whole.of, all)
	}
	return whole
}

// points is joint where each posterior is one code.
func (c *codes) points() *codes {
	whole, known := &codes{J: 1}, map[string]int{}
	for from := 0; from < len(c.of); from += c.J {
		var key []byte
		for _, s := range c.of[from : from+c.J] {
			key = binary.AppendUvarint(key, uint64(s[0].value))
		}
		n, ok := known[string(key)]
		if !ok {
			n = len(known)
			known[string(key)] = n
		}
		whole.of = append(whole.of, []chance{{n, 1}})
	}
	whole.values = []int{len(known)}
	return whole
}

// entropyOf is that of probabilities, in nats.
func entropyOf(q []float64) (h float64) {
	for _, p := range q {
		if p > 0 {
			h -= p * math.Log(p)
		}
	}
	return h
}

var needCode = &Need{"a posterior over codes, as that of categorical, vq and fsq", func(f Facts) bool { return f.Variant.Family() == vae.CodeFamily }}
