package data

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/unicode/norm"
)

// The units of text: what becomes one symbol.
const (
	unitWords   = "words"   // what stands between white space
	unitUnicode = "unicode" // words and punctuation by Unicode's rules
	unitChar    = "char"    // grapheme clusters, and a space for white space between them
)

// A cutter cuts sentences into symbols, as the settings of a Text say.
type cutter struct {
	Text
	drop, unknown map[string]bool
	marks         []string       // what unicode and char leave whole: reserved, dropped and unknown symbols, the longest first
	met           map[string]int // how often each symbol of drop and unknown occurs
}

func (c Text) cutter() *cutter {
	k := &cutter{Text: c, drop: map[string]bool{}, unknown: map[string]bool{}, met: map[string]int{}}
	k.marks = append(slices.Clone(reserved), yahooUnk)
	for w := range strings.FieldsSeq(c.Drop) {
		k.drop[w] = true
		k.marks = append(k.marks, w)
	}
	for w := range strings.FieldsSeq(c.Unknown) {
		k.unknown[w] = true
		k.marks = append(k.marks, w)
	}
	slices.SortStableFunc(k.marks, func(a, b string) int { return len(b) - len(a) })
	return k
}

// cut appends the symbols of a sentence to out.
func (k *cutter) cut(out []string, text string) []string {
	if k.Unicode == "nfc" && !norm.NFC.IsNormalString(text) {
		text = norm.NFC.String(text)
	}
	switch k.Unit {
	case unitUnicode:
		for field := range strings.FieldsSeq(text) {
			k.pieces(field, func(piece string, whole bool) {
				if whole {
					out = k.add(out, piece)
					return
				}
				for w := words.FromString(piece); w.Next(); {
					out = k.add(out, w.Value())
				}
			})
		}
	case unitChar:
		for field := range strings.FieldsSeq(text) {
			space := len(out) > 0
			add := func(symbol string) {
				n := len(out)
				if out = k.add(out, symbol); space && len(out) > n {
					out, space = slices.Insert(out, n, " "), false
				}
			}
			k.pieces(field, func(piece string, whole bool) {
				if whole {
					add(piece)
					return
				}
				for g := graphemes.FromString(piece); g.Next(); {
					add(g.Value())
				}
			})
		}
	default:
		for w := range strings.FieldsSeq(text) {
			out = k.add(out, w)
		}
	}
	return out
}

// add appends a symbol, unless it is to be dropped. What stands for the unknown word becomes <unk>.
func (k *cutter) add(out []string, w string) []string {
	if !k.Lower && len(k.drop)+len(k.unknown) == 0 { // the usual case, for each word of a file
		return append(out, w)
	}
	given := w
	if k.Lower && w != yahooUnk {
		w = strings.ToLower(w)
	}
	for _, s := range [...]string{given, w} {
		switch {
		case k.drop[s]:
			k.met[s]++
			return out
		case k.unknown[s]:
			k.met[s]++
			return append(out, reserved[Unk])
		}
	}
	return append(out, w)
}

// pieces calls f for the marks in a field, which are whole, and for what stands between them.
func (k *cutter) pieces(field string, f func(piece string, whole bool)) {
	for field != "" {
		at, mark := len(field), ""
		for _, m := range k.marks {
			if i := strings.Index(field, m); i >= 0 && i < at {
				at, mark = i, m
			}
		}
		if at > 0 {
			f(field[:at], false)
		}
		if mark != "" {
			f(mark, true)
		}
		field = field[at+len(mark):]
	}
}

// Characters is the Unit of a vocabulary whose symbols have no spaces between them.
const Characters = "characters"

// Unit is the plural of what a symbol of the vocabulary is: words or characters.
func (v *Vocab) Unit() string {
	if v.unit == unitChar {
		return Characters
	}
	return "words"
}

// Sentence is the text of a sequence without <s> and </s>. Words have a space between them, characters have none, and
// around punctuation that the unit unicode has cut off there is a space where English has one.
func (v *Vocab) Sentence(seq []int32) string {
	symbols := make([]string, 0, len(seq))
	for _, id := range seq[1 : len(seq)-1] {
		symbols = append(symbols, v.Word(int(id)))
	}
	switch v.unit {
	case unitChar:
		return strings.Join(symbols, "")
	case unitUnicode:
		return joinWords(symbols)
	}
	return strings.Join(symbols, " ")
}

// joinWords writes words and punctuation as prose: no space before a full stop or after an opening bracket, none between
// characters of scripts that are written without. A straight quotation mark opens and closes in turns.
func joinWords(symbols []string) string {
	var b strings.Builder
	glue := true // nothing is to stand between the last symbol and the next
	open := false
	for _, s := range symbols {
		first, _ := utf8.DecodeRuneInString(s)
		last, _ := utf8.DecodeLastRuneInString(s)
		before, after := !glue, true
		switch {
		case s == `"`:
			before, after = before && !open, open
			open = !open
		case s == "-" || s == "/" || s == "_":
			before, after = false, false
		case strings.ContainsRune("$£€#@", first) && len(s) == utf8.RuneLen(first), unicode.In(first, unicode.Ps, unicode.Pi):
			after = false
		case strings.ContainsRune(".,;:!?%…'", first), unicode.In(first, unicode.Pe, unicode.Pf):
			before = false
		case unspaced(first):
			before = false
		}
		if unspaced(last) {
			after = false
		}
		if before && b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s)
		glue = !after
	}
	return b.String()
}

// unspaced tells whether a character belongs to a script that is written without spaces between words, or to its
// punctuation.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan) ||
		r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef
}
