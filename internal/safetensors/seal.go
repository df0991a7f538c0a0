package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// sealKey is the key of the seal in a file's metadata, and digits how many hexadecimal digits it has.
const (
	sealKey = "sha256"
	digits  = 2 * sha256.Size
)

// EncodeSealed is Encode with one more entry in the metadata, sha256: the SHA-256 of the bytes returned, with zeros in
// the place of its own digits. So the file notices any change of itself, and remains a safetensors file.
func (f *File) EncodeSealed() ([]byte, error) {
	sealed := File{Tensors: f.Tensors, Metadata: maps.Clone(f.Metadata)}
	if sealed.Metadata == nil {
		sealed.Metadata = map[string]string{}
	}
	sealed.Metadata[sealKey] = strings.Repeat("0", digits)
	out, err := sealed.Encode()
	if err != nil {
		return nil, err
	}
	at, err := sealAt(out)
	if err != nil {
		return nil, err
	}
	copy(out[at:], sealOf(out, at))
	return out, nil
}

// DecodeSealed is Decode for what EncodeSealed returned. Bytes that have changed since are an error.
func DecodeSealed(data []byte) (*File, error) {
	f, err := Decode(data)
	if err != nil { // it says more of a file that is cut off than the seal can
		return nil, err
	}
	at, err := sealAt(data)
	if err != nil {
		return nil, err
	}
	if is, says := sealOf(data, at), data[at:at+digits]; !bytes.Equal(is, says) {
		return nil, fmt.Errorf("its SHA-256 begins with %s, and must begin with %q", is[:12], says[:12])
	}
	delete(f.Metadata, sealKey)
	return f, nil
}

// sealAt is where the digits of the seal begin. Quotes in the text of other entries are escaped, so that the first
// place that looks like it in the header is the seal.
func sealAt(data []byte) (int, error) {
	if len(data) < 8 {
		return 0, fmt.Errorf("it has %d bytes, and the header length alone takes 8", len(data))
	}
	const before = `"` + sealKey + `":"`
	header := data[8:]
	if n := binary.LittleEndian.Uint64(data); n < uint64(len(header)) {
		header = header[:n]
	}
	at := bytes.Index(header, []byte(before))
	if at < 0 || at+len(before)+digits > len(header) {
		return 0, errors.New("its metadata must have a " + sealKey + ", and have not: it is of an older version, or changed")
	}
	return 8 + at + len(before), nil
}

// sealOf is the digits of the seal that belongs at a place.
func sealOf(data []byte, at int) []byte {
	sum := sha256.New()
	sum.Write(data[:at])
	sum.Write(bytes.Repeat([]byte("0"), digits))
	sum.Write(data[at+digits:])
	return []byte(hex.EncodeToString(sum.Sum(nil)))
}
