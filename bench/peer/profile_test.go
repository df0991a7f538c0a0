package main

import (
	"bytes"
	"testing"

	"github.com/google/pprof/profile"
)

// TestParts: samples in tiles of every instruction set, in the poll and what it calls, and elsewhere.
func TestParts(t *testing.T) {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"},
	}
	place := func(name string) *profile.Location {
		f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
		l := &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
		p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		return l
	}
	const kernel = "vaelab/internal/tensor/kernel."
	poll := place("vaelab/internal/tensor.(*spinBudget).wait")
	for _, s := range []struct {
		n     int64
		stack []*profile.Location
	}{
		{40, []*profile.Location{place(kernel + "wide8x32"), place(kernel + "block")}},
		{9, []*profile.Location{place(kernel + "wideHalves1x16")}},
		{1, []*profile.Location{place(kernel + "tile6x16")}},
		{6, []*profile.Location{poll}},
		{4, []*profile.Location{place("time.runtimeNow"), poll}},
		{15, []*profile.Location{place(kernel + "copy32"), place(kernel + "packBlock")}},
		{5, []*profile.Location{place(kernel + "expSum")}},
	} {
		p.Sample = append(p.Sample, &profile.Sample{Value: []int64{s.n}, Location: s.stack})
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := parts(b.Bytes(), 8)
	if want := (Parts{Tiles: 5, Spin: 1, Rest: 2}); err != nil || *got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := parts(b.Bytes(), 0); got != nil || err != nil {
		t.Errorf("without CPU time: %+v, %v", got, err)
	}
	if _, err := parts([]byte("text"), 1); err == nil {
		t.Error("text is a profile")
	}
}
