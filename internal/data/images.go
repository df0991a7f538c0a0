package data

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"vaelab/internal/vae"
)

func init() {
	Sources.Add("images", Images{Binarise: "dynamic", Threshold: 0.5, Seed: 1, Given: givenNothing})
}

// Images is black and white images from your own files.
//
// A file is IDX (MNIST), .npy or .npz (NumPy), .mat (MATLAB 5, as Burda's chardata.mat), or
// numbers as text, one image a line (.amat); all but .npz may be compressed by gzip. What it
// is, its first bytes tell and not its name. A directory stands for the PNG files in it, in
// the order of their names; the directories below it are classes.
//
// Values up to 1 are taken as they are, up to 255 divided by 255 and up to 65535 by 65535,
// by the largest of the file. Ink should be bright on 0, see Invert.
type Images struct {
	// Train is the path of the images to train on, relative to the working directory or to
	// the folder of the experiment's file.
	Train string `yaml:"train" alias:"train_data" kind:"path"`
	// Valid is the path of the images for model selection; empty means those of HoldOut.
	Valid string `yaml:"valid" alias:"val|val_data|dev" kind:"path"`
	// Test is the path of the images to test on.
	Test string `yaml:"test" alias:"test_data" kind:"path"`
	// TrainLabels is the path of train's classes, a number for each image; empty means none.
	TrainLabels string `yaml:"train_labels" kind:"path"`
	// ValidLabels is the path of valid's classes.
	ValidLabels string `yaml:"valid_labels" alias:"val_labels" kind:"path"`
	// TestLabels is the path of test's classes.
	TestLabels string `yaml:"test_labels" kind:"path"`
	// Variable is which array of .npz and .mat files holds the images: one name for all, or
	// three with commas between, for train, valid and test. Empty tries the usual names.
	Variable string `yaml:"variable"`
	// LabelsVariable is which array holds the classes, given as Variable is.
	LabelsVariable string `yaml:"labels_variable"`
	// HoldOut is the number of images at the end of train that become valid, if valid has no path. A file that
	// is sorted by class has to be shuffled before: the last images are then of the last classes.
	HoldOut int `yaml:"hold_out" range:"[0,inf)"`
	// Height is that of images in files that do not tell; 0 means that they are square.
	Height int `yaml:"height" range:"[0,4096]"`
	// Transpose exchanges rows and columns; try it if images lie on their side.
	Transpose bool `yaml:"transpose"`
	// Invert makes black white; it is for dark ink on bright paper.
	Invert bool `yaml:"invert"`
	// Binarise says how grey values become pixels: train drawn anew at each training step
	// and the rest once, all drawn once, or 1 above Threshold. With none they stay grey, and
	// the images are vectors to a model.
	Binarise string `yaml:"binarise" choice:"dynamic|static|threshold|none" alias:"binarize"`
	// Threshold is the value above which a pixel is 1, if that is how pixels are made.
	Threshold float64 `yaml:"threshold" range:"[0,1)"`
	// Seed is the random seed of the pixels; it is independent of the trial's seed.
	Seed uint64 `yaml:"seed"`
	// LimitTrain is the number of images of train to use, from the first, after HoldOut; 0 means all.
	LimitTrain int `yaml:"limit_train" range:"[0,inf)"`
	// LimitValid is the number of images of valid to use, from the first; 0 means all.
	LimitValid int `yaml:"limit_valid" range:"[0,inf)"`
	// LimitTest is the number of images of test to use, from the first; 0 means all.
	LimitTest int `yaml:"limit_test" range:"[0,inf)"`
	// Given is what a model is given with each image, as a condition: nothing, or its label.
	Given string `yaml:"given" choice:"nothing|label" neutral:"nothing"`
}

// Kind is images, or vectors if the values stay grey.
func (c Images) Kind() vae.Kind { return pixelKind(c.Binarise) }

// Gives is label or nothing.
func (c Images) Gives() vae.Kind { return kindGiven(c.Given) }

// Load reads the files. An error names the file and what to do about it.
func (c Images) Load() (*Set, error) {
	set, err := c.load()
	if err != nil {
		return nil, fmt.Errorf("images: %w", err)
	}
	return set, nil
}

// An imageFile is the settings of one split and what was read with them.
type imageFile struct {
	split, path, labels string
	limit               int
	usual, usualLabels  []string // names of variables

	*gallery
	variable string
	classes  []int
}

