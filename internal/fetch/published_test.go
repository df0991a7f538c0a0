package fetch

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPublished: every entry says what it must, in a form that can be used.
func TestPublished(t *testing.T) {
	hash, id, name := regexp.MustCompile(`^[0-9a-f]{64}$`), regexp.MustCompile(`^[0-9a-f]{40}$`), regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	setting := regexp.MustCompile(`^data\.([a-z]+)\.[a-z_.]+=.+$`)
	names, hashes := map[string]bool{}, map[string]string{}
	for _, d := range Published() {
		if !name.MatchString(d.Name) || names[d.Name] || d.Title == "" || d.Licence == "" || len(d.Files) == 0 {
			t.Errorf("%q: lacks a title, a licence or files, or its name is taken", d.Name)
		}
		names[d.Name] = true
		if !regexp.MustCompile(`\b(19|20)\d\d\b`).MatchString(d.Citation) {
			t.Errorf("%s: citation %q", d.Name, d.Citation)
		}
		for _, s := range d.Settings {
			if m := setting.FindStringSubmatch(s); m == nil || m[1] != d.Source() {
				t.Errorf("%s: setting %s", d.Name, s)
			}
		}
		for _, f := range d.Files {
			at := d.Name + ": " + f.Name
			if !name.MatchString(f.Name) || len(f.URLs) == 0 {
				t.Errorf("%s: name or addresses", at)
			}
			if f.SHA256 == "" && f.Blob == "" || f.SHA256 != "" && !hash.MatchString(f.SHA256) || f.Blob != "" && !id.MatchString(f.Blob) ||
				f.Unpacked != "" && !hash.MatchString(f.Unpacked) {
				t.Errorf("%s: hashes %q, %q, %q", at, f.SHA256, f.Blob, f.Unpacked)
			}
			for _, h := range []string{f.SHA256, f.Blob, f.Unpacked} {
				if h != "" && hashes[h] != "" {
					t.Errorf("%s has a hash of %s", at, hashes[h])
				}
				hashes[h] = at
			}
			for _, address := range f.URLs {
				u, err := url.Parse(address)
				if err != nil || webOnly(u) != nil || filepath.Base(u.Path) != f.Name || u.RawQuery != "" {
					t.Errorf("%s: address %s: %v", at, address, err)
				}
			}
			if f.SHA256 == "" && !regexp.MustCompile(`/[0-9a-f]{40}/`).MatchString(f.URLs[0]) {
				t.Errorf("%s: %s names no commit", at, f.URLs[0])
			}
		}
	}
}

func TestCatalogue(t *testing.T) {
	c := Published()
	if d, err := c.Get("ptb"); err != nil || d.Name != "ptb" {
		t.Errorf("ptb: %v", err)
	}
	if _, err := c.Get("fashion_mnist"); err == nil || !strings.Contains(err.Error(), `unknown data set "fashion_mnist"; did you mean "fashion-mnist"?`) {
		t.Errorf("error %v", err)
	}
}

// TestSharedBytes compares the hashes with files that are known to be the published ones.
func TestSharedBytes(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(shared); err != nil {
		t.Skip("no shared data")
	}
	for name, rename := range map[string]func(string) string{
		"ptb":   func(s string) string { return strings.TrimPrefix(s, "ptb.") },
		"mnist": func(s string) string { return s }, // packed by another program
	} {
		d, err := Published().Get(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range d.Files {
			if err := f.check(filepath.Join(shared, name, rename(f.Name))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
