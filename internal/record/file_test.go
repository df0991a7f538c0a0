package record

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vaelab/internal/host"
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

// TestWriteFiles: files that belong together change when all are complete, or none does, whichever of them fails.
func TestWriteFiles(t *testing.T) {
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.png"), filepath.Join(dir, "b.png")}
	want := func(text string) {
		t.Helper()
		for _, path := range paths {
			holds(t, path, text)
		}
	}
	for _, text := range []string{"old", "new"} {
		var files []File
		for _, path := range paths {
			files = append(files, File{path, func(w io.Writer) error {
				if text == "new" {
					want("old")
				}
				_, err := io.WriteString(w, text)
				return err
			}})
		}
		if err := WriteFiles(files...); err != nil {
			t.Fatal(err)
		}
		want(text)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	for what, bad := range map[string]File{
		"a full disk":             {paths[1], func(w io.Writer) error { w.Write(make([]byte, 1<<20)); return full }},
		"a folder in its way":     Bytes(filepath.Join(dir, "folder"), nil),
		"no folder to be in":      Bytes(filepath.Join(dir, "none", "a.png"), nil),
		"a file for a folder":     Bytes(filepath.Join(paths[0], "a.png"), nil),
		"a name that is too long": Bytes(filepath.Join(dir, strings.Repeat("a", 300)), nil),
	} {
		for i := range paths {
			files := []File{Bytes(paths[0], []byte("newer")), Bytes(paths[1], []byte("newer")), Bytes(paths[2], []byte("newer"))}
			files[i] = bad
			if err := WriteFiles(files...); err == nil {
				t.Errorf("%s: no error", what)
			}
			want("new")
			only(t, dir, "a.csv", "a.png", "b.png", "folder")
		}
	}
}

// TestCleanUp: the parts of dead processes go, those of living ones and files of others stay. A lock tells of this
// host; of other hosts and of older versions, which did not name it, the age by the file server's clock.
func TestCleanUp(t *testing.T) {
	dir := t.TempDir()
	now, err := ServerTime(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{
		".a.png." + host.ID() + "-77-0.tmp": 0, ".b.csv." + host.ID() + "-1-3.tmp": 0,
		".a.png.00000000-77-0.tmp": 59 * time.Minute, ".a.png.00000001-77-0.tmp": -time.Hour, ".a.png.00000002-77-0.tmp": 61 * time.Minute,
		".b.csv.00000002-77-0.tmp": 61 * time.Minute,
		".a.png.123.tmp":           0, ".a.png.77-0.tmp": 61 * time.Minute, ".b.csv.1.tmp": 61 * time.Minute,
		".other": 61 * time.Minute, "x.tmp": 61 * time.Minute, ".tmp": 61 * time.Minute, ".a.b-1.tmp": 61 * time.Minute,
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte("half"), 0o666), os.Chtimes(path, now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	alive, err := createPart(filepath.Join(dir, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if err := os.Chtimes(alive.Name(), now, now.Add(-2*time.Hour)); err != nil { // it is a large file
		t.Fatal(err)
	}
	if err := WriteFileAtomic(filepath.Join(dir, "a.png"), nil); err != nil {
		t.Fatal(err)
	}
	stay := []string{".a.png.00000000-77-0.tmp", ".a.png.00000001-77-0.tmp", ".a.png.123.tmp", ".other", "x.tmp", ".tmp", ".a.b-1.tmp", "a.png"}
	only(t, dir, append(stay, filepath.Base(alive.Name()), ".b.csv."+host.ID()+"-1-3.tmp", ".b.csv.00000002-77-0.tmp", ".b.csv.1.tmp")...)
	if err := CleanUp(dir); err != nil {
		t.Fatal(err)
	}
	only(t, dir, append(stay, filepath.Base(alive.Name()))...)
	alive.Close()
	if err := CleanUp(dir); err != nil {
		t.Fatal(err)
	}
	only(t, dir, stay...)
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
