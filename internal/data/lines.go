package data

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// maxLine bounds a line of a text file, in bytes.
const maxLine = 1 << 20

// openText opens a file that should hold text.
func openText(path string) (*os.File, error) {
	return openFile(path, "name a text file in it")
}

// openFile opens a file; the remedy is for a directory in its place.
func openFile(path, remedy string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w; check the path, which is relative to the working directory", err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s: is a directory; %s", path, remedy)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lines reads a text file line by line and refuses what is not text.
type lines struct {
	scan *bufio.Scanner
	path string
	line int    // the number of the line in text, from 1
	text string // the line without its end
	err  error  // why next returned false, or nil at the end of the file
}

func newLines(r io.Reader, path string) *lines {
	l := &lines{scan: bufio.NewScanner(r), path: path}
	l.scan.Buffer(make([]byte, 0, 64<<10), maxLine)
	return l
}

// next reads one line; it returns false at the end of the file and on an error.
func (l *lines) next() bool {
	ok := l.scan.Scan()
	l.line++
	if !ok {
		switch err := l.scan.Err(); err {
		case nil:
		case bufio.ErrTooLong:
			l.err = l.errorf("the line is longer than 1 MiB; write one example a line")
		default:
			l.err = fmt.Errorf("%s:%d: %w", l.path, l.line, err)
		}
		return false
	}
	l.text = l.scan.Text()
	if l.line == 1 {
		l.text = strings.TrimPrefix(l.text, "\ufeff") // the mark some editors put first
	}
	if bad := notText(l.text); bad != "" {
		l.err = l.errorf("%s; the file must be plain UTF-8 text: unpack or convert it", bad)
		return false
	}
	return true
}

// errorf is an error at the line last read.
func (l *lines) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", l.path, l.line, fmt.Errorf(format, args...))
}

// notText says why a line is not text, or nothing if it is.
func notText(line string) string {
	switch {
	case strings.IndexByte(line, 0) >= 0:
		return "the line holds a NUL byte"
	case !utf8.ValidString(line):
		return "the line is not valid UTF-8"
	}
	return ""
}

// clip shortens a word from a file for a message.
func clip(word string) string {
	const most = 40
	if r := []rune(word); len(r) > most {
		return string(r[:most]) + "..."
	}
	return word
}
