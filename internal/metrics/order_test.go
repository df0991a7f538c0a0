package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A channel is a linear model with Gaussian noise of vectors, with its exact posterior:
//
//	x = w z + r eps,   p(z|x) = N(w x/(w² + r²), r²/(w² + r²))
type channel struct{ w, r float64 }

func (c channel) model() *vae.Model { return &vae.Model{Encoder: c, Decoder: c, D: 2} }

func (c channel) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	m, s = p.Tape.Zeros(x.B(), 2), p.Tape.Zeros(x.B(), 2)
	total := c.w*c.w + c.r*c.r
	for i, v := range x.Values.Data {
		m.Data[i] = Float(c.w / total * float64(v))
		s.Data[i] = Float(math.Log(c.r * c.r / total))
	}
	return m, s
}

func (c channel) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	out := p.Tape.Zeros(x.B(), 1)
	for i := range x.B() {
		for j, v := range x.Values.Row(i) {
			out.Data[i] += Float(logNormal(float64(v), c.w*float64(z.Row(i)[j]), c.r*c.r))
		}
	}
	return out
}

// batchesOf cuts rows into batches of 32.
func batchesOf(rows [][]float32, labels []int) (out []*vae.Batch) {
	for first := 0; first < len(rows); first += 32 {
		last := min(first+32, len(rows))
		out = append(out, vae.NewGrid(rows[first:last], labels[first:last], false))
	}
	return out
}

// TestGapOfTheChannel: with x of the model the gap is D w²/r², and its standard error is what it
// scatters by from split to split, with one partner and with five. Examples that count as independent,
// as if no z explained a second x, would have too small an error.
func TestGapOfTheChannel(t *testing.T) {
	const runs, N = 200, 60
	c := channel{w: 1.5, r: 0.7}
	want := 2 * c.w * c.w / (c.r * c.r)
	for _, draws := range []int{1, GapDraws} {
		var gaps []float64
		var squares, naive float64
		for run := range uint64(runs) {
			rng := newRand(1000 + run)
			rows := make([][]float32, N)
			for i := range rows {
				for range 2 {
					rows[i] = append(rows[i], float32(c.w*rng.NormFloat64()+c.r*rng.NormFloat64()))
				}
			}
			batches := batchesOf(rows, make([]int, N))
			e := Encode(c.model(), batches, run)
			gap, se := e.Gap(c.model(), batches, draws, run)
			gaps, squares = append(gaps, gap), squares+se*se/runs
			own := make([]float64, N)
			for r := range draws {
				for i, g := range e.losses(c.model(), batches, derangement(N, run, r)) {
					own[i] += g / float64(draws)
				}
			}
			_, v := meanVariance(own)
			naive += v / N / runs
		}
		mean, variance := meanVariance(gaps)
		near(t, "gap", mean, want, 4*math.Sqrt(variance/runs))
		near(t, "standard error over scatter", math.Sqrt(squares/variance), 1, 0.1) // the scatter has an error of 5 %
		t.Logf("%d draws: gap %v, scatter %v, standard error over it %v", draws, mean, math.Sqrt(variance), math.Sqrt(squares/variance))
		if ratio := math.Sqrt(naive / variance); ratio > 0.9 {
			t.Errorf("%d draws: independent examples would have %v of the scatter: the test tells nothing", draws, ratio)
		}
	}
}

// TestDerangement: every other example is the partner equally often, and never the example itself.
func TestDerangement(t *testing.T) {
	const n, draws = 5, 8000
	var times [n][n]int
	for r := range draws {
		p := derangement(n, 3, r)
		for i, k := range p {
			times[i][k]++
		}
		slices.Sort(p)
		if !slices.Equal(p, []int{0, 1, 2, 3, 4}) {
			t.Fatalf("no permutation: %v", p)
		}
	}
	for i := range n {
		for k := range n {
			want := draws / (n - 1.)
			if i == k {
				want = 0
			}
			if d := float64(times[i][k]) - want; math.Abs(d) > 4*math.Sqrt(want*(1-1./(n-1))) {
				t.Errorf("%d is the partner of %d in %d of %d draws, want %v", k, i, times[i][k], draws, want)
			}
		}
	}
}

// topics are 600 examples of four topics, in their order or in none.
func topics(sorted bool) (rows [][]float32, labels []int) {
	rng := newRand(71)
	for i := range 600 {
		y := i * 4 / 600
		rows = append(rows, []float32{float32(3*(y%2)) + float32(0.8*rng.NormFloat64()), float32(3*(y/2)) + float32(0.8*rng.NormFloat64())})
		labels = append(labels, y)
	}
	if !sorted {
		rng = rand.New(rand.NewPCG(72, 1))
		rng.Shuffle(len(rows), func(i, j int) {
			rows[i], rows[j] = rows[j], rows[i]
			labels[i], labels[j] = labels[j], labels[i]
		})
	}
	return rows, labels
}

// nextGap is the gap as it was defined before: the partner is the next example of the batch.
func nextGap(e *Encoded, m *vae.Model, batches []*vae.Batch) float64 {
	partner := make([]int, e.N)
	first := 0
	for _, B := range e.Sizes {
		for i := range B {
			partner[first+i] = first + (i+1)%B
		}
		first += B
	}
	mean, _ := meanVariance(e.losses(m, batches, partner))
	return mean
}

