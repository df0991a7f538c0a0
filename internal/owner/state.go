package owner

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A State is what a folder's highest claim says.
type State struct {
	Number   int     // 0 if the folder has no claim
	By       Process // zero if the claim does not say: it was cut off, or is being written
	Beats    int     // heartbeats since it was made
	Size     int64   // of the file; it grows with every heartbeat
	Modified time.Time
	Released bool
}

// Began is when the claim was made, by the clock of the file server: that of the last heartbeat, less all heartbeats. It
// is exact to one heartbeat.
func (s State) Began() time.Time {
	return s.Modified.Add(-time.Duration(s.Beats) * s.By.heartbeat())
}

// Silent tells whether the claim has missed so many heartbeats that others take it for dead, if now is the time on the
// clock of the file server.
func (s State) Silent(now time.Time) bool { return now.Sub(s.Modified) > missed*s.By.heartbeat() }

// Look reads the highest claim of a folder. A claim that cannot be understood has no By; it is an error only if the file
// cannot be read.
func Look(dir string) (State, error) {
	for {
		highest, err := newest(dir)
		if err != nil || highest == 0 {
			return State{}, err
		}
		s, err := read(dir, highest)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the folder has been cleared meanwhile
		}
		return s, err
	}
}

// read reads one claim.
func read(dir string, number int) (State, error) {
	path := filepath.Join(dir, prefix+strconv.Itoa(number))
	text, err := os.ReadFile(path)
	if err != nil {
		return State{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return State{}, err
	}
	s := State{Number: number, Size: int64(len(text)), Modified: info.ModTime()}
	line, beats, whole := bytes.Cut(text, []byte("\n"))
	if !whole || json.Unmarshal(line, &s.By) != nil {
		s.By = Process{}
		return s, nil
	}
	beats, s.Released = bytes.CutSuffix(beats, []byte(released))
	s.Beats = len(beats)
	return s, nil
}
