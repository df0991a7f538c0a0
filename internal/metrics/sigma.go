package metrics

import (
	"math"

	"vaelab/internal/record"
)

func init() {
	Register(Group{
		Splits: Evaluations, Need: NeedGaussian,
		Measure: func(s *Split, r Row) {
			r.Values["sigma_small"], r.Values["sigma_negative"], r.Values["logvar"] = s.SigmaSigns()
		},
		Metrics: []Metric{
			{Name: "sigma_small", Doc: "share of |sigma| below 0.05"},
			{Name: "sigma_negative", Doc: "share of sigma below 0"},
			{Name: "logvar", Doc: "E[ln sigma²] over examples and dimensions"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Evaluations, Need: &Need{"a method whose sigma ends at 0", func(f Facts) bool { return f.Variant.Deterministic }},
		Measure: func(s *Split, r Row) {
			_, sigma2 := s.SecondMoments()
			r.Values["z_noise"] = math.Sqrt(sigma2)
		},
		Metrics: []Metric{
			{Name: "z_noise", Doc: "root mean square of sigma, which the method lowers to a number that stands for 0"},
		},
	})
}

func init() {
	Register(Group{
		Splits: Tests, Need: NeedGaussian,
		Measure: func(s *Split, r Row) {
			r.Vectors["sigma_histogram"] = s.SigmaHistogram()
		},
		Metrics: []Metric{
			{Name: "sigma_histogram", Doc: "share of sigma in each bin", Vector: true, Size: SigmaBins},
		},
	})
}

// smallSigma is where a sigma that changes sign counts as near zero: its dimension costs 2.5
// nats or more.
const smallSigma = 0.05

// SigmaSigns are, over examples and dimensions, the share of |sigma| < 0.05, the share of
// sigma < 0, and the mean of ln sigma². A method that normalises sigma around zero has half its
// sigmas negative and pays for those near zero; if sigma is Gaussian the mean of ln sigma² is
// ln E[sigma²] - 1.27. The numbers are ours; the question is of the comments on Su 2020
// (kexue.fm/archives/7381).
func (e *Encoded) SigmaSigns() (small, negative, logvar float64) {
	n := float64(len(e.Sigma))
	for i, s := range e.Sigma {
		if math.Abs(s) < smallSigma {
			small += 1 / n
		}
		if s < 0 {
			negative += 1 / n
		}
		logvar += e.Logvar[i] / n
	}
	return small, negative, logvar
}

// SigmaBins is the number of bins of SigmaHistogram: equal ones over [-record.SigmaReach, record.SigmaReach].
const SigmaBins = 100

// SigmaHistogram is the share of the sigmas, over examples and dimensions, in each of 100 bins of
// width 0.05 from -2.5 to 2.5, rounded to millionths; those beyond count in the first and the last bin,
// and 0 counts as positive. NaN is in no bin, so that the shares then add up to less than 1.
func (e *Encoded) SigmaHistogram() []float64 {
	counts := make([]int, SigmaBins)
	for _, s := range e.Sigma {
		if math.IsNaN(s) {
			continue
		}
		at := math.Floor((s + record.SigmaReach) * SigmaBins / (2 * record.SigmaReach))
		counts[int(min(max(at, 0), SigmaBins-1))]++
	}
	shares := make([]float64, SigmaBins)
	for b, n := range counts {
		shares[b] = math.Round(1e6*float64(n)/float64(len(e.Sigma))) / 1e6
	}
	return shares
}
