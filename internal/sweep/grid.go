package sweep

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// sections are the parts of a trial; those of a kind are replaced whole when an entry of
// the grid names another kind.
var sections = []string{"data", "model", "variant", "kl", "train"}

var kinded = map[string]bool{"data": true, "model": true, "variant": true}

// mapping makes a mapping node of keys and values.
func mapping(pairs ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: pairs}
}

func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// with returns the mapping with a key set; n is not changed.
func with(n, key, value *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
	done := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key.Value {
			out.Content = append(out.Content, key, value)
			done = true
			continue
		}
		out.Content = append(out.Content, n.Content[i], n.Content[i+1])
	}
	if !done {
		out.Content = append(out.Content, key, value)
	}
	return out
}

// merge lays an entry over the base: mappings key by key, anything else replaced. Below a
// section of a kind (replace), mappings are merged only if they name the same kinds.
func merge(base, over *yaml.Node, replace bool) *yaml.Node {
	if base == nil || base.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode || replace && !sameKeys(base, over) {
		return over
	}
	out := base
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		if old := get(base, key.Value); old != nil {
			value = merge(old, value, kinded[key.Value])
		}
		out = with(out, key, value)
	}
	return out
}

func sameKeys(a, b *yaml.Node) bool {
	if len(a.Content) != len(b.Content) {
		return false
	}
	for i := 0; i < len(a.Content); i += 2 {
		if get(b, a.Content[i].Value) == nil {
			return false
		}
	}
	return true
}

// expand turns every list inside a trial into one trial for each element, the last list
// varying fastest. An empty list is no trial.
func expand(n *yaml.Node) []*yaml.Node {
	switch n.Kind {
	case yaml.AliasNode:
		return expand(n.Alias)
	case yaml.SequenceNode:
		var out []*yaml.Node
		for _, c := range n.Content {
			out = append(out, expand(c)...)
		}
		return out
	case yaml.MappingNode:
		out := []*yaml.Node{{Kind: n.Kind, Tag: n.Tag, Line: n.Line, Column: n.Column}}
		for i := 0; i+1 < len(n.Content); i += 2 {
			values := expand(n.Content[i+1])
			var longer []*yaml.Node
			for _, o := range out {
				for _, v := range values {
					c := *o
					c.Content = append(append([]*yaml.Node(nil), o.Content...), n.Content[i], v)
					longer = append(longer, &c)
				}
			}
			out = longer
		}
		return out
	}
	return []*yaml.Node{n}
}

// set lays one --set over a trial; it reports whether the trial has a place for it: a
// setting of a kind that the trial does not use has none.
func (r *reader) set(n *yaml.Node, s override) (*yaml.Node, bool) {
	return r.setAt(n, s, strings.Split(s.path, "."), "")
}

func (r *reader) setAt(n *yaml.Node, s override, path []string, section string) (*yaml.Node, bool) {
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: path[0]}
	r.origin[key] = s.origin()
	if len(path) == 1 {
		return with(n, key, s.value), true
	}
	below := get(n, path[0])
	switch {
	case kinded[section] && below == nil: // another kind
		return n, false
	case below == nil || below.Tag == "!!null":
		below = mapping()
	case kinded[path[0]] && below.Kind == yaml.ScalarNode: // `variant: bn` is `variant: {bn: {}}`
		below = mapping(below, mapping())
	case below.Kind == yaml.SequenceNode: // a list of kinds or settings: in each of them
		list, any := *below, false
		list.Content = nil
		for _, c := range below.Content {
			if kinded[path[0]] && c.Kind == yaml.ScalarNode {
				c = mapping(c, mapping())
			}
			c, ok := r.setAt(c, s, path[1:], path[0])
			any = any || ok
			list.Content = append(list.Content, c)
		}
		return with(n, key, &list), any
	}
	inner, ok := r.setAt(below, s, path[1:], path[0])
	if !ok {
		return n, false
	}
	return with(n, key, inner), true
}
