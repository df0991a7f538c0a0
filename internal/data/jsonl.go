package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"vaelab/internal/registry"
	"vaelab/internal/vae"
)

func init() {
	Sources.Add("jsonl", JSONL{Field: "text", Text: defaultText()})
}

// JSONL is sentences from files of JSON objects, one a line, such as SNLI's.
//
// One field of each object is the text, and another may be the label: a string, a number,
// true or false. The paths of the files, the vocabulary and the bounds are the settings of
// [Text], with the meaning they have there:
//
//	jsonl: {field: sentence1, label: gold_label, drop_label: "-", train: snli_train.jsonl}
type JSONL struct {
	// Field is the name of the field that holds the text.
	Field string `yaml:"field"`
	// Labels is the name of the field that holds the label; empty means no labels. It takes
	// the place of Text's, which stand before a TAB.
	Labels string `yaml:"label" alias:"label_field"`
	// DropLabel is a label whose sentences are left out, such as SNLI's "-" for those the
	// annotators disagree on; empty means none.
	DropLabel string `yaml:"drop_label"`
	// Text has the paths and everything that is not special to the format.
	Text `yaml:",inline"`
}

// Kind is text.
func (c JSONL) Kind() vae.Kind { return vae.Text }

// Load reads the files. An error names the file, the line and what to do about it.
func (c JSONL) Load() (*Set, error) {
	return c.loadColumns(format{name: "jsonl", read: c.objects, labels: c.Labels != "", drop: c.DropLabel})
}

// loadColumns is load for a format that has names for text and label.
func (c Text) loadColumns(as format) (*Set, error) {
	if as.drop != "" && !as.labels {
		return nil, fmt.Errorf("%s: drop_label %q needs label, which names where the label stands", as.name, clip(as.drop))
	}
	return c.load(as)
}

// objects reads a file with one JSON object a line.
func (c JSONL) objects(r io.Reader, path string) iter.Seq2[sentence, error] {
	return func(yield func(sentence, error) bool) {
		lines := newLines(r, path)
		for lines.next() {
			if strings.TrimSpace(lines.text) == "" {
				continue
			}
			s, err := c.object(lines.text)
			if err != nil {
				err = lines.errorf("%w", err)
			}
			s.line = lines.line
			if !yield(s, err) || err != nil {
				return
			}
		}
		if lines.err != nil {
			yield(sentence{}, lines.err)
		}
	}
}

// object reads the text and the label of one object.
func (c JSONL) object(line string) (s sentence, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &fields); err != nil || fields == nil {
		return s, fmt.Errorf("%q is not a JSON object; write one object with its braces on each line", clip(line))
	}
	raw, err := field(fields, "field", c.Field)
	if err != nil {
		return s, err
	}
	if raw[0] != '"' || json.Unmarshal(raw, &s.text) != nil {
		return s, fmt.Errorf("the field %q is %s, not a string; name another with field", c.Field, clip(string(raw)))
	}
	if strings.TrimSpace(s.text) == "" || notText(s.text) != "" {
		return s, fmt.Errorf("the field %q holds no text; remove the object", c.Field)
	}
	if c.Labels == "" {
		return s, nil
	}
	if raw, err = field(fields, "label", c.Labels); err != nil {
		return s, err
	}
	switch raw[0] {
	case '{', '[', 'n':
		return s, fmt.Errorf("the label %q is %s, not a string or number; name another with label", c.Labels, clip(string(raw)))
	case '"':
		err = json.Unmarshal(raw, &s.label)
	default:
		s.label = string(raw)
	}
	if s.label = strings.TrimSpace(s.label); s.label == "" || err != nil {
		return s, fmt.Errorf("the label %q is empty; complete the object or remove it", c.Labels)
	}
	return s, nil
}

// field returns the field with the name that a setting gives.
func field(fields map[string]json.RawMessage, setting, name string) (json.RawMessage, error) {
	if name == "" {
		return nil, errors.New("the name of the text's field is empty; set field")
	}
	if raw, ok := fields[name]; ok && len(raw) > 0 {
		return raw, nil
	}
	return nil, fmt.Errorf("%s: %w", setting, registry.Unknown("field", name, slices.Sorted(maps.Keys(fields))))
}
