package data

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"image"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

// ragged is a split of sentences with the given numbers of words. Sentence i consists of
// the word 10+i, and its label is i.
func ragged(words ...int) (s Split) {
	for i, n := range words {
		seq := []int32{Start}
		for range n {
			seq = append(seq, int32(10+i))
		}
		s.Seqs = append(s.Seqs, append(seq, End))
		s.Labels = append(s.Labels, i)
	}
	return s
}

// members prints the labels of batches: "3 1|0 2".
func members(batches []*vae.Batch) string {
	var b []string
	for _, x := range batches {
		b = append(b, strings.Trim(fmt.Sprint(x.Labels), "[]"))
	}
	return strings.Join(b, "|")
}

func TestBatchesForEvaluation(t *testing.T) {
	s := ragged(3, 1, 3, 2, 3, 1, 1)
	for _, c := range []struct {
		size     int
		byLength bool
		want     string // NewBatch puts the longest first
	}{
		{2, true, "1 5|6|3|0 2|4"},
		{9, true, "1 5 6|3|0 2 4"},
		{3, false, "0 2 1|4 3 5|6"},
		{7, false, "0 2 4 3 1 5 6"},
	} {
		if got := members(s.Batches(c.size, c.byLength, nil)); got != c.want {
			t.Errorf("Batches(%d, %v, nil) = %s, want %s", c.size, c.byLength, got, c.want)
		}
	}
	if got := (Split{}).Batches(4, true, nil); len(got) != 0 {
		t.Errorf("an empty split gave %d batches", len(got))
	}
}

func TestBatchesInOrder(t *testing.T) {
	var lengths []int
	for i := range 100 {
		lengths = append(lengths, 1+i*i%7)
	}
	s := ragged(lengths...)
	for _, byLength := range []bool{true, false} {
		batches := s.Batches(8, byLength, stream.New(1, "order", 1))
		var all []int
		for _, x := range batches {
			if x.B() > 8 {
				t.Errorf("byLength %v: a batch of %d", byLength, x.B())
			}
			if byLength && len(x.Seqs[0]) != len(x.Seqs[x.B()-1]) {
				t.Errorf("a batch has lengths from %d to %d", len(x.Seqs[x.B()-1]), len(x.Seqs[0]))
			}
			for i, seq := range x.Seqs {
				if got, want := seq[1], int32(10+x.Labels[i]); got != want {
					t.Errorf("byLength %v: label %d stands at the sentence of word %d", byLength, x.Labels[i], got)
				}
			}
			all = append(all, x.Labels...)
		}
		slices.Sort(all)
		if len(slices.Compact(all)) != 100 || len(all) != 100 {
			t.Errorf("byLength %v: %d sentences of 100, some twice or missing", byLength, len(all))
		}
		first := members(batches)
		if again := members(s.Batches(8, byLength, stream.New(1, "order", 1))); again != first {
			t.Errorf("byLength %v: the same order gave different batches", byLength)
		}
		if other := members(s.Batches(8, byLength, stream.New(1, "order", 2))); other == first {
			t.Errorf("byLength %v: another order gave the same batches", byLength)
		}
	}
}

func TestBatchesWithoutLabels(t *testing.T) {
	s := Split{Seqs: ragged(1, 2).Seqs}
	if got := s.Batches(2, false, nil)[0].Labels; got != nil {
		t.Errorf("Labels = %v, want nil", got)
	}
}

func TestDigest(t *testing.T) {
	base := func() *Set {
		return &Set{Vocab: NewVocab([]string{"a", "b"}), Train: ragged(1, 2), Test: ragged(3)}
	}
	want := base().digest()
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(want) {
		t.Errorf("digest = %q, want 16 hexadecimal digits", want)
	}
	if got := base().digest(); got != want {
		t.Errorf("the same set gave %s and %s", want, got)
	}
	for what, change := range map[string]func(*Set){
		"a word":                      func(s *Set) { s.Vocab = NewVocab([]string{"a", "c"}) },
		"a symbol":                    func(s *Set) { s.Train.Seqs[1][1]++ },
		"a label":                     func(s *Set) { s.Train.Labels[1] = 7 },
		"no labels":                   func(s *Set) { s.Train.Labels = nil },
		"the split of the test set":   func(s *Set) { s.Valid, s.Test = s.Test, s.Valid },
		"a sentence in another split": func(s *Set) { s.Valid.Seqs, s.Train.Seqs = s.Train.Seqs[1:], s.Train.Seqs[:1] },
	} {
		s := base()
		if change(s); s.digest() == want {
			t.Errorf("changing %s did not change the digest", what)
		}
	}
}

