package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"vaelab/internal/stream"
)

func near(a, b, tol float64) bool { return math.Abs(a-b) <= tol }

// darwin is the excess in height of crossed maize plants over self-fertilised ones, in
// eighths of an inch: Darwin 1876, as Fisher 1935, section 21, tests it.
var darwin = []float64{49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48}

// TestSignFlip: Fisher counts 863 of the 32,768 sums at 314 or above, 1,726 with both tails;
// the other numbers are counted by hand.
func TestSignFlip(t *testing.T) {
	for _, c := range []struct {
		name string
		d    []float64
		p    float64
	}{
		{"Darwin's maize", darwin, 1726. / 32768},
		{"five of one sign", []float64{1, 2, 3, 4, 5}, 0.0625},
		{"six of one sign", []float64{-1, -2, -3, -4, -5, -6}, 0.03125},
		// Sums of ±1 ±2 ±3: 6, 4, 2, 0 and 0, -2, -4, -6. At least 4 from 0: four of eight.
		{"three, the smallest flipped", []float64{-1, 2, 3}, 0.5},
		{"ties that rounding may break", []float64{0.1, 0.2, -0.3}, 1},
		// Sums of ±0.1 ±0.2 ±0.3 at least 0.4 from 0, of which 0.3+0.2-0.1 and 0.4 are not the same float.
		{"equal but for rounding", []float64{0.3, 0.2, -0.1}, 0.5},
		{"zeros", []float64{0, 0, 0}, 1},
		{"none", nil, 1},
	} {
		if got := SignFlip(c.d); got != c.p {
			t.Errorf("%s: p = %v, want %v", c.name, got, c.p)
		}
	}
}

// TestSignedRank: the depression scores of Hollander and Wolfe 1973, page 29, whose V is 40 and
// one-sided p 0.01953 (the example of R's wilcox.test); a point of the published tables; the
// smallest ones, counted by hand.
func TestSignedRank(t *testing.T) {
	before := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	depression := make([]float64, len(before))
	for i := range before {
		depression[i] = before[i] - after[i]
	}
	for _, c := range []struct {
		name string
		d    []float64
		p    float64
	}{
		{"Hollander and Wolfe", depression, 2 * 10. / 512},
		{"n = 10, W = 8: 25 of 1,024 in each tail", []float64{-8, 1, 2, 3, 4, 5, 6, 7, 9, 10}, 50. / 1024},
		{"five of one sign", []float64{1, 2, 3, 4, 5}, 0.0625},
		{"six of one sign", []float64{1, 2, 3, 4, 5, 6}, 0.03125},
		// Ranks 1.5, 1.5, 3; W is 6, 4.5, 4.5, 3, 3, 1.5, 1.5, 0, each of eight. At least 1.5 from 3: six.
		{"ties", []float64{-1, 1, 2}, 6. / 8},
		{"zeros are left out", []float64{0, 0, 1, 2, 3, 4, 5}, 0.0625},
		{"none", []float64{0}, 1},
	} {
		if got := SignedRank(c.d); !near(got, c.p, 1e-12) {
			t.Errorf("%s: p = %v, want %v", c.name, got, c.p)
		}
	}
}

// TestSignedRankIsSignFlipOfRanks: the one test is the other on ranks, with ties and all.
func TestSignedRankIsSignFlipOfRanks(t *testing.T) {
	for i := range 50 {
		r := stream.New(1, "ranks", i)
		n := 2 + r.IntN(9)
		ranks := make([]float64, n)
		for j := range ranks {
			ranks[j] = float64(j + 1)
			if r.IntN(2) == 0 {
				ranks[j] *= -1
			}
		}
		if got, want := SignedRank(ranks), SignFlip(ranks); !near(got, want, 1e-12) {
			t.Errorf("%v: %v, want %v", ranks, got, want)
		}
	}
}

