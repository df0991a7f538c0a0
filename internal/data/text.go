package data

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"vaelab/internal/vae"
)

func init() {
	Sources.Add("text", defaultText())
}

// DefaultMaxWords is the longest sentence that text may have unless max_words says otherwise.
const DefaultMaxWords = 200

// defaultText is the settings of text that a file need not give.
func defaultText() Text {
	return Text{MinCount: 1, MaxWords: DefaultMaxWords, TooLong: "error", Unit: unitWords, Unicode: "none", Given: givenNothing}
}

// Text is sentences from your own files, one per line.
//
// A symbol is a word between white space, unless Unit says otherwise. Both <unk> and _UNK stand for the
// unknown word. Blank lines are skipped. Every path may be empty: to evaluate a model, a test file and a
// vocabulary are enough. Files are UTF-8, or UTF-16 with a byte-order mark.
type Text struct {
	// Train is the path of the sentences to train on, relative to the working directory or to
	// the folder of the experiment's file.
	Train string `yaml:"train" alias:"train_data" kind:"path"`
	// Valid is the path of the sentences for model selection.
	Valid string `yaml:"valid" alias:"val|val_data|dev" kind:"path"`
	// Test is the path of the sentences to test on.
	Test string `yaml:"test" alias:"test_data" kind:"path"`
	// Vocab is the path of a vocabulary, one word per line; if empty it is built from train.
	Vocab string `yaml:"vocab" alias:"vocab_file" kind:"path"`
	// Labels says that each line is a label, a TAB and the text; classes are numbered in
	// the alphabetical order of train's labels.
	Labels bool `yaml:"labels" alias:"label"`
	// Given is what a model is given with each sentence, as a condition: nothing; context: each line is a context, a TAB and
	// the text, and jsonl and csv have a field or column for it; half: the first half of the words, so that the second is the
	// text; label: the label.
	Given string `yaml:"given" choice:"nothing|context|half|label" neutral:"nothing"`
	// Unit is the unit of a symbol. words: strings between white space. unicode: words by Unicode's word
	// boundaries (UAX 29), with punctuation as symbols of their own, for raw prose. char: characters (grapheme
	// clusters), with one space for white space, for text without spaces, SMILES or character models.
	Unit string `yaml:"unit" choice:"words|unicode|char" neutral:"words"`
	// Unicode is the normalisation of the text: none, or nfc, by which an accented letter is the same symbol
	// in all files, however it is encoded.
	Unicode string `yaml:"unicode" choice:"none|nfc" neutral:"none"`
	// Drop lists symbols to leave out, with spaces between them, such as "<bos> <eos>"; <s> and </s> are added
	// to every sentence anyway.
	Drop string `yaml:"drop" neutral:""`
	// Unknown lists other spellings of <unk>, with spaces between them, such as "[UNK] <UNK>".
	Unknown string `yaml:"unknown" neutral:""`
	// MinCount is the least number of occurrences in train of a word of the vocabulary.
	MinCount int `yaml:"min_count" range:"[1,inf)"`
	// MaxVocab is the largest number of words in the vocabulary, the most frequent ones; 0 is no limit.
	MaxVocab int `yaml:"max_vocab" range:"[0,inf)"`
	// MaxWords is the largest length of a sentence, in symbols of the unit; 0 is no limit.
	MaxWords int `yaml:"max_words" range:"[0,inf)" alias:"max_length"`
	// TooLong says what to do with longer sentences: stop with an error, drop them, or cut them
	// to MaxWords symbols.
	TooLong string `yaml:"too_long" choice:"error|drop|cut"`
	// LimitTrain is the number of sentences of train to read, from the first; 0 is all.
	LimitTrain int `yaml:"limit_train" range:"[0,inf)"`
	// LimitValid is the number of sentences of valid to read, from the first; 0 is all.
	LimitValid int `yaml:"limit_valid" range:"[0,inf)"`
	// LimitTest is the number of sentences of test to read, from the first; 0 is all.
	LimitTest int `yaml:"limit_test" range:"[0,inf)"`
	// Lower converts all words to lower case.
	Lower bool `yaml:"lower"`
}

