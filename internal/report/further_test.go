package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/metrics"
	"vaelab/internal/record"
)

// TestStateNames: the names are those of the monitor that writes the numbers.
func TestStateNames(t *testing.T) {
	for i, name := range stateNames {
		if want := metrics.State(i).String(); name != want {
			t.Errorf("state %d is called %q, want %q", i, name, want)
		}
	}
	if last := metrics.Collapsed; int(last) != len(stateNames)-1 {
		t.Errorf("%d names for %d states", len(stateNames), last+1)
	}
}

// TestFurtherMetrics: what is equal in all trials and the state stand in words, and few groups stand side by side.
func TestFurtherMetrics(t *testing.T) {
	set := &record.Set{}
	for seed := 1; seed <= 2; seed++ {
		v := float64(seed)
		set.Runs = append(set.Runs,
			run("vanilla", seed, map[string]float64{"kl": v, "mi": 1, "beta": 1, "none": 0, "state": 3, "mu2": v, "sigma2": v, "one_group": 4, "kl_sd": 2}),
			run("bn", seed, map[string]float64{"kl": v, "mi": 1, "beta": 1, "none": 0, "state": v - 1, "mu2": 5, "sigma2": v, "kl_sd": v}))
	}
	section := section(t, Source{Set: set}, "Further metrics")
	text := strings.Join(section.Text, "\n")
	for _, want := range []string{"State at the end. healthy: bn (1 of 2); collapsing: bn (1 of 2); collapsed: vanilla.", "Equal in all trials: beta 1, none 0.", "vaelab list metrics"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not say %q:\n%s", want, text)
		}
	}
	if len(section.Tables) != 1 || !section.Tables[0].Folded || section.Tables[0].Caption != "Mean ± 95 % CI, n = 2" {
		t.Fatalf("tables %+v", section.Tables)
	}
	var got []string
	for _, row := range append([][]Cell{plain(section.Tables[0].Header...)}, section.Tables[0].Rows...) {
		var cells []string
		for _, c := range row {
			cells = append(cells, free(c.String()))
		}
		got = append(got, strings.Join(cells, "|"))
	}
	// t(1) = 12.706: 1 and 2 are 1.5 ± 12.706 · 0.5.
	want := []string{"metric|vanilla|bn", "kl_sd|2|1.500 ± 6.353", "mu2|1.500 ± 6.353|5", "one_group|4|–", "sigma2|1.500 ± 6.353|1.500 ± 6.353"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// Many groups are rows, and the metrics columns of several tables.
	many := &record.Set{}
	for i := range 8 {
		values := map[string]float64{"kl": 1}
		for k := range 10 {
			values[fmt.Sprintf("m%d", k)] = float64(i + k)
		}
		many.Runs = append(many.Runs, run("bn", 1, values, fmt.Sprintf("variant.bn.gamma=%d", i+1)))
	}
	section = New(Source{Set: many}).Sections[2]
	if section.Title != "Further metrics" || len(section.Tables) != 2 || len(section.Tables[0].Rows) != 8 || len(section.Tables[0].Header) != 2+mostMetrics || section.Tables[1].Name != "further-2" {
		t.Errorf("eight groups: %s with %d tables", section.Title, len(section.Tables))
	}
}

// TestDivided: the main table has few columns; the likelihood is that of importance weights only if every group has it.
func TestDivided(t *testing.T) {
	all := map[string]float64{"kl": 1, "floor": 1, "mi": 1, "gap": 1, "au": 1, "code_perplexity": 2, "rec": 9, "nelbo": 10, "iw_nll": 9.5, "ppl": 4}
	some := map[string]float64{"kl": 1, "mi": 1, "code_perplexity": 2, "nelbo": 10}
	for _, c := range []struct {
		name string
		runs []record.Run
		want string
	}{
		{"all", []record.Run{run("bn", 1, all)}, "KL floor MI gap AU IW-NLL | codes rec NELBO PPL"},
		{"one without", []record.Run{run("bn", 1, all), run("vq", 1, some)}, "KL floor MI gap AU NELBO | codes rec IW-NLL PPL"},
		{"codes only", []record.Run{run("vq", 1, some)}, "KL MI codes NELBO | "},
	} {
		groups := (&record.Set{Runs: c.runs}).Groups()
		split, metrics := measured(groups)
		main, rest := divided(groups, split, metrics)
		titles := func(columns []column) (names []string) {
			for _, c := range columns {
				names = append(names, c.title)
			}
			return names
		}
		if got := strings.Join(titles(main), " ") + " | " + strings.Join(titles(rest), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestNames: every table has a name of its own, as those need who ask for one.
func TestNames(t *testing.T) {
	six := pairs(6, map[string]float64{"bn": 2})
	for i := range six.Runs {
		row := six.Runs[i].Rows[0].Row()
		row.Values["ppl"], row.Values["mu2"] = float64(i), float64(i)
		six.Runs[i].Rows = record.Entries(row)
	}
	for name, s := range map[string]Source{"hard": hard(), "six": {Set: six, Experiments: declared()}} {
		seen := map[string]bool{}
		for _, section := range New(s).Sections {
			for _, table := range section.Tables {
				if table.Name == "" || seen[table.Name] || strings.Trim(table.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
					t.Errorf("%s: in %s a table is named %q", name, section.Title, table.Name)
				}
				seen[table.Name] = true
				if table.Head >= len(table.Header) {
					t.Errorf("%s: the head of %s is column %d of %d", name, table.Name, table.Head, len(table.Header))
				}
			}
		}
	}
}
