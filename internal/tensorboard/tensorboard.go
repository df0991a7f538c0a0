// Package tensorboard writes event files, which TensorBoard and what imports from it read.
//
// An event file is a sequence of records: a length, its checksum, an Event in protocol buffers' wire format, its
// checksum. The messages are those of tensorboard/compat/proto (event.proto, summary.proto) and, for hyperparameters, of
// tensorboard/plugins/hparams (plugin_data.proto). Only the few fields that are written here are encoded, with protowire.
package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// FileName is the name of an event file: TensorBoard takes each file with tfevents in its name for one.
const FileName = "events.out.tfevents.vaelab"

// A Writer writes one event file. Its methods return the first error that writing met.
type Writer struct {
	w   io.Writer
	err error
}

// NewWriter begins an event file. Time is in seconds since 1970.
func NewWriter(w io.Writer, time float64) *Writer {
	out := &Writer{w: w}
	out.event(time, 0, func(b []byte) []byte { return text(b, 3, "brain.Event:2") }) // file_version
	return out
}

// Scalar writes a number of a step. It is rounded to float32, in which TensorBoard keeps scalars.
func (w *Writer) Scalar(time float64, step int, tag string, value float64) error {
	return w.value(time, step, tag, func(b []byte) []byte {
		b = protowire.AppendTag(b, 2, protowire.Fixed32Type) // simple_value
		return protowire.AppendFixed32(b, math.Float32bits(float32(value)))
	})
}

// PNG writes a picture.
func (w *Writer) PNG(time float64, step int, tag string, width, height int, png []byte) error {
	const rgba = 4
	return w.value(time, step, tag, func(b []byte) []byte {
		return message(b, 4, func(b []byte) []byte { // image
			b = number(b, 1, height)
			b = number(b, 2, width)
			b = number(b, 3, rgba)
			return bytesOf(b, 4, png)
		})
	})
}

// Settings writes what a run was trained with, for the table of hyperparameters. A value is a float64, a bool or a string.
func (w *Writer) Settings(time float64, settings map[string]any) error {
	return w.hparams(time, "_hparams_/session_start_info", func(b []byte) []byte {
		return message(b, 3, func(b []byte) []byte { // session_start_info
			for _, key := range slices.Sorted(maps.Keys(settings)) {
				b = message(b, 1, func(b []byte) []byte { // an entry of the map hparams
					b = text(b, 1, key)
					return message(b, 2, func(b []byte) []byte { return jsonValue(b, settings[key]) })
				})
			}
			return double(b, 5, time) // start_time_secs
		})
	})
}

// Ended writes how a run has ended.
func (w *Writer) Ended(time float64, well bool) error {
	status := 1 // STATUS_SUCCESS
	if !well {
		status = 2
	}
	return w.hparams(time, "_hparams_/session_end_info", func(b []byte) []byte {
		return message(b, 4, func(b []byte) []byte { return double(number(b, 1, status), 2, time) })
	})
}

// hparams writes a value of TensorBoard's plugin for hyperparameters. Its version is 0, which is left out.
func (w *Writer) hparams(time float64, tag string, content func([]byte) []byte) error {
	return w.value(time, 0, tag, func(b []byte) []byte {
		b = message(b, 9, func(b []byte) []byte { // metadata
			return message(b, 1, func(b []byte) []byte { // plugin_data
				return message(text(b, 1, "hparams"), 2, content)
			})
		})
		return message(b, 8, func(b []byte) []byte { // tensor: an empty vector of floats
			const float = 1
			b = number(b, 1, float)
			return message(b, 2, func(b []byte) []byte { return message(b, 2, func(b []byte) []byte { return b }) })
		})
	})
}

// value writes an event with one value of a summary.
func (w *Writer) value(time float64, step int, tag string, content func([]byte) []byte) error {
	return w.event(time, step, func(b []byte) []byte {
		return message(b, 5, func(b []byte) []byte { // summary
			return message(b, 1, func(b []byte) []byte { return content(text(b, 1, tag)) }) // value
		})
	})
}

// event writes a record with an event.
func (w *Writer) event(time float64, step int, content func([]byte) []byte) error {
	if w.err != nil {
		return w.err
	}
	b := double(nil, 1, time) // wall_time
	b = content(number(b, 2, step))
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(b)))
	record := binary.LittleEndian.AppendUint32(length, masked(length))
	record = append(record, b...)
	record = binary.LittleEndian.AppendUint32(record, masked(b))
	_, w.err = w.w.Write(record)
	return w.err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of bytes as records have it, rotated and shifted by a constant.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

func text(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func bytesOf(b []byte, field protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), content)
}

func message(b []byte, field protowire.Number, content func([]byte) []byte) []byte {
	return bytesOf(b, field, content(nil))
}

func number(b []byte, field protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(n))
}

func double(b []byte, field protowire.Number, x float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(x))
}

// jsonValue is a google.protobuf.Value.
func jsonValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case float64:
		return double(b, 2, v)
	case bool:
		n := 0
		if v {
			n = 1
		}
		return number(b, 4, n)
	case string:
		return text(b, 3, v)
	}
	panic("tensorboard: a setting is a number, a truth value or a text")
}
