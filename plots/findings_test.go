package plots

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// found is a figure's finding. It begins the caption.
func found(t *testing.T, figure string, set *record.Set) string {
	t.Helper()
	f, err := Figures.Get(figure)
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.Draw(set)
	if err != nil {
		t.Fatalf("%s: %v", figure, err)
	}
	if !strings.HasPrefix(d.Caption, d.Finding) {
		t.Errorf("%s: the caption does not begin with the finding %q: %s", figure, d.Finding, d.Caption)
	}
	return d.Finding
}

// unsound returns what is wrong with a finding of any rows, or "".
func unsound(finding string) string {
	// Names may have what numbers may not: a setting may be NaN.
	numbers := regexp.MustCompile(`=\S*`).ReplaceAllString(finding, "")
	switch {
	case finding == "":
		return ""
	case strings.Contains(numbers, "NaN") || strings.Contains(numbers, "Inf"):
		return "a number that is none"
	case strings.Contains(finding, "?"):
		return "a letter that cannot be printed"
	case strings.Contains(finding, "  ") || regexp.MustCompile(` [,.;)]|\( |with (and|to|,)`).MatchString(finding):
		return "an empty part"
	case !strings.ContainsAny(finding, "0123456789"):
		return "no number"
	case !strings.HasSuffix(finding, ".") || strings.HasSuffix(finding, ".."):
		return "no full stop"
	case strings.Contains(finding, "-0.00") || strings.Contains(finding, "−0.00 "):
		return "a sign before zero"
	case strings.ContainsFunc(finding, control):
		return "control characters"
	}
	return ""
}

// made is a set of trials that end with given values: each group is a variant with one value for each seed.
type made struct {
	variant string
	values  []float64
}

// setOf is the pilot's trials of some variants with a metric of a split set to the values at every step; more
// changes rows.
func setOf(groups []made, split, metric string, more func(variant string, row *record.Row)) *record.Set {
	set := &record.Set{}
	for _, g := range groups {
		for i, v := range g.values {
			run := trial{variant: g.variant}.run(i+1, 2000)
			change(&run, func(row *record.Row) {
				if _, ok := row.Values["kl"]; ok && row.Split == split {
					row.Values[metric] = v
				}
				if more != nil {
					more(g.variant, row)
				}
			})
			set.Runs = append(set.Runs, run)
		}
	}
	return set
}

// floored gives some variants a floor in training rows.
func floored(floors map[string]float64) func(string, *record.Row) {
	return func(variant string, row *record.Row) {
		if f, ok := floors[variant]; ok && row.Split == "train" {
			row.Values["floor"] = f
		}
	}
}

