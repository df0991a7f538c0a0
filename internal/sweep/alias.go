package sweep

import (
	"reflect"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/registry"
	"vaelab/internal/train"
	"vaelab/variants"
)

// A place is a setting with the section it belongs to, such as model.lstm.
type place struct {
	section string
	setting setting
}

// places lists every setting there is.
var places = sync.OnceValue(func() []place {
	var out []place
	var add func(section string, v reflect.Value)
	add = func(section string, v reflect.Value) {
		for _, s := range settings(v) {
			out = append(out, place{section, s})
			if s.value.Kind() == reflect.Struct {
				add(join(section, s.key), s.value)
			}
		}
	}
	add("kl", reflect.ValueOf(optim.KLSchedule{}))
	add("train", reflect.ValueOf(train.Settings{}))
	addKinds(data.Sources, "data", add)
	addKinds(models.Models, "model", add)
	addKinds(variants.Methods, "variant", add)
	return out
})

// placesOf is places by their section.
var placesOf = sync.OnceValue(func() map[string][]place {
	by := map[string][]place{}
	for _, p := range places() {
		by[p.section] = append(by[p.section], p)
	}
	return by
})

func addKinds[T any](reg *registry.Registry[T], section string, add func(string, reflect.Value)) {
	for _, name := range reg.Names() {
		kind, _ := reg.Get(name)
		add(join(section, name), reflect.ValueOf(kind))
	}
}

// lay lays an entry of the grid over the base, which rename has seen, after every setting of each has come to
// stand in its own section under its own name: nz in the entry replaces latent_dim in the base.
func (r *reader) lay(base, entry *yaml.Node) *yaml.Node {
	entry = r.rename(entry, "")
	trial := merge(base, entry, top)
	return merge(r.relocate(base, trial), r.relocate(entry, trial), top)
}

// rename gives the settings below n, which stand at path, their own names, with a note.
func (r *reader) rename(n *yaml.Node, path string) *yaml.Node {
	switch n.Kind {
	case yaml.SequenceNode:
		return list(n, func(c *yaml.Node) *yaml.Node { return r.rename(c, path) })
	case yaml.MappingNode:
		out := *n
		out.Content = nil
		first := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if p := known(path, key.Value); p != nil && key.Value != p.setting.key {
				r.note(key, path, "%q is understood as %q", key.Value, p.setting.key)
				key = renamed(key, p.setting.key)
			}
			if earlier, ok := first[key.Value]; ok {
				r.fault(key, join(path, key.Value), "given twice, here as %q and at %s as %q", n.Content[i].Value, r.place(earlier), earlier.Value)
				continue
			}
			first[key.Value] = n.Content[i]
			out.Content = append(out.Content, key, r.rename(n.Content[i+1], join(path, key.Value)))
		}
		return &out
	}
	return n
}

// known is the setting of a section that has a name, or nil.
func known(section, name string) *place {
	all := placesOf()[section]
	for i := range all {
		if all[i].setting.named(name) {
			return &all[i]
		}
	}
	return nil
}

