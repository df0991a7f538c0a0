package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// An Entry is a row as it is read. A set may have millions of them, so that an entry holds little: its names are those
// of all entries of its form, and its values lie beside those of the trial's other entries. The numbers of its vectors
// are most of what a trial writes. They stay text until Vector is called, and those of a finished trial stay in its file;
// see Set.Err.
type Entry struct {
	Step  int     // as in Row
	Epoch float64 // as in Row
	Split string  // as in Row

	of *entries
	// form is its place in entries.forms, values where its values begin in entries.numbers; vectors and size are
	// where the text of its vectors lies in entries.text.
	form, values, vectors, size uint32
}

// A form is the names of an entry, in alphabetical order each.
type form struct {
	values, vectors []string
	at              map[string]int // of a value
}

// entries is what the entries of a trial have in common.
type entries struct {
	forms   []*form
	numbers []float64              // the values
	text    io.ReaderAt            // the vectors, as rows.jsonl has them between the braces; null is NaN
	short   bool                   // numbers of vectors are rounded, see Round
	failed  *atomic.Pointer[error] // to read a vector
}

// Value returns a metric of the row, NaN where it was not finite. ok is false if the row does not have it.
func (e Entry) Value(name string) (v float64, ok bool) {
	if e.of == nil {
		return 0, false
	}
	i, ok := e.of.forms[e.form].at[name]
	if !ok {
		return 0, false
	}
	return e.of.numbers[int(e.values)+i], true
}

// Values are the metrics of the row, in alphabetical order.
func (e Entry) Values() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		if e.of == nil {
			return
		}
		for i, name := range e.of.forms[e.form].values {
			if !yield(name, e.of.numbers[int(e.values)+i]) {
				return
			}
		}
	}
}

// Names are those of the row's metrics and vectors, in alphabetical order each. They are shared with other rows and must not
// be changed.
func (e Entry) Names() (values, vectors []string) {
	if e.of == nil {
		return nil, nil
	}
	f := e.of.forms[e.form]
	return f.values, f.vectors
}

// HasVector tells whether the row has a vector.
func (e Entry) HasVector(name string) bool { return slices.Contains(e.vectorNames(), name) }

func (e Entry) vectorNames() []string {
	if e.of == nil {
		return nil
	}
	return e.of.forms[e.form].vectors
}

// Vector returns a vector of the row. ok is false if the row does not have it, or if it can no longer be read; see
// Set.Err.
func (e Entry) Vector(name string) (vector []float64, ok bool) {
	if !e.HasVector(name) {
		return nil, false
	}
	e.eachVector(func(n string, s *scanner) (more, sound bool) {
		if n != name {
			return true, s.skipVector()
		}
		vector, ok = s.vector()
		return false, ok
	})
	return e.rounded(vector), ok
}

// Vectors are the vectors of the row, in alphabetical order.
func (e Entry) Vectors() iter.Seq2[string, []float64] {
	return func(yield func(string, []float64) bool) {
		e.eachVector(func(name string, s *scanner) (more, sound bool) {
			vector, ok := s.vector()
			return ok && yield(name, e.rounded(vector)), ok
		})
	}
}

// eachVector calls read at the numbers of each vector, as long as it wants more and finds numbers.
func (e Entry) eachVector(read func(name string, s *scanner) (more, sound bool)) {
	names := e.vectorNames()
	if len(names) == 0 {
		return
	}
	text := make([]byte, e.size)
	if _, err := e.of.text.ReadAt(text, int64(e.vectors)); err != nil {
		e.of.failed.CompareAndSwap(nil, &err)
		return
	}
	s := scanner{line: text}
	for _, name := range names {
		s.token(",") // not before the first
		more, sound := false, s.skipName() && s.token(":[")
		if sound {
			more, sound = read(name, &s)
		}
		if !sound {
			err := fmt.Errorf("the vector %q of the %s row at step %d has something else than numbers", name, e.Split, e.Step)
			e.of.failed.CompareAndSwap(nil, &err)
		}
		if !more {
			return
		}
	}
}

// rounded returns the vector as the entry's trial is to have it.
func (e Entry) rounded(vector []float64) []float64 {
	if e.of.short {
		for i, v := range vector {
			vector[i] = short(v)
		}
	}
	return vector
}

// Row returns the entry as it was written, but for null, which is NaN.
func (e Entry) Row() Row {
	r := Row{Step: e.Step, Epoch: e.Epoch, Split: e.Split, Values: maps.Collect(e.Values())}
	if len(e.vectorNames()) > 0 {
		r.Vectors = maps.Collect(e.Vectors())
	}
	return r
}

