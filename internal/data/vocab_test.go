package data

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a file in a temporary directory and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantError fails unless err says all of the given things.
func wantError(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("got no error, want one that says %q", says)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("got error %q, want it to say %q", err, s)
		}
	}
}

const fourLines = "<pad>\n<s>\n</s>\n<unk>\n"

func TestVocab(t *testing.T) {
	v := NewVocab([]string{"the", "cat"})
	if got, want := v.Size(), 6; got != want {
		t.Errorf("Size = %d, want %d", got, want)
	}
	for word, want := range map[string]int32{
		"<pad>": Pad, "<s>": Start, "</s>": End, "<unk>": Unk, "_UNK": Unk, "the": 4, "cat": 5, "dog": Unk, "": Unk,
	} {
		if got := v.ID(word); got != want {
			t.Errorf("ID(%q) = %d, want %d", word, got, want)
		}
	}
	words := strings.Fields("the _UNK <pad> <s> cat </s> dog <unk>")
	if got, want := v.Encode(words), []int32{Start, 4, Unk, Unk, Unk, 5, Unk, Unk, Unk, End}; !slices.Equal(got, want) {
		t.Errorf("Encode(%q) = %v, want %v", words, got, want)
	}
	if got, want := v.Encode(nil), []int32{Start, End}; !slices.Equal(got, want) {
		t.Errorf("Encode(nil) = %v, want %v", got, want)
	}
}

func TestNewVocabPanics(t *testing.T) {
	for _, words := range [][]string{{"a", "b", "a"}, {"<unk>"}, {"_UNK"}, {"</s>"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewVocab(%q) did not panic", words)
				}
			}()
			NewVocab(words)
		}()
	}
}

func TestBuildVocab(t *testing.T) {
	text := newLexicon()
	for _, w := range strings.Fields("b a c a b <unk> <unk> <unk> _UNK a d c") { // a 3, b 2, c 2, d 1
		text.count(w)
	}
	for _, c := range []struct {
		minCount, maxWords int
		want               string
	}{
		{1, 0, "a b c d"}, {2, 0, "a b c"}, {3, 0, "a"}, {4, 0, ""}, {1, 2, "a b"}, {2, 9, "a b c"},
	} {
		v := buildVocab(text, c.minCount, c.maxWords)
		if got := strings.Join(v.words[4:], " "); got != c.want {
			t.Errorf("min_count %d, max_vocab %d: got %q, want %q", c.minCount, c.maxWords, got, c.want)
		}
	}
}

func TestReadVocab(t *testing.T) {
	var out bytes.Buffer
	if err := NewVocab([]string{"the", "é", ","}).Write(&out); err != nil {
		t.Fatal(err)
	}
	want := fourLines + "the\né\n,\n"
	if out.String() != want {
		t.Errorf("Write gave %q, want %q", out.String(), want)
	}
	for name, text := range map[string]string{
		"as written": want, "no last line end": strings.TrimSuffix(want, "\n"),
		"CRLF": strings.ReplaceAll(want, "\n", "\r\n"), "byte-order mark": "\ufeff" + want,
	} {
		v, err := ReadVocab(write(t, "vocab.txt", text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(v.words, "\n") + "\n"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestReadVocabErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"empty":         {"", []string{"0 lines", "<pad> <s> </s> <unk>"}},
		"cut short":     {"<pad>\n<s>\n", []string{"2 lines"}},
		"no header":     {"the\ncat\n", []string{":1:", `must be "<pad>", got "the"`}},
		"other order":   {"<pad>\n<unk>\n<s>\n</s>\n", []string{":2:", `must be "<s>", got "<unk>"`}},
		"twice":         {fourLines + "a\nb\na\n", []string{":7:", `"a" is already on line 5`}},
		"reserved":      {fourLines + "a\n<s>\n", []string{":6:", "already on line 2"}},
		"yahoo":         {fourLines + "_UNK\n", []string{":5:", "already on line 4"}},
		"two words":     {fourLines + "a b\n", []string{":5:", `"a b"`, "one word"}},
		"blank line":    {fourLines + "a\n\nb\n", []string{":6:", "one word"}},
		"trailing TAB":  {fourLines + "a\t12\n", []string{":5:", "one word"}},
		"not text":      {fourLines + "a\x00\n", []string{":5:", "NUL"}},
		"invalid UTF-8": {fourLines + "\xff\n", []string{":5:", "UTF-8"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadVocab(write(t, "vocab.txt", c.text))
			wantError(t, err, append(c.says, "vocab.txt")...)
		})
	}
}

func FuzzVocab(f *testing.F) {
	for _, s := range []string{"", fourLines, fourLines + "a\nb\n", fourLines + "a\na\n", "\ufeff" + fourLines, "<pad>\r\n<s>\r\n</s>\r\n<unk>\r\n\u00a0\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parseVocab(strings.NewReader(text), "vocab.txt")
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		v.Write(&first)
		again, err := parseVocab(bytes.NewReader(first.Bytes()), "again.txt")
		if err != nil {
			t.Fatalf("cannot read what was written from %q: %v", text, err)
		}
		if again.Write(&second); first.String() != second.String() {
			t.Errorf("from %q: wrote %q, then %q", text, first.String(), second.String())
		}
		for i := range v.Size() {
			if got := v.ID(v.Word(i)); got != int32(i) {
				t.Errorf("ID(Word(%d)) = %d", i, got)
			}
		}
	})
}
