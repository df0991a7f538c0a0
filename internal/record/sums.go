package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Sum is the size in bytes and the SHA-256, in hexadecimal digits, of a file or of the first part of one.
type Sum struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// SumOf is the sum of bytes in memory.
func SumOf(data []byte) Sum {
	sum := sha256.Sum256(data)
	return Sum{int64(len(data)), hex.EncodeToString(sum[:])}
}

// sumOfFile is the sum of a file.
func sumOfFile(path string) (Sum, error) {
	f, err := os.Open(path)
	if err != nil {
		return Sum{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return Sum{n, hex.EncodeToString(sum.Sum(nil))}, err
}

func (s Sum) String() string { return fmt.Sprintf("%d bytes, SHA-256 %.12s...", s.Size, s.SHA256) }

// Sums are the sums of a finished trial's files, by name.
type Sums map[string]Sum

// encode returns the text of DONE: a line of size, SHA-256 and name for each file, by name, then one of the
// same form for the lines above it, under the name DONE. Equal sums give equal bytes.
func (s Sums) encode() []byte {
	var b bytes.Buffer
	line := func(name string, sum Sum) { fmt.Fprintf(&b, "%d %s %s\n", sum.Size, sum.SHA256, name) }
	for _, name := range slices.Sorted(maps.Keys(s)) {
		line(name, s[name])
	}
	line(DoneFile, SumOf(b.Bytes()))
	return b.Bytes()
}

// decodeSums reads what encode returns. Any other text is an error.
func decodeSums(text []byte) (Sums, error) {
	s := Sums{}
	for line := range strings.Lines(string(text)) {
		size, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		hash, name, _ := strings.Cut(rest, " ")
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || name == "" || name != filepath.Base(name) {
			return nil, errors.New("must be lines of size, SHA-256 and file name")
		}
		s[name] = Sum{n, hash}
	}
	delete(s, DoneFile)
	if !bytes.Equal(s.encode(), text) {
		return nil, errors.New("its last line must be the size and SHA-256 of the lines above, and is not")
	}
	return s, nil
}

// A Damage is a file of a trial that is not what was written, or a folder that cannot be read.
type Damage struct {
	Dir, File string // the trial's folder, and the file's name in it; a folder without a file cannot be read
	What      string // what was expected, and what is there
}

func (d *Damage) Error() string {
	if d.File == "" {
		return d.Dir + ": " + d.What
	}
	return filepath.Join(d.Dir, d.File) + ": damaged: " + d.What
}

// check compares the sum of a file with the one in DONE; a file that is not listed passes.
func (s Sums) check(dir, name string, got Sum) error {
	if want, ok := s[name]; ok && got != want {
		return &Damage{dir, name, fmt.Sprintf("it has %v; %s says %v", got, DoneFile, want)}
	}
	return nil
}

// checkFile is check for a file on disk. Unless all is set only its size is compared.
func (s Sums) checkFile(dir, name string, all bool) error {
	path := filepath.Join(dir, name)
	want := s[name]
	info, err := os.Stat(path)
	if err == nil && info.Size() != want.Size {
		return &Damage{dir, name, fmt.Sprintf("it has %d bytes; %s says %v", info.Size(), DoneFile, want)}
	}
	got := want
	if err == nil && all {
		got, err = sumOfFile(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Damage{dir, name, fmt.Sprintf("it is missing; %s says %v", DoneFile, want)}
	case err != nil:
		return &Damage{dir, name, "it cannot be read: " + err.Error()}
	}
	return s.check(dir, name, got)
}

// WriteDone marks the trial in a folder as done. DONE gets the sum of its rows, and the sums of those other files
// that are there. Nothing of them may be written afterwards.
func WriteDone(dir string, rows Sum, others ...string) error {
	sums := Sums{RowsFile: rows}
	for _, name := range others {
		sum, err := sumOfFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		sums[name] = sum
	}
	return WriteFileAtomic(filepath.Join(dir, DoneFile), sums.encode())
}

// readDone reads DONE. There are no sums in one of format 1, which is empty; without the file done is false.
func readDone(dir string) (sums Sums, done bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, DoneFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, true, &Damage{dir, DoneFile, "it cannot be read: " + err.Error()}
	case len(text) == 0:
		return nil, true, nil
	}
	sums, err = decodeSums(text)
	if err == nil && (sums[RowsFile] == Sum{} || sums[TrialFile] == Sum{}) {
		err = fmt.Errorf("it must list %s and %s", RowsFile, TrialFile)
	}
	if err != nil {
		return nil, true, &Damage{dir, DoneFile, err.Error()}
	}
	return sums, true, nil
}

// Means tells whether DONE of the trial in a folder has the sum of this content for one of its files.
func Means(dir, name string, data []byte) bool {
	sums, _, err := readDone(dir)
	return err == nil && sums[name] == SumOf(data)
}

// SetAside moves what a trial's folder holds of a finished trial into a folder damaged-1, -2 ... within it, so that the
// trial can be trained again and nothing is lost. It returns that folder's name, or "" if the trial has no DONE. The names
// are those of files beside the record's own. Nobody else may be writing there.
func SetAside(dir string, names ...string) (aside string, err error) {
	if _, err := os.Stat(filepath.Join(dir, DoneFile)); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	for n := 1; ; n++ {
		aside = fmt.Sprintf("damaged-%d", n)
		err := os.Mkdir(filepath.Join(dir, aside), 0o777)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	// DONE goes last: a trial of which a part has been moved is still damaged. TrialFile stays, since a folder with one
	// is a trial's; the trainer writes it anew.
	for _, name := range append(names, RowsFile, ManifestFile, DoneFile) {
		err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, aside, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, syncDir(dir)
}

// ReadFile reads a file of the trial's folder, and checks it if DONE has its sum.
func (r Run) ReadFile(name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(r.Dir, name))
	if err == nil {
		err = r.Files.check(r.Dir, name, SumOf(text))
	}
	return text, err
}
