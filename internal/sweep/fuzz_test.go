package sweep

import (
	"encoding/json"
	"maps"
	"testing"

	"vaelab/internal/record"
)

// FuzzFromConfig: no trial.json makes the reader of settings panic, and what it accepts it reads again from what it has read.
func FuzzFromConfig(f *testing.F) {
	e, err := Parse("x.yaml", []byte("base: {data: gaussian, model: linear, variant: {bn: {}, free-bits: {}}}\n"), Options{})
	if err != nil {
		f.Fatal(err)
	}
	good := e.Trials[0].Trial
	text, err := json.Marshal(good.Config)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text), "train.lr", "0.1")
	f.Add(string(text), "variant", "bn+bn")
	f.Add(string(text), "model", "")
	f.Add(string(text), "data.gaussian.spectrum", "[1, [2]]")
	f.Add(`{"variant":"+","model":"a.b"}`, ".", "..")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		var config map[string]string
		if json.Unmarshal([]byte(text), &config) != nil {
			return
		}
		for _, change := range []map[string]string{config, {key: value}} {
			rec := good
			rec.Config = maps.Clone(good.Config)
			maps.Copy(rec.Config, change)
			trial, err := FromConfig(rec)
			if err != nil {
				continue
			}
			again := record.Trial{Seed: rec.Seed, Variant: rec.Variant, Config: trial.Config}
			if _, err := FromConfig(again); err != nil {
				t.Errorf("%q is read, but not what was read of it: %v", rec.Config, err)
			}
		}
	})
}
