package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// An Interval is a confidence interval with its ends, both of them inside.
type Interval struct {
	Lo, Hi float64
	Level  float64 // its confidence, which may be below the requested one
}

// Median returns the middle value, or the mean of the two in the middle. It panics if there
// is no value.
func Median(x []float64) float64 {
	s := sorted("Median", x)
	n := len(s)
	return s[(n-1)/2]/2 + s[n/2]/2
}

// MedianInterval returns an interval for the median of the distribution that the values were
// drawn from, whatever it is:
//
//	[x_(k), x_(n+1-k)],   Level = 1 - 2 P(Binomial(n, 1/2) < k)
//
// with x_(k) the k-th smallest value and k the largest number whose Level is at least the
// confidence. If even k = 1 does not reach it, which is so for n below SeedsFor, the interval is
// from the smallest value to the largest and Level says what that reaches: 1 - 2^(1-n). It
// panics if there is no value, or if the confidence is not in (0, 1).
//
// Source: Conover 1999, "Practical nonparametric statistics", section 3.2.
func MedianInterval(x []float64, confidence float64) Interval {
	check("MedianInterval", confidence)
	s := sorted("MedianInterval", x)
	n := len(s)
	coin := distuv.Binomial{N: float64(n), P: 0.5}
	level := func(k int) float64 { return 1 - 2*coin.CDF(float64(k-1)) }
	k := 1
	for 2*(k+1) <= n && level(k+1) >= confidence {
		k++
	}
	return Interval{Lo: s[k-1], Hi: s[n-k], Level: max(0, level(k))} // one value: 1 - 2/2, rounded
}

// SeedsFor is the smallest number of values from which MedianInterval reaches a confidence:
// 6 for 0.95, 8 for 0.99. It panics if the confidence is not in (0, 1).
func SeedsFor(confidence float64) int {
	check("SeedsFor", confidence)
	n := 1
	for 1-math.Pow(2, float64(1-n)) < confidence {
		n++
	}
	return n
}

// MeanDeviation returns the mean and the sample standard deviation √(Σ(x-mean)²/(n-1)), which is 0
// for one value. It panics if there is no value.
func MeanDeviation(x []float64) (mean, deviation float64) {
	sorted("MeanDeviation", x) // for its panics
	if len(x) == 1 {
		return x[0], 0
	}
	return stat.MeanStdDev(x, nil)
}

// MeanInterval returns the mean and its t interval,
//
//	mean ± t_{n-1, (1+confidence)/2} · s/√n,
//
// which is exact if the values are normally distributed. One value has the interval from
// -Inf to Inf. It panics if there is no value, or if the confidence is not in (0, 1).
//
// Source: Student 1908, "The probable error of a mean", Biometrika 6.
func MeanInterval(x []float64, confidence float64) (mean float64, i Interval) {
	check("MeanInterval", confidence)
	sorted("MeanInterval", x) // for its panics
	mean, s := stat.MeanStdDev(x, nil)
	half := math.Inf(1)
	if n := float64(len(x)); n > 1 {
		half = distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile((1+confidence)/2) * s / math.Sqrt(n)
	}
	return mean, Interval{Lo: mean - half, Hi: mean + half, Level: confidence}
}

// sorted returns the values in order, a copy.
func sorted(op string, x []float64) []float64 {
	if len(x) == 0 {
		panic("stats: " + op + ": no values")
	}
	notNaN(op, x)
	return slices.Sorted(slices.Values(x))
}

func notNaN(op string, x []float64) {
	if slices.ContainsFunc(x, math.IsNaN) {
		panic("stats: " + op + ": a value is NaN")
	}
}

func check(op string, confidence float64) {
	if !(confidence > 0 && confidence < 1) {
		panic("stats: " + op + ": confidence outside (0, 1)")
	}
}
