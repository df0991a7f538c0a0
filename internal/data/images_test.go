package data

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/stream"
)

// images is the registered default.
func images(t testing.TB) Images {
	t.Helper()
	d, err := Sources.Get("images")
	if err != nil {
		t.Fatal(err)
	}
	return d.(Images)
}

// The images that every format stores in these tests: three of 2 x 3 pixels, with values
// that a wrong order of the indices would show.
var (
	small      = []uint8{0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 255}
	smallDims  = []int{3, 2, 3}
	smallPlain = func() (s string) {
		for n := range 3 {
			s += strings.Trim(fmt.Sprint(small[6*n:6*n+6]), "[]") + "\n"
		}
		return s
	}()
)

// permuted returns the values of small in the order of the dimensions given, the last
// fastest: 2, 1, 0 is MATLAB's and Fortran's.
func permuted(order ...int) (out []uint8) {
	strides := []int{6, 3, 1}
	for i := range smallDims[order[0]] {
		for j := range smallDims[order[1]] {
			for k := range smallDims[order[2]] {
				out = append(out, small[i*strides[order[0]]+j*strides[order[1]]+k*strides[order[2]]])
			}
		}
	}
	return out
}

// as writes numbers in a type and byte order.
func as[T any](order binary.ByteOrder, values []uint8, convert func(uint8) T) []byte {
	var b bytes.Buffer
	for _, v := range values {
		binary.Write(&b, order, convert(v))
	}
	return b.Bytes()
}

func idx(of byte, dims []int, body []byte) []byte {
	b := []byte{0, 0, of, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, body...)
}

func npy(descr, fortran, shape string, body []byte) []byte {
	header := fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", descr, fortran, shape)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	return append(append(b, header...), body...)
}

