package data

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// commas are the separators of tables by their names.
var commas = map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t'}

// A tableReader reads the rows of one file.
type tableReader struct {
	path   string
	comma  rune
	before int         // lines before the first that the readers count
	quoted *csv.Reader // nil if quotes have no meaning
	plain  *lines      // nil if they have
	width  int         // how many fields the first row has
	named  int         // how many of them up to the last that is not blank

	guessed int // the line that made auto take quotes for text, or 0

	spans, swallowed     int // fields over several lines, and those of them whose first line is a row by itself
	firstSwallowed       int
	escapes, firstEscape int // texts with \n
}

// open prepares to read a table.
func (c CSV) open(r io.Reader, path string) (*tableReader, error) {
	t := &tableReader{path: path}
	literal := c.Quote == "none"
	if s, ok := r.(io.ReadSeeker); ok && c.Quote == "auto" {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil { // else it is a pipe, and csv
			t.guessed = c.unquoted(s, path)
			literal = t.guessed > 0
			if _, err := s.Seek(at, io.SeekStart); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	in, err := c.start(t, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if literal {
		t.plain = newLines(in, path)
	} else {
		t.quoted = csv.NewReader(in)
		t.quoted.Comma, t.quoted.ReuseRecord, t.quoted.FieldsPerRecord = t.comma, true, -1
	}
	return t, nil
}

// start reads what stands before the table: a line such as sep=;, by which spreadsheets say what separates fields.
func (c CSV) start(t *tableReader, r io.Reader) (io.Reader, error) {
	text, err := textReader(r)
	if err != nil {
		return nil, err
	}
	t.comma = commas[c.Separator]
	in := bufio.NewReader(text)
	head, _ := in.Peek(7)
	if !strings.HasPrefix(strings.ToLower(string(head)), "sep=") {
		return in, nil
	}
	line, rest, ok := strings.Cut(string(head[4:]), "\n")
	if line = strings.TrimSuffix(line, "\r"); !ok || len(line) != 1 {
		return in, nil // a column of that name
	}
	t.comma = rune(line[0])
	for _, known := range commas {
		if t.comma == known {
			t.before = 1
			_, err := in.Discard(len(head) - len(rest))
			return in, err
		}
	}
	return nil, fmt.Errorf("the first line says that %q separates fields; write the table with a comma, semicolon or tab", line)
}

// unquoted returns the first line of a file that shows that its quotes have no meaning, or 0. A quote that begins a
// field and does not close in its line, or stands inside a field without quotes, is such a sign if every line, whatever quotes it has, has
// as many fields as the first, and more than one: a quoted field that holds a line end or a separator would break that.
func (c CSV) unquoted(r io.Reader, path string) (first int) {
	var t tableReader
	in, err := c.start(&t, r)
	if err != nil {
		return 0
	}
	width, comma := 0, string(t.comma)
	for lines := newLines(in, path); lines.next(); {
		if strings.TrimSpace(lines.text) == "" {
			continue
		}
		n := strings.Count(lines.text, comma) + 1
		if width == 0 {
			width = n
		}
		if n != width || n < 2 {
			return 0
		}
		if first == 0 && !quotesFit(lines.text, comma) {
			first = t.before + lines.line
		}
	}
	return first
}

// quotesFit tells whether the quotes of a line are those of a row by itself: a field has none, or begins and ends with one, and
// those inside are doubled.
func quotesFit(line, comma string) bool {
	for line != "" {
		quoted := line[0] == '"'
		if quoted {
			end := 1
			for {
				i := strings.IndexByte(line[end:], '"')
				if i < 0 {
					return false
				}
				if end += i + 1; end == len(line) || line[end] != '"' {
					break
				}
				end++
			}
			line = line[end:]
		}
		field, rest, _ := strings.Cut(line, comma)
		if quoted && field != "" || strings.Contains(field, `"`) {
			return false
		}
		line = rest
	}
	return true
}

// next returns a row that is not blank and the number of its first line, or io.EOF. Its fields are as many as those of
// the first row, and valid until the next call.
func (t *tableReader) next() (row []string, line int, err error) {
	for {
		if row, line, err = t.read(); err != nil {
			return nil, line, err
		}
		if !slices.ContainsFunc(row, func(f string) bool { return strings.TrimSpace(f) != "" }) {
			continue // a spreadsheet writes rows of separators below its table
		}
		if t.width == 0 {
			t.width, t.named = len(row), filled(row)
		}
		switch {
		case filled(row) > t.width, len(row) < t.named:
			return nil, line, fmt.Errorf("the row has %d fields and the first has %d; %s", len(row), t.width, t.remedy())
		case len(row) > t.width:
			row = row[:t.width]
		}
		for len(row) < t.width {
			row = append(row, "")
		}
		return row, line, nil
	}
}

// filled is how many fields a row has up to the last that is not blank.
func filled(row []string) int {
	for n := len(row); n > 0; n-- {
		if strings.TrimSpace(row[n-1]) != "" {
			return n
		}
	}
	return 0
}

// remedy is for a row with another number of fields.
func (t *tableReader) remedy() string {
	if t.plain != nil {
		return "with quote: none no field may hold a separator: check the line, or set quote: csv"
	}
	for name, comma := range commas {
		if comma == t.comma {
			return "quote fields that hold a " + name + ", or set another separator"
		}
	}
	return "set another separator"
}

// read returns the next row as it stands.
func (t *tableReader) read() (row []string, line int, err error) {
	if t.plain != nil {
		if !t.plain.next() {
			if t.plain.err != nil {
				return nil, 0, t.plain.err
			}
			return nil, 0, io.EOF
		}
		return strings.Split(t.plain.text, string(t.comma)), t.before + t.plain.line, nil
	}
	row, err = t.quoted.Read()
	var at *csv.ParseError
	switch {
	case errors.As(err, &at):
		return nil, t.before + at.StartLine, errors.New("a quote is not closed or stands inside a field without quotes; double the quotes inside a quoted field, or set quote: none if quotes have no meaning, or another separator")
	case err == io.EOF:
		return nil, 0, err
	case err != nil:
		return nil, 0, fmt.Errorf("%s: %w", t.path, err)
	}
	line, _ = t.quoted.FieldPos(0)
	line += t.before
	for i, f := range row {
		first, _, spans := strings.Cut(f, "\n")
		if !spans {
			continue
		}
		t.spans++
		if t.width > 1 && i+strings.Count(first, string(t.comma))+1 == t.width {
			if t.swallowed++; t.swallowed == 1 {
				t.firstSwallowed = line
			}
		}
	}
	return row, line, nil
}

// unescaped is a text whose \n and \r, two characters each, are spaces.
func (t *tableReader) unescaped(text string, line int) string {
	if !strings.Contains(text, `\n`) && !strings.Contains(text, `\r`) {
		return text
	}
	if t.escapes++; t.escapes == 1 {
		t.firstEscape = line
	}
	return strings.NewReplacer(`\n`, " ", `\r`, " ").Replace(text)
}

// doubts is what is odd about what has been read.
func (t *tableReader) doubts() (all []error) {
	if t.guessed > 0 {
		all = append(all, fmt.Errorf("%s:%d: a quote does not fit within its line, and every line has %d columns without regard to quotes, so that quotes are read as text; set quote: none to say so, or quote: csv", t.path, t.guessed, t.width))
	}
	if 2*t.swallowed > t.spans {
		all = append(all, fmt.Errorf("%s:%d: the first of %d quoted fields over several lines that look like rows of their own; set quote: none if quotes have no meaning", t.path, t.firstSwallowed, t.swallowed))
	}
	if t.escapes > 0 {
		all = append(all, fmt.Errorf("%s:%d: the first of %d texts with the two characters \\n or \\r, which are read as white space", t.path, t.firstEscape, t.escapes))
	}
	return all
}
