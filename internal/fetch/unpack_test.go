package fetch

import (
	"archive/zip"
	"bytes"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// An item is a member of an archive to make.
type item struct {
	name, text string
	mode       fs.FileMode
	declares   uint64 // if not 0, the size that the header claims
}

// archive makes a zip file.
func archive(t *testing.T, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Store}
		h.SetMode(i.mode | 0o600)
		if i.declares > 0 {
			h.UncompressedSize64, h.CompressedSize64 = i.declares, uint64(len(i.text))
			h.CRC32 = crc32.ChecksumIEEE([]byte(i.text))
			raw, err := w.CreateRaw(h)
			if err == nil {
				_, err = raw.Write([]byte(i.text))
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		h.Method = zip.Deflate
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(i.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// packed is a data set of one archive, and a file with it.
func packed(t *testing.T, b []byte) (d Dataset, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return Dataset{Name: "set", Files: []File{{Name: "a.zip", Size: int64(len(b)), SHA256: sha256Of(b)}}}, path
}

// tree is every file below dir with its text.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		out[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUnpack(t *testing.T) {
	for name, items := range map[string][]item{
		"below a folder of its name": {{name: "a/", mode: fs.ModeDir}, {name: "a/x/1.txt", text: "one"}, {name: "a/2.txt", text: "two"}, {name: "a/Icon\r"}, {name: "__MACOSX/a/._2.txt", text: "no"}, {name: "a/.DS_Store", text: "no"}},
		"below nothing":              {{name: "x/1.txt", text: "one"}, {name: "2.txt", text: "two"}},
		"odd but harmless":           {{name: "x/./1.txt", text: "one"}, {name: "2.txt", text: "two"}},
	} {
		s := Store{Dir: t.TempDir()}
		d, path := packed(t, archive(t, items...))
		if _, err := s.Import(d, []string{path}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		dir := filepath.Join(s.Dir, "set", "a")
		if got := tree(t, dir); len(got) != 2 || got["x/1.txt"] != "one" || got["2.txt"] != "two" {
			t.Errorf("%s: unpacks to %q", name, got)
		}
		if got := files(t, s); got != "a a.zip" {
			t.Errorf("%s: the folder holds %s", name, got)
		}
		if err := s.Verify(d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// Damage is seen, and the next Fetch mends it without a server.
		for _, harm := range []func(string) error{os.Remove, func(p string) error { return os.WriteFile(p, []byte("onf"), 0o666) }, func(p string) error { return os.WriteFile(p, []byte("ones"), 0o666) }} {
			if err := harm(filepath.Join(dir, "x", "1.txt")); err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(d); err == nil || !strings.Contains(err.Error(), filepath.Join("x", "1.txt")) {
				t.Errorf("%s: damage gives error %v", name, err)
			}
			if err := s.Fetch(t.Context(), d); err != nil || s.Verify(d) != nil {
				t.Errorf("%s: not mended: %v, %v", name, err, s.Verify(d))
			}
		}
	}
}

// TestArchiveRefused: nothing of a hostile archive is left, in its folder or out of it.
func TestArchiveRefused(t *testing.T) {
	fine := item{name: "a/fine.txt", text: "fine"}
	for name, test := range map[string]struct {
		items []item
		says  string
	}{
		"dots":             {[]item{fine, {name: "../out.txt", text: "x"}}, "outside the folder"},
		"dots inside":      {[]item{fine, {name: "a/../../out.txt", text: "x"}}, "outside the folder"},
		"dots that return": {[]item{fine, {name: "a/../a/out.txt", text: "x"}}, "outside the folder"},
		"absolute":         {[]item{fine, {name: "/tmp/out.txt", text: "x"}}, "outside the folder"},
		"no name":          {[]item{fine, {name: "", text: "x"}}, "outside the folder"},
		"backslash":        {[]item{fine, {name: `..\out.txt`, text: "x"}}, "backslash"},
		"control":          {[]item{fine, {name: "a/\x1b[2J", text: "x"}}, "control character"},
		"link":             {[]item{fine, {name: "a/link", text: "/etc", mode: fs.ModeSymlink}}, "symbolic link"},
		"pipe":             {[]item{fine, {name: "a/pipe", mode: fs.ModeNamedPipe}}, "neither a file nor a folder"},
		"twice":            {[]item{fine, fine}, `holds "a/fine.txt" twice`},
		"file as folder":   {[]item{fine, {name: "a/fine.txt/x", text: "x"}}, "a.zip: "},
		"large":            {[]item{fine, {name: "a/zeros", text: strings.Repeat("\x00", 100_001)}}, "more than 100000 bytes"},
		"large together":   {[]item{{name: "a/1", text: strings.Repeat("\x00", 60_000)}, {name: "a/2", text: strings.Repeat("\x00", 60_000)}}, "more than 100000 bytes"},
		"overflow":         {[]item{fine, {name: "a/1", text: "x", declares: 1<<64 - 5}}, "more than 100000 bytes"},
		"lies: more":       {[]item{fine, {name: "a/1", text: strings.Repeat("x", 50_000), declares: 3}}, `its member "a/1"`},
		"lies: less":       {[]item{fine, {name: "a/1", text: "x", declares: 9}}, `its member "a/1"`},
		"many":             {[]item{{name: "1"}, {name: "2"}, {name: "3"}, {name: "4"}, {name: "5"}}, "more than 4 files"},
	} {
		s := Store{Dir: t.TempDir(), most: bound{files: 4, bytes: 100_000}}
		d, path := packed(t, archive(t, test.items...))
		_, err := s.Import(d, []string{path})
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want %s", name, err, test.says)
		}
		if got := files(t, s); got != "a.zip" {
			t.Errorf("%s: the folder holds %s", name, got)
		}
		if s.Verify(d) == nil {
			t.Errorf("%s: is verified", name)
		}
	}
}

// TestBombInside: a member whose deflated stream goes on after its declared size is cut off
// there and refused.
func TestBombInside(t *testing.T) {
	b := archive(t, item{name: "a/zeros", text: strings.Repeat("\x00", 1<<20)})
	// The sizes in the table at the end: 1 MiB becomes 16 bytes.
	at := bytes.LastIndex(b, []byte{0, 0, 0x10, 0})
	if at < 0 {
		t.Fatal("no size in the table")
	}
	copy(b[at:], []byte{16, 0, 0, 0})
	s := Store{Dir: t.TempDir()}
	var most int
	s.write = func(f *os.File, p []byte) (int, error) {
		if strings.Contains(f.Name(), "zeros") {
			most += len(p)
		}
		return f.Write(p)
	}
	d, path := packed(t, b)
	if _, err := s.Import(d, []string{path}); err == nil || !strings.Contains(err.Error(), `its member "a/zeros"`) {
		t.Errorf("error %v", err)
	}
	if most > 17 || files(t, s) != "a.zip" {
		t.Errorf("wrote %d bytes; the folder holds %s", most, files(t, s))
	}
}

// TestUnpackDiskFull: no folder is left that looks unpacked.
func TestUnpackDiskFull(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	s.write = func(f *os.File, b []byte) (int, error) {
		if strings.HasSuffix(f.Name(), "2.txt") {
			return 0, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
		}
		return f.Write(b)
	}
	d, path := packed(t, archive(t, item{name: "a/1.txt", text: "one"}, item{name: "a/2.txt", text: "two"}))
	if _, err := s.Import(d, []string{path}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	if got := files(t, s); got != "a.zip" {
		t.Errorf("the folder holds %s", got)
	}
}
