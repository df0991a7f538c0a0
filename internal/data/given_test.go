package data

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

// pairs prints the examples of a split with their contexts: "a b>c|d>e".
func pairs(v *Vocab, s Split) string {
	texts, contexts := strings.Split(decode(v, s), "|"), strings.Split(decode(v, Split{Seqs: s.Given}), "|")
	for i := range texts {
		texts[i] = contexts[i] + ">" + texts[i]
	}
	return strings.Join(texts, "|")
}

// TestContext: text, jsonl and csv read the same pairs, and the vocabulary has the words of both sides.
func TestContext(t *testing.T) {
	lines := text(t)
	lines.Train = write(t, "a.txt", "how are you\tfine thanks\n\nhi\t hi you \n")
	objects := jsonl(t)
	objects.Field, objects.Context = "r", "q.0"
	objects.Train = write(t, "a.jsonl", `{"q": ["how are you"], "r": "fine thanks"}`+"\n"+`{"q": ["hi"], "r": "hi you"}`)
	rows := table(t)
	rows.Column, rows.Context, rows.Labels = "r", "q", "y"
	rows.Train = write(t, "a.csv", "r,y,q\nfine thanks,1,how are you\nhi you,0,hi\n")
	lines.Given, objects.Given, rows.Given = givenContext, givenContext, givenContext
	for _, source := range []Source{lines, objects, rows} {
		set := load(t, source)
		if got, want := pairs(set.Vocab, set.Train), "how are you>fine thanks|hi>hi you"; got != want {
			t.Errorf("%s: %q, want %q", set.Name, got, want)
		}
		if got, want := set.Space(), (vae.Space{Kind: vae.Text, V: 4 + 6, MaxLen: 4, N: 2, Given: vae.Condition{Kind: vae.Text, MaxLen: 5}}); got != want {
			t.Errorf("%s: %v, want %v", set.Name, got, want)
		}
		if Gives(source) != (vae.Condition{Kind: vae.Text}) || len(set.Warnings) > 0 {
			t.Errorf("%s gives %v, warnings %v", set.Name, Gives(source), set.Warnings)
		}
	}
	if set := load(t, rows); !slices.Equal(set.Train.Labels, []int{1, 0}) {
		t.Errorf("labels %v", set.Train.Labels)
	}
}

