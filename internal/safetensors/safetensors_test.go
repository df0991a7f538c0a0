package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func example(t testing.TB) []byte {
	f := File{Metadata: map[string]string{"step": "12"}, Tensors: []Tensor{
		{"w", "F32", []int{2, 3}, []float64{1, 2, 3, 4, 5, -0.5}},
		{"n", "I64", nil, []float64{42}},
		{"d", "F64", []int{1}, []float64{0.1}},
	}}
	data, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	data := example(t)
	f, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if w := f.Get("w"); w == nil || w.Data[5] != -0.5 || len(w.Shape) != 2 {
		t.Errorf("w came back as %+v", w)
	}
	if n := f.Get("n"); n == nil || n.Data[0] != 42 || len(n.Shape) != 0 {
		t.Errorf("n came back as %+v", n)
	}
	if f.Metadata["step"] != "12" {
		t.Errorf("metadata came back as %v", f.Metadata)
	}
	again, _ := f.Encode()
	if !bytes.Equal(again, data) {
		t.Error("writing what was read gave other bytes")
	}
}

func TestHostileFiles(t *testing.T) {
	with := func(header string, body int) []byte {
		out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		return append(append(out, header...), make([]byte, body)...)
	}
	good := example(t)
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "not a safetensors file", nil},
		{"huge header", "must be the length of a header", bytes.Repeat([]byte{0xff}, 64)},
		{"header cut off", "cut off", good[:40]},
		{"body cut off", "cut off", good[:len(good)-4]},
		{"no JSON", "damaged header", with("hello!!!", 0)},
		{"two JSON values", "text after its end", with(`{} {}`, 0)},
		{"negative shape", "does not fill", with(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4)},
		{"absurd shape", "does not fill", with(`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}`, 0)},
		{"offsets backwards", "does not fill", with(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}`, 8)},
		{"beyond the file", "cut off", with(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`, 4)},
		{"overlap", "share bytes", with(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		{"a hole", "belong to no tensor", with(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		{"more at the end", "follow the last tensor", append(append([]byte(nil), good...), "more"...)},
		{"no header", "a header of JSON must follow", []byte("\x40\x00\x00\x00\x00\x00\x00\x00hello")},
		{"cut in a tensor of two", "cut off: it has 129 bytes, and its header says 137", with(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[4],"data_offsets":[4,20]}} `, 12)},
		{"half floats of the wrong size", "does not fill", with(`{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}}`, 8)},
		{"eight-bit floats", `the dtype "F8_E4M3" cannot be read; store F16, BF16, F32`, with(`{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}`, 2)},
	} {
		if _, err := Decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
}

// inHalf is a file of one tensor in a dtype of 16 bits.
func inHalf(dtype string, bits ...uint16) []byte {
	header := fmt.Sprintf(`{"a":{"dtype":%q,"shape":[%d],"data_offsets":[0,%d]}}`, dtype, len(bits), 2*len(bits))
	out := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	for _, b := range bits {
		out = binary.LittleEndian.AppendUint16(out, b)
	}
	return out
}

// TestHalves: all numbers of F16 and BF16 are widened exactly, by the formulas of IEEE 754.
func TestHalves(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	for _, c := range []struct {
		dtype          string
		exponent, bias int // bits of the exponent
	}{{"F16", 5, 15}, {"BF16", 8, 127}} {
		f, err := Decode(inHalf(c.dtype, all...))
		if err != nil {
			t.Fatal(err)
		}
		if f.Tensors[0].DType != "F32" {
			t.Errorf("%s is read as %s", c.dtype, f.Tensors[0].DType)
		}
		fractions := 15 - c.exponent
		for i, got := range f.Tensors[0].Data {
			e, m := i>>fractions&(1<<c.exponent-1), float64(i&(1<<fractions-1))/float64(int(1)<<fractions)
			var want float64
			switch {
			case e == 0:
				want = math.Ldexp(m, 1-c.bias)
			case e < 1<<c.exponent-1:
				want = math.Ldexp(1+m, e-c.bias)
			case m == 0:
				want = math.Inf(1)
			default:
				want = math.NaN()
			}
			if want = math.Copysign(want, float64(1-2*(i>>15))); got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) {
				t.Fatalf("%s %#04x is %v, must be %v", c.dtype, i, got, want)
			}
		}
		again, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(again); err != nil || math.Float64bits(back.Tensors[0].Data[1]) != math.Float64bits(f.Tensors[0].Data[1]) {
			t.Errorf("%s does not survive as F32: %v", c.dtype, err)
		}
	}
}

// TestForeignFiles: a file of another kind is named, with the line of Python that converts it or with another remedy, and a
// safetensors file is none of them.
func TestForeignFiles(t *testing.T) {
	zip := func(name string) string { return "PK\x03\x04\x14\x00" + strings.Repeat("\x00", 24) + name + "rest" }
	path := filepath.Join(t.TempDir(), "w.bin")
	for _, c := range []struct{ text, is, remedy string }{
		{zip("archive/data.pkl"), "a PyTorch checkpoint (zip)", "torch.load(" + strconv.Quote(path)},
		{zip("weight.npy"), "an archive of NumPy arrays (npz)", "numpy.load("},
		{zip("config.json"), "a zip archive", "torch.load("},
		{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "a PyTorch checkpoint of the old form", "torch.load("},
		{"\x80\x04\x95\x10\x00\x00", "a Python pickle", "pickle.load("},
		{"\x89HDF\r\n\x1a\n\x00", "an HDF5 file", "h5py.File("},
		{"\x93NUMPY\x01\x00", "a single NumPy array", "safetensors.numpy.save_file"},
		{"{\n  \"metadata\": {}, \"weight_map\": {}}", "the index of weights in several files", "join those"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+": is "+c.is) || !strings.Contains(err.Error(), c.remedy) {
			t.Errorf("%.20q: %v; want %q and %q", c.text, err, c.is, c.remedy)
		}
	}
	long := File{Tensors: []Tensor{{"a", "F32", []int{1}, []float64{1}}}, Metadata: map[string]string{"x": strings.Repeat("y", 0x480-0x80)}}
	like := false
	for n := range 64 { // some header length begins with the bytes of a pickle
		long.Metadata["z"] = strings.Repeat("z", n)
		text, err := long.Encode()
		if err == nil {
			err = os.WriteFile(path, text, 0o666)
		}
		if err == nil {
			like = like || text[0] == 0x80 && text[1] == 4
			_, err = Read(path)
		}
		if err != nil {
			t.Errorf("a header of %d bytes: %v", binary.LittleEndian.Uint64(text), err)
		}
	}
	if !like {
		t.Error("no header length was like a pickle")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(example(f))
	f.Add(inHalf("F16", 0x3c00, 0x0001, 0xfc00, 0x7e00))
	f.Add(inHalf("BF16", 0x3f80, 0x0001, 0xff80, 0x7fc0))
	f.Add([]byte("12345678"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Decode(data)
		if err != nil {
			return
		}
		if _, err := file.Encode(); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}

// TestDecodeMistaken: what is no file of weights at all is named.
func TestDecodeMistaken(t *testing.T) {
	for head, says := range map[string]string{
		"<!DOCTYPE html>\n<html>Sign in</html>":                                     "a web page",
		"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n": "a Git LFS pointer",
		"PK\x03\x04\x14\x00\x00\x00\x08\x00":                                        "a zip archive",
	} {
		if _, err := Decode([]byte(head)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want %q", head, err, says)
		}
	}
}