// Kind is text.
func (c Text) Kind() vae.Kind { return vae.Text }

// Load reads the files. An error names the file, the line and what to do about it.
func (c Text) Load() (*Set, error) {
	if c.Labels && c.Given == givenContext {
		return nil, errors.New("text: labels and given: context each have what stands before the TAB; leave one of them out, or use jsonl or csv, which can have both")
	}
	return c.load(format{
		name: "text", read: c.lines, labels: c.Labels, tabs: !c.Labels && c.Given != givenContext,
		remedy: "set labels to true, with a label and a TAB before each text",
	})
}

// Gives is text, label or nothing.
func (c Text) Gives() vae.Kind { return kindGiven(c.Given) }

// lines reads a file with one sentence a line.
func (c Text) lines(r io.Reader, path string) iter.Seq2[sentence, error] {
	return func(yield func(sentence, error) bool) {
		lines := newLines(r, path)
		for lines.next() {
			s := sentence{line: lines.line, text: lines.text}
			if strings.TrimSpace(s.text) == "" {
				continue
			}
			var tab bool
			if c.Labels {
				s.label, s.text, tab = strings.Cut(lines.text, "\t")
				s.label = strings.TrimSpace(s.label)
			}
			switch {
			case c.Labels && !tab:
				yield(s, lines.errorf("there is no TAB between label and text; add one, or set labels to false"))
				return
			case c.Given == givenContext && strings.Count(s.text, "\t") != 1:
				yield(s, lines.errorf("must be a context, one TAB and text, and has %d TABs; correct the line, or set given to something else", strings.Count(s.text, "\t")))
				return
			case c.Labels && (s.label == "" || strings.TrimSpace(s.text) == ""):
				yield(s, lines.errorf("must be a label, a TAB and text, and one of them is empty; complete the line or remove it"))
				return
			}
			if c.Given == givenContext {
				if s.context, s.text, _ = strings.Cut(s.text, "\t"); strings.TrimSpace(s.context) == "" || strings.TrimSpace(s.text) == "" {
					yield(s, lines.errorf("must be a context, a TAB and text, and one of them is empty; complete the line or remove it"))
					return
				}
			}
			if !yield(s, nil) {
				return
			}
		}
		if lines.err != nil {
			yield(sentence{}, lines.err)
		}
	}
}

// A sentence is one example as its file has it. Its text is not blank.
type sentence struct {
	line        int
	label, text string
	context     string // what is given with it, not blank either; empty unless the setting given is context
}

// A format is how a source finds sentences in a file. The sources [Text], [JSONL] and [CSV]
// differ in nothing else.
type format struct {
	name   string   // of the source, for messages
	labels bool     // sentences have labels
	remedy string   // what to do if they have none, and are to be given
	drop   string   // the label of sentences to leave out, or empty
	doubts *[]error // what read finds odd about files, if it does
	tabs   bool     // a TAB in the text is worth a warning: a label may stand before it

	// read returns the sentences of a file in order, and ends after the first error. The
	// path is the name in messages.
	read func(r io.Reader, path string) iter.Seq2[sentence, error]
}

// load reads the files in a format and numbers their words and labels.
func (c Text) load(as format) (*Set, error) {
	set, err := c.make(as)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", as.name, err)
	}
	return set, nil
}

