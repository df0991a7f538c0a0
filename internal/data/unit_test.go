package data

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		change func(*Text)
		want   string // symbols with | between
	}{
		"words":               {"It's  good, no?\t_UNK", nil, "It's|good,|no?|_UNK"},
		"unicode":             {`"It's 3.14," she said (e-mail).`, unit("unicode"), `"|It's|3.14|,|"|she|said|(|e|-|mail|)|.`},
		"unicode, Chinese":    {"他家餐厅，good。", unit("unicode"), "他|家|餐|厅|，|good|。"},
		"unicode, <unk>":      {"a <unk> b _UNK c<unk>d", unit("unicode"), "a|<unk>|b|_UNK|c|<unk>|d"},
		"char":                {"a  bé\u0301\t👩‍👩‍👧", unit("char"), "a| |b|é\u0301| |👩‍👩‍👧"},
		"char, SMILES":        {"CC(=O)[O-]", unit("char"), "C|C|(|=|O|)|[|O|-|]"},
		"char, <unk>":         {"他<unk>的 <unk>", unit("char"), "他|<unk>|的| |<unk>"},
		"char, wide space":    {"\u3000他\u00a0的\u3000", unit("char"), "他| |的"},
		"char, accent alone":  {"a \u0301b", unit("char"), "a| |\u0301|b"},
		"lower":               {"ÉA b", func(c *Text) { c.Unit, c.Lower = "char", true }, "é|a| |b"},
		"nfc":                 {"cafe\u0301", func(c *Text) { c.Unicode = "nfc" }, "café"},
		"nfc, char":           {"e\u0301e", func(c *Text) { c.Unit, c.Unicode = "char", "nfc" }, "é|e"},
		"drop":                {"<bos> a <bos>b <eos>", func(c *Text) { c.Drop = "<bos> <eos>" }, "a|<bos>b"},
		"drop, char":          {"<bos> a b <eos>", func(c *Text) { c.Drop, c.Unit = "<bos> <eos>", "char" }, "a| |b"},
		"drop, no space":      {"他的<eos>", func(c *Text) { c.Drop, c.Unit = "<eos>", "char" }, "他|的"},
		"drop, unicode":       {"[CLS] a. [SEP]", func(c *Text) { c.Drop, c.Unit = "[CLS] [SEP]", "unicode" }, "a|."},
		"drop what is refuse": {"<s> a </s>", func(c *Text) { c.Drop = "<s> </s>" }, "a"},
		"drop all":            {"<eos>", func(c *Text) { c.Drop = "<eos>" }, ""},
		"unknown":             {"a [UNK] UNK <UNK>", func(c *Text) { c.Unknown = "[UNK] <UNK>" }, "a|<unk>|UNK|<unk>"},
		"unknown, char":       {"a[UNK]b", func(c *Text) { c.Unknown, c.Unit = "[UNK]", "char" }, "a|<unk>|b"},
		"unknown, lower":      {"a [UNK] <EOS>", func(c *Text) { c.Unknown, c.Drop, c.Lower = "[UNK]", "<eos>", true }, "a|<unk>"},
	} {
		cfg := text(t)
		if c.change != nil {
			c.change(&cfg)
		}
		if got := strings.Join(cfg.cutter().cut(nil, c.text), "|"); got != c.want {
			t.Errorf("%s: %q gives %q, want %q", name, c.text, got, c.want)
		}
	}
}

func unit(u string) func(*Text) { return func(c *Text) { c.Unit = u } }

// TestSentence: what is written of a sentence has spaces where its unit had some.
func TestSentence(t *testing.T) {
	for _, c := range []struct{ unit, text, want string }{
		{"words", "It was good , no ?", ""},
		{"char", "他家餐厅 very good。", ""},
		{"char", "CC(=O)[O-]", ""},
		{"unicode", "She said: \"It's good (really)\", didn't she? 3.5 % of the dogs' tails, e-mail; $5.", "She said: \"It's good (really)\", didn't she? 3.5% of the dogs' tails, e-mail; $5."},
		{"unicode", "他家餐厅，真的好。", ""},
		{"unicode", "ราคา 5 baht", "ราคา5 baht"},
	} {
		cfg := text(t)
		cfg.Unit = c.unit
		cfg.Train = write(t, "train.txt", c.text+"\n")
		set := load(t, cfg)
		if c.want == "" {
			c.want = c.text
		}
		if got := set.Vocab.Sentence(set.Train.Seqs[0]); got != c.want {
			t.Errorf("%s: %q, want %q", c.unit, got, c.want)
		}
		// The vocabulary's file gives the same numbers.
		var file bytes.Buffer
		if err := set.Vocab.Write(&file); err != nil {
			t.Fatal(err)
		}
		again := cfg
		again.Vocab = write(t, "vocab.txt", file.String())
		if got := load(t, again); got.Digest != set.Digest || got.Vocab.Sentence(got.Train.Seqs[0]) != c.want {
			t.Errorf("%s: with the vocabulary's file %q, digest %s, want %s", c.unit, got.Vocab.Sentence(got.Train.Seqs[0]), got.Digest, set.Digest)
		}
	}
}