// TestKLCurveFinding: the finding names what the rows show, and no more.
func TestKLCurveFinding(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		about  string
		groups []made
		floors map[string]float64
		want   string
	}{
		{"one trial", []made{{"vanilla", []float64{0.001}}}, nil,
			"At step 2,000 the KL is 0.00 nats with vanilla, n = 1."},
		{"one group", []made{{"bn", []float64{4, 5, 6}}}, map[string]float64{"bn": 3},
			"At step 2,000 the KL is 5.0 nats with bn (floor 3.0), 4.0 to 6.0 over n = 3 seeds."},
		{"two apart", []made{{"vanilla", []float64{0, 0}}, {"bn", []float64{4.7, 4.9}}}, map[string]float64{"bn": 3.4, "vanilla": 0},
			"At step 2,000 the KL is 0.00 nats with vanilla and 4.8 with bn (floor 3.4), n = 2."},
		{"one seed each", []made{{"vanilla", []float64{0}}, {"bn", []float64{4.8}}}, nil,
			"At step 2,000 the KL is 0.00 nats with vanilla and 4.8 with bn, n = 1."},
		{"two overlap", []made{{"bn", []float64{4, 6}}, {"ln", []float64{5, 7}}}, nil,
			"At step 2,000 the KL is 5.0 nats with bn and 6.0 with ln, n = 2; the ranges over seeds overlap, so no difference is seen here."},
		{"two zeros", []made{{"vanilla", []float64{0, 0.001}}, {"bn", []float64{0.002, 0.003}}}, nil,
			"At step 2,000 the KL is 0.00 nats with vanilla and with bn, n = 2."},
		{"close", []made{{"vanilla", []float64{4.81, 4.81}}, {"bn", []float64{4.83, 4.83}}}, nil,
			"At step 2,000 the KL is 4.81 nats with vanilla and 4.83 with bn, n = 2."},
		{"on the floor", []made{{"bn", []float64{1.001, 1.002}}, {"ln", []float64{1.04, 1.04}}}, map[string]float64{"bn": 1, "ln": 1},
			"At step 2,000 the KL is 1.00 nats with bn (within 1 % of its floor) and 1.04 with ln (4.0 % above its floor), n = 2."},
		{"below the floor", []made{{"bn", []float64{0.5, 0.5}}, {"ln", []float64{2, 2}}}, map[string]float64{"bn": 1},
			"At step 2,000 the KL is 0.50 nats with bn (below its floor of 1.0) and 2.0 with ln, n = 2."},
		{"three", []made{{"vanilla", []float64{0, 0}}, {"bn", []float64{4.7, 4.9}}, {"ln", []float64{2, 3}}}, nil,
			"At step 2,000 the KL ranges over 3 groups from 0.00 nats with vanilla to 4.8 with bn, n = 2."},
		{"three overlap", []made{{"vanilla", []float64{3, 5}}, {"bn", []float64{4, 6}}, {"ln", []float64{4.5, 5.5}}}, nil,
			"At step 2,000 the KL is 4.0 to 5.0 nats over 3 groups, n = 2; the ranges over seeds overlap, so no difference is seen here."},
		{"the outer two overlap", []made{{"vanilla", []float64{1, 1}}, {"bn", []float64{0, 6}}, {"ln", []float64{2, 2}}}, nil,
			"At step 2,000 the KL ranges over 3 groups from 1.0 nats with vanilla to 3.0 with bn, n = 2; the ranges over seeds of these two overlap."},
		{"zeros", []made{{"vanilla", []float64{0, 0}}, {"bn", []float64{0, 0}}, {"ln", []float64{2, 2}}}, nil,
			"At step 2,000 the KL ranges over 3 groups from 0.00 nats with vanilla and bn to 2.0 with ln, n = 2."},
		{"more zeros", []made{{"vanilla", []float64{0}}, {"bn", []float64{0}}, {"a", []float64{0}}, {"ln", []float64{2, 2}}}, nil,
			"At step 2,000 the KL ranges over 4 groups from 0.00 nats with 3 of them to 2.0 with ln, n = 1 to 2."},
		{"no number", []made{{"vanilla", []float64{nan, 1}}, {"bn", []float64{4, 4}}, {"ln", []float64{2, 2}}}, nil,
			"At step 2,000 the KL is 4.0 nats with bn and 2.0 with ln, 2 of 3 groups, n = 2."},
		{"an infinity", []made{{"vanilla", []float64{math.Inf(1)}}, {"bn", []float64{4}}}, nil,
			"At step 2,000 the KL is 4.0 nats with bn, 1 of 2 groups, n = 1."},
		{"no number at all", []made{{"vanilla", []float64{nan}}}, nil, ""},
		{"large", []made{{"vanilla", []float64{1234.5}}, {"bn", []float64{-2e7}}}, nil,
			"At step 2,000 the KL is 1,234 nats with vanilla and −2e07 with bn, n = 1."},
		{"a long name", []made{{strings.Repeat("long ", 20), []float64{1}}, {"bn", []float64{2}}}, nil,
			"At step 2,000 the KL is 2.0 nats with bn and 1.0 with " + strings.Repeat("long ", 15) + "long…, n = 1."},
		{"names alike where they are cut off", []made{{strings.Repeat("long ", 20) + "a", []float64{1}}, {strings.Repeat("long ", 20) + "b", []float64{2}}}, nil, ""},
		{"a name that cannot be printed", []made{{"a\x00", []float64{1}}, {"bn", []float64{2}}}, nil, ""},
	} {
		if got := found(t, "kl-curve", setOf(c.groups, "train", "kl", floored(c.floors))); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.about, got, c.want)
		}
	}

	// Trials that failed do not count; those that are not done are measured earlier.
	set := setOf([]made{{"vanilla", []float64{0, 1}}, {"bn", []float64{4, 5, 9}}}, "train", "kl", nil)
	set.Runs[4].State = record.Failed
	set.Runs[0].State, set.Runs[0].Rows = record.Unfinished, set.Runs[0].Rows[:40]
	if got, want := found(t, "kl-curve", set), "In the last rows (steps 1,150 to 2,000) the KL is 0.50 nats with vanilla and 4.5 with bn, n = 2."; got != want {
		t.Errorf("some not done:\n got %s\nwant %s", got, want)
	}
	for i := range set.Runs {
		set.Runs[i].State = record.Failed
	}
	if got := found(t, "kl-curve", set); got != "" {
		t.Errorf("all failed: %s", got)
	}
}

// TestZUseFinding: which decoder uses z most is said where the ranges over seeds tell.
func TestZUseFinding(t *testing.T) {
	for _, c := range []struct {
		about  string
		groups []made
		want   string
	}{
		{"one does not", []made{{"vanilla", []float64{0.001, -0.002}}, {"bn", []float64{1.5, 1.7}}},
			"At step 2,000 the decoder of bn uses z most (gap 1.6 nats), that of vanilla does not use it (0.00), n = 2."},
		{"two do not", []made{{"vanilla", []float64{0.001, -0.002}}, {"ln", []float64{0, 0}}, {"bn", []float64{1.5, 1.7}}},
			"At step 2,000 the decoder of bn uses z most (gap 1.6 nats), those of vanilla and ln do not use it (0.00), n = 2."},
		{"three do not", []made{{"vanilla", []float64{0.001, -0.002}}, {"ln", []float64{0, 0}}, {"a", []float64{0, 0}}, {"bn", []float64{1.5, 1.7}}},
			"At step 2,000 the decoder of bn uses z most (gap 1.6 nats), those of 3 of 4 groups do not use it (0.00), n = 2."},
		{"one seed", []made{{"vanilla", []float64{0}}, {"bn", []float64{1.6}}},
			"At step 2,000 the gap is 0.00 nats with vanilla and 1.6 with bn, n = 1."},
		{"two first", []made{{"vanilla", []float64{0, 0}}, {"bn", []float64{1.5, 1.7}}, {"ln", []float64{1.6, 1.9}}},
			"At step 2,000 the gap ranges over 3 groups from 0.00 nats with vanilla to 1.8 with ln, n = 2."},
		{"one is no number", []made{{"vanilla", []float64{0, 0}}, {"bn", []float64{1.5, 1.7}}, {"ln", []float64{math.NaN(), 1.9}}},
			"At step 2,000 the gap is 0.00 nats with vanilla and 1.6 with bn, 2 of 3 groups, n = 2."},
	} {
		if got := found(t, "z-use", setOf(c.groups, "valid", "gap", nil)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.about, got, c.want)
		}
	}
	mixed := setOf([]made{{"vanilla", []float64{0, 0}}, {"bn", []float64{1.5, 1.7}}}, "valid", "gap", func(variant string, row *record.Row) {
		if variant == "bn" {
			row.Values["gap_se"] = 0.1
		}
	})
	if got := found(t, "z-use", mixed); got != "" {
		t.Errorf("gaps of two definitions are compared: %s", got)
	}
}

