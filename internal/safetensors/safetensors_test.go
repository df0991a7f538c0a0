package safetensors

import (
	"bytes"
	"encoding/binary"
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
		{"huge header", "claims a header", bytes.Repeat([]byte{0xff}, 64)},
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
		{"half floats", "not supported", with(`{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 4)},
	} {
		if _, err := Decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(example(f))
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
