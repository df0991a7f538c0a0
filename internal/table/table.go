// Package table lays out the rows of trials as one table and writes it as CSV, lines of JSON or Parquet. Rows go through
// one at a time, so that a table may be larger than the memory.
package table

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"

	"vaelab/internal/record"
)

// A Type is the type of a column's cells.
type Type int

// The types.
const (
	Text Type = iota
	Integer
	Number
)

// A Column is one of a table.
type Column struct {
	Name    string
	Type    Type
	Missing bool // cells may be missing
}

// A Cell is one number or text of a row. The column tells which of the fields has it.
type Cell struct {
	Text    string
	Integer int64
	Number  float64
	Missing bool
}

// A Table is a set of trials as rows of cells. Both layouts begin with the columns
//
//	experiment, trial, variant, seed, <each setting that varies>, step, split
//
// A long table has the columns metric and value after these, and one number a row. A wide table has one row for each trial,
// step and split with a number, and a column for each metric. Number 3 of the vector kl_dim, counted from 0, is the metric "kl_dim/3". A
// setting that a trial does not have is missing, and so is a metric that was not measured there. A metric that was measured
// and is not finite is NaN.
type Table struct {
	Columns []Column
	LeftOut []string // vectors that a wide table of all metrics does not have

	set      *record.Set
	groups   []record.Group
	settings []string // full keys of those that vary
	chosen   *Selection
	vectors  bool // the table has numbers of vectors
	wide     bool
	at       map[string]int // of a metric of a wide table: its column
}

// Formats are the names of the formats, which are also the endings of their files.
var Formats = []string{"csv", "jsonl", "parquet"}

var front = []Column{{"experiment", Text, false}, {"trial", Text, false}, {"variant", Text, false}, {"seed", Integer, false}}

// Long returns the long table of the numbers that are chosen.
func Long(set *record.Set, chosen *Selection) (*Table, error) {
	t := begin(set, chosen)
	t.vectors = chosen.patterns == nil || slices.ContainsFunc(chosen.vectors(), chosen.hasVector)
	t.Columns = append(t.Columns, Column{"metric", Text, false}, Column{"value", Number, false})
	return t, t.check()
}

// Wide returns the wide table of the numbers that are chosen. If all metrics are, it has no vectors: some have a thousand
// numbers.
func Wide(set *record.Set, chosen *Selection) (*Table, error) {
	t := begin(set, chosen)
	t.wide, t.at = true, map[string]int{}
	values, lengths := chosen.named(), map[string]int{}
	for _, vector := range chosen.vectors() {
		if chosen.patterns == nil {
			t.LeftOut = append(t.LeftOut, vector)
		} else if chosen.hasVector(vector) {
			t.vectors = true
		}
	}
	for _, run := range set.Runs {
		for _, row := range t.entries(run) {
			names, _ := row.Names()
			for _, name := range names {
				if chosen.Metric(name) {
					values[name] = true
				}
			}
			t.eachVector(row, func(name string, vector []float64) { lengths[name] = max(lengths[name], len(vector)) })
		}
	}
	if err := set.Err(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.metric(name)
	}
	for _, name := range slices.Sorted(maps.Keys(lengths)) {
		for _, e := range chosen.elements(name, lengths[name]) {
			if e.chosen {
				t.metric(e.name)
			}
		}
	}
	return t, t.check()
}

// metric adds the column of a metric.
func (t *Table) metric(name string) {
	t.at[name] = len(t.Columns)
	t.Columns = append(t.Columns, Column{name, Number, true})
}

// begin returns a table with the columns that both layouts have.
func begin(set *record.Set, chosen *Selection) *Table {
	t := &Table{set: set, groups: set.Groups(), chosen: chosen}
	t.settings = record.Varying(t.groups)
	t.Columns = slices.Clone(front)
	for _, key := range t.settings {
		t.Columns = append(t.Columns, Column{key, Text, true})
	}
	t.Columns = append(t.Columns, Column{"step", Integer, false}, Column{"split", Text, false})
	return t
}