// TestFindingOfEachFigure: exact sentences about sets whose findings are known.
func TestFindingOfEachFigure(t *testing.T) {
	pair := func(split, metric string, a, b []float64, more func(variant string, row *record.Row)) *record.Set {
		return setOf([]made{{"vanilla", a}, {"bn", b}}, split, metric, more)
	}
	two := func(v float64) []float64 { return []float64{v, v} }
	// vectors gives the variants' rows of a split a vector.
	vectors := func(split, name string, of map[string][]float64) func(string, *record.Row) {
		return func(variant string, row *record.Row) {
			if v, ok := of[variant]; ok && row.Split == split && row.Vectors[name] != nil {
				row.Vectors[name] = v
			}
		}
	}
	values := func(split, name string, of map[string]float64) func(string, *record.Row) {
		return func(variant string, row *record.Row) {
			if v, ok := of[variant]; ok && row.Split == split {
				row.Values[name] = v
			}
		}
	}
	filled := func(n int, v float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = v
		}
		return out
	}
	// swept is a variant over a setting, one KL, NELBO and floor for each value; the second seed's are step higher.
	type point struct{ x, kl, nelbo, floor float64 }
	swept := func(variant, knob string, step float64, points ...point) (runs []record.Run) {
		for _, at := range points {
			for seed := 1; seed <= 2; seed++ {
				run := trial{variant: variant, knob: knob, value: at.x}.run(seed, 2000)
				up := step * float64(seed-1)
				change(&run, func(row *record.Row) {
					if _, ok := row.Values["kl"]; ok {
						row.Values["kl"], row.Values["nelbo"], row.Values["rec"] = at.kl+up, at.nelbo+up, at.nelbo-at.kl
						delete(row.Values, "floor")
						if at.floor > 0 {
							row.Values["floor"] = at.floor
						}
					}
				})
				runs = append(runs, run)
			}
		}
		return runs
	}
	set := func(runs ...[]record.Run) *record.Set { return &record.Set{Runs: slices.Concat(runs...)} }
	// scaler is one or two bn-scalers with a theta.
	scaler := func(theta map[float64][]float64, seeds int) *record.Set {
		set := &record.Set{}
		for _, tau := range slices.Sorted(maps.Keys(theta)) {
			for seed := 1; seed <= seeds; seed++ {
				run := trial{variant: "bn-scaler", knob: "tau", value: tau}.run(seed, 2000)
				change(&run, func(row *record.Row) {
					if row.Vectors["sig_theta"] != nil {
						row.Vectors["sig_theta"], row.Vectors["gamma_mu"] = theta[tau], filled(len(theta[tau]), tau)
						row.Vectors["gamma_sigma"] = filled(len(theta[tau]), math.Sqrt(1-tau*tau))
					}
				})
				set.Runs = append(set.Runs, run)
			}
		}
		return set
	}
	timed := func(cpu map[string][]float64, change func(m *record.Manifest)) *record.Set {
		set := &record.Set{}
		for _, variant := range slices.Sorted(maps.Keys(cpu)) {
			for i, seconds := range cpu[variant] {
				run := trial{variant: variant}.run(i+1, 2000)
				run.Manifest.CPUSeconds, run.Manifest.Seconds = seconds, 2*seconds
				if change != nil {
					change(&run.Manifest)
				}
				set.Runs = append(set.Runs, run)
			}
		}
		return set
	}
	lagging := func(lag func(variant string, step int) float64) *record.Set {
		set := lagSet(2)
		for i, run := range set.Runs {
			change(&set.Runs[i], func(row *record.Row) {
				if _, ok := row.Values["lag"]; ok {
					row.Values["lag"] = lag(run.Variant, row.Step)
				}
			})
		}
		return set
	}
	nan := math.NaN()
	for _, c := range []struct {
		figure string
		set    *record.Set
		want   string
	}{
		{"kl-weight", pair("train", "kl", two(0), two(4), values("train", "kl_target", map[string]float64{"bn": 3})),
			"At step 2,000 the KL is 0.00 nats with vanilla (weight 1.0) and 4.0 with bn (weight 1.0, target 3.0), n = 2."},
		{"kl-curve", pair("train", "kl", two(0), two(4), values("train", "kl_target", map[string]float64{"bn": 3})),
			"At step 2,000 the KL is 0.00 nats with vanilla and 4.0 with bn (target 3.0), n = 2."},
		{"kl-curve", pair("train", "kl", two(0.5), []float64{1, 1, 1, 97}, nil),
			"At step 2,000 the KL is 0.50 nats with vanilla and 25.0 with bn (median 1.0), n = 2 to 4."},
		{"kl-curve", pair("train", "kl", two(0.5), []float64{1, 1, 1, 97}, floored(map[string]float64{"bn": 0.5})),
			"At step 2,000 the KL is 0.50 nats with vanilla and 25.0 with bn (median 1.0, floor 0.50), n = 2 to 4."},

		{"kl-dims", pair("test", "au", two(0), two(0), vectors("test", "kl_dim", map[string][]float64{"vanilla": filled(8, 0.001), "bn": filled(8, 0.5)})),
			"Of 8 dimensions 8 have a KL below 0.01 nats with vanilla and none with bn, n = 2."},
		{"kl-dims", pair("test", "au", two(0), two(0), vectors("test", "kl_dim", map[string][]float64{"vanilla": filled(8, 0.001), "bn": filled(4, 0.5)})),
			"Of 8 dimensions 8 have a KL below 0.01 nats with vanilla, and of 4 dimensions none with bn, n = 2."},
		{"kl-dims", pair("test", "au", two(0), two(0), vectors("test", "kl_dim", map[string][]float64{"vanilla": filled(1, 0.001), "bn": filled(1, 0.001)})),
			"Of 1 dimension 1 has a KL below 0.01 nats with vanilla and bn, n = 2."},
		{"kl-dims", pair("test", "au", two(0), two(0), vectors("test", "kl_dim", map[string][]float64{"vanilla": {0.001, nan}, "bn": filled(4, 0.5)})),
			"Of 4 dimensions none has a KL below 0.01 nats with bn, 1 of 2 groups, n = 2."},
		{"kl-dims", setOf([]made{{"vanilla", two(0)}, {"bn", two(0)}, {"ln", two(0)}}, "test", "au", vectors("test", "kl_dim", map[string][]float64{"vanilla": filled(4, 0.1), "bn": filled(4, 0.5), "ln": filled(4, 0.2)})),
			"Of 4 dimensions none has a KL below 0.01 nats with each of 3 groups, n = 2."},
		{"kl-heat", pair("test", "au", two(0), two(0), vectors("train", "kl_dim", map[string][]float64{"vanilla": filled(8, 0.001), "bn": {0.001, 0.5, 0.5}})),
			"Of 8 dimensions 8 have a KL below 0.01 nats with vanilla, and of 3 dimensions 1 with bn, n = 1."},
		{"kl-examples", pair("test", "kl_sd", two(0.2), two(1.4), values("test", "kl", map[string]float64{"vanilla": 3, "bn": 3.5})),
			"The standard deviation of the KL over examples is 0.20 nats with vanilla (mean 3.0) and 1.4 with bn (mean 3.5), n = 2."},
		{"collapse-curve", pair("test", "au", two(0), two(0), vectors("test", "collapse", map[string][]float64{"vanilla": {0, 0, 0, 0.75, 1, 1, 1, 1, 1, 1}, "bn": filled(10, 0)})),
			"At ε = 0.01 nats the share of collapsed dimensions is 0.75 with vanilla and 0.00 with bn, n = 2."},
		{"aggregate", pair("test", "density_gap", []float64{0.05, 9}, []float64{1.2, 9}, nil),
			"KL(p(z) || q(z)) is 0.05 nats with vanilla and 1.2 with bn, n = 1."},
		{"elbo-surgery", pair("valid", "mi", []float64{1, 2}, []float64{1.5, 2.5}, values("valid", "kl", map[string]float64{"vanilla": 3, "bn": 4})),
			"At step 2,000 I(x; z) is 1.5 nats with vanilla (of a KL of 3.0) and 2.0 with bn (of a KL of 4.0), n = 2; the ranges over seeds overlap, so no difference is seen here."},
		{"moments", pair("valid", "moment", two(0.8), two(1), nil),
			"At step 2,000 the second moment E[μ²] + E[σ²], 1 under the prior, is 0.80 with vanilla and 1.0 with bn, n = 2."},
		{"sigma", pair("valid", "sigma_negative", two(0), two(0.5), nil),
			"At step 2,000 the share of σ < 0 is 0.00 with vanilla and 0.50 with bn, n = 2."},
		{"sigma", pair("valid", "logvar", two(-0.1), two(-1.4), func(_ string, row *record.Row) { row.Values["sigma2"] = 1 }),
			"At step 2,000 no σ is below 0, and E[ln σ²] − ln E[σ²] is −0.10 with vanilla and −1.4 with bn, n = 2."},
		{"probe", pair("test", "probe_1000", two(0.3), two(0.8), nil),
			"With 1,000 labels the accuracy of the probe is 0.30 with vanilla (chance 0.26) and 0.80 with bn (chance 0.26), n = 2."},
		{"rate-distortion", pair("test", "rec", two(100), two(98.5), values("test", "kl", map[string]float64{"vanilla": 0.5, "bn": 3})),
			"The NELBO, KL + distortion, is 100 nats with vanilla and 102 with bn, n = 2."},
		{"remedies", pair("test", "gap", two(0), two(1.6), values("test", "kl", map[string]float64{"vanilla": 0, "bn": 4.8})),
			"The KL is 4.8 nats with bn (gap 1.6) and 0.00 with vanilla (gap 0.00), n = 2."},

		{"sweep", set(swept("bn", "gamma", 0.01, point{0.3, 0.4, 100, 0.36}, point{0.9, 12, 101, 3})),
			"With bn the KL rises from 0.41 nats at γ = 0.3 to 12.0 at γ = 0.9, n = 2."},
		{"sweep", set(swept("bn", "gamma", 0, point{0.3, 0.36, 100, 0.36}, point{0.9, 3.24, 101, 3.24})),
			"With bn the KL rises from 0.36 nats at γ = 0.3 to 3.2 at γ = 0.9, n = 2, everywhere within 1 % of its floor."},
		{"sweep", set(swept("bn", "gamma", 0.01, point{0.3, 5, 100, 0}, point{0.6, 3, 101, 0}, point{0.9, 4, 101, 0}), swept("ln", "gamma", 0.01, point{0.3, 5, 100, 0}, point{0.9, 3, 100, 0})),
			"With bn the KL is 5.0 nats at γ = 0.3 and 4.0 at γ = 0.9, n = 2; with ln it falls from 5.0 nats at γ = 0.3 to 3.0 at γ = 0.9, n = 2."},
		{"sweep", set(swept("bn", "gamma", 4, point{0.3, 3, 100, 0}, point{0.9, 4, 101, 0})),
			"With bn the KL is 5.0 nats at γ = 0.3 and 6.0 at γ = 0.9, n = 2; the ranges over seeds overlap, so no difference is seen here."},
		{"sweep", set(swept("bn", "gamma", 0.01, point{0.3, 1, 100, 0}, point{0.9, nan, 101, 0}, point{0.6, 2, 101, 0})),
			"With bn the KL rises from 1.0 nats at γ = 0.3 to 2.0 at γ = 0.6, n = 2."},
		{"sweep", set(swept("bn", "gamma", 0.01, point{0.3, 1, 100, 0}, point{0.9, nan, 101, 0})), ""},
		{"sweep", set(swept("bn", "gamma", 0, point{0.3, 1, 100, 0}, point{0.9, 2, 101, 0}), swept("ln", "gamma", 0, point{0.3, 1, 100, 0}, point{0.9, 9, 101, 0}), swept("bn-scaler", "tau", 0, point{0.3, 1, 100, 0}, point{0.9, 3, 101, 0})),
			"With ln, the line of 3 that reaches farthest, the KL rises from 1.0 nats at γ = 0.3 to 9.0 at γ = 0.9, n = 2."},
		{"sweep", set(swept("bn", "gamma", 0, point{0.3, 1, 100, 0}, point{0.9, 2, 101, 0}), swept("l\x00", "gamma", 0, point{0.3, 1, 100, 0}, point{0.9, 9, 101, 0}), swept("bn-scaler", "tau", 0, point{0.3, 1, 100, 0}, point{0.9, 3, 101, 0})), ""},
		{"matched-rate", set(swept("bn", "gamma", 0, point{0.3, 1, 100, 0}, point{0.9, 5, 104, 0}), swept("ln", "gamma", 0, point{0.3, 1, 103, 0}, point{0.9, 5, 115, 0})),
			"At a KL of 5.0 nats the NELBO is 104 nats with bn and 115 with ln, n = 2."},
		{"phase", phaseSet(2), "The KL differs from the closed form by 0.07 nats at most, at s² = 1; 6 groups, n = 2."}, // 0.02 times ½ ln(16·8·4·2)

		{"theta", scaler(map[float64][]float64{0.8: {0.31, 0.5, 0.62}}, 2),
			"At step 2,000 sigmoid(θ) is 0.31 to 0.62 over the dimensions of seed 1, and γ of μ, a mean over dimensions, is 0.80 with bn-scaler, n = 2."},
		{"theta", scaler(map[float64][]float64{0.8: {0.3, 0.5}, 0.6: {0.1, 0.1}}, 1),
			"At step 2,000 sigmoid(θ), a mean over dimensions, is 0.10 with bn-scaler τ=0.6 (γ of μ 0.60) and 0.40 with bn-scaler τ=0.8 (γ of μ 0.80), n = 1."},
		{"theta", scaler(map[float64][]float64{0.8: {0.3, nan}}, 1), ""},
		{"lag", lagging(func(variant string, step int) float64 {
			if variant == "vanilla" && step == 400 {
				return 0.45
			}
			return 0.02
		}), "The largest inference lag of a trial ranges over 3 groups from 0.02 with bn γ=0.3 (at the end 0.02) to 0.45 with vanilla (at the end 0.02), n = 2."},
		{"lag", lagging(func(variant string, step int) float64 {
			switch {
			case variant == "bn":
				return 0.02
			case step == 400:
				return 0.45
			}
			return 0.1
		}), "The largest inference lag of a trial ranges over 3 groups from 0.02 with bn γ=0.3 (at the end 0.02) to 0.45 with vanilla (at the end 0.10), n = 2."},
		{"bn-gap", batchGaps(0.01),
			"With bn the KL under batch statistics minus that under running statistics falls from 0.51 nats at a batch size of 4 to 0.02 at a batch size of 128, n = 2."},
		{"bn-gap", batchGaps(1),
			"With bn the KL under batch statistics minus that under running statistics is 1.0 nats at a batch size of 4 and 0.52 at a batch size of 128, n = 2; the ranges over seeds overlap, so no difference is seen here."},

		{"time", timed(map[string][]float64{"bn": {4, 4.4}, "sa-vae": {18, 20}}, nil), "A step, with evaluation, takes 4.5 times as much CPU time with sa-vae as with bn (9.5 and 2.1 ms), n = 2."},
		{"time", timed(map[string][]float64{"bn": {4}, "sa-vae": {18}}, nil), "The CPU time of a step, with evaluation, is 2.0 ms with bn and 9.0 with sa-vae, n = 1."},
		{"time", timed(map[string][]float64{"bn": {4, 4.4}, "sa-vae": {4.2, 4.6}}, nil),
			"The CPU time of a step, with evaluation, is 2.1 ms with bn and 2.2 with sa-vae, n = 2; the ranges over seeds overlap, so no difference is seen here."},
		{"time", timed(map[string][]float64{"bn": {4, 4.4}, "sa-vae": {18, 20}}, func(m *record.Manifest) { m.CPU = fmt.Sprint("model ", m.CPUSeconds) }),
			"The CPU time of a step, with evaluation, is 2.1 ms with bn and 9.5 with sa-vae, n = 2."},
		{"time", timed(map[string][]float64{"bn": {4, 4.4}, "sa-vae": {18, 20}}, func(m *record.Manifest) { m.CPUSeconds = 0 }),
			"The wall-clock time of a step, with evaluation, is 4.2 ms with bn and 19.0 with sa-vae, n = 2."},
	} {
		if got := found(t, c.figure, c.set); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.figure, got, c.want)
		}
	}
}

