package record

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tailed is a file that a test appends to, and what a Tail has found in it.
type tailed struct {
	*testing.T
	path string
	tail Tail
}

func (f *tailed) append(text string) {
	f.Helper()
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err == nil {
		_, err = file.WriteString(text)
	}
	if err != nil {
		f.Fatal(err)
	}
	file.Close()
}

// finds fails unless the next Read returns rows of these steps.
func (f *tailed) finds(what string, fresh bool, steps ...int) {
	f.Helper()
	rows, isFresh, more, err := f.tail.Read(f.path, 1<<20)
	var got []int
	for _, r := range rows {
		got = append(got, r.Step)
		if kl, ok := r.Value("kl"); !ok || kl != float64(r.Step)/2 {
			f.Errorf("%s: KL %v, %v at step %d", what, kl, ok, r.Step)
		}
	}
	if err != nil || more || isFresh != fresh || !slices.Equal(got, steps) {
		f.Errorf("%s: steps %v, fresh %v, more %v, %v; want %v, %v", what, got, isFresh, more, err, steps, fresh)
	}
}

// lineOf is the row of a step as the trainer writes it.
func lineOf(t testing.TB, step int) string {
	text, err := Row{Step: step, Split: "train", Values: map[string]float64{"kl": float64(step) / 2, "rec": 1}, Vectors: map[string][]float64{"kl_dim": {1, 2}}}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// TestTail: rows come once, when their line is complete, whatever happens to the file between two looks.
func TestTail(t *testing.T) {
	dir := t.TempDir()
	f := &tailed{T: t, path: filepath.Join(dir, "rows.1.jsonl")}
	if _, _, _, err := f.tail.Read(f.path, 1<<20); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
	f.append("")
	f.finds("an empty file", true)
	first, second, third := lineOf(t, 1), lineOf(t, 2), lineOf(t, 3)
	f.append(first + second[:30])
	f.finds("a line and a part", false, 1)
	f.append(second[30 : len(second)-1])
	f.finds("a line without its end", false)
	f.append("\n" + third)
	f.finds("the end and a line", false, 2, 3)
	f.finds("nothing new", false)

	// The last owner publishes its rows by a rename.
	published := filepath.Join(dir, "rows.jsonl")
	if err := os.Rename(f.path, published); err != nil {
		t.Fatal(err)
	}
	f.path = published
	f.append(lineOf(t, 4))
	f.finds("a renamed file", false, 4)

	// A resumed trial cuts the file to its checkpoint.
	if err := os.Truncate(f.path, int64(len(first))); err != nil {
		t.Fatal(err)
	}
	f.finds("a file that was cut", true, 1)
	f.append(second)
	f.finds("and goes on", false, 2)

	// A trial that begins anew may be longer than before at the next look.
	if err := os.Truncate(f.path, 0); err != nil {
		t.Fatal(err)
	}
	f.append(lineOf(t, 10) + lineOf(t, 20) + lineOf(t, 30))
	f.finds("other rows in the same file", true, 10, 20, 30)
	if err := os.WriteFile(f.path+".new", []byte(first+second+third+lineOf(t, 4)), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(f.path+".new", f.path); err != nil {
		t.Fatal(err)
	}
	f.finds("another file", true, 1, 2, 3, 4)
}

// TestTailInParts: a file of any length is read in parts, and a line longer than a part in one.
func TestTailInParts(t *testing.T) {
	f := &tailed{T: t, path: filepath.Join(t.TempDir(), "rows.jsonl")}
	const n = 50
	for step := 1; step <= n; step++ {
		f.append(lineOf(t, step))
	}
	for _, most := range []int64{1, 100, 250, 1 << 20} {
		var tail Tail
		next := 1
		for more := true; more; {
			var rows []Entry
			var err error
			if rows, _, more, err = tail.Read(f.path, most); err != nil || len(rows) == 0 {
				t.Fatalf("%d bytes at a time: %d rows at step %d, %v", most, len(rows), next, err)
			}
			for _, r := range rows {
				if r.Step != next {
					t.Fatalf("%d bytes at a time: step %d, want %d", most, r.Step, next)
				}
				next++
			}
		}
		if next != n+1 {
			t.Errorf("%d bytes at a time: %d rows", most, next-1)
		}
	}
}

// TestTailOfDamage: rows before a line that is none are returned, and the error stays as long as the line does.
func TestTailOfDamage(t *testing.T) {
	f := &tailed{T: t, path: filepath.Join(t.TempDir(), "rows.jsonl")}
	for _, bad := range []string{"\x00\x00\x00", `{"step":2`, "[]", `{"step":2,"epoch":0,"split":"train","values":{"kl":1e999}}`, `{"step":2,"epoch":0,"values":{}}`} {
		if err := os.WriteFile(f.path, []byte(lineOf(t, 1)+bad+"\n"+lineOf(t, 3)), 0o666); err != nil {
			t.Fatal(err)
		}
		f.tail = Tail{}
		rows, _, more, err := f.tail.Read(f.path, 1<<20)
		if len(rows) != 1 || rows[0].Step != 1 || more || err == nil || !strings.HasPrefix(err.Error(), "line 2 is no row: ") {
			t.Errorf("%q: %d rows, %v, %v", bad, len(rows), more, err)
		}
		for _, appended := range []string{"", lineOf(t, 4)} {
			f.append(appended)
			if again, _, more, stays := f.tail.Read(f.path, 1<<20); len(again) > 0 || more || stays == nil || stays.Error() != err.Error() {
				t.Errorf("%q, again: %d rows, %v", bad, len(again), stays)
			}
		}
		if err := os.Truncate(f.path, int64(len(lineOf(t, 1)))); err != nil {
			t.Fatal(err)
		}
		f.append(lineOf(t, 2))
		f.finds("the line replaced", false, 2)
	}
}

// TestTailOfOtherForms: rows that another program has written are read as Load reads them.
func TestTailOfOtherForms(t *testing.T) {
	f := &tailed{T: t, path: filepath.Join(t.TempDir(), "rows.jsonl")}
	f.append(`{ "split": "train", "step": 6, "epoch": 1, "values": {"z": 1, "kl": 3}, "vectors": {"a": [1]} }` + "\n")
	f.append(`{"step":8,"epoch":null,"split":"train","values":{"kl":4,"a":null}}` + "\n")
	rows, _, _, err := f.tail.Read(f.path, 1<<20)
	if err != nil || len(rows) != 2 {
		t.Fatal(len(rows), err)
	}
	if a, ok := rows[1].Value("a"); !ok || !math.IsNaN(a) {
		t.Errorf("null is %v", a)
	}
	if kl, _ := rows[0].Value("kl"); kl != 3 {
		t.Errorf("KL %v", kl)
	}
}

func BenchmarkTail(b *testing.B) {
	path := filepath.Join(b.TempDir(), "rows.jsonl")
	var text strings.Builder
	for step := range 1000 {
		text.WriteString(lineOf(b, step))
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		var tail Tail
		if rows, _, _, err := tail.Read(path, 1<<20); err != nil || len(rows) != 1000 {
			b.Fatal(fmt.Sprint(len(rows), err))
		}
	}
}
