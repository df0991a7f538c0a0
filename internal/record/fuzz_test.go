package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzTrial: no content of a trial's files makes Load or what reads its set panic, and what is not understood is a
// damage, a warning or an error.
func FuzzTrial(f *testing.F) {
	const (
		trial    = `{"format":1,"experiment":"e","id":"bn-1/seed-1","variant":"bn","seed":1,"config":{"a":"1"},"data_digest":"d"}`
		manifest = `{"version":"1","seconds":1.5,"data_warnings":["w"]}`
		rows     = `{"step":1,"epoch":0.5,"split":"test","values":{"kl":1},"vectors":{"kl_dim":[1,null]}}` + "\n"
	)
	f.Add(trial, manifest, rows, "", "")
	f.Add(strings.Replace(trial, `"format":1`, `"format":2`, 1), manifest, rows, "1 ab rows.jsonl\n", "")
	f.Add("null", "[]", "{}", "DONE", "failed\n")
	f.Add(`{"format":2,"config":{"":null}}`, `{"seconds":-1}`, rows+rows[:9], "", "\x00")
	f.Fuzz(func(t *testing.T, trial, manifest, rows, done, failed string) {
		dir := t.TempDir()
		for name, text := range map[string]string{TrialFile: trial, ManifestFile: manifest, RowsFile: rows, DoneFile: done, FailedFile: failed} {
			if text == "" && name != DoneFile {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		set, err := Load(dir)
		if err != nil {
			return
		}
		useful(t, set)
	})
}

// useful does with a set what its readers do.
func useful(t *testing.T, set *Set) {
	t.Helper()
	Varying(set.Groups())
	for _, r := range set.Runs {
		r.Cost()
		Series([]Run{r}, "test", "kl")
		for _, e := range Whole(r.Rows) {
			e.Row()
		}
	}
	if err := set.Err(); err != nil {
		t.Error(err)
	}
}

// FuzzArchive: no text makes the reader of archives panic, and what it accepts it writes back as it is read again.
func FuzzArchive(f *testing.F) {
	head := `{"format":1,"experiment":"e","id":"bn-1/seed-1","variant":"bn","seed":1,"config":{"precision":"float32"},"data_digest":"d","manifest":{"version":"1"},"state":"done","rows":1}` + "\n"
	row := `{"step":1,"epoch":0.5,"split":"test","values":{"kl":0.1},"vectors":{"kl_dim":[1,null]}}` + "\n"
	f.Add([]byte(head + row))
	f.Add([]byte(head + row + head))
	f.Add([]byte(strings.Replace(head, `"rows":1`, `"rows":-1`, 1)))
	f.Add([]byte(strings.Replace(head, `"rows":1`, `"rows":1000000000000`, 1) + row))
	f.Add([]byte("null\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(r io.Reader) ([]Run, error) { // LoadArchive without a file
			a := archive{left: maxText, text: bufio.NewReaderSize(r, 1<<16)}
			err := a.read("dir")
			return a.runs, err
		}
		runs, err := read(bytes.NewReader(text))
		if err != nil {
			return
		}
		useful(t, &Set{Runs: runs})
		once := archiveOf(t, &Set{Runs: runs})
		zip, err := gzip.NewReader(strings.NewReader(once))
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(zip)
		if err != nil {
			t.Fatalf("%q is written so that it cannot be read: %v", text, err)
		}
		if archiveOf(t, &Set{Runs: again}) != once {
			t.Errorf("%q is written in two ways", text)
		}
	})
}

// FuzzSums: no text makes the reader of DONE panic, and what it accepts is what it writes.
func FuzzSums(f *testing.F) {
	f.Add(Sums{RowsFile: SumOf([]byte("rows")), TrialFile: SumOf(nil)}.encode())
	f.Add([]byte("1 a b\n"))
	f.Add([]byte("-1  \n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := decodeSums(text); err == nil && !bytes.Equal(s.encode(), text) {
			t.Errorf("%q is read as %v", text, s)
		}
	})
}