// batchGaps is a bn whose gap falls with the batch size, by seeds that differ by that much.
func batchGaps(apart float64) *record.Set {
	set := &record.Set{}
	for _, size := range []int{4, 128} {
		for seed := 1; seed <= 2; seed++ {
			run := pilot[1].run(seed, 2000)
			run.Config["train.batch_size"] = strconv.Itoa(size)
			setLast(&run, "bn_gap", 2/float64(size)+apart*float64(seed-1))
			set.Runs = append(set.Runs, run)
		}
	}
	return set
}

// TestFindingsClaimNoMore: of numbers at random, the finding names the groups with the smallest and the largest mean, says that
// ranges overlap where they do, and that a decoder uses z most only if no seed of another is above any of its.
func TestFindingsClaimNoMore(t *testing.T) {
	said := map[string]int{}
	for i := range 2000 {
		r := rand.New(rand.NewPCG(uint64(i), 5))
		var groups, known []made
		for _, variant := range []string{"vanilla", "a", "b", "bn", "ln"}[:1+r.IntN(5)] {
			g := made{variant: variant}
			at, width := float64(r.IntN(6)), r.IntN(4)
			for range 1 + r.IntN(3) {
				g.values = append(g.values, at+float64(r.IntN(1+width)))
			}
			if r.IntN(12) == 0 {
				g.values[0] = odd[r.IntN(3)] // NaN or infinite
			}
			groups = append(groups, g)
			if mean, _, _ := record.Range(g.values); finite(mean) {
				known = append(known, g)
			}
		}
		for _, figure := range []string{"kl-curve", "z-use"} {
			set := &record.Set{}
			for _, g := range groups {
				for seed, v := range g.values {
					rows := record.Entries(record.Row{Step: 2000, Split: "train", Values: map[string]float64{"kl": v}}, record.Row{Step: 2000, Split: "valid", Values: map[string]float64{"gap": v}})
					set.Runs = append(set.Runs, record.Run{Trial: record.Trial{Variant: g.variant, Seed: seed}, Rows: rows})
				}
			}
			got := klFinding(set.Groups())
			if figure == "z-use" {
				got = useFinding(set.Groups(), true)
			}
			fail := func(why string) { t.Errorf("%d, %s: %s: %v\n%s", i, figure, why, groups, got) }
			if (got == "") != (len(known) == 0) {
				fail("a sentence of nothing, or none of something")
				continue
			}
			if len(known) < 2 {
				continue
			}
			seeds, everywhere := math.MaxInt, true // whether every two ranges overlap
			for j, a := range known {
				seeds = min(seeds, len(a.values))
				for _, b := range known[:j] {
					everywhere = everywhere && slices.Min(a.values) <= slices.Max(b.values) && slices.Min(b.values) <= slices.Max(a.values)
				}
			}
			sorted := slices.Clone(known)
			mean := func(g made) float64 { m, _, _ := record.Range(g.values); return m }
			slices.SortStableFunc(sorted, func(a, b made) int { return cmp.Compare(mean(a), mean(b)) })
			low, high := sorted[0], sorted[len(sorted)-1]
			for _, g := range slices.Backward(sorted) { // the first of those with the same mean, as the figure has them
				if mean(g) == mean(high) {
					high = g
				}
			}
			switch {
			case strings.Contains(got, "uses z most"):
				said["most"]++
				for _, g := range sorted {
					if g.variant != high.variant && slices.Max(g.values) >= slices.Min(high.values) || min(len(g.values), len(high.values)) < 2 {
						fail("it is not the most")
					}
				}
				if !strings.Contains(got, "of "+high.variant+" uses") || len(known) < len(groups) {
					fail("another, or not of all")
				}
			case strings.Contains(got, "no difference"):
				said["none"]++
				if !everywhere || seeds < 2 {
					fail("there is a difference, or too few seeds")
				}
			case strings.Contains(got, "of these two overlap"):
				said["two"]++
				if slices.Max(low.values) < slices.Min(high.values) || min(len(low.values), len(high.values)) < 2 {
					fail("they do not overlap, or too few seeds")
				}
			default:
				said["numbers"]++
				if everywhere && seeds > 1 && mean(low) < mean(high) {
					fail("overlaps are not said")
				}
			}
			if words := regexp.MustCompile(`most|higher|lower|largest|smallest|difference|more`).FindString(got); words != "" && seeds < 2 && !strings.Contains(got, "uses z most") {
				fail("with one seed it compares: " + words)
			}
			if m := regexp.MustCompile(`ranges over \d+ groups from ([\d.]+)(?: nats)? with .* to ([\d.]+) with`).FindStringSubmatch(strings.ReplaceAll(got, " of 5 groups", " groups")); m != nil {
				if !rounds(mean(low), m[1]) || !rounds(mean(high), m[2]) {
					fail("other numbers than the extremes")
				}
			}
		}
	}
	for _, kind := range []string{"most", "none", "two", "numbers"} {
		if said[kind] < 10 {
			t.Errorf("only %d sentences of the kind %q: %v", said[kind], kind, said)
		}
	}
}

