package record

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestWriteShared: equal files are links to one; a damaged one is not linked to again, and what was linked before stays.
func TestWriteShared(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, ".vocab")
	path := func(name string) string { return filepath.Join(dir, name+".txt") }
	share := func(name, text string) {
		t.Helper()
		if err := WriteShared(path(name), []byte(text), store); err != nil {
			t.Fatal(err)
		}
		holds(t, path(name), text)
	}
	linked := func(a, b string, want bool) {
		t.Helper()
		one, errOne := os.Stat(path(a))
		two, errTwo := os.Stat(path(b))
		if errOne != nil || errTwo != nil || os.SameFile(one, two) != want {
			t.Errorf("%s and %s: %v, %v; want one file: %v", a, b, errOne, errTwo, want)
		}
	}
	stored := func(n int) []string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(store, "*.txt"))
		if err != nil || len(files) != n {
			t.Errorf("the store has %v (%v), want %d files", files, err, n)
		}
		return files
	}
	share("a", "words")
	share("b", "words")
	share("c", "others")
	share("a", "words") // a process that was killed has written it
	linked("a", "b", true)
	linked("a", "c", false)
	share("c", "words") // the trial has been trained anew with other data
	linked("a", "c", true)
	stored(2)
	if info, err := os.Stat(path("a")); err != nil || info.Mode().Perm()&0o222 != 0 {
		t.Errorf("the mode of a shared file is %v (%v); must be read-only", info.Mode(), err)
	}

	// Somebody writes into the file itself.
	if err := os.Chmod(path("a"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("a"), []byte("wards"), 0o666); err != nil {
		t.Fatal(err)
	}
	share("d", "words")
	share("e", "words")
	linked("d", "e", true)
	linked("a", "b", true)
	linked("a", "d", false)
	holds(t, path("b"), "wards")
	stored(2)

	// The store is removed, or cannot be.
	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	share("f", "words")
	linked("d", "f", false)
	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	share("g", "words")
	share("h", "words")
	linked("g", "h", false)
	only(t, dir, ".vocab", "a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt", "g.txt", "h.txt")
}

// TestWriteSharedAtOnce: of many that write the same file at a time, one writes it and the others link to it.
func TestWriteSharedAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := func(i int) string { return filepath.Join(dir, fmt.Sprint(i, ".txt")) }
	const n = 16
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := WriteShared(path(i), []byte("words"), filepath.Join(dir, ".vocab")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	first, err := os.Stat(path(0))
	for i := range n {
		holds(t, path(i), "words")
		if info, errOther := os.Stat(path(i)); err != nil || errOther != nil || !os.SameFile(first, info) {
			t.Errorf("%s is another file (%v, %v)", path(i), err, errOther)
		}
	}
}
