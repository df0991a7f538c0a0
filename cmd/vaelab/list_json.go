package main

import (
	"io"
	"strings"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/registry"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
	"vaelab/plots"
	"vaelab/variants"
)

// A listedKind is what list --json says of a variant, a model, data, a schedule, an optimizer, a figure or a kind of claim.
type listedKind struct {
	Name     string          `json:"name"`
	Doc      string          `json:"doc"`                // a sentence
	ActsOn   []string        `json:"acts_on,omitempty"`  // of a variant: the places where it acts
	Bound    string          `json:"bound,omitempty"`    // of a variant: of the rate
	Settings []listedSetting `json:"settings,omitempty"` // with their defaults
}

// A listedSetting is one setting of a kind.
type listedSetting struct {
	Key     string   `json:"key"` // below the kind: "gamma", "decay.factor"
	Default string   `json:"default"`
	Allowed string   `json:"allowed,omitempty"` // a range, or the choices
	Choices []string `json:"choices,omitempty"`
	Aliases []string `json:"aliases,omitempty"`
	Knob    string   `json:"knob,omitempty"` // what the rate does where the setting rises: "rises" or "falls"
	Doc     string   `json:"doc"`
}

// A listedMetric is what list --json says of a metric.
type listedMetric struct {
	Name   string   `json:"name"`
	Unit   string   `json:"unit"` // empty without one
	Doc    string   `json:"doc"`
	Vector bool     `json:"vector"`          // it is a vector of numbers
	Splits []string `json:"splits"`          // empty for a cost of the whole trial
	Needs  string   `json:"needs,omitempty"` // what a trial must have to be measured
}

// A listedExperiment is a shipped experiment.
type listedExperiment struct {
	Name     string `json:"name"`
	Question string `json:"question"`
}

// listJSON prints kinds as JSON: an object with a list for each of them.
func listJSON(w io.Writer, kinds []string) error {
	all := map[string]any{}
	for _, kind := range kinds {
		var err error
		switch kind {
		case "variants":
			all[kind], err = listedVariants()
		case "models":
			all[kind] = listedKinds(models.Models)
		case "data":
			all[kind] = listedKinds(data.Sources)
		case "schedules":
			all[kind] = listedKinds(optim.Schedules)
		case "optimizers":
			all[kind] = listedKinds(optim.Optimizers)
		case "figures":
			all[kind] = listedKinds(plots.Figures)
		case "claims":
			all[kind] = listedKinds(claims.Kinds)
		case "metrics":
			all[kind] = listedMetrics()
		case "experiments":
			all[kind], err = listedExperiments()
		}
		if err != nil {
			return err
		}
	}
	return printJSON(w, all)
}

func listedKinds[T any](r *registry.Registry[T]) (all []listedKind) {
	for _, name := range r.Names() {
		kind, _ := r.Get(name)
		k := listedKind{Name: name, Doc: strings.TrimRight(r.Doc(name), ":,")}
		for _, s := range sweep.Explain(kind) {
			k.Settings = append(k.Settings, listedSetting{s.Key, s.Default, s.Allowed, s.Choices, s.Aliases, s.Knob, r.Docs()[s.Type].Settings[s.Name]})
		}
		all = append(all, k)
	}
	return all
}

func listedVariants() ([]listedKind, error) {
	all := listedKinds(variants.Methods)
	for i := range all {
		l, err := describeVariant(all[i].Name)
		if err != nil {
			return nil, err
		}
		for _, place := range l.acts {
			all[i].ActsOn = append(all[i].ActsOn, place.Name)
		}
		all[i].Bound = l.bound
	}
	return all, nil
}

func listedMetrics() (all []listedMetric) {
	for _, m := range train.Metrics() {
		all = append(all, listedMetric{m.Name, m.Unit, m.Doc, m.Vector, m.Splits, m.Needs()})
	}
	for _, c := range claims.Costs {
		all = append(all, listedMetric{Name: c.Name, Unit: c.Unit, Doc: c.Doc, Splits: []string{}})
	}
	return all
}

func listedExperiments() (all []listedExperiment, err error) {
	for _, name := range experiments.Names() {
		e, err := new(choice).read(io.Discard, name)
		if err != nil {
			return nil, err
		}
		all = append(all, listedExperiment{name, e.Question})
	}
	return all, nil
}
