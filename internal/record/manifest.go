package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A Manifest says where and with what a trial ran: what its rows are byte-equal within. It is
// manifest.json, which the runner writes. Its zero value stands for a trial without one.
type Manifest struct {
	Version   string   `json:"version"` // of the program
	Go        string   `json:"go"`
	OS        string   `json:"os"`
	Arch      string   `json:"arch"`
	GOAMD64   string   `json:"goamd64,omitempty"`
	Precision string   `json:"precision"` // "float32"
	Kernel    string   `json:"kernel"`    // "avx512"
	Procs     int      `json:"gomaxprocs"`
	Revision  string   `json:"revision,omitempty"`
	Modified  string   `json:"modified,omitempty"`
	Data      string   `json:"data"` // name and digest
	Warnings  []string `json:"data_warnings,omitempty"`
	Started   string   `json:"started"`           // RFC 3339, UTC
	Seconds   float64  `json:"seconds,omitempty"` // of the run that finished the trial; 0 if none did
	Resumed   bool     `json:"resumed,omitempty"` // that run went on from a checkpoint
}

// readManifest reads a trial's manifest. It is no part of what was measured, so a broken one is
// a warning.
func readManifest(dir string) (m Manifest, warning error) {
	path := filepath.Join(dir, ManifestFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("%s: left out: %w", path, err)
	}
	return m, nil
}
