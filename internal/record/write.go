package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Writer appends rows to rows.jsonl. It is for one goroutine.
type Writer struct {
	f    *os.File
	size int64
	sum  hash.Hash // of all that the file must hold
}

// OpenWriter opens the file for appending and cuts it to the part that has the sum keep: a zero one starts
// anew, and the one that Sync returned at a checkpoint resumes there. It makes the file if
// there is none, and returns a *Damage if the file does not begin with that part; then it is as it was.
func OpenWriter(path string, keep Sum) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	w := &Writer{f: f, sum: sha256.New()}
	if err = w.begin(path, keep); err == nil {
		err = f.Truncate(w.size)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// begin reads the part of the file that the writer keeps.
func (w *Writer) begin(path string, keep Sum) (err error) {
	w.size, err = io.CopyN(w.sum, w.f, keep.Size)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if got := w.Sum(); keep != (Sum{}) && got != keep {
		return &Damage{filepath.Dir(path), filepath.Base(path), fmt.Sprintf("it begins with %v; the checkpoint says %v", got, keep)}
	}
	return nil
}

// CheckRows returns a *Damage if the rows in a trial's folder do not begin with the part that has the sum keep.
func CheckRows(dir string, keep Sum) error {
	path := filepath.Join(dir, RowsFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Damage{dir, RowsFile, fmt.Sprintf("it is missing; the checkpoint says %v", keep)}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return (&Writer{f: f, sum: sha256.New()}).begin(path, keep)
}

// Write appends one row in one write call, so that a killed trial leaves at most one line
// unfinished.
func (w *Writer) Write(r Row) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	n, err := w.f.Write(append(line, '\n'))
	w.size += int64(n)
	w.sum.Write(line)
	w.sum.Write([]byte{'\n'})
	return err
}

// Sum is the sum of all rows written so far, kept ones included, as they must stand in the file.
func (w *Writer) Sum() Sum { return Sum{w.size, hex.EncodeToString(w.sum.Sum(nil))} }

// Sync makes sure that all rows are on the disk, and returns their sum.
func (w *Writer) Sync() (Sum, error) { return w.Sum(), w.f.Sync() }

// Close closes the file; it does not Sync.
func (w *Writer) Close() error { return w.f.Close() }
