package magic

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
)

func TestMistaken(t *testing.T) {
	var zipFile, tarFile, gzFile, xlsx bytes.Buffer
	z := zip.NewWriter(&zipFile)
	z.Create("train.txt")
	z.Close()
	z = zip.NewWriter(&xlsx)
	z.Create("[Content_Types].xml")
	z.Close()
	a := tar.NewWriter(&tarFile)
	if err := a.WriteHeader(&tar.Header{Name: "train.txt", Size: 2, Format: tar.FormatUSTAR}); err != nil {
		t.Fatal(err)
	}
	a.Write([]byte("a\n"))
	a.Close()
	g := gzip.NewWriter(&gzFile)
	g.Write([]byte("a b c\n"))
	g.Close()
	for name, c := range map[string]struct{ head, says string }{
		"page":             {"<!DOCTYPE html><html>", "a web page; the download went wrong"},
		"page after a BOM": {"\ufeff\r\n <HTML>\n", "a web page"},
		"XHTML":            {"<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC><html>", "a web page"},
		"Git LFS":          {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer; "},
		"git-annex":        {"/annex/objects/SHA256E-s31390--f50d.txt\n", "a git-annex pointer; "},
		"annex link":       {"../.git/annex/objects/Jx/9k/SHA256E-s3--ba.txt/SHA256E-s3--ba.txt", "a git-annex pointer; "},
		"404":              {"404: Not Found", "a server's answer"},
		"zip":              {zipFile.String(), "a zip archive; unpack it"},
		"xlsx":             {xlsx.String(), "an Excel or Word document; save it as CSV"},
		"tar":              {tarFile.String(), "a tar archive; unpack it"},
		"gzip":             {gzFile.String(), "gzip; unpack it with gunzip"},
		"zstd":             {"\x28\xb5\x2f\xfd\x24\x02", "zstd"},
		"PDF":              {"%PDF-1.7\n", "a PDF document"},
		"Parquet":          {"PAR1\x15\x04", "a Parquet file"},
		"pickle":           {"\x80\x04\x95\x10", "a Python pickle"},
	} {
		head := c.head[:min(Head, len(c.head))]
		var mistake *Mistake
		if err := Mistaken([]byte(head)); !errors.As(err, &mistake) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
	// What may be text: tags, numbers, other languages, a sentence about a page, part of a signature.
	for _, head := range []string{
		"", "a b c\n", "<unk> the <s>\n", "<sos> a cat\n", "< html >", "{\"text\": \"<html>\"}\n", "id,text\n", "version 5 of it\n",
		"P", "PK is a name\n", "\ufeff他家餐厅\n", "base:\n  data: x\n", "404: Not Found is what the server said to us all\n", "/annex/other\n", "GIF is a format\n", "B",
		strings.Repeat("u", 257) + "star",
	} {
		if err := Mistaken([]byte(head)); err != nil {
			t.Errorf("%q: %v", head, err)
		}
	}
}
