// Package claims evaluates claims about variants on the rows of their trials.
//
// A claim is a statement about a metric, with its source. Its kind decides how it is evaluated:
// bound, order, equal, ratio, trend, published; matched, at-rate and reaches at a rate. It selects trials by their settings and uses the
// rows of the finished ones. The package is a pure function of a record.Set: it trains, draws and
// reads nothing.
//
// # What a claim is about
//
// A claim is about one number of a trial, named by its metric (`vaelab list metrics`):
//
//	kl               a number in the rows of a split
//	theta.mean       mean over the elements of a vector in the rows
//	theta.median     their median
//	theta.min        their minimum
//	theta.max        their maximum
//	theta.0          the first of them; dimension 0 of one seed is unrelated to that of another
//	cpu_ms_per_step  a cost of the whole trial, of no split; see Costs
//
// # At equal rates
//
// Methods are compared at a rate that none of their trials has. Kinds that do so select a method with
// several values of its dial, the setting that moves the rate: the one setting in which the selected
// trials differ. The metric is read off on straight lines between a seed's trials, by their achieved
// KL (package frontier), and nothing is extrapolated.
//
// # How a verdict is reached
//
// Each seed gives one number: the last value of the metric, its value at a rate, the difference or
// the quotient of two variants in that seed, or the trend of the metric over a setting. The claim
// states a region for the median of these numbers. The distribution-free interval of the median
// decides, at the claim's confidence:
//
//	holds           the interval lies inside the region
//	does not hold   it lies outside
//	undecided       otherwise
//
// An interval at 95 % needs six seeds; with fewer the verdict is undecided. A theorem, which is a
// bound in every row, needs no interval: one row outside refutes it. So does one seed that does not
// reach a rate, where a claim says that every one does. The confidence is that of one claim. The
// p-values of paired tests are corrected over all claims evaluated together (Holm). They are printed
// and decide nothing.
//
// A claim about mi or a metric computed from it is undecided if a trial's mi is within 10 % of its
// cap, ln N: the estimate is then too low, and differences are not reliable. At a rate, only the
// trials that the metric is read off from count for this.
//
// A claim is undecided, with the reason, if something that it names does not exist, if a trial that
// it selects failed, or if the trials that it compares differ in other settings: a confound, unless
// the claim lists it under despite.
//
// # Converged or not
//
// A claim about the end of trials is marked "not converged" in two cases: some of its finished
// trials have not converged (package converge), or the outcome would change if the quantity moved on
// at its present rate for as many steps again. The second detects drift under a flat objective, as
// of theta. A rate counts if its 95 % interval excludes 0. The mark changes no outcome. Exempt are
// theorems about every row, costs (but not at a rate), and claims with converged: any, about a stated step.
//
// "Does not hold" is a result, not a failure of the program.
package claims

import (
	"embed"
	"fmt"
	"math"
	"slices"

	"vaelab/internal/converge"
	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/stats"
)

//go:embed *.go
var source embed.FS

// Kinds are the kinds of claims under the names that YAML files use for them.
var Kinds = registry.New[Kind]("kind of claim", source)

// A Kind is the way in which a claim is evaluated, with its settings.
type Kind interface {
	// Check returns an error if the settings contradict each other.
	Check() error
	// Measured returns the number that the claim is about.
	Measured() Quantity
	// Uses returns what the claim selects.
	Uses() []Use
	// judge returns the numbers of the verdict; the trials have been checked against uses.
	judge(e evidence) Verdict
}

// A Claim is something said about an experiment's trials.
type Claim struct {
	// Say is what is said.
	Say string `yaml:"say"`
	// Source is the author of the claim.
	Source string `yaml:"source"`
	// Confidence is that of the interval that decides.
	Confidence float64 `yaml:"confidence" range:"[0.5,1)"`
	// Converged says whether the verdict is marked where the trials had not converged; any marks none.
	Converged string `yaml:"converged" choice:"required|any"`

	Seeds    []int    // the seeds to use; all, if empty
	Despite  []string // settings that may differ between what is compared, though not named
	KindName string   // "order"
	Kind     Kind
}

// Default is a claim's confidence if it states none.
const Default = 0.95

// SeedsNeeded is the least number of seeds that may decide a claim.
func (c Claim) SeedsNeeded() int {
	if b, ok := c.Kind.(Bound); ok && b.Rows == "every" {
		return 1
	}
	return stats.SeedsFor(c.Confidence)
}

// Needs reports whether the verdict depends on what a trial measures: the claim selects it. Other trials of an
// experiment count only as there.
func (c Claim) Needs(t record.Trial) bool {
	return (len(c.Seeds) == 0 || slices.Contains(c.Seeds, t.Seed)) && used(c.Kind.Uses(), t)
}

