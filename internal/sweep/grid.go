package sweep

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// sections are the parts of a trial.
var sections = []string{"data", "model", "variant", "kl", "train"}

// kinded are the sections that name a kind, with the kind they mean if they are missing.
// They are replaced whole when an entry of the grid names another kind.
var kinded = map[string]string{"data": "synthetic", "model": "lstm", "variant": "vanilla"}

// top stands for the section where a whole trial is looked at.
const top = "trial"

// inner is the section of a kind that a key leads into, or "".
func inner(section, key string) string {
	if section == top && isKinded(key) {
		return key
	}
	return ""
}

func isKinded(section string) bool { return kinded[section] != "" }

// mapping makes a mapping node of keys and values.
func mapping(pairs ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: pairs}
}

func isNull(n *yaml.Node) bool { return n == nil || n.Tag == "!!null" }

// spelt returns what stands in a section of a kind in its long form: `bn` is `{bn: {}}`, and
// nothing is the kind that a missing section means.
func spelt(n *yaml.Node, section string) *yaml.Node {
	switch {
	case isNull(n):
		return mapping(&yaml.Node{Kind: yaml.ScalarNode, Value: kinded[section]}, mapping())
	case n.Kind == yaml.ScalarNode:
		m := mapping(n, mapping())
		m.Line, m.Column = n.Line, n.Column
		return m
	}
	return n
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

// find returns the first value that stands at a path, in lists too, or nil.
func find(n *yaml.Node, path []string) *yaml.Node {
	switch {
	case n == nil || len(path) == 0:
		return n
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			if v := find(c, path); v != nil {
				return v
			}
		}
		return nil
	}
	return find(get(n, path[0]), path[1:])
}

