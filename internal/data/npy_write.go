package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// Npy is an array as NumPy saves it, little-endian and with the last index fastest: what
// numpy.load reads. It panics unless the shape has as many numbers as there are values.
//
// Source: numpy.lib.format, version 1.0.
func Npy[T float32 | int64](values []T, shape ...int) []byte {
	size, dims := 1, ""
	for _, d := range shape {
		size *= d
		dims += fmt.Sprintf("%d, ", d)
	}
	if size != len(values) {
		panic(fmt.Sprintf("data: Npy: %d values in the shape %v", len(values), shape))
	}
	if len(shape) > 1 {
		dims = strings.TrimSuffix(dims, ", ")
	} else {
		dims = strings.TrimSuffix(dims, " ") // (3,) is a tuple of Python, (3) is a number
	}
	kind := "<f4"
	if _, whole := any(values).([]int64); whole {
		kind = "<i8"
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, dims)
	const before, align = 10, 64 // magic, version and length; where the numbers begin
	header += strings.Repeat(" ", align-1-(before+len(header))%align) + "\n"

	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	binary.Write(&b, binary.LittleEndian, uint16(len(header))) // a bytes.Buffer fails never
	b.WriteString(header)
	binary.Write(&b, binary.LittleEndian, values)
	return b.Bytes()
}
