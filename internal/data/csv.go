package data

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/registry"
	"vaelab/internal/vae"
)

func init() {
	Sources.Add("csv", CSV{Column: "text", Context: defaultContext, Header: true, Separator: "comma", Quote: "auto", Text: defaultText()})
}

// CSV is sentences from a column of a table (CSV or TSV).
//
// Fields may stand in quotes, and a quoted field may hold separators and line ends; a quote
// inside is doubled. Many files with tabs have no quoting, see Quote. The two characters \\n and \\r, as some programs
// write the end of a line, are white space, and so are rows and columns without text at the end of a sheet; a first line
// such as sep=; names the separator. One column is the text, and another may be the label. With given: context one is the context, a text as well. The paths of the files, the vocabulary and the bounds are the settings of [Text], with the meaning they have
// there:
//
//	csv: {column: review, label: stars, train: train.csv, valid: valid.csv}
//
// Source: RFC 4180.
type CSV struct {
	// Column is the name of the column with the text, or its number from 1 if there is no header.
	Column string `yaml:"column" alias:"field"`
	// Labels is the name or number of the label's column; empty means no labels. It takes the
	// place of Text's, which stand before a TAB.
	Labels string `yaml:"label" alias:"label_column"`
	// DropLabel is a label whose sentences are left out; empty means none.
	DropLabel string `yaml:"drop_label"`
	// Context is the name or number of the context's column. Only given: context reads it.
	Context string `yaml:"context" neutral:"context"`
	// Header says that the first row of each file names the columns.
	Header bool `yaml:"header"`
	// Separator is the character between the fields of a row.
	Separator string `yaml:"separator" choice:"comma|semicolon|tab"`
	// Quote says whether quotes have a meaning: csv, none, or auto, which is csv unless each line by itself has all the
	// columns and a quote does not fit within its line.
	Quote string `yaml:"quote" choice:"auto|csv|none" neutral:"auto" alias:"quoting"`
	// Text has the paths and everything that is not special to the format.
	Text `yaml:",inline"`
}

// Kind is text.
func (c CSV) Kind() vae.Kind { return vae.Text }

// Load reads the files. An error names the file, the line and what to do about it.
func (c CSV) Load() (*Set, error) {
	var doubts []error
	return c.loadColumns(format{name: "csv", read: c.rows(&doubts), doubts: &doubts, labels: c.Labels != "", drop: c.DropLabel}, c.Context)
}

// rows reads a table. What is odd about it goes to doubts.
func (c CSV) rows(doubts *[]error) func(r io.Reader, path string) iter.Seq2[sentence, error] {
	return func(r io.Reader, path string) iter.Seq2[sentence, error] {
		return func(yield func(sentence, error) bool) {
			t, err := c.open(r, path)
			if err != nil {
				yield(sentence{}, err)
				return
			}
			defer func() { *doubts = append(*doubts, t.doubts()...) }()
			at := places{text: -1}
			for {
				row, line, err := t.next()
				if err == io.EOF {
					return
				}
				var s sentence
				if err == nil && at.text < 0 { // the first row
					if at, err = c.columns(row, t.comma); err == nil && c.Header {
						continue
					}
				}
				if err == nil {
					row[at.text] = t.unescaped(row[at.text], line)
					if at.context >= 0 {
						row[at.context] = t.unescaped(row[at.context], line)
					}
					s, err = c.row(row, at)
				}
				if err != nil && line > 0 { // else it says where already
					err = fmt.Errorf("%s:%d: %w", path, line, err)
				}
				s.line = line
				if !yield(s, err) || err != nil {
					return
				}
			}
		}
	}
}

// places are the columns of text, label and context, each -1 if there is none.
type places struct{ text, label, context int }

// columns finds the columns in the first row.
func (c CSV) columns(first []string, comma rune) (places, error) {
	none := places{-1, -1, -1}
	at := none
	var err error
	if at.text, err = c.column(first, comma, "column", c.Column); err != nil {
		return none, err
	}
	if c.Labels != "" {
		if at.label, err = c.column(first, comma, "label", c.Labels); err != nil {
			return none, err
		}
	}
	if c.Given == givenContext {
		if at.context, err = c.column(first, comma, "context", c.Context); err != nil {
			return none, err
		}
	}
	return at, nil
}

// column returns the index of the column with the name or number that a setting gives.
func (c CSV) column(first []string, comma rune, setting, name string) (int, error) {
	if !c.Header {
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 || n > len(first) {
			return 0, fmt.Errorf("%[1]s: must be the number of a column from 1 to %[3]d, because header is false, got %[2]q; is separator right?", setting, clip(name), len(first))
		}
		return n - 1, nil
	}
	names := make([]string, len(first))
	for i, n := range first {
		names[i] = clip(strings.TrimSpace(n))
	}
	if i := slices.Index(names, strings.TrimSpace(name)); i >= 0 {
		return i, nil
	}
	for other, rune := range commas {
		for field := range strings.SplitSeq(strings.Join(first, string(comma)), string(rune)) {
			if rune != comma && strings.Trim(strings.TrimSpace(field), `"`) == strings.TrimSpace(name) {
				return 0, fmt.Errorf("%s: the first row has %q if its columns are separated otherwise; set separator: %s", setting, clip(name), other)
			}
		}
	}
	return 0, fmt.Errorf("%s: %w; or set header to false or another separator", setting, registry.Unknown("column", name, names))
}

// row reads the text, the label and the context of one row.
func (c CSV) row(row []string, at places) (s sentence, err error) {
	if s.text, err = textIn(row[at.text], c.Column); err != nil {
		return s, err
	}
	if at.context >= 0 {
		if s.context, err = textIn(row[at.context], c.Context); err != nil {
			return s, err
		}
	}
	if at.label < 0 {
		return s, nil
	}
	if s.label = strings.Clone(strings.TrimSpace(row[at.label])); s.label == "" {
		return s, fmt.Errorf("the label %q is empty; complete the row or remove it", c.Labels)
	}
	return s, nil
}

// textIn is the text in a cell of a column.
func textIn(cell, column string) (string, error) {
	text := strings.Clone(cell)
	if bad := notText(text); bad != "" {
		return "", fmt.Errorf("%s; the file must be plain UTF-8 text: convert it", strings.Replace(bad, "the line", "the text", 1))
	}
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("the column %q is empty; complete the row or remove it", column)
	}
	return text, nil
}
