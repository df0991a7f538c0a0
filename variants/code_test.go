package variants

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

func TestGoldenCategorical(t *testing.T) {
	var want struct {
		Logits, Gumbel [][]float64
		Temperature    float64
		KL             float64
		DKL            [][]float64 `json:"dkl_dlogits"`
		Y              [][]float64
		Index          []int
		Tol            float64
	}
	golden(t, "categorical.json", &want)
	K := len(want.Logits[0])
	tape := &grad.Tape{}
	logits, dlogits := leaf(tape, want.Logits)
	variant := Categorical{Symbols: 1, Temperature: want.Temperature}.Build(vae.Builder{D: K})
	p := &nn.Pass{Tape: tape, Train: true, Noise: rand.New(rand.NewPCG(1, 1))}
	kl := variant.Prior.KL(p, variant.Head(p, logits, nil), nil, nil).RowSums().Mean()
	near(t, "KL", []Float{Float(kl.Scalar())}, []float64{want.KL}, want.Tol)
	kl.Backward()
	near(t, "dKL/dlogits", dlogits, flat(want.DKL), want.Tol)
	// The sample of the golden's gumbel, which no generator draws: it is added to the logits, and the pass has none.
	moved := make([][]float64, len(want.Logits))
	for i, row := range want.Logits {
		for k, l := range row {
			moved[i] = append(moved[i], l+want.Gumbel[i][k])
		}
	}
	scores, _ := leaf(tape, moved)
	still := &nn.Pass{Tape: tape, Train: true}
	near(t, "y", vae.NewOneHot(scores, K, Float(want.Temperature), true).Sample(still).Data, flat(want.Y), want.Tol)
	hard := vae.NewOneHot(scores, K, Float(want.Temperature), false).Sample(still)
	for i, k := range want.Index {
		row := make([]Float, K)
		row[k] = 1
		if !slices.Equal(hard.Row(i), row) {
			t.Errorf("symbol %d is %v, want value %d", i, hard.Row(i), k)
		}
	}
}

func TestGoldenVQ(t *testing.T) {
	var want struct {
		Codebook  [][]float64
		ZQ        [][]float64 `json:"z_q"`
		Index     []int
		Beta      float64
		MSE, Loss float64
		Rate, Tol float64
		EMA       struct {
			Decay  float64
			Counts []float64
			Codes  [][]float64
		}
	}
	var batch struct{ Mu [][]float64 }
	golden(t, "vq.json", &want)
	golden(t, "batch.json", &batch)
	K, D := len(want.Codebook), len(want.Codebook[0])
	ps := &nn.Params{}
	variant := VQ{K: K, Beta: want.Beta, Decay: want.EMA.Decay}.Build(vae.Builder{Params: ps, D: D})
	codes, n := ps.Get("encoder.vq.codes"), ps.Get("encoder.vq.n")
	for a, c := range flat(want.Codebook) {
		codes.Data[a] = Float(c)
	}
	for a := range n.Data {
		n.Data[a] = 1
	}
	tape := &grad.Tape{}
	m, dm := leaf(tape, batch.Mu)
	p := &nn.Pass{Tape: tape, Train: true}
	q := variant.Head(p, m, nil)
	near(t, "z", q.Sample(p).Data, flat(want.ZQ), want.Tol)
	for i, a := range want.Index {
		near(t, "the code of an example", q.Mean().Row(i), want.Codebook[a], want.Tol)
	}
	for i := range m.Rows {
		near(t, "rate", []Float{variant.Prior.KL(p, q, nil, nil).Row(i)[0]}, []float64{want.Rate}, want.Tol)
	}
	loss := variant.Extras[0](p, &vae.Terms{Q: q})
	near(t, "loss", []Float{Float(loss.Scalar())}, []float64{want.Loss}, want.Tol)
	near(t, "mse", []Float{Float(loss.Scalar() / want.Beta)}, []float64{want.MSE}, want.Tol)
	loss.Add(q.Mean().Sum()).Backward()
	for i, g := range dm { // that of the loss, and 1 that is copied
		x, z := flat(batch.Mu)[i], flat(want.ZQ)[i]
		near(t, "dloss/dm", []Float{g}, []float64{1 + 2*want.Beta*(x-z)/float64(m.Rows)}, 1e-6)
	}
	variant.Project()
	near(t, "codes after a step", codes.Data, flat(want.EMA.Codes), want.Tol)
	near(t, "counts after a step", n.Data, want.EMA.Counts, want.Tol)
}

func TestGoldenFSQ(t *testing.T) {
	var want struct {
		Z, Rounded [][]float64
		Levels     []int
		ToDecoder  [][]float64 `json:"to_decoder"`
		Rate, Tol  float64
	}
	golden(t, "fsq.json", &want)
	rate := 0.0
	for j, L := range want.Levels { // a dimension each: the golden's have levels of their own
		column := func(rows [][]float64) (one [][]float64) {
			for _, row := range rows {
				one = append(one, []float64{row[j]})
			}
			return one
		}
		tape := &grad.Tape{}
		m, dm := leaf(tape, column(want.Z))
		variant := FSQ{Levels: L}.Build(vae.Builder{D: 1})
		p := &nn.Pass{Tape: tape, Train: true}
		q := variant.Head(p, m, nil)
		near(t, "to the decoder", q.Mean().Data, flat(column(want.ToDecoder)), want.Tol)
		for i, r := range flat(column(want.Rounded)) {
			near(t, "rounded", []Float{q.Mean().Data[i] * Float(L/2)}, []float64{r}, want.Tol)
		}
		rate += variant.Prior.KL(p, q, nil, nil).RowSums().Mean().Scalar()
		q.Mean().Sum().Backward()
		half, offset := float64(L-1)*(1-1e-3)/2, 0.5*float64(1-L%2)
		for i, x := range flat(column(want.Z)) { // the gradient of the bound, not of the rounding
			th := math.Tanh(x + math.Tan(offset/half))
			near(t, "dz/dm", []Float{dm[i]}, []float64{half * (1 - th*th) / float64(L/2)}, 1e-5)
		}
	}
	if math.Abs(rate-want.Rate) > max(want.Tol, 1e-6) {
		t.Errorf("rate %v, want %v", rate, want.Rate)
	}
}

