package record

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrShort says that rows.jsonl lacks rows that a checkpoint counts on.
type ErrShort struct {
	Path       string
	Size, Keep int64 // bytes there, bytes expected
}

func (e *ErrShort) Error() string {
	return fmt.Sprintf("%s: %d bytes, but the checkpoint was written after %d; delete the folder %s and run the experiment again",
		e.Path, e.Size, e.Keep, filepath.Dir(e.Path))
}

// A Writer appends rows to rows.jsonl. It is for one goroutine.
type Writer struct {
	f    *os.File
	size int64
}

// OpenWriter opens the file for appending and cuts it to its first keep bytes: zero starts
// anew, and the size that Sync returned at a checkpoint resumes there. It makes the file if
// there is none, and returns *ErrShort if the file has fewer than keep bytes.
func OpenWriter(path string, keep int64) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size < keep {
		err = &ErrShort{Path: path, Size: size, Keep: keep}
	}
	if err == nil {
		err = f.Truncate(keep)
	}
	if err == nil {
		_, err = f.Seek(keep, io.SeekStart)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Writer{f: f, size: keep}, nil
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
	return err
}

// Sync makes sure that all rows are on the disk, and returns the file's size in bytes.
func (w *Writer) Sync() (size int64, err error) { return w.size, w.f.Sync() }

// Close closes the file; it does not Sync.
func (w *Writer) Close() error { return w.f.Close() }
