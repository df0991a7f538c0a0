package plots

import (
	"math"
	"path/filepath"
	"regexp"
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
			"At step 2,000 the KL is 4.0 to 5.0 nats with 3 groups, n = 2; the ranges over seeds overlap, so no difference is seen here."},
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

// published are the archives that findings are checked with.
var published = []string{"kl-vanishing", "ptb", "theta-by-decoder", "controllers", "mnist", "gamma-sweep", "tau-sweep", "inference-lag", "phase-transition", "remedies"}

// archive is a published set.
func archive(t *testing.T, name string) *record.Set {
	t.Helper()
	set, err := record.Load(filepath.Join("..", "results", "published", name))
	if err != nil {
		t.Fatal(err)
	}
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
			if wrong := unsound(d.Finding); wrong != "" {
				t.Errorf("%s, %s has %s: %s", name, figure, wrong, d.Finding)
			}
		}
	}
}
