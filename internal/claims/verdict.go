package claims

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"vaelab/internal/stats"
)

// An Outcome is what a claim is found to be.
type Outcome string

// The outcomes of a claim.
const (
	Holds     Outcome = "holds"
	Refuted   Outcome = "does not hold"
	Undecided Outcome = "undecided"
)

// A Verdict is the outcome of a claim with the numbers behind it. A number that there is not is
// NaN.
type Verdict struct {
	Claim    Claim
	Outcome  Outcome
	What     string         // what the numbers are of: "test kl of vanilla"
	Wanted   string         // the region that the claim says they lie in: "at most 0.1"
	N        int            // seeds that count
	Estimate float64        // their median; of a bound in every row the worst value
	Interval stats.Interval // for the median; without one both ends are NaN
	Levels   *Levels        // of the two methods, of a matched claim; else nil
	P        float64        // two-sided, of paired differences, or of those of logarithms; no other test is made
	Holm     float64        // P, corrected for the number of tests judged together
	Test     string         // the test's name
	Reason   string         // why, in one line

	Unconverged *Unconverged // what training on might change; nil if the claim does not ask, or the trials have come to their end
}

// Levels are what two methods have at a rate, each the median over the paired seeds. Their difference may differ from the estimate,
// which is the median of differences.
type Levels struct {
	Of   float64 `json:"of"`
	Than float64 `json:"than"`
}

// undecided is a verdict without numbers.
func undecided(format string, args ...any) Verdict {
	v := numberless()
	v.Reason = fmt.Sprintf(format, args...)
	return v
}

func numberless() Verdict {
	nan := math.NaN()
	return Verdict{Outcome: Undecided, Estimate: nan, Interval: stats.Interval{Lo: nan, Hi: nan}, P: nan, Holm: nan}
}

// decide is the rule that the package comment states, for one value per seed and the region
// that the claim says their median lies in.
func decide(values []float64, wanted region, confidence float64) Verdict {
	v := numberless()
	v.N = len(values)
	v.Wanted = wanted.String()
	v.Estimate = stats.Median(values)
	v.Interval = stats.MedianInterval(values, confidence)
	switch i := v.Interval; {
	case len(values) < stats.SeedsFor(confidence):
		v.Reason = fmt.Sprintf("too few seeds: %d reach %s at most; %s needs %d", len(values), percent(i.Level), percent(confidence), stats.SeedsFor(confidence))
	case wanted.contains(i.Lo) && wanted.contains(i.Hi):
		v.Outcome, v.Reason = Holds, "the CI lies inside the claimed range"
	case wanted.above(i.Hi) || wanted.below(i.Lo):
		v.Outcome, v.Reason = Refuted, "the CI lies outside the claimed range"
	default:
		v.Reason = "the CI includes values inside and outside the claimed range"
	}
	return v
}

// A region is an interval of the numbers that a claim allows.
type region struct {
	lo, hi float64 // infinite where there is no bound
	open   bool    // the ends do not belong to it
}

func (r region) below(x float64) bool { return x > r.hi || r.open && x == r.hi } // the region lies below x
func (r region) above(x float64) bool { return x < r.lo || r.open && x == r.lo } // the region lies above x

func (r region) contains(x float64) bool { return !r.below(x) && !r.above(x) }

func (r region) String() string {
	least, most := "at least ", "at most "
	if r.open {
		least, most = "greater than ", "less than "
	}
	switch {
	case math.IsInf(r.hi, 1):
		return least + short(r.lo)
	case math.IsInf(r.lo, -1):
		return most + short(r.hi)
	}
	return "between " + short(r.lo) + " and " + short(r.hi)
}

// Numbers says in one line what was measured.
func (v Verdict) Numbers() string {
	var parts []string
	if v.What != "" {
		parts = append(parts, v.What+", claimed "+v.Wanted)
	}
	if !math.IsNaN(v.Estimate) {
		s := short(v.Estimate)
		if !math.IsNaN(v.Interval.Lo) {
			s = fmt.Sprintf("median %s [%s, %s] at %s", s, short(v.Interval.Lo), short(v.Interval.Hi), percent(v.Interval.Level))
		}
		parts = append(parts, fmt.Sprintf("%s, n=%d", s, v.N))
	}
	if v.Levels != nil {
		parts = append(parts, fmt.Sprintf("levels %s and %s", short(v.Levels.Of), short(v.Levels.Than)))
	}
	if !math.IsNaN(v.P) {
		parts = append(parts, fmt.Sprintf("p=%s (%s; Holm %s)", short(v.P), v.Test, short(v.Holm)))
	}
	return strings.Join(append(parts, v.Reason), "; ")
}

// short is a number with four digits at most.
func short(x float64) string {
	return strconv.FormatFloat(x+0, 'g', 4, 64) // -0 + 0 is 0
}

// percent is "96.88 %".
func percent(x float64) string { return short(100*x) + " %" }

// verdictJSON is Verdict as it stands in verdicts.json.
type verdictJSON struct {
	Say        string   `json:"say"`
	Source     string   `json:"source"`
	Kind       string   `json:"kind"`
	Confidence float64  `json:"confidence"`
	Seeds      []int    `json:"seeds,omitempty"`
	Despite    []string `json:"despite,omitempty"`
	Outcome    Outcome  `json:"verdict"`
	What       string   `json:"what,omitempty"`
	Wanted     string   `json:"wanted,omitempty"`
	N          int      `json:"n"`
	Estimate   *float64 `json:"estimate"`
	Lo         *float64 `json:"lo"`
	Hi         *float64 `json:"hi"`
	Level      *float64 `json:"level"`
	Levels     *Levels  `json:"levels,omitempty"`
	P          *float64 `json:"p"`
	Holm       *float64 `json:"p_holm"`
	Test       string   `json:"test,omitempty"`
	Reason     string   `json:"reason"`

	Converged   string       `json:"converged,omitempty"` // "any" if the claim says so
	Unconverged *Unconverged `json:"not_converged,omitempty"`
}

// MarshalJSON writes the verdict with what was claimed; a number that there is not is null.
func (v Verdict) MarshalJSON() ([]byte, error) {
	converged := ""
	if v.Claim.Converged == "any" {
		converged = "any"
	}
	level := math.NaN()
	if !math.IsNaN(v.Interval.Lo) {
		level = v.Interval.Level
	}
	return json.Marshal(verdictJSON{
		Say: v.Claim.Say, Source: v.Claim.Source, Kind: v.Claim.KindName, Confidence: v.Claim.Confidence,
		Seeds: v.Claim.Seeds, Despite: v.Claim.Despite,
		Outcome: v.Outcome, What: v.What, Wanted: v.Wanted, N: v.N, Estimate: finite(v.Estimate),
		Lo: finite(v.Interval.Lo), Hi: finite(v.Interval.Hi), Level: finite(level), Levels: v.Levels, P: finite(v.P), Holm: finite(v.Holm),
		Test: v.Test, Reason: v.Reason, Converged: converged, Unconverged: v.Unconverged,
	})
}

// finite is nil for what JSON cannot say.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