// TestTextDoubts: what is odd about a text is said with the setting that changes it, the setting ends the doubt, and text
// that is meant so has none.
func TestTextDoubts(t *testing.T) {
	many := func(lines ...string) string { return strings.Repeat(strings.Join(lines, "\n")+"\n", 10) }
	for name, c := range map[string]struct {
		train, test string
		says        string
		remedy      func(*Text)
	}{
		"Chinese":            {many("那家老板真的很糟糕。他家服务有点热情。", "这家服务真的很满意！"), "", "set unit: char", unit("char")},
		"Chinese, spaces":    {many("那家老板真的很糟糕。 他家服务有点热情。", "这家服务真的很满意！ 好"), "", "set unit: char", unit("char")},
		"SMILES":             {many("CC(=O)Oc1ccccc1C(=O)O", "CCO"), "", "set unit: char", unit("char")},
		"prose":              {many("The food was good, really.", "I liked it."), "", "set unit: unicode", unit("unicode")},
		"short prose":        {many("A man sleeps.", "Two dogs run!"), "", `as in "run!"`, unit("unicode")},
		"eos":                {many("a b <eos>", "a c <eos>"), "", `end with <eos>, which costs a model nothing and lowers its perplexity; sentences get their own <s> and </s>: set drop: "<eos>"`, func(c *Text) { c.Drop = "<eos>" }},
		"CLS, SEP":           {many("[CLS] a b [SEP]"), "", `set drop: "[CLS] [SEP]"`, func(c *Text) { c.Drop = "[CLS] [SEP]" }},
		"GPT":                {many("a b <|endoftext|>"), "", "<|endoftext|>", func(c *Text) { c.Drop = "<|endoftext|>" }},
		"nmt":                {many("_GO a b _EOS"), "", "set drop: \"_GO _EOS\"", func(c *Text) { c.Drop = "_GO _EOS" }},
		"eos of characters":  {many("他的好<eos>"), "", `set drop: "<eos>"`, func(c *Text) { c.Drop = "<eos>" }},
		"UNK":                {many("a [UNK] b", "<UNK> c"), "", `<UNK> (10 times), [UNK] (10 times) look like the unknown word`, func(c *Text) { c.Unknown = "<UNK> [UNK]" }},
		"UNK in test":        {many("a b"), "a UNK\n", `test.txt: UNK (1 times)`, func(c *Text) { c.Unknown = "UNK" }},
		"UNK of characters":  {many("他的[UNK]好"), "", `set unknown: "[UNK]"`, func(c *Text) { c.Unknown = "[UNK]" }},
		"accents":            {many("le café a b"), "le cafe\u0301\n", `test.txt: 50 % of its words differ`, func(c *Text) { c.Unicode = "nfc" }},
		"accents in train":   {many("le café a b", "cafe\u0301 c"), "", `train.txt: 17 % of its words differ`, func(c *Text) { c.Unicode = "nfc" }},
		"JSON":               {many(`{"text": "a b"}`, `{"text": "c"}`), "", "use data: jsonl", nil},
		"PTB":                {many("mr. smith said the u.s. co. agreed <unk> N", "a b c inc.", "d e"), "", "", nil},
		"tokens":             {many("the food was good , really .", "` it ' s <unk> '"), "", "", nil},
		"cut Chinese":        {many("那 家 老板 真的 很 糟糕 。"), "", "", nil},
		"short words":        {many("a", "b", "cd"), "", "", nil},
		"tags":               {many("<b> a", "c <i>"), "", "", nil},
		"unk at the end":     {many("a <unk>", "b <unk>"), "", "", nil},
		"unknown accents":    {many("le café"), "le thé\n", "", nil},
		"Japanese, unicode":  {many("彼 は 好き です"), "", "", nil},
		"words with numbers": {many("10 % of 3.5 , 4 !"), "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := text(t)
			if strings.HasSuffix(name, "of characters") {
				cfg.Unit = "char"
			}
			cfg.Train = write(t, "train.txt", c.train)
			if c.test != "" {
				cfg.Test = write(t, "test.txt", c.test)
			}
			said := func() string {
				var all []string
				for _, w := range load(t, cfg).Warnings {
					if s := fmt.Sprint(w); !strings.Contains(s, "the same one") && !strings.Contains(s, "are also in") {
						all = append(all, s)
					}
				}
				return strings.Join(all, "\n")
			}
			if got := said(); c.says == "" && got != "" || !strings.Contains(got, c.says) {
				t.Errorf("warnings %q, want %q", got, c.says)
			}
			if c.remedy != nil {
				c.remedy(&cfg)
				if got := said(); got != "" {
					t.Errorf("with the setting, warnings %q", got)
				}
			}
		})
	}
}

