package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/train"
)

// decoded reads the JSON that a command line prints. There must be nothing else, and no key that v lacks.
func decoded(t *testing.T, r result, v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%v in\n%s", err, r.out)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		t.Errorf("the output goes on behind the JSON:\n%s", r.out)
	}
}

// fields are the cells of a table's lines that begin with a word, without units.
func fields(out, word string) []string {
	line := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(word) + ` .*$`).FindString(out)
	return strings.Fields(line)
}

// TestPlanJSON: the JSON of plan has the numbers of its text, and every trial.
func TestPlanJSON(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}, {variant: bn}]\nseeds: 2\nnotes: a note\n")
	succeeds(t, "run", "tiny.yaml", "-q", "--seeds", "1")
	var p struct {
		Experiment, Question, Notes, Extends string
		Data                                 []struct {
			Name               string
			Train, Valid, Test int
			Untrained          int
			TrivialNLL         float64 `json:"trivial_nll"`
		}
		Settings []struct {
			Label       string
			Trials      int
			ToTrain     int `json:"to_train"`
			Parameters  int
			Steps       int
			PerStep     float64 `json:"seconds_per_step"`
			PerTrial    float64 `json:"seconds_per_trial"`
			SlowestEach float64 `json:"slowest_seconds_per_trial"`
			AtMost      bool    `json:"at_most"`
		}
		Trials []struct {
			ID, Label string
			Seed      int
			Done      bool
		}
		ToTrain    int `json:"to_train"`
		Parallel   int
		Seconds    float64
		Slowest    float64 `json:"slowest_seconds"`
		AtMost     bool    `json:"at_most"`
		Processors int
		Free       float64
	}
	r := succeeds(t, "plan", "tiny.yaml", "--json", "--set", "train.stop.patience=3", "-j", "1")
	decoded(t, r, &p)
	text := succeeds(t, "plan", "tiny.yaml", "--set", "train.stop.patience=3", "-j", "1").out
	if p.Experiment != "tiny" || p.Question != "Does it run?" || p.Notes != "a note" || p.ToTrain != 4 || !p.AtMost || p.Parallel != 1 || len(p.Settings) != 2 || len(p.Trials) != 4 || !strings.HasPrefix(r.err, "vaelab: note: ") {
		t.Errorf("%+v\n%s", p, r.err)
	}
	d := p.Data[0]
	has(t, "the text", text, fmt.Sprintf("data %s: %d training, %d validation, %d test examples", d.Name, d.Train, d.Valid, d.Test), fmt.Sprintf("bigram model %.1f nats", d.TrivialNLL))
	for _, s := range p.Settings {
		want := fmt.Sprint([]any{s.Label, s.Trials, s.ToTrain, s.Parameters, "up", "to", s.Steps})
		if got := fields(text, s.Label); len(got) < 7 || fmt.Sprint(got[:7]) != want || s.PerStep <= 0 || s.SlowestEach < s.PerTrial || s.PerTrial <= 0 || !s.AtMost {
			t.Errorf("%+v; the text has %v", s, got)
		}
	}
	if p.Seconds <= 0 || p.Slowest < p.Seconds || p.Processors < 1 || p.Free <= 0 || p.Free > 1 {
		t.Errorf("%+v", p)
	}
	decoded(t, succeeds(t, "plan", "tiny.yaml", "--json"), &p)
	dirs := trials(t, "results")
	for _, trial := range p.Trials {
		if trial.Done != slices.Contains(dirs, filepath.Join("results", "tiny", filepath.FromSlash(trial.ID))) || trial.Done != (trial.Seed == 1) {
			t.Errorf("%+v; %v are there", trial, dirs)
		}
	}
	if p.ToTrain != 2 || p.AtMost {
		t.Errorf("%+v", p)
	}
}

// TestBenchJSON: the JSON of bench has the settings and the kind of numbers of its text.
func TestBenchJSON(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}, {variant: bn}]\n")
	type speed struct {
		Tokens  float64 `json:"tokens_per_second"`
		Share   *float64
		Seconds float64 `json:"seconds_per_trial"`
	}
	var b struct {
		Experiment, Question, Kernel string
		Cores                        int
		Ceiling                      float64 `json:"ceiling_flops"`
		Settings                     []struct {
			Label    string
			OneCore  speed `json:"one_core"`
			AllCores speed `json:"all_cores"`
		}
	}
	r := succeeds(t, "bench", "tiny.yaml", "--time", "20ms", "--json")
	decoded(t, r, &b)
	text := succeeds(t, "bench", "tiny.yaml", "--time", "20ms").out
	has(t, "the text", text, fmt.Sprintf("\n%s, %d cores", b.Kernel, b.Cores))
	if b.Experiment != "tiny" || len(b.Settings) != 2 || r.err != "" {
		t.Errorf("%+v\n%s", b, r.err)
	}
	for _, s := range b.Settings {
		for _, v := range []speed{s.OneCore, s.AllCores} {
			if v.Tokens <= 0 || v.Seconds <= 0 || (v.Share != nil) != (b.Ceiling > 0) || v.Share != nil && (*v.Share <= 0 || *v.Share > 2) {
				t.Errorf("%+v", s)
			}
		}
		if got := fields(text, s.Label); (len(got) < 6) || strings.Contains(strings.Join(got, " "), "–") != (b.Ceiling == 0) {
			t.Errorf("the text has %v", got)
		}
	}
}

