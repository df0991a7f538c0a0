package data

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"image"
	"maps"
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
		batching vae.Batching
		want     string // NewBatch puts the longest first
	}{
		{2, vae.ByLength, "1 5|6|3|0 2|4"},
		{9, vae.ByLength, "1 5 6|3|0 2 4"},
		{3, vae.Mixed, "0 2 1|4 3 5|6"},
		{3, vae.Near, "1 5|3 6|0 2 4"},
		{6, vae.Near, "1 5 6|0 2 4 3"},
		{7, vae.Mixed, "0 2 4 3 1 5 6"},
	} {
		if got := members(s.Batches(c.size, c.batching, nil)); got != c.want {
			t.Errorf("Batches(%d, %v, nil) = %s, want %s", c.size, c.batching, got, c.want)
		}
	}
	if got := (Split{}).Batches(4, vae.ByLength, nil); len(got) != 0 {
		t.Errorf("an empty split gave %d batches", len(got))
	}
}

func TestBatchesInOrder(t *testing.T) {
	var lengths []int
	for i := range 100 {
		lengths = append(lengths, 1+i*i%7)
	}
	s := ragged(lengths...)
	for _, batching := range []vae.Batching{vae.ByLength, vae.Mixed, vae.Near} {
		batches := s.Batches(8, batching, stream.New(1, "order", 1))
		var all []int
		for _, x := range batches {
			if x.B() > 8 {
				t.Errorf("%v: a batch of %d", batching, x.B())
			}
			if batching == vae.ByLength && len(x.Seqs[0]) != len(x.Seqs[x.B()-1]) {
				t.Errorf("a batch has lengths from %d to %d", len(x.Seqs[x.B()-1]), len(x.Seqs[0]))
			}
			for i, seq := range x.Seqs {
				if got, want := seq[1], int32(10+x.Labels[i]); got != want {
					t.Errorf("%v: label %d stands at the sentence of word %d", batching, x.Labels[i], got)
				}
			}
			all = append(all, x.Labels...)
		}
		slices.Sort(all)
		if len(slices.Compact(all)) != 100 || len(all) != 100 {
			t.Errorf("%v: %d sentences of 100, some twice or missing", batching, len(all))
		}
		first := members(batches)
		if again := members(s.Batches(8, batching, stream.New(1, "order", 1))); again != first {
			t.Errorf("%v: the same order gave different batches", batching)
		}
		if other := members(s.Batches(8, batching, stream.New(1, "order", 2))); other == first {
			t.Errorf("%v: another order gave the same batches", batching)
		}
	}
}

// TestBatchesNear: whatever the lengths, an epoch has every example once, all batches have one size up to one example,
// none has a single one, and a batch's lengths lie between those of its neighbours.
func TestBatchesNear(t *testing.T) {
	for n := 2; n <= 70; n++ {
		var lengths []int
		for i := range n {
			lengths = append(lengths, 1+i*i%13*(1+i%3))
		}
		s := ragged(lengths...)
		for _, size := range []int{2, 3, 8, 32} {
			batches := s.Batches(size, vae.Near, stream.New(1, "near", n))
			seen, least, most := map[int]int{}, n, 0
			for _, x := range batches {
				least, most = min(least, x.B()), max(most, x.B())
				for _, label := range x.Labels {
					seen[label]++
				}
			}
			if len(seen) != n || slices.Max(slices.Collect(maps.Values(seen))) > 1 {
				t.Fatalf("%d examples in batches of %d: %d are seen, or some twice", n, size, len(seen))
			}
			if least < 2 || most-least > 1 || most > size && !(size == 2 && n%2 == 1 && most == 3) {
				t.Errorf("%d examples in batches of %d: sizes from %d to %d", n, size, least, most)
			}
			slices.SortFunc(batches, func(a, b *vae.Batch) int {
				return cmp.Or(cmp.Compare(len(a.Seqs[0]), len(b.Seqs[0])), cmp.Compare(len(a.Seqs[a.B()-1]), len(b.Seqs[b.B()-1])))
			})
			for k := 1; k < len(batches); k++ {
				if before := batches[k-1]; len(batches[k].Seqs[batches[k].B()-1]) < len(before.Seqs[0]) {
					t.Errorf("%d examples in batches of %d: the lengths of two batches interleave", n, size)
				}
			}
			if got := s.Untrained(vae.Near); got != 0 {
				t.Errorf("%d examples are never trained on, want none", got)
			}
		}
	}
}

func TestUntrained(t *testing.T) {
	s := ragged(3, 1, 3, 2, 3, 1, 1, 9)
	for batching, want := range map[vae.Batching]int{vae.ByLength: 2, vae.Mixed: 0, vae.Near: 0} {
		if got := s.Untrained(batching); got != want {
			t.Errorf("%s: %d, want %d", batching, got, want)
		}
	}
	if got := (Split{Values: [][]float32{{1}, {2}}}).Untrained(vae.ByLength); got != 0 {
		t.Errorf("of images %d, want 0", got)
	}
}

func TestBatchesWithoutLabels(t *testing.T) {
	s := Split{Seqs: ragged(1, 2).Seqs}
	if got := s.Batches(2, vae.Mixed, nil)[0].Labels; got != nil {
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
