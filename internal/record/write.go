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
	if err = w.begin(f, path, keep); err == nil {
		err = f.Truncate(w.size)
	}
	return w.opened(path, err)
}

// ContinueWriter is OpenWriter for rows that another owner of the folder has written: it copies the part to keep from its
// file, which stays as it is.
func ContinueWriter(path, from string, keep Sum) (*Writer, error) {
	old, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missingRows(from, keep)
	}
	if err != nil {
		return nil, err
	}
	defer old.Close()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, err
	}
	w := &Writer{f: f, sum: sha256.New()}
	return w.opened(path, w.begin(io.TeeReader(old, f), from, keep))
}

// opened is the writer once its file is made, unless that failed.
func (w *Writer) opened(path string, failed error) (*Writer, error) {
	if failed == nil {
		failed = syncDir(filepath.Dir(path))
	}
	if failed != nil {
		w.f.Close()
		return nil, failed
	}
	return w, nil
}

func missingRows(path string, keep Sum) *Damage {
	return &Damage{filepath.Dir(path), filepath.Base(path), fmt.Sprintf("it is missing; the checkpoint says %v", keep)}
}

// begin reads the part of a file that the writer keeps.
func (w *Writer) begin(file io.Reader, path string, keep Sum) (err error) {
	w.size, err = io.CopyN(w.sum, file, keep.Size)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if got := w.Sum(); keep != (Sum{}) && got != keep {
		return &Damage{filepath.Dir(path), filepath.Base(path), fmt.Sprintf("it begins with %v; the checkpoint says %v", got, keep)}
	}
	return nil
}

// CheckRows returns a *Damage if a file of rows does not begin with the part that has the sum keep.
func CheckRows(path string, keep Sum) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return missingRows(path, keep)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return (&Writer{sum: sha256.New()}).begin(f, path, keep)
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
