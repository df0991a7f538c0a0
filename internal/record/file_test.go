package record

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestWriteFile: a file is replaced as a whole or not at all, and nothing is left beside it.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	for _, text := range []string{"old", "new"} {
		if err := WriteFileAtomic(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		holds(t, path, text)
	}
	full := errors.New("the disk is full")
	err := WriteFile(path, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("a failed write returns %v", err)
	}
	holds(t, path, "new")
	if err := os.MkdirAll(filepath.Join(dir, "full", "file"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := WriteFileAtomic(filepath.Join(dir, "full"), nil); err == nil {
		t.Error("no error for a file in the place of a folder")
	}
	only(t, dir, "a.json", "full")
}

// TestCleanUp: the parts of dead processes go, those of living ones and files of others stay.
func TestCleanUp(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".a.png.123.tmp", ".a.png.77-0.tmp", ".b.csv.1.tmp", ".other", "x.tmp", ".tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	alive, err := createPart(filepath.Join(dir, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if err := WriteFileAtomic(filepath.Join(dir, "a.png"), nil); err != nil {
		t.Fatal(err)
	}
	only(t, dir, filepath.Base(alive.Name()), ".b.csv.1.tmp", ".other", "x.tmp", ".tmp", "a.png")
	if err := CleanUp(dir); err != nil {
		t.Fatal(err)
	}
	only(t, dir, filepath.Base(alive.Name()), ".other", "x.tmp", ".tmp", "a.png")
	alive.Close()
	if err := CleanUp(dir); err != nil {
		t.Fatal(err)
	}
	only(t, dir, ".other", "x.tmp", ".tmp", "a.png")
}

// holds fails unless a file has this text.
func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %.80q (%v), want %q", path, got, err, want)
	}
}

// only fails unless a folder holds these names and no others.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
	}
	for _, name := range want {
		if !there[name] {
			t.Errorf("%s is gone", name)
		}
		delete(there, name)
	}
	for name := range there {
		t.Errorf("%s is left", name)
	}
}
