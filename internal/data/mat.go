package data

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// readMat reads one variable of a MATLAB 5 file, such as Burda's chardata.mat.
//
// A matrix of P x N holds N images of P pixels, each column by column, as does one of
// H x W x N: the numbers of an image are neighbours in the file. The array returned has the
// dimensions in reverse, N first. The file is read twice, first for the names of its
// variables, so that none but the one wanted is ever unpacked.
//
// Source: MathWorks, "MAT-File Format", level 5.
func readMat(path string, want variable) (*array, error) {
	var have []string
	err := eachMatrix(path, func(m *matrix) error {
		have = append(have, m.name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	name, err := want.choose(have)
	if err != nil {
		return nil, err
	}
	var found *array
	err = eachMatrix(path, func(m *matrix) (err error) {
		if m.name == name && found == nil {
			found, err = m.read()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return found, nil
}

// eachMatrix calls do for the numeric matrices of a file, in order.
func eachMatrix(path string, do func(*matrix) error) error {
	in, err := openUnpacked(path)
	if err != nil {
		return err
	}
	defer in.Close()
	head := make([]byte, 128)
	if _, err := io.ReadFull(in, head); err != nil {
		return err
	}
	order := binary.ByteOrder(binary.LittleEndian)
	switch string(head[126:]) {
	case "IM":
	case "MI":
		order = binary.BigEndian
	default:
		return fmt.Errorf("the MATLAB header ends in %q, and must end in IM or MI; the file is corrupt", head[126:])
	}
	for {
		e, err := nextElement(in, order)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := e.visit(do); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, e.body); err != nil {
			return err
		}
		if e.body.N > 0 {
			return io.ErrUnexpectedEOF
		}
	}
}

// The types of elements of a MATLAB file that are not numbers.
const (
	matMatrix     = 14
	matCompressed = 15
)

// matTypes are the types of elements that are numbers, as NumPy calls them.
var matTypes = map[uint32]string{
	1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}

// An element is what a MATLAB file consists of: a type, a size and that many bytes.
type element struct {
	of    uint32
	body  *io.LimitedReader
	order binary.ByteOrder
}

// nextElement reads the tag of an element. At the end of r the error is io.EOF.
func nextElement(r io.Reader, order binary.ByteOrder) (*element, error) {
	var tag [8]byte
	if _, err := io.ReadFull(r, tag[:]); err != nil {
		return nil, err
	}
	e := &element{of: order.Uint32(tag[:4]), order: order}
	e.body = &io.LimitedReader{R: r, N: int64(order.Uint32(tag[4:]))}
	return e, nil
}

// visit calls do if the element is a numeric matrix, compressed or not.
func (e *element) visit(do func(*matrix) error) error {
	switch {
	case e.of == matCompressed:
		z, err := zlib.NewReader(e.body)
		if err != nil {
			return fmt.Errorf("a compressed variable: %w", err)
		}
		inner, err := nextElement(z, e.order)
		if err != nil {
			return err
		}
		if inner.of == matCompressed {
			return errors.New("a variable is compressed twice; the file is corrupt")
		}
		return inner.visit(do)
	case e.of != matMatrix || e.body.N == 0:
		return nil
	}
	m := &matrix{element: e}
	numeric, err := m.header()
	if err != nil || !numeric || m.name == "" {
		return err
	}
	return do(m)
}

// A matrix is a numeric variable of a MATLAB file, its numbers not read yet.
type matrix struct {
	*element
	name string
	dims []int
}

// The classes of numeric matrices, from double to uint64.
const (
	matDouble = 6
	matUint64 = 15
)

// header reads what stands before the numbers; it reports false if there are none.
func (m *matrix) header() (numeric bool, err error) {
	flags, err := m.small(8)
	if err != nil {
		return false, err
	}
	if len(flags) != 8 {
		return false, errors.New("a variable has no flags; the file is corrupt")
	}
	if class := m.order.Uint32(flags) & 0xff; class < matDouble || class > matUint64 {
		return false, nil // a cell array, a structure, text, a sparse matrix
	}
	dims, err := m.small(4 * 32)
	if err != nil {
		return false, err
	}
	for d := range slices.Chunk(dims[:len(dims)/4*4], 4) {
		m.dims = append(m.dims, int(int32(m.order.Uint32(d))))
	}
	name, err := m.small(256)
	m.name = string(name)
	return true, err
}

// small reads a whole part of at most so many bytes, with the padding after it.
func (m *matrix) small(most int) ([]byte, error) {
	_, size, packed, err := m.part()
	if err != nil || packed != nil {
		return packed, err
	}
	if size > most {
		return nil, fmt.Errorf("a variable's header has a part of %d bytes, more than %d; the file is corrupt", size, most)
	}
	b := make([]byte, (size+7)/8*8)
	if _, err := io.ReadFull(m.body, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return b[:size], nil
}

// part reads the tag of a part. One of up to four bytes is packed into the tag itself.
func (m *matrix) part() (of uint32, size int, packed []byte, err error) {
	var tag [8]byte
	if _, err := io.ReadFull(m.body, tag[:]); err != nil {
		return 0, 0, nil, io.ErrUnexpectedEOF
	}
	of = m.order.Uint32(tag[:4])
	if size = int(of >> 16); size > 0 {
		if size > 4 {
			return 0, 0, nil, fmt.Errorf("a part of %d bytes is packed into 4; the file is corrupt", size)
		}
		return of & 0xffff, size, tag[4 : 4+size], nil
	}
	return of, int(m.order.Uint32(tag[4:])), nil, nil
}

// read reads the numbers; the imaginary part of complex ones is left.
func (m *matrix) read() (*array, error) {
	of, size, packed, err := m.part()
	if err != nil {
		return nil, err
	}
	name, ok := matTypes[of]
	if !ok {
		return nil, fmt.Errorf("the numbers have the unknown type %d; save the variable as double", of)
	}
	n, _ := numberOf(name[0], int(name[1]-'0'), m.order)
	count, err := countOf(m.dims)
	if err != nil {
		return nil, err
	}
	if count*n.size != size {
		return nil, fmt.Errorf("%d bytes for %s numbers of %d; the file is corrupt", size, shape(m.dims), n.size)
	}
	dims := slices.Clone(m.dims)
	slices.Reverse(dims)
	body := io.Reader(m.body)
	if packed != nil {
		body = bytes.NewReader(packed)
	}
	a, err := n.read(body, dims)
	if err == nil {
		a.variable, a.columns = m.name, true
	}
	return a, err
}
