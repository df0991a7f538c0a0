package data

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"vaelab/internal/vae"
)

// The numbers of the four symbols that every vocabulary begins with.
const (
	Pad   = 0       // <pad>, which no sequence contains
	Start = 1       // <s>, the first symbol of every sequence
	End   = 2       // </s>, the last symbol of every sequence
	Unk   = vae.Unk // <unk>, for every word that the vocabulary lacks
)

// reserved are the first four words of every vocabulary, in the order of their numbers.
var reserved = []string{Pad: "<pad>", Start: "<s>", End: "</s>", Unk: "<unk>"}

// yahooUnk is how the Yahoo corpus of Yang et al. 2017 spells <unk>.
const yahooUnk = "_UNK"

// A Vocab numbers the words of a set: the four reserved symbols first, then the words.
type Vocab struct {
	words []string
	ids   map[string]int32
	unit  string // of the text, see Text.Unit; empty for words
}

// NewVocab numbers words from 4 on, in the order given. It panics if a word occurs twice
// or is one of the reserved symbols.
func NewVocab(words []string) *Vocab {
	v := &Vocab{words: slices.Concat(reserved, words), ids: make(map[string]int32, len(words)+5)}
	v.ids[yahooUnk] = Unk
	for i, w := range v.words {
		if _, ok := v.ids[w]; ok {
			panic(fmt.Sprintf("data: NewVocab: %q occurs twice or is reserved", w))
		}
		v.ids[w] = int32(i)
	}
	return v
}

// Size is the number of symbols, the four reserved ones included.
func (v *Vocab) Size() int { return len(v.words) }

// Word returns the symbol with number id. It panics if there is none.
func (v *Vocab) Word(id int) string { return v.words[id] }

// ID returns the number of a word, and Unk if the vocabulary lacks it.
func (v *Vocab) ID(word string) int32 {
	if id, ok := v.ids[word]; ok {
		return id
	}
	return Unk
}

// Encode returns the numbers of a sentence's words between <s> and </s>. A reserved
// symbol among the words becomes Unk, so that a sequence has one start and one end.
func (v *Vocab) Encode(words []string) []int32 {
	seq := make([]int32, 0, len(words)+2)
	seq = append(seq, Start)
	for _, w := range words {
		seq = append(seq, max(Unk, v.ID(w)))
	}
	return append(seq, End)
}

// Write writes one word a line, and for the symbol of a space a line of one space, so that a word's line, counted from 0, is its number.
func (v *Vocab) Write(w io.Writer) error {
	_, err := io.WriteString(w, strings.Join(v.words, "\n")+"\n")
	return err
}

// Digest returns the first 16 hexadecimal digits of the SHA-256 of what Write writes. The words and their order decide it.
func (v *Vocab) Digest() string {
	sum := sha256.New()
	_ = v.Write(sum) // a hash cannot fail
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// ReadVocab reads a file that Write wrote. It returns an error that names the line if the
// file does not begin with the four reserved symbols, or a line is not exactly one new word.
func ReadVocab(path string) (*Vocab, error) {
	f, err := openText(path)
	if err != nil {
		return nil, fmt.Errorf("vocabulary: %w", err)
	}
	defer f.Close()
	return parseVocab(f, path)
}

// parseVocab reads a vocabulary; path is the name in messages.
func parseVocab(r io.Reader, path string) (*Vocab, error) {
	lines := newLines(r, path)
	var words []string
	line := map[string]int{yahooUnk: Unk + 1}
	for lines.next() {
		w := lines.text
		if i := lines.line - 1; i < len(reserved) && w != reserved[i] {
			return nil, lines.errorf("must be %[2]q, got %[1]q: a vocabulary begins with the lines %[3]s, and the line of a word is its number",
				clip(w), reserved[i], strings.Join(reserved, " "))
		}
		if f := strings.Fields(w); w != " " && (len(f) != 1 || f[0] != w) { // a space is a symbol of the unit char
			return nil, lines.errorf("must be one word without spaces around it, got %q", clip(w))
		}
		if first, ok := line[w]; ok {
			return nil, lines.errorf("%q is already on line %d; remove one of the two, then retrain the models that used the numbers", clip(w), first)
		}
		line[w] = lines.line
		words = append(words, w)
	}
	if lines.err != nil {
		return nil, lines.err
	}
	if len(words) < len(reserved) {
		return nil, fmt.Errorf("%s: the vocabulary has %d lines, and must have at least the four %s",
			path, len(words), strings.Join(reserved, " "))
	}
	return NewVocab(words[len(reserved):]), nil
}

// A lexicon numbers words from 0, in the order in which they first occur, and counts them.
type lexicon struct {
	ids   map[string]int32
	words []string
	times []int
}

func newLexicon() lexicon { return lexicon{ids: map[string]int32{}} }

// count counts a word and returns its number. The lexicon keeps no memory of the text that the word is a part of.
func (l *lexicon) count(word string) int32 {
	id, ok := l.ids[word]
	if !ok {
		id, word = int32(len(l.words)), strings.Clone(word)
		l.ids[word] = id
		l.words, l.times = append(l.words, word), append(l.times, 0)
	}
	l.times[id]++
	return id
}

// number is the number of a word, or -1 if it does not occur.
func (l *lexicon) number(word string) int32 {
	if id, ok := l.ids[word]; ok {
		return id
	}
	return -1
}

// buildVocab numbers the words that occur at least minCount times, the most frequent
// first and equals in alphabetical order. At most maxWords are kept; 0 means all.
func buildVocab(l lexicon, minCount, maxWords int) *Vocab {
	var kept []int32
	for id, w := range l.words {
		if l.times[id] >= minCount && w != yahooUnk && !slices.Contains(reserved, w) {
			kept = append(kept, int32(id))
		}
	}
	slices.SortFunc(kept, func(a, b int32) int {
		return cmp.Or(cmp.Compare(l.times[b], l.times[a]), cmp.Compare(l.words[a], l.words[b]))
	})
	if maxWords > 0 {
		kept = kept[:min(maxWords, len(kept))]
	}
	words := make([]string, len(kept))
	for i, id := range kept {
		words[i] = l.words[id]
	}
	return NewVocab(words)
}
