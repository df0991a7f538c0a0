// Package magic recognises a file that is not what was asked for by its magic number, its first bytes: a web page that a
// server sent instead of the file, a pointer to a file that lies elsewhere, an archive, a binary.
package magic

import (
	"bytes"
	"fmt"
	"strings"
)

// Head is how many of a file's first bytes Mistaken wants. With fewer it recognises less, and nothing wrongly.
const Head = 512

// A Mistake is a file that is something else. The error says what it is, then what to do.
type Mistake struct {
	What   string // "a web page"
	Remedy string // "the download went wrong: fetch it again"
}

func (m *Mistake) Error() string { return fmt.Sprintf("the file is %s; %s", m.What, m.Remedy) }

// Mistaken returns a *Mistake if a file that begins with head is none of what people write by hand or with a
// program of this field: neither text nor a table nor YAML. Formats of numbers and images are mistakes too, so that
// a reader of such a format asks after it has looked for its own. It returns nil if head may be text.
func Mistaken(head []byte) error {
	if IsPage(head) {
		return &Mistake{"a web page", "the download went wrong: fetch it again"}
	}
	if m := pointer(head); m != nil {
		return m
	}
	for _, s := range signatures {
		if len(head) >= s.at && bytes.HasPrefix(head[s.at:], []byte(s.magic)) {
			return &Mistake{s.what, s.remedy}
		}
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return zipped(head)
	}
	return nil
}

// IsPage tells a web page by its first bytes.
func IsPage(head []byte) bool {
	head = bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"))
	for _, tag := range []string{"<!doctype html", "<html", "<head>", "<body", "<!--[if "} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return true
		}
	}
	return bytes.HasPrefix(head, []byte("<?xml")) && bytes.Contains(head, []byte("<html"))
}

// pointer returns a mistake if the file only says where another one lies, or that it lies nowhere.
func pointer(head []byte) error {
	line, _, _ := strings.Cut(string(head), "\n")
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "version https://git-lfs.github.com/spec/"), strings.HasPrefix(line, "version https://hawser.github.com/spec/"):
		return &Mistake{"a Git LFS pointer", "it is not the data: run git lfs pull where it was cloned, or download the file itself"}
	case strings.HasPrefix(line, "/annex/objects/"), strings.Contains(line, ".git/annex/objects/") && !strings.Contains(line, " "):
		return &Mistake{"a git-annex pointer", "it is not the data: run git annex get where it was cloned"}
	case line == "404: Not Found" && len(head) < 20:
		return &Mistake{"a server's answer, " + line, "the download went wrong: check the address and fetch it again"}
	}
	return nil
}

// zipped says what kind of zip archive it is, by the name of its first member.
func zipped(head []byte) error {
	for _, part := range []string{"[Content_Types].xml", "_rels/", "xl/", "word/"} {
		if bytes.Contains(head, []byte(part)) {
			return &Mistake{"an Excel or Word document", "save it as CSV UTF-8 or plain text"}
		}
	}
	if bytes.Contains(head, []byte("mimetypeapplication/vnd.oasis")) {
		return &Mistake{"a LibreOffice document", "save it as CSV or plain text"}
	}
	return &Mistake{"a zip archive", "unpack it and name the file in it"}
}

// A signature is how files of a format begin.
type signature struct {
	at           int // where it stands
	magic        string
	what, remedy string
}

// signatures are those of formats that neither text nor YAML begins with.
//
// Source: the formats' specifications; file(1) has the same numbers.
var signatures = []signature{
	{0, "\x1f\x8b", "compressed by gzip", "unpack it with gunzip, or tar -xzf if its name ends in .tar.gz or .tgz"},
	{0, "BZh", "compressed by bzip2", "unpack it with bunzip2"},
	{0, "\xfd7zXZ\x00", "compressed by xz", "unpack it with unxz"},
	{0, "\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it with unzstd"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and name the file in it"},
	{0, "Rar!\x1a\x07", "a RAR archive", "unpack it and name the file in it"},
	{257, "ustar", "a tar archive", "unpack it with tar -xf and name the file in it"},
	{0, "%PDF-", "a PDF document", "extract its text, for example with pdftotext"},
	{0, "{\\rtf", "an RTF document", "save it as plain text"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word document", "save it as CSV or plain text"},
	{0, "\x89PNG\r\n", "a PNG image", "name a file of the kind that the setting needs"},
	{0, "\xff\xd8\xff", "a JPEG image", "name a file of the kind that the setting needs"},
	{0, "GIF8", "a GIF image", "name a file of the kind that the setting needs"},
	{0, "\x93NUMPY", "a NumPy array", "name a file of the kind that the setting needs"},
	{0, "\x89HDF\r\n", "an HDF5 file", "export from it with h5py or the program that wrote it"},
	{0, "MATLAB 5.0", "a MATLAB file", "name a file of the kind that the setting needs"},
	{0, "PAR1", "a Parquet file", "convert it, for example with pandas: read_parquet(FILE).to_json(FILE, orient='records', lines=True)"},
	{0, "ARROW1", "an Arrow file", "convert it, for example with datasets or pandas: to_json(FILE, orient='records', lines=True)"},
	{0, "SQLite format 3\x00", "an SQLite database", "export a table of it as CSV"},
	{0, "\x80\x02", "a Python pickle", "export from Python as text"},
	{0, "\x80\x03", "a Python pickle", "export from Python as text"},
	{0, "\x80\x04\x95", "a Python pickle", "export from Python as text"},
	{0, "\x80\x05\x95", "a Python pickle", "export from Python as text"},
	{0, "\x7fELF", "a program", "name a file of the kind that the setting needs"},
}
