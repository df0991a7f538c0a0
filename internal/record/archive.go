package record

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// ArchiveFile holds many trials in one file, for those who want to draw and judge again what
// somebody else has trained: no weights, but every row. It is lines of JSON, zipped: for each trial
// a line that says which it is, where it ran and how it stands, then its rows as in rows.jsonl, then a line with the
// SHA-256 of these lines, which archives of older versions lack. Numbers
// of trials in float32 are as Round has them, which halves the file.
const ArchiveFile = "trials.jsonl.gz"

// A few kilobytes of a file that somebody else has made can unpack to more than a machine holds. The archives
// of results/published have lines of up to 12 kB and up to 5 MB in all; 10,000 trials of 200 rows have 2 GB.
const (
	maxLine = 16 << 20
	maxText = int64(4 << 30)
)

// archivedSum is a trial's last line. No other line begins like it.
type archivedSum struct {
	SHA256 string `json:"sha256"`
}

const sumBegins = `{"sha256":`

// archived is a trial's first line.
type archived struct {
	Trial
	Manifest Manifest `json:"manifest,omitzero"`
	State    string   `json:"state"`
	Reason   string   `json:"reason,omitempty"` // why it failed
	Rows     int      `json:"rows"`             // that follow
}

// WriteArchive writes the set as the content of an ArchiveFile; equal sets give equal bytes. It rounds the set. What
// Load has warned of is not in it.
func WriteArchive(w io.Writer, set *Set) error {
	Round(set)
	zip, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	const together = 64 // trials whose texts are in memory
	left := maxText
	for runs := range slices.Chunk(set.Runs, together) {
		texts, errs := make([][]byte, len(runs)), make([]error, len(runs))
		sideBySide(len(runs), func() func(int) {
			return func(i int) { texts[i], errs[i] = archiveText(runs[i]) }
		})
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for _, text := range texts {
			if left -= int64(len(text)); left < 0 {
				return fmt.Errorf("the rows have more than %d GiB as text, and no archive of that size is read; publish the trials in several folders", maxText>>30)
			}
			if _, err := zip.Write(text); err != nil {
				return err
			}
		}
	}
	return errors.Join(zip.Close(), set.Err())
}

// archiveText is the lines of one trial.
func archiveText(r Run) ([]byte, error) {
	text, err := json.Marshal(archived{r.Trial, r.Manifest, r.State.String(), r.Reason, len(r.Rows)})
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	for _, row := range Whole(r.Rows) {
		text = append(row.append(text), '\n')
	}
	sum := sha256.Sum256(text)
	last, err := json.Marshal(archivedSum{hex.EncodeToString(sum[:])})
	return append(append(text, last...), '\n'), err
}

// Round gives the numbers of trials in float32 that precision: what they measured is no more exact. Whoever draws and
// judges the rounded set comes to what its archive comes to.
func Round(set *Set) {
	sideBySide(len(set.Runs), func() func(int) {
		return func(i int) {
			rows := set.Runs[i].Rows
			if set.Runs[i].Config["precision"] != "float32" || len(rows) == 0 || rows[0].of.short {
				return
			}
			of := rows[0].of
			of.short = true
			for k, v := range of.numbers {
				of.numbers[k] = short(v)
			}
			for k := range rows {
				rows[k].Epoch = short(rows[k].Epoch)
			}
		}
	})
}

