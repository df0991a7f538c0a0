package tensorboard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// records returns the contents of a file's records, whose lengths and checksums must be right.
func records(t *testing.T, file []byte) (all [][]byte) {
	t.Helper()
	for len(file) > 0 {
		n := binary.LittleEndian.Uint64(file)
		content := file[12 : 12+n]
		if got, want := binary.LittleEndian.Uint32(file[8:]), masked(file[:8]); got != want {
			t.Fatalf("checksum of a length: %x, want %x", got, want)
		}
		if got, want := binary.LittleEndian.Uint32(file[12+n:]), masked(content); got != want {
			t.Fatalf("checksum of a record: %x, want %x", got, want)
		}
		all, file = append(all, content), file[16+n:]
	}
	return all
}

// fields are those of a message, by their numbers; the last of each.
func fields(t *testing.T, b []byte) map[protowire.Number][]byte {
	t.Helper()
	all := map[protowire.Number][]byte{}
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(num, kind, b)
		if size < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		value := b[:size]
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		all[num], b = value, b[size:]
	}
	return all
}

// TestScalar: a number comes back with its tag and step, and is rounded once.
func TestScalar(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, 100)
	for step, x := range []float64{1.5, 0.1, -1e30, math.Inf(1), math.NaN()} {
		if err := w.Scalar(101, step*1000, "test/kl", x); err != nil {
			t.Fatal(err)
		}
	}
	all := records(t, b.Bytes())
	if first := fields(t, all[0]); string(first[3]) != "brain.Event:2" {
		t.Errorf("the file begins with %q", first)
	}
	for step, x := range []float64{1.5, 0.1, -1e30, math.Inf(1), math.NaN()} {
		event := fields(t, all[step+1])
		value := fields(t, fields(t, event[5])[1])
		got := math.Float32frombits(binary.LittleEndian.Uint32(value[2]))
		at, _ := protowire.ConsumeVarint(event[2])
		if same := got == float32(x) || math.IsNaN(x) && got != got; !same || string(value[1]) != "test/kl" || int(at) != step*1000 {
			t.Errorf("%v at step %d: got %v of %s at %d", x, step*1000, got, value[1], at)
		}
	}
}

// TestChecksum: the example of RFC 3720, B.4: 32 bytes of zeros have the CRC-32C aa36918a, in the order of the wire.
func TestChecksum(t *testing.T) {
	crc := uint32(0x8a9136aa)
	if got, want := masked(make([]byte, 32)), (crc>>15|crc<<17)+0xa282ead8; got != want {
		t.Errorf("%x, want %x", got, want)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

// TestFull: the first error stays.
func TestFull(t *testing.T) {
	w := NewWriter(full{}, 0)
	if err := w.Scalar(0, 1, "a", 1); err == nil {
		t.Error("a full disk is no error")
	}
}
