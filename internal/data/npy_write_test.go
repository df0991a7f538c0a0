package data

import (
	"bytes"
	"slices"
	"testing"
)

// TestNpy reads back what was written, and compares a whole file with NumPy's own:
//
//	np.save(f, np.array([[1, -2, 0.5]], dtype='<f4'))
func TestNpy(t *testing.T) {
	file := Npy([]float32{1, -2, 0.5}, 1, 3)
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }"
	want := "\x93NUMPY\x01\x00\x76\x00" + header + string(bytes.Repeat([]byte{' '}, 117-len(header))) + "\n" +
		"\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f"
	if string(file) != want {
		t.Errorf("got %q\nwant %q", file, want)
	}
	values := make([]float32, 6)
	for i := range values {
		values[i] = float32(i) / 3
	}
	for _, shape := range [][]int{{6}, {2, 3}, {1, 2, 3}, {6, 1}} {
		a, err := readNpy(bytes.NewReader(Npy(values, shape...)))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.dims, shape) || !slices.Equal(a.values, values) {
			t.Errorf("shape %v: read %v of shape %v", shape, a.values, a.dims)
		}
	}
	whole := Npy([]int64{1, -2}, 2)
	if len(whole)%8 != 0 || !bytes.Contains(whole, []byte("'<i8'")) || !bytes.Contains(whole, []byte("(2,)")) ||
		!bytes.HasSuffix(whole, []byte("\x01\x00\x00\x00\x00\x00\x00\x00\xfe\xff\xff\xff\xff\xff\xff\xff")) {
		t.Errorf("whole numbers: %q", whole)
	}
	defer func() {
		if recover() == nil {
			t.Error("a wrong shape does not panic")
		}
	}()
	Npy(values, 7)
}