// make is load, with errors that do not name the source yet.
func (c Text) make(as format) (*Set, error) {
	if c.Train == "" && c.Valid == "" && c.Test == "" {
		return nil, errors.New("none of train, valid and test is set; give the path of at least one")
	}
	if c.Train == "" && c.Vocab == "" {
		return nil, errors.New("there is no train to build a vocabulary from; set vocab to the vocabulary file of the trained model")
	}
	set := &Set{Name: as.name}
	splits := [...]string{"train", "valid", "test"}
	cut := c.cutter()
	var files [3]*textFile
	var err error
	for i, f := range []struct {
		path  string
		limit int
	}{{c.Train, c.LimitTrain}, {c.Valid, c.LimitValid}, {c.Test, c.LimitTest}} {
		if files[i], err = c.readFile(as, cut, f.path, f.limit); err != nil {
			return nil, &SplitError{splits[i], err}
		}
	}
	first := files[max(0, slices.IndexFunc(files[:], func(f *textFile) bool { return f.path != "" }))]
	hint := c.unspaced(first)
	if as.doubts != nil {
		set.Warnings = append(set.Warnings, *as.doubts...)
	}
	if set.Vocab, err = c.vocabulary(files[0]); err != nil {
		return nil, hinted(err, hint)
	}
	set.Warnings = append(set.Warnings, c.doubts(cut, files[:], first, set.Vocab)...)
	if hint != nil {
		set.Warnings = append(set.Warnings, hint)
	}
	set.Warnings = append(set.Warnings, repeatDoubts([][]uint64{files[0].keys(), files[1].keys(), files[2].keys()}, []string{c.Train, c.Valid, c.Test}, "sentences")...)
	classes, err := c.classes(files[:])
	if err != nil {
		return nil, err
	}
	if len(classes) > 0 {
		set.Classes = slices.Sorted(maps.Keys(classes))
	}
	for i, split := range []*Split{&set.Train, &set.Valid, &set.Test} {
		if *split, err = files[i].encode(set.Vocab, classes); err != nil {
			return nil, hinted(err, hint)
		}
		for other, f := range files[:i] {
			if f.path != "" && f.path == files[i].path {
				set.Warnings = append(set.Warnings, fmt.Errorf("%s: %s and %s are the same text", f.path, splits[other], splits[i]))
			}
		}
		set.Warnings = append(set.Warnings, files[i].warnings(c, as)...)
		if doubt := files[i].unknown(); i > 0 && doubt != nil { // train's rare words are meant to be unknown
			set.Warnings = append(set.Warnings, doubt)
		}
	}
	if err := set.give(c.Given, as.remedy); err != nil {
		return nil, err
	}
	set.Digest = set.digest()
	return set, nil
}

// A textFile is one file as read. Its slices are parallel. Words are kept as numbers from the start, since
// strings would take four times as much memory.
type textFile struct {
	path    string
	lexicon lexicon
	seqs    [][]int32 // sentences between Start and End; their words have the lexicon's numbers, after encode the vocabulary's
	labels  []string  // nil without labels
	given   [][]int32 // contexts, as seqs; nil without
	lines   []int32   // the number of each sentence's line
	long    int       // how many sentences were dropped or cut
	dropped int       // how many sentences were left out for their label
	emptied int       // how many had nothing but symbols of the setting drop
	tab     int       // the first line with a TAB, if that is worth a warning

	foreign, firstForeign int // sentences without any word of the vocabulary, and the line of the first of them, see unknown

	spelt map[string]int    // spellings of the unknown word that the unit cuts, see spell
	words []string          // of one sentence; used again
	about []string          // of one context; used again
	known map[string]string // labels, each once
	block []int32           // room for sequences to come
}

// sequence returns room for n numbers. One block of memory serves many sentences.
func (f *textFile) sequence(n int) []int32 {
	const block = 1 << 16
	if len(f.block) < n {
		f.block = make([]int32, max(n, block))
	}
	seq := f.block[:n:n]
	f.block = f.block[n:]
	return seq
}

// label returns a copy of a label that holds no more memory than itself, the same one each time.
func (f *textFile) label(l string) string {
	if _, ok := f.known[l]; !ok {
		l = strings.Clone(l)
		f.known[l] = l
	}
	return f.known[l]
}

