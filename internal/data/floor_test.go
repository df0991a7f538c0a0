package data

import (
	"math"
	"testing"
)

// TestPixels by hand: three training images of two pixels, the second grey.
func TestPixels(t *testing.T) {
	train := Split{Values: [][]float32{{1, 0.5}, {1, 0.25}, {0, 0}}}
	test := Split{Values: [][]float32{{1, 0}, {0, 1}}}
	p, q := 3.0/5, 1.75/5
	want := -(math.Log(p) + math.Log(1-q) + math.Log(1-p) + math.Log(q)) / 2
	if got := Pixels(train, test); math.Abs(got-want) > 1e-12 {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFloors: text has two, images one, vectors none.
func TestFloors(t *testing.T) {
	for _, c := range []struct {
		source Source
		want   int
	}{
		{Synthetic{Train: 40, Test: 10, Length: 3, Vocab: 5, Hidden: 2, Embed: 2, Seed: 1}, 2},
		{Glyphs{Train: 40, Test: 10, Alphabets: "digits", Binarise: "dynamic", Jitter: 1, Seed: 1}, 1},
		{Gaussian{Train: 40, Test: 10, Dims: 3, Spectrum: "2 1", Noise: 1, Seed: 1}, 0},
	} {
		set, err := c.source.Load()
		if err != nil {
			t.Fatal(err)
		}
		got := set.Floors(set.Test)
		if len(got) != c.want {
			t.Errorf("%s: %v", set.Name, got)
		}
		for i, f := range got {
			if !(f.NLL > 0) || i > 0 && f.NLL > 2*got[0].NLL {
				t.Errorf("%s: %v", set.Name, got)
			}
		}
	}
}