// published are the archives that findings are checked with.
var published = []string{"kl-vanishing", "ptb", "theta-by-decoder", "controllers", "floors", "gamma-sweep", "tau-sweep", "inference-lag", "phase-transition", "running-stats", "probe-few-labels", "remedies"}

// archives are the published sets that have been read.
var archives = map[string]*record.Set{}

// archive is a published set.
func archive(t *testing.T, name string) *record.Set {
	t.Helper()
	if set := archives[name]; set != nil {
		return set
	}
	set, err := record.Load(filepath.Join("..", "results", "published", name))
	if err != nil {
		t.Fatal(err)
	}
	archives[name] = set
	return set
}

// TestFindingsOfPublished: every finding of the published archives is sound: see unsound.
func TestFindingsOfPublished(t *testing.T) {
	for _, name := range published {
		set := archive(t, name)
		for _, figure := range Figures.Names() {
			f, err := Figures.Get(figure)
			if err != nil {
				t.Fatal(err)
			}
			d, err := f.Draw(set)
			if err != nil {
				continue // which the rows do not allow
			}
			t.Logf("%s, %s: %s", name, figure, d.Finding)
			if wrong := unsound(d.Finding); wrong != "" || d.Finding == "" {
				t.Errorf("%s, %s has %s: %s", name, figure, wrong, d.Finding)
			}
		}
	}
}

