package generate

import (
	"fmt"
	"math"
	"slices"

	"vaelab/internal/data"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// Words says which sentences may be written. None contains <pad>, or <s> but at its beginning.
type Words struct {
	V int // symbols of the vocabulary
	// Max is the most words, without <s> and </s>: after them only </s> may follow. A decoder
	// with learnt positions has none for more than its data had, [vae.Space].MaxLen - 2.
	Max int
	// NoUnk keeps <unk> from being written.
	NoUnk bool
}

// A Sentence is one that a decoder wrote.
type Sentence struct {
	Seq     []int32 // from <s> to </s>
	LogProb float64 // ln p(x|z) in nats, as the decoder's own LogProb has it
	Cut     bool    // the limit ended it: another word was likelier than </s>
}

// Greedy writes a sentence for each row of z, shape (B, D): always the likeliest symbol next,
// the first of equals.
func Greedy(d vae.Predictor, z tensor.Matrix, w Words) []Sentence {
	return w.write(d, z, func(_ int, logp []float64) int32 { return likeliest(logp) })
}

// Sample writes a sentence for each row of z, drawing each symbol from
//
//	p(s) ∝ p(s | z, words before)^(1/temperature)
//
// over the symbols that may be written. A temperature towards 0 is greedy, 1 is the model's own
// distribution. It panics unless the temperature is positive.
func Sample(d vae.Predictor, z tensor.Matrix, w Words, temperature float64, noise Noise) []Sentence {
	positive("Sample", temperature)
	rng := streams(z.Rows, noise)
	return w.write(d, z, func(i int, logp []float64) int32 { return draw(logp, temperature, rng[i].Float64()) })
}

// draw is the symbol at u, uniform in [0, 1), of the distribution softmax(logp/temperature).
func draw(logp []float64, temperature, u float64) int32 {
	best := likeliest(logp)
	weight := func(lp float64) float64 { return math.Exp((lp - logp[best]) / temperature) }
	var sum float64
	for _, lp := range logp {
		sum += weight(lp)
	}
	u *= sum
	for s, lp := range logp {
		if u -= weight(lp); u < 0 {
			return int32(s)
		}
	}
	return best // rounding left a little of u
}

// Beam searches for the likeliest sentence of each row of z: at each step it keeps the k
// likeliest beginnings of the row, and in the end the likeliest sentence that any of them became.
//
// What is compared is ln p(x|z) itself, without regard to length, as in the field's reference
// code. It falls with each word, so that a beginning below a whole sentence is given up; and it
// favours short sentences, the more so the larger k. The greedy sentence is among those compared,
// so that no result is less likely than it, which beam search alone would not ensure; k = 1 is
// Greedy. It panics if k is less than one.
func Beam(d vae.Predictor, z tensor.Matrix, w Words, k int) []Sentence {
	if k < 1 {
		panic(fmt.Sprintf("generate: Beam: %d beginnings to keep, want at least 1", k))
	}
	best := Greedy(d, z, w)
	if k == 1 {
		return best
	}
	p, open := pass(), begin(z.Rows)
	for t := 0; len(open) > 0; t++ {
		grown := make([][]beginning, z.Rows) // of each row the k likeliest, likeliest first
		w.next(p, d, z, open, func(j int, logp []float64) {
			b := open[j]
			if t == w.Max {
				end := Sentence{append(b.seq, data.End), b.logProb + logp[data.End], likeliest(logp) != data.End}
				best[b.row] = likelier(best[b.row], end)
				return
			}
			grown[b.row] = b.grow(grown[b.row], logp, k)
		})
		open = open[:0]
		for i, beginnings := range grown {
			for _, b := range beginnings {
				switch {
				case b.seq[t+1] == data.End:
					best[i] = likelier(best[i], Sentence{Seq: b.seq, LogProb: b.logProb})
				case b.logProb > best[i].LogProb:
					open = append(open, b)
				}
			}
		}
	}
	return best
}

// A beginning is some words of a row's sentence, <s> among them, and their ln p(x|z).
type beginning struct {
	row     int
	seq     []int32
	logProb float64
}

// begin is nothing but <s> for each of n rows.
func begin(n int) []beginning {
	open := make([]beginning, n)
	for i := range open {
		open[i] = beginning{row: i, seq: []int32{data.Start}}
	}
	return open
}

// grow adds b with each symbol that may follow to the k likeliest of its row.
func (b beginning) grow(all []beginning, logp []float64, k int) []beginning {
	for s, lp := range logp {
		total := b.logProb + lp
		if math.IsInf(lp, -1) || len(all) == k && total <= all[k-1].logProb {
			continue
		}
		at, _ := slices.BinarySearchFunc(all, total, func(x beginning, total float64) int {
			if x.logProb >= total { // behind its equals
				return -1
			}
			return 1
		})
		longer := beginning{b.row, append(slices.Clip(b.seq), int32(s)), total}
		all = slices.Insert(all, at, longer)
		all = all[:min(k, len(all))]
	}
	return all
}

// likelier is the likelier of two sentences, the first of equals.
func likelier(a, b Sentence) Sentence {
	if b.LogProb > a.LogProb {
		return b
	}
	return a
}

// write makes one sentence for each row of z, word by word. All that are open have one length.
// choose gives the symbol that follows, of row i's log-probabilities.
func (w Words) write(d vae.Predictor, z tensor.Matrix, choose func(i int, logp []float64) int32) []Sentence {
	p, open := pass(), begin(z.Rows)
	out := make([]Sentence, z.Rows)
	for t := 0; len(open) > 0; t++ {
		var longer []beginning
		w.next(p, d, z, open, func(j int, logp []float64) {
			b := open[j]
			symbol, cut := int32(data.End), false
			if t < w.Max {
				symbol = choose(b.row, logp)
			} else {
				cut = likeliest(logp) != data.End
			}
			b.seq, b.logProb = append(b.seq, symbol), b.logProb+logp[symbol]
			if symbol == data.End {
				out[b.row] = Sentence{b.seq, b.logProb, cut}
			} else {
				longer = append(longer, b)
			}
		})
		open = longer
	}
	return out
}

// next calls f with ln p(s | z, words before) of every symbol s that may follow each beginning j,
// in nats, -Inf for those that may not be written. The beginnings have one length; logp is valid
// during the call.
func (w Words) next(p *nn.Pass, d vae.Predictor, z tensor.Matrix, open []beginning, f func(j int, logp []float64)) {
	T := len(open[0].seq)
	var logp []float64
	for first, chunk := 0, max(1, numbers/(T*w.V)); first < len(open); first += chunk {
		some := open[first:min(first+chunk, len(open))]
		rows, seqs := make([]int, len(some)), make([][]int32, len(some))
		for k, b := range some {
			rows[k] = b.row
			seqs[k] = append(slices.Clip(b.seq), data.End) // there has to be something to predict; it is not read
		}
		logits := d.Predict(p, constant(p, z, rows), vae.NewBatch(seqs, nil)) // (T·len(some), V), step by step
		for k := range some {
			logp = w.logProbs(logp[:0], logits.Row((T-1)*len(some)+k))
			f(first+k, logp)
		}
		p.Tape.Reset()
	}
}

// logProbs appends ln softmax of a row of logits; what may not be written becomes -Inf and
// keeps its share of the sum.
func (w Words) logProbs(logp []float64, logits []Float) []float64 {
	top := float64(slices.Max(logits))
	var sum float64
	for _, l := range logits {
		sum += math.Exp(float64(l) - top)
	}
	lse := top + math.Log(sum)
	for _, l := range logits {
		logp = append(logp, float64(l)-lse)
	}
	logp[data.Pad], logp[data.Start] = math.Inf(-1), math.Inf(-1)
	if w.NoUnk {
		logp[data.Unk] = math.Inf(-1)
	}
	return logp
}

// likeliest is the symbol with the greatest probability, the first of equals.
func likeliest(logp []float64) int32 {
	best := data.End
	for s, lp := range logp {
		if lp > logp[best] {
			best = s
		}
	}
	return int32(best)
}