func npz(t testing.TB, arrays ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(arrays); i += 2 {
		w, err := z.Create(arrays[i].(string))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(arrays[i+1].([]byte))
	}
	z.Close()
	return b.Bytes()
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// part is an element of a MATLAB file, padded; up to four bytes are packed into the tag.
func part(order binary.ByteOrder, of int, body []byte) []byte {
	b := make([]byte, 8)
	if n := len(body); n > 0 && n <= 4 {
		order.PutUint32(b, uint32(n<<16|of))
		copy(b[4:], body)
		return b
	}
	order.PutUint32(b, uint32(of))
	order.PutUint32(b[4:], uint32(len(body)))
	b = append(b, body...)
	return append(b, make([]byte, (8-len(body)%8)%8)...)
}

// matVariable is a numeric matrix of the class and with numbers of the type given.
func matVariable(order binary.ByteOrder, name string, class, of int, dims []int32, body []byte) []byte {
	var d bytes.Buffer
	binary.Write(&d, order, dims)
	flags := make([]byte, 8)
	order.PutUint32(flags, uint32(class))
	return part(order, 14, slices.Concat(part(order, 6, flags), part(order, 5, d.Bytes()), part(order, 1, []byte(name)), part(order, of, body)))
}

func mat5(order binary.ByteOrder, variables ...[]byte) []byte {
	b := append([]byte("MATLAB 5.0 MAT-file"), bytes.Repeat([]byte(" "), 105)...)
	end := make([]byte, 4)
	order.PutUint16(end, 0x0100)
	order.PutUint16(end[2:], 'M'<<8|'I')
	b = append(b, end...)
	return append(b, slices.Concat(variables...)...)
}

// packed is a variable compressed as MATLAB saves it; its element has no padding.
func packed(variable []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	z.Write(variable)
	z.Close()
	b := binary.LittleEndian.AppendUint32(nil, 15)
	return append(binary.LittleEndian.AppendUint32(b, uint32(out.Len())), out.Bytes()...)
}

var little, big = binary.ByteOrder(binary.LittleEndian), binary.ByteOrder(binary.BigEndian)

func double(v uint8) float64 { return float64(v) }

// TestImageFormats: the same three images, in every way that a file may hold them.
func TestImageFormats(t *testing.T) {
	u1 := func(v uint8) uint8 { return v }
	inMatlab := permuted(0, 2, 1) // images one after the other, each column by column
	columns := as(little, inMatlab, double)
	other := matVariable(little, "other", 6, 9, []int32{1, 1}, as(little, []uint8{7}, double))
	cell := part(little, 14, slices.Concat(part(little, 6, []byte{1, 0, 0, 0, 0, 0, 0, 0}), []byte("whatever")))
	for name, content := range map[string][]byte{
		"idx":             idx(0x08, smallDims, small),
		"idx.gz":          gz(idx(0x08, smallDims, small)),
		"idx of shorts":   idx(0x0B, smallDims, as(big, small, func(v uint8) uint16 { return uint16(v) * 257 })),
		"idx of floats":   idx(0x0D, smallDims, as(big, small, func(v uint8) float32 { return float32(v) / 255 })),
		"idx of doubles":  idx(0x0E, smallDims, as(big, small, double)),
		"npy u1":          npy("'|u1'", "False", "(3, 2, 3)", small),
		"npy f4":          npy("'<f4'", "False", "(3, 2, 3)", as(little, small, func(v uint8) float32 { return float32(v) })),
		"npy big f8":      npy("'>f8'", "False", "(3, 2, 3)", as(big, small, double)),
		"npy i4":          npy("'<i4'", "False", "(3, 2, 3)", as(little, small, func(v uint8) int32 { return int32(v) })),
		"npy i8":          npy("'<i8'", "False", "(3, 2, 3)", as(little, small, func(v uint8) int64 { return int64(v) })),
		"npy flat":        npy("'|u1'", "False", "(3, 6)", small),
		"npy Fortran":     npy("'|u1'", "True", "(3, 2, 3)", permuted(2, 1, 0)),
		"npy channel end": npy("'|u1'", "False", "(3, 2, 3, 1)", small),
		"npy channel 1":   npy("'|u1'", "False", "(3, 1, 2, 3)", small),
		"npy.gz":          gz(npy("'|u1'", "False", "(3, 2, 3)", small)),
		"npz":             npz(t, "y_train.npy", npy("'|u1'", "False", "(3,)", small[:3]), "x_train.npy", npy("'|u1'", "False", "(3, 2, 3)", small)),
		"npz of one":      npz(t, "strange.npy", npy("'|u1'", "False", "(3, 2, 3)", small)),
		"mat":             mat5(little, other, matVariable(little, "data", 6, 9, []int32{6, 3}, columns)),
		"mat as bytes":    mat5(little, matVariable(little, "data", 6, 2, []int32{6, 3}, as(little, inMatlab, u1)), other),
		"mat packed":      mat5(little, packed(other), packed(cell), packed(matVariable(little, "data", 6, 9, []int32{6, 3}, columns))),
		"mat H x W x N":   mat5(little, matVariable(little, "images", 9, 2, []int32{2, 3, 3}, inMatlab), cell),
		"mat big-endian":  mat5(big, matVariable(big, "data", 6, 9, []int32{6, 3}, as(big, inMatlab, double))),
		"amat":            []byte(smallPlain),
		"amat.gz":         gz([]byte("\n" + strings.ReplaceAll(smallPlain, " ", "\t") + "\n")),
	} {
		t.Run(name, func(t *testing.T) {
			c := images(t)
			c.Train, c.Height = write(t, "train.bin", string(content)), 2
			set := load(t, c)
			if set.Height != 2 || set.Width != 3 || !set.Grey || !set.Train.Grey || set.Train.N() != 3 {
				t.Fatalf("%d images of %d x %d, grey %v", set.Train.N(), set.Height, set.Width, set.Grey)
			}
			for i, row := range set.Train.Values {
				for p, v := range row {
					if want := float32(small[6*i+p]) / 255; math.Abs(float64(v-want)) > 1e-6 {
						t.Fatalf("image %d pixel %d: got %v, want %v", i, p, v, want)
					}
				}
			}
		})
	}
}

// TestImagesOfMatlabInRows: N x P, as some have it, is told from P x N by what can be an image.
func TestImagesOfMatlabInRows(t *testing.T) {
	c := images(t)
	body := []byte{1, 5, 0, 0, 0, 9, 0, 0, 0, 2, 4, 8} // 3 x 4, column by column: images 1 0 0 2, 5 0 0 4, 0 9 0 8
	c.Train = write(t, "a.mat", string(mat5(little, matVariable(little, "a", 9, 2, []int32{3, 4}, body))))
	set := load(t, c)
	want := [][]float32{{1, 0, 0, 2}, {5, 0, 0, 4}, {0, 0, 9, 8}} // each transposed
	for i, row := range set.Train.Values {
		for p, v := range row {
			if math.Abs(float64(255*v-want[i][p])) > 1e-4 {
				t.Errorf("image %d: %v, want %v / 255", i, row, want[i])
			}
		}
	}
}

func pngFile(t testing.TB, path string, pix ...uint8) {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, len(pix)/2, 2))
	for i, v := range pix {
		picture.SetGray(i%(len(pix)/2), i/(len(pix)/2), color.Gray{Y: v})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestImageDirectories(t *testing.T) {
	train, test := t.TempDir(), t.TempDir()
	pngFile(t, filepath.Join(train, "b/2.png"), 255, 0, 0, 255)
	pngFile(t, filepath.Join(train, "b/1.jpeg"), 0, 0, 0, 0) // the name tells nothing
	pngFile(t, filepath.Join(train, "d/x/1.png"), 255, 255, 255, 255)
	os.WriteFile(filepath.Join(train, "d/readme"), []byte("hello"), 0o666)
	os.WriteFile(filepath.Join(train, ".DS_Store"), []byte("hello"), 0o666)
	pngFile(t, filepath.Join(test, "a/1.png"), 0, 255, 0, 0)
	pngFile(t, filepath.Join(test, "b/1.png"), 0, 255, 0, 0)
	c := images(t)
	c.Train, c.Test, c.Invert = train, test, true
	set := load(t, c)
	if got, want := fmt.Sprint(set.Train.Values), "[[1 1 1 1] [0 0 0 0] [0 1 1 0]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !slices.Equal(set.Train.Labels, []int{1, 2, 1}) || !slices.Equal(set.Test.Labels, []int{0, 1}) {
		t.Errorf("labels %v and %v, want a 0, b 1, d/x 2", set.Train.Labels, set.Test.Labels)
	}
	if len(set.Warnings) != 2 {
		t.Fatalf("warnings %v", set.Warnings)
	}
	wantError(t, set.Warnings[0], "1 files that are not PNG", "readme")
	wantError(t, set.Warnings[1], test, "1 of the classes of test do not occur in train", `"a"`)
	c.Test = filepath.Join(test, "b")
	wantError(t, load(t, c).Warnings[1], c.Test, "the images of test have no classes, but those of train do")

	c.Train = filepath.Join(train, "b")
	if c.Test = ""; load(t, c).Train.Labels != nil {
		t.Error("images without directories of their own have labels")
	}
	for name, e := range map[string]struct {
		change func(dir string)
		says   []string
	}{
		"mixed sizes":   {func(dir string) { pngFile(t, filepath.Join(dir, "b/3.png"), 1, 2, 3, 4, 5, 6) }, []string{"3.png", "2 x 3", "2 x 2", "one size"}},
		"mixed places":  {func(dir string) { pngFile(t, filepath.Join(dir, "3.png"), 1, 2, 3, 4) }, []string{"some in its subfolders"}},
		"none":          {func(dir string) { os.RemoveAll(filepath.Join(dir, "b")) }, []string{"no PNG file"}},
		"damaged":       {func(dir string) { os.Truncate(filepath.Join(dir, "b/1.png"), 50) }, []string{"1.png", "damaged"}},
		"damaged early": {func(dir string) { os.Truncate(filepath.Join(dir, "b/1.png"), 20) }, []string{"1.png", "damaged"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := images(t)
			c.Train = t.TempDir()
			pngFile(t, filepath.Join(c.Train, "b/1.png"), 255, 0, 0, 255)
			e.change(c.Train)
			_, err := c.Load()
			wantError(t, err, append(e.says, "images: train: ")...)
		})
	}
}