// append appends the line of rows.jsonl that the entry is of, as Row.MarshalJSON has it.
func (e Entry) append(line []byte) []byte {
	number := appendNumber
	if e.of != nil && e.of.short {
		number = appendShort
	}
	line = strconv.AppendInt(append(line, `{"step":`...), int64(e.Step), 10)
	line = number(append(line, `,"epoch":`...), e.Epoch)
	line = appendString(append(line, `,"split":`...), e.Split)
	line = append(line, `,"values":{`...)
	begun := len(line)
	for name, v := range e.Values() {
		if len(line) > begun {
			line = append(line, ',')
		}
		line = number(append(appendString(line, name), ':'), v)
	}
	line = append(line, '}')
	if len(e.vectorNames()) > 0 {
		line = append(line, `,"vectors":{`...)
		begun = len(line)
		e.eachVector(func(name string, s *scanner) (more, sound bool) {
			vector, ok := s.vector() // number rounds it
			if len(line) > begun {
				line = append(line, ',')
			}
			line = appendVector(line, name, vector, number)
			return ok, ok
		})
		line = append(line, '}')
	}
	return append(line, '}')
}

// Entries returns rows as Load does.
func Entries(rows ...Row) []Entry {
	var r rowReader
	r.begin(nil)
	for _, row := range rows {
		r.add(row)
	}
	return r.end()
}

// With returns a trial's entries with one more value where there is one; it takes the place of a value of the same name.
func With(rows []Entry, name string, value func(Entry) (v float64, ok bool)) []Entry {
	if len(rows) == 0 {
		return nil
	}
	var r rowReader
	r.begin(rows[0].of.text)
	r.of.short, r.of.failed = rows[0].of.short, rows[0].of.failed
	for _, e := range rows {
		values := slices.Clone(e.of.forms[e.form].values)
		at := len(r.numbers)
		r.numbers = append(r.numbers, e.of.numbers[e.values:][:len(values)]...)
		if v, ok := value(e); ok {
			i, there := slices.BinarySearch(values, name)
			if there {
				r.numbers[at+i] = v
			} else {
				values, r.numbers = slices.Insert(values, i, name), slices.Insert(r.numbers, at+i, v)
			}
		}
		r.put(e, values, e.vectorNames())
	}
	return r.end()
}

// A storedText is the rows.jsonl of a finished trial, which nobody changes any more.
type storedText struct {
	path    string
	size    int64
	changed time.Time
}

