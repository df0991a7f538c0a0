package data

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// units is the plural of what a symbol is.
func (c Text) units() string { return (&Vocab{unit: c.Unit}).Unit() }

// hinted is an error with a doubt that may be its cause.
func hinted(err, hint error) error {
	if hint == nil {
		return err
	}
	return fmt.Errorf("%w (%w)", err, hint)
}

// doubts lists what is odd about text that is not encoded yet; each doubt names the setting that changes it. The first
// file is train, or the first that there is.
func (c Text) doubts(cut *cutter, files []*textFile, first *textFile, v *Vocab) (all []error) {
	all = append(all, first.objects(), c.glued(first), c.edges(first), c.spellings(files), c.unused(cut))
	if c.Unicode == "none" {
		for _, f := range files {
			all = append(all, f.forms(v))
		}
	}
	return slices.DeleteFunc(all, func(err error) bool { return err == nil })
}

// unspaced is a doubt about text without spaces that is read as words: nine of ten sentences are one word, or
// its words are long and of a script that is written without spaces. Text that was cut into words before has about 1.7 characters a
// word in Chinese. It has no doubt about words of less than 4 characters on average.
func (c Text) unspaced(f *textFile) error {
	if c.Unit == unitUnicode || c.Unit == unitChar || len(f.seqs) == 0 {
		return nil
	}
	single, times, runes, unspacedRunes := 0, 0, 0, 0
	for _, seq := range f.seqs {
		if len(seq) == 3 {
			single++
		}
	}
	for i, w := range f.lexicon.words {
		n := f.lexicon.times[i]
		times += n
		runes += n * utf8.RuneCountInString(w)
		if r, _ := utf8.DecodeRuneInString(w); unspaced(r) {
			for _, r := range w {
				if unspaced(r) {
					unspacedRunes += n
				}
			}
		}
	}
	switch {
	case runes < 4*times:
		return nil
	case 10*single >= 9*len(f.seqs):
		return fmt.Errorf("%s: %d of %d sentences have no spaces and are one word each; set unit: char to read characters", f.path, single, len(f.seqs))
	case 2*unspacedRunes > runes:
		return fmt.Errorf("%s: the text is of a script that has no spaces between words, and its words have %.0f characters on average; set unit: char to read characters", f.path, float64(runes)/float64(times))
	}
	return nil
}

// objects is a doubt about JSON that is read as words.
func (f *textFile) objects() error {
	n := 0
	for _, seq := range f.seqs {
		if strings.HasPrefix(f.lexicon.words[seq[1]], `{"`) {
			n++
		}
	}
	if n == 0 || 10*n < 9*len(f.seqs) {
		return nil
	}
	return fmt.Errorf("%s: %d of %d lines look like JSON objects and are read as words; use data: jsonl", f.path, n, len(f.seqs))
}

// glued is a doubt about raw prose that is read as words: punctuation makes other words of the same. A comma, colon or
// question mark ends no abbreviation, so that one in a hundred words is enough; full stops count where they end
// most sentences.
func (c Text) glued(f *textFile) error {
	if c.Unit == unitUnicode || c.Unit == unitChar || len(f.seqs) == 0 {
		return nil
	}
	times, inside, alone, most := 0, 0, 0, -1
	stops := map[int32]bool{} // words that end in a full stop or the like
	for i, w := range f.lexicon.words {
		n := f.lexicon.times[i]
		times += n
		last, size := utf8.DecodeLastRuneInString(w)
		before, _ := utf8.DecodeLastRuneInString(w[:len(w)-size])
		switch {
		case len(w) == size:
			if unicode.IsPunct(last) {
				alone += n
			}
			continue
		case !unicode.IsLetter(before):
			continue
		case strings.ContainsRune(",;:!?", last):
			inside += n
			if most < 0 || n > f.lexicon.times[most] {
				most = i
			}
		}
		if strings.ContainsRune(".!?", last) {
			stops[int32(i)] = true
		}
	}
	ends, example := 0, ""
	for _, seq := range f.seqs {
		if w := seq[len(seq)-2]; stops[w] {
			ends++
			example = f.lexicon.words[w]
		}
	}
	if most >= 0 {
		example = f.lexicon.words[most]
	}
	if alone > inside+ends || 100*inside < times && 2*ends < len(f.seqs) {
		return nil
	}
	return fmt.Errorf("%s: punctuation is part of words, as in %q; set unit: unicode to make it symbols of its own", f.path, clip(example))
}

// special are symbols without brackets that programs put at the edges of sentences.
var special = map[string]bool{
	"eos": true, "bos": true, "sos": true, "_eos": true, "_bos": true, "_sos": true, "_go": true, "_end": true, "_start": true,
	"__eos__": true, "__bos__": true, "__start__": true, "__end__": true, "__eou__": true, "_pad": true, "__pad__": true,
}

// isSpecial tells whether a word looks as if a program had put it there: <eos>, [CLS], <|endoftext|>, _EOS.
func isSpecial(w string) bool {
	if len(w) < 3 {
		return false
	}
	switch first, last := w[0], w[len(w)-1]; {
	case first == '<' && last == '>':
		return !strings.ContainsAny(w[1:len(w)-1], "<>")
	case first == '[' && last == ']':
		return strings.IndexFunc(w[1:len(w)-1], func(r rune) bool { return !unicode.IsUpper(r) && r != '_' }) < 0
	}
	return special[strings.ToLower(w)]
}

