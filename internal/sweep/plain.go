package sweep

import "gopkg.in/yaml.v3"

// A file is refused before it is multiplied out if it is larger than any honest one. The
// bounds keep a few lines of YAML from filling the memory.
const (
	maxBytes  = 1 << 20 // of a file
	maxNodes  = 20_000  // keys, values and lists of a file, what aliases repeat counted again
	maxDepth  = 50
	maxTrials = 100_000
	maxFaults = 100 // further trials are not looked at
)

// plain returns a node with every alias (*name) replaced by what it stands for. What is
// wrong with the text whatever it means is reported here: keys given twice, keys that are
// not text, merge keys. It returns nil, with a fault, if the node is too large or too deep,
// as one is that contains itself. Path is that of the setting.
func (r *reader) plain(n *yaml.Node, path string) *yaml.Node {
	left := maxNodes
	return r.plainAt(n, path, 0, &left)
}

func (r *reader) plainAt(n *yaml.Node, path string, depth int, left *int) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return r.plainAt(n.Alias, path, depth+1, left)
	}
	if *left--; *left < 0 {
		r.fault(n, "", "the file has more than %d keys and values, repetitions by aliases included", maxNodes)
		return nil
	}
	if depth > maxDepth {
		r.fault(n, "", "nested more than %d deep", maxDepth)
		return nil
	}
	out := *n
	out.Content = nil
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if c = r.plainAt(c, path, depth+1, left); c == nil {
				return nil
			}
			out.Content = append(out.Content, c)
		}
	case yaml.MappingNode:
		first := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := r.plainAt(n.Content[i], path, depth+1, left)
			if key == nil {
				return nil
			}
			below := join(path, key.Value)
			if depth == 0 && (key.Value == "base" || key.Value == "grid") {
				below = "" // their settings are named as --set names them
			}
			value := r.plainAt(n.Content[i+1], below, depth+1, left)
			if value == nil {
				return nil
			}
			switch earlier, twice := first[key.Value]; {
			case key.Kind != yaml.ScalarNode:
				r.fault(key, path, "a key must be a name, got %s", describe(key))
			case key.Tag == "!!merge":
				r.fault(key, path, "merge keys (<<) are not supported; put what entries share into base")
			case twice:
				r.fault(key, join(path, key.Value), "given twice; the first is at %s", r.place(earlier))
			default:
				first[key.Value] = key
				out.Content = append(out.Content, key, value)
			}
		}
	}
	return &out
}
