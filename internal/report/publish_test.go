package report

import (
	"maps"
	"path/filepath"
	"testing"

	"vaelab/internal/record"
)

// TestWithoutFolders: what is published does not say where files lie, but still tells them apart.
func TestWithoutFolders(t *testing.T) {
	trial := func(train, test string) record.Run {
		return record.Run{Trial: record.Trial{Config: map[string]string{"data.text.train": train, "data.text.test": test, "data.text.vocab": "", "data": "text"}}}
	}
	root, err := filepath.Abs("/")
	if err != nil {
		t.Fatal(err)
	}
	in := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	set := &record.Set{Runs: []record.Run{trial(in("home", "a", "train.txt"), in("a", "test.txt")), trial("b/train.txt", in("b", "test.txt"))}}
	got := withoutFolders(set).Runs
	want := []record.Run{trial("train.txt", in("a", "test.txt")), trial("b/train.txt", in("b", "test.txt"))}
	for i := range want {
		if !maps.Equal(got[i].Config, want[i].Config) {
			t.Errorf("trial %d: %v, want %v", i, got[i].Config, want[i].Config)
		}
	}
	if set.Runs[0].Config["data.text.train"] != in("home", "a", "train.txt") {
		t.Error("the set itself has changed")
	}
}

// TestMoved: a folder with a short name is no part of other words.
func TestMoved(t *testing.T) {
	for _, c := range []struct{ text, from, to, want string }{
		{"r/bn/rows.jsonl:1: last line left out", "r", "p", "p/bn/rows.jsonl:1: last line left out"},
		{"/x/r/a: the same trial as /x/r/b; both", "/x/r/", "results/$1", "results/$1/a: the same trial as results/$1/b; both"},
		{"bn-1/seed-2: left out, because there is r/a", "r", "p", "bn-1/seed-2: left out, because there is p/a"},
		{"rr/a: r.x", "r", "p", "rr/a: r.x"},
		{"a/rows.jsonl: cut off.", ".", "p", "a/rows.jsonl: cut off."},
	} {
		if got := moved(c.text, c.from, c.to); got != c.want {
			t.Errorf("%s -> %s in %q: %q, want %q", c.from, c.to, c.text, got, c.want)
		}
	}
}