// readNumber is a number of a table or a finding, NaN if it is none.
func readNumber(text string) float64 {
	v, err := strconv.ParseFloat(strings.NewReplacer(",", "", "−", "-").Replace(text), 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// rounds tells whether a number is written as a text, to its last digit.
func rounds(v float64, text string) bool {
	_, decimals, _ := strings.Cut(text, ".")
	return math.Abs(v-readNumber(text)) <= 0.5000001*math.Pow(10, -float64(len(decimals)))+1e-5*math.Abs(v) // six digits of the table
}

// A stated is what a finding says of a group: a number, and as whose it says that.
type stated struct{ number, group string }

// readFinding reads a sentence of spread: the two groups that it names, or of those that it counts the number.
func readFinding(t *testing.T, finding string) (low, high stated, groups string) {
	t.Helper()
	m := regexp.MustCompile(`(?:ranges over (\d+) groups from|is) ([\d.,−]+)(?: nats)? with (.+?)(?: \([^)]*\))? (?:to|and) ([\d.,−]+) with (.+?)(?: \([^)]*\))?, n = `).FindStringSubmatch(finding)
	if m == nil {
		t.Fatalf("cannot read the finding %q", finding)
	}
	return stated{m[2], m[3]}, stated{m[4], m[5]}, m[1]
}

// TestFindingsByTable: an independent reader finds what findings say of published archives in the tables of the figures.
func TestFindingsByTable(t *testing.T) {
	// lasts are the means by group in the last row of a table, by column.
	lasts := func(d *Drawing, keep func(row []string) bool, step, mean int) map[string]float64 {
		at, out := map[string]float64{}, map[string]float64{}
		for _, row := range d.Table[1:] {
			if s := readNumber(row[step]); keep(row) && s >= at[row[0]] {
				at[row[0]], out[row[0]] = s, readNumber(row[mean])
			}
		}
		return out
	}
	read := 0
	for _, archived := range published {
		set := archive(t, archived)
		for _, c := range []struct {
			figure     string
			keep       func(row []string) bool
			step, mean int
		}{
			{"kl-curve", func([]string) bool { return true }, 1, 2},
			{"z-use", func(row []string) bool { return row[1] == "gap" }, 2, 3},
			{"theta", func(row []string) bool { return row[2] == "mean" }, 3, 4},
		} {
			f, err := Figures.Get(c.figure)
			if err != nil {
				t.Fatal(err)
			}
			d, err := f.Draw(set)
			if err != nil {
				continue
			}
			means := lasts(d, c.keep, c.step, c.mean)
			numbers := slices.Sorted(maps.Values(means))
			switch {
			case strings.Contains(d.Finding, "no difference"): // from the smallest to the largest
				m := regexp.MustCompile(`is ([\d.]+) to ([\d.]+)`).FindStringSubmatch(d.Finding)
				if m == nil || !rounds(numbers[0], m[1]) || !rounds(numbers[len(numbers)-1], m[2]) {
					t.Errorf("%s, %s: %v in the table: %s", archived, c.figure, numbers, d.Finding)
				}
			case strings.Contains(d.Finding, "uses z most"):
				m := regexp.MustCompile(`of (.+) uses z most \(gap ([\d.]+) nats\), (?:that of (.+) does|.* do) not use it`).FindStringSubmatch(d.Finding)
				if m == nil || !rounds(means[m[1]], m[2]) || means[m[1]] != numbers[len(numbers)-1] || m[3] != "" && math.Abs(means[m[3]]) >= 0.005 {
					t.Errorf("%s, %s: %v in the table: %s", archived, c.figure, means, d.Finding)
				}
			case c.figure == "theta" && len(means) == 1:
				m := regexp.MustCompile(`sigmoid\(θ\) is ([\d.]+)(?: to ([\d.]+))? over .*, is ([\d.]+) with (.+?),`).FindStringSubmatch(d.Finding)
				lo, hi, last, mu := math.Inf(1), math.Inf(-1), lasts(d, c.keep, 3, 3), lasts(d, c.keep, 3, 7)
				for _, row := range d.Table[1:] {
					if row[2] != "mean" && readNumber(row[3]) == last[row[0]] {
						lo, hi = min(lo, readNumber(row[4])), max(hi, readNumber(row[4]))
					}
				}
				if m == nil || !rounds(lo, m[1]) || !rounds(hi, cmp.Or(m[2], m[1])) || !rounds(mu[m[4]], m[3]) {
					t.Errorf("%s: %v to %v, γ of μ %v in the table: %s", archived, lo, hi, mu, d.Finding)
				}
			default:
				low, high, groups := readFinding(t, d.Finding)
				for _, s := range []stated{low, high} {
					if n, ok := strings.CutSuffix(s.group, " of them"); ok {
						zero := 0
						for _, v := range means {
							if math.Abs(v) < 0.005 {
								zero++
							}
						}
						if n != strconv.Itoa(zero) {
							t.Errorf("%s, %s: %d groups are 0.00: %s", archived, c.figure, zero, d.Finding)
						}
						continue
					}
					for _, label := range strings.Split(s.group, " and ") {
						label, _, _ = strings.Cut(label, " (")
						if !rounds(means[label], s.number) {
							t.Errorf("%s, %s: %q is %v in the table, and %s in %s", archived, c.figure, label, means[label], s.number, d.Finding)
						}
					}
				}
				if groups != "" && (groups != strconv.Itoa(len(means)) || !rounds(numbers[0], low.number) || !rounds(numbers[len(numbers)-1], high.number)) {
					t.Errorf("%s, %s: from %v to %v in the table: %s", archived, c.figure, numbers[0], numbers[len(numbers)-1], d.Finding)
				}
			}
			read++
		}
	}
	if read < 2*len(published) {
		t.Errorf("only %d findings could be read", read)
	}
}

// TestSweepFindingsByTable: what the finding of sweep says of a line is in the table: the means at both ends and, where it
// rises or falls, that every seed agrees.
func TestSweepFindingsByTable(t *testing.T) {
	read := 0
	line := regexp.MustCompile(`[Ww]ith (.+?)(?:, the line of \d+ that reaches farthest,)? (?:the KL|it) (rises|falls|is) (?:from )?([\d.]+) nats at \S+ = (\S+)(?: \([^)]*\))? (?:to|and) ([\d.]+) at \S+ = ([^\s,]+)`)
	for _, archived := range published {
		d, err := Sweep{}.Draw(archive(t, archived))
		if err != nil {
			continue
		}
		for _, m := range line.FindAllStringSubmatch(d.Finding, -1) {
			read++
			var mean [2]float64
			var seeds [2][]float64
			for _, row := range d.Table[1:] {
				for i, x := range []string{m[4], m[6]} {
					switch {
					case row[0] != m[1] || row[3] != "kl" || readNumber(row[2]) != readNumber(x):
					case row[5] == "mean":
						mean[i] = readNumber(row[6])
					default:
						seeds[i] = append(seeds[i], readNumber(row[6]))
					}
				}
			}
			for _, row := range d.Table[1:] {
				if x := readNumber(row[2]); row[0] == m[1] && row[3] == "kl" && row[6] != "" && (x < readNumber(m[4]) || x > readNumber(m[6])) {
					t.Errorf("%s: %q has a KL at %v, too: %s", archived, m[1], x, d.Finding)
				}
			}
			if !rounds(mean[0], m[3]) || !rounds(mean[1], m[5]) {
				t.Errorf("%s: %q is %v in the table: %s", archived, m[1], mean, d.Finding)
			}
			if m[2] == "rises" && slices.Max(seeds[0]) >= slices.Min(seeds[1]) || m[2] == "falls" && slices.Min(seeds[0]) <= slices.Max(seeds[1]) {
				t.Errorf("%s: %q does not: %v: %s", archived, m[1], seeds, d.Finding)
			}
		}
	}
	if read < 6 {
		t.Errorf("only %d lines could be read", read)
	}
}

// TestNumbersOfFindings: the numbers in the findings of the other figures of published archives are in their tables. Medians,
// counts and what is computed of two columns are not.
func TestNumbersOfFindings(t *testing.T) {
	read := 0
	for _, archived := range published {
		set := archive(t, archived)
		for _, figure := range []string{"kl-weight", "moments", "collapse-curve", "elbo-surgery", "sigma", "remedies", "matched-rate", "kl-examples"} {
			f, err := Figures.Get(figure)
			if err != nil {
				t.Fatal(err)
			}
			d, err := f.Draw(set)
			if err != nil {
				continue
			}
			said := regexp.MustCompile(`\(?median [\d.]+|=\S+|ε = [\d.]+|1 under`).ReplaceAllString(d.Finding, "")
			for _, number := range regexp.MustCompile(`−?\d+\.\d+`).FindAllString(said, -1) {
				read++
				if !slices.ContainsFunc(d.Table[1:], func(row []string) bool {
					return slices.ContainsFunc(row, func(text string) bool { return rounds(readNumber(text), number) })
				}) {
					t.Errorf("%s, %s: %s is not in the table: %s", archived, figure, number, d.Finding)
				}
			}
		}
	}
	if read < 100 {
		t.Errorf("only %d numbers could be read", read)
	}
}
