package vae

import (
	"math"
	"math/rand/v2"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

// A Coded posterior is one of finitely many codes. A code is J symbols; given x they are independent. Each takes D/J
// numbers of z. Densities of codes are probabilities.
type Coded interface {
	Posterior
	// Values calls f with each value that symbol j of example i has with a probability above 0. A value is the symbol's
	// numbers of z.
	Values(i, j int, f func(value []Float, p float64))
	// Symbols is J.
	Symbols() int
}

// OneHot is a posterior of J symbols with K values each, drawn independently. Z has a one-hot vector for each symbol, so
// D = J K. LogP are the logarithms of the probabilities, (B, D).
type OneHot struct {
	LogP *grad.Value
	K    int
	// Temperature of the relaxation through which the gradient of a sample flows.
	Temperature Float
	// Relaxed samples are those of training as the relaxation has them, not rounded.
	Relaxed bool
}

// NewOneHot has the probabilities softmax(logits) in each group of K columns; logits are (B, J K).
func NewOneHot(logits *grad.Value, K int, temperature Float, relaxed bool) OneHot {
	logp := logits.Reshape(logits.Rows*logits.Cols/K, K).LogSoftmax().Reshape(logits.Rows, logits.Cols)
	return OneHot{LogP: logp, K: K, Temperature: temperature, Relaxed: relaxed}
}

// Sample draws a value k of each symbol by the Gumbel trick and has the gradient of a relaxation y, with
// G = -ln(-ln U), U uniform in (0, 1), for each value:
//
//	k = argmax_k (ln p_k + G_k),   y = softmax((ln p + G)/temperature)
//
// Relaxed samples of training are y. Without noise in the pass G is 0, which gives the mode.
//
// Source: Jang, Gu & Poole 2017, "Categorical reparameterization with Gumbel-softmax" (arXiv 1611.01144); Maddison, Mnih &
// Teh 2017, "The concrete distribution" (arXiv 1611.00712).
func (q OneHot) Sample(p *nn.Pass) *grad.Value {
	gumbel := p.Tape.Zeros(q.LogP.Rows, q.LogP.Cols)
	if p.Noise != nil {
		for i := range gumbel.Data {
			gumbel.Data[i] = Float(-math.Log(p.Noise.ExpFloat64()))
		}
	}
	scores := q.LogP.Add(gumbel)
	B, D := scores.Rows, scores.Cols
	y := scores.Scale(1/q.Temperature).Reshape(B*D/q.K, q.K).LogSoftmax().Exp().Reshape(B, D)
	if q.Relaxed && p.Train {
		return y
	}
	hard := p.Tape.Zeros(B, D)
	for from := 0; from < B*D; from += q.K {
		best := from
		for k, s := range scores.Data[from : from+q.K] {
			if s > scores.Data[best] {
				best = from + k
			}
		}
		hard.Data[best] = 1
	}
	return y.Straight(hard.Matrix)
}

// LogProb is the sum of the symbols' ln p, (B, 1).
func (q OneHot) LogProb(_ *nn.Pass, z *grad.Value) *grad.Value { return q.LogP.Mul(z).RowSums() }

// Mean are the probabilities.
func (q OneHot) Mean() *grad.Value { return q.LogP.Exp() }

// Parts are ln p.
func (q OneHot) Parts() []*grad.Value { return []*grad.Value{q.LogP} }

// With is the posterior of another ln p.
func (q OneHot) With(parts []*grad.Value) Posterior {
	q.LogP = parts[0]
	return q
}

// Symbols is D/K.
func (q OneHot) Symbols() int { return q.LogP.Cols / q.K }

// Values are all K.
func (q OneHot) Values(i, j int, f func(value []Float, p float64)) {
	value := make([]Float, q.K)
	for k, l := range q.LogP.Row(i)[j*q.K : (j+1)*q.K] {
		if p := math.Exp(float64(l)); p > 0 {
			value[k] = 1
			f(value, p)
			value[k] = 0
		}
	}
}

// Density is that of example i.
func (q OneHot) Density(i int) Density {
	d := oneHot{K: q.K}
	for _, l := range q.LogP.Row(i) {
		d.logp = append(d.logp, float64(l))
	}
	return d
}

type oneHot struct {
	logp []float64
	K    int
}

func (q oneHot) LogProb(z []float64) (sum float64) {
	for j, v := range z {
		if v != 0 { // ln p may be -∞
			sum += v * q.logp[j]
		}
	}
	return sum
}

func (q oneHot) Draw(noise *rand.Rand, z []float64) {
	clear(z)
	for from := 0; from < len(z); from += q.K {
		best, top := from, math.Inf(-1)
		for k, l := range q.logp[from : from+q.K] {
			if s := l - math.Log(noise.ExpFloat64()); s > top {
				best, top = from+k, s
			}
		}
		z[best] = 1
	}
}

// Code is a posterior with one z for each example, a code of J symbols. Z is (B, D); the gradient that it passes on is a
// straight-through one. Raw is what was rounded to Z, (B, D).
type Code struct {
	Z, Raw *grad.Value
	J      int
}

// Sample is Z.
func (q Code) Sample(*nn.Pass) *grad.Value { return q.Z }

// LogProb is 0 at Z and -∞ elsewhere, (B, 1), without a gradient.
func (q Code) LogProb(p *nn.Pass, z *grad.Value) *grad.Value {
	logq := p.Tape.Zeros(z.Rows, 1)
	for i := range logq.Data {
		for j, v := range z.Row(i) {
			if v != q.Z.Row(i)[j] {
				logq.Data[i] = Float(math.Inf(-1))
			}
		}
	}
	return logq
}

// Mean is Z.
func (q Code) Mean() *grad.Value { return q.Z }

// Parts are Z and Raw.
func (q Code) Parts() []*grad.Value { return []*grad.Value{q.Z, q.Raw} }

// With is the posterior of another Z and Raw.
func (q Code) With(parts []*grad.Value) Posterior { return Code{Z: parts[0], Raw: parts[1], J: q.J} }

// Symbols is J.
func (q Code) Symbols() int { return q.J }

// Values is one, that of Z.
func (q Code) Values(i, j int, f func(value []Float, p float64)) {
	width := q.Z.Cols / q.J
	f(q.Z.Row(i)[j*width:(j+1)*width], 1)
}

// Density is that of example i.
func (q Code) Density(i int) Density {
	z := make(code, q.Z.Cols)
	for j, v := range q.Z.Row(i) {
		z[j] = float64(v)
	}
	return z
}

// A code is a z that has all probability.
type code []float64

func (q code) LogProb(z []float64) float64 {
	for j, v := range z {
		if v != q[j] {
			return math.Inf(-1)
		}
	}
	return 0
}

func (q code) Draw(_ *rand.Rand, z []float64) { copy(z, q) }

// UniformCode is the uniform prior over the codes of J symbols with K values each.
type UniformCode struct {
	J, K int
	// Put writes value k of a symbol to its numbers of z.
	Put func(k int, z []float64)
}

// KL is, by symbol, (B, J),
//
//	ln K - H(q(symbol|x))
//
// which for a Code is ln K, without a gradient.
func (u UniformCode) KL(p *nn.Pass, q Posterior, _ *grad.Value, _ *Batch) *grad.Value {
	lnK := math.Log(float64(u.K))
	if o, ok := q.(OneHot); ok {
		B := o.LogP.Rows
		plogp := o.LogP.Exp().Mul(o.LogP).Reshape(B*u.J, u.K).RowSums().Reshape(B, u.J)
		return plogp.Shift(Float(lnK))
	}
	return filled(p, q.Mean().Rows, u.J, lnK)
}

// LogProb is -J ln K, (B, 1).
func (u UniformCode) LogProb(p *nn.Pass, z *grad.Value, _ *Batch) *grad.Value {
	return filled(p, z.Rows, 1, u.logProb())
}

func (u UniformCode) logProb() float64 { return -float64(u.J) * math.Log(float64(u.K)) }

// Density is the same for every example.
func (u UniformCode) Density(*nn.Pass, *Batch) func(int) Density {
	return func(int) Density { return uniformCode{u} }
}

// String says what it is.
func (UniformCode) String() string { return "the uniform distribution over the codes" }

type uniformCode struct{ UniformCode }

func (u uniformCode) LogProb([]float64) float64 { return u.logProb() }

func (u uniformCode) Draw(noise *rand.Rand, z []float64) {
	width := len(z) / u.J
	for j := range u.J {
		u.Put(noise.IntN(u.K), z[j*width:(j+1)*width])
	}
}