// Check returns what is wrong with a claim about these trials, whether they are trained or
// not, and the keys below the claim's kind that lead to where it is said.
func (c Claim) Check(trials []record.Trial) (path []string, err error) {
	for _, u := range c.Kind.Uses() {
		if path, err := u.check(trials); err != nil {
			return path, err
		}
	}
	return nil, nil
}

// CheckMetric returns what is wrong with the metric of a claim about these trials, whether they are
// trained or not: one that the claim selects never measures it, or none does. length is how the rows
// of a split of trial i hold a name: 0 for one number, the length of a vector, or an error if they
// never do.
func (c Claim) CheckMetric(trials []record.Trial, length func(i int, split, name string) (int, error)) error {
	q := c.Kind.Measured()
	if q.Cost() {
		return nil
	}
	if near := registry.Nearest(q.Name(), costNames()); near != "" {
		return fmt.Errorf("unknown metric %q; did you mean %q, which is of a whole trial?", q.Metric, near)
	}
	var other error
	without := 0
	for i, t := range trials {
		n, err := length(i, q.Split, q.Name())
		if err == nil {
			err = q.fits(n)
		}
		if err == nil {
			continue
		}
		if used(c.Kind.Uses(), t) {
			return err
		}
		other = err
		without++
	}
	if without == len(trials) {
		return other
	}
	return nil
}

// CheckDespite returns what is wrong with a setting that a claim about these trials declares
// to differ: no trial has it.
func CheckDespite(key string, trials []record.Trial) error {
	known := append(keys(trials), dataKey)
	if slices.Contains(known, key) {
		return nil
	}
	return unknownKey(key, known, nil)
}

// Judge returns the verdict on each claim, given the trials of an experiment with what they
// have measured. Trials that have not run yet belong into the set, too, as unfinished.
// The settings say when a trial has converged.
func Judge(set *record.Set, said []Claim, settings converge.Settings) []Verdict {
	verdicts := make([]Verdict, len(said))
	var p []float64
	for i, c := range said {
		verdicts[i] = c.judge(set.Runs, settings)
		if v := verdicts[i]; !math.IsNaN(v.P) {
			p = append(p, v.P)
		}
	}
	corrected := stats.Holm(p)
	for i := range verdicts {
		if !math.IsNaN(verdicts[i].P) {
			verdicts[i].Holm, corrected = corrected[0], corrected[1:]
		}
	}
	return verdicts
}

// judge returns the verdict on one claim.
func (c Claim) judge(runs []record.Run, settings converge.Settings) Verdict {
	e := evidence{confidence: c.Confidence}
	var trials []record.Trial
	for _, r := range runs {
		trials = append(trials, r.Trial)
		if len(c.Seeds) == 0 || slices.Contains(c.Seeds, r.Seed) {
			e.runs = append(e.runs, r)
		}
	}
	v := undecided("")
	if _, err := c.Check(trials); err != nil {
		v = undecided("%v", err)
	} else if err := c.missingSeeds(trials); err != nil {
		v = undecided("%v", err)
	} else if err := c.Confound(trials); err != nil {
		v = undecided("%v", err)
	} else if err := e.lost(c.Kind.Uses()); err != nil {
		v = undecided("%v", err)
	} else if err := e.machines(c.Kind); err != nil {
		v = undecided("%v", err)
	} else {
		e.wall = e.withoutCPU(c.Kind)
		v = c.Kind.judge(e)
		why, remark := e.undecidable(c.Kind)
		if v.N > 0 && why != "" {
			v.Outcome, v.Reason = Undecided, why
		}
		if v.N > 0 {
			v.Reason += remark
		}
		if e.wall && v.N > 0 {
			v.Reason += "; by wall-clock time, because no trial has CPU time"
		}
		if n := e.unfinished(c.Kind.Uses()); n > 0 && v.N > 0 {
			v.Reason += fmt.Sprintf("; left out as unfinished: %d of its trials", n)
		}
		if mixed := e.rounding(c.Kind.Uses()); mixed != "" && v.N > 0 {
			v.Reason += "; " + mixed
		}
		if c.atEnd() && v.N > 0 {
			v.Unconverged = e.unconverged(c.Kind, v.Outcome, settings)
		}
	}
	v.Claim = c
	return v
}

// missingSeeds names the seeds that the claim is about and no trial has.
func (c Claim) missingSeeds(trials []record.Trial) error {
	var there []int
	for _, t := range trials {
		there = append(there, t.Seed)
	}
	slices.Sort(there)
	for _, s := range c.Seeds {
		if !slices.Contains(there, s) {
			return fmt.Errorf("no trial has seed %d; there are %s", s, list(slices.Compact(there)))
		}
	}
	return nil
}