// check refuses two columns of one name, which no reader could tell apart.
func (t *Table) check() error {
	seen := map[string]bool{}
	for _, c := range t.Columns {
		if seen[c.Name] {
			return fmt.Errorf("two columns of the table would be %q; choose the metrics, or write one row a number", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

// entries are the rows of a trial on the splits that are chosen.
func (t *Table) entries(run record.Run) iter.Seq2[int, record.Entry] {
	rows := run.Rows
	if t.vectors {
		rows = record.Whole(rows)
	}
	return func(yield func(int, record.Entry) bool) {
		for i, row := range rows {
			if t.chosen.Split(row.Split) && !yield(i, row) {
				return
			}
		}
	}
}

// eachVector calls f with each vector of a row of which some number is chosen.
func (t *Table) eachVector(row record.Entry, f func(name string, vector []float64)) {
	if !t.vectors {
		return
	}
	_, names := row.Names()
	if !slices.ContainsFunc(names, t.chosen.hasVector) {
		return
	}
	for name, vector := range row.Vectors() {
		if t.chosen.hasVector(name) {
			f(name, vector)
		}
	}
}

// eachNumber calls put with each number of a row that is chosen.
func (t *Table) eachNumber(row record.Entry, put func(metric string, v float64)) {
	for name, v := range row.Values() {
		if t.chosen.Metric(name) {
			put(name, v)
		}
	}
	t.eachVector(row, func(name string, vector []float64) {
		for i, element := range t.chosen.elements(name, len(vector)) {
			if element.chosen {
				put(element.name, vector[i])
			}
		}
	})
}

// Rows are the rows of the table: by group, seed and as they were written. A row is valid until the next one is asked for.
// What a trial has of vectors may turn out to be unreadable: then record.Set.Err has an error, and the rows are not to be used.
func (t *Table) Rows() iter.Seq[[]Cell] {
	return func(yield func([]Cell) bool) {
		row := make([]Cell, len(t.Columns))
		for _, g := range t.groups {
			for _, run := range g.Runs {
				row[0].Text, row[1].Text, row[2].Text, row[3].Integer = run.Experiment, run.ID, run.Variant, int64(run.Seed)
				for i, key := range t.settings {
					value, ok := run.Setting(key)
					row[len(front)+i] = Cell{Text: value, Missing: !ok}
				}
				write := t.long
				if t.wide {
					write = t.across
				}
				if !write(run, row, yield) {
					return
				}
			}
		}
	}
}

// long yields a row for each number of a trial.
func (t *Table) long(run record.Run, row []Cell, yield func([]Cell) bool) bool {
	tail := row[len(row)-4:] // step, split, metric, value
	more := true
	put := func(metric string, v float64) {
		tail[2].Text, tail[3].Number = metric, v
		more = more && yield(row)
	}
	for _, e := range t.entries(run) {
		tail[0].Integer, tail[1].Text = int64(e.Step), e.Split
		if t.eachNumber(e, put); !more {
			return false
		}
	}
	return true
}

// A place is where a row of a wide table stands within its trial.
type place struct {
	step  int
	split string
}

// across yields a row for each step and split of a trial at which some metric was measured. Of two values of one metric there the later one counts, as in
// record.Series.
func (t *Table) across(run record.Run, row []Cell, yield func([]Cell) bool) bool {
	begun := len(front) + len(t.settings)
	metrics := row[begun+2:]
	at := map[place][]record.Entry{}
	var places []place
	for _, e := range t.entries(run) {
		p := place{e.Step, e.Split}
		if at[p] == nil {
			places = append(places, p)
		}
		at[p] = append(at[p], e)
	}
	for _, p := range places {
		for i := range metrics {
			metrics[i] = Cell{Missing: true}
		}
		row[begun].Integer, row[begun+1].Text = int64(p.step), p.split
		some := false
		put := func(metric string, v float64) {
			row[t.at[metric]] = Cell{Number: v}
			some = true
		}
		for _, e := range at[p] {
			t.eachNumber(e, put)
		}
		if some && !yield(row) {
			return false
		}
	}
	return true
}

// Write writes the table in a format of Formats and tells how many rows it has. Equal sets give equal bytes.
func (t *Table) Write(w io.Writer, format string) (rows int, err error) {
	rows, err = Write(w, format, t.Columns, t.Rows())
	return rows, cmp.Or(t.set.Err(), err)
}

// Write writes rows with as many cells as there are columns in a format of Formats, and tells how many they are.
func Write(w io.Writer, format string, columns []Column, rows iter.Seq[[]Cell]) (n int, err error) {
	var out writer
	switch format {
	case "csv":
		out = newCSV(w, columns)
	case "jsonl":
		out = newLines(w, columns)
	case "parquet":
		out = newParquet(w, columns)
	default:
		panic("table: no format " + strconv.Quote(format))
	}
	for row := range rows {
		if err := out.row(row); err != nil {
			return n, err
		}
		n++
	}
	return n, out.end()
}

// A writer writes a table, row by row.
type writer interface {
	row([]Cell) error
	end() error
}
