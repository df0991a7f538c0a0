package data

import (
	"slices"
	"strings"
	"testing"
)

// jsonl and table are the registered defaults.
func jsonl(t testing.TB) JSONL {
	t.Helper()
	d, err := Sources.Get("jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return d.(JSONL)
}

func table(t testing.TB) CSV {
	t.Helper()
	d, err := Sources.Get("csv")
	if err != nil {
		t.Fatal(err)
	}
	return d.(CSV)
}

func TestJSONL(t *testing.T) {
	const train = "\ufeff" + `{"gold_label": "neutral", "sentence1": "A cat\nsat ."}

{"gold_label": "-", "sentence1": "unsure"}
{"sentence1": "a \u0064og", "gold_label": "contra", "more": [1, {"x": null}]}
`
	c := jsonl(t)
	c.Field, c.Labels, c.DropLabel, c.Lower = "sentence1", "gold_label", "-", true
	c.Train = write(t, "train.jsonl", train)
	c.Test = write(t, "test.jsonl", `{"gold_label": "contra", "sentence1": "zebra"}`+"\n"+`{"gold_label": "contra", "sentence1": "cat <unk>"}`)
	set := load(t, c)
	if got, want := decode(set.Vocab, set.Train), "a cat sat .|a dog"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := set.Train.Labels, []int{1, 0}; !slices.Equal(got, want) {
		t.Errorf("labels %v, want %v", got, want)
	}
	if set.Name != "jsonl" || len(set.Warnings) != 2 {
		t.Fatalf("name %q, warnings %v", set.Name, set.Warnings)
	}
	wantError(t, set.Warnings[0], "train.jsonl: 1 sentences", `label "-"`, "left out")
	wantError(t, set.Warnings[1], "test.jsonl:1:", "the first of 1 sentences without any word")
}

// TestJSONLLabels: SNLI has strings, others numbers or truth values.
func TestJSONLLabels(t *testing.T) {
	c := jsonl(t)
	c.Labels = "y"
	c.Train = write(t, "a.jsonl", `{"text":"a","y":2}`+"\n"+`{"text":"b","y":"10"}`+"\n"+`{"text":"c","y":true}`)
	if got, want := load(t, c).Train.Labels, []int{1, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("labels %v, want %v: in the alphabetical order of 10, 2, true", got, want)
	}
}

func TestJSONLErrors(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		change  func(*JSONL)
		says    []string
	}{
		"no object":    {"[1]\n", nil, []string{"a.jsonl:1:", "not a JSON object"}},
		"null":         {"null\n", nil, []string{"a.jsonl:1:", "not a JSON object"}},
		"cut off":      {`{"text": "a"}` + "\n" + `{"text": "b`, nil, []string{"a.jsonl:2:", "not a JSON object"}},
		"misspelt":     {`{"txet": "a", "id": 1}`, nil, []string{"a.jsonl:1:", `did you mean "txet"`, "known: id, txet"}},
		"no name":      {`{"text": "a"}`, func(c *JSONL) { c.Field = "" }, []string{"set field"}},
		"number":       {`{"text": 7}`, nil, []string{"a.jsonl:1:", "is 7, not a string"}},
		"blank":        {`{"text": " \n"}`, nil, []string{"a.jsonl:1:", "holds no text"}},
		"NUL":          {`{"text": "a\u0000"}`, nil, []string{"a.jsonl:1:", "holds no text"}},
		"no label":     {`{"text": "a"}`, func(c *JSONL) { c.Labels = "y" }, []string{"a.jsonl:1:", "label", `unknown field "y"`}},
		"null label":   {`{"text": "a", "y": null}`, func(c *JSONL) { c.Labels = "y" }, []string{"a.jsonl:1:", "is null"}},
		"list label":   {`{"text": "a", "y": [1]}`, func(c *JSONL) { c.Labels = "y" }, []string{"is [1]"}},
		"empty label":  {`{"text": "a", "y": " "}`, func(c *JSONL) { c.Labels = "y" }, []string{"is empty"}},
		"all left out": {`{"text": "a", "y": "-"}`, func(c *JSONL) { c.Labels, c.DropLabel = "y", "-" }, []string{"every sentence", "drop_label"}},
		"drop nothing": {`{"text": "a"}`, func(c *JSONL) { c.DropLabel = "-" }, []string{"drop_label", "needs label"}},
		"empty file":   {"", nil, []string{"a.jsonl", "no sentence"}},
		"too long":     {`{"text": "a b c"}`, func(c *JSONL) { c.MaxWords = 2 }, []string{"a.jsonl:1:", "3 words"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := jsonl(t)
			cfg.Train = write(t, "a.jsonl", c.content)
			if c.change != nil {
				c.change(&cfg)
			}
			_, err := cfg.Load()
			wantError(t, err, append(c.says, "jsonl: ")...)
		})
	}
}

