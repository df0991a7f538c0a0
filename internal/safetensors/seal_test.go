package safetensors

import (
	"bytes"
	"reflect"
	"testing"
)

// TestSeal: a sealed file is a safetensors file with the same content, and no bit of it can change unnoticed.
func TestSeal(t *testing.T) {
	f := File{
		Tensors:  []Tensor{{"a", "F32", []int{2}, []float64{1, -2.5}}, {"sha256", "I64", []int{1}, []float64{7}}},
		Metadata: map[string]string{"progress": `{"sha256":"0123"}`},
	}
	data, err := f.EncodeSealed()
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Metadata) != 1 {
		t.Error("EncodeSealed changed the file's metadata")
	}
	back, err := DecodeSealed(data)
	if err != nil || !reflect.DeepEqual(*back, f) {
		t.Errorf("read back %+v, %v", back, err)
	}
	if plain, err := Decode(data); err != nil || !reflect.DeepEqual(plain.Tensors, f.Tensors) || len(plain.Metadata["sha256"]) != digits {
		t.Errorf("without the seal %+v, %v", plain, err)
	}
	for i := range 8 * len(data) {
		changed := bytes.Clone(data)
		changed[i/8] ^= 1 << (i % 8)
		if _, err := DecodeSealed(changed); err == nil {
			t.Fatalf("bit %d of byte %d changed, and no error: %q", i%8, i/8, changed)
		}
	}
	for n := range len(data) {
		if _, err := DecodeSealed(data[:n]); err == nil {
			t.Fatalf("cut to %d bytes, and no error", n)
		}
	}
	if _, err := DecodeSealed(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a byte more, and no error")
	}
	unsealed, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeSealed(unsealed); err == nil {
		t.Error("a file without a seal, and no error")
	}
}

// FuzzDecodeSealed: no bytes make the reader of checkpoints panic, and what it accepts has its own seal.
func FuzzDecodeSealed(f *testing.F) {
	file, err := Decode(example(f))
	if err != nil {
		f.Fatal(err)
	}
	good, err := file.EncodeSealed()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(example(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		if file, err := DecodeSealed(data); err == nil {
			if _, err := file.EncodeSealed(); err != nil {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
	})
}
