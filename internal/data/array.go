package data

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"vaelab/internal/magic"
	"vaelab/internal/registry"
)

// An array is the numbers of a file, the last index fastest.
type array struct {
	variable string // its name in a file that holds several, or empty
	dims     []int
	values   []float32
	columns  bool // a flat image stands column by column, as MATLAB has it
}

// A variable says which array of a file that holds several is wanted.
type variable struct {
	name    string   // as given by the setting, or empty
	setting string   // that gives the name, for messages
	usual   []string // names to try if none is given, in this order
}

// choose picks one of the arrays that a file has.
func (v variable) choose(have []string) (string, error) {
	if v.name != "" {
		if slices.Contains(have, v.name) {
			return v.name, nil
		}
		return "", fmt.Errorf("%s: %w", v.setting, registry.Unknown("variable", v.name, have))
	}
	for _, name := range v.usual {
		if slices.Contains(have, name) {
			return name, nil
		}
	}
	switch len(have) {
	case 0:
		return "", errors.New("the file holds no array of numbers; export one from the program that made it")
	case 1:
		return have[0], nil
	}
	return "", fmt.Errorf("the file holds the variables %s; say which is meant with %s", strings.Join(have, ", "), v.setting)
}

// readArray reads an array from a file whose format its first bytes tell: IDX, .npy, .npz,
// MATLAB 5 or numbers as text; all but .npz also compressed by gzip.
func readArray(path string, want variable) (*array, error) {
	in, err := openUnpacked(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	a, err := in.array(path, want)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, damage(err))
	}
	return a, nil
}

// damage says what to do about a file that ends too early or does not decompress.
func damage(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the file ends too early; it is truncated: fetch or write it again")
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader),
		errors.Is(err, zlib.ErrChecksum), errors.Is(err, zlib.ErrHeader), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrChecksum):
		return fmt.Errorf("%w; the file is damaged: fetch or write it again", err)
	}
	return err
}

// array reads the format that the first bytes tell.
func (in *unpacked) array(path string, want variable) (*array, error) {
	head, err := in.Peek(magic.Head)
	if err != nil && err != io.EOF {
		return nil, err
	}
	begins := func(magic string) bool { return strings.HasPrefix(string(head), magic) }
	switch {
	case len(head) == 0:
		return nil, errors.New("the file is empty; fetch or write it again")
	case begins("\x00\x00") && len(head) >= 4:
		return whole(in, readIDX)
	case begins("\x93NUMPY"):
		return whole(in, readNpy)
	case begins("PK") && !in.gzip:
		return readNpz(path, want)
	case begins("MATLAB 5.0"):
		return readMat(path, want)
	case begins("MATLAB 7.3") || begins("\x89HDF"):
		return nil, errors.New("the file is HDF5; in MATLAB save it with -v7, otherwise as .npy")
	case begins("\x89PNG"):
		return nil, errors.New("the file is one image; name the directory of images")
	case magic.Mistaken(head) != nil:
		return nil, magic.Mistaken(head)
	case begins("<"):
		return nil, &magic.Mistake{What: "a web page", Remedy: "the download went wrong: fetch it again"}
	case bytes.IndexFunc(head, func(r rune) bool { return !strings.ContainsRune("0123456789.+-eE \t\r\n", r) }) < 0:
		return readAmat(in)
	}
	return nil, fmt.Errorf("begins with %q, which is none of IDX, .npy, .npz, MATLAB 5 and numbers as text; convert it to one of these", head[:min(8, len(head))])
}

// whole reads an array that is all that its file holds.
func whole(r *unpacked, read func(io.Reader) (*array, error)) (*array, error) {
	a, err := read(r)
	if err != nil {
		return nil, err
	}
	switch _, err := r.ReadByte(); err {
	case io.EOF:
		return a, nil
	case nil:
		return nil, fmt.Errorf("more bytes follow than the %s numbers that the header names; fetch or write the file again", shape(a.dims))
	default: // a checksum of gzip
		return nil, err
	}
}

// An unpacked file is open for reading, decompressed if it was compressed.
type unpacked struct {
	*bufio.Reader
	io.Closer
	gzip bool
}