// TestOrderIsNothing: a file that is sorted by topic has the gap of a shuffled one, the MI in batches and
// the penalty of free bits, within their errors. By the next example of the file, and by the batches of
// the file, it has not.
func TestOrderIsNothing(t *testing.T) {
	m := channel{w: 1, r: 0.6}.model()
	var err error
	if m.Variant, err = variants.Build(vae.Builder{D: 2}, variants.FreeBits{Lambda: 3.5}); err != nil { // about the mean KL
		t.Fatal(err)
	}
	type numbers struct{ gap, se, next, batch, fileBatch, free, fileFree float64 }
	measure := func(sorted bool) (n numbers) {
		batches := batchesOf(topics(sorted))
		e := Encode(m, batches, 1)
		n.gap, n.se = e.Gap(m, batches, GapDraws, 1)
		n.next = nextGap(e, m, batches)
		n.batch, _ = e.BatchMI(vae.Mixed, 1)
		_, n.free, _ = e.Objective(1, vae.Mixed, 1)
		first := 0
		for _, B := range e.Sizes {
			part := encodedPart(e, first, first+B)
			mi, _ := part.BatchMI(vae.Mixed, 1)
			n.fileBatch += mi * float64(B) / float64(e.N)
			_, penalty, _ := part.Objective(1, vae.Mixed, 1)
			n.fileFree += penalty * float64(B) / float64(e.N)
			first += B
		}
		return n
	}
	a, b := measure(true), measure(false)
	near(t, "gap of the sorted file", a.gap, b.gap, 2*math.Hypot(a.se, b.se))
	if b.next-a.next < 10*math.Hypot(a.se, b.se) {
		t.Errorf("the next example's z costs %v in the sorted file, %v in the shuffled one: the test tells nothing", a.next, b.next)
	}
	near(t, "MI in batches of the sorted file", a.batch, b.batch, 0.12) // 600 entropy terms with a variance of D/2, twice
	if b.fileBatch-a.fileBatch < 0.5 {
		t.Errorf("in batches of the file MI is %v sorted, %v shuffled: the test tells nothing", a.fileBatch, b.fileBatch)
	}
	near(t, "free bits of the sorted file", a.free, b.free, 0.2)
	if a.fileFree-b.fileFree < 0.5 {
		t.Errorf("in batches of the file free bits are %v sorted, %v shuffled: the test tells nothing", a.fileFree, b.fileFree)
	}
	// Any batching: partners are drawn over the split.
	rows, labels := topics(true)
	whole := []*vae.Batch{vae.NewGrid(rows, labels, false)}
	gap, se := Encode(m, whole, 1).Gap(m, whole, GapDraws, 1)
	near(t, "gap of one batch", gap, a.gap, 2*math.Hypot(se, a.se))
}

// encodedPart are the examples from ... to-1 as a split of one batch.
func encodedPart(e *Encoded, from, to int) *Encoded {
	var rows []int
	for i := from; i < to; i++ {
		rows = append(rows, i)
	}
	part := e.pick(rows)
	part.Sizes, part.Rec, part.model = []int{to - from}, e.Rec[from:to], e.model
	return part
}

// TestTurnsAreNothing: classes that come in turns, ten of them, are all among the 500 z that MIDim is
// made of, and among those that make the means of Recovery. Every tenth of 5,000 would be of one class.
func TestTurnsAreNothing(t *testing.T) {
	const N, classes = 5000, 10
	rng := newRand(73)
	inTurns := made(N, 1, rng, func(i, _ int) float64 { // class 0 lies alone, the others together
		if i%classes == 0 {
			return 8
		}
		return 0
	}, func(int, int) float64 { return math.Log(0.1) })
	for i := range N {
		inTurns.Labels = append(inTurns.Labels, i%2)
		inTurns.Mu[i] += 3 * float64(i%2)
	}
	// Three places: class 0 (8), even (0) and odd ones (3), known for sure.
	var want float64
	for _, share := range []float64{0.1, 0.4, 0.5} {
		want -= share * math.Log(share)
	}
	for i := range inTurns.Z {
		inTurns.Z[i] += 3 * float64(i%2)
	}
	near(t, "MI of a dimension", inTurns.MIDim(1)[0], want, 0.1) // -ln share has a deviation of 0.5 over 500
	// The even ones are at 0 and, a fifth of them, at 8, a mean of 1.6; those at 8 are nearer to 3 than to it.
	near(t, "recovery", inTurns.Recovery(1), 0.9, 0.02)
}

// TestBNGapOfDrawnBatches: batches of a sorted file have statistics of their own; drawn ones have those
// of the split, whatever the file's order.
func TestBNGapOfDrawnBatches(t *testing.T) {
	ps := &nn.Params{Seed: 3}
	variant, err := variants.Build(vae.Builder{Params: ps, D: 2}, variants.BNScaler{Tau: 0.5, Eps: 1e-8, Momentum: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	c := channel{w: 1, r: 0.6}
	m := &vae.Model{Params: ps, Encoder: spread{c}, Decoder: c, Variant: variant, D: 2}
	drawn := func(sorted bool, seed uint64) float64 {
		rows, labels := topics(sorted)
		rng := newRand(seed)
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		return BNGap(m, batchesOf(rows, labels))
	}
	var by [2][]float64
	for seed := range uint64(20) {
		by[0] = append(by[0], drawn(true, 80+seed))
		by[1] = append(by[1], drawn(false, 110+seed))
	}
	a, va := meanVariance(by[0])
	b, vb := meanVariance(by[1])
	near(t, "gap of drawn batches", a, b, 4*math.Sqrt((va+vb)/20))
	if file := BNGap(m, batchesOf(topics(true))); math.Abs(file-b) < 10*math.Sqrt(vb) {
		t.Errorf("batches of the sorted file have %v, drawn ones %v ± %v: the test tells nothing", file, b, math.Sqrt(vb))
	}
}

// spread is a channel whose raw scale varies with x, as that of a learnt encoder does.
type spread struct{ channel }

func (s spread) Encode(p *nn.Pass, x *vae.Batch) (m, scale *grad.Value) {
	m, scale = s.channel.Encode(p, x)
	return m, scale.Add(m.Scale(0.5))
}
