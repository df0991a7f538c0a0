package sweep

import (
	"fmt"
	"maps"

	"gopkg.in/yaml.v3"

	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/train"
)

// FromStamp returns the trial that weights are of. The paths of its data, which a stamp lacks, are empty.
func FromStamp(s train.Stamp) (train.Trial, error) {
	rec := record.Trial{Format: record.Format, Variant: s.Settings["variant"], Seed: s.Seed, Data: s.Data, Config: maps.Clone(s.Settings)}
	for key, setting := range traits() {
		if setting.path && uses(rec.Config, key) {
			rec.Config[key] = ""
		}
	}
	rec.ID = NameOf(rec)
	return FromConfig(rec)
}

// DataPaths are the keys of a trial's settings that are paths of its data, in alphabetical order.
func DataPaths(config map[string]string) []string {
	var keys []string
	for _, key := range sortedKeys(config) {
		if isPath(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Override returns the settings of a trial with each --set key=value laid over them. A key that the trial does not have is a
// fault; a kind cannot be changed.
func Override(config map[string]string, sets []string) (map[string]string, error) {
	r := newReader("--set")
	out := maps.Clone(config)
	for _, o := range r.overrides(sets) {
		switch _, ok := config[o.path]; {
		case isKinded(o.path):
			r.fault(o.at, "", "another kind has other settings, which are not known here; name an experiment with --config")
		case !ok:
			what := "is no setting of these weights"
			if near := registry.Nearest(o.path, sortedKeys(config)); near != "" {
				what += fmt.Sprintf("; did you mean %s?", near)
			}
			r.fault(o.at, "", "%s", what)
		case o.value.Kind != yaml.ScalarNode:
			r.fault(o.at, "", "must be one value, got %s", describe(o.value))
		default:
			out[o.path] = o.value.Value
		}
	}
	if len(r.faults) > 0 {
		return nil, Faults(r.faults)
	}
	return out, nil
}
