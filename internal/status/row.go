package status

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"vaelab/internal/record"
)

// A Row is where a trial is: the last of its rows of split train.
type Row struct {
	Step  int      `json:"step"`
	Epoch float64  `json:"epoch"`
	KL    *float64 `json:"kl"` // in nats; nil if it is not finite
}

// tail is the number of bytes of a file of rows that are read, from its end. A row with the vectors of 32 dimensions has
// 3 kB.
const tail = 32 << 10

// row finds the last row of a trial that is not done. A file without one, or that cannot be read, has none.
func (t *Trial) row(p place) {
	name, ok := record.Latest(p.names, record.RowsFile)
	if !ok {
		return
	}
	text, err := readTail(filepath.Join(p.dir, name))
	if err != nil {
		return
	}
	if t.Row = lastRow(text); t.Row == nil {
		return
	}
	var trial struct {
		Config struct {
			Epochs string `json:"train.epochs"`
		}
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, record.TrialFile)); err == nil && json.Unmarshal(text, &trial) == nil {
		t.Epochs, _ = strconv.ParseFloat(trial.Config.Epochs, 64) // 0 for none
	}
}

// readTail reads the end of a file.
func readTail(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text := make([]byte, min(info.Size(), tail))
	n, err := f.ReadAt(text, info.Size()-int64(len(text)))
	if err == io.EOF { // it has been cut to a checkpoint meanwhile
		err = nil
	}
	return text[:n], err
}

// lastRow finds the last row of split train among lines, of which the first and the last may be cut off.
func lastRow(text []byte) *Row {
	for len(text) > 0 {
		text = bytes.TrimRight(text, "\n")
		begin := bytes.LastIndexByte(text, '\n') + 1
		if line := text[begin:]; bytes.Contains(line, []byte(`"split":"train"`)) { // as package record writes it
			var row struct {
				Row
				Values struct {
					KL *float64 `json:"kl"`
				} `json:"values"`
			}
			if json.Unmarshal(line, &row) == nil {
				row.Row.KL = row.Values.KL
				return &row.Row
			}
		}
		text = text[:begin]
	}
	return nil
}
