package data

import (
	stdcsv "encoding/csv"
	"io"
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

// TestJSONLPaths: dots lead into objects and lists, lists of strings are text, and what Python writes for NaN is no fault.
func TestJSONLPaths(t *testing.T) {
	for name, c := range map[string]struct{ content, field, label, want string }{
		"nested":          {`{"translation": {"en": "a b", "de": "c"}, "meta": {"label": "x"}}`, "translation.en", "meta.label", "a b"},
		"in a list":       {`{"turns": [{"text": "a"}, {"text": "b c"}], "y": [0, 1]}`, "turns.1.text", "y.1", "b c"},
		"tokens":          {`{"tokens": ["a", "b ,"], "y": 1}`, "tokens", "y", "a b ,"},
		"name with a dot": {`{"a.b": "c", "a": {"b": "d"}, "y": 1}`, "a.b", "y", "c"},
		"dot inside":      {`{"a": {"b.c": "d"}, "y": 1}`, "a.b.c", "y", "d"},
		"NaN":             {`{"text": "NaN of \"Infinity\\", "score": NaN, "z": [-Infinity, Infinity], "y": 1}`, "text", "y", `NaN of "Infinity\`},
	} {
		cfg := jsonl(t)
		cfg.Field, cfg.Labels = c.field, c.label
		cfg.Train = write(t, "a.jsonl", c.content)
		set := load(t, cfg)
		if got := decode(set.Vocab, set.Train); got != c.want || len(set.Train.Labels) != 1 {
			t.Errorf("%s: %q, labels %v, want %q", name, got, set.Train.Labels, c.want)
		}
	}
}

func TestJSONLErrors(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		change  func(*JSONL)
		says    []string
	}{
		"no object":    {"[1]\n", nil, []string{"a.jsonl:1:", "not a JSON object"}},
		"null":         {"null\n", nil, []string{"a.jsonl:1:", "not a JSON object", "remove the line"}},
		"list":         {"[{\"text\": \"a\"},\n", nil, []string{"a.jsonl:1:", "jq -c"}},
		"pretty":       {"{\n  \"text\": \"a\"\n}\n", nil, []string{"a.jsonl:1:", "jq -c"}},
		"null text":    {`{"text": null}`, nil, []string{"a.jsonl:1:", "is null", "remove the object"}},
		"inside":       {`{"text": {"en": "a", "de": "b"}}`, nil, []string{"a.jsonl:1:", "field: text.de"}},
		"no such":      {`{"text": {"en": "a", "de": "b"}}`, func(c *JSONL) { c.Field = "text.fr" }, []string{"a.jsonl:1:", "text.de", "text.en"}},
		"numbers":      {`{"text": [1, 2]}`, nil, []string{"a.jsonl:1:", "is [1, 2]"}},
		"null token":   {`{"text": ["a", null]}`, nil, []string{"a.jsonl:1:", "null"}},
		"empty list":   {`{"text": []}`, nil, []string{"a.jsonl:1:"}},
		"NaN label":    {`{"text": "a", "y": NaN}`, func(c *JSONL) { c.Labels = "y" }, []string{"is null"}},
		"bare word":    {`{"text": "a", "y": NONE}`, nil, []string{"not a JSON object"}},
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

// TestCSVQuotes: quotes that do not fit within their lines are text where every line is a row, and never swallow rows
// without a word.
func TestCSVQuotes(t *testing.T) {
	const glue = "sentence\tlabel\n\" a dog runs\t1\nno cat\t0\nhe said so \"\t1\n\"both sides\"\t0\n"
	tab := func(c *CSV) { c.Separator, c.Column, c.Labels = "tab", "sentence", "label" }
	for name, c := range map[string]struct {
		content string
		change  func(*CSV)
		want    string
		says    string
	}{
		"tabs":              {glue, tab, `" a dog runs|no cat|he said so "|"both sides"`, "a.csv:2: a quote does not fit"},
		"quote: none":       {glue, func(c *CSV) { tab(c); c.Quote = "none" }, `" a dog runs|no cat|he said so "|"both sides"`, ""},
		"quote: csv":        {glue, func(c *CSV) { tab(c); c.Quote = "csv" }, `a dog runs 1 no cat 0 he said so|both sides`, "a.csv:2: the first of 1 quoted fields"},
		"commas":            {"text,y\n\"a,1\nb\",0\n", nil, `"a|b"`, "a.csv:2: a quote does not fit"},
		"quote inside":      {"text\ty\nthe \"best\" day\t1\n", func(c *CSV) { c.Separator = "tab" }, `the "best" day`, "a.csv:2:"},
		"proper":            {"text,y\n\"a \"\"b\"\"\",1\n\"c\",0\n", nil, `a "b"|c`, ""},
		"lines in fields":   {"text,y\n\"a\nb\",1\n\"c, d\",0\n", nil, `a b|c, d`, ""},
		"one column":        {"text\n\"a\nb\"\nc\n", nil, `a b|c`, ""},
		"escaped ends":      {"text,y\na\\n\\nb\\rc,1\n", nil, "a b c", `a.csv:2: the first of 1 texts with the two characters \n`},
		"sep":               {"sep=;\r\ntext;y\r\na, b;1\r\n", nil, "a, b", ""},
		"sep and mark":      {"\ufeffsep=\t\ntext\ty\na, b\t1\n", nil, "a, b", ""},
		"a column sep=x":    {"sep=x,text\n1,a\n", nil, "a", ""},
		"empty columns":     {"text,y,,\na,1,,\nb,0\nc,0,\n,,,\n,,,\n", nil, "a|b|c", ""},
		"one more comma":    {"text,y\na,1,\nb,0,,\n", nil, "a|b", ""},
		"CR":                {"text,y\ra,1\r\"b\",0\r", nil, "a|b", ""},
		"quotes in UTF-16":  {"\xff\xfet\x00e\x00x\x00t\x00\n\x00a\x00\n\x00", nil, "a", ""},
		"none, and a blank": {"text\ty\n\na\t1\n\t\n", func(c *CSV) { c.Separator, c.Quote = "tab", "none" }, "a", ""},
	} {
		cfg := table(t)
		if c.change != nil {
			c.change(&cfg)
		}
		cfg.Train = write(t, "a.csv", c.content)
		set := load(t, cfg)
		if got := decode(set.Vocab, set.Train); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		var said []string
		for _, w := range set.Warnings {
			if s := w.Error(); strings.Contains(s, "quote") || strings.Contains(s, "two characters") {
				said = append(said, s)
			}
		}
		if got := strings.Join(said, "\n"); c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%s: warnings %q, want %q", name, got, c.says)
		}
	}
}

// TestQuotesFit compares with the parser of the standard library, over all short lines of three characters.
func TestQuotesFit(t *testing.T) {
	lines := []string{""}
	for from, length := 0, 0; length < 7; length++ {
		to := len(lines)
		for _, l := range lines[from:to] {
			for _, c := range []string{"a", ",", `"`} {
				lines = append(lines, l+c)
			}
		}
		from = to
	}
	for _, l := range lines {
		_, err := stdcsv.NewReader(strings.NewReader(l)).Read()
		if want := err == nil || err == io.EOF; quotesFit(l, ",") != want {
			t.Fatalf("%q: %v, the parser says %v", l, !want, err)
		}
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
		"bare quote":    {"text\n a \"b\" \n", nil, []string{"a.csv:2:", "double the quotes", "quote: none"}},
		"ragged":        {"text,y\na,b\nc\n", nil, []string{"a.csv:3:", "the row has 1 fields and the first has 2", "comma"}},
		"ragged, none":  {"text\ty\na\tb\nc\td\te\n", func(c *CSV) { c.Separator, c.Quote = "tab", "none" }, []string{"a.csv:3:", "3 fields", "quote: csv"}},
		"other comma":   {"id;text\n1;a\n", nil, []string{"a.csv:1:", "set separator: semicolon"}},
		"tabs":          {"id\t\"text\"\n1\ta\n", nil, []string{"a.csv:1:", "another separator"}},
		"sep=|":         {"sep=|\nid|text\n", nil, []string{"a.csv", `"|"`, "comma, semicolon or tab"}},
		"NUL, none":     {"id\ttext\n1\ta\x00\n", func(c *CSV) { c.Separator, c.Quote = "tab", "none" }, []string{"a.csv:2:", "NUL"}},
		"only escapes":  {"id,text\n1,\\n\n", nil, []string{"a.csv:2:", "is empty"}},
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
		for _, as := range []format{{name: "csv", read: c.rows(new([]error)), labels: true}, {name: "jsonl", read: j.objects, labels: true}} {
			for s, err := range as.read(strings.NewReader(content), "fuzz") {
				if err == nil && (strings.TrimSpace(s.text) == "" || s.label == "" || s.line < 1) {
					t.Errorf("%s: %q gives %+v", as.name, content, s)
				}
			}
		}
	})
}
