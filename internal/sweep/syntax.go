package sweep

import (
	"fmt"
	"strings"
)

// culprit finds in a text that is not YAML the two mistakes that the parser reports at another place or in words that
// hide them: a tab that indents, and a bracket or quotation mark that is not closed. It returns the line and column,
// or "" if the parser's error is of another kind.
func culprit(text, err string) (at, what string) {
	if strings.Contains(err, "cannot start any token") {
		n := 0
		for line := range strings.Lines(text) {
			n++
			indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
			if tab := strings.IndexByte(indent, '\t'); tab >= 0 && strings.TrimSpace(line) != "" && strings.Contains(err, fmt.Sprintf("line %d:", n)) {
				return fmt.Sprintf("%d:%d", n, tab+1), "the line is indented with a tab; YAML is indented with spaces"
			}
		}
	}
	for _, sign := range []string{"expected ',' or", "unexpected end of stream", "unexpected document indicator"} {
		if strings.Contains(err, sign) {
			if at, open := unclosed(text); at != "" {
				return at, fmt.Sprintf("this %c is not closed", open)
			}
		}
	}
	return "", ""
}

// unclosed returns the line and column of the innermost bracket or quotation mark that is not closed, or "". It knows
// comments and quoted text, and no block scalars.
func unclosed(text string) (at string, open rune) {
	type mark struct {
		line, column int
		open         rune
	}
	var stack []mark
	var quote, closed mark
	line, column := 1, 0
	escaped, before := false, '\n' // whether c is escaped, and the character before it
	comment := false
	for _, c := range text {
		column++
		fresh := strings.ContainsRune(" \t\n[{,", before) // a token may begin here
		switch {
		case c == '\n':
			line, column, comment = line+1, 0, false
		case comment:
		case quote.open != 0:
			if c == quote.open && !escaped {
				quote, closed = mark{}, quote
			}
		case c == '#' && strings.ContainsRune(" \t\n", before):
			comment = true
		case c == '\'' && before == c && closed.open == c: // '' within quotes
			quote = closed
		case fresh && (c == '"' || c == '\''):
			quote = mark{line, column, c}
		case (fresh || len(stack) > 0) && (c == '{' || c == '['):
			stack = append(stack, mark{line, column, c})
		case len(stack) > 0 && (c == '}' || c == ']'):
			last := stack[len(stack)-1]
			if (last.open == '{') != (c == '}') {
				return fmt.Sprintf("%d:%d", last.line, last.column), last.open
			}
			stack = stack[:len(stack)-1]
		}
		escaped = quote.open == '"' && c == '\\' && !escaped
		before = c
	}
	if quote.open != 0 {
		return fmt.Sprintf("%d:%d", quote.line, quote.column), quote.open
	}
	if len(stack) > 0 {
		last := stack[len(stack)-1]
		return fmt.Sprintf("%d:%d", last.line, last.column), last.open
	}
	return "", 0
}
