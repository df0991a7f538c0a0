package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/memory"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Sources.Add("gaussian", Gaussian{
		Train: 5000, Valid: 1000, Test: 1000,
		Dims: 20, Spectrum: "8 4 2 1.5 1.2", Noise: 1, Seed: 1,
	})
}

// Gaussian is real vectors of a linear Gaussian model, so that the true likelihood and the
// best linear VAE are known.
//
//	z  ~ N(0, I_k)
//	x  = W z + sqrt(noise) e,   e ~ N(0, I_P)
//	W  = U diag(spectrum - noise)^(1/2)
//
// The columns of U are k random axes, orthonormal in P dimensions. The covariance of x,
// W W' + noise I, has exactly the k eigenvalues of the spectrum and P-k times the noise.
// Latents are the true z. All arithmetic is in float64.
//
// Source: Tipping & Bishop 1999, "Probabilistic Principal Component Analysis"; the data on
// which Lucas et al. 2019, "Don't Blame the ELBO!" (arXiv 1911.02469), study collapse.
type Gaussian struct {
	// Train is the number of vectors to train on.
	Train int `yaml:"train" range:"[0,10000000]"`
	// Valid is the number of vectors for model selection.
	Valid int `yaml:"valid" range:"[0,10000000]"`
	// Test is the number of vectors to test on.
	Test int `yaml:"test" range:"[0,10000000]"`
	// Dims is P, the length of a vector.
	Dims int `yaml:"dims" range:"[1,2000]"`
	// Spectrum is the eigenvalues of the first k axes, with spaces or commas between, none
	// below the noise.
	Spectrum string `yaml:"spectrum" alias:"eigenvalues"`
	// Noise is the variance of the noise and the eigenvalue of all other axes.
	Noise float64 `yaml:"noise" range:"(0,inf)"`
	// Seed is the random seed of axes and vectors; it is independent of the trial's seed.
	Seed uint64 `yaml:"seed"`
}

// Kind is real vectors.
func (c Gaussian) Kind() vae.Kind { return vae.Vector }

// Values is the number of dimensions.
func (c Gaussian) Values() int { return c.Dims }

// About says what the examples are; their licence is none: the vectors are random.
func (c Gaussian) About() (what, licence string) {
	return "vectors of a linear Gaussian model, whose z is known", "none, random"
}

// Load draws the axes and the vectors.
func (c Gaussian) Load() (*Set, error) {
	const header = 24 // of a slice
	n, P := float64(c.Train+c.Valid+c.Test), float64(c.Dims)
	if err := memory.Fits(n*(4*P+header)+3*8*P*P, memory.Total()); err != nil {
		return nil, fmt.Errorf("gaussian: train, valid and test of so many dims are too large: %w; lower them", err)
	}
	model, err := c.Model()
	if err != nil {
		return nil, err
	}
	set := &Set{
		Name: "gaussian", Height: 1, Width: c.Dims, Real: true,
		Train: model.split(c.Seed, "train", c.Train),
		Valid: model.split(c.Seed, "valid", c.Valid),
		Test:  model.split(c.Seed, "test", c.Test),
	}
	set.Digest = set.digest()
	return set, nil
}

// eigenvalues reads the spectrum.
func (c Gaussian) eigenvalues() (spectrum []float64, err error) {
	for _, s := range list(c.Spectrum) {
		x, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil || math.IsNaN(x) || math.IsInf(x, 0):
			return nil, fmt.Errorf("gaussian: spectrum: must be numbers with spaces between them, such as 4 2 1.5, got %q", clip(s))
		case x < c.Noise:
			return nil, fmt.Errorf("gaussian: spectrum: the eigenvalue %v must be at least the noise %v; raise it or lower noise", x, c.Noise)
		}
		spectrum = append(spectrum, x)
	}
	if len(spectrum) > c.Dims {
		return nil, fmt.Errorf("gaussian: spectrum: %d eigenvalues for %d dims; raise dims or leave some out", len(spectrum), c.Dims)
	}
	return spectrum, nil
}

// list cuts a setting into its words, with spaces or commas between. There is at least one,
// which may be empty.
func list(setting string) []string {
	words := strings.FieldsFunc(setting, func(r rune) bool { return r == ',' || r == ' ' })
	if len(words) == 0 {
		return []string{""}
	}
	return words
}