// relocate moves settings that stand in the wrong section, as the field's flat lists of
// flags have them (nz, enc_nh, kl_start, warm_up beside lr), to the one section that knows
// them among the kinds in use, with a note. The kinds in use are those of the layer, the
// base or an entry, and where it names none those of the trial, the entry laid over the
// base. What no section knows, or more than one, stays and is a fault when it is read.
func (r *reader) relocate(layer, trial *yaml.Node) *yaml.Node {
	if layer.Kind != yaml.MappingNode {
		return layer
	}
	homes := sync.OnceValue(func() []place { return inUse(layer, trial) })
	out, moved := layer, map[string]bool{}
	move := func(key, value *yaml.Node, from string) bool {
		if f, ok := foreignName(key.Value); ok && f.never {
			return false
		}
		var home *place
		for _, h := range homes() {
			if h.setting.named(key.Value) {
				if home != nil {
					return false
				}
				home = &h
			}
		}
		if home == nil || home.section == from {
			return false
		}
		path := join(home.section, home.setting.key)
		r.note(key, from, "%q is understood as %s", key.Value, path)
		if moved[path] || find(layer, strings.Split(path, ".")) != nil {
			r.fault(key, path, "given twice, here as %q", key.Value)
			return true
		}
		moved[path] = true
		out, _ = lift(out, trial, override{path, key, value})
		if schedule := []string{"kl", "schedule"}; home.section == "kl" && contains(optim.Linear{}.Reads(), home.setting.key) && find(out, schedule) == nil && find(trial, schedule) == nil {
			out, _ = set(out, override{"kl.schedule", key, renamed(key, "linear")})
			r.note(key, from, "kl.schedule is taken to be linear")
		}
		return true
	}
	// dotted sets a key such as train.lr where it leads, as --set does.
	dotted := func(key, value *yaml.Node, from string) {
		path := canonical(join(from, key.Value))
		if earlier := find(layer, strings.Split(path, ".")); moved[path] || earlier != nil {
			r.fault(key, path, "given twice, here as %q", key.Value)
			return
		}
		moved[path] = true
		var ok bool
		if out, ok = lift(out, trial, override{path, key, r.rename(value, path)}); !ok {
			parts := strings.Split(path, ".")
			r.fault(key, path, "the trials of this entry use another %s; name it, %s: {%s: {...}}", parts[0], parts[0], parts[min(1, len(parts)-1)])
		}
	}
	for i := 0; i+1 < len(layer.Content); i += 2 {
		key, value := layer.Content[i], layer.Content[i+1]
		if section, _, ok := strings.Cut(key.Value, "."); ok && contains(sections, section) {
			out = without(out, key.Value)
			dotted(key, value, "")
			continue
		}
		if !contains(sections, key.Value) {
			if move(key, value, "") {
				out = without(out, key.Value)
			}
			continue
		}
		if isKinded(key.Value) || value.Kind != yaml.MappingNode {
			continue
		}
		for j := 0; j+1 < len(value.Content); j += 2 {
			if k := value.Content[j]; strings.Contains(k.Value, ".") {
				out = with(out, key, without(get(out, key.Value), k.Value))
				dotted(k, value.Content[j+1], key.Value)
			} else if known(key.Value, k.Value) == nil && move(k, value.Content[j+1], key.Value) {
				out = with(out, key, without(get(out, key.Value), k.Value))
			}
		}
	}
	return out
}

// canonical is a dotted path with the setting's own name at its end.
func canonical(path string) string {
	if at := strings.LastIndex(path, "."); at > 0 {
		if p := known(path[:at], path[at+1:]); p != nil {
			return join(path[:at], p.setting.key)
		}
	}
	return path
}

// lift is set for a layer that may leave the kind of a section to the other layer of its trial: it then names all kinds
// in use, not only the one that has the setting.
func lift(layer, trial *yaml.Node, o override) (*yaml.Node, bool) {
	section, _, _ := strings.Cut(o.path, ".")
	if kind := get(trial, section); isKinded(section) && get(layer, section) == nil && kind != nil {
		layer = with(layer, renamed(o.at, section), kind)
	}
	return set(layer, o)
}

// inUse lists the settings of the kinds in use.
func inUse(layer, trial *yaml.Node) []place {
	used := map[string]bool{"kl": true, "train": true}
	for section := range kinded {
		n := get(layer, section)
		if n == nil {
			n = get(trial, section)
		}
		var use func(n *yaml.Node)
		use = func(n *yaml.Node) {
			if n = spelt(n, section); n.Kind == yaml.SequenceNode {
				for _, c := range n.Content {
					use(c)
				}
				return
			}
			for i := 0; i < len(n.Content); i += 2 {
				used[join(section, n.Content[i].Value)] = true
			}
		}
		use(n)
	}
	var out []place
	for _, p := range places() {
		section := p.section
		if section == "train.decay" || section == "train.stop" {
			section = "train"
		}
		if used[section] {
			out = append(out, p)
		}
	}
	return out
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
