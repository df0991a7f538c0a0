package train

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// spectrum are the eigenvalues of the oracle's data, noise the decoder's variance.
var spectrum = []float64{10, 4, 2, 1.2, 0.8, 0.5}

const noise = 1

// withSpectrum draws n vectors whose covariance (over n) has exactly these eigenvalues, in
// directions that are not the axes', around a mean that is not zero.
func withSpectrum(n int, eigenvalues []float64) [][]float32 {
	P, rng := len(eigenvalues), stream.New(1, "oracle")
	normal := func(rows int) *mat.Dense {
		m := mat.NewDense(rows, P, nil)
		m.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, m)
		return m
	}
	x := normal(n)
	for j := range P {
		mean := mat.Sum(x.ColView(j)) / float64(n)
		for i := range n {
			x.Set(i, j, x.At(i, j)-mean)
		}
	}
	// The left singular vectors of a centred sample are uncorrelated and centred.
	var svd mat.SVD
	svd.Factorize(x, mat.SVDThin)
	var u mat.Dense
	svd.UTo(&u)
	var qr mat.QR
	qr.Factorize(normal(P))
	var rotation mat.Dense
	qr.QTo(&rotation)
	u.Apply(func(_, j int, v float64) float64 { return v * math.Sqrt(float64(n)*eigenvalues[j]) }, &u)
	x.Mul(&u, rotation.T())
	rows := make([][]float32, n)
	for i := range rows {
		for j := range P {
			rows[i] = append(rows[i], float32(x.At(i, j)+float64(j)))
		}
	}
	return rows
}

// trainLinear trains the linear VAE on all examples at a time, for so many steps at each
// learning rate, and leaves it with the mean of its weights over the steps at the last one:
// what Adam's steps would jitter about (Polyak averaging). The trainer's next row averages
// the same steps.
func trainLinear(t *testing.T, set *data.Set, D int, method vae.Method, beta float64, steps int, rates ...float64) *Trainer {
	t.Helper()
	settings := Defaults
	settings.BatchSize, settings.Clip = set.Train.N(), 0
	kl := optim.DefaultKL
	kl.Beta = beta
	tr, err := New(Trial{
		Trial: record.Trial{Seed: 1}, Model: models.Linear{LatentDim: D, Noise: noise},
		Methods: []vae.Method{method}, KL: kl, Train: settings,
	}, set)
	if err != nil {
		t.Fatal(err)
	}
	means := make([][]float64, len(tr.learnt))
	for _, tr.LR = range rates {
		tr.Sum = sums{KLDim: make([]float64, D)}
		for i, p := range tr.learnt {
			means[i] = make([]float64, len(p.Data))
		}
		for range steps {
			tr.Batch = 0
			if err := tr.TrainStep(); err != nil {
				t.Fatal(err)
			}
			for i, p := range tr.learnt {
				for j, w := range p.Data {
					means[i][j] += float64(w) / float64(steps)
				}
			}
		}
	}
	for i, p := range tr.learnt {
		for j, w := range means[i] {
			p.Data[j] = nn.Float(w)
		}
	}
	tr.Model.Posterior(&nn.Pass{Tape: &tr.tape, Train: true}, tr.batches[0]) // their running statistics
	return tr
}

// TestLinearOracle trains linear VAEs, whose optimum is known, to that optimum: from the
// data through encoder, head, sample, decoder, KL and Adam to the metrics.
//
// With s2 the noise and L_j the eigenvalues of the data's covariance, a dimension gives mu
// the share 1 - s2/L_j of its second moment and sigma² the rest, or tau if that is more: a
// scaler's floor then binds. A dimension that gives sigma² costs ½ L_j sigma²/s2 - ½ ln sigma²
// nats; one that has no part in z costs ½ L_j/s2. Without a floor the sum of all costs is
// -ln p(x) of probabilistic PCA. A weight beta of the KL acts as a noise of beta s2 on the shares.
//
// The floor must not make it pay to use two dimensions for one eigenvector: at D = 4 it does
// not, the rate is better spent on the eigenvalue 1.2.
func TestLinearOracle(t *testing.T) {
	const n, tolerance = 1000, 0.01
	set := &data.Set{Name: "oracle", Height: 1, Width: len(spectrum), Real: true, Train: data.Split{Values: withSpectrum(n, spectrum)}}
	for _, c := range []struct {
		name   string
		method vae.Method
		tau    float64 // 0 without a floor
		beta   float64
		D      int
	}{
		{"vanilla", variants.Vanilla{}, 0, 1, 5},
		{"beta-VAE", variants.Vanilla{}, 0, 1.5, 5},
		{"rms-scaler", variants.RMSScaler{Tau: 0.5, Eps: 1e-8, Momentum: 1}, 0.5, 1, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := trainLinear(t, set, c.D, c.method, c.beta, 1000, 0.1, 0.01, 0.003)
			near := func(what string, got, want float64) {
				t.Helper()
				if math.Abs(got-want) > tolerance*max(1, math.Abs(want)) {
					t.Errorf("%s: %.4f, want %.4f", what, got, want)
				}
			}
			e := metrics.Encode(tr.Model, set.Train.Batches(n, vae.Mixed, nil), 1)
			mu2, sigma2 := perDim(e)
			_, klDim := e.KL()
			row := tr.trainRow()
			sigTheta := row.Vectors["sig_theta"]
			for _, v := range [][]float64{mu2, klDim, sigTheta} {
				descend(v)
			}
			slices.Sort(sigma2)

			nelbo := 0.5 * float64(len(spectrum)) * math.Log(2*math.Pi*noise)
			for j, L := range spectrum {
				if j >= c.D {
					nelbo += 0.5 * L / noise
					continue
				}
				share := max(c.tau, 1-c.beta*noise/L)
				nelbo += 0.5*L*(1-share)/noise - 0.5*math.Log(1-share)
				near("E[mu²]", mu2[j], share)
				near("sigma²", sigma2[j], 1-share)
				near("KL", klDim[j], -0.5*math.Log(1-share))
				if c.tau > 0 {
					near("sigmoid(theta)", sigTheta[j], max(0, (1-noise/L-c.tau)/(1-c.tau)))
				}
			}
			near("NELBO", row.Values["nelbo"], nelbo)
			if c.tau == 0 && c.beta == 1 {
				near("NELBO", row.Values["nelbo"], logEvidence())
				iw := metrics.IWNLL(tr.Model, set.Train.Batches(n, vae.Mixed, nil), 10, 1)
				near("IW-NLL", mean(iw), logEvidence())
			}
		})
	}
}

