package data

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// gaussian is the registered default with other sizes.
func gaussian(t testing.TB, train, valid, test int) Gaussian {
	t.Helper()
	d, err := Sources.Get("gaussian")
	if err != nil {
		t.Fatal(err)
	}
	c := d.(Gaussian)
	c.Train, c.Valid, c.Test = train, valid, test
	return c
}

// covariance is W W' + noise I, as the model's definition reads.
func covariance(g *LinearGaussian) *mat.SymDense {
	w := g.W()
	P, _ := w.Dims()
	var c mat.Dense
	c.Mul(w, w.T())
	out := mat.NewSymDense(P, nil)
	for i := range P {
		for j := i; j < P; j++ {
			out.SetSym(i, j, c.At(i, j))
		}
		out.SetSym(i, i, c.At(i, i)+g.Noise)
	}
	return out
}

func model(t *testing.T, c Gaussian) *LinearGaussian {
	t.Helper()
	g, err := c.Model()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGaussianSpectrum: the covariance has the eigenvalues of the settings, exactly.
func TestGaussianSpectrum(t *testing.T) {
	for _, c := range []Gaussian{
		{Dims: 7, Spectrum: "4, 2,1.2,1", Noise: 0.5, Seed: 3},
		{Dims: 3, Spectrum: "9,2,2", Noise: 2, Seed: 4},
		{Dims: 1, Spectrum: "1", Noise: 0.1, Seed: 4},
	} {
		var eigen mat.EigenSym
		if !eigen.Factorize(covariance(model(t, c)), false) {
			t.Fatal("no eigenvalues")
		}
		got := eigen.Values(nil)
		spectrum, err := c.eigenvalues()
		if err != nil {
			t.Fatal(err)
		}
		for len(spectrum) < c.Dims {
			spectrum = append(spectrum, c.Noise)
		}
		slices.Sort(spectrum)
		for i, want := range spectrum {
			if math.Abs(got[i]-want) > 1e-12 {
				t.Errorf("%q: eigenvalues %v, want %v", c.Spectrum, got, spectrum)
				break
			}
		}
	}
}

// TestGaussianNLL compares with the density written with the whole covariance,
// ½ (P log 2π + log det C + x' C^-1 x), and its mean over vectors with the entropy.
func TestGaussianNLL(t *testing.T) {
	c := gaussian(t, 20000, 0, 0)
	c.Dims = 6
	g := model(t, c)
	var chol mat.Cholesky
	if !chol.Factorize(covariance(g)) {
		t.Fatal("the covariance is not positive definite")
	}
	constant := (6*math.Log(2*math.Pi) + chol.LogDet()) / 2
	if got, want := g.Entropy(), constant+6./2; math.Abs(got-want) > 1e-10 {
		t.Errorf("entropy %v, want %v", got, want)
	}
	var sum, square float64
	rows := load(t, c).Train.Values
	for i, row := range rows {
		nll := g.NLL(row)
		sum, square = sum+nll, square+nll*nll
		if i >= 20 {
			continue
		}
		x := mat.NewVecDense(6, nil)
		for p, v := range row {
			x.SetVec(p, float64(v))
		}
		var solved mat.VecDense
		if err := chol.SolveVecTo(&solved, x); err != nil {
			t.Fatal(err)
		}
		if want := constant + mat.Dot(x, &solved)/2; math.Abs(nll-want) > 1e-9 {
			t.Errorf("vector %d: NLL %v, want %v", i, nll, want)
		}
	}
	n := float64(len(rows))
	mean := sum / n
	if sd := math.Sqrt((square/n - mean*mean) / n); math.Abs(mean-g.Entropy()) > 5*sd {
		t.Errorf("mean NLL %v of the vectors, entropy %v, standard error %v", mean, g.Entropy(), sd)
	}
}

// TestInformation: the mean over vectors of ln p(x|z) - ln p(x), z their own.
func TestInformation(t *testing.T) {
	c := gaussian(t, 20000, 0, 0)
	g, rows := model(t, c), load(t, c).Train
	var sum, square float64
	w := g.W()
	for i, x := range rows.Values {
		told := g.NLL(x)
		for p, v := range x {
			d := float64(v) - mat.Dot(w.RowView(p), mat.NewVecDense(len(rows.Latents[i]), rows.Latents[i]))
			told -= (d*d/g.Noise + math.Log(2*math.Pi*g.Noise)) / 2
		}
		sum, square = sum+told, square+told*told
	}
	n := float64(len(rows.Values))
	near(t, "mean of ln p(x|z) - ln p(x)", sum/n, g.Information(), 4*math.Sqrt((square/n-sum*sum/n/n)/n))
}

func TestGaussianSet(t *testing.T) {
	c := gaussian(t, 200, 10, 20)
	set, more := load(t, c), load(t, gaussian(t, 250, 11, 20))
	if set.Height != 1 || set.Width != 20 || !set.Real || set.Grey || set.Train.N() != 200 || set.Valid.N() != 10 || set.Test.N() != 20 {
		t.Errorf("%d x %d, real %v, %d %d %d", set.Height, set.Width, set.Real, set.Train.N(), set.Valid.N(), set.Test.N())
	}
	if again := load(t, c); again.Digest != set.Digest {
		t.Errorf("digests %s and %s of the same settings", set.Digest, again.Digest)
	}
	for i, row := range set.Valid.Values {
		if !slices.Equal(row, more.Valid.Values[i]) {
			t.Errorf("vector %d of valid depends on the sizes", i)
		}
	}
	// The latents explain the vectors: what W z leaves has the variance of the noise.
	w := model(t, c).W()
	var left float64
	for i, z := range set.Train.Latents {
		var x mat.VecDense
		x.MulVec(w, mat.NewVecDense(len(z), z))
		for p, v := range set.Train.Values[i] {
			left += (float64(v) - x.AtVec(p)) * (float64(v) - x.AtVec(p))
		}
	}
	if n := 200. * 20; math.Abs(left/n-c.Noise) > 5*math.Sqrt(2/n) {
		t.Errorf("W z leaves a variance of %v, want %v", left/n, c.Noise)
	}
}

func TestGaussianErrors(t *testing.T) {
	for spectrum, says := range map[string]string{
		"":                      `got ""`,
		"4,two":                 `got "two"`,
		"4;2":                   `got "4;2"`,
		"4,NaN":                 `got "NaN"`,
		"4,0.5":                 "the eigenvalue 0.5 must be at least the noise 1",
		"9,8,7,6,5,4,3,2,1,1,1": "11 eigenvalues for 10 dims",
	} {
		c := gaussian(t, 1, 1, 1)
		c.Dims, c.Spectrum = 10, spectrum
		_, err := c.Load()
		wantError(t, err, "gaussian: spectrum: ", says)
	}
}