// load is Load, with errors that do not name the source yet.
func (c Images) load() (*Set, error) {
	files := []*imageFile{
		{split: "train", path: c.Train, labels: c.TrainLabels, limit: c.LimitTrain,
			usual:       []string{"x_train", "train_images", "train", "data", "images", "X", "x", "arr_0"},
			usualLabels: []string{"y_train", "train_labels", "targetchar", "labels", "label", "y", "target"}},
		{split: "valid", path: c.Valid, labels: c.ValidLabels, limit: c.LimitValid,
			usual:       []string{"x_valid", "x_val", "valid_images", "val_images", "validdata", "valid", "val", "images", "X", "x"},
			usualLabels: []string{"y_valid", "y_val", "valid_labels", "val_labels", "labels", "label", "y"}},
		{split: "test", path: c.Test, labels: c.TestLabels, limit: c.LimitTest,
			usual:       []string{"x_test", "test_images", "testdata", "test", "images", "X", "x"},
			usualLabels: []string{"y_test", "test_labels", "testtargetchar", "labels", "label", "y"}},
	}
	set := &Set{Name: "images"}
	for _, f := range files {
		doubts, err := c.read(f)
		if err != nil {
			return nil, &SplitError{f.split, err}
		}
		set.Warnings = append(set.Warnings, doubts...)
	}
	if err := c.check(set, files); err != nil {
		return nil, err
	}
	var err error
	if set.Classes, err = numberClasses(files); err != nil {
		return nil, err
	}
	set.Warnings = append(set.Warnings, classDoubts(files[0], files[1:])...)
	for i, to := range []*Split{&set.Train, &set.Valid, &set.Test} {
		if f := files[i]; f.gallery != nil {
			*to = Split{Values: f.rows, Labels: f.classes}
		}
	}
	if err := c.holdOut(set); err != nil {
		return nil, err
	}
	for i, to := range []*Split{&set.Train, &set.Valid, &set.Test} {
		to.first(files[i].limit)
	}
	set.Warnings = append(set.Warnings, c.cutDoubts(set)...)
	set.Warnings = append(set.Warnings, repeatDoubts([][]uint64{set.Train.keys(), set.Valid.keys(), set.Test.keys()}, paths(files), "images")...)
	set.binarise(c.Binarise, c.Threshold, c.Seed)
	if err := set.give(c.Given, "name their files, such as train_labels, or use folders of PNG files as classes"); err != nil {
		return nil, err
	}
	set.Digest = set.digest()
	return set, nil
}

// paths tells the files apart by their paths and variables; valid held out of train has a name of its own.
func paths(files []*imageFile) (all []string) {
	for _, f := range files {
		switch {
		case f.path == "":
			all = append(all, f.split)
		case f.variable != "":
			all = append(all, f.path+" "+f.variable)
		default:
			all = append(all, f.path)
		}
	}
	return all
}

// read reads the images of one split and their classes.
func (c Images) read(f *imageFile) (doubts []error, err error) {
	switch {
	case f.path == "" && f.labels != "":
		return nil, fmt.Errorf("labels %s have no images; set %s, too", f.labels, f.split)
	case f.path == "":
		return nil, nil
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, fmt.Errorf("%w; check the path, which is relative to the working directory", err)
	}
	if info.IsDir() {
		f.gallery, doubts, err = readPNGs(f.path)
	} else {
		f.gallery, err = c.readImages(f)
	}
	if err != nil {
		return nil, err
	}
	if err := f.gallery.finish(c.Invert, c.Transpose != f.gallery.columns); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	if f.labels != "" {
		err = c.readLabels(f)
	}
	return doubts, err
}

// readImages reads a file that holds an array.
func (c Images) readImages(f *imageFile) (*gallery, error) {
	want := variable{setting: "variable", usual: f.usual}
	var err error
	if want.name, err = ofSplit(c.Variable, f.split); err != nil {
		return nil, fmt.Errorf("variable: %w", err)
	}
	a, err := readArray(f.path, want)
	if err != nil {
		return nil, err
	}
	f.variable = a.variable
	g, err := a.gallery(c.Height)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return g, nil
}

// maxClass bounds the number of a class.
const maxClass = 99999

// readLabels reads the classes of a split's images.
func (c Images) readLabels(f *imageFile) error {
	if f.names != nil {
		return fmt.Errorf("%s: its subfolders are the classes; leave out %s_labels", f.path, f.split)
	}
	want := variable{setting: "labels_variable", usual: f.usualLabels}
	var err error
	if want.name, err = ofSplit(c.LabelsVariable, f.split); err != nil {
		return fmt.Errorf("labels_variable: %w", err)
	}
	a, err := readArray(f.labels, want)
	if err != nil {
		return err
	}
	if most := slices.Max(a.dims); most != len(a.values) {
		return fmt.Errorf("%s: is an array of %s, and must be one number for each image; is it the file of the labels?", f.labels, shape(a.dims))
	}
	if len(a.values) != len(f.rows) {
		return fmt.Errorf("%s: %d labels for the %d images of %s; name the files that belong together", f.labels, len(a.values), len(f.rows), f.path)
	}
	f.classes = make([]int, len(a.values))
	for i, v := range a.values {
		if !(v >= 0 && v <= maxClass) || v != float32(int(v)) {
			return fmt.Errorf("%s: label %d is %v, and must be a whole number from 0 to %d; is it the file of the labels?", f.labels, i+1, v, maxClass)
		}
		f.classes[i] = int(v)
	}
	return nil
}

