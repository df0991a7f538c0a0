package data

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// TestMistakenFiles: every reader of text, and that of images, says what the file is instead.
func TestMistakenFiles(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		says    []string
	}{
		"page":    {"<!DOCTYPE html><html><body>Sorry</body></html>\n", []string{"is a web page", "fetch it again"}},
		"LFS":     {"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", []string{"Git LFS pointer", "git lfs pull"}},
		"annex":   {"/annex/objects/SHA256E-s9--ab.txt\n", []string{"git-annex pointer", "git annex get"}},
		"PDF":     {"%PDF-1.4\n", []string{"PDF"}},
		"zstd":    {"\x28\xb5\x2f\xfd\x04\x00", []string{"zstd"}},
		"tar":     {string(make([]byte, 257)) + "ustar", nil},
		"archive": {"PK\x03\x04\x14\x00", nil},
	} {
		path := write(t, "file.txt", c.content)
		t.Log(name)
		txt, tab, obj, pictures := text(t), table(t), jsonl(t), Images{Train: path, Binarise: "static"}
		txt.Train, tab.Train, obj.Train = path, path, path
		says := append(c.says, "file.txt")
		for _, source := range []Source{txt, tab, obj, pictures} {
			_, err := source.Load()
			wantError(t, err, says...)
		}
		_, err := ReadVocab(path)
		wantError(t, err, says...)
	}
}

// TestEncodings: marks, UTF-16 and line ends of other systems make no difference.
func TestEncodings(t *testing.T) {
	const plain = "le café\nun chat\n"
	utf16 := func(order unicode.Endianness, policy unicode.BOMPolicy) string {
		s, err := unicode.UTF16(order, policy).NewEncoder().String(plain)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	want := ""
	for _, c := range []struct{ name, content string }{
		{"plain", plain}, {"mark", "\ufeff" + plain}, {"CRLF", "le café\r\nun chat\r\n"}, {"CR", "le café\run chat\r"},
		{"UTF-16 LE", utf16(unicode.LittleEndian, unicode.UseBOM)}, {"UTF-16 BE", utf16(unicode.BigEndian, unicode.UseBOM)},
	} {
		cfg := text(t)
		cfg.Train = write(t, "train.txt", c.content)
		set := load(t, cfg)
		if want == "" {
			want = set.Digest
		}
		if set.Digest != want {
			t.Errorf("%s: %q", c.name, decode(set.Vocab, set.Train))
		}
	}
	for _, c := range []struct{ content, says string }{
		{utf16(unicode.LittleEndian, unicode.IgnoreBOM), "iconv"}, {"\xff\xfe\x00\x00a\x00\x00\x00", "utf-32"}, {"caf\xe9\n", "iconv"},
	} {
		cfg := text(t)
		cfg.Train = write(t, "train.txt", c.content)
		_, err := cfg.Load()
		wantError(t, err, "train.txt", c.says)
	}
}

// TestMistakenFolder: a folder of images that hold pointers only says so.
func TestMistakenFolder(t *testing.T) {
	path := write(t, "1.png", "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n")
	_, err := Images{Train: filepath.Dir(path), Binarise: "static"}.Load()
	wantError(t, err, "1.png", "Git LFS pointer")
}

func TestAbsentFile(t *testing.T) {
	dir := t.TempDir()
	for target, says := range map[string]string{
		"../.git/annex/objects/Jx/9k/SHA256E-s3--ba.txt/SHA256E-s3--ba.txt": "git annex get", "gone.txt": "a link to gone.txt, which does not exist",
	} {
		path := filepath.Join(dir, "train.txt")
		os.Remove(path)
		if err := os.Symlink(target, path); err != nil {
			t.Skip(err)
		}
		cfg := text(t)
		cfg.Train = path
		_, err := cfg.Load()
		wantError(t, err, says)
	}
}