// Model draws the axes and returns the model that the vectors come from. It returns an error
// if the spectrum is no list of numbers, has one below the noise, or more than Dims.
func (c Gaussian) Model() (*LinearGaussian, error) {
	spectrum, err := c.eigenvalues()
	if err != nil {
		return nil, err
	}
	P, k := c.Dims, len(spectrum)
	draw := stream.New(c.Seed, "axes")
	random := mat.NewDense(P, k, nil)
	random.Apply(func(_, _ int, _ float64) float64 { return draw.NormFloat64() }, random)
	var qr mat.QR
	qr.Factorize(random)
	var q mat.Dense
	qr.QTo(&q) // (P, P), of which the first k columns span random's
	return &LinearGaussian{Axes: mat.DenseCopyOf(q.Slice(0, P, 0, k)), Spectrum: spectrum, Noise: c.Noise}, nil
}

// A LinearGaussian is the distribution N(0, W W' + noise I) of x = W z + sqrt(noise) e.
type LinearGaussian struct {
	Axes     *mat.Dense // (P, k) orthonormal columns
	Spectrum []float64  // (k) the variance of x along each axis
	Noise    float64    // the variance of x along every other direction
}

// W is the matrix of shape (P, k) that makes x of z.
func (g *LinearGaussian) W() *mat.Dense {
	scale := slices.Clone(g.Spectrum)
	for i, l := range scale {
		scale[i] = math.Sqrt(l - g.Noise)
	}
	var w mat.Dense
	w.Mul(g.Axes, mat.NewDiagDense(len(scale), scale))
	return &w
}

// logDet is the log of the covariance's determinant.
func (g *LinearGaussian) logDet() float64 {
	P, k := g.Axes.Dims()
	sum := float64(P-k) * math.Log(g.Noise)
	for _, l := range g.Spectrum {
		sum += math.Log(l)
	}
	return sum
}

// NLL returns the exact -log p(x) in nats,
//
//	½ (P log 2π + Σ log λ_i + Σ (u_i·x)²/λ_i)
//
// over all P axes u_i with eigenvalues λ_i. It panics unless x has P numbers.
func (g *LinearGaussian) NLL(x []float32) float64 {
	P, k := g.Axes.Dims()
	if len(x) != P {
		panic(fmt.Sprintf("data: LinearGaussian.NLL: %d numbers, want %d", len(x), P))
	}
	var norm float64
	along := make([]float64, k) // u_i·x
	for p, v := range x {
		norm += float64(v) * float64(v)
		for i, u := range g.Axes.RawRowView(p) {
			along[i] += u * float64(v)
		}
	}
	// Σ (u·x)²/noise over the other axes is what |x|² leaves of it.
	square := norm / g.Noise
	for i, a := range along {
		square += a * a * (1/g.Spectrum[i] - 1/g.Noise)
	}
	return (float64(P)*math.Log(2*math.Pi) + g.logDet() + square) / 2
}

// Entropy is E[-log p(x)] in nats, the least mean NLL that any model can have:
//
//	½ Σ log(2πe λ_i)
func (g *LinearGaussian) Entropy() float64 {
	P, _ := g.Axes.Dims()
	return (float64(P)*(1+math.Log(2*math.Pi)) + g.logDet()) / 2
}

// Information is the mutual information of x and z in nats,
//
//	½ Σ log(λ_i/noise)
//
// over the k axes of the spectrum: what p(z|x) tells of x in the mean.
func (g *LinearGaussian) Information() (nats float64) {
	for _, l := range g.Spectrum {
		nats += 0.5 * math.Log(l/g.Noise)
	}
	return nats
}

// split draws n vectors. Vector i has a stream of its own, so that it depends on n no more
// than on the other splits.
func (g *LinearGaussian) split(seed uint64, name string, n int) (s Split) {
	P, k := g.Axes.Dims()
	w, sigma := g.W(), math.Sqrt(g.Noise)
	for i := range n {
		rng := stream.New(seed, "vector", name, i)
		z, x := make([]float64, k), make([]float32, P)
		for d := range z {
			z[d] = rng.NormFloat64()
		}
		for p := range x {
			v := sigma * rng.NormFloat64()
			for d, a := range w.RawRowView(p) {
				v += a * z[d]
			}
			x[p] = float32(v)
		}
		s.Values, s.Latents = append(s.Values, x), append(s.Latents, z)
	}
	return s
}
