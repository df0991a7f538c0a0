package report

import (
	"encoding/json"
	"testing"
)

// FuzzVerdicts: no verdicts.json makes a report panic, or one that cannot be written.
func FuzzVerdicts(f *testing.F) {
	f.Add([]byte(`{"experiment":"x","question":"q?","claims":[{"say":"s","source":"a","confidence":0.95,"verdict":"holds","what":"kl","n":6,"estimate":1,"lo":0.5,"hi":1.5,"level":0.96,"p":0.03,"test":"t","reason":"r","not_converged":{}}]}`))
	f.Add([]byte(`{"claims":[{},{"verdict":"?","n":-1,"lo":1e308}]}`))
	f.Add([]byte(`null`))
	set := pairs(2, map[string]float64{"bn": 1})
	f.Fuzz(func(t *testing.T, text []byte) {
		var v Verdicts
		if json.Unmarshal(text, &v) != nil {
			return
		}
		r := New(Source{Set: set, Verdicts: v.Claims, Experiments: []Experiment{{Name: v.Experiment, Question: v.Question}}})
		for form, write := range map[string]func() ([]byte, error){"HTML": r.HTML, "Markdown": r.Markdown, "LaTeX": r.LaTeX} {
			if _, err := write(); err != nil {
				t.Errorf("%s: %v", form, err)
			}
		}
	})
}