// edge is the special symbol that a sentence begins or ends with, or nothing. Units that cut words have cut it, too, into the longest
// number of symbols at most.
func (f *textFile) edge(seq []int32, atEnd bool, longest int) string {
	within := seq[1 : len(seq)-1]
	var w string
	for i := range min(longest, len(within)) {
		if atEnd {
			w = f.lexicon.words[within[len(within)-1-i]] + w
		} else {
			w += f.lexicon.words[within[i]]
		}
		if isSpecial(w) && w != reserved[Unk] && w != yahooUnk {
			return w
		}
		if c := w[:1] + w[len(w)-1:]; i == 0 && !strings.ContainsAny(c, "<>[]") {
			return ""
		}
	}
	return ""
}

// edges is a doubt about symbols that stand at the start or the end of at least nine of ten sentences: they are predicted for free, which
// lowers the perplexity, and </s> is there already.
func (c Text) edges(f *textFile) error {
	var found, said []string
	longest := 1
	if c.Unit == unitUnicode || c.Unit == unitChar {
		longest = 24
	}
	for _, atEnd := range []bool{false, true} {
		counts := map[string]int{}
		for _, seq := range f.seqs {
			if w := f.edge(seq, atEnd, longest); w != "" {
				counts[w]++
			}
		}
		for _, w := range slices.Sorted(maps.Keys(counts)) {
			if n := counts[w]; 10*n >= 9*len(f.seqs) {
				where := "begin"
				if atEnd {
					where = "end"
				}
				found = append(found, w)
				said = append(said, fmt.Sprintf("%d of %d sentences %s with %s", n, len(f.seqs), where, w))
			}
		}
	}
	if found == nil {
		return nil
	}
	return fmt.Errorf("%s: %s, which costs a model nothing and lowers its perplexity; sentences get their own <s> and </s>: set drop: %q",
		f.path, strings.Join(said, ", "), more(c.Drop, found))
}

// more is a list of symbols, with spaces between, and others that it lacks.
func more(list string, others []string) string {
	all := strings.Fields(list)
	for _, w := range others {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return strings.Join(all, " ")
}

// unkSpellings are how other programs spell the unknown word. Text in which <unk> is meant has none of them as a word.
var unkSpellings = []string{
	"<UNK>", "<Unk>", "[UNK]", "[unk]", "UNK", "<oov>", "<OOV>", "[OOV]", "<unknown>", "<UNKNOWN>", "[UNKNOWN]", "<|unk|>", "__unk__", "_unk", "<raw_unk>",
}

// spell counts the spellings of the unknown word that units other than words would cut.
func (f *textFile) spell(c Text, text string) {
	if c.Unit != unitUnicode && c.Unit != unitChar || !strings.ContainsAny(text, "<[") {
		return
	}
	for _, w := range unkSpellings {
		if n := strings.Count(text, w); n > 0 && strings.ContainsAny(w[:1], "<[") && !slices.Contains(strings.Fields(c.Unknown+" "+c.Drop), w) {
			if f.spelt == nil {
				f.spelt = map[string]int{}
			}
			f.spelt[w] += n
		}
	}
}

// spellings is a doubt about other spellings of the unknown word: they are words of their own, which a model may write.
func (c Text) spellings(files []*textFile) error {
	counts, path := map[string]int{}, ""
	for _, f := range files {
		n := len(counts)
		for w, times := range f.spelt {
			counts[w] += times
		}
		for _, w := range unkSpellings {
			if id := f.lexicon.number(w); id >= 0 && f.spelt == nil {
				counts[w] += f.lexicon.times[id]
			}
		}
		if path == "" && len(counts) > n {
			path = f.path
		}
	}
	if len(counts) == 0 {
		return nil
	}
	var said []string
	found := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for _, w := range found {
		said = append(said, fmt.Sprintf("%s (%d times)", w, counts[w]))
	}
	return fmt.Errorf("%s: %s look like the unknown word, and are words of their own; set unknown: %q", path, strings.Join(said, ", "), more(c.Unknown, found))
}

// unused is a doubt about symbols of drop and unknown that no file has.
func (c Text) unused(cut *cutter) error {
	var said []string
	for _, s := range []struct{ setting, list string }{{"drop", c.Drop}, {"unknown", c.Unknown}} {
		for w := range strings.FieldsSeq(s.list) {
			if cut.met[w] == 0 {
				said = append(said, fmt.Sprintf("%s: %q", s.setting, w))
			}
		}
	}
	if said == nil {
		return nil
	}
	return fmt.Errorf("%s occurs in none of the files; check the spelling, and quote symbols with brackets in YAML", strings.Join(said, ", "))
}

// forms is a doubt about words that are unknown, or different ones, only because the same characters are written in several
// ways: é as one code point or as e with an accent.
func (f *textFile) forms(v *Vocab) error {
	if !slices.ContainsFunc(f.lexicon.words, notASCII) {
		return nil
	}
	composed := map[string]string{} // of the vocabulary's words: composed -> as it is
	for _, w := range v.words {
		if notASCII(w) {
			composed[norm.NFC.String(w)] = w
		}
	}
	total, apart, example := 0, 0, ""
	for i, w := range f.lexicon.words {
		total += f.lexicon.times[i]
		if !notASCII(w) {
			continue
		}
		if other, ok := composed[norm.NFC.String(w)]; ok && other != w {
			apart += f.lexicon.times[i]
			example = w
		}
	}
	if apart == 0 {
		return nil
	}
	return fmt.Errorf("%s: %.2g %% of its %s differ from those of the vocabulary only in their Unicode form, such as %q; set unicode: nfc",
		f.path, 100*float64(apart)/float64(total), (&Vocab{unit: v.unit}).Unit(), clip(example))
}

func notASCII(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0
}
