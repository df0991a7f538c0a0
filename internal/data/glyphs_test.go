package data

import (
	"runtime"
	"slices"
	"testing"

	"vaelab/internal/vae"
)

// glyphs is the registered default with other sizes.
func glyphs(t testing.TB, train, valid, test int) Glyphs {
	t.Helper()
	d, err := Sources.Get("glyphs")
	if err != nil {
		t.Fatal(err)
	}
	c := d.(Glyphs)
	c.Train, c.Valid, c.Test = train, valid, test
	return c
}

// TestGlyphsAreReproducible: the digest is that of every build, float32 and float64.
func TestGlyphsAreReproducible(t *testing.T) {
	set := load(t, glyphs(t, 300, 20, 20))
	const want = "34f1768681809c12"                      // as this test printed it; a change of it changes results
	if set.Digest != want && runtime.GOARCH == "amd64" { // others may fuse the rasteriser's sums
		t.Errorf("digest %s, want %s", set.Digest, want)
	}
	if again := load(t, glyphs(t, 300, 20, 20)); again.Digest != set.Digest {
		t.Errorf("digests %s and %s of the same settings", set.Digest, again.Digest)
	}
	more := load(t, glyphs(t, 301, 25, 20))
	for _, split := range [][2]Split{{set.Train, more.Train}, {set.Valid, more.Valid}, {set.Test, more.Test}} {
		for i, row := range split[0].Values {
			if !slices.Equal(row, split[1].Values[i]) || split[0].Labels[i] != split[1].Labels[i] {
				t.Fatalf("image %d depends on the number of images", i)
			}
		}
	}
	c := glyphs(t, 300, 20, 20)
	if c.Seed = 2; load(t, c).Digest == want {
		t.Error("another seed gave the same images")
	}
}

// TestGlyphsLookLikeOMNIGLOT: ink is rare and bright, no image is empty, and no stroke is cut
// off where there is no jitter.
func TestGlyphsLookLikeOMNIGLOT(t *testing.T) {
	set := load(t, glyphs(t, 3000, 50, 50))
	if set.Height != 28 || set.Width != 28 || !set.Grey || set.Valid.Grey || grey(set.Valid.Values) || grey(set.Test.Values) {
		t.Errorf("%d x %d, grey %v %v", set.Height, set.Width, set.Grey, set.Valid.Grey)
	}
	var sum float64
	for i, row := range set.Train.Values {
		var ink float64
		for _, v := range row {
			ink += float64(v) / 784
		}
		if ink < 0.01 || ink > 0.35 {
			t.Errorf("image %d of class %d has the mean pixel %.3f", i, set.Train.Labels[i], ink)
		}
		sum += ink / 3000
	}
	if sum < 0.07 || sum > 0.11 { // OMNIGLOT has 0.08
		t.Errorf("mean pixel %.3f", sum)
	}
	c := glyphs(t, 2000, 0, 0)
	c.Jitter = 0
	for i, row := range load(t, c).Train.Values {
		for p, v := range row {
			if y, x := p/28, p%28; v > 0 && (y == 0 || y == 27 || x == 0 || x == 27) {
				t.Fatalf("image %d touches the edge at %d, %d", i, y, x)
			}
		}
	}
}

// TestGlyphClasses: every class occurs, and classes differ in every face.
func TestGlyphClasses(t *testing.T) {
	for alphabets, n := range map[string]int{"latin": 52, "greek": 33, "cyrillic": 41, " Digits, latin": 62} {
		c := glyphs(t, 40*n, 0, 0)
		c.Alphabets, c.Jitter = alphabets, 0
		seen := map[string]int{}
		labels := map[int]bool{}
		set := load(t, c)
		for i, row := range set.Train.Values {
			label := set.Train.Labels[i]
			labels[label] = true
			key := string(floatBytes(row))
			if other, ok := seen[key]; ok && other != label {
				t.Errorf("%s: classes %d and %d have the same image", alphabets, other, label)
			}
			seen[key] = label
		}
		if len(labels) != n {
			t.Errorf("%s: %d classes, want %d", alphabets, len(labels), n)
		}
	}
	for alphabets, want := range map[string]string{"latn": `did you mean "latin"`, "": "known: latin, greek", "greek,greek": "named twice"} {
		c := glyphs(t, 1, 0, 0)
		c.Alphabets = alphabets
		_, err := c.Load()
		wantError(t, err, "glyphs: alphabets: ", want)
	}
}

// floatBytes are the grey values of an image in bytes.
func floatBytes(row []float32) (b []byte) {
	for _, v := range row {
		b = append(b, byte(255*v+0.5))
	}
	return b
}

func BenchmarkGlyphs(b *testing.B) {
	c := glyphs(b, 1000, 0, 0)
	for b.Loop() {
		if _, err := c.Load(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "images/s")
}

// TestGreyGlyphs: with binarise: none the grey values stay, and the images are vectors to a model.
func TestGreyGlyphs(t *testing.T) {
	source := Glyphs{Train: 20, Valid: 3, Test: 3, Alphabets: "digits", Jitter: 1, Binarise: "none", Seed: 2}
	set, err := source.Load()
	if err != nil {
		t.Fatal(err)
	}
	if space := set.Space(); source.Kind() != vae.Vector || space.Kind != vae.Vector || space.Height != glyphSide || space.Width != glyphSide {
		t.Errorf("the kind is %s, the space %s", source.Kind(), space)
	}
	if x := set.Train.Batches(20, vae.Mixed, nil)[0]; !grey(set.Train.Values) || set.Grey || x.Grey.Data != nil || x.Values.Cols != glyphSide*glyphSide {
		t.Errorf("the values are not grey, or are drawn: %v", x.Values)
	}
	source.Binarise = "dynamic"
	pixels, err := source.Load()
	if err != nil {
		t.Fatal(err)
	}
	if source.Kind() != vae.Image || !slices.Equal(pixels.Train.Values[4], set.Train.Values[4]) || pixels.Digest == set.Digest {
		t.Errorf("the probabilities of pixels are other values, or the digest is the same")
	}
}
