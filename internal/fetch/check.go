package fetch

import (
	"compress/gzip"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	"vaelab/internal/magic"
)

// maxUnpacked bounds what a gzip file or an archive may unpack to, in bytes.
const maxUnpacked = 4 << 30

// A WrongError says that a file's bytes are not the published ones.
type WrongError struct {
	Name      string // of the file, or where it lies
	What      string // size, sha256 or git blob id
	Got, Want string
	Page      bool // it looks like a web page
}

func (e *WrongError) Error() string {
	s := fmt.Sprintf("%s: wrong %s: must be %[4]s, got %[3]s", e.Name, e.What, e.Got, e.Want)
	if e.Page {
		s += "; it is a web page, not the file"
	}
	return s
}

// check reads a file and returns nil if its bytes are those of f, a *WrongError if they are
// not, or why it cannot be read.
func (f File) check(path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	wrong := func(what, got, want string) error {
		return &WrongError{Name: f.Name, What: what, Got: got, Want: want, Page: magic.IsPage(head(r))}
	}
	sameSize := f.Size == 0 || f.Size == info.Size()
	if !sameSize && f.Unpacked == "" {
		return wrong("size", fmt.Sprint(info.Size()), fmt.Sprint(f.Size))
	}
	sha, blob := sha256.New(), sha1.New()
	fmt.Fprintf(blob, "blob %d\x00", info.Size())
	if _, err := io.Copy(io.MultiWriter(sha, blob), r); err != nil {
		return err
	}
	switch {
	case f.SHA256 != "" && f.SHA256 != sum(sha):
		if f.Unpacked != "" && f.Unpacked == unpackedSum(r) {
			return nil
		}
		return wrong("sha256", sum(sha), f.SHA256)
	case f.Blob != "" && f.Blob != sum(blob):
		return wrong("git blob id", sum(blob), f.Blob)
	}
	return nil
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// head is the first bytes of a file, enough to tell what it is.
func head(r io.ReaderAt) []byte {
	b := make([]byte, magic.Head)
	n, _ := r.ReadAt(b, 0)
	return b[:n]
}

// unpackedSum is the SHA-256 of what a gzip file holds, or empty if it is none.
func unpackedSum(r io.ReaderAt) string {
	z, err := gzip.NewReader(io.NewSectionReader(r, 0, 1<<62))
	if err != nil {
		return ""
	}
	h := sha256.New()
	if n, err := io.Copy(h, io.LimitReader(z, maxUnpacked+1)); err != nil || n > maxUnpacked {
		return ""
	}
	return sum(h)
}