// TestUnusedSymbols: a misspelt setting is said.
func TestUnusedSymbols(t *testing.T) {
	cfg := text(t)
	cfg.Drop, cfg.Unknown = "eos <bos>", "UNK"
	cfg.Train = write(t, "train.txt", "<bos> a b\n<bos> b a\n")
	got := fmt.Sprint(load(t, cfg).Warnings)
	for _, says := range []string{`drop: "eos"`, `unknown: "UNK"`, "none of the files"} {
		if !strings.Contains(got, says) {
			t.Errorf("warnings %q do not say %q", got, says)
		}
	}
	if strings.Contains(got, `"<bos>"`) {
		t.Errorf("warnings %q name a symbol that occurs", got)
	}
}

// TestUnitsInErrors: limits and errors say characters, and a text that is read in the wrong unit says so in its error.
func TestUnitsInErrors(t *testing.T) {
	cfg := text(t)
	cfg.Unit, cfg.MaxWords = "char", 4
	cfg.Train = write(t, "train.txt", "他家餐厅好\n")
	_, err := cfg.Load()
	wantError(t, err, "train.txt:1:", "5 characters", "max_words 4")

	cfg = text(t)
	cfg.MinCount = 3
	cfg.Train = write(t, "train.txt", "他家餐厅真的很好\n我家餐厅真的很好\n")
	_, err = cfg.Load()
	wantError(t, err, "no word occurs 3 times", "unit: char")

	cfg.MinCount = 1
	cfg.Test = write(t, "test.txt", "那家餐厅真的很好\n")
	_, err = cfg.Load()
	wantError(t, err, "none of its 1 words", "unit: char")

	cfg = text(t)
	cfg.Train = write(t, "train.txt", "<s> a b </s>\n")
	_, err = cfg.Load()
	wantError(t, err, "train.txt:1:", `set drop: "<s>"`)
	cfg.Drop = "<s> </s> a b"
	_, err = cfg.Load()
	wantError(t, err, "correct drop")
}

func FuzzCut(f *testing.F) {
	for _, s := range []string{"", "a b", "他 的\u3000好", "e\u0301 \u0301", "<unk> [UNK]<eos>", "a\u200b \u0085b\r", "🇩🇪🇫🇷 👩‍👧"} {
		f.Add(s, "char", true)
		f.Add(s, "unicode", false)
		f.Add(s, "words", false)
	}
	f.Fuzz(func(t *testing.T, sentence, unit string, nfc bool) {
		c := text(t)
		c.Unit, c.Drop, c.Unknown = unit, "<eos>", "[UNK]"
		if nfc {
			c.Unicode = "nfc"
		}
		symbols := c.cutter().cut(nil, strings.ToValidUTF8(strings.ReplaceAll(sentence, "\n", " "), ""))
		if len(symbols) > 0 && (symbols[0] == " " || symbols[len(symbols)-1] == " ") {
			t.Errorf("%q begins or ends with a space: %q", sentence, symbols)
		}
		for i, s := range symbols {
			if s == "" || s != " " && len(strings.Fields(s)) != 1 || s == "<eos>" || s == " " && symbols[i-1] == " " {
				t.Errorf("%q gives the symbol %q", sentence, s)
			}
		}
		slices.Sort(symbols)
		words := slices.DeleteFunc(slices.Compact(symbols), func(w string) bool {
			return slices.Contains(reserved, w) || w == yahooUnk || strings.Contains(w, "\x00")
		})
		var file bytes.Buffer
		if err := NewVocab(words).Write(&file); err != nil {
			t.Fatal(err)
		}
		if v, err := parseVocab(&file, "vocab.txt"); err != nil || v.Size() != len(words)+4 {
			t.Errorf("the vocabulary of %q does not read back: %v", sentence, err)
		}
	})
}