// list returns a sequence of the elements of n, each changed by f.
func list(n *yaml.Node, f func(*yaml.Node) *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	for _, c := range n.Content {
		out.Content = append(out.Content, f(c))
	}
	return &out
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

// merge lays an entry over the base: mappings key by key, anything else replaced; a list is
// merged element by element, and null says nothing. A section of a kind is merged only if
// both name the same kinds. Section says where base and over stand.
func merge(base, over *yaml.Node, section string) *yaml.Node {
	each := func(c *yaml.Node) *yaml.Node { return merge(base, c, section) }
	switch {
	case base == nil:
		return over
	case isKinded(section):
		if over.Kind == yaml.SequenceNode {
			return list(over, each)
		}
		if isNull(over) {
			return base
		}
		short, long := over, spelt(over, section)
		if base = spelt(base, section); base.Kind != yaml.MappingNode || !sameKeys(base, long) {
			return short
		}
		over = long
	case base.Kind == yaml.SequenceNode && over.Kind == yaml.MappingNode:
		return list(base, func(c *yaml.Node) *yaml.Node { return merge(c, over, section) })
	case base.Kind != yaml.MappingNode:
		return over
	case over.Kind == yaml.SequenceNode:
		return list(over, each)
	case isNull(over):
		return base
	case over.Kind != yaml.MappingNode:
		return over
	}
	out := base
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		if old := get(base, key.Value); old != nil {
			value = merge(old, value, inner(section, key.Value))
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

// A size says what the lists inside a node make of it.
type size struct {
	trials int  // that they multiply to, or anything above maxTrials if it is more than that
	fixed  bool // there is no list
	ones   bool // it is a list, and each element makes one
}

// size returns a node's size. An empty list is a fault: it leaves no trial. Path is that of the setting.
func (r *reader) size(n *yaml.Node, path string) size {
	if n.Kind != yaml.SequenceNode && n.Kind != yaml.MappingNode {
		return size{trials: 1, fixed: true}
	}
	if known, ok := r.sizes[n]; ok {
		return known
	}
	var s size
	switch n.Kind {
	case yaml.SequenceNode:
		s.ones = true
		for _, c := range n.Content {
			below := r.size(c, path).trials
			s.trials, s.ones = min(s.trials+below, maxTrials+1), s.ones && below == 1
		}
		if len(n.Content) == 0 {
			r.fault(n, path, "the list is empty; give at least one value")
		}
	case yaml.MappingNode:
		s = size{trials: 1, fixed: true}
		for i := 0; i+1 < len(n.Content); i += 2 {
			below := r.size(n.Content[i+1], join(path, n.Content[i].Value))
			s.trials, s.fixed = min(s.trials*below.trials, maxTrials+1), s.fixed && below.fixed
		}
	}
	r.sizes[n] = s
	return s
}

// A choice is one of the nodes that a node's lists multiply to.
type choice struct {
	of *yaml.Node
	i  int
}

// pickTrial is pick for a whole trial. Trials that have made the same choice in a section share its node, so that they
// also share what is read of it, see recall.
func (r *reader) pickTrial(n *yaml.Node, i int) *yaml.Node {
	return r.pickValues(n, i, func(section *yaml.Node, i int) *yaml.Node {
		c := choice{section, i}
		if _, ok := r.picked[c]; !ok {
			r.picked[c] = r.pick(section, i)
		}
		return r.picked[c]
	})
}

// pick returns node i of those that n's lists multiply to, each list replaced by one of
// its elements; the last list varies fastest.
func (r *reader) pick(n *yaml.Node, i int) *yaml.Node {
	switch s := r.size(n, ""); {
	case s.fixed:
	case s.ones:
		return r.pick(n.Content[i], 0)
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			below := r.size(c, "").trials
			if i < below {
				return r.pick(c, i)
			}
			i -= below
		}
	case n.Kind == yaml.MappingNode:
		return r.pickValues(n, i, r.pick)
	}
	return n
}

// pickValues is pick for a mapping, with the function that picks among those of a value.
func (r *reader) pickValues(n *yaml.Node, i int, pick func(value *yaml.Node, i int) *yaml.Node) *yaml.Node {
	out := *n
	out.Content = slices.Clone(n.Content)
	for k := len(n.Content) - 1; k > 0; k -= 2 {
		if s := r.size(n.Content[k], ""); !s.fixed {
			out.Content[k] = pick(n.Content[k], i%s.trials)
			i /= s.trials
		}
	}
	return &out
}

// An override sets one value in a trial.
type override struct {
	path  string
	at    *yaml.Node // where it is said; faults with the keys of the path are reported there
	value *yaml.Node
}

// set lays an override over a trial; it reports whether the trial has a place for it: a
// setting of a kind that the trial does not use has none.
func set(n *yaml.Node, s override) (*yaml.Node, bool) {
	return setAt(n, s, strings.Split(s.path, "."), top)
}

func setAt(n *yaml.Node, s override, path []string, section string) (*yaml.Node, bool) {
	key, below := renamed(s.at, path[0]), get(n, path[0])
	if isKinded(section) && below == nil { // another kind
		return n, false
	}
	if len(path) == 1 {
		return with(n, key, s.value), true
	}
	section = inner(section, path[0])
	if isKinded(section) {
		below = spelt(below, section)
	}
	switch {
	case isNull(below):
		below = mapping()
		below.Line, below.Column = key.Line, key.Column
	case below.Kind == yaml.SequenceNode: // a list of kinds or settings: in each of them
		any := false
		below = list(below, func(c *yaml.Node) *yaml.Node {
			if isKinded(section) {
				c = spelt(c, section)
			}
			c, ok := setAt(c, s, path[1:], section)
			any = any || ok
			return c
		})
		return with(n, key, below), any
	}
	below, ok := setAt(below, s, path[1:], section)
	if !ok {
		return n, false
	}
	return with(n, key, below), true
}

// renamed returns a key that stands where another does.
func renamed(key *yaml.Node, name string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: key.Line, Column: key.Column}
}
