// Package safetensors reads and writes the safetensors format, in which weights are
// exchanged with PyTorch.
//
// A file has eight bytes of header length (little endian), a JSON header with name, dtype,
// shape and position of every tensor, and the tensors' bytes, row-major, little endian, one
// after the other. A file is data only: reading one executes nothing.
//
// Source: the format's own description, github.com/huggingface/safetensors.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"

	"vaelab/internal/magic"
)

// A Tensor is a named array. Data holds its numbers as float64, which is exact for every
// dtype that is read: F16, BF16, F32, F64 and I64 (to 2^53).
type Tensor struct {
	Name  string
	DType string // F32, F64 or I64; what a file has in F16 or BF16 is widened to F32
	Shape []int
	Data  []float64
}

// A File is a list of tensors with free text beside them.
type File struct {
	Tensors  []Tensor
	Metadata map[string]string
}

// maxHeader is the largest header that is believed.
const maxHeader = 100 << 20

// widths are the bytes of a number, of the dtypes that are written.
var widths = map[string]int{"F32": 4, "F64": 8, "I64": 8}

// halves read a number of the dtypes that are read only.
var halves = map[string]func(uint16) float32{
	"F16":  float16,
	"BF16": func(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) },
}

// float16 widens a number of half precision, which is exact.
//
// Source: IEEE 754-2019, binary16.
func float16(b uint16) float32 {
	sign, exponent, fraction := uint32(b>>15), uint32(b>>10&0x1f), uint32(b&0x3ff)
	switch exponent {
	case 0: // zero or subnormal: fraction 2^-24
		x := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(x) | sign<<31)
	case 0x1f: // infinity, or NaN
		return math.Float32frombits(sign<<31 | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign<<31 | (exponent+127-15)<<23 | fraction<<13)
}

type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// Encode returns the file's bytes. Tensors stand in the order of their names, so equal
// contents give equal bytes.
func (f *File) Encode() ([]byte, error) {
	tensors := append([]Tensor(nil), f.Tensors...)
	sort.SliceStable(tensors, func(a, b int) bool { return tensors[a].Name < tensors[b].Name })
	header := map[string]any{}
	if len(f.Metadata) > 0 {
		header["__metadata__"] = f.Metadata
	}
	var at int64
	for _, t := range tensors {
		width, ok := widths[t.DType]
		if !ok {
			return nil, fmt.Errorf("safetensors: %s: cannot write dtype %q", t.Name, t.DType)
		}
		if n, ok := count(t.Shape); !ok || n != int64(len(t.Data)) {
			return nil, fmt.Errorf("safetensors: %s: shape %v for %d numbers", t.Name, t.Shape, len(t.Data))
		}
		if _, ok := header[t.Name]; ok {
			return nil, fmt.Errorf("safetensors: %s: two tensors of one name", t.Name)
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		end := at + int64(width*len(t.Data))
		header[t.Name] = entry{t.DType, shape, [2]int64{at, end}}
		at = end
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	out := make([]byte, 8, 8+len(text)+int(at))
	binary.LittleEndian.PutUint64(out, uint64(len(text)))
	out = append(out, text...)
	for _, t := range tensors {
		for _, x := range t.Data {
			switch t.DType {
			case "F32":
				out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(x)))
			case "F64":
				out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x))
			case "I64":
				out = binary.LittleEndian.AppendUint64(out, uint64(int64(x)))
			}
		}
	}
	return out, nil
}

// count is the number of elements of a shape; false if it is negative or absurd.
func count(shape []int) (int64, bool) {
	n := int64(1)
	for _, s := range shape {
		if s < 0 || (s > 0 && n > math.MaxInt64/16/int64(s)) {
			return 0, false
		}
		n *= int64(s)
	}
	return n, true
}

