package table

import (
	"io"
	"math"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// groupCells is about the number of cells of a row group. A group is in memory until it is written.
const groupCells = 1 << 20

// A parquetWriter writes one row group after the other. Texts are dictionary-coded strings, numbers doubles, integers int64;
// what may be missing is optional. Pages are compressed by zstd.
type parquetWriter struct {
	*parquet.Writer
	columns []Column
	batch   []parquet.Row
	n       int                      // rows of the batch
	texts   map[string]parquet.Value // a table has few different ones
}

func newParquet(w io.Writer, columns []Column) *parquetWriter {
	options := []parquet.WriterOption{
		parquet.NewSchema("rows", schemaOf(columns)),
		parquet.Compression(&zstd.Codec{}),
		parquet.CreatedBy("vaelab", "", ""),
		parquet.MaxRowsPerRowGroup(max(1, groupCells/int64(len(columns)))),
	}
	for _, c := range columns {
		if c.Type == Number {
			options = append(options, parquet.SkipPageBounds(c.Name)) // see boundless
		}
	}
	p := &parquetWriter{Writer: parquet.NewWriter(w, options...), columns: columns, batch: make([]parquet.Row, 256), texts: map[string]parquet.Value{}}
	for i := range p.batch {
		p.batch[i] = make(parquet.Row, len(columns))
	}
	return p
}

func (p *parquetWriter) row(row []Cell) error {
	values := p.batch[p.n]
	for i, cell := range row {
		level := 0 // of definition: 1 for an optional value that is there
		if p.columns[i].Missing && !cell.Missing {
			level = 1
		}
		var v parquet.Value // null
		switch {
		case cell.Missing:
		case p.columns[i].Type == Integer:
			v = parquet.Int64Value(cell.Integer)
		case p.columns[i].Type == Number:
			v = parquet.DoubleValue(cell.Number)
		default:
			var ok bool
			if v, ok = p.texts[cell.Text]; !ok {
				v = parquet.ByteArrayValue([]byte(cell.Text))
				p.texts[cell.Text] = v
			}
		}
		values[i] = v.Level(0, level, i)
	}
	if p.n++; p.n < len(p.batch) {
		return nil
	}
	return p.flush()
}

// flush writes the batch.
func (p *parquetWriter) flush() error {
	_, err := p.WriteRows(p.batch[:p.n])
	p.n = 0
	return err
}

func (p *parquetWriter) end() error {
	if err := p.flush(); err != nil {
		return err
	}
	return p.Close()
}

// A schema is the root of a flat table. Unlike parquet.Group it keeps the order of the columns.
type schema struct {
	parquet.Group
	fields []parquet.Field
}

func (s schema) Fields() []parquet.Field { return s.fields }

// A field is a column.
type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

// Value is for rows that are structs; there are none.
func (f field) Value(reflect.Value) reflect.Value { panic("table: a field has no Go value") }

func schemaOf(columns []Column) (s schema) {
	for _, c := range columns {
		var node parquet.Node
		switch c.Type {
		case Integer:
			node = parquet.Encoded(parquet.Leaf(parquet.Int64Type), &parquet.DeltaBinaryPacked)
		case Number:
			node = parquet.Encoded(parquet.Leaf(boundless{parquet.DoubleType}), &parquet.Plain)
		default:
			node = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
		}
		if c.Missing {
			node = parquet.Optional(node)
		}
		s.fields = append(s.fields, field{node, c.Name})
	}
	return s
}

// A boundless column has no smallest and largest number in the file. Bounds leave NaN out, and DuckDB 2.0 takes a part of a
// column that lies within its bounds to have no NaN: it counts wrongly. parquet-go 0.32 writes 0 for both bounds of a page
// whose bounds are skipped, so that the infinities take their place.
type boundless struct{ parquet.Type }

func (b boundless) NewColumnIndexer(limit int) parquet.ColumnIndexer {
	return infinite{b.Type.NewColumnIndexer(limit)}
}

// An infinite index has infinite bounds.
type infinite struct{ parquet.ColumnIndexer }

func (i infinite) IndexPage(values, nulls int64, _, _ parquet.Value) {
	i.ColumnIndexer.IndexPage(values, nulls, parquet.DoubleValue(math.Inf(-1)), parquet.DoubleValue(math.Inf(1)))
}
