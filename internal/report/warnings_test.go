package report

import (
	"slices"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// TestShortSchedule: a finished trial whose KL weight has not come to kl.beta is told with both numbers.
func TestShortSchedule(t *testing.T) {
	for _, c := range []struct {
		weight float64
		beta   string
		state  record.State
		want   []string
	}{
		{0.3, "2", record.Done, []string{"in 1 of 1 trials the schedule of the KL weight is longer than the training: the last training row has weight 0.3, kl.beta is 2"}},
		{2, "2", record.Done, nil},
		{0.3, "0.3", record.Done, nil},
		{0.3, "2", record.Unfinished, nil},
	} {
		run := record.Run{State: c.state, Trial: record.Trial{Config: map[string]string{"kl.beta": c.beta}},
			Rows: record.Entries(record.Row{Step: 1, Split: "train", Values: map[string]float64{"kl_weight": 0.1}}, record.Row{Step: 2, Split: "train", Values: map[string]float64{"kl_weight": c.weight}})}
		if got := Doubts(record.Group{Runs: []record.Run{run}}); !slices.Equal(got, c.want) {
			t.Errorf("weight %v of %s, %v: %q, want %q", c.weight, c.beta, c.state, got, c.want)
		}
	}
}

// TestMissedTargets: a target that the last rows are far from is told with both numbers; one on the way to which the KL was
// off is not.
func TestMissedTargets(t *testing.T) {
	for _, c := range []struct {
		name, metric   string
		start, end     float64 // of the metric
		weight, target float64
		counts         float64
		want           string
	}{
		{"met", "kl", 1, 7.9, 0.4, 8, 1, ""},
		{"the decoder's limit", "kl", 1, 5.1, 0.004, 8, 1,
			"in 1 of 1 trials the training KL ends at 5.1 nats with KL weight 0.004, and its target is 8: the decoder does not use more; lower the target"},
		{"too slow", "kl", 9, 5, 0.4, 4, 1,
			"in 1 of 1 trials the training KL ends at 5 nats with KL weight 0.4, and its target is 4: train longer, or change the settings of the controller"},
		{"none counts", "kl", 9, 5, 0.4, 4, 0, ""},
		{"rec above", "rec", 50, 30, 0.001, 20, 1,
			"in 1 of 1 trials the training rec ends at 30 nats with KL weight 0.001, and its target is 20: train longer, or change the settings of the controller"},
		{"rec below", "rec", 50, 15, 500, 20, 1, ""},
		{"rec of vectors", "rec", 50, -3.1, 0.3, -3, 1, ""},
	} {
		run := record.Run{State: record.Done}
		for step := range 10 {
			at := c.start
			if step >= 8 {
				at = c.end
			}
			values := map[string]float64{c.metric: at, c.metric + "_target": c.target, "kl_weight": c.weight, "counts": c.counts}
			run.Rows = append(run.Rows, record.Entries(record.Row{Step: step, Split: "train", Values: values})...)
		}
		got := slices.DeleteFunc(Doubts(record.Group{Runs: []record.Run{run}}), func(s string) bool { return strings.Contains(s, "before an evaluation counts") })
		if c.want == "" && len(got) > 0 || c.want != "" && !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestCodesInTables: a table with codes has how many are used, and says why a group of one code, or of sigma 0, has no IW-NLL.
func TestCodesInTables(t *testing.T) {
	set := &record.Set{Runs: []record.Run{
		run("vanilla", 1, map[string]float64{"kl": 1, "iw_nll": 30}),
		run("vq", 1, map[string]float64{"kl": 2, "code_perplexity": 6.25}),
		run("ceae", 1, map[string]float64{"kl": 90, "z_noise": 0.00001}),
		run("categorical", 1, map[string]float64{"kl": 1, "code_perplexity": 3, "iw_nll": 31}),
	}}
	table := Summary(set)
	if !slices.Contains(table.Header, "codes") {
		t.Errorf("no column of codes: %v", table.Header)
	}
	notes := strings.Join(table.Notes, "\n")
	for _, want := range []string{
		"No IW-NLL of vq: q(z|x) is one code, so importance weights never see p(x|z) of another code. NELBO is its bound.",
		"No IW-NLL of ceae: sigma goes to 0 (z_noise; here 1e-05), so importance weights see p(x|z) of hardly any other z, and the KL and the NELBO grow without bound.",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes %q lack %q", notes, want)
		}
	}
	if notes := strings.Join(Summary(&record.Set{Runs: set.Runs[:1]}).Notes, "\n"); strings.Contains(notes, "one code") {
		t.Errorf("vanilla alone: %q", notes)
	}
}
