package data

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"vaelab/internal/folder"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Sources.Add("godoc", Godoc{
		MinWords: 5, MaxWords: 40, MinCount: 3, Prose: true,
		Valid: 1000, Test: 1000, Seed: 1, Given: givenNothing,
	})
}

// Godoc is sentences from the doc comments of the Go standard library on this machine.
//
// It is real text that needs no download: paragraphs of doc comments, split into sentences,
// in lower case, split into words and punctuation, each sentence once. It changes with
// the Go version, so results are reproducible only with the same version.
type Godoc struct {
	// Dir is a directory of Go source; empty means that of the standard library.
	Dir string `yaml:"dir" kind:"path"`
	// Prose keeps only sentences without identifiers, and without capitals but the first.
	Prose bool `yaml:"prose"`
	// MinWords is the shortest sentence kept, in words and punctuation marks.
	MinWords int `yaml:"min_words" range:"[1,inf)"`
	// MaxWords is the longest sentence kept, in words and punctuation marks.
	MaxWords int `yaml:"max_words" range:"[1,inf)" alias:"max_length"`
	// MinCount is how often a word must occur in train to be in the vocabulary.
	MinCount int `yaml:"min_count" range:"[1,inf)"`
	// MaxVocab bounds the words of the vocabulary, most frequent first; 0 is no bound.
	MaxVocab int `yaml:"max_vocab" range:"[0,inf)"`
	// Limit is how many sentences to take in all, chosen at random; 0 means all.
	Limit int `yaml:"limit" range:"[0,inf)"`
	// Valid is the number of sentences for model selection.
	Valid int `yaml:"valid" range:"[0,inf)"`
	// Test is the number of sentences to test on; train is the rest.
	Test int `yaml:"test" range:"[0,inf)"`
	// Seed decides which sentence goes to which split.
	Seed uint64 `yaml:"seed"`
	// Given is what a model is given with each sentence, as a condition: nothing; half: the first half of the words, so that
	// the second is the text.
	Given string `yaml:"given" choice:"nothing|half" neutral:"nothing"`
}

// Kind is text.
func (c Godoc) Kind() vae.Kind { return vae.Text }

// Gives is text or nothing.
func (c Godoc) Gives() vae.Kind { return kindGiven(c.Given) }

// About says what the examples are; their licence is that of Go.
func (c Godoc) About() (what, licence string) {
	return "sentences of the documentation of Go's standard library", "BSD-3-Clause (Go)"
}

// Load finds the source, extracts the sentences and splits them at random.
func (c Godoc) Load() (*Set, error) {
	if c.MinWords > c.MaxWords {
		return nil, fmt.Errorf("godoc: min_words %d is above max_words %d; swap them", c.MinWords, c.MaxWords)
	}
	dir, doubt, err := c.source()
	if err != nil {
		return nil, err
	}
	all, err := c.sentences(dir)
	if err != nil {
		return nil, err
	}
	stream.New(c.Seed, "split").Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if c.Limit > 0 {
		all = all[:min(c.Limit, len(all))]
	}
	held := c.Valid + c.Test
	if len(all) <= held {
		return nil, fmt.Errorf("godoc: %s: %d sentences, and valid and test take %d; lower these, raise limit, or name a larger dir",
			dir, len(all), held)
	}
	words := newLexicon()
	for _, sentence := range all[held:] {
		for _, w := range sentence {
			words.count(w)
		}
	}
	v := buildVocab(words, c.MinCount, c.MaxVocab)
	encode := func(sentences [][]string) (s Split) {
		for _, words := range sentences {
			s.Seqs = append(s.Seqs, v.Encode(words))
		}
		return s
	}
	set := &Set{
		Name: "godoc", Vocab: v, Warnings: []error{doubt},
		Valid: encode(all[:c.Valid]), Test: encode(all[c.Valid:held]), Train: encode(all[held:]),
	}
	if err := set.give(c.Given, ""); err != nil {
		return nil, fmt.Errorf("godoc: %w", err)
	}
	set.Digest = set.digest()
	return set, nil
}

// source returns the directory to read and a warning that says what the text depends on.
func (c Godoc) source() (dir string, doubt, err error) {
	if c.Dir != "" {
		return c.Dir, fmt.Errorf("godoc: the text depends on the Go files in %s", c.Dir), nil
	}
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return "", nil, fmt.Errorf("godoc: go env, to find the standard library: %w; install Go and put it on the PATH, or set dir to a directory of Go source", err)
	}
	root, version, _ := strings.Cut(string(out), "\n")
	doubt = fmt.Errorf("godoc: the text depends on the Go version, here %s; numbers reproduce only with the same one", strings.TrimSpace(version))
	return filepath.Join(strings.TrimSpace(root), "src"), doubt, nil
}

