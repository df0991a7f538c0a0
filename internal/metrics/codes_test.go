package metrics

import (
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A plain encoder gives x as m.
type plain struct{}

func (plain) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) { return p.Tape.Const(x.Values), nil }

func (plain) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return z.Sub(p.Tape.Const(x.Values)).Square().RowSums().Neg()
}

// coded are n examples with normal m, (n, D), of a method, in batches of 50.
func coded(method vae.Method, n, D int, spread float64) *Encoded {
	noise := newRand(3)
	rows := make([][]float32, n)
	for i := range rows {
		for range D {
			rows[i] = append(rows[i], float32(spread*noise.NormFloat64()))
		}
	}
	var batches []*vae.Batch
	for from := 0; from < n; from += 50 {
		batches = append(batches, vae.NewGrid(rows[from:from+50], nil, false))
	}
	ps := &nn.Params{Seed: 3}
	return Encode(&vae.Model{Encoder: plain{}, Decoder: plain{}, D: D, Variant: method.Build(vae.Builder{Params: ps, D: D})}, batches, 1)
}

// TestInformationOfCategorical: MI is H(mean q) - mean H(q), summed over all codes of two symbols by hand, and the sampled
// estimate agrees with it.
func TestInformationOfCategorical(t *testing.T) {
	const n, K = 300, 3
	e := coded(variants.Categorical{Symbols: 2, Temperature: 1}, n, 2*K, 2)
	var q [K][K]float64
	conditional, marginal := 0.0, [2][K]float64{}
	for i := range n {
		p := e.Mu[i*2*K : (i+1)*2*K] // the mean of one-hot vectors
		for a := range K {
			for b := range K {
				q[a][b] += p[a] * p[K+b] / n
				conditional -= p[a] * p[K+b] * math.Log(p[a]*p[K+b]) / n
			}
			marginal[0][a] += p[a] / n
			marginal[1][a] += p[K+a] / n
		}
	}
	want := -conditional
	for a := range K {
		want += entropyOf(q[a][:])
	}
	mi, se := e.MI()
	near(t, "MI", mi, want, 1e-5)
	near(t, "perplexity", e.CodePerplexity(), math.Exp((entropyOf(marginal[0][:])+entropyOf(marginal[1][:]))/2), 1e-5)
	mix, own := e.logDensity(e.Z)
	sampled, squares := 0.0, 0.0
	for i := range own {
		v := own[i] - mix[i]
		sampled += v / n
		squares += v * v / n
	}
	if off := math.Sqrt((squares - sampled*sampled) / n); math.Abs(sampled-want) > 4*off || se <= 0 || se > off {
		t.Errorf("sampled MI %v, standard error %v; exact %v with %v", sampled, off, want, se)
	}
	if kl, _ := e.KL(); kl < mi {
		t.Errorf("MI %v above the KL %v", mi, kl)
	}
	batch, limit := e.BatchMI(vae.Mixed, 1)
	if batch <= 0 || batch > mi+0.2 || math.Abs(limit-math.Log(50)) > 1e-9 {
		t.Errorf("MI of batches %v of %v at most; of the split %v", batch, limit, mi)
	}
}

// TestInformationOfCodes: with one code for each example MI is the entropy of the code over the split, of vq with its codes,
// and of fsq with tuples of levels; the KL stays.
func TestInformationOfCodes(t *testing.T) {
	const n = 300
	for name, c := range map[string]struct {
		method     vae.Method
		D, symbols int
		kl         float64
	}{
		"vq":         {variants.VQ{K: 10, Beta: 0.25, Decay: 0.99}, 3, 1, math.Log(10)},
		"fsq":        {variants.FSQ{Levels: 3}, 2, 2, 2 * math.Log(3)},
		"fsq, large": {variants.FSQ{Levels: 8}, 40, 40, 40 * math.Log(8)},
	} {
		e := coded(c.method, n, c.D, 1)
		counts := map[string]float64{}
		for i := range n {
			key := ""
			for _, z := range e.Z[i*c.D : (i+1)*c.D] {
				key += string(rune(100 + math.Round(50*z)))
			}
			counts[key]++
		}
		var entropy float64
		for _, k := range counts {
			entropy -= k / n * math.Log(k/n)
		}
		mi, se := e.MI()
		kl, _ := e.KL()
		near(t, name+": MI", mi, entropy, 1e-9)
		near(t, name+": KL", kl, c.kl, 1e-4)
		if entropy < 0.5 || se < 0 || mi > math.Log(n)+1e-9 {
			t.Errorf("%s: MI %v, standard error %v", name, mi, se)
		}
		if perplexity := e.CodePerplexity(); c.symbols == 1 && math.Abs(math.Log(perplexity)-entropy) > 1e-9 || perplexity <= 1 || math.Log(perplexity)*float64(c.symbols) < entropy-1e-9 {
			t.Errorf("%s: %v values of a symbol in use, MI %v", name, perplexity, mi)
		}
	}
}

// TestInformationOfManyCodes: where the codes are too many to sum over, MI is sampled.
func TestInformationOfManyCodes(t *testing.T) {
	e := coded(variants.Categorical{Symbols: 20, Temperature: 1}, 100, 60, 1)
	if e.information() != nil {
		t.Error("3^20 codes are summed over")
	}
	if mi, se := e.MI(); mi < 2 || mi > math.Log(100) || se <= 0 {
		t.Errorf("MI %v, standard error %v", mi, se)
	}
	if p := e.CodePerplexity(); p < 2.9 || p > 3 { // m is symmetric, so all values are equally frequent
		t.Errorf("%v of 3 values in use", p)
	}
}
