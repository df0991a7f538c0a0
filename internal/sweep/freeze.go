package sweep

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"vaelab/internal/train"
)

// A source is what an experiment was read from.
type source struct {
	text []byte
	root *yaml.Node // of the text, without aliases, laid over the file that it extends

	seeds   []int      // that an option asks for instead of the file's; nil without one
	sets    []override // those of the file, then those of the options
	located map[spot]string
}

// A spot is the line and column of a node, which tell it apart from all others; see from.
type spot struct{ line, column int }

func spotOf(n *yaml.Node) spot { return spot{n.Line, n.Column} }

// Freeze returns the experiment as one YAML text that means the same wherever it is read: the options are in it (--set as
// the key set), the paths of its data are absolute, the file that it extends is in it, and it has its name. Aliases are written out; comments are kept.
// It is an error if reading the text gives other trials, in number, settings, seeds or order, or other claims.
func (e *Experiment) Freeze() ([]byte, error) {
	if !nameRule.MatchString(e.Name) {
		return nil, fmt.Errorf("%s: the name %q cannot stand in a file; add a line experiment: NAME, with letters, digits, '.', - and _", e.file, e.Name)
	}
	var why error
	for _, comments := range []bool{true, false} { // the encoder misplaces some comments
		text, err := e.frozen(comments)
		if err != nil {
			return nil, err
		}
		again, err := Parse(e.file, text, Options{})
		if err == nil {
			err = e.same(again)
		}
		if err == nil {
			return text, nil
		}
		why = err
	}
	return nil, fmt.Errorf("%s: cannot be written as one file that means the same: %w; write the settings that --set changes into the file", e.file, why)
}

// frozen is the text of Freeze.
func (e *Experiment) frozen(comments bool) ([]byte, error) {
	origin, err := filepath.Abs(e.origin)
	if err != nil {
		return nil, err
	}
	word := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
	from := word(origin)
	from.LineComment = "# vaelab has made this file from that one"
	out := mapping(word("experiment"), word(e.Name), word("frozen"), from)
	for i := 0; i+1 < len(e.from.root.Content); i += 2 {
		key, value := e.from.root.Content[i], e.from.root.Content[i+1]
		switch key.Value {
		case "experiment", "frozen", "set":
			continue
		case "seeds", "seed":
			if e.from.seeds != nil {
				continue
			}
		}
		key, err := e.from.absolute(key, comments)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			key.HeadComment = "" // it begins the text, see opening
		}
		if value, err = e.from.absolute(value, comments); err != nil {
			return nil, err
		}
		out.Content = append(out.Content, key, value)
	}
	if e.from.seeds != nil {
		out.Content = append(out.Content, word("seeds"), seedsNode(e.from.seeds))
	}
	if len(e.from.sets) > 0 {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, s := range e.from.sets {
			value, err := e.from.absolute(s.value, comments)
			if err != nil {
				return nil, err
			}
			list.Content = append(list.Content, mapping(word(s.path), value))
		}
		out.Content = append(out.Content, word("set"), list)
	}
	var b bytes.Buffer
	b.Write(opening(e.from.text))
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(out); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

// absolute is a copy of a node in which the paths of data are absolute and nothing has an anchor.
func (s *source) absolute(n *yaml.Node, comments bool) (*yaml.Node, error) {
	out := *n
	out.Anchor, out.Content = "", nil
	if !comments {
		out.HeadComment, out.LineComment, out.FootComment = "", "", ""
	}
	if isNull(n) {
		out.Value = "null" // which the encoder would write as text, were it empty
	}
	if path, ok := s.located[spotOf(n)]; ok {
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		out.Tag, out.Style, out.Value = "!!str", yaml.DoubleQuotedStyle, path
	}
	for _, c := range n.Content {
		c, err := s.absolute(c, comments)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, c)
	}
	return &out, nil
}

// seedsNode is a count where the seeds are 1 to n, else their list on one line.
func seedsNode(seeds []int) *yaml.Node {
	out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	counted := true
	for i, s := range seeds {
		counted = counted && s == i+1
		out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: fmt.Sprint(s)})
	}
	if counted {
		return out.Content[len(seeds)-1]
	}
	return out
}

// opening is the comments that a text begins with, the question among them, and the empty lines between.
func opening(text []byte) []byte {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	end := 0
	for line := range bytes.Lines(text) {
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] != '#' {
			break
		}
		end += len(line)
	}
	return text[:end]
}

// same returns what another experiment has that this one has not; paths may be absolute in one of them.
func (e *Experiment) same(other *Experiment) error {
	if len(e.Trials) != len(other.Trials) {
		return fmt.Errorf("it would have %d trials instead of %d", len(other.Trials), len(e.Trials))
	}
	for i, t := range e.Trials {
		if err := sameTrial(t, other.Trials[i]); err != nil {
			return fmt.Errorf("trial %d: %w", i, err)
		}
	}
	for _, part := range []struct {
		what        string
		here, there any
	}{
		{"name", e.Name, other.Name}, {"question", e.Question, other.Question}, {"figures", e.Figures, other.Figures},
		{"claims", e.Claims, other.Claims}, {"baseline", e.Baseline, other.Baseline}, {"converged", e.Converged, other.Converged},
		{"set", e.set, other.set}, {"notes", e.Remarks, other.Remarks},
	} {
		if !reflect.DeepEqual(part.here, part.there) {
			return fmt.Errorf("its %s would be %v instead of %v", part.what, part.there, part.here)
		}
	}
	return nil
}

// sameTrial tells a difference between two trials.
func sameTrial(a, b train.Trial) error {
	if a.Seed != b.Seed {
		return fmt.Errorf("its seed would be %d instead of %d", b.Seed, a.Seed)
	}
	for key, value := range a.Config {
		there, ok := b.Config[key]
		if isPath(key) && value != "" {
			if path, err := filepath.Abs(value); err == nil {
				value = path
			}
		}
		if !ok || there != value {
			return fmt.Errorf("its %s would be %s instead of %s", key, there, value)
		}
	}
	if len(a.Config) != len(b.Config) {
		return fmt.Errorf("it would have other settings: %s", strings.Join(sortedKeys(b.Config), ", "))
	}
	return nil
}