// readFile reads at most limit sentences of one split; an empty path gives an empty file.
func (c Text) readFile(as format, cut *cutter, path string, limit int) (*textFile, error) {
	if path == "" {
		return &textFile{}, nil
	}
	r, err := openText(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return c.parse(as, cut, r, path, limit)
}

// parse reads at most limit sentences; path is the name in messages.
func (c Text) parse(as format, cut *cutter, r io.Reader, path string, limit int) (*textFile, error) {
	f := &textFile{path: path, lexicon: newLexicon(), known: map[string]string{}}
	for s, err := range as.read(r, path) {
		if err != nil {
			return nil, err
		}
		if as.drop != "" && s.label == as.drop {
			f.dropped++
		} else if err := c.add(as, cut, f, s); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, s.line, err)
		}
		if limit > 0 && len(f.seqs) == limit {
			break
		}
	}
	switch {
	case len(f.seqs) > 0:
		return f, nil
	case f.long > 0:
		return nil, fmt.Errorf("%s: every sentence is longer than max_words %d; raise it", path, c.MaxWords)
	case f.emptied > 0:
		return nil, fmt.Errorf("%s: every sentence consists of symbols that drop leaves out; correct drop", path)
	case f.dropped > 0:
		return nil, fmt.Errorf("%s: every sentence has the label %q and was left out; correct drop_label", path, clip(as.drop))
	}
	return nil, fmt.Errorf("%s: the file holds no sentence; add some, or leave the setting empty", path)
}

// add adds a sentence to a file.
func (c Text) add(as format, cut *cutter, f *textFile, s sentence) error {
	if as.tabs && f.tab == 0 && strings.Contains(s.text, "\t") {
		f.tab = s.line
	}
	words, ok, err := c.cut(cut, f, &f.words, s.text)
	if !ok {
		return err
	}
	if s.context != "" {
		about, ok, err := c.cut(cut, f, &f.about, s.context)
		if !ok {
			return err
		}
		f.given = append(f.given, f.numbers(about))
	}
	f.seqs = append(f.seqs, f.numbers(words))
	f.lines = append(f.lines, int32(s.line))
	if as.labels {
		f.labels = append(f.labels, f.label(s.label))
	}
	return nil
}

// cut cuts a text into symbols, in room that is used again. It is not ok if the sentence is to be left out.
func (c Text) cut(cut *cutter, f *textFile, room *[]string, text string) (words []string, ok bool, err error) {
	words = cut.cut((*room)[:0], text)
	for _, w := range words {
		if slices.Index(reserved[:Unk], w) >= 0 {
			return nil, false, fmt.Errorf("%s among the words; sentences get their <s> and </s> when they are read: remove it, or set drop: %q", w, w)
		}
	}
	if len(words) == 0 { // nothing but what is dropped
		f.emptied++
		return nil, false, nil
	}
	f.spell(c, text)
	*room = words
	if c.MaxWords > 0 && len(words) > c.MaxWords {
		f.long++
		switch c.TooLong {
		case "drop":
			return nil, false, nil
		case "cut":
			return words[:c.MaxWords], true, nil
		}
		return nil, false, fmt.Errorf("the sentence has %d %s, more than max_words %d; raise it, or set too_long to drop or cut", len(words), c.units(), c.MaxWords)
	}
	return words, true, nil
}

// numbers counts words, and is the lexicon's numbers of them between Start and End.
func (f *textFile) numbers(words []string) []int32 {
	seq := f.sequence(len(words) + 2)
	seq[0], seq[len(seq)-1] = Start, End
	for i, w := range words {
		seq[1+i] = f.lexicon.count(w)
	}
	return seq
}

// warnings lists doubts about a file.
func (f *textFile) warnings(c Text, as format) (doubts []error) {
	if f.dropped > 0 {
		doubts = append(doubts, fmt.Errorf("%s: %d sentences with the label %q were left out", f.path, f.dropped, clip(as.drop)))
	}
	if f.emptied > 0 {
		doubts = append(doubts, fmt.Errorf("%s: %d sentences with nothing but symbols of drop were left out", f.path, f.emptied))
	}
	if f.long > 0 {
		did := map[string]string{"drop": "left out", "cut": "cut"}[c.TooLong]
		doubts = append(doubts, fmt.Errorf("%s: %d sentences longer than max_words %d were %s", f.path, f.long, c.MaxWords, did))
	}
	if f.tab > 0 {
		doubts = append(doubts, fmt.Errorf("%s:%d: a TAB in the text was read as a space; set labels to true if a label stands before it", f.path, f.tab))
	}
	return doubts
}

