package variants

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// jacobian is that of a map at y, (O, I).
func jacobian(y []float64, f func(p *nn.Pass, y *grad.Value) *grad.Value) [][]float64 {
	var rows [][]float64
	for k := 0; ; k++ {
		tape := &grad.Tape{}
		at, gradient := leaf(tape, [][]float64{y})
		out := f(&nn.Pass{Tape: tape}, at)
		out.Columns(k, k+1).Sum().Backward()
		var row []float64
		for _, g := range gradient {
			row = append(row, float64(g))
		}
		if rows = append(rows, row); k == out.Cols-1 {
			return rows
		}
	}
}

// spectrum is the eigenvalues of a symmetric matrix, the least first, and how far the matrix is from symmetric.
func spectrum(t *testing.T, m [][]float64) (values []float64, skew float64) {
	t.Helper()
	n := len(m)
	sym := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range n {
			skew = max(skew, math.Abs(m[i][j]-m[j][i]))
			sym.SetSym(min(i, j), max(i, j), (m[i][j]+m[j][i])/2)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(sym, false) {
		t.Fatal("no eigenvalues")
	}
	return eigen.Values(nil), skew
}

// leastRatio is the least |f(r) - f(r')|/|r - r'| over pairs of rows.
func leastRatio(r, f *grad.Value) float64 {
	distance := func(v *grad.Value, i, k int) (sum float64) {
		for j, x := range v.Row(i) {
			d := float64(x) - float64(v.Row(k)[j])
			sum += d * d
		}
		return math.Sqrt(sum)
	}
	least := math.Inf(1)
	for i := range r.Rows {
		for k := range i {
			least = min(least, distance(f, i, k)/distance(r, i, k))
		}
	}
	return least
}

// TestGoldenLIDVAE: one map T, its Jacobian with eigenvalues, and the least ratio of distances; as a product T is the same.
func TestGoldenLIDVAE(t *testing.T) {
	var want struct {
		W, Z, T    [][]float64
		A, B       []float64
		L          float64
		Jacobian   [][]float64 `json:"jacobian_at_first"`
		Eigen      []float64   `json:"eigenvalues"`
		LeastRatio float64     `json:"least_ratio"`
		Tol        float64
	}
	golden(t, "lidvae.json", &want)
	ps := &nn.Params{}
	m := nn.NewBrenier(ps, "decoder.t", len(want.W[0]), len(want.W), want.L)
	for i, w := range flat(want.W) {
		m.Weight.Data[i] = Float(w)
	}
	for k, a := range want.A {
		m.Scale.Data[k], m.Shift.Data[k] = Float(math.Log(math.Expm1(a))), Float(want.B[k])
	}
	tape := &grad.Tape{NoGrad: true}
	p := &nn.Pass{Tape: tape}
	z, _ := leaf(tape, want.Z)
	out := m.Apply(p, z)
	near(t, "T", out.Data, flat(want.T), want.Tol)
	near(t, "T as a product", vae.Output(m.Wide).Apply(p, z).Data, flat(want.T), want.Tol)
	near(t, "least ratio", []Float{Float(leastRatio(z, out))}, []float64{want.LeastRatio}, want.Tol)
	J := jacobian(want.Z[0], m.Apply)
	var numbers []Float
	for _, x := range flat(J) {
		numbers = append(numbers, Float(x))
	}
	near(t, "Jacobian", numbers, flat(want.Jacobian), want.Tol)
	values, _ := spectrum(t, J)
	for i, v := range values {
		near(t, "eigenvalue", []Float{Float(v)}, want.Eigen[i:i+1], want.Tol)
	}
}

// TestTheoremLIDVAE: whatever its parameters, T has a symmetric Jacobian with no eigenvalue below sqrt(l), and predictions are
// at least l times as far apart as what they are made of. Where a vanishes that is an equality. With l 0 no two are the same.
func TestTheoremLIDVAE(t *testing.T) {
	const in, out = 3, 5
	for _, l := range []float64{0, 0.1, 1, 4} {
		for _, c := range []struct{ size, scale float64 }{{0.3, 0}, {1, 2}, {3, -1}, {1, -40}} {
			ps := &nn.Params{Seed: 3}
			output, err := LIDVAE{L: l, Hidden: 6}.Build(vae.Builder{Params: ps}).Output(in, out)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(5, 6))
			for _, p := range ps.Learnt() {
				for j := range p.Data {
					p.Data[j] = Float(c.size * rng.NormFloat64())
					if strings.HasSuffix(p.Name, ".scale") {
						p.Data[j] += Float(c.scale)
					}
				}
			}
			tape := &grad.Tape{NoGrad: true}
			r := tape.Zeros(40, in)
			for i := range r.Data {
				r.Data[i] = Float(math.Pow(3, float64(i/in%4-2)) * rng.NormFloat64()) // near and far
			}
			ratio := leastRatio(r, output.Apply(&nn.Pass{Tape: tape}, r))
			vanishes := c.scale < -10
			switch {
			case ratio < l*(1-1e-4):
				t.Errorf("l %v, %+v: the least ratio is %v", l, c, ratio)
			case vanishes && ratio > l*(1+1e-4)+1e-12:
				t.Errorf("l %v without sigmoids: the least ratio is %v", l, ratio)
			case !vanishes && c.size < 3 && ratio < l+1e-6: // larger sigmoids saturate
				t.Errorf("l %v, %+v: the sigmoids add nothing to the ratio %v", l, c, ratio)
			}
			for name, n := range map[string]int{"inner": in, "outer": out} {
				m := nn.Brenier{Least: Float(math.Sqrt(l)), Weight: ps.Get("decoder.lidvae." + name + ".weight"),
					Scale: ps.Get("decoder.lidvae." + name + ".scale"), Shift: ps.Get("decoder.lidvae." + name + ".bias")}
				y := make([]float64, n)
				for j := range y {
					y[j] = rng.NormFloat64()
				}
				values, skew := spectrum(t, jacobian(y, m.Apply))
				if skew > 1e-5*values[n-1] || values[0] < math.Sqrt(l)-1e-5*values[n-1] {
					t.Errorf("l %v, %+v: %s has a Jacobian with eigenvalues %v that is off symmetry by %v", l, c, name, values, skew)
				}
			}
		}
	}
}

// TestLIDVAERefuses: maps that cannot be injective, and what would undo the bound.
func TestLIDVAERefuses(t *testing.T) {
	for _, c := range []struct {
		method  LIDVAE
		in, out int
		want    string
	}{
		{LIDVAE{L: 1, Hidden: 2}, 8, 7, "lidvae: the decoder makes 7 predictions of 8 numbers, so they cannot tell all z apart; lower the sizes of the decoder, or use a larger vocabulary or larger examples"},
		{LIDVAE{L: 0, Hidden: 7}, 8, 9, "lidvae: hidden 7 is below the 8 numbers of which the decoder makes predictions, so with l 0 the map is not injective; raise hidden to 8, or set l above 0"},
		{LIDVAE{L: 0, Hidden: 8}, 8, 8, ""},
		{LIDVAE{L: 0.1, Hidden: 1}, 8, 8, ""},
	} {
		_, err := c.method.Build(vae.Builder{Params: &nn.Params{}}).Output(c.in, c.out)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%+v of %d and %d: %v, want %q", c.method, c.in, c.out, err, c.want)
		}
	}
	if _, err := Check(LIDVAE{L: 1, Hidden: 2}, Skip{Init: "pytorch"}); err == nil || !strings.Contains(err.Error(), "lidvae and skip both act on the logits") {
		t.Errorf("with skip: %v", err)
	}
}