// sentences returns all sentences below dir, each once, in the order of the sorted files.
func (c Godoc) sentences(dir string) ([][]string, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("godoc: %s: is not a directory; set dir to a directory of Go source", dir)
	}
	files, err := folder.Files(dir, func(below string) bool {
		name := filepath.Base(below)
		return below == dir || name != "testdata" && name != "vendor"
	})
	if err != nil {
		return nil, fmt.Errorf("godoc: %w; install the source of the standard library, or set dir to a directory of Go source", err)
	}
	var all [][]string
	seen := map[string]bool{}
	for _, path := range files {
		if filepath.Ext(path) != ".go" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("godoc: %w", err)
		}
		for _, words := range c.extract(text) {
			if key := strings.Join(words, " "); !seen[key] {
				seen[key] = true
				all = append(all, words)
			}
		}
	}
	return all, nil
}

// extract returns the sentences of one Go file that pass the settings, in its order. A
// file that does not parse gives what was read before the fault.
func (c Godoc) extract(text []byte) (sentences [][]string) {
	file, _ := parser.ParseFile(token.NewFileSet(), "", text, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil {
		return nil
	}
	p := &comment.Parser{LookupSym: func(_, _ string) bool { return true }} // so that [Name] loses its brackets
	for _, group := range docs(file) {
		for _, block := range p.Parse(group.Text()).Content {
			paragraph, ok := block.(*comment.Paragraph)
			if !ok {
				continue // a heading, a list or code
			}
			for _, s := range cutSentences(plain(paragraph.Text)) {
				if c.Prose && !isProse(s) {
					continue
				}
				words := tokens.FindAllString(strings.ToLower(s), -1)
				if len(words) >= c.MinWords && len(words) <= c.MaxWords {
					sentences = append(sentences, words)
				}
			}
		}
	}
	return sentences
}

// docs returns the doc comments of a file in the order of its declarations.
func docs(file *ast.File) (groups []*ast.CommentGroup) {
	ast.Inspect(file, func(n ast.Node) bool {
		var doc *ast.CommentGroup
		switch n := n.(type) {
		case *ast.File:
			doc = n.Doc
		case *ast.GenDecl:
			doc = n.Doc
		case *ast.FuncDecl:
			doc = n.Doc
		case *ast.TypeSpec:
			doc = n.Doc
		case *ast.ValueSpec:
			doc = n.Doc
		case *ast.Field:
			doc = n.Doc
		}
		if doc != nil {
			groups = append(groups, doc)
		}
		return true
	})
	return groups
}

// plain is the text of a paragraph, links as their text, with single spaces.
func plain(text []comment.Text) string {
	var b strings.Builder
	for _, t := range text {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(string(t))
		case comment.Italic:
			b.WriteString(string(t))
		case *comment.Link:
			b.WriteString(plain(t.Text))
		case *comment.DocLink:
			b.WriteString(plain(t.Text))
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// abbreviations end in a full stop that does not end a sentence.
var abbreviations = map[string]bool{"e.g.": true, "i.e.": true, "cf.": true, "vs.": true, "etc.": true}

// cutSentences cuts a paragraph after each . ! or ? that is followed by a space and a
// capital. What does not begin with a letter or end in one of the three is left out: it
// is mostly the lead of a list or of code.
func cutSentences(paragraph string) (sentences []string) {
	var words []string
	all := strings.Fields(paragraph)
	for i, w := range all {
		words = append(words, w)
		last := i+1 == len(all)
		if !strings.ContainsAny(w[len(w)-1:], ".!?") || abbreviations[strings.TrimLeft(w, "(")] && !last {
			continue
		}
		if !last {
			if next, _ := utf8.DecodeRuneInString(all[i+1]); !unicode.IsUpper(next) {
				continue
			}
		}
		if first, _ := utf8.DecodeRuneInString(words[0]); unicode.IsLetter(first) {
			sentences = append(sentences, strings.Join(words, " "))
		}
		words = nil
	}
	return sentences
}

var (
	// tokens are words, with the marks inside them, and single other marks.
	tokens = regexp.MustCompile(`[\p{L}\p{N}]+(?:['’._-][\p{L}\p{N}]+)*|[^\s\p{L}\p{N}]`)

	// proseWord is a word or number of prose with the punctuation around it.
	proseWord = regexp.MustCompile(`^["“(]*(?:\p{Ll}+(?:['’-]\p{Ll}+)*|e\.g|i\.e|[0-9]+|-|–|—)["”).,;:!?]*$`)
)

// isProse tells whether a sentence has neither identifiers nor formulas: every word is in
// lower case, except for the first letter of the sentence.
func isProse(sentence string) bool {
	first, n := utf8.DecodeRuneInString(sentence)
	for _, w := range strings.Fields(string(unicode.ToLower(first)) + sentence[n:]) {
		if !proseWord.MatchString(w) {
			return false
		}
	}
	return true
}