// ofSplit returns the part of a setting that is for a split: all of it, or one of three.
func ofSplit(setting, split string) (string, error) {
	names := strings.Split(setting, ",")
	for i, n := range names {
		names[i] = strings.TrimSpace(n)
	}
	switch len(names) {
	case 1:
		return names[0], nil
	case 3:
		return names[slices.Index([]string{"train", "valid", "test"}, split)], nil
	}
	return "", fmt.Errorf("must be one name, or three names with commas between them for train, valid and test, got %q", clip(setting))
}

// check sets the size of the images, which all splits must share.
func (c Images) check(set *Set, files []*imageFile) error {
	var first *imageFile
	for i, f := range files {
		if f.gallery == nil {
			continue
		}
		if first == nil {
			first = f
			set.Height, set.Width = f.height, f.width
		}
		if f.height != first.height || f.width != first.width {
			return fmt.Errorf("%s has images of %d x %d and %s of %d x %d; all must have the same size: scale them, or check the paths",
				first.split, first.height, first.width, f.split, f.height, f.width)
		}
		for _, other := range files[:i] {
			if other.gallery != nil && other.path == f.path && other.variable == f.variable {
				set.Warnings = append(set.Warnings, fmt.Errorf("%s: %s and %s are the same images", f.path, other.split, f.split))
			}
		}
	}
	if first == nil {
		return errors.New("none of train, valid and test is set; give the path of at least one")
	}
	return nil
}

// numberClasses numbers the classes that are directories, in the alphabetical order of all splits', and returns their
// names.
func numberClasses(files []*imageFile) (names []string, err error) {
	known := map[string]int{}
	var named, numbered *imageFile
	for _, f := range files {
		switch {
		case f.classes != nil:
			numbered = f
		case f.gallery != nil && f.names != nil:
			named = f
			for _, n := range f.names {
				known[n] = 0
			}
		}
	}
	if named != nil && numbered != nil {
		return nil, fmt.Errorf("the classes of %s are folders and those of %s are numbers, so they cannot be compared; leave out %s_labels", named.split, numbered.split, numbered.split)
	}
	names = slices.Sorted(maps.Keys(known))
	for i, n := range names {
		known[n] = i
	}
	for _, f := range files {
		if f.gallery == nil {
			continue
		}
		for _, n := range f.names {
			f.classes = append(f.classes, known[n])
		}
	}
	return names, nil
}

// classDoubts says what is odd about the classes of other splits, given those of train: a misspelt directory, or none.
// It is no error, as in OMNIGLOT train and test have different alphabets.
func classDoubts(train *imageFile, others []*imageFile) (doubts []error) {
	if train.gallery == nil || train.classes == nil {
		return nil
	}
	known := map[string]bool{}
	for _, n := range train.names {
		known[n] = true
	}
	for _, f := range others {
		switch {
		case f.gallery == nil:
		case f.classes == nil:
			doubts = append(doubts, fmt.Errorf("%s: the images of %s have no classes, but those of train do; no metric that needs labels is measured there", f.path, f.split))
		case train.names != nil:
			strange := map[string]bool{}
			for _, n := range f.names {
				if !known[n] {
					strange[n] = true
				}
			}
			if names := slices.Sorted(maps.Keys(strange)); len(names) > 0 {
				doubts = append(doubts, fmt.Errorf("%s: %d of the classes of %s do not occur in train, such as %q; a probe cannot learn them", f.path, len(names), f.split, names[0]))
			}
		}
	}
	return doubts
}

// cutDoubts warns of classes that training lacks because images were taken by their place in the file.
func (c Images) cutDoubts(set *Set) []error {
	if c.HoldOut == 0 && c.LimitTrain == 0 || set.Train.Labels == nil {
		return nil
	}
	trained, others := map[int]bool{}, map[int]bool{}
	for _, y := range set.Train.Labels {
		trained[y] = true
	}
	for _, y := range slices.Concat(set.Valid.Labels, set.Test.Labels) {
		if !trained[y] {
			others[y] = true
		}
	}
	if len(others) == 0 {
		return nil
	}
	return []error{fmt.Errorf("hold_out %d and limit_train %d leave train without %d of the classes of valid and test: the file seems sorted by class; shuffle it", c.HoldOut, c.LimitTrain, len(others))}
}