func TestPaired(t *testing.T) {
	many := make([]float64, MaxFlips+1)
	for i := range many {
		many[i] = float64(i + 1)
	}
	if p, test := Paired(many[:6]); p != 0.03125 || test != "sign-flip test" {
		t.Errorf("six: %v by the %s", p, test)
	}
	if p, test := Paired(many); !near(p, math.Pow(2, -MaxFlips), 1e-15) || test != "signed-rank test" {
		t.Errorf("many: %v by the %s", p, test)
	}
}

// TestPairs: numbers are paired by seed, and those without a partner are counted.
func TestPairs(t *testing.T) {
	p := PairsOf(map[int]float64{7: 3, 1: 5, 2: 9}, map[int]float64{1: 4, 7: 1, 8: 0, 9: 0})
	if !slices.Equal(p.Seeds, []int{1, 7}) || !slices.Equal(p.A, []float64{5, 3}) || !slices.Equal(p.B, []float64{4, 1}) || p.Single != 3 {
		t.Errorf("%+v", p)
	}
	d := p.Difference(0.95)
	if !slices.Equal(d.Values, []float64{1, 2}) || d.Median != 1.5 || d.P != 0.5 || d.Test != "sign-flip test" || d.Decided || d.Shown() {
		t.Errorf("%+v", d)
	}
	if d := p.Difference(0.5); !d.Decided || !d.Shown() || d.Interval != (Interval{1, 2, 0.5}) {
		t.Errorf("two seeds reach 50 %%: %+v", d)
	}
	p.B[0] = 6
	if d := p.Difference(0.5); d.Shown() {
		t.Errorf("the interval contains 0: %+v", d)
	}
}

// TestHolm: four tests by hand: 4·0.005, 3·0.01, 2·0.03, and 0.04 kept from falling below.
func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if !near(got[i], want, 1e-15) {
			t.Errorf("got %v", got)
			break
		}
	}
	if got := Holm([]float64{0.6, 0.7}); !slices.Equal(got, []float64{1, 1}) {
		t.Errorf("got %v, want ones", got)
	}
	if got := Holm(nil); len(got) != 0 {
		t.Errorf("got %v of nothing", got)
	}
}

// TestMeanInterval: Student's sleep data (1908), with the interval that R's t.test prints.
func TestMeanInterval(t *testing.T) {
	mean, i := MeanInterval([]float64{1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4}, 0.95)
	if !near(mean, 1.58, 1e-12) || !near(i.Lo, 0.7001142, 1e-6) || !near(i.Hi, 2.4598858, 1e-6) {
		t.Errorf("mean %v, interval %v", mean, i)
	}
	if _, i := MeanInterval([]float64{3}, 0.95); !math.IsInf(i.Lo, -1) || !math.IsInf(i.Hi, 1) {
		t.Errorf("one value has the interval %v", i)
	}
}

// TestMedianInterval: ranks and levels as in the tables of the sign test (Conover 1999, A3).
func TestMedianInterval(t *testing.T) {
	for _, c := range []struct {
		n          int
		confidence float64
		lo, hi     float64 // the values are 1 ... n
		level      float64
	}{
		{1, 0.95, 1, 1, 0},
		{2, 0.95, 1, 2, 0.5},
		{5, 0.95, 1, 5, 0.9375},
		{6, 0.95, 1, 6, 0.96875},
		{8, 0.95, 1, 8, 0.9921875},
		{9, 0.95, 2, 8, 1 - 2*10./512},
		{10, 0.95, 2, 9, 1 - 2*11./1024},
		{10, 0.99, 1, 10, 1 - 2*1./1024},
		{20, 0.95, 6, 15, 1 - 2*21700./(1<<20)}, // 1 + 20 + 190 + 1140 + 4845 + 15504
	} {
		x := make([]float64, c.n)
		for i := range x {
			x[i] = float64(c.n - i)
		}
		if got := MedianInterval(x, c.confidence); got.Lo != c.lo || got.Hi != c.hi || !near(got.Level, c.level, 1e-12) {
			t.Errorf("n = %d at %v: got %v, want %v to %v at %v", c.n, c.confidence, got, c.lo, c.hi, c.level)
		}
		if x[0] != float64(c.n) {
			t.Error("the values were sorted in place")
		}
	}
	for confidence, want := range map[float64]int{0.5: 2, 0.9: 5, 0.95: 6, 0.99: 8} {
		if got := SeedsFor(confidence); got != want {
			t.Errorf("SeedsFor(%v) = %d, want %d", confidence, got, want)
		}
	}
	if Median([]float64{3, 1, 2}) != 2 || Median([]float64{4, 1, 2, 3}) != 2.5 {
		t.Error("the median is not in the middle")
	}
}

