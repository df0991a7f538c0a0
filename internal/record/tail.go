package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A Tail reads rows.jsonl while others append to it: each row once, when its line is complete. It holds one line in memory
// and not the rows, so that one process can follow thousands of files. The zero value begins at the first row.
type Tail struct {
	file   fs.FileInfo // that was read last
	at     int64       // where the next line begins
	line   int         // lines before that
	before []byte      // what stands at the end of those lines
	broken error       // why nothing behind at was read
}

const (
	tailMark = 64       // the number of bytes by which a Tail knows what it has read
	tailLine = 64 << 20 // the length of the longest line
)

// Read returns the rows that have become complete since the last call, without the numbers of their vectors, up to a number
// of bytes of the file or one line; more tells whether others were left for the next call. If the file is another one, or was cut, or
// does not hold any more what was read last, fresh is true and the rows are the first. A file with another name that is the
// same one, because it was renamed, goes on.
//
// A line that is no row is an error, in this call and in all that follow as long as it stands there; the rows before it are
// returned.
func (t *Tail) Read(path string, most int64) (rows []Entry, fresh, more bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, false, err
	}
	if t.file == nil || !os.SameFile(t.file, info) || !t.goesOn(f, info.Size()) {
		fresh = true
		t.at, t.line, t.before, t.broken = 0, 0, nil, nil
	} else if t.broken != nil && info.Size() == t.file.Size() && info.ModTime().Equal(t.file.ModTime()) {
		return nil, false, false, t.broken
	}
	t.file, t.broken = info, nil
	text, more, err := t.lines(f, info.Size(), most)
	if err != nil {
		return nil, fresh, false, err
	}
	rows = t.parse(text)
	return rows, fresh, more && t.broken == nil, t.broken
}

// goesOn tells whether a file has what was read of it.
func (t *Tail) goesOn(f *os.File, size int64) bool {
	if size < t.at {
		return false
	}
	now := make([]byte, len(t.before))
	_, err := f.ReadAt(now, t.at-int64(len(now)))
	return err == nil && bytes.Equal(now, t.before)
}

// lines reads the next complete lines: as many as have the most bytes, or one. more tells whether there are others.
func (t *Tail) lines(f *os.File, size, most int64) (text []byte, more bool, err error) {
	for length := most; ; length *= 2 {
		length = min(length, size-t.at, tailLine)
		text = make([]byte, length)
		n, err := f.ReadAt(text, t.at)
		if err != nil && !errors.Is(err, io.EOF) { // it was cut meanwhile
			return nil, false, err
		}
		end := bytes.LastIndexByte(text[:n], '\n') + 1
		rest := size - t.at - length
		switch {
		case end > 0:
			return text[:end], rest > 0, nil
		case length == tailLine && rest > 0:
			t.broken = fmt.Errorf("line %d is longer than %d MiB", t.line+1, tailLine>>20)
			return nil, false, nil
		case rest <= 0 || n < len(text):
			return nil, false, nil // the line is still being written
		}
	}
}

// parse makes rows of lines, up to one that is none.
func (t *Tail) parse(text []byte) []Entry {
	var r rowReader // its memory is not kept: there may be thousands of Tails
	r.begin(noVectors{})
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		err := r.line(line, 0)
		if err == errPlain {
			var row Row
			if err = json.Unmarshal(line, &row); err == nil {
				row.Vectors = nil
				r.add(row)
			}
		}
		if err != nil {
			t.broken = fmt.Errorf("line %d is no row: %w", t.line+1, err)
			break
		}
		t.line++
		t.at += int64(len(line)) + 1
		t.before = append(t.before[:0], text[max(0, len(line)+1-tailMark):len(line)+1]...)
		text = rest
	}
	return r.end()
}

// noVectors takes the place of the text of vectors that nobody will ask for.
type noVectors struct{}

// ReadAt implements io.ReaderAt.
func (noVectors) ReadAt([]byte, int64) (int, error) { return 0, errors.New("a Tail keeps no vectors") }
