package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/registry"
	"vaelab/internal/vae"
)

func init() {
	Sources.Add("jsonl", JSONL{Field: "text", Context: defaultContext, Text: defaultText()})
}

// JSONL is sentences from files of JSON objects, one per line, such as SNLI.
//
// One field of each object is the text, and another may be the label: a string, a number,
// true or false. With given: context one is the context, a text as well. A text may be a list of strings, which are joined by spaces. Dots lead into objects and lists:
// translation.en, turns.0. A field's own name may hold dots, too. NaN and Infinity, which are no JSON, are read as
// null, as Python writes them. The paths of the files, the vocabulary and the bounds are the settings of
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
	// Context is the name of the field that holds the context. Only given: context reads it.
	Context string `yaml:"context" neutral:"context"`
	// Text has the paths and everything that is not special to the format.
	Text `yaml:",inline"`
}

// Kind is text.
func (c JSONL) Kind() vae.Kind { return vae.Text }

// Load reads the files. An error names the file, the line and what to do about it.
func (c JSONL) Load() (*Set, error) {
	return c.loadColumns(format{name: "jsonl", read: c.objects, labels: c.Labels != "", drop: c.DropLabel}, c.Context)
}

// defaultContext is the name of the place of the context in formats that have names.
const defaultContext = "context"

// loadColumns is load for a format that has names for text, label and context, which is the last.
func (c Text) loadColumns(as format, context string) (*Set, error) {
	switch {
	case as.drop != "" && !as.labels:
		return nil, fmt.Errorf("%s: drop_label %q needs label, the place of the label", as.name, clip(as.drop))
	case context != defaultContext && c.Given != givenContext:
		return nil, fmt.Errorf("%s: context %q has no effect unless given is context; set given: context", as.name, clip(context))
	}
	as.remedy = "name their place with label"
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
	fields, err := object(line)
	if err != nil {
		return s, err
	}
	text, err := field(fields, "field", c.Field)
	if err != nil {
		return s, err
	}
	if s.text, err = textOf(text, "field", c.Field); err != nil {
		return s, err
	}
	if c.Given == givenContext {
		context, err := field(fields, "context", c.Context)
		if err != nil {
			return s, err
		}
		if s.context, err = textOf(context, "context", c.Context); err != nil {
			return s, err
		}
	}
	if c.Labels == "" {
		return s, nil
	}
	raw, err := field(fields, "label", c.Labels)
	if err != nil {
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

// object returns the fields of a line that is a JSON object.
func object(line string) (map[string]json.RawMessage, error) {
	raw := strings.TrimSpace(line)
	var fields map[string]json.RawMessage
	err := json.Unmarshal([]byte(raw), &fields)
	if err != nil && strings.ContainsAny(raw, "NI") {
		fields = nil
		err = json.Unmarshal([]byte(withoutNaN(raw)), &fields)
	}
	if err == nil && fields != nil {
		return fields, nil
	}
	remedy := "write one object with its braces on each line"
	switch {
	case raw[0] == '[' || raw == "{":
		remedy = "it seems to be JSON over several lines, or one list: write one object on each line, for example with jq -c '.[]' FILE or jq -c . FILE"
	case raw == "null":
		remedy = "remove the line"
	}
	return nil, fmt.Errorf("%q is not a JSON object; %s", clip(raw), remedy)
}

// withoutNaN is JSON in which NaN, Infinity and -Infinity are null, except in strings.
func withoutNaN(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		rest := line[i:]
		n := 1
		switch {
		case rest[0] == '"':
			for n < len(rest) && rest[n] != '"' {
				if rest[n] == '\\' {
					n++
				}
				n++
			}
			n = min(n+1, len(rest))
		case strings.HasPrefix(rest, "NaN"), strings.HasPrefix(rest, "Infinity"), strings.HasPrefix(rest, "-Infinity"):
			b.WriteString("null")
			i += len("NaN")
			if rest[0] != 'N' {
				i += strings.Index(rest, "y") + 1 - len("NaN")
			}
			continue
		}
		b.WriteString(rest[:n])
		i += n
	}
	return b.String()
}

// textOf is a text: a string, or a list of strings. The setting names its field.
func textOf(raw json.RawMessage, setting, name string) (text string, err error) {
	var list []string
	switch {
	case raw[0] == '"':
		err = json.Unmarshal(raw, &text)
	case raw[0] == '[' && json.Unmarshal(raw, &list) == nil && !strings.Contains(string(raw), "null"):
		text = strings.Join(list, " ")
	case string(raw) == "null":
		return "", fmt.Errorf("the field %q is null and no text; remove the object", name)
	case raw[0] == '{', raw[0] == '[':
		if names := slices.Sorted(maps.Keys(elements(raw))); len(names) > 0 {
			return "", fmt.Errorf("the field %q is %s, not a string or a list of strings; name what is in it, such as %s: %s.%s", name, clip(string(raw)), setting, name, names[0])
		}
		fallthrough
	default:
		return "", fmt.Errorf("the field %q is %s, not a string; name another with %s", name, clip(string(raw)), setting)
	}
	if err != nil || strings.TrimSpace(text) == "" || notText(text) != "" {
		return "", fmt.Errorf("the field %q holds no text; remove the object", name)
	}
	return text, nil
}

// elements are the fields of an object, or the elements of a list by their numbers; nil for other values.
func elements(raw json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) == nil {
		return fields
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	fields = map[string]json.RawMessage{}
	for i, e := range list {
		fields[strconv.Itoa(i)] = e
	}
	return fields
}

// field returns the field with the name that a setting gives, or that its dots lead to.
func field(fields map[string]json.RawMessage, setting, name string) (json.RawMessage, error) {
	if name == "" {
		return nil, errors.New("the name of the text's field is empty; set field")
	}
	path, rest := "", name
	for {
		if raw, ok := fields[rest]; ok {
			return raw, nil
		}
		first, after, dotted := strings.Cut(rest, ".")
		inner := elements(fields[first])
		if !dotted || inner == nil {
			break
		}
		fields, path, rest = inner, path+first+".", after
	}
	var known []string
	for _, n := range slices.Sorted(maps.Keys(fields)) {
		known = append(known, path+n)
	}
	return nil, fmt.Errorf("%s: %w", setting, registry.Unknown("field", name, known))
}