// TestLinkedImageDirectories: a class that lies elsewhere and is linked is read as if it lay here.
func TestLinkedImageDirectories(t *testing.T) {
	whole, linked, far := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{whole, far} {
		pngFile(t, filepath.Join(dir, "a/1.png"), 255, 0, 0, 255)
	}
	for _, dir := range []string{whole, linked} {
		pngFile(t, filepath.Join(dir, "b/1.png"), 0, 255, 0, 0)
	}
	if err := os.Symlink(filepath.Join(far, "a"), filepath.Join(linked, "a")); err != nil {
		t.Skip(err)
	}
	c := images(t)
	c.Train = whole
	want := load(t, c)
	c.Train = linked
	if got := load(t, c); got.Digest != want.Digest || len(got.Warnings) > 0 {
		t.Errorf("digest %s, want %s; warnings %v", got.Digest, want.Digest, got.Warnings)
	}
}

// TestSortedFileIsWarnedOf: hold_out takes the last images, which of a file that is sorted are a class of their own.
func TestSortedFileIsWarnedOf(t *testing.T) {
	rows, sorted, mixed := make([][]float32, 6), []int{0, 0, 1, 1, 2, 2}, []int{0, 1, 2, 0, 1, 2}
	for name, c := range map[string]struct {
		labels []int
		hold   int
		want   int
	}{"sorted": {sorted, 2, 1}, "mixed": {mixed, 2, 0}, "nothing held out": {sorted, 0, 0}} {
		images := Images{HoldOut: c.hold}
		set := &Set{Train: Split{Values: rows, Labels: c.labels}}
		if err := images.holdOut(set); err != nil {
			t.Fatal(err)
		}
		if doubts := images.cutDoubts(set); len(doubts) != c.want {
			t.Errorf("%s: %v", name, doubts)
		}
	}
}

