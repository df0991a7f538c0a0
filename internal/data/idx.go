package data

import (
	"encoding/binary"
	"fmt"
	"io"
)

// readIDX reads the format of MNIST's files: two zero bytes, a byte for the type of the
// numbers, one for the number of dimensions, the dimensions, and the numbers, all
// big-endian.
//
// Source: LeCun, Cortes & Burges, the page of the MNIST database. Its type 0x0B, short, is
// read as unsigned: what is stored here, pixels and class numbers, is never negative.
func readIDX(r io.Reader) (*array, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	name, ok := map[byte]string{0x08: "u1", 0x09: "i1", 0x0B: "u2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}[head[2]]
	if !ok || head[0] != 0 || head[1] != 0 {
		return nil, fmt.Errorf("is not an IDX file: it begins with % x, and must begin with 00 00 and a type from 08 to 0e", head)
	}
	dims := make([]int, head[3])
	if len(dims) < 1 || len(dims) > 4 {
		return nil, fmt.Errorf("the IDX header names %d dimensions, and must name 1 for labels or 3 for images; the file is corrupt", len(dims))
	}
	for i := range dims {
		var d uint32
		if err := binary.Read(r, binary.BigEndian, &d); err != nil {
			return nil, err
		}
		dims[i] = int(d)
	}
	n, _ := numberOf(name[0], int(name[1]-'0'), binary.BigEndian)
	return n.read(r, dims)
}
