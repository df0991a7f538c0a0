package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
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

// A parser reads lines, the usual ones fast.
type parser struct{ fast scanner }

func (p *parser) row(line []byte) (Row, error) {
	if r, ok := p.fast.row(line); ok {
		return r, nil
	}
	var r Row
	err := json.Unmarshal(line, &r)
	return r, err
}

// readRows reads the text of rows.jsonl; the rows share nothing with it. A last line that lacks its newline and is not
// a row yet is left out, and cut is its number: the trial is running, or was killed. Any other
// line that is not a row is an error.
func readRows(text []byte) (rows []Row, cut int, err error) {
	p := parser{scanner{names: map[string]string{}}}
	rows = make([]Row, 0, bytes.Count(text, []byte("\n"))+1)
	for n := 1; len(text) > 0; n++ {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		text = rest
		if r, err := p.row(line); err == nil {
			rows = append(rows, r)
		} else if !ended {
			return rows, n, nil
		} else {
			return nil, 0, fmt.Errorf("line %d is no row: %w", n, err)
		}
	}
	return rows, 0, nil
}