// TestImageClassesInTurns: a limit takes images of all classes in proportion, and so does hold_out.
func TestImageClassesInTurns(t *testing.T) {
	c := images(t)
	c.Train = t.TempDir()
	for i := range 40 {
		class := "a"
		if i%4 == 0 {
			class = "b"
		}
		pngFile(t, filepath.Join(c.Train, class, fmt.Sprintf("%02d.png", i)), uint8(i), 0, 0, 255)
	}
	c.HoldOut, c.LimitTrain = 8, 20
	set := load(t, c)
	for name, s := range map[string]Split{"train": set.Train, "valid": set.Valid} {
		count := [2]int{}
		for _, label := range s.Labels {
			count[label]++
		}
		if count[0] != 3*count[1] {
			t.Errorf("%s has %v images of two classes of 30 and 10", name, count)
		}
	}
}

// TestImageErrors: nothing that a file can hold is accepted silently or takes the memory
// that it claims.
func TestImageErrors(t *testing.T) {
	good := idx(0x08, smallDims, small)
	goodMat := mat5(little, matVariable(little, "data", 6, 9, []int32{6, 3}, as(little, permuted(0, 2, 1), double)))
	squeezed := mat5(little, packed(matVariable(little, "data", 6, 9, []int32{6, 3}, as(little, permuted(0, 2, 1), double))))
	huge := []int{1 << 31, 1 << 31, 1 << 31}
	bomb := gz(idx(0x08, []int{1, 2, 3}, make([]byte, 1<<22)))
	for name, c := range map[string]struct {
		content []byte
		says    []string
	}{
		"empty":               {nil, []string{"is empty"}},
		"nonsense":            {[]byte("nonsense\x01"), []string{"nonsense", "none of IDX"}},
		"web page":            {[]byte("<!DOCTYPE html>"), []string{"web page", "fetch it again"}},
		"HDF5":                {[]byte("\x89HDF\r\n\x1a\n"), []string{"HDF5", "-v7"}},
		"MATLAB 7.3":          {append([]byte("MATLAB 7.3 MAT-file"), make([]byte, 200)...), []string{"HDF5", "-v7"}},
		"one PNG":             {[]byte("\x89PNG\r\n\x1a\n"), []string{"one image", "directory"}},
		"idx short":           {good[:len(good)-1], []string{"ends after 17 of the 3 x 2 x 3 numbers", "truncated"}},
		"idx long":            {append(slices.Clone(good), 1), []string{"more bytes follow", "3 x 2 x 3"}},
		"idx header":          {good[:9], []string{"truncated"}},
		"idx type":            {idx(0x07, smallDims, small), []string{"00 00 07 03", "not an IDX file"}},
		"idx no dims":         {idx(0x08, nil, small), []string{"0 dimensions"}},
		"idx 200 dims":        {idx(0x08, make([]int, 200), small), []string{"200 dimensions", "corrupt"}},
		"idx overflow":        {idx(0x08, huge, small), []string{"2147483648 x 2147483648", "more than 268435456"}},
		"idx claims":          {idx(0x08, []int{200000, 28, 28}, small), []string{"ends after 18 of", "truncated"}},
		"idx no images":       {idx(0x08, []int{0, 28, 28}, nil), []string{"empty, 0 x 28 x 28"}},
		"idx labels":          {idx(0x08, []int{18}, small), []string{"an array of 18", "the file of the labels"}},
		"idx colour":          {idx(0x08, []int{1, 2, 3, 3}, small), []string{"an array of 1 x 2 x 3 x 3", "in colour"}},
		"idx negative":        {idx(0x09, smallDims, bytes.Repeat([]byte{0xff}, 18)), []string{"image 1 has the value -1"}},
		"gzip short":          {gz(good)[:30], []string{"truncated"}},
		"gzip header":         {[]byte("\x1f\x8b\x00\x00\x00\x00\x00\x00\x00\x00\x00"), []string{"gzip: invalid header", "damaged"}},
		"gzip checksum":       {flip(gz(good), -6), []string{"checksum", "damaged"}},
		"bomb":                {bomb, []string{"more bytes follow"}},
		"npy NaN":             {npy("'<f4'", "False", "(1, 1, 1)", []byte{0, 0, 0xc0, 0x7f}), []string{"image 1 has the value NaN"}},
		"npy objects":         {npy("'|O'", "False", "(3,)", small), []string{"cannot read the .npy header"}},
		"npy text":            {npy("'<U4'", "False", "(3,)", small), []string{"the type <U4", "uint8"}},
		"npy records":         {npy("[('a', '<f4')]", "False", "(3,)", small), []string{"cannot read the .npy header"}},
		"npy short":           {npy("'|u1'", "False", "(3, 2, 3)", small[:5]), []string{"ends after 5 of"}},
		"npy long":            {npy("'|u1'", "False", "(3, 2, 2)", small), []string{"more bytes follow"}},
		"npy overflow":        {npy("'|u1'", "False", "(99999999999, 99999999999)", small), []string{"more than 268435456"}},
		"npy beyond":          {npy("'|u1'", "False", "(99999999999999999999,)", small), []string{"too large"}},
		"npy scalar":          {npy("'|u1'", "False", "()", small[:1]), []string{"must be grey images"}},
		"npy header cut":      {npy("'|u1'", "False", "(3, 2, 3)", small)[:30], []string{"truncated"}},
		"npy header long":     {[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{"), []string{"header has 4294967295 bytes"}},
		"npz cut":             {npz(t, "a.npy", npy("'|u1'", "False", "(3, 2, 3)", small))[:100], []string{"zip", "damaged"}},
		"npz without":         {npz(t, "a.txt", []byte("a")), []string{"no array"}},
		"npz of others":       {npz(t, "b.npy", []byte("b"), "c.npy", []byte("c")), []string{"variables b, c", "with variable"}},
		"npz no npy":          {npz(t, "b.npy", []byte("no array at all")), []string{"b: is not a .npy array"}},
		"npz long":            {npz(t, "b.npy", npy("'|u1'", "False", "(1, 2, 3)", small)), []string{"b: more bytes follow"}},
		"mat of others":       {mat5(little, matVariable(little, "v", 6, 9, []int32{1, 1}, make([]byte, 8)), packed(matVariable(little, "u", 6, 9, []int32{1, 1}, make([]byte, 8)))), []string{"variables v, u", "with variable"}},
		"mat without":         {mat5(little), []string{"no array"}},
		"mat short":           {goodMat[:len(goodMat)-9], []string{"truncated"}},
		"mat tag cut":         {append(slices.Clone(goodMat), 14, 0, 0), []string{"truncated"}},
		"mat order":           {flip(goodMat, 126), []string{"must end in IM or MI"}},
		"mat zlib":            {flip(squeezed, 136), []string{"zlib: invalid header", "damaged"}},
		"mat zlib short":      {squeezed[:len(squeezed)-20], []string{"truncated"}},
		"mat overflow":        {mat5(little, matVariable(little, "data", 6, 9, []int32{1 << 30, 1 << 30}, make([]byte, 8))), []string{"1073741824 x 1073741824", "more than"}},
		"mat negative":        {mat5(little, matVariable(little, "data", 6, 9, []int32{-1, 3}, make([]byte, 8))), []string{"empty, -1 x 3"}},
		"mat sizes":           {mat5(little, matVariable(little, "data", 6, 9, []int32{2, 3}, make([]byte, 8))), []string{"8 bytes for 2 x 3 numbers", "corrupt"}},
		"mat type":            {mat5(little, matVariable(little, "data", 6, 99, []int32{1, 1}, make([]byte, 8))), []string{"unknown type 99"}},
		"mat long name":       {mat5(little, matVariable(little, strings.Repeat("n", 999), 6, 9, []int32{1, 1}, make([]byte, 8))), []string{"999 bytes", "corrupt"}},
		"mat either":          {mat5(little, matVariable(little, "data", 6, 2, []int32{4, 9}, make([]byte, 36))), []string{"4 x 9", "set height"}},
		"amat word":           {[]byte("0 1\n0 1e\n"), []string{"line:2", `"1e"`}},
		"amat ragged":         {[]byte("0 1 1 0\n0 1\n"), []string{"line:2", "2 numbers", "4"}},
		"amat blank":          {[]byte(" \n\n"), []string{"no numbers"}},
		"amat no square":      {[]byte("0 1 0\n"), []string{"rows of 3", "set height"}},
		"amat large":          {[]byte("0 1 70000 1\n"), []string{"image 1", "70000"}},
		"a vector of numbers": {[]byte("0 1\n"), []string{"rows of 2", "set height"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := images(t)
			cfg.Train = write(t, "bad.bin", string(c.content))
			_, err := cfg.Load()
			wantError(t, err, append(c.says, "images: train: ", "bad.bin")...)
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %v", err)
			}
		})
	}
}

// flip changes one byte, counted from the end if at is negative.
func flip(b []byte, at int) []byte {
	b = slices.Clone(b)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x55
	return b
}

func TestImageSettings(t *testing.T) {
	file := func(name string, content []byte) string { return write(t, name, string(content)) }
	three := file("images", idx(0x08, smallDims, small))
	labels := func(of byte, body ...byte) string {
		return file("labels", idx(of, []int{3}, body))
	}
	for name, c := range map[string]struct {
		change func(*Images)
		says   []string
	}{
		"nothing set":       {func(c *Images) { c.Train = "" }, []string{"none of train, valid and test"}},
		"missing":           {func(c *Images) { c.Test = "no/such" }, []string{"test: ", "no/such", "check the path"}},
		"labels alone":      {func(c *Images) { c.TestLabels = three }, []string{"test: labels", "set test, too"}},
		"labels of images":  {func(c *Images) { c.TrainLabels = three }, []string{"3 x 2 x 3", "the file of the labels"}},
		"labels missing":    {func(c *Images) { c.TrainLabels = "no/such" }, []string{"no/such", "check the path"}},
		"labels directory":  {func(c *Images) { c.TrainLabels = t.TempDir() }, []string{"is a directory"}},
		"labels too few":    {func(c *Images) { c.TrainLabels = file("two", idx(0x08, []int{2}, []byte{1, 2})) }, []string{"2 labels for the 3 images"}},
		"labels negative":   {func(c *Images) { c.TrainLabels = labels(0x09, 1, 0xff, 1) }, []string{"label 2 is -1", "0 to 99999"}},
		"labels too large":  {func(c *Images) { c.TrainLabels = labels(0x0C, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0) }, []string{"label 3 is 1.6777216e+07"}},
		"labels not whole":  {func(c *Images) { c.TrainLabels = file("text", []byte("1 2 2.5")) }, []string{"label 3 is 2.5"}},
		"other sizes":       {func(c *Images) { c.Test = file("other", idx(0x08, []int{1, 3, 6}, small)) }, []string{"train has images of 2 x 3", "test of 3 x 6"}},
		"hold out and path": {func(c *Images) { c.Valid, c.HoldOut = three, 1 }, []string{"hold_out 1", "valid has a path"}},
		"hold out all":      {func(c *Images) { c.HoldOut = 3 }, []string{"hold_out 3", "lower it"}},
		"two variables":     {func(c *Images) { c.Variable = "a,b" }, []string{"variable", "three names with commas"}},
		"wrong variable": {func(c *Images) {
			c.Train, c.Variable = file("a.npz", npz(t, "pixels.npy", npy("'|u1'", "False", "(3, 6)", small))), "pixel"
		}, []string{"variable", `did you mean "pixels"`}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := images(t)
			cfg.Train = three
			c.change(&cfg)
			_, err := cfg.Load()
			wantError(t, err, append(c.says, "images: ")...)
		})
	}
	c := images(t)
	c.Train, c.TrainLabels, c.HoldOut, c.LimitTrain = three, labels(0x0B, 3, 196, 0, 9, 0, 7), 1, 1
	set := load(t, c)
	if !slices.Equal(set.Train.Labels, []int{964}) || !slices.Equal(set.Valid.Labels, []int{7}) || set.Train.N() != 1 || set.Valid.N() != 1 {
		t.Errorf("labels %v and %v, want 964 and 7", set.Train.Labels, set.Valid.Labels)
	}
	if grey(set.Valid.Values) || set.Valid.Grey || !grey(set.Train.Values) {
		t.Error("train must stay grey, and valid be drawn")
	}
	if c.Transpose = true; load(t, c).Height != 3 {
		t.Error("transposed images of 2 x 3 are not 3 x 2")
	}
	c = images(t)
	c.Train, c.Valid, c.Test = three, three, three
	if set := load(t, c); len(set.Warnings) != 3 {
		t.Errorf("three times the same file gives the warnings %v", set.Warnings)
	}
}

// TestImagesOneFileForAll: splits and labels in one file, under usual and under given names.
func TestImagesOneFileForAll(t *testing.T) {
	flat := func(v ...uint8) []byte { return npy("'|u1'", "False", fmt.Sprintf("(%d, 1, 1)", len(v)), v) }
	list := func(v ...uint8) []byte { return npy("'|u1'", "False", fmt.Sprintf("(%d,)", len(v)), v) }
	for _, names := range []string{"x_train x_test y_train y_test", "data testdata targetchar testtargetchar", "a b c d"} {
		n := strings.Fields(names)
		path := write(t, "all.npz", string(npz(t, n[0]+".npy", flat(0, 1), n[1]+".npy", flat(1), n[2]+".npy", list(5, 6), n[3]+".npy", list(7))))
		c := images(t)
		c.Train, c.Test, c.TrainLabels, c.TestLabels = path, path, path, path
		if n[0] == "a" {
			c.Variable, c.LabelsVariable = "a,,b", "c, ,d"
		}
		set := load(t, c)
		got := fmt.Sprint(set.Train.Values, set.Test.Values, set.Train.Labels, set.Test.Labels, set.Grey, set.Warnings)
		if want := "[[0] [1]] [[1]] [5 6] [7] false []"; got != want {
			t.Errorf("%s: got %s, want %s", names, got, want)
		}
	}
}

// TestBoolsAreBits: NumPy writes true as 1, others as 255.
func TestBoolsAreBits(t *testing.T) {
	for _, on := range []byte{1, 255} {
		c := images(t)
		c.Train = write(t, "a.npy", string(npy("'|b1'", "False", "(1, 2, 2)", []byte{0, on, on, 0})))
		if got := fmt.Sprint(load(t, c).Train.Values); got != "[[0 1 1 0]]" {
			t.Errorf("true as %d: %s", on, got)
		}
	}
}

func TestBinarise(t *testing.T) {
	make := func(n int) *Set {
		s := &Set{Height: 1, Width: 3}
		for _, split := range []*Split{&s.Train, &s.Valid} {
			for range n {
				split.Values = append(split.Values, []float32{0, 0.25, 1})
			}
		}
		return s
	}
	for _, mode := range []string{"static", "dynamic"} {
		s, more := make(4000), make(4001)
		s.binarise(mode, 0.5, 3)
		more.binarise(mode, 0.5, 3)
		if dynamic := mode == "dynamic"; s.Grey != dynamic || grey(s.Train.Values) != dynamic || s.Valid.Grey || grey(s.Valid.Values) {
			t.Errorf("%s: grey %v %v", mode, s.Grey, s.Valid.Grey)
		}
		var mean float64
		for i, row := range s.Valid.Values {
			mean += float64(row[1]) / 4000
			if !slices.Equal(row, more.Valid.Values[i]) {
				t.Fatalf("%s: image %d depends on the number of images", mode, i)
			}
			if row[0] != 0 || row[2] != 1 {
				t.Fatalf("%s: certain pixels came out as %v", mode, row)
			}
		}
		if math.Abs(mean-0.25) > 5*math.Sqrt(0.25*0.75/4000) {
			t.Errorf("%s: a pixel of 0.25 is 1 in %v of the draws", mode, mean)
		}
	}
	s := make(1)
	s.Train.Values[0][1] = 0.5
	if s.binarise("threshold", 0.5, 3); s.Train.Values[0][1] != 0 || s.Train.Values[0][2] != 1 {
		t.Errorf("threshold 0.5 makes %v of 0, 0.5, 1", s.Train.Values[0])
	}
}

// FuzzReadArray: no file makes the reader panic, or accept numbers that are not there.
func FuzzReadArray(f *testing.F) {
	f.Add(idx(0x08, smallDims, small))
	f.Add(gz(idx(0x0B, []int{9}, small)))
	f.Add(npy("'|u1'", "True", "(3, 2, 3)", small))
	f.Add(mat5(little, matVariable(little, "data", 6, 2, []int32{6, 3}, small)))
	f.Add(mat5(little, packed(matVariable(little, "data", 6, 2, []int32{6, 3}, small))))
	f.Add([]byte(smallPlain))
	f.Add(npz(f, "data.npy", npy("'|u1'", "False", "(3, 2, 3)", small)))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		a, err := readArray(path, variable{setting: "variable"})
		if err != nil {
			return
		}
		if n, err := countOf(a.dims); err != nil || n != len(a.values) {
			t.Errorf("%v numbers for %v (%v)", len(a.values), a.dims, err)
		}
		if g, err := a.gallery(0); err == nil && g.finish(false, true) == nil && len(g.rows[0]) != g.height*g.width {
			t.Errorf("an image of %d numbers, %d x %d", len(g.rows[0]), g.height, g.width)
		}
	})
}

