package sweep

import (
	"reflect"

	"gopkg.in/yaml.v3"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/train"
	"vaelab/variants"
)

// relocate moves settings that stand in the wrong section, as the field's flat lists of
// flags have them (nz, enc_nh, kl_start, warm_up beside lr), to the one section of this
// trial that knows them, with a note. What no section knows, or more than one, stays and
// is a fault when the section is read.
func (r *reader) relocate(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return n
	}
	homes := homes(n)
	out := n
	move := func(key, value *yaml.Node, from string) bool {
		var home *place
		for i := range homes {
			if homes[i].setting.named(key.Value) {
				if home != nil {
					return false
				}
				home = &homes[i]
			}
		}
		if home == nil || home.section == from {
			return false
		}
		path := join(home.section, home.setting.key)
		if _, ok := r.origin[key]; !ok {
			r.note(key, from, "%q is understood as %s", key.Value, path)
		}
		out, _ = r.set(out, override{path: path, text: path, value: value})
		if home.section == "kl" && get(get(out, "kl"), "schedule") == nil {
			out, _ = r.set(out, override{path: "kl.schedule", text: "kl.schedule", value: &yaml.Node{Kind: yaml.ScalarNode, Value: "linear", Line: key.Line, Column: key.Column}})
			r.note(key, from, "kl.schedule is taken to be linear")
		}
		return true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !contains(sections, key.Value) {
			if move(key, value, "") {
				out = without(out, key.Value)
			}
			continue
		}
		if kinded[key.Value] || value.Kind != yaml.MappingNode {
			continue
		}
		for j := 0; j+1 < len(value.Content); j += 2 {
			if k := value.Content[j]; !knows(homes, key.Value, k.Value) && move(k, value.Content[j+1], key.Value) {
				out = with(out, key, without(get(out, key.Value), k.Value))
			}
		}
	}
	return out
}

// A place is a setting with the section it belongs to.
type place struct {
	section string
	setting setting
}

// homes lists every setting of the kinds that a trial uses.
func homes(n *yaml.Node) []place {
	var out []place
	add := func(section string, v any) {
		p := reflect.New(reflect.TypeOf(v)).Elem()
		for _, s := range settings(p) {
			out = append(out, place{section, s})
		}
	}
	add("kl", optim.KLSchedule{})
	add("train", train.Settings{})
	quiet := &reader{seen: map[string]bool{}}
	for _, k := range kinds(quiet, get(n, "model"), "model", "lstm") {
		if m, err := models.Models.Get(k.name.Value); err == nil {
			add("model."+k.name.Value, m)
		}
	}
	for _, k := range kinds(quiet, get(n, "data"), "data", "synthetic") {
		if d, err := data.Sources.Get(k.name.Value); err == nil {
			add("data."+k.name.Value, d)
		}
	}
	for _, k := range kinds(quiet, get(n, "variant"), "variant", "vanilla") {
		if v, err := variants.Methods.Get(k.name.Value); err == nil {
			add("variant."+k.name.Value, v)
		}
	}
	return out
}

func knows(homes []place, section, name string) bool {
	for _, h := range homes {
		if h.section == section && h.setting.named(name) {
			return true
		}
	}
	return false
}

// without returns the mapping without a key.
func without(n *yaml.Node, key string) *yaml.Node {
	out := *n
	out.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &out
}
