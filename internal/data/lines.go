package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"vaelab/internal/magic"
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
		return nil, fmt.Errorf("%w; %s", err, absent(path, err))
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

// A SplitError is what is wrong with the file of a split; the setting of the same name has its path.
type SplitError struct {
	Split string // train, valid or test
	Err   error
}

func (e *SplitError) Error() string { return e.Split + ": " + e.Err.Error() }

func (e *SplitError) Unwrap() error { return e.Err }

// absent says what to do about a file that does not open. A link to nowhere is what git-annex leaves in place of a file.
func absent(path string, err error) string {
	to, link := os.Readlink(path)
	switch {
	case link != nil || !errors.Is(err, fs.ErrNotExist):
		return "check the path, which is relative to the working directory"
	case strings.Contains(to, "annex/objects/"):
		return "it is a git-annex link: run git annex get where it was cloned"
	}
	return fmt.Sprintf("it is a link to %s, which does not exist", to)
}

// textReader reads a file as UTF-8 without a byte-order mark and with line ends that contain \n. It returns a
// *magic.Mistake if the file is something else than text.
func textReader(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(magic.Head)
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, err
	}
	if err := magic.Mistaken(head); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return nil, &magic.Mistake{What: "UTF-32 text", Remedy: "convert it: iconv -f utf-32 -t utf-8"}
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		in = bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(in), 64<<10)
	case bytes.HasPrefix(head, []byte("\ufeff")):
		in.Discard(len("\ufeff")) // it has been read
	}
	// A file from an old Macintosh or its spreadsheet ends lines with \r alone, and so the first of them.
	window, _ := in.Peek(in.Size())
	if bytes.IndexByte(window, '\r') >= 0 && bytes.IndexByte(window, '\n') < 0 {
		return crToLF{in}, nil
	}
	return in, nil
}

// crToLF reads \r as \n. A line that ends with both, far behind in the file, gets an empty line after it.
type crToLF struct{ io.Reader }

func (c crToLF) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
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
	l := &lines{path: path}
	text, err := textReader(r)
	if err != nil {
		l.err = fmt.Errorf("%s: %w", path, err)
		return l
	}
	l.scan = bufio.NewScanner(text)
	l.scan.Buffer(make([]byte, 0, 64<<10), maxLine)
	return l
}

// next reads one line; it returns false at the end of the file and on an error.
func (l *lines) next() bool {
	if l.err != nil {
		return false
	}
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
	if bad := notText(l.text); bad != "" {
		l.err = l.errorf("%s; the file must be plain UTF-8 text: unpack or convert it, for example with iconv -f utf-16 or -f latin1", bad)
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