// FuzzPNGs: no file in a folder of images makes the reader panic, or accept an image of another size.
func FuzzPNGs(f *testing.F) {
	picture := image.NewPaletted(image.Rect(0, 0, 3, 2), color.Palette{color.Black, color.White})
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), "a.png")
	f.Add(b.Bytes()[:40], "b/.png")
	f.Add([]byte("\x89PNG\r\n\x1a\n"), "b/\u00a0")
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		dir := t.TempDir()
		first := filepath.Join(dir, "a", "first.png")
		pngFile(t, first, 0, 255, 255, 0)
		path := filepath.Join(dir, "a", name)
		if !filepath.IsLocal(name) || strings.ContainsAny(name, "\x00") || os.MkdirAll(filepath.Dir(path), 0o777) != nil || os.WriteFile(path, content, 0o666) != nil {
			return
		}
		g, _, err := readPNGs(dir)
		if err != nil {
			return
		}
		for _, row := range g.rows {
			if len(row) != g.height*g.width {
				t.Errorf("an image of %d numbers, %d x %d", len(row), g.height, g.width)
			}
		}
	})
}

// TestDamagedFilesDoNotPanic changes each byte of good files, one at a time, and cuts them.
func TestDamagedFilesDoNotPanic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	draw := stream.New(1, "damage")
	for _, good := range [][]byte{
		idx(0x08, smallDims, small), gz(idx(0x08, smallDims, small)),
		npy("'|u1'", "True", "(3, 2, 3)", small), npz(t, "data.npy", npy("'|u1'", "False", "(3, 2, 3)", small)),
		mat5(little, packed(matVariable(little, "data", 6, 2, []int32{6, 3}, small))),
		mat5(little, matVariable(little, "data", 6, 2, []int32{6, 3}, small)),
	} {
		for i := range good {
			bad := slices.Clone(good)
			if bad[i] = byte(draw.IntN(256)); i%3 == 0 {
				bad = good[:i]
			}
			if err := os.WriteFile(path, bad, 0o666); err != nil {
				t.Fatal(err)
			}
			a, err := readArray(path, variable{setting: "variable"})
			if err == nil && len(a.values) == 0 {
				t.Errorf("byte %d of %q: no numbers and no error", i, good[:8])
			}
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("byte %d of %q: %v does not name the file", i, good[:8], err)
			}
		}
	}
}