// Read reads a file; errors name it. If it is a checkpoint of PyTorch or another file that people take for weights, the
// error says what it is and how to convert it.
func Read(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a device may have no end
		return nil, fmt.Errorf("%s: is no regular file; name a file of weights", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := foreign(path, data[:min(magic.Head, len(data))]); err != nil {
		return nil, err
	}
	f, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Decode reads a file's bytes. It believes nothing: a header that is cut off, too long,
// overlapping, or larger than the file is an error.
func Decode(data []byte) (*File, error) {
	f, err := decode(data)
	if err != nil {
		if mistake := magic.Mistaken(data[:min(magic.Head, len(data))]); mistake != nil {
			return nil, fmt.Errorf("not a safetensors file: %w", mistake)
		}
	}
	return f, err
}

// decode is Decode, whose errors do not say yet what else the file may be.
func decode(data []byte) (*File, error) {
	if len(data) < 8 {
		return nil, fmt.Errorf("not a safetensors file: %d bytes, and the header length alone takes 8", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader {
		return nil, errors.New("not a safetensors file: the first 8 bytes must be the length of a header, and say more than it may have")
	}
	if n > uint64(len(data)-8) {
		if !isJSON(data) {
			return nil, errors.New("not a safetensors file: a header of JSON must follow the first 8 bytes")
		}
		return nil, fmt.Errorf("cut off: it has %d bytes, and its header alone must end at byte %d; copy the file again", len(data), n+8)
	}
	body := data[8+n:]
	var header map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(data[8 : 8+n]))
	if err := dec.Decode(&header); err != nil {
		return nil, fmt.Errorf("damaged header: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("damaged header: text after its end")
	}
	f := &File{}
	type place struct{ from, to int64 }
	var places []place
	var last int64 // where the tensors end
	for name, raw := range header {
		if name == "__metadata__" {
			if err := json.Unmarshal(raw, &f.Metadata); err != nil {
				return nil, fmt.Errorf("damaged header: __metadata__: %w", err)
			}
			continue
		}
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("damaged header: %s: %w", name, err)
		}
		width, ok := widths[e.DType]
		half := halves[e.DType]
		if half != nil {
			width, ok = 2, true
		}
		if !ok {
			return nil, fmt.Errorf("%s: the dtype %q cannot be read; store F16, BF16, F32, F64 or I64", name, e.DType)
		}
		elements, ok := count(e.Shape)
		from, to := e.Offsets[0], e.Offsets[1]
		if !ok || from < 0 || to < from || to-from != elements*int64(width) {
			return nil, fmt.Errorf("damaged header: %s: shape %v of %s does not fill bytes %d to %d", name, e.Shape, e.DType, from, to)
		}
		last = max(last, to)
		places = append(places, place{from, to})
		if to > int64(len(body)) {
			continue // the file is cut off; how far is known after the last tensor
		}
		t := Tensor{Name: name, DType: e.DType, Shape: e.Shape, Data: make([]float64, elements)}
		for i := range t.Data {
			switch b := body[from+int64(i*width):]; e.DType {
			case "F32":
				t.Data[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
			case "F64":
				t.Data[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
			case "I64":
				t.Data[i] = float64(int64(binary.LittleEndian.Uint64(b)))
			default:
				t.Data[i] = float64(half(binary.LittleEndian.Uint16(b)))
			}
		}
		if half != nil {
			t.DType = "F32"
		}
		f.Tensors = append(f.Tensors, t)
	}
	if last > int64(len(body)) {
		return nil, fmt.Errorf("cut off: it has %d bytes, and its header says %d; copy the file again", len(data), 8+int64(n)+last)
	}
	slices.SortFunc(places, func(a, b place) int { // an empty tensor stands before the one at its place
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	end := int64(0)
	for _, p := range places {
		switch {
		case p.from < end:
			return nil, fmt.Errorf("damaged header: two tensors share bytes %d to %d", p.from, end)
		case p.from > end:
			return nil, fmt.Errorf("damaged header: bytes %d to %d belong to no tensor", end, p.from)
		}
		end = p.to
	}
	if end != int64(len(body)) {
		return nil, fmt.Errorf("it has %d bytes, and its header says %d: %d bytes follow the last tensor; copy the file again", len(data), 8+int64(n)+end, int64(len(body))-end)
	}
	sort.Slice(f.Tensors, func(a, b int) bool { return f.Tensors[a].Name < f.Tensors[b].Name })
	return f, nil
}

// Get is the tensor of that name, or nil.
func (f *File) Get(name string) *Tensor {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i]
		}
	}
	return nil
}
