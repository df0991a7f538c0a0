// Package plots draws the figures of a report, one file per figure. A figure is a pure
// function of rows: it sees a record.Set and nothing else, so it cannot train, load a model
// or read a clock, and the same rows give the same bytes.
//
// A new figure is a new file: a struct whose doc comment says what it shows, a Draw method
// that collects the numbers, puts every one that it draws into the table, says what they show (findings.go), and
// lays out a page; and an init that adds it to Figures. No figure takes anything from the file of another: what
// several need of rows is in projections.go. The house style is in style.go and page.go; style.go says
// which colour a variant has.
package plots

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"git.sr.ht/~sbinet/gg"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"vaelab/internal/record"
	"vaelab/internal/registry"
)

//go:embed *.go
var src embed.FS

// Figures holds all figures by name.
var Figures = registry.New[Figure]("figure", src)

// A Figure is a pure function of rows.
type Figure interface {
	// Draw returns the figure of the set's runs. It returns an error that names what is
	// missing if there is nothing to draw; lesser doubts go into the caption.
	Draw(set *record.Set) (*Drawing, error)
}

// A Drawing is a finished figure: a picture, its caption, and the numbers in it.
type Drawing struct {
	Finding       string     // what the figure shows of these rows: a sentence with a number, or ""
	Caption       string     // what stands below the picture, too: the finding, then how to read the figure
	Table         [][]string // header and rows: the very numbers drawn, to six digits
	Width, Height vg.Length

	page    page
	layout  Layout
	draw    func(draw.Canvas)
	picture []byte // once drawn
}

// PNG returns the picture; it is drawn the first time only. A Drawing is for one goroutine.
func (d *Drawing) PNG() ([]byte, error) {
	if d.picture != nil {
		return d.picture, nil
	}
	w := workshops.Get().(*workshop)
	defer workshops.Put(w)
	picture := w.image(d.Pixels())
	c := gg.NewContextForRGBA(picture)
	c.SetLineCapButt()
	c.InvertY()
	d.draw(draw.New(vgimg.NewWith(vgimg.UseImageWithContext(picture, c), vgimg.UseDPI(d.layout.DPI))))
	w.png.Reset()
	fast := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: w}
	if err := fast.Encode(&w.png, picture); err != nil {
		return nil, err
	}
	d.picture = withPHYs(w.png.Bytes(), d.layout.DPI)
	return d.picture, nil
}

// Inches is the width of the picture.
func (d *Drawing) Inches() float64 { return float64(d.Width / vg.Inch) }

// Pixels is the size of the picture that PNG returns.
func (d *Drawing) Pixels() (width, height int) {
	dpi := vg.Length(d.layout.DPI)
	return int(d.Width/vg.Inch*dpi + 0.5), int(d.Height/vg.Inch*dpi + 0.5)
}

// A workshop is the memory in which a figure is drawn: some ten megabytes, which a report with twenty
// figures asks for only once a processor.
type workshop struct {
	pixels  []byte
	png     bytes.Buffer
	encoder *png.EncoderBuffer
}

var workshops = sync.Pool{New: func() any { return new(workshop) }}

// image is an image of the workshop's memory, which whoever draws in it fills.
func (w *workshop) image(width, height int) *image.RGBA {
	n := 4 * width * height
	w.pixels = slices.Grow(w.pixels[:0], n)[:n]
	return &image.RGBA{Pix: w.pixels, Stride: 4 * width, Rect: image.Rect(0, 0, width, height)}
}

// Get and Put make the workshop an encoder's pool of one.
func (w *workshop) Get() *png.EncoderBuffer  { return w.encoder }
func (w *workshop) Put(b *png.EncoderBuffer) { w.encoder = b }

// CSV returns the table.
func (d *Drawing) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	err := w.WriteAll(d.Table)
	return b.Bytes(), err
}

// An Output is how figures are saved: their layout, and the formats of their files. The zero value is a PNG in the default layout.
type Output struct {
	Layout
	Formats []string
}

// Save draws a figure of a set by its name and saves it in dir. What the rows lack (refused) is no fault of
// the folder (failed).
func Save(set *record.Set, dir, name string, out Output) (d *Drawing, refused, failed error) {
	figure, err := Figures.Get(name)
	if err != nil {
		return nil, nil, err
	}
	if d, err = figure.Draw(set); err != nil {
		return nil, err, nil
	}
	if err := set.Err(); err != nil {
		return nil, nil, err
	}
	d = d.As(out.Layout)
	return d, nil, d.Save(dir, name, out.Formats...)
}

// Save writes name.png, or other formats, and name.csv into dir, which it makes if need be. All change, or none; see
// record.WriteFiles.
func (d *Drawing) Save(dir, name string, formats ...string) error {
	if len(formats) == 0 {
		formats = Formats[:1]
	}
	table, err := d.CSV()
	if err != nil {
		return fmt.Errorf("plots: %s: %w", name, err)
	}
	files := []record.File{record.Bytes(filepath.Join(dir, name+".csv"), table)}
	for _, format := range formats {
		picture, err := d.encode(format)
		if err != nil {
			return fmt.Errorf("plots: %s: %w", name, err)
		}
		files = append(files, record.Bytes(filepath.Join(dir, name+"."+format), picture))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return record.WriteFiles(files...)
}