// TestSharedImages reads the real files, if they are there.
func TestSharedImages(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared", "data")
	for _, f := range []struct {
		images, labels string
		n              int
		mean           float64
		low, high      int
	}{
		{"mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz", 60000, 0.1307, 0, 9},
		{"mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz", 10000, 0.1325, 0, 9},
		{"omniglot28/omniglot28-background-images-idx3-ubyte.gz", "omniglot28/omniglot28-background-charids-idx1-uint16.gz", 19280, 0.0779, 1, 964},
		{"omniglot28/omniglot28-evaluation-images-idx3-ubyte.gz", "omniglot28/omniglot28-evaluation-charids-idx1-uint16.gz", 13180, 0.0843, 965, 1623},
	} {
		c := images(t)
		c.Train, c.TrainLabels = filepath.Join(shared, f.images), filepath.Join(shared, f.labels)
		if _, err := os.Stat(c.Train); err != nil || testing.Short() {
			t.Skip("no files to read")
		}
		set := load(t, c)
		var sum float64
		for _, row := range set.Train.Values {
			for _, v := range row {
				sum += float64(v)
			}
		}
		mean := sum / float64(set.Train.N()*28*28)
		if set.Train.N() != f.n || set.Height != 28 || set.Width != 28 || math.Abs(mean-f.mean) > 5e-5 {
			t.Errorf("%s: %d images of %d x %d, mean pixel %.4f; want %d of 28 x 28, %v", f.images, set.Train.N(), set.Height, set.Width, mean, f.n, f.mean)
		}
		if low, high := slices.Min(set.Train.Labels), slices.Max(set.Train.Labels); low != f.low || high != f.high {
			t.Errorf("%s: labels from %d to %d, want %d to %d", f.labels, low, high, f.low, f.high)
		}
	}
}
