package data

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// The keys of the Python dictionary that is an .npy file's header.
var (
	npyType    = regexp.MustCompile(`'descr': *'([<>|=]?)([a-zA-Z])(\d+)'`)
	npyFortran = regexp.MustCompile(`'fortran_order': *(True|False)`)
	npyShape   = regexp.MustCompile(`'shape': *\(([\d, ]*)\)`)
)

// maxHeader bounds the header of an .npy file; NumPy's own are below 200 bytes.
const maxHeader = 1 << 16

// readNpy reads one array as NumPy saves it.
//
// Source: numpy.lib.format, versions 1 to 3.
func readNpy(r io.Reader) (*array, error) {
	var head [8]byte // magic and version
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	if string(head[:6]) != "\x93NUMPY" {
		return nil, fmt.Errorf("is not a .npy array: it begins with %q, and must begin with \\x93NUMPY", head[:6])
	}
	size := make([]byte, 4)
	if head[6] == 1 {
		size = size[:2]
	}
	if _, err := io.ReadFull(r, size); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(append(size, 0, 0)[:4])
	if length > maxHeader {
		return nil, fmt.Errorf("the .npy header has %d bytes, more than %d; the file is corrupt", length, maxHeader)
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	return readNpyBody(r, string(header))
}

// readNpyBody reads the numbers that a header describes.
func readNpyBody(r io.Reader, header string) (*array, error) {
	of, fortran, shape := npyType.FindStringSubmatch(header), npyFortran.FindStringSubmatch(header), npyShape.FindStringSubmatch(header)
	if of == nil || fortran == nil || shape == nil {
		return nil, fmt.Errorf("cannot read the .npy header %q; save a plain array of numbers", clip(strings.TrimSpace(header)))
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if of[1] == ">" {
		order = binary.BigEndian
	}
	size, _ := strconv.Atoi(of[3])
	n, ok := numberOf(of[2][0], size, order)
	if !ok {
		return nil, fmt.Errorf("the numbers have the type %s; save the array as uint8 or float32", of[1]+of[2]+of[3])
	}
	var dims []int
	for s := range strings.SplitSeq(shape[1], ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue // the comma after the last
		}
		d, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("the dimension %s is too large; the file is corrupt", clip(s))
		}
		dims = append(dims, d)
	}
	a, err := n.read(r, dims)
	if err == nil && fortran[1] == "True" {
		a = a.turned()
	}
	return a, err
}

// readNpz reads one array of a .npz, which is a zip archive of .npy files.
func readNpz(path string, want variable) (*array, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	var have []string
	entry := map[string]*zip.File{}
	for _, f := range archive.File {
		if name, ok := strings.CutSuffix(f.Name, ".npy"); ok {
			have, entry[name] = append(have, name), f
		}
	}
	name, err := want.choose(have)
	if err != nil {
		return nil, err
	}
	r, err := entry[name].Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w; save it with numpy.savez or savez_compressed", name, err)
	}
	defer r.Close()
	a, err := readNpy(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	switch n, err := r.Read(make([]byte, 1)); { // at the end the checksum is compared
	case n > 0:
		return nil, fmt.Errorf("%s: more bytes follow than the header names; fetch or write the file again", name)
	case err != io.EOF:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a.variable = name
	return a, nil
}
