package data

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vaelab/internal/folder"
	"vaelab/internal/magic"
)

// readPNGs reads the PNG files below a directory, behind links too, in the order of their names. If they lie
// in directories of their own, the path of that is the class, and images of all classes come in turns, see inTurns.
// Files that are no PNG are left out with a warning, hidden ones without.
func readPNGs(root string) (g *gallery, doubts []error, err error) {
	paths, err := folder.Files(root, func(dir string) bool { return dir == root || !hidden(dir) })
	if err != nil {
		return nil, nil, err
	}
	g = &gallery{}
	var others []string
	classes := map[string]bool{}
	for _, path := range paths {
		if hidden(path) {
			continue
		}
		ok, err := g.add(path)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		if !ok {
			others = append(others, path)
			continue
		}
		class, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return nil, nil, err
		}
		g.names = append(g.names, filepath.ToSlash(class))
		classes[class] = true
	}
	switch {
	case len(g.rows) == 0 && len(others) > 0 && mistaken(others[0]) != nil:
		return nil, nil, fmt.Errorf("%s: %w", others[0], mistaken(others[0]))
	case len(g.rows) == 0:
		return nil, nil, fmt.Errorf("%s: there is no PNG file in the folder; convert the images to PNG, or check the path", root)
	case classes["."] && len(classes) > 1:
		return nil, nil, fmt.Errorf("%s: some images are in the folder and some in its subfolders, which are classes; move all of them into subfolders, or all into the folder", root)
	case classes["."]:
		g.names = nil
	default:
		g.inTurns()
	}
	if len(others) > 0 {
		doubts = append(doubts, fmt.Errorf("%s: %d files that are not PNG were left out, such as %s", root, len(others), filepath.Base(others[0])))
	}
	return g, doubts, nil
}

// mistaken says what else a file is that is not PNG, if that shows.
func mistaken(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, magic.Head)
	n, _ := io.ReadFull(f, head)
	return magic.Mistaken(head[:n])
}

// hidden tells whether a file or folder is meant not to be seen.
func hidden(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") }

// inTurns mixes the images of all classes evenly, each class in its own order, so that the first and the last of them,
// which limits and hold_out take, are of all classes in proportion.
func (g *gallery) inTurns() {
	total, seen := map[string]int{}, map[string]int{}
	for _, n := range g.names {
		total[n]++
	}
	type place struct {
		share float64 // of the class that comes before, and half of the image itself
		i     int
	}
	places := make([]place, len(g.names))
	for i, n := range g.names {
		places[i] = place{(float64(seen[n]) + 0.5) / float64(total[n]), i}
		seen[n]++
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.share, b.share) })
	rows, names := make([][]float32, len(places)), make([]string, len(places))
	for to, p := range places {
		rows[to], names[to] = g.rows[p.i], g.names[p.i]
	}
	g.rows, g.names = rows, names
}

// add reads one file; it reports false if that is not PNG.
func (g *gallery) add(path string) (ok bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, 8)
	if n, _ := f.ReadAt(begin, 0); string(begin[:n]) != "\x89PNG\r\n\x1a\n" {
		return false, nil
	}
	size, err := png.DecodeConfig(f)
	if err != nil {
		return false, fmt.Errorf("%w; the image is damaged: write it again or remove it", err)
	}
	if len(g.rows) == 0 {
		g.height, g.width = size.Height, size.Width
	}
	if size.Height != g.height || size.Width != g.width {
		return false, fmt.Errorf("the image has %d x %d pixels, the first has %d x %d; scale them all to one size", size.Height, size.Width, g.height, g.width)
	}
	if size.Height > maxPixels/size.Width || len(g.rows) > maxNumbers/(size.Height*size.Width) {
		return false, fmt.Errorf("images of %d x %d are too large or too many; scale them down or remove some", size.Height, size.Width)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return false, err
	}
	picture, err := png.Decode(f)
	if err != nil {
		return false, fmt.Errorf("%w; the image is damaged: write it again or remove it", err)
	}
	g.rows = append(g.rows, pixels(picture))
	return true, nil
}

// pixels are the grey values of an image in [0,1], row by row; what is transparent is black.
func pixels(picture image.Image) []float32 {
	b := picture.Bounds()
	row := make([]float32, 0, b.Dx()*b.Dy())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			grey := color.Gray16Model.Convert(picture.At(x, y)).(color.Gray16)
			row = append(row, float32(grey.Y)/65535)
		}
	}
	return row
}