func TestCSV(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		change  func(*CSV)
	}{
		"as RFC 4180":  {"\ufeffid, text ,stars\r\n1,\"the cat, \"\"sat\"\"\r\non\",good\r\n\r\n2,dog,bad\r\n3,oh,-\r\n", nil},
		"semicolons":   {"text;stars\n\"the cat, \"\"sat\"\"\non\";good\ndog;bad\noh;-\n", func(c *CSV) { c.Separator = "semicolon" }},
		"tabs":         {"text\tstars\n\"the cat, \"\"sat\"\"\ton\"\tgood\ndog\tbad\noh\t-\n", func(c *CSV) { c.Separator = "tab" }},
		"no first row": {"good,\"the cat, \"\"sat\"\"\non\"\nbad,dog\n-,oh\n", func(c *CSV) { c.Header, c.Column, c.Labels = false, "2", "1" }},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := table(t)
			cfg.Labels, cfg.DropLabel = "stars", "-"
			if c.change != nil {
				c.change(&cfg)
			}
			cfg.Train = write(t, "a.csv", c.content)
			set := load(t, cfg)
			if got, want := decode(set.Vocab, set.Train), `the cat, "sat" on|dog`; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got, want := set.Train.Labels, []int{1, 0}; !slices.Equal(got, want) {
				t.Errorf("labels %v, want %v", got, want)
			}
		})
	}
}

func TestCSVErrors(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		change  func(*CSV)
		says    []string
	}{
		"misspelt":      {"txt,y\na,b\n", nil, []string{"a.csv:1:", `did you mean "txt"`, "separator"}},
		"no number":     {"a,b\n", func(c *CSV) { c.Header = false }, []string{"a.csv:1:", `"text"`, "from 1 to 2"}},
		"number 3 of 2": {"a,b\n", func(c *CSV) { c.Header, c.Column = false, "3" }, []string{"from 1 to 2"}},
		"open quote":    {"text\nok\n\"a\nb\n", nil, []string{"a.csv:3:", "quote is not closed"}},
		"bare quote":    {"text\n a \"b\" \n", nil, []string{"a.csv:2:", "double the quotes"}},
		"ragged":        {"text,y\na,b\nc\n", nil, []string{"a.csv:3:", "number of fields", "comma"}},
		"blank text":    {"text,y\n ,b\n", nil, []string{"a.csv:2:", `column "text" is empty`}},
		"blank label":   {"text,y\na, \n", func(c *CSV) { c.Labels = "y" }, []string{"a.csv:2:", `label "y" is empty`}},
		"Latin-1":       {"text\na\ncaf\xe9\n", nil, []string{"a.csv:3:", "not valid UTF-8"}},
		"only a header": {"text,y\n", nil, []string{"a.csv", "no sentence"}},
		"empty":         {"", nil, []string{"a.csv", "no sentence"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := table(t)
			cfg.Train = write(t, "a.csv", c.content)
			if c.change != nil {
				c.change(&cfg)
			}
			_, err := cfg.Load()
			wantError(t, err, append(c.says, "csv: ")...)
		})
	}
}

// FuzzColumns: what a table or object is accepted as has a text and, if asked for, a label.
func FuzzColumns(f *testing.F) {
	for _, s := range []string{"", "text,y\na,b\n", "\"text\",y\n\"a\n", `{"text":"a","y":1}`, `{"text":"a"}`, "{}", "text,y\n,\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		c, j := table(t), jsonl(t)
		c.Labels, j.Labels = "y", "y"
		for _, as := range []format{{name: "csv", read: c.rows, labels: true}, {name: "jsonl", read: j.objects, labels: true}} {
			for s, err := range as.read(strings.NewReader(content), "fuzz") {
				if err == nil && (strings.TrimSpace(s.text) == "" || s.label == "" || s.line < 1) {
					t.Errorf("%s: %q gives %+v", as.name, content, s)
				}
			}
		}
	})
}