func openUnpacked(path string) (*unpacked, error) {
	f, err := openFile(path, "name a file in it")
	if err != nil {
		return nil, err
	}
	in := &unpacked{Reader: bufio.NewReaderSize(f, 1<<16), Closer: f}
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(in.Reader)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", path, damage(err))
		}
		in.Reader, in.gzip = bufio.NewReaderSize(z, 1<<16), true
	}
	return in, nil
}

// A number is how a file stores one.
type number struct {
	size   int
	decode func(b []byte) float64
}

// numberOf returns the number that NumPy calls by kind, one of u, i, f and b, and size in
// bytes. It reports false if there is none.
func numberOf(kind byte, size int, order binary.ByteOrder) (number, bool) {
	n, ok := map[string]func(b []byte) float64{
		"b1": func(b []byte) float64 { return min(1, float64(b[0])) }, // some write true as 255
		"u1": func(b []byte) float64 { return float64(b[0]) },
		"u2": func(b []byte) float64 { return float64(order.Uint16(b)) },
		"u4": func(b []byte) float64 { return float64(order.Uint32(b)) },
		"u8": func(b []byte) float64 { return float64(order.Uint64(b)) },
		"i1": func(b []byte) float64 { return float64(int8(b[0])) },
		"i2": func(b []byte) float64 { return float64(int16(order.Uint16(b))) },
		"i4": func(b []byte) float64 { return float64(int32(order.Uint32(b))) },
		"i8": func(b []byte) float64 { return float64(int64(order.Uint64(b))) },
		"f4": func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) },
		"f8": func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) },
	}[fmt.Sprintf("%c%d", kind, size)]
	return number{size, n}, ok
}

// maxNumbers bounds the numbers of one file: what a header or a compressed file may make the
// program hold, 1 GiB. It is 340,000 images of MNIST's size.
const maxNumbers = 1 << 28

// countOf is how many numbers an array has, or an error if that is none or too many.
func countOf(dims []int) (int, error) {
	count := 1
	for _, d := range dims {
		if d < 1 {
			return 0, fmt.Errorf("the array is empty, %s; write it again", shape(dims))
		}
		if d > maxNumbers/count {
			return 0, fmt.Errorf("the header names %s numbers, more than %d; it is corrupt, or the file has to be cut into parts", shape(dims), maxNumbers)
		}
		count *= d
	}
	return count, nil
}

// read reads an array with the last index fastest. It takes memory only as numbers arrive,
// whatever the header claims.
func (n number) read(r io.Reader, dims []int) (*array, error) {
	count, err := countOf(dims)
	if err != nil {
		return nil, err
	}
	a := &array{dims: dims, values: make([]float32, 0, min(count, 1<<16))}
	chunk := make([]byte, 1<<13*n.size)
	for len(a.values) < count {
		part := chunk[:min(len(chunk), (count-len(a.values))*n.size)]
		if got, err := io.ReadFull(r, part); err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, fmt.Errorf("the file ends after %d of the %s numbers that its header names; it is truncated: fetch or write it again",
				len(a.values)+got/n.size, shape(dims))
		} else if err != nil {
			return nil, err
		}
		for b := range slices.Chunk(part, n.size) {
			a.values = append(a.values, float32(n.decode(b)))
		}
	}
	return a, nil
}

// turned returns an array whose first index is fastest with the last one fastest.
func (a *array) turned() *array {
	out := &array{variable: a.variable, dims: a.dims, values: make([]float32, len(a.values))}
	stride, step := make([]int, len(a.dims)), 1
	for k, d := range a.dims {
		stride[k], step = step, step*d
	}
	at, from := make([]int, len(a.dims)), 0
	for i := range out.values {
		out.values[i] = a.values[from]
		for k := len(at) - 1; k >= 0; k-- { // the next index, as an odometer
			at[k]++
			from += stride[k]
			if at[k] < a.dims[k] {
				break
			}
			from -= at[k] * stride[k]
			at[k] = 0
		}
	}
	return out
}

// shape prints dimensions: 10 x 28 x 28.
func shape(dims []int) string {
	s := make([]string, len(dims))
	for i, d := range dims {
		s[i] = fmt.Sprint(d)
	}
	return strings.Join(s, " x ")
}
