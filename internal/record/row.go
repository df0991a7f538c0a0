package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// A Row is what was measured at one step on one split of the data.
type Row struct {
	Step    int                  // optimiser steps taken so far
	Epoch   float64              // passes over the training set so far
	Split   string               // "train" (batch statistics, mean since the last row), "valid" or "test" (running statistics)
	Values  map[string]float64   // by the metric's name; NaN where it was not finite
	Vectors map[string][]float64 // one number per latent dimension, or per example, level, bin or cell
}

// rowJSON is Row as it stands in the file.
type rowJSON struct {
	Step    int                 `json:"step"`
	Epoch   number              `json:"epoch"`
	Split   string              `json:"split"`
	Values  map[string]number   `json:"values"`
	Vectors map[string][]number `json:"vectors,omitempty"`
}

// number is a float64 whose JSON is null if it is not finite, and NaN if its JSON is null.
type number float64

// MarshalJSON writes the shortest decimal that reads back as n.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads a JSON number or null.
func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// MarshalJSON writes the row with sorted keys; equal rows give equal bytes.
func (r Row) MarshalJSON() ([]byte, error) {
	j := rowJSON{Step: r.Step, Epoch: number(r.Epoch), Split: r.Split, Values: map[string]number{}}
	for k, v := range r.Values {
		j.Values[k] = number(v)
	}
	if len(r.Vectors) > 0 {
		j.Vectors = map[string][]number{}
	}
	for k, vs := range r.Vectors {
		j.Vectors[k] = convert[number](vs)
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. It refuses keys it does not know and a row
// without a split.
func (r *Row) UnmarshalJSON(b []byte) error {
	var j rowJSON
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		if wide := new(json.UnmarshalTypeError); errors.As(err, &wide) && strings.HasPrefix(wide.Value, "number ") && wide.Type.Kind() == reflect.Float64 {
			return fmt.Errorf("the %s is out of the range of a float64", wide.Value)
		}
		return err
	}
	if j.Split == "" {
		return errors.New("no split")
	}
	*r = Row{Step: j.Step, Epoch: float64(j.Epoch), Split: j.Split, Values: map[string]float64{}}
	for k, v := range j.Values {
		r.Values[k] = float64(v)
	}
	if len(j.Vectors) > 0 {
		r.Vectors = map[string][]float64{}
	}
	for k, vs := range j.Vectors {
		r.Vectors[k] = convert[float64](vs)
	}
	return nil
}

// convert returns the numbers as another type; never nil, so that JSON has [] and not null.
func convert[To, From ~float64](from []From) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = To(v)
	}
	return to
}

// appendNumber appends the JSON of a number, as number.MarshalJSON has it.
//
// Source: encoding/json, which takes the exponents of ES6.
func appendNumber(line []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(line, "null"...)
	}
	if a := math.Abs(v); a == 0 || a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(line, v, 'f', -1, 64)
	}
	line = strconv.AppendFloat(line, v, 'e', -1, 64)
	if n := len(line); line[n-4] == 'e' && line[n-3] == '-' && line[n-2] == '0' { // e-09 is e-9
		line = append(line[:n-2], line[n-1])
	}
	return line
}

// appendShort is appendNumber of short(v).
func appendShort(line []byte, v float64) []byte {
	if a := math.Abs(v); a >= 1e-5 && a < 1e20 { // the digits are those that short reads
		return strconv.AppendFloat(line, v, 'f', -1, 32)
	}
	return appendNumber(line, short(v))
}

// appendString appends the JSON of a string.
func appendString(line []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // a string has one
	return append(line, quoted...)
}

// appendVector appends a vector with its name, each number by a function.
func appendVector(line []byte, name string, vector []float64, number func(line []byte, v float64) []byte) []byte {
	line = append(appendString(line, name), ':', '[')
	for i, v := range vector {
		if i > 0 {
			line = append(line, ',')
		}
		line = number(line, v)
	}
	return append(line, ']')
}
