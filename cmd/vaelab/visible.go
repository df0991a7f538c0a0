package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// visible returns a text as a terminal may have it: what would steer the terminal, break a line or a cell, or turn the
// direction of writing is written out, ESC as \x1b, a newline as \n. Words, labels, claims, settings and file names are
// of others, and pass through here before they stand in a line.
func visible(text string) string { return escaped(text, "") }

// escaped is visible for all but the signs in keep.
func escaped(text, keep string) string {
	if clean(text, keep) {
		return text
	}
	var out strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1: // no UTF-8; some terminals take bytes from 0x80 to 0x9f for commands
			fmt.Fprintf(&out, `\x%02x`, text[0])
		case strings.ContainsRune(keep, r) || !steers(r):
			out.WriteString(text[:size])
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < ' ':
			fmt.Fprintf(&out, `\x%02x`, r)
		default: // as JSON escapes it, so that JSON stays what it was
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out.String()
}

// clean tells whether nothing in a text has to be escaped, most quickly of ASCII.
func clean(text, keep string) bool {
	for _, r := range text {
		if r == utf8.RuneError || steers(r) && !strings.ContainsRune(keep, r) {
			return false
		}
	}
	return true
}

// steers tells whether a sign does something to a terminal or to the text around it instead of being shown: the
// control characters of ASCII and Latin-1, breaks of lines and paragraphs, and marks of direction.
func steers(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Bidi_Control, r)
}

// A printer is an output for people. It makes visible whatever else was forgotten, but for what the program itself
// prints: newlines, and tabs in the scripts of completion.
type printer struct {
	w    io.Writer
	mu   sync.Mutex // for what follows: trials that run side by side print
	part []byte     // the beginning of a sign whose end has not come yet
	err  error      // the first of writing
}

func (p *printer) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	whole := append(p.part, text...)
	end := len(whole)
	for i := max(0, end-utf8.UTFMax+1); i < end; i++ {
		if utf8.RuneStart(whole[i]) && !utf8.FullRune(whole[i:]) {
			end = i
		}
	}
	p.part = append([]byte(nil), whole[end:]...)
	if err := p.print(string(whole[:end])); err != nil {
		return 0, err
	}
	return len(text), nil
}

// print writes text and keeps the first error. The lock is held.
func (p *printer) print(text string) error {
	if text == "" {
		return nil
	}
	_, err := io.WriteString(p.w, escaped(text, "\n\t"))
	if p.err == nil {
		p.err = err
	}
	return err
}

// close writes what is left and returns the first error of all.
func (p *printer) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(string(p.part)) // its error is kept
	p.part = nil
	return p.err
}

// unescaped is what lies behind an output for people: for tables and pictures that a program will read. What
// goes to a terminal stays visible.
func unescaped(w io.Writer) io.Writer {
	p, ok := w.(*printer)
	if !ok || isTerminal(p.w) {
		return w
	}
	return p.w
}

// isTerminal tells whether a person reads along.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