// vocabulary reads the vocabulary or builds it from train.
func (c Text) vocabulary(train *textFile) (*Vocab, error) {
	if c.Vocab != "" {
		v, err := ReadVocab(c.Vocab)
		if err != nil {
			return nil, err
		}
		v.unit = c.Unit
		return v, nil
	}
	v := buildVocab(train.lexicon, c.MinCount, c.MaxVocab)
	if v.Size() == len(reserved) {
		return nil, fmt.Errorf("%s: no word occurs %d times; lower min_count", train.path, c.MinCount)
	}
	v.unit = c.Unit
	return v, nil
}

// maxClasses bounds the labels; more than this are no labels, but text before a TAB.
const maxClasses = 1000

// classes numbers the labels of train, or without train those of all files.
func (c Text) classes(files []*textFile) (map[string]int, error) {
	if c.Train != "" {
		files = files[:1]
	}
	known := map[string]bool{}
	for _, f := range files {
		for _, l := range f.labels {
			known[l] = true
		}
	}
	classes := map[string]int{}
	for i, l := range slices.Sorted(maps.Keys(known)) {
		classes[l] = i
	}
	if len(classes) > maxClasses {
		return nil, fmt.Errorf("%s: %d different labels, more than %d; is the text before the label?", files[0].path, len(classes), maxClasses)
	}
	return classes, nil
}

// encode turns the lexicon's numbers into the vocabulary's, in place, and labels into numbers.
func (f *textFile) encode(v *Vocab, classes map[string]int) (Split, error) {
	s := Split{Seqs: f.seqs, Given: f.given}
	words, known := 0, 0
	ids := make([]int32, len(f.lexicon.words)) // by the lexicon's number
	for i, w := range f.lexicon.words {
		ids[i] = max(Unk, v.ID(w))
	}
	for _, seq := range f.given {
		for k, w := range seq[1 : len(seq)-1] {
			seq[1+k] = ids[w]
		}
	}
	spelt := [...]int32{f.lexicon.number(reserved[Unk]), f.lexicon.number(yahooUnk)}
	for i, seq := range f.seqs {
		within := seq[1 : len(seq)-1]
		foreign := len(within) > 0
		words += len(within)
		for k, w := range within {
			within[k] = ids[w]
			if within[k] != Unk {
				known++
			}
			foreign = foreign && within[k] == Unk && !slices.Contains(spelt[:], w)
		}
		if foreign {
			if f.foreign++; f.foreign == 1 {
				f.firstForeign = int(f.lines[i])
			}
		}
		if f.labels == nil {
			continue
		}
		class, ok := classes[f.labels[i]]
		if !ok {
			return Split{}, fmt.Errorf("%s:%d: label %q does not occur in train; known: %s",
				f.path, f.lines[i], clip(f.labels[i]), clip(strings.Join(slices.Sorted(maps.Keys(classes)), ", ")))
		}
		s.Labels = append(s.Labels, class)
	}
	if words > 0 && known == 0 {
		return Split{}, fmt.Errorf("%s: none of its %d words is in the vocabulary of %d; the vocabulary does not fit: name the one made from text of this kind, or check lower",
			f.path, words, v.Size())
	}
	return s, nil
}

// unknown is a doubt about sentences of which no word is known, though they are not spelt
// as unknown words: a model is asked to explain nothing but <unk>. It is nil if there are none.
func (f *textFile) unknown() error {
	if f.foreign == 0 {
		return nil
	}
	return fmt.Errorf("%s:%d: the first of %d sentences without any word of the vocabulary; check that the files are of one kind", f.path, f.firstForeign, f.foreign)
}