// TestLIDVAEOracle trains linear encoders with lidvae to data without a direction above the noise, on which vanilla collapses.
// With eigenvalues L, noise 1 and a decoder of slope w the likelihood falls with w, so w comes to the least that lidvae allows,
// l. There the exact posterior has
//
//	sigma² = 1/(1+l²),   E[mu²] = L l²/(1+l²)²
//
// and its KL grows with l.
func TestLIDVAEOracle(t *testing.T) {
	const n, L = 100, 0.5
	set := &data.Set{Name: "noise", Height: 1, Width: 3, Real: true, Train: data.Split{Values: withSpectrum(n, []float64{L, L, L})}}
	if kl := trainLinear(t, set, 1, variants.Vanilla{}, 1, 300, 0.1, 0.01).trainRow().Values["kl"]; kl > 1e-3 {
		t.Errorf("vanilla has a KL of %v", kl)
	}
	for _, l := range []float64{0.5, 1, 2} {
		tr := trainLinear(t, set, 1, variants.LIDVAE{L: l, Hidden: 4}, 1, 500, 0.1, 0.01)
		s := 1 / (1 + l*l)
		want := 0.5 * (L*l*l*s*s + s - 1 - math.Log(s))
		if got := tr.trainRow().Values["kl"]; math.Abs(got-want) > 0.02*want {
			t.Errorf("l %v: KL %v, want %v", l, got, want)
		}
	}
}

// TestSigmaOracle: with its own variance the linear VAE comes to probabilistic PCA of maximum likelihood. s² is the mean of the
// eigenvalues that have no latent dimension, and a dimension has the KL of its eigenvalue's ratio to it, 0 where they are equal.
//
// Source: Tipping & Bishop 1999, "Probabilistic principal component analysis"; Lucas et al. 2019 (arXiv 1911.02469).
func TestSigmaOracle(t *testing.T) {
	const n, tolerance = 1000, 0.015
	for _, c := range []struct {
		sigma       string
		eigenvalues []float64
		D           int
	}{
		{"optimal", spectrum, 2},
		{"learnt", spectrum, 2},
		{"learnt", []float64{4, 0.7, 0.7, 0.7, 0.7}, 2},
	} {
		set := &data.Set{Name: "oracle", Height: 1, Width: len(c.eigenvalues), Real: true, Train: data.Split{Values: withSpectrum(n, c.eigenvalues)}}
		tr := trainLinear(t, set, c.D, variants.SigmaVAE{Sigma: c.sigma}, 1, 700, 0.1, 0.01, 0.003)
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > tolerance*max(1, math.Abs(want)) {
				t.Errorf("%s, D = %d of %v: %s is %.4f, want %.4f", c.sigma, c.D, c.eigenvalues, what, got, want)
			}
		}
		tr.trial.Data = data.Gaussian{} // says that there are vectors
		row := tr.Evaluate("train", set.Train)
		s2, nelbo := mean(c.eigenvalues[c.D:]), 0.5*float64(len(c.eigenvalues))*(1+math.Log(2*math.Pi))
		klDim := row.Vectors["kl_dim"]
		descend(klDim)
		for j, L := range c.eigenvalues {
			if j < c.D {
				near("KL", klDim[j], 0.5*math.Log(L/s2))
				nelbo += 0.5 * math.Log(L)
			} else {
				nelbo += 0.5 * math.Log(s2)
			}
		}
		near("s²", row.Values["noise"], s2)
		near("NELBO", row.Values["nelbo"], nelbo)
	}
}

// logEvidence is the mean of -ln p(x) under the best probabilistic PCA with five dimensions
// or more: a Gaussian whose eigenvalues are the data's, but at least the noise.
func logEvidence() (nats float64) {
	for _, L := range spectrum {
		own := max(L, noise)
		nats += 0.5 * (math.Log(2*math.Pi*own) + L/own)
	}
	return nats
}

// perDim are the means over the split of mu² and sigma², for each dimension.
func perDim(e *metrics.Encoded) (mu2, sigma2 []float64) {
	mu2, sigma2 = make([]float64, e.D), make([]float64, e.D)
	for i, m := range e.Mu {
		mu2[i%e.D] += m * m / float64(e.N)
		sigma2[i%e.D] += e.Var[i] / float64(e.N)
	}
	return mu2, sigma2
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

// descend sorts from the largest: a VAE's dimensions have no order of their own.
func descend(x []float64) {
	slices.Sort(x)
	slices.Reverse(x)
}
