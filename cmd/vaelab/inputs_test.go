package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// TestInputs: what people have trains with at most one setting beside paths and columns, data show names the setting, and
// what is sampled from it looks like it, also where the trial's folder was moved and its text is gone.
func TestInputs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(list string) string { w := strings.Fields(list); return w[rng.IntN(len(w))] }
	noun, verb := "dog cat house waiter", "runs sleeps eats sees"
	for name, c := range map[string]struct {
		row     func(i int) string
		head    string
		source  string // with %[1]s for the split's name
		setting string // of the source, or empty
		says    string // data show, without the setting
		never   string // what no sample has
	}{
		"Chinese": {func(int) string {
			return pick("那家 这家 我家") + pick("餐厅 酒店 房间") + pick("非常 真的很") + pick("好 贵 干净") + "。"
		}, "",
			"text: {", "unit: char", "set unit: char", " "},
		"prose": {func(int) string { return fmt.Sprintf("The %s %s, and it %s.", pick(noun), pick(verb), pick(verb)) }, "",
			"text: {", "unit: unicode", "set unit: unicode", " ,"},
		"SMILES": {func(int) string { return pick("CC CCC c1ccccc1") + pick("(=O) (=C)") + pick("O N") + pick("CC C") }, "",
			"text: {", "unit: char", "set unit: char", " "},
		"TSV": {func(i int) string {
			return fmt.Sprintf("%s%s %s %s\t%d", []string{"\" ", "", "", ""}[i%4], pick(noun), pick(verb), pick(noun), i%2)
		}, "sentence\tlabel\n", "csv: {column: sentence, label: label, ", "separator: tab", "set separator: tab", "\t"},
		"spreadsheet": {func(i int) string { return fmt.Sprintf("%d;%s , %s\\n%s;;", i, pick(noun), pick(verb), pick(noun)) }, "\ufeffsep=;\r\nid;text;;\r\n",
			"csv: {", "", "", "\\n"},
		"nested JSONL": {func(i int) string {
			return fmt.Sprintf(`{"translation": {"en": "%s %s"}, "score": NaN, "y": %d}`, pick(noun), pick(verb), i%2)
		}, "", "jsonl: {label: y, ", "field: translation.en", "translation", "{"},
	} {
		t.Run(name, func(t *testing.T) {
			folder(t)
			for split, n := range map[string]int{"train": 64, "valid": 16, "test": 16} {
				var b strings.Builder
				b.WriteString(c.head)
				for i := range n {
					b.WriteString(c.row(i) + "\n")
				}
				write(t, split, b.String())
			}
			yaml := func(setting string) string {
				if setting != "" {
					setting += ", "
				}
				return fmt.Sprintf(`base:
  data: {%s%strain: train, valid: valid, test: test}}
  model: {lstm: {latent_dim: 2, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 1, batching: near}
`, c.source, setting)
			}
			write(t, "my.yaml", yaml(""))
			if c.setting != "" {
				r := vaelab(t, "data", "show", "my.yaml")
				has(t, "data show without the setting", r.err, c.says)
			}
			write(t, "my.yaml", yaml(c.setting))
			r := succeeds(t, "data", "show", "my.yaml")
			if strings.Contains(r.err, "set ") && !strings.Contains(r.err, "set quote: none to say so") {
				t.Errorf("with the setting data show still says %s", r.err)
			}
			has(t, "data show", r.out, "train        64")
			succeeds(t, "run", "my.yaml", "--out", "results")
			dir := trials(t, "results")[0]
			if err := os.Rename(dir, "moved"); err != nil {
				t.Fatal(err)
			}
			for _, split := range []string{"train", "valid", "test"} {
				if err := os.Remove(split); err != nil {
					t.Fatal(err)
				}
			}
			out := succeeds(t, "sample", "moved", "--decode", "sample", "--json", "--n", "20", "--no-unk").out
			if _, lines, ok := strings.Cut(out, `"text":"`); !ok {
				t.Fatalf("no sample in %s", out)
			} else {
				for _, line := range strings.Split(`"text":"`+lines, "\n") {
					if _, s, ok := strings.Cut(line, `"text":"`); ok {
						if s, _, _ = strings.Cut(s, `","log_prob"`); strings.Contains(s, c.never) {
							t.Errorf("sample %q has %q", s, c.never)
						}
					}
				}
			}
		})
	}
}