// short is the shortest decimal that stands for the number among float32; one that float32 has no room
// for stays as it is.
func short(v float64) float64 {
	if r := float32(v); r == 0 || math.IsInf(float64(r), 0) || math.IsNaN(v) {
		return v
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', -1, 32), 64) // its own text
	return rounded
}

// LoadArchive reads the folder's archive; there may be none. A trial's Dir is where its folder would be. The error
// is a *Damage if the archive is not as it was written; nothing of it is used then, since it is one file.
func LoadArchive(dir string) ([]Run, error) {
	path := filepath.Join(dir, ArchiveFile)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a := archive{left: maxText}
	zip, err := gzip.NewReader(bufio.NewReader(f))
	if err == nil {
		a.text = bufio.NewReaderSize(zip, maxLine)
		err = a.read(dir)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		size := int64(-1)
		if info, errStat := f.Stat(); errStat == nil {
			size = info.Size()
		}
		err = fmt.Errorf("cut off: it has %d bytes, and ends within line %d; copy it again", size, a.line+1)
	}
	if err != nil {
		return nil, &Damage{dir, ArchiveFile, fmt.Sprintf("%v; vaelab report --rows writes it again from the trials' folders", err)}
	}
	return a.runs, nil
}

// An archive being read.
type archive struct {
	text *bufio.Reader
	line int   // lines read
	left int64 // bytes that may follow
	sum  hash.Hash
	runs []Run

	reader rowReader
}

// read reads all trials.
func (a *archive) read(dir string) error {
	for {
		a.sum = sha256.New()
		line, err := a.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		head := archived{Rows: -1}
		if err := json.Unmarshal(line, &head); err != nil {
			return fmt.Errorf("line %d: must be a trial: %w", a.line, err)
		}
		state := slices.Index(stateNames[:], head.State)
		switch {
		case head.Format < 1 || head.Format > Format:
			return fmt.Errorf("line %d: format %d, but this program reads formats 1 to %d", a.line, head.Format, Format)
		case head.ID == "" || head.Rows < 0 || state < 0:
			return fmt.Errorf("line %d: must be a trial with its id, its state and its number of rows", a.line)
		}
		run := Run{Trial: head.Trial, Dir: filepath.Join(dir, filepath.FromSlash(head.ID)), Manifest: head.Manifest, State: State(state), Reason: head.Reason}
		if run.Rows, err = a.rows(head.Rows); err != nil {
			return err
		}
		if err := a.check(run.Trial); err != nil {
			return err
		}
		a.runs = append(a.runs, run)
	}
}

// check reads a trial's last line, which archives lack that were written when format 1 was the last, and compares it with
// the lines before.
func (a *archive) check(t Trial) error {
	if begin, _ := a.text.Peek(len(sumBegins)); string(begin) != sumBegins {
		if t.Format == 1 {
			return nil
		}
		return fmt.Errorf("line %d: must be the SHA-256 of the lines of %s", a.line+1, t.ID)
	}
	is := archivedSum{hex.EncodeToString(a.sum.Sum(nil))}
	line, err := a.next()
	if err != nil {
		return err
	}
	var says archivedSum
	if err := json.Unmarshal(line, &says); err != nil {
		return fmt.Errorf("line %d: must be a SHA-256: %w", a.line, err)
	}
	if is != says {
		return fmt.Errorf("line %d: the SHA-256 of the lines of %s begins with %.12s, and must begin with %.12s", a.line, t.ID, is.SHA256, says.SHA256)
	}
	return nil
}

// rows reads the n rows of a trial.
func (a *archive) rows(n int) (rows []Entry, err error) {
	a.reader.begin(nil)
	for range n {
		line, err := a.next()
		if err == io.EOF {
			err = fmt.Errorf("line %d: the trial has %d rows, not %d", a.line, len(a.reader.rows), n)
		}
		if err != nil {
			return nil, err
		}
		if err := a.reader.line(line, 0); err != nil {
			return nil, fmt.Errorf("line %d: broken row: %w", a.line, err)
		}
	}
	return a.reader.end(), nil
}

// next is the next line without its end, until next is called again. The error is io.EOF only between
// two lines.
func (a *archive) next() ([]byte, error) {
	line, err := a.text.ReadSlice('\n')
	a.left -= int64(len(line))
	switch {
	case err == io.EOF && len(line) > 0:
		err = io.ErrUnexpectedEOF
	case err == bufio.ErrBufferFull:
		err = fmt.Errorf("longer than %d MiB", maxLine>>20)
	case err == nil && a.left < 0:
		err = fmt.Errorf("the text is longer than %d GiB", maxText>>30)
	}
	if err != nil {
		if err != io.EOF {
			err = fmt.Errorf("line %d: %w", a.line+1, err)
		}
		return nil, err
	}
	a.line++
	a.sum.Write(line)
	return line[:len(line)-1], nil
}
