package fetch

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/internal/record"
)

// gzipped packs b; another level makes other bytes of it.
func gzipped(t *testing.T, b []byte, level int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestCheck: which bytes pass for a file, by each of the ways to know one.
func TestCheck(t *testing.T) {
	raw := content(1000)
	known, repacked := gzipped(t, raw, gzip.BestCompression), gzipped(t, raw, gzip.NoCompression)
	wrong := bytes.Clone(known)
	wrong[50] ^= 1
	whole := one(known).Files[0]
	for name, test := range map[string]struct {
		file  File
		bytes []byte
		what  string // of the WrongError, or empty if the bytes pass
	}{
		"all":               {whole, known, ""},
		"sha256":            {File{SHA256: whole.SHA256}, known, ""},
		"blob":              {File{Blob: whole.Blob}, known, ""},
		"size is wrong":     {whole, known[1:], "size"},
		"sha256 is wrong":   {File{SHA256: whole.SHA256}, wrong, "sha256"},
		"blob is wrong":     {File{Blob: whole.Blob}, wrong, "git blob id"},
		"only blob differs": {File{SHA256: whole.SHA256, Blob: strings.Repeat("0", 40)}, known, "git blob id"},
		"repacked":          {File{Size: whole.Size, SHA256: whole.SHA256, Unpacked: sha256Of(raw)}, repacked, ""},
		"repacked, unknown": {File{SHA256: whole.SHA256}, repacked, "sha256"},
		"repacked, wrong":   {File{SHA256: whole.SHA256, Unpacked: sha256Of(raw)}, gzipped(t, raw[1:], 9), "sha256"},
		"cut short":         {File{SHA256: whole.SHA256, Unpacked: sha256Of(raw)}, repacked[:len(repacked)-9], "sha256"},
		"not packed":        {File{SHA256: whole.SHA256, Unpacked: sha256Of(raw)}, raw, "sha256"},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, test.bytes, 0o666); err != nil {
			t.Fatal(err)
		}
		err := test.file.check(path)
		var e *WrongError
		if errors.As(err, &e); test.what == "" && err != nil || test.what != "" && (e == nil || e.What != test.what) {
			t.Errorf("%s: error %v, want %q", name, err, test.what)
		}
	}
	// git hash-object of "hello\n".
	path := filepath.Join(t.TempDir(), "hello")
	if err := os.WriteFile(path, []byte("hello\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := (File{Blob: "ce013625030ba8dba906f756967f9e9ca394464a"}).check(path); err != nil {
		t.Error(err)
	}
}

// TestRepacked: an address whose gzip file differs gives the same data and is taken.
func TestRepacked(t *testing.T) {
	raw := content(1000)
	known, other := gzipped(t, raw, gzip.BestCompression), gzipped(t, raw, gzip.NoCompression)
	web := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) { good(other, `"1"`, w, r) })
	d := one(known, web.URL)
	d.Files[0].Blob, d.Files[0].Unpacked = "", sha256Of(raw)
	s := Store{Dir: t.TempDir()}
	if err := s.Fetch(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	fetched(t, s, other)
	if err := s.Verify(d); err != nil {
		t.Error(err)
	}
}

// TestImport: a file got by hand is known by its bytes under any name; others are refused with
// the reason, and nothing is left of them.
func TestImport(t *testing.T) {
	raw := content(1000)
	first, second := gzipped(t, raw, 9), content(500)
	d := Dataset{Name: "set", Files: []File{
		{Name: "first.gz", SHA256: sha256Of(first), Unpacked: sha256Of(raw)},
		{Name: "second.txt", SHA256: sha256Of(second)},
	}}
	s, from := Store{Dir: t.TempDir()}, t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(from, name)
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		path, says string
	}{
		{file("other", []byte("no")), "its hash is that of no file of set (first.gz, second.txt)"},
		{file("second.txt", second[1:]), "second.txt: wrong sha256: must be " + sha256Of(second) + ", got " + sha256Of(second[1:])},
		{file("first.gz", []byte("<html>Sign in")), "it is a web page, not the file"},
		{file("first", raw), "is the unpacked first.gz; compress it with gzip"},
		{filepath.Join(from, "none"), "no such file"},
		{from, "is a directory"},
	} {
		if _, err := s.Import(d, []string{test.path}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want %s", test.path, err, test.says)
		}
		if got := files(t, s); got != "" {
			t.Errorf("%s: leaves %s", test.path, got)
		}
	}
	names, err := s.Import(d, []string{file("download(1)", second), file("x", first)})
	if err != nil || strings.Join(names, " ") != "second.txt first.gz" || len(s.Missing(d)) != 0 {
		t.Errorf("imports %v, %v, missing %v", names, err, s.Missing(d))
	}
	if _, err := s.Import(d, []string{filepath.Join(s.Folder(d), "second.txt")}); err != nil {
		t.Errorf("a file onto itself: %v", err)
	}
	if err := s.Verify(d); err != nil {
		t.Error(err)
	}
}

// TestVerify: what is missing and what has changed is named, each on a line; a Fetch keeps
// the changed file aside and brings the right one.
func TestVerify(t *testing.T) {
	want := content(1000)
	web := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) { good(want, `"1"`, w, r) })
	d := one(want, web.URL)
	s := Store{Dir: t.TempDir()}
	if err := s.Verify(d); err == nil || err.Error() != "set: file.bin: missing" {
		t.Errorf("nothing fetched: error %v", err)
	}
	if err := s.Fetch(t.Context(), d); err != nil || s.Verify(d) != nil {
		t.Fatal(err, s.Verify(d))
	}
	path := filepath.Join(s.Folder(d), "file.bin")
	changed := bytes.Clone(want)
	changed[0]++
	if err := os.WriteFile(path, changed, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(d); err == nil || !strings.Contains(err.Error(), "set: file.bin: wrong sha256") {
		t.Errorf("changed: error %v", err)
	}
	if err := s.Fetch(t.Context(), d); err != nil || s.Verify(d) != nil {
		t.Error(err, s.Verify(d))
	}
	if got := files(t, s); got != "file.bin file.bin.wrong" {
		t.Errorf("the folder holds %s", got)
	}
}

// TestOneAtATime: a second process does not write into a folder that another writes into, and
// what a killed one left there goes.
func TestOneAtATime(t *testing.T) {
	d := one(nil)
	s := Store{Dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(s.Folder(d), ".a.123.tmp", "deep"), 0o777); err != nil {
		t.Fatal(err)
	}
	unlock, err := record.Lock(s.Folder(d))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Fetch(t.Context(), d); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("error %v", err)
	}
	unlock()
	if _, err := s.Import(d, nil); err != nil {
		t.Error(err)
	}
	if got := files(t, s); got != "" {
		t.Errorf("the folder holds %s", got)
	}
}
