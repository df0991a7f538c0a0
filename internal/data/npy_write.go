package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strings"
)

// Npy is an array as NumPy saves it, little-endian and with the last index fastest: what
// numpy.load reads. It panics unless the shape has as many numbers as there are values.
//
// Source: numpy.lib.format, version 1.0.
func Npy[T float32 | float64 | int64](values []T, shape ...int) []byte {
	var b bytes.Buffer
	_ = WriteNpy(&b, slices.Values([][]T{values}), shape...) // a bytes.Buffer fails never
	return b.Bytes()
}

// WriteNpy writes the same array from parts that follow each other, so that it need not be in memory as a whole. It panics
// unless they have as many numbers as the shape.
func WriteNpy[T float32 | float64 | int64](w io.Writer, parts iter.Seq[[]T], shape ...int) error {
	size, dims := 1, ""
	for _, d := range shape {
		size *= d
		dims += fmt.Sprintf("%d, ", d)
	}
	if len(shape) > 1 {
		dims = strings.TrimSuffix(dims, ", ")
	} else {
		dims = strings.TrimSuffix(dims, " ") // (3,) is a tuple of Python, (3) is a number
	}
	kind := map[reflect.Kind]string{reflect.Float32: "<f4", reflect.Float64: "<f8", reflect.Int64: "<i8"}[reflect.TypeFor[T]().Kind()]
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, dims)
	const before, align = 10, 64 // magic, version and length; where the numbers begin
	header += strings.Repeat(" ", align-1-(before+len(header))%align) + "\n"

	head := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	if _, err := w.Write(append(head, header...)); err != nil {
		return err
	}
	n := 0
	for part := range parts {
		n += len(part)
		if err := binary.Write(w, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	if n != size {
		panic(fmt.Sprintf("data: Npy: %d values in the shape %v", n, shape))
	}
	return nil
}
