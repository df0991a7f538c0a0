package report

import (
	"maps"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// trialWith is a finished trial with these values in its test row.
func trialWith(variant string, seed int, values map[string]float64) record.Run {
	return record.Run{
		Trial: record.Trial{Experiment: "x", ID: variant, Variant: variant, Seed: seed, Config: map[string]string{"variant": variant}, Data: "d"},
		Rows:  record.Entries(record.Row{Step: 1, Split: "test", Values: values}), State: record.Done,
	}
}

// notesOf are the notes of the tables that have the core metrics: of the summary, and of means and medians in a report.
func notesOf(t *testing.T, set *record.Set) map[string]string {
	t.Helper()
	report := section(t, Source{Set: set}, "Results").Tables
	notes := map[string]string{}
	for where, table := range map[string]Table{"summary": Summary(set), "means": report[0], "medians": named(t, report, "medians")} {
		notes[where] = strings.Join(table.Notes, "\n")
	}
	return notes
}

// TestRemarkable: tables say which posteriors are refined in evaluation, and what that gains; which groups were trained on a
// bound of several samples, and what that is; and what MI and the gap count beside a condition, with prior_gap of each group
// that has one. They say it once, of no other group.
func TestRemarkable(t *testing.T) {
	for _, c := range []struct{ name, metric, says string }{
		{"sa-vae", "refine_gain", "sa-vae: evaluations refine q(z|x), too, and all metrics are of the refined one. This lowers the NELBO by 0.30 (refine_gain)."},
		{"iwae", "iw_bound", "iwae: trained on a bound of several samples of z, which is 0.30 (iw_bound). KL and NELBO are those of q(z|x)."},
		{"cvae", "prior_gap", "counts only the rest (prior_gap): cvae given=label 0.30."},
	} {
		set := &record.Set{}
		for seed := range 6 {
			core := map[string]float64{"kl": 1, "nelbo": 12, "mi": 1, "gap": 2, "gap_se": 0.1}
			more := maps.Clone(core)
			more[c.metric] = 0.25 + float64(seed)/50
			other, own := trialWith("vanilla", seed+1, core), trialWith(c.name, seed+1, more)
			if c.metric == "prior_gap" {
				other.Rows = own.Rows
				other.Config["data"], other.Config["data.text.given"] = "text", "nothing"
				own.Config["data"], own.Config["data.text.given"] = "text", "label"
			}
			set.Runs = append(set.Runs, other, own)
		}
		for where, notes := range notesOf(t, set) {
			if strings.Count(notes, c.metric) != 1 || !strings.Contains(notes, c.says) {
				t.Errorf("%s, %s: %s", c.name, where, notes)
			}
		}
	}
}

// TestCaveats: a KL that is shown below its floor has the KL by batch statistics beside it; MI at its cap is
// marked in every group and compared in none; a gap without gap_se is called old. Nothing is said without cause.
func TestCaveats(t *testing.T) {
	groups := func(kl, mi float64, se bool) *record.Set {
		set := &record.Set{}
		for seed := range 6 {
			for i, variant := range []string{"vanilla", "bn"} {
				v := map[string]float64{"kl": kl + float64(i), "floor": 2.88 + float64(i), "bn_gap": 0.19, "mi": mi - float64(i)*0.05, "mi_cap": 3, "gap": 1}
				if se {
					v["gap_se"] = 0.1
				}
				set.Runs = append(set.Runs, trialWith(variant, seed+1, v))
			}
		}
		return set
	}
	const (
		below  = "vanilla: the KL, 2.83, lies below the floor, 2.88. The floor is a bound under batch statistics; the table is under running statistics; under batch statistics the KL is 3.02 (kl + bn_gap)."
		capped = "^ mi cannot show differences in 12 of 12 trials (vanilla, bn): it is within 10 % of its cap of 3.00, the logarithm of the number of examples."
		old    = "The gap has the old definition in 12 of 12 trials (vanilla, bn)"
	)
	for _, c := range []struct {
		name string
		set  *record.Set
		says []string
		mark string // of bn's MI
	}{
		{"nothing", groups(2.9, 2, true), nil, "*"},
		{"below the floor", groups(2.83, 2, true), []string{below}, "*"},
		{"equal to two digits", groups(2.8799, 2, true), nil, "*"},
		{"at the cap", groups(2.9, 2.95, true), []string{capped}, "^"},
		{"below the cap", groups(2.9, 2.6, true), nil, "*"},
		{"old", groups(2.9, 2, false), []string{old}, "*"},
		{"all", groups(2.83, 2.95, false), []string{below, capped, old}, "^"},
	} {
		report := section(t, Source{Set: c.set}, "Results").Tables
		for where, table := range map[string]Table{"summary": Summary(c.set), "means": report[0], "medians": named(t, report, "medians")} {
			notes := strings.Join(table.Notes, "\n")
			for _, s := range []string{below, capped, old} {
				wanted := false
				for _, w := range c.says {
					wanted = wanted || w == s
				}
				if strings.Contains(notes, s) != wanted {
					t.Errorf("%s, %s: says %q: %t\n%s", c.name, where, s, !wanted, notes)
				}
			}
			marks := map[string]string{}
			for _, row := range table.Rows {
				for j, h := range table.Header {
					if h == "MI" && row[0].Text != "" {
						marks[strings.TrimSuffix(row[0].Text, " (baseline)")] = row[j].Mark
					}
				}
			}
			want := c.mark
			if where == "medians" && want == "*" { // it compares nothing
				want = ""
			}
			if marks["bn"] != want || (marks["vanilla"] == "^") != (want == "^") {
				t.Errorf("%s, %s: marks %q, want %q", c.name, where, marks, want)
			}
		}
	}
}

// TestFarBelowFloor: a KL that running statistics put far below the floor is called so, too; one that eps lets sink there is
// not put down to them.
func TestFarBelowFloor(t *testing.T) {
	for batchKL, want := range map[float64]bool{0.55: true, 0.3: false} {
		set := &record.Set{Runs: []record.Run{trialWith("bn", 1, map[string]float64{"kl": 0.06, "floor": 0.51, "bn_gap": batchKL - 0.06})}}
		const below = "bn: the KL, 0.06, lies below the floor, 0.51. The floor is a bound under batch statistics; the table is under running statistics"
		if notes := strings.Join(Summary(set).Notes, "\n"); strings.Contains(notes, below) != want {
			t.Errorf("KL by batch statistics %v: says that the KL lies below the floor: %t\n%s", batchKL, !want, notes)
		}
	}
}

// TestCapOfFurtherMetrics: what is made of mi, and mi in batches, is marked in its table, too.
func TestCapOfFurtherMetrics(t *testing.T) {
	set := &record.Set{Runs: []record.Run{trialWith("bn", 1, map[string]float64{"kl": 5, "mi": 2.9, "mi_cap": 3, "marginal_kl": 2.1, "mi_batch": 3.4, "mi_batch_cap": 3.47})}}
	var notes []string
	for _, table := range section(t, Source{Set: set}, "Further metrics").Tables {
		notes = append(notes, table.Notes...)
	}
	for _, want := range []string{
		"^ marginal_kl cannot show differences in 1 of 1 trials (bn): mi is within 10 % of its cap of 3.00",
		"^ mi_batch cannot show differences in 1 of 1 trials (bn): it is within 10 % of its cap of 3.47, the logarithm of the number of examples in a batch.",
	} {
		if !strings.Contains(strings.Join(notes, "\n"), want) {
			t.Errorf("%q is missing:\n%s", want, strings.Join(notes, "\n"))
		}
	}
}