// TestListJSON: the JSON of list has each name of its text, and says of each as much.
func TestListJSON(t *testing.T) {
	type setting struct {
		Key, Default, Allowed, Knob, Doc string
		Choices, Aliases                 []string
	}
	type entry struct {
		Name, Doc, Bound, Unit, Needs, Question string
		Vector                                  bool
		Splits                                  []string
		ActsOn                                  []string `json:"acts_on"`
		Settings                                []setting
	}
	var all map[string][]entry
	decoded(t, succeeds(t, "list", "--json"), &all)
	if len(all) != len(listed) {
		t.Errorf("%d kinds, want %d", len(all), len(listed))
	}
	for _, kind := range listed {
		var alone map[string][]entry
		decoded(t, succeeds(t, "list", kind, "--json"), &alone)
		if len(alone) != 1 || fmt.Sprint(alone[kind]) != fmt.Sprint(all[kind]) {
			t.Errorf("list %s --json has something else", kind)
		}
		out := succeeds(t, "list", kind).out
		names := 0
		for line := range strings.Lines(out) {
			if regexp.MustCompile(`^  [a-z]`).MatchString(line) && !strings.HasPrefix(line, "  vaelab") {
				names++
			}
		}
		for _, e := range all[kind] {
			if len(fields(out, e.Name)) == 0 || e.Doc == "" && e.Question == "" {
				t.Errorf("%s: %+v is not in\n%s", kind, e, out)
			}
			if e.Question != "" && !strings.Contains(out, e.Question) {
				t.Errorf("%s: the text lacks %q", kind, e.Question)
			}
			var keys []string
			for _, s := range e.Settings {
				keys = append(keys, s.Key+": "+cmp.Or(s.Default, `""`))
				if s.Doc == "" {
					t.Errorf("%s %s: nothing says what %s is", kind, e.Name, s.Key)
				}
			}
			if text := strings.Join(keys, ", "); !strings.Contains(out, "{"+text) && kind != "variants" && kind != "claims" && text != "" {
				t.Errorf("%s %s: the text lacks {%s}", kind, e.Name, text)
			}
		}
		if kind != "variants" && names != len(all[kind]) {
			t.Errorf("%s: %d in the text, %d in the JSON", kind, names, len(all[kind]))
		}
	}
	bn := all["variants"][slices.IndexFunc(all["variants"], func(e entry) bool { return e.Name == "bn" })]
	has(t, "list bn", succeeds(t, "list", "bn").out, "acts on "+strings.Join(bn.ActsOn, ", ")+":", "bound of the rate: "+bn.Bound,
		bn.Settings[0].Key+": "+bn.Settings[0].Default+"   "+bn.Settings[0].Allowed, "the rate "+bn.Settings[0].Knob+" with it", bn.Settings[0].Doc)
	if n := len(train.Metrics()) + len(claims.Costs); len(all["metrics"]) != n {
		t.Errorf("%d metrics, want %d", len(all["metrics"]), n)
	}
	for _, c := range [][]string{{"list", "bn", "--json"}, {"list", "bn+ln", "--json"}} {
		if r := vaelab(t, c...); r.code != exitUsage || r.out != "" || !strings.Contains(r.err, "is no kind; must be one of variants, models") {
			t.Errorf("%v: exit code %d, %s%s", c, r.code, r.out, r.err)
		}
	}
}

// TestVerifyFilesJSON: the JSON names the files that the text names.
func TestVerifyFilesJSON(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}, {variant: bn}]\n")
	succeeds(t, "run", "tiny.yaml", "-q")
	var v struct {
		Folder              string
		Count               map[string]int
		Archived, Unchecked int
		Damage              []struct{ Folder, File, What string }
	}
	decoded(t, succeeds(t, "verify", "results", "--files", "--json"), &v)
	if v.Folder != "results" || v.Count["done"] != 2 || v.Count["damaged"] != 0 || v.Damage == nil || len(v.Damage) != 0 {
		t.Errorf("%+v", v)
	}
	path := filepath.Join(trials(t, "results")[0], record.RowsFile)
	write(t, path, read(t, path)+"\n")
	r, text := vaelab(t, "verify", "results", "--files", "--json"), vaelab(t, "verify", "results", "--files")
	decoded(t, r, &v)
	if r.code != exitDamaged || text.code != exitDamaged || v.Count["done"] != 1 || v.Count["damaged"] != 1 || len(v.Damage) != 1 {
		t.Fatalf("exit code %d, %+v", r.code, v)
	}
	d := v.Damage[0]
	has(t, "the text", text.out, filepath.Join(d.Folder, d.File)+": damaged: "+d.What+"\n")
}
