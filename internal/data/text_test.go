package data

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// text is the registered default.
func text(t testing.TB) Text {
	t.Helper()
	d, err := Sources.Get("text")
	if err != nil {
		t.Fatal(err)
	}
	return d.(Text)
}

// decode prints a split: "the cat|a <unk>".
func decode(v *Vocab, s Split) string {
	var sentences []string
	for _, seq := range s.Seqs {
		var words []string
		for _, id := range seq[1 : len(seq)-1] {
			words = append(words, v.Word(int(id)))
		}
		sentences = append(sentences, strings.Join(words, " "))
	}
	return strings.Join(sentences, "|")
}

func TestText(t *testing.T) {
	const train = " the  cat \n\n\tthe dog\r\n_UNK <unk> The\n"
	for name, c := range map[string]struct {
		change             func(*Text)
		train, valid, test string
	}{
		"as it is":  {func(c *Text) {}, "the cat|the dog|<unk> <unk> The", "the <unk>", "dog|cat cat"},
		"lower":     {func(c *Text) { c.Lower = true }, "the cat|the dog|<unk> <unk> the", "the <unk>", "dog|cat cat"},
		"min_count": {func(c *Text) { c.MinCount = 2 }, "the <unk>|the <unk>|<unk> <unk> <unk>", "the <unk>", ""},
		"max_vocab": {func(c *Text) { c.MaxVocab = 2 }, "the <unk>|the <unk>|<unk> <unk> The", "the <unk>", ""},
		"limits":    {func(c *Text) { c.LimitTrain, c.LimitTest = 2, 1 }, "the cat|the dog", "the <unk>", "dog"},
		"cut":       {func(c *Text) { c.MaxWords, c.TooLong = 1, "cut" }, "the|the|<unk>", "the", ""},
		"drop":      {func(c *Text) { c.MaxWords, c.TooLong = 2, "drop" }, "the cat|the dog", "the <unk>", "dog|cat cat"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := text(t)
			cfg.Train = write(t, "train.txt", train)
			cfg.Valid = write(t, "valid.txt", "the bird\n")
			if c.test != "" {
				cfg.Test = write(t, "test.txt", "\ufeffdog\ncat cat")
			}
			c.change(&cfg)
			set := load(t, cfg)
			for split, got := range map[string][2]string{
				"train": {decode(set.Vocab, set.Train), c.train},
				"valid": {decode(set.Vocab, set.Valid), c.valid},
				"test":  {decode(set.Vocab, set.Test), c.test},
			} {
				if got[0] != got[1] {
					t.Errorf("%s: got %q, want %q", split, got[0], got[1])
				}
			}
			if set.Train.Labels != nil {
				t.Errorf("labels %v, want none", set.Train.Labels)
			}
		})
	}
}

func TestTextLabels(t *testing.T) {
	cfg := text(t)
	cfg.Labels = true
	cfg.Train = write(t, "train.txt", "pos\tgood food\nneg\tbad\tfood\n\npos\tfood\n")
	cfg.Test = write(t, "test.txt", "neg\tbad\n")
	set := load(t, cfg)
	if got, want := set.Train.Labels, []int{1, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("labels %v, want %v (neg 0, pos 1)", got, want)
	}
	if got, want := decode(set.Vocab, set.Train), "good food|bad food|food"; got != want {
		t.Errorf("text %q, want %q: only the first TAB ends the label", got, want)
	}
	if len(set.Warnings) != 0 {
		t.Errorf("warnings %v", set.Warnings)
	}
	if got, want := set.Test.Labels, []int{0}; !slices.Equal(got, want) {
		t.Errorf("test labels %v, want %v", got, want)
	}
}

// TestTextForEval loads a test file with the vocabulary of a trained model.
func TestTextForEval(t *testing.T) {
	cfg := text(t)
	cfg.Test = write(t, "test.txt", "a cat\n")
	cfg.Vocab = write(t, "vocab.txt", fourLines+"cat\n")
	set := load(t, cfg)
	if got, want := decode(set.Vocab, set.Test), "<unk> cat"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(set.Train.Seqs)+len(set.Valid.Seqs) != 0 || set.Digest == "" {
		t.Errorf("got %d sentences in train and valid, digest %q", len(set.Train.Seqs)+len(set.Valid.Seqs), set.Digest)
	}
}

func TestTextWarnings(t *testing.T) {
	cfg := text(t)
	cfg.Train = write(t, "train.txt", "1\tgood\na b c\na b c d\n")
	cfg.MaxWords = 2
	for mode, want := range map[string]string{"drop": "2 sentences longer than max_words 2 were left out", "cut": "2 sentences longer than max_words 2 were cut"} {
		cfg.TooLong = mode
		got := fmt.Sprint(load(t, cfg).Warnings)
		for _, w := range []string{want, "train.txt:1: a TAB", "set labels to true"} {
			if !strings.Contains(got, w) {
				t.Errorf("%s: warnings %s do not say %q", mode, got, w)
			}
		}
	}
	cfg.Test = cfg.Train
	if got := fmt.Sprint(load(t, cfg).Warnings); !strings.Contains(got, "train.txt: train and test are the same text") {
		t.Errorf("warnings %s do not say that train is test", got)
	}
}