// ReadAt implements io.ReaderAt. It is an error if the file is not the one that was read first.
func (t *storedText) ReadAt(p []byte, at int64) (int, error) {
	f, err := os.Open(t.path)
	if err != nil {
		return 0, &Damage{filepath.Dir(t.path), filepath.Base(t.path), unreadable(err)}
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != t.size || !info.ModTime().Equal(t.changed) {
		return 0, &Damage{filepath.Dir(t.path), filepath.Base(t.path), "it has changed while this program was reading it; run the same command again"}
	}
	n, err := f.ReadAt(p, at)
	if errors.Is(err, io.EOF) && n == len(p) {
		err = nil
	}
	return n, err
}

// A rowReader makes the entries of one trial after the other.
type rowReader struct {
	scan    scanner
	known   []*form // of all trials
	rows    []Entry // of this trial, as its numbers and text
	of      *entries
	numbers []float64
	text    []byte
}

// begin begins a trial. The text of its vectors is in a file, or will be the reader's own if that is nil.
func (r *rowReader) begin(text io.ReaderAt) {
	if r.scan.names == nil {
		r.scan.names = map[string]string{}
	}
	r.of = &entries{text: text, failed: new(atomic.Pointer[error])}
	r.rows, r.numbers, r.text = r.rows[:0], r.numbers[:0], r.text[:0]
}

// end returns the trial's entries. They share nothing with the reader but names.
func (r *rowReader) end() []Entry {
	r.of.numbers = slices.Clone(r.numbers)
	if r.of.text == nil {
		r.of.text = bytes.NewReader(bytes.Clone(r.text))
	}
	return slices.Clone(r.rows)
}

// put adds an entry, whose values are in numbers already.
func (r *rowReader) put(e Entry, values, vectors []string) {
	e.of, e.values = r.of, uint32(len(r.numbers)-len(values))
	is := func(f *form) bool { return slices.Equal(f.values, values) && slices.Equal(f.vectors, vectors) }
	i := slices.IndexFunc(r.of.forms, is)
	if i < 0 {
		i = len(r.of.forms)
		r.of.forms = append(r.of.forms, r.formOf(is, values, vectors))
	}
	e.form = uint32(i)
	r.rows = append(r.rows, e)
}

// formOf returns the form that is so, or a new one.
func (r *rowReader) formOf(is func(*form) bool, values, vectors []string) *form {
	if i := slices.IndexFunc(r.known, is); i >= 0 {
		return r.known[i]
	}
	f := &form{slices.Clone(values), slices.Clone(vectors), make(map[string]int, len(values))}
	for i, name := range values {
		f.at[name] = i
	}
	r.known = append(r.known, f)
	return f
}

// add adds a row. The text of its vectors goes to the reader's own.
func (r *rowReader) add(row Row) {
	values, vectors := sortedKeys(row.Values), sortedKeys(row.Vectors)
	for _, name := range values {
		r.numbers = append(r.numbers, row.Values[name])
	}
	e := Entry{Step: row.Step, Epoch: row.Epoch, Split: row.Split, vectors: uint32(len(r.text))}
	for i, name := range vectors {
		if i > 0 {
			r.text = append(r.text, ',')
		}
		r.text = appendVector(r.text, name, row.Vectors[name], appendNumber)
	}
	e.size = uint32(len(r.text)) - e.vectors
	r.put(e, values, vectors)
}

// line adds a line of rows.jsonl that begins at a place of it.
func (r *rowReader) line(line []byte, at int) error {
	stored := r.of.text != nil
	r.scan.trusted = stored
	before := len(r.numbers)
	if e, ok := r.scan.row(line, &r.numbers); ok {
		if stored {
			e.vectors += uint32(at)
		} else {
			vectors := line[e.vectors : e.vectors+e.size]
			e.vectors = uint32(len(r.text))
			r.text = append(r.text, vectors...)
		}
		r.put(e, r.scan.values, r.scan.vectors)
		return nil
	}
	r.numbers = r.numbers[:before]
	if stored {
		return errPlain
	}
	var row Row
	if err := json.Unmarshal(line, &row); err != nil {
		return err
	}
	r.add(row)
	return nil
}

// errPlain says that a line is not of the form that Row.MarshalJSON writes.
var errPlain = errors.New("not as the trainer writes it")

// mostText is the size of the largest rows.jsonl, and of the vectors in an archived trial: places in it are 32 bits.
const mostText = math.MaxUint32

// all reads the text of rows.jsonl; the entries share nothing with it. A last line that lacks its newline and is not
// a row yet is left out, and cut is its number: the trial is running, or was killed. Any other
// line that is not a row is an error. If the text is that of a file that stays as it is, stored is the file, and
// numbers of vectors are not looked at.
func (r *rowReader) all(text []byte, stored io.ReaderAt) (rows []Entry, cut int, err error) {
	if uint64(len(text)) > mostText {
		return nil, 0, fmt.Errorf("it is larger than %d GiB", (mostText+1)>>30)
	}
	r.begin(stored)
	whole := text
	for n, at := 1, 0; at < len(whole); n++ {
		line, _, ended := bytes.Cut(whole[at:], []byte("\n"))
		switch err := r.line(line, at); {
		case err == errPlain:
			return r.all(text, nil)
		case err != nil && !ended:
			return r.end(), n, nil
		case err != nil:
			return nil, 0, fmt.Errorf("line %d is no row: %w", n, err)
		}
		at += len(line) + 1
	}
	return r.end(), 0, nil
}

// Whole returns a trial's entries with the text of their vectors in memory, for a caller that reads all of them.
func Whole(rows []Entry) []Entry {
	if len(rows) == 0 {
		return rows
	}
	of := rows[0].of
	stored, ok := of.text.(*storedText)
	if !ok {
		return rows
	}
	text := make([]byte, stored.size)
	if _, err := stored.ReadAt(text, 0); err != nil {
		of.failed.CompareAndSwap(nil, &err)
		return rows
	}
	inMemory := &entries{of.forms, of.numbers, bytes.NewReader(text), of.short, of.failed}
	out := slices.Clone(rows)
	for i := range out {
		out[i].of = inMemory
	}
	return out
}

// Err returns an error if a vector of a set that Load has read could not be read when it was asked for: somebody has
// changed or removed the rows of a finished trial. What was made of the set since is not to be used.
func (s *Set) Err() error {
	for _, run := range s.Runs {
		if len(run.Rows) == 0 {
			continue
		}
		if err := run.Rows[0].of.failed.Load(); err != nil {
			return *err
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
