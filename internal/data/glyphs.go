package data

import (
	"fmt"
	"image"
	"image/draw"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"vaelab/internal/memory"
	"vaelab/internal/registry"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

func init() {
	Sources.Add("glyphs", Glyphs{
		Train: 16000, Valid: 2000, Test: 2000,
		Alphabets: "latin greek cyrillic digits", Jitter: 1, Binarise: "dynamic", Seed: 1, Given: givenNothing,
	})
}

// Glyphs is images of letters and digits in six faces of the Go fonts, each a little turned,
// sheared, stretched and moved: offline, and much like OMNIGLOT.
//
// Images have 28 x 28 pixels, with ink at 1 on 0. An image's class is its character, drawn
// uniformly, as is its face; classes have the order of the alphabets named. A character that
// looks like one of an alphabet before is not drawn: there is a Latin A and no Greek one.
//
// The character is x -> S A x + t, about the middle of its box, with uniform draws in
// proportion to the jitter: rotation up to 0.25 rad, shear up to 0.25, each axis stretched by
// a factor up to exp(0.25), and moved by up to 2 pixels. The faces are those without bold
// strokes, and their size is that of OMNIGLOT's characters: a mean pixel of 0.10, there 0.08.
//
// Source: Lake et al. 2015, "Human-level concept learning through probabilistic program
// induction", for the data that these resemble.
type Glyphs struct {
	// Train is the number of images to train on.
	Train int `yaml:"train" range:"[0,1000000]"`
	// Valid is the number of images for model selection.
	Valid int `yaml:"valid" range:"[0,1000000]"`
	// Test is the number of images to test on.
	Test int `yaml:"test" range:"[0,1000000]"`
	// Alphabets are some of latin, greek, cyrillic and digits, with spaces or commas between.
	Alphabets string `yaml:"alphabets" alias:"alphabet"`
	// Jitter is the strength of the distortion; 0 is none.
	Jitter float64 `yaml:"jitter" range:"[0,3]"`
	// Binarise says how grey edges become pixels: drawn anew at each training step, drawn
	// once, or 1 above a half. With none they stay grey, and the images are vectors to a model.
	Binarise string `yaml:"binarise" choice:"dynamic|static|threshold|none" alias:"binarize"`
	// Seed is the random seed of the images; it is independent of the trial's seed.
	Seed uint64 `yaml:"seed"`
	// Given is what a model is given with each image, as a condition: nothing, or its label.
	Given string `yaml:"given" choice:"nothing|label" neutral:"nothing"`
}

// Kind is images, or vectors if the edges stay grey.
func (c Glyphs) Kind() vae.Kind { return pixelKind(c.Binarise) }

// Gives is label or nothing.
func (c Glyphs) Gives() vae.Kind { return kindGiven(c.Given) }

// Values is the number of pixels.
func (c Glyphs) Values() int { return glyphSide * glyphSide }

// glyphSide is the height and width of an image.
const glyphSide = 28

// alphabets are the characters of each alphabet, without those that look like one of an
// alphabet before it.
var alphabets = []struct{ name, characters string }{
	{"latin", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
	{"greek", "ΓΔΘΛΞΠΣΦΨΩαβγδεζηθικλμνξπρστυφχψω"},
	{"cyrillic", "БДЖЗИЙЛУЦЧШЩЪЫЬЭЮЯбвгджзийлмнптцчшщъыьэюя"},
	{"digits", "0123456789"},
}

// About says what the examples are; their licence is that of the Go fonts.
func (c Glyphs) About() (what, licence string) {
	return "letters and digits of the Go fonts, 28 x 28 grey", "BSD-3-Clause (Go fonts)"
}

// Load draws the images.
func (c Glyphs) Load() (*Set, error) {
	characters, err := c.characters()
	if err != nil {
		return nil, fmt.Errorf("glyphs: %w", err)
	}
	outlines, err := outlines(characters)
	if err != nil {
		return nil, fmt.Errorf("glyphs: the built-in fonts: %w", err)
	}
	if err := memory.Fits(4*glyphSide*glyphSide*float64(c.Train+c.Valid+c.Test), memory.Total()); err != nil {
		return nil, fmt.Errorf("glyphs: train, valid and test are too large: %w; lower them", err)
	}
	set := &Set{
		Name: "glyphs", Height: glyphSide, Width: glyphSide, Classes: strings.Split(string(characters), ""),
		Train: c.split("train", c.Train, outlines),
		Valid: c.split("valid", c.Valid, outlines),
		Test:  c.split("test", c.Test, outlines),
	}
	set.binarise(c.Binarise, 0.5, c.Seed)
	if err := set.give(c.Given, ""); err != nil {
		return nil, fmt.Errorf("glyphs: %w", err)
	}
	set.Digest = set.digest()
	return set, nil
}

// characters are the classes, in order.
func (c Glyphs) characters() ([]rune, error) {
	var all []rune
	var seen []string
	for _, name := range list(strings.ToLower(c.Alphabets)) {
		var known []string
		found := false
		for _, a := range alphabets {
			known = append(known, a.name)
			if a.name == name {
				all, found = append(all, []rune(a.characters)...), true
			}
		}
		if !found {
			return nil, fmt.Errorf("alphabets: %w", registry.Unknown("alphabet", name, known))
		}
		if slices.Contains(seen, name) {
			return nil, fmt.Errorf("alphabets: %s is named twice; name it once", name)
		}
		seen = append(seen, name)
	}
	return all, nil
}

// split draws n images. Image i has a stream of its own, so that it depends on n no more
// than on the other splits.
func (c Glyphs) split(name string, n int, outlines [][]sfnt.Segments) (s Split) {
	canvas := vector.NewRasterizer(glyphSide, glyphSide)
	for i := range n {
		rng := stream.New(c.Seed, "glyph", name, i)
		face, class := rng.IntN(len(outlines)), rng.IntN(len(outlines[0]))
		s.Values = append(s.Values, c.draw(canvas, outlines[face][class], rng))
		s.Labels = append(s.Labels, class)
	}
	return s
}

// glyphEm is the size of the fonts in pixels: capitals are 16 pixels high.
const glyphEm = 22.0

// draw makes one image.
func (c Glyphs) draw(canvas *vector.Rasterizer, outline sfnt.Segments, rng *rand.Rand) []float32 {
	jitter := func(most float64) float64 { return c.Jitter * most * (2*rng.Float64() - 1) }
	sin, cos := math.Sincos(jitter(0.25))
	shear := jitter(0.25)
	sx, sy := math.Exp(jitter(0.25)), math.Exp(jitter(0.25))
	tx, ty := glyphSide/2+jitter(2), glyphSide/2+jitter(2)
	box := outline.Bounds()
	midX, midY := float64(box.Min.X+box.Max.X)/2, float64(box.Min.Y+box.Max.Y)/2
	const pixel = glyphEm / unitsPerEm / 64
	place := func(at fixed.Point26_6) (float32, float32) {
		x, y := pixel*sx*(float64(at.X)-midX), pixel*sy*(float64(at.Y)-midY)
		x += shear * y
		x, y = cos*x-sin*y+tx, sin*x+cos*y+ty
		// Whole 64ths of a pixel are the same whether or not a processor fuses the sums.
		return float32(math.Round(64*x) / 64), float32(math.Round(64*y) / 64)
	}
	canvas.Reset(glyphSide, glyphSide)
	canvas.DrawOp = draw.Src
	trace(canvas, outline, place)
	ink := image.NewAlpha(image.Rect(0, 0, glyphSide, glyphSide))
	canvas.Draw(ink, ink.Bounds(), image.Opaque, image.Point{})
	row := make([]float32, len(ink.Pix))
	for p, v := range ink.Pix {
		row[p] = float32(v) / 255
	}
	return row
}

// trace draws an outline whose points are placed on the canvas.
func trace(canvas *vector.Rasterizer, outline sfnt.Segments, place func(fixed.Point26_6) (x, y float32)) {
	for i, s := range outline {
		ax, ay := place(s.Args[0])
		bx, by := place(s.Args[1])
		cx, cy := place(s.Args[2])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			if i > 0 {
				canvas.ClosePath()
			}
			canvas.MoveTo(ax, ay)
		case sfnt.SegmentOpLineTo:
			canvas.LineTo(ax, ay)
		case sfnt.SegmentOpQuadTo:
			canvas.QuadTo(ax, ay, bx, by)
		case sfnt.SegmentOpCubeTo:
			canvas.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	canvas.ClosePath()
}

// unitsPerEm is the size at which outlines are held, that of the fonts' own grid.
const unitsPerEm = 2048

// outlines loads the characters of all faces: the outline of character i in face f is at [f][i].
func outlines(characters []rune) ([][]sfnt.Segments, error) {
	var faces [][]sfnt.Segments
	for _, ttf := range [][]byte{
		goregular.TTF, goitalic.TTF, gomedium.TTF, gomediumitalic.TTF, gomono.TTF, gomonoitalic.TTF,
	} {
		face, err := sfnt.Parse(ttf)
		if err != nil {
			return nil, err
		}
		var buf sfnt.Buffer
		var all []sfnt.Segments
		for _, r := range characters {
			index, err := face.GlyphIndex(&buf, r)
			if err == nil && index == 0 {
				err = fmt.Errorf("no character %c", r)
			}
			if err != nil {
				return nil, err
			}
			outline, err := face.LoadGlyph(&buf, index, fixed.I(unitsPerEm), &sfnt.LoadGlyphOptions{})
			if err != nil {
				return nil, err
			}
			all = append(all, slices.Clone(outline)) // the next call uses the same memory
		}
		faces = append(faces, all)
	}
	return faces, nil
}
