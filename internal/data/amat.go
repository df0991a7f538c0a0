package data

import (
	"errors"
	"io"
	"strconv"
	"strings"
)

// readAmat reads numbers as text, one image a line, row by row, such as the binarised MNIST
// of Larochelle & Murray 2011.
func readAmat(r io.Reader) (*array, error) {
	lines := newLines(r, "line")
	a := &array{}
	rows, columns := 0, 0
	for lines.next() {
		before := len(a.values)
		for word := range strings.FieldsSeq(lines.text) {
			v, err := strconv.ParseFloat(word, 32)
			if err != nil {
				return nil, lines.errorf("must be numbers with spaces between them, got %q", clip(word))
			}
			a.values = append(a.values, float32(v))
		}
		n := len(a.values) - before
		switch {
		case n == 0:
			continue
		case rows == 0:
			columns = n
		case n != columns:
			return nil, lines.errorf("the line has %d numbers and the first line %d; each line must be one image; the file is damaged or truncated", n, columns)
		case len(a.values) > maxNumbers:
			return nil, lines.errorf("more than %d numbers; split the file", maxNumbers)
		}
		rows++
	}
	if lines.err != nil {
		return nil, lines.err
	}
	if rows == 0 {
		return nil, errors.New("the file holds no numbers; fetch or write it again")
	}
	a.dims = []int{rows, columns}
	return a, nil
}