// TestContextLengths: max_words holds for both sides, and what leaves one out leaves the pair out.
func TestContextLengths(t *testing.T) {
	for mode, want := range map[string]string{"drop": "a>b", "cut": "a>b|a b>c|a>c d"} {
		c := text(t)
		c.Train = write(t, "a.txt", "a\tb\na b e\tc\na\tc d f\n")
		c.Given, c.MaxWords, c.TooLong = givenContext, 2, mode
		set := load(t, c)
		if got := pairs(set.Vocab, set.Train); got != want {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
		if _, ok := set.Vocab.ids["f"]; ok {
			t.Errorf("%s: the vocabulary has a word of what was left out: %v", mode, set.Vocab.words)
		}
	}
}

// TestHalves: the first half, rounded down, is given, and sentences without one are left out with a warning.
func TestHalves(t *testing.T) {
	c := text(t)
	c.Labels, c.Given = true, givenHalf
	c.Train = write(t, "a.txt", "x\ta b\ny\tc\nx\ta b c\ny\ta b c d\n")
	set := load(t, c)
	if got, want := pairs(set.Vocab, set.Train), "a>b|a>b c|a b>c d"; got != want || !slices.Equal(set.Train.Labels, []int{0, 0, 1}) {
		t.Errorf("%q, labels %v; want %q", got, set.Train.Labels, want)
	}
	if len(set.Warnings) != 1 {
		t.Fatalf("warnings %v", set.Warnings)
	}
	wantError(t, set.Warnings[0], "1 sentences of train have one word", "left out")

	whole := Synthetic{Train: 30, Valid: 4, Test: 4, Length: 5, Vocab: 20, Hidden: 3, Embed: 3, Seed: 1}
	halves := whole
	halves.Given = givenHalf
	a, b := load(t, whole), load(t, halves)
	for i, seq := range a.Train.Seqs {
		if !slices.Equal(slices.Concat(b.Train.Given[i][1:3], b.Train.Seqs[i][1:]), seq[1:]) {
			t.Fatalf("%v became %v and %v", seq, b.Train.Given[i], b.Train.Seqs[i])
		}
	}
	if b.Truth != nil || b.Train.Latents != nil || a.Truth == nil {
		t.Error("the generator of whole sentences is no generator of halves")
	}
	if a.Digest == b.Digest {
		t.Error("halves have the digest of the whole sentences")
	}
}

// TestGivenLabels: labels are conditions of whatever has some.
func TestGivenLabels(t *testing.T) {
	lines := text(t)
	lines.Labels = true
	lines.Train = write(t, "a.txt", "x\ta b\ny\tc\n")
	for _, c := range []struct {
		source func(given string) Source
		want   vae.Condition
	}{
		{func(given string) Source { lines.Given = given; return lines }, vae.Condition{Kind: vae.Label, Classes: 2}},
		{func(given string) Source {
			return Synthetic{Train: 30, Length: 2, Vocab: 9, Hidden: 3, Embed: 3, Given: given}
		}, vae.Condition{Kind: vae.Label, Classes: 4}},
		{func(given string) Source {
			return Glyphs{Train: 200, Alphabets: "digits", Binarise: "threshold", Given: given}
		}, vae.Condition{Kind: vae.Label, Classes: 10}},
	} {
		without, with := load(t, c.source(givenNothing)), load(t, c.source(givenLabel))
		if got := with.Space().Given; got != c.want || with.Digest == without.Digest || without.Space().Given != (vae.Condition{}) {
			t.Errorf("%s: given %v, want %v; digests %s and %s", with.Name, got, c.want, with.Digest, without.Digest)
		}
		if Gives(c.source(givenLabel)).Kind != vae.Label || Gives(c.source(givenNothing)).Kind != "" {
			t.Errorf("%s says that it gives %v", with.Name, Gives(c.source(givenLabel)))
		}
	}
}

// TestGivenErrors: each says where, what and what to do.
func TestGivenErrors(t *testing.T) {
	context := func(content string) func(*testing.T) Source {
		return func(t *testing.T) Source {
			c := text(t)
			c.Given, c.Train = givenContext, write(t, "a.txt", content)
			return c
		}
	}
	objects := func(content string, change func(*JSONL)) func(*testing.T) Source {
		return func(t *testing.T) Source {
			c := jsonl(t)
			c.Given, c.Train = givenContext, write(t, "a.jsonl", content)
			change(&c)
			return c
		}
	}
	for name, c := range map[string]struct {
		source func(*testing.T) Source
		says   []string
	}{
		"no TAB":        {context("a\tb\na b\n"), []string{"a.txt:2:", "a context, one TAB and text, and has 0 TABs"}},
		"two TABs":      {context("a\tb\tc\n"), []string{"a.txt:1:", "has 2 TABs", "correct the line"}},
		"empty context": {context("a\tb\n \tb\n"), []string{"a.txt:2:", "one of them is empty", "remove it"}},
		"empty text":    {context("a\t\n"), []string{"a.txt:1:", "one of them is empty"}},
		"symbol":        {context("a </s>\tb\n"), []string{"a.txt:1:", "</s> among the words"}},
		"long context":  {context(strings.Repeat("a ", 201) + "\tb\n"), []string{"a.txt:1:", "201 words", "max_words 200"}},
		"labels too": {func(t *testing.T) Source {
			c := context("a\tb\n")(t).(Text)
			c.Labels = true
			return c
		}, []string{"labels and given: context", "leave one of them out"}},
		"no field":     {objects(`{"text": "a", "cotext": "b"}`, func(*JSONL) {}), []string{"a.jsonl:1:", "context: ", `did you mean "cotext"`}},
		"null context": {objects(`{"text": "a", "context": null}`, func(*JSONL) {}), []string{"a.jsonl:1:", `"context" is null`}},
		"no use": {objects(`{"text": "a"}`, func(c *JSONL) { c.Context, c.Given = "q", givenNothing }),
			[]string{`context "q" has no effect`, "set given: context"}},
		"no column": {func(t *testing.T) Source {
			c := table(t)
			c.Given, c.Train = givenContext, write(t, "a.csv", "text,q\na,b\n")
			return c
		}, []string{`unknown column "context"`, "known: text, q"}},
		"empty cell": {func(t *testing.T) Source {
			c := table(t)
			c.Given, c.Context, c.Train = givenContext, "q", write(t, "a.csv", "text,q\na, \n")
			return c
		}, []string{"a.csv:2:", `the column "q" is empty`}},
		"no halves": {func(t *testing.T) Source {
			c := text(t)
			c.Given, c.Train = givenHalf, write(t, "a.txt", "a\nb\n")
			return c
		}, []string{"given: half: every sentence of train has one word", "unit: char"}},
		"no labels": {func(t *testing.T) Source {
			c := text(t)
			c.Given, c.Train = givenLabel, write(t, "a.txt", "a\nb\n")
			return c
		}, []string{"given: label: the examples of train have no labels", "set labels to true"}},
		"unseen label": {func(t *testing.T) Source {
			c := text(t)
			c.Given, c.Labels, c.Train, c.Test = givenLabel, true, write(t, "a.txt", "x\ta\n"), write(t, "b.txt", "x\ta\ny\ta\n")
			return c
		}, []string{"b.txt:2:", `label "y" does not occur in train`}},
		"unseen class": {func(*testing.T) Source {
			return Glyphs{Train: 3, Test: 40, Alphabets: "latin", Binarise: "threshold", Given: givenLabel}
		}, []string{"glyphs: given: label: example ", " of test has the label \"", "no example of train has"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.source(t).Load()
			wantError(t, err, c.says...)
		})
	}
}

// TestBatchesHaveTheirConditions, whatever the order of examples and of lengths.
func TestBatchesHaveTheirConditions(t *testing.T) {
	var s Split
	for i := range 40 { // the condition of a sentence ends with the number that the sentence begins with
		s.Seqs = append(s.Seqs, append([]int32{Start, int32(4 + i)}, make([]int32, i%4+1)...))
		s.Given = append(s.Given, append(append([]int32{Start}, make([]int32, i%7)...), int32(4+i)))
	}
	for _, batching := range []vae.Batching{vae.ByLength, vae.Mixed, vae.Near} {
		for _, split := range []Split{s, s.Pick([]int{30, 2, 11, 2})} {
			seen := 0
			for _, x := range split.Batches(6, batching, stream.New(1, fmt.Sprint(batching))) {
				x = x.Repeat(2)
				for i, seq := range x.Seqs {
					given := x.Given.Seqs[x.GivenAt[i]]
					if seen++; given[len(given)-1] != seq[1] {
						t.Fatalf("%s: %v is given with %v", batching, given, seq)
					}
				}
			}
			if seen != 2*split.N() {
				t.Errorf("%s: %d examples, want %d", batching, seen, 2*split.N())
			}
		}
	}
}

// TestRelabel: labels of other files have the numbers of training, and there is no other label.
func TestRelabel(t *testing.T) {
	set := Set{Given: vae.Label, Classes: []string{"b", "c"}, Test: Split{Labels: []int{0, 1, 1}}}
	if err := set.Relabel(3, []string{"a", "b", "c"}); err != nil || !slices.Equal(set.Test.Labels, []int{1, 2, 2}) || set.Space().Given.Classes != 3 {
		t.Errorf("%v, labels %v of %d", err, set.Test.Labels, set.Space().Given.Classes)
	}
	wantError(t, set.Relabel(2, []string{"a", "b"}), `the label "c" did not occur in training`, "known: a, b")
	numbers := Set{Given: vae.Label, Test: Split{Labels: []int{0, 2}}}
	wantError(t, numbers.Relabel(2, nil), "the label 2 did not occur in training", "known: 0 to 1")
	if err := numbers.Relabel(7, nil); err != nil || numbers.Space().Given.Classes != 7 {
		t.Errorf("%v, %v", err, numbers.Space())
	}
}