// TestTheoremFSQ: over all m a dimension takes each of its levels, and no other value; so do draws of the prior.
func TestTheoremFSQ(t *testing.T) {
	for L := 2; L <= 9; L++ {
		variant := FSQ{Levels: L}.Build(vae.Builder{D: 1})
		tape := &grad.Tape{}
		m := tape.Zeros(4001, 1)
		for i := range m.Data {
			m.Data[i] = Float(i-2000) / 200
		}
		seen, drawn := map[Float]bool{}, map[Float]bool{}
		for _, z := range variant.Head(&nn.Pass{Tape: tape}, m, nil).Mean().Data {
			seen[z] = true
		}
		noise, z := rand.New(rand.NewPCG(1, 2)), make([]float64, 1)
		for range 400 {
			variant.Prior.Density(nil, nil)(0).Draw(noise, z)
			drawn[Float(z[0])] = true
		}
		if len(seen) != L || len(drawn) != L {
			t.Errorf("%d levels: %d of m, %d of the prior", L, len(seen), len(drawn))
		}
		for z := range seen {
			if !drawn[z] || z < -1 || z > 1 {
				t.Errorf("%d levels: %v is not one of the prior's", L, z)
			}
		}
	}
}

// TestTheoremCategorical: the KL of one symbol is ln K where q is certain and 0 where it is uniform, and in between its
// mean over drawn symbols of ln q - ln p.
func TestTheoremCategorical(t *testing.T) {
	const K = 5
	variant := Categorical{Symbols: 2, Temperature: 1}.Build(vae.Builder{D: 2 * K})
	tape := &grad.Tape{}
	m := tape.Zeros(2, 2*K)
	m.Row(0)[1], m.Row(0)[K+2] = 200, 200
	p := &nn.Pass{Tape: tape}
	kl := variant.Prior.KL(p, variant.Head(p, m, nil), nil, nil)
	for i, want := range []float64{math.Log(K), math.Log(K), 0, 0} {
		if got := float64(kl.Data[i]); math.Abs(got-want) > 1e-5 {
			t.Errorf("KL %d: %v, want %v", i, got, want)
		}
	}
	for D, ok := range map[int]bool{4: true, 6: true, 2: false, 5: false, 32: true} {
		if err := (Categorical{Symbols: 2}).fits(D); (err == nil) != ok {
			t.Errorf("two symbols in %d dimensions: %v", D, err)
		}
	}
}

// TestVQRestarts: at the first step every code becomes an example; later only those that are hardly used. A pass of
// evaluation, or one without an update, moves nothing, and an update counts the last pass alone.
func TestVQRestarts(t *testing.T) {
	const K, B = 3, 40
	ps := &nn.Params{Seed: 4}
	variant := VQ{K: K, Beta: 0.25, Decay: 0.9, Restart: 0.05}.Build(vae.Builder{Params: ps, D: 2})
	codes, n := ps.Get("encoder.vq.codes"), ps.Get("encoder.vq.n")
	tape := &grad.Tape{}
	m := tape.Zeros(B, 2)
	for i := range B {
		m.Row(i)[0], m.Row(i)[1] = Float(100+i), Float(-i)
	}
	train := &nn.Pass{Tape: tape, Train: true, Noise: rand.New(rand.NewPCG(3, 3))}
	before := slices.Clone(codes.Data)
	variant.Head(&nn.Pass{Tape: tape, Noise: train.Noise}, m, nil)
	variant.Head(train, m, nil)
	if !slices.Equal(before, codes.Data) {
		t.Error("codes move before the update")
	}
	variant.Project()
	for a := range K {
		if c := codes.Row(a); c[0] < 100 || c[0] != 100-c[1] || n.Data[a] != 1 {
			t.Errorf("code %d is %v with n %v, and no example", a, c, n.Data[a])
		}
	}
	copy(codes.Data, []Float{100, 0, 139, -39, -1e4, 0}) // the last is far from all
	for range 40 {
		if n.Data[2] < 0.05 {
			break
		}
		variant.Head(train, m, nil)
		variant.Head(train, m, nil)
		variant.Project()
		if codes.Row(2)[0] != -1e4 {
			t.Fatalf("an unused code moved to %v at n %v", codes.Row(2), n.Data[2])
		}
	}
	if sum := n.Data[0] + n.Data[1]; math.Abs(float64(sum)-B) > 4 { // twice as many if both passes counted
		t.Errorf("n of the used codes is %v of %d examples", sum, B)
	}
	variant.Head(train, m, nil)
	variant.Project()
	if codes.Row(2)[0] < 100 {
		t.Errorf("the unused code stays at %v", codes.Row(2))
	}
	used := map[Float]bool{}
	for _, z := range variant.Head(&nn.Pass{Tape: tape}, m, nil).Mean().Data {
		used[z] = true
	}
	if len(used) != 2*K {
		t.Errorf("%d numbers in use, want those of %d codes", len(used), K)
	}
}
