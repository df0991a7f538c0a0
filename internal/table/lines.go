package table

import (
	"bufio"
	"encoding/json"
	"io"
	"math"
	"strconv"
)

// A lineWriter writes a JSON object for each row, with the columns as keys. Numbers are as in CSV. JSON has no NaN: what is not
// finite is null. What is missing has no key.
type lineWriter struct {
	*bufio.Writer
	columns []Column
	keys    []string          // with the colon
	texts   map[string]string // as JSON: a table has few different ones
	line    []byte
}

func newLines(w io.Writer, columns []Column) *lineWriter {
	l := &lineWriter{Writer: bufio.NewWriter(w), columns: columns, texts: map[string]string{}}
	for _, column := range columns {
		l.keys = append(l.keys, quoted(column.Name)+":")
	}
	return l
}

// quoted is the JSON of a string.
func quoted(text string) string {
	b, _ := json.Marshal(text) // a string has one
	return string(b)
}

func (l *lineWriter) row(row []Cell) error {
	line := append(l.line[:0], '{')
	for i, cell := range row {
		if cell.Missing {
			continue
		}
		if len(line) > 1 {
			line = append(line, ',')
		}
		line = append(line, l.keys[i]...)
		switch of := l.columns[i].Type; {
		case of == Number && (math.IsNaN(cell.Number) || math.IsInf(cell.Number, 0)):
			line = append(line, "null"...)
		case of == Integer:
			line = strconv.AppendInt(line, cell.Integer, 10)
		case of == Number && cell.Number == 0 && math.Signbit(cell.Number):
			line = append(line, "-0.0"...) // many readers take -0 for an integer, which has no sign
		case of == Number:
			line = strconv.AppendFloat(line, cell.Number, 'g', -1, 64)
		default:
			text, ok := l.texts[cell.Text]
			if !ok {
				text = quoted(cell.Text)
				l.texts[cell.Text] = text
			}
			line = append(line, text...)
		}
	}
	l.line = append(line, "}\n"...)
	_, err := l.Write(l.line)
	return err
}

func (l *lineWriter) end() error { return l.Flush() }
