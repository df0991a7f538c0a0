package table

import (
	"encoding/csv"
	"io"
	"strconv"
)

// A csvWriter writes a header and a line for each row. Numbers are the shortest decimals that read back exactly; NaN is NaN.
// What is missing is empty.
type csvWriter struct {
	*csv.Writer
	columns []Column
	line    []string
}

func newCSV(w io.Writer, columns []Column) *csvWriter {
	c := &csvWriter{csv.NewWriter(w), columns, make([]string, len(columns))}
	for i, column := range columns {
		c.line[i] = column.Name
	}
	c.Write(c.line) // an error stays until the end
	return c
}

func (c *csvWriter) row(row []Cell) error {
	for i, cell := range row {
		switch {
		case cell.Missing:
			c.line[i] = ""
		case c.columns[i].Type == Integer:
			c.line[i] = strconv.FormatInt(cell.Integer, 10)
		case c.columns[i].Type == Number:
			c.line[i] = strconv.FormatFloat(cell.Number, 'g', -1, 64)
		default:
			c.line[i] = cell.Text
		}
	}
	return c.Write(c.line)
}

func (c *csvWriter) end() error {
	c.Flush()
	return c.Error()
}