func TestLengths(t *testing.T) {
	if got, want := ragged(3, 1, 9, 2).Lengths(), (Lengths{1, 3, 9}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := (Split{}).Lengths(); got != (Lengths{}) {
		t.Errorf("an empty split has the lengths %v", got)
	}
}

// TestSheet reads pixels back: image i is right of and below those before it.
func TestSheet(t *testing.T) {
	s := &Set{Height: 1, Width: 2}
	for i := range 10 {
		s.Train.Values = append(s.Train.Values, []float32{float32(i) / 16, 1})
	}
	sheet := s.Sheet(s.Train, 9) // 3 rows of 3: each image is 2 wide and 1 high
	want := image.Rect(0, 0, 3*(4+2)+2, 3*(2+2)+2)
	if sheet.Bounds() != want {
		t.Fatalf("a sheet of %v, want %v", sheet.Bounds(), want)
	}
	for i := range 9 {
		x, y := 2+i%3*6, 2+i/3*4
		if left, right, gap := sheet.GrayAt(x+1, y+1).Y, sheet.GrayAt(x+2, y).Y, sheet.GrayAt(x-1, y).Y; left != uint8(math.Round(255*float64(i)/16)) || right != 255 || gap != sheetGrey {
			t.Errorf("image %d: %d %d, gap %d", i, left, right, gap)
		}
	}
	if got := s.Sheet(s.Train, 1000).Bounds(); got.Dy() <= 2 || got.Dx() > 6*6 {
		t.Errorf("the sheet of all images has %v", got)
	}
}

// TestSources checks what the decoder and `vaelab list` read by reflection and from the
// source: names of keys, types, and a doc comment on every kind and every field.
func TestSources(t *testing.T) {
	if got, want := Sources.Names(), []string{"csv", "gaussian", "glyphs", "godoc", "images", "jsonl", "synthetic", "text"}; !slices.Equal(got, want) {
		t.Errorf("Names = %v, want %v", got, want)
	}
	for _, name := range Sources.Names() {
		if Sources.Doc(name) == "" {
			t.Errorf("%s has no doc comment", name)
		}
		source, err := Sources.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		commented := fieldDocs(t, name+".go")
		keys := map[string]bool{}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(source)) {
			switch f.Type.Kind() {
			case reflect.Int, reflect.Uint64, reflect.Float64, reflect.String, reflect.Bool:
			default:
				if !f.Anonymous { // the fields of an embedded struct follow
					t.Errorf("%s.%s has type %s", name, f.Name, f.Type)
				}
			}
			own := len(f.Index) == 1 && !f.Anonymous // what is embedded is checked with its own kind
			if own && !commented[f.Name] {
				t.Errorf("%s.%s has no doc comment that begins with its name", name, f.Name)
			}
			for _, key := range append(strings.Split(f.Tag.Get("alias"), "|"), f.Tag.Get("yaml")) {
				if key != "" && keys[key] {
					t.Errorf("%s: two fields answer to %q", name, key)
				}
				keys[key] = true
			}
			if f.Tag.Get("yaml") == "" {
				t.Errorf("%s.%s has no yaml key", name, f.Name)
			}
		}
	}
}

// fieldDocs tells which struct fields of a file have a comment that begins with their name.
func fieldDocs(t *testing.T, path string) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok && len(f.Names) == 1 && strings.HasPrefix(f.Doc.Text(), f.Names[0].Name+" ") {
			docs[f.Names[0].Name] = true
		}
		return true
	})
	return docs
}