// holdOut moves the last images of train to valid.
func (c Images) holdOut(set *Set) error {
	n := set.Train.N() - c.HoldOut
	switch {
	case c.HoldOut == 0:
		return nil
	case c.Valid != "":
		return fmt.Errorf("hold_out %d, but valid has a path; leave out one of the two", c.HoldOut)
	case n < 1:
		return fmt.Errorf("hold_out %d leaves none of the %d images of train; lower it", c.HoldOut, set.Train.N())
	}
	all := set.Train
	set.Train.Values, set.Valid.Values = all.Values[:n], all.Values[n:]
	if all.Labels != nil {
		set.Train.Labels, set.Valid.Labels = all.Labels[:n], all.Labels[n:]
	}
	return nil
}

// first keeps the first n images; 0 keeps all.
func (s *Split) first(n int) {
	if n == 0 || n >= s.N() {
		return
	}
	s.Values = s.Values[:n]
	if s.Labels != nil {
		s.Labels = s.Labels[:n]
	}
}

// A gallery is images of one size, row by row.
type gallery struct {
	rows          [][]float32
	height, width int
	columns       bool     // not yet row by row, but column by column
	names         []string // the class of each image, or nil
}

// maxPixels bounds the size of an image.
const maxPixels = 1 << 20

// gallery cuts an array into images: N x H x W, with one channel N x H x W x 1 or
// N x 1 x H x W, or N x P with a height that is given or the root of P.
func (a *array) gallery(height int) (*gallery, error) {
	dims := a.dims
	if len(dims) == 4 && (dims[1] == 1 || dims[3] == 1) {
		dims = dims[:3]
		if a.dims[1] == 1 {
			dims = []int{a.dims[0], a.dims[2], a.dims[3]}
		}
	}
	g := &gallery{columns: a.columns}
	switch len(dims) {
	case 3:
		g.height, g.width = dims[1], dims[2]
	case 2:
		var err error
		if a, err = a.flat(height); err != nil {
			return nil, err
		}
		g.height, g.width = sides(a.dims[1], height)
		if a.columns { // as with a file of H x W x N, whose array is N x W x H
			g.height, g.width = g.width, g.height
		}
	default:
		return nil, fmt.Errorf("is an array of %s, and must be grey images, N x height x width; is it the file of the labels, or in colour?", shape(a.dims))
	}
	P := g.height * g.width
	if P > maxPixels {
		return nil, fmt.Errorf("images of %d x %d have more than %d pixels; scale them down", g.height, g.width, maxPixels)
	}
	g.rows = slices.Collect(slices.Chunk(a.values, P))
	return g, nil
}

// flat checks that the rows of an array can be images. MATLAB's N x P is turned into P x N,
// which is the usual there.
func (a *array) flat(height int) (*array, error) {
	rows, columns := a.dims[0], a.dims[1]
	_, fits := sides(columns, height)
	_, other := sides(rows, height)
	switch {
	case a.columns && fits > 0 && other > 0 && height == 0:
		return nil, fmt.Errorf("is a matrix of %d x %d, and either number may be the pixels of an image; set height", columns, rows)
	case a.columns && fits == 0 && other > 0:
		turned := (&array{variable: a.variable, dims: []int{columns, rows}, values: a.values}).turned()
		turned.columns = true
		return turned, nil
	case fits == 0:
		return nil, fmt.Errorf("rows of %d numbers are neither square images nor images with a height of %d; set height", columns, height)
	}
	return a, nil
}

// sides are the height and width of an image of P pixels, a square without a height. The
// width is 0 if there is none.
func sides(P, height int) (int, int) {
	if height == 0 {
		if height = int(math.Round(math.Sqrt(float64(P)))); height*height != P {
			return height, 0
		}
	}
	if P%height != 0 {
		return height, 0
	}
	return height, P / height
}

// finish brings all values into [0,1], and each image into the order of rows.
func (g *gallery) finish(invert, transpose bool) error {
	top := float32(0)
	for i, row := range g.rows {
		for _, v := range row {
			if !(v >= 0 && v <= 65535) {
				return fmt.Errorf("image %d has the value %v, and values must be 0 to 1, 0 to 255 or 0 to 65535; scale them", i+1, v)
			}
			top = max(top, v)
		}
	}
	scale := float32(1)
	switch {
	case top > 255:
		scale = 65535
	case top > 1:
		scale = 255
	}
	for _, row := range g.rows {
		for p, v := range row {
			if row[p] = v / scale; invert {
				row[p] = 1 - v/scale
			}
		}
	}
	if !transpose {
		return nil
	}
	H, W := g.width, g.height
	for i, row := range g.rows {
		turned := make([]float32, len(row))
		for p := range turned {
			turned[p] = row[p%W*H+p/W]
		}
		g.rows[i] = turned
	}
	g.height, g.width = H, W
	return nil
}