func TestTextErrors(t *testing.T) {
	train := func(text string) func(*testing.T, *Text) {
		return func(t *testing.T, c *Text) { c.Train = write(t, "train.txt", text) }
	}
	labelled := func(text string) func(*testing.T, *Text) {
		return func(t *testing.T, c *Text) { c.Labels = true; c.Train = write(t, "train.txt", text) }
	}
	for name, c := range map[string]struct {
		change func(*testing.T, *Text)
		says   []string
	}{
		"nothing set":     {func(t *testing.T, c *Text) {}, []string{"none of train, valid and test"}},
		"no vocabulary":   {func(t *testing.T, c *Text) { c.Test = "test.txt" }, []string{"no train", "set vocab"}},
		"missing":         {func(t *testing.T, c *Text) { c.Train = "no/such.txt" }, []string{"train", "no/such.txt", "check the path"}},
		"directory":       {func(t *testing.T, c *Text) { c.Train = t.TempDir() }, []string{"is a directory", "name a text file"}},
		"empty":           {train(""), []string{"train.txt", "no sentence"}},
		"only blanks":     {train("\n \n"), []string{"train.txt", "no sentence"}},
		"NUL":             {train("a b\nc\x00d\n"), []string{"train.txt:2:", "NUL", "UTF-8 text"}},
		"Latin-1":         {train("a b\ncaf\xe9\n"), []string{"train.txt:2:", "not valid UTF-8"}},
		"endless line":    {train("a\n" + strings.Repeat("word ", 1<<18)), []string{"train.txt:2:", "1 MiB"}},
		"too long":        {train("a\n" + strings.Repeat("b ", 201)), []string{"train.txt:2:", "201 words", "max_words 200", "too_long"}},
		"all too long":    {func(t *testing.T, c *Text) { train("a b")(t, c); c.MaxWords, c.TooLong = 1, "drop" }, []string{"every sentence", "max_words 1"}},
		"symbol inside":   {train("a\n<s> b </s>\n"), []string{"train.txt:2:", "<s>", "remove"}},
		"all rare":        {func(t *testing.T, c *Text) { train("a b")(t, c); c.MinCount = 2 }, []string{"no word occurs 2 times", "min_count"}},
		"no TAB":          {labelled("1\ta\n0 b\n"), []string{"train.txt:2:", "no TAB", "labels to false"}},
		"no label":        {labelled("\ta\n"), []string{"train.txt:1:", "empty"}},
		"no text":         {labelled("1\t \n"), []string{"train.txt:1:", "empty"}},
		"new label":       {func(t *testing.T, c *Text) { labelled("1\ta\n")(t, c); c.Test = write(t, "test.txt", "1\ta\n2\ta\n") }, []string{"test.txt:2:", `label "2"`, "known: 1"}},
		"vocab missing":   {func(t *testing.T, c *Text) { train("a")(t, c); c.Vocab = "no/vocab.txt" }, []string{"vocabulary", "no/vocab.txt"}},
		"vocab malformed": {func(t *testing.T, c *Text) { train("a")(t, c); c.Vocab = write(t, "vocab.txt", "a\n") }, []string{"vocab.txt:1:", "<pad>"}},
		"vocab of others": {func(t *testing.T, c *Text) { train("a b")(t, c); c.Test = write(t, "test.txt", "x y\nz\n") }, []string{"test.txt", "none of its 3 words", "does not fit"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := text(t)
			c.change(t, &cfg)
			_, err := cfg.Load()
			wantError(t, err, append(c.says, "text: ")...)
		})
	}
}

// TestTextSystemErrors checks that callers can tell what the system said.
func TestTextSystemErrors(t *testing.T) {
	cfg := text(t)
	cfg.Train = filepath.Join(t.TempDir(), "none.txt")
	if _, err := cfg.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	cfg.Train = write(t, "secret.txt", "a\n")
	if err := os.Chmod(cfg.Train, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Load(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want fs.ErrPermission", err)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a b\n", "1\ta\n0\tb c\n", "\ufeffa", "a\x00", "<s> a", "_UNK <unk>\r\n\r\n", "a b c d\n\t\n\u00a0\n"} {
		f.Add(s, true, false, "cut")
		f.Add(s, false, true, "drop")
		f.Add(s, false, false, "error")
	}
	f.Fuzz(func(t *testing.T, content string, labels, lower bool, tooLong string) {
		c := text(t)
		c.Labels, c.Lower, c.TooLong, c.MaxWords = labels, lower, tooLong, 3
		file, err := c.parse(format{name: "text", read: c.lines, labels: labels}, c.cutter(), strings.NewReader(content), "fuzz.txt", 0)
		if err != nil {
			return
		}
		classes, err := c.classes([]*textFile{file})
		if err != nil {
			return
		}
		v := buildVocab(file.lexicon, 1, 0)
		s, err := file.encode(v, classes)
		if err != nil {
			return
		}
		for i, seq := range s.Seqs {
			if len(seq) < 3 || len(seq) > 5 || seq[0] != Start || seq[len(seq)-1] != End || slices.Min(seq[1:len(seq)-1]) < Unk {
				t.Errorf("sentence %d of %q: %v", i, content, seq)
			}
		}
		if labels && len(s.Labels) != len(s.Seqs) {
			t.Errorf("%d labels for %d sentences of %q", len(s.Labels), len(s.Seqs), content)
		}
	})
}

// TestTextMemory: what stays in memory of a text is less than one and a half times its file, so that with a collector that
// runs when the heap has doubled reading costs at most three times the file.
func TestTextMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < 8<<20 {
		for range 8 + rng.IntN(24) {
			fmt.Fprintf(&b, "word%d ", int(1000*rng.ExpFloat64()))
		}
		b.WriteByte('\n')
	}
	size := float64(b.Len())
	c := text(t)
	c.Train = write(t, "train.txt", b.String())
	b.Reset()
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	set := load(t, c)
	if times := (heap() - before) / size; times > 1.5 {
		t.Errorf("a text takes %.2f times its file", times)
	} else {
		t.Logf("a text takes %.2f times its file", times)
	}
	runtime.KeepAlive(set)
}