// TestCoverage: of many samples, at least 95 % have an interval around the true value. The
// median's does so for any distribution; the t interval for the normal one.
func TestCoverage(t *testing.T) {
	const samples = 4000
	slip := 3 * math.Sqrt(0.05*0.95/samples) // three standard errors of the share
	for _, c := range []struct {
		name   string
		median float64
		draw   func(r *rand.Rand) float64
	}{
		{"normal", 0, (*rand.Rand).NormFloat64},
		{"exponential", math.Ln2, (*rand.Rand).ExpFloat64},
		{"Cauchy", 0, func(r *rand.Rand) float64 { return math.Tan(math.Pi * (r.Float64() - 0.5)) }},
		{"whole numbers, tied", 1, func(r *rand.Rand) float64 { return float64(r.IntN(3)) }},
	} {
		for _, n := range []int{6, 10, 25} {
			medians, means := 0, 0
			r := stream.New(7, "coverage", c.name, n)
			x := make([]float64, n)
			for range samples {
				for i := range x {
					x[i] = c.draw(r)
				}
				if i := MedianInterval(x, 0.95); i.Lo <= c.median && c.median <= i.Hi {
					medians++
				}
				if _, i := MeanInterval(x, 0.95); i.Lo <= 0 && 0 <= i.Hi {
					means++
				}
			}
			if share := float64(medians) / samples; share < 0.95-slip {
				t.Errorf("%s, n = %d: the interval of the median covers it in %.3f of the samples", c.name, n, share)
			}
			if share := float64(means) / samples; c.name == "normal" && !near(share, 0.95, slip) {
				t.Errorf("n = %d: the t interval covers the mean in %.3f of the samples", n, share)
			}
		}
	}
}

// TestLevelOfTests: where nothing differs, p is at most 0.05 in at most 5 % of the samples.
func TestLevelOfTests(t *testing.T) {
	const samples = 2000
	slip := 3 * math.Sqrt(0.05*0.95/samples)
	for name, test := range map[string]func([]float64) float64{"SignFlip": SignFlip, "SignedRank": SignedRank} {
		r := stream.New(3, "level", name)
		small, d := 0, make([]float64, 8)
		for range samples {
			for i := range d {
				d[i] = r.NormFloat64() - r.NormFloat64()
			}
			if test(d) <= 0.05 {
				small++
			}
		}
		if share := float64(small) / samples; share > 0.05+slip || share < 0.02 {
			t.Errorf("%s: p is at most 0.05 in %.3f of the samples", name, share)
		}
	}
}

func TestPanics(t *testing.T) {
	nan := []float64{1, math.NaN()}
	for name, f := range map[string]func(){
		"Median of nothing":          func() { Median(nil) },
		"Median of NaN":              func() { Median(nan) },
		"MedianInterval of nothing":  func() { MedianInterval(nil, 0.95) },
		"MedianInterval at 95":       func() { MedianInterval([]float64{1}, 95) },
		"MeanInterval of NaN":        func() { MeanInterval(nan, 0.95) },
		"SeedsFor certainty":         func() { SeedsFor(1) },
		"SignFlip of NaN":            func() { SignFlip(nan) },
		"SignFlip of too many":       func() { SignFlip(make([]float64, MaxFlips+1)) },
		"SignedRank of NaN":          func() { SignedRank(nan) },
		"Holm of NaN":                func() { Holm(nan) },
		"SeedsFor of what is no one": func() { SeedsFor(math.NaN()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
