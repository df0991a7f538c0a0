package train

import (
	"encoding/json"
	"fmt"
	"strconv"

	"vaelab/internal/data"
	"vaelab/internal/safetensors"
	"vaelab/internal/vae"
)

// A Stamp says what weights are of. It is in the metadata of ModelFile, so that a copy of that file alone can be used. It
// names neither paths nor times nor the machine: equal trials have equal stamps.
type Stamp struct {
	Settings map[string]string // Hooks.Settings
	Seed     int
	Data     string    // digest of the data
	Vocab    string    // digest of the vocabulary; empty unless the data are text
	Space    vae.Space // of the data
	Classes  []string  // the names of labels that are conditions, by number; nil without names
}

// stampFormat is the version of the metadata below.
const stampFormat = "1"

// The keys of a stamp in the metadata of a file, whose values are text.
const (
	formatKey   = "vaelab"     // stampFormat
	settingsKey = "settings"   // JSON of key and value
	seedKey     = "seed"       // decimal
	vocabKey    = "vocabulary" // digest
	spaceKey    = "space"      // JSON of spaceJSON
	classesKey  = "classes"    // JSON of a list; absent without names
	// dataKey is that of checkpoints
)

// spaceJSON is a space as metadata have it.
type spaceJSON struct {
	Kind    vae.Kind `json:"kind"`
	Symbols int      `json:"symbols,omitempty"` // of the vocabulary
	Longest int      `json:"longest,omitempty"` // sequence, in symbols, <s> and </s> included
	Height  int      `json:"height,omitempty"`
	Width   int      `json:"width,omitempty"`

	Given        vae.Kind `json:"given,omitempty"` // the kind of conditions
	LongestGiven int      `json:"longest_given,omitempty"`
	Labels       int      `json:"labels,omitempty"` // how many, if they are conditions
}

// stamp returns that of a trial on its data.
func (t Trial) stamp(set *data.Set, settings map[string]string) Stamp {
	s := Stamp{Settings: settings, Seed: t.Seed, Data: set.Digest, Space: set.Space()}
	if set.Vocab != nil {
		s.Vocab = set.Vocab.Digest()
	}
	if set.Given == vae.Label {
		s.Classes = set.Classes
	}
	return s
}

// metadata returns the stamp for a file.
func (s Stamp) metadata() (map[string]string, error) {
	settings, err := json.Marshal(s.Settings) // sorted by key
	if err != nil {
		return nil, err
	}
	given := s.Space.Given
	space, err := json.Marshal(spaceJSON{s.Space.Kind, s.Space.V, s.Space.MaxLen, s.Space.Height, s.Space.Width, given.Kind, given.MaxLen, given.Classes})
	if err != nil {
		return nil, err
	}
	m := map[string]string{
		formatKey: stampFormat, settingsKey: string(settings), seedKey: strconv.Itoa(s.Seed), dataKey: s.Data, spaceKey: string(space),
	}
	if s.Vocab != "" {
		m[vocabKey] = s.Vocab
	}
	if s.Classes != nil {
		names, err := json.Marshal(s.Classes)
		if err != nil {
			return nil, err
		}
		m[classesKey] = string(names)
	}
	return m, nil
}

// ReadStamp returns the stamp of weights. It is nil for those of PyTorch, of older versions and of checkpoints, which have
// none. A stamp that cannot be read is an error.
func ReadStamp(f *safetensors.File) (*Stamp, error) {
	m := f.Metadata
	switch m[formatKey] {
	case "":
		return nil, nil
	case stampFormat:
	default:
		return nil, fmt.Errorf("its metadata have the format %q, and this program reads %s; use the version that wrote it", m[formatKey], stampFormat)
	}
	s := Stamp{Data: m[dataKey], Vocab: m[vocabKey]}
	var space spaceJSON
	entries := map[string]any{settingsKey: &s.Settings, seedKey: &s.Seed, spaceKey: &space}
	if _, ok := m[classesKey]; ok {
		entries[classesKey] = &s.Classes
	}
	for key, into := range entries {
		if err := json.Unmarshal([]byte(m[key]), into); err != nil {
			return nil, fmt.Errorf("the entry %s of its metadata cannot be read: %w", key, err)
		}
	}
	const most = 1 << 24 // of a size: products of three do not overflow
	for _, n := range []int{space.Symbols, space.Longest, space.Height, space.Width, space.LongestGiven, space.Labels} {
		if n < 0 || n > most {
			return nil, fmt.Errorf("the entry %s of its metadata has a size of %d, and it must be 0 to %d", spaceKey, n, most)
		}
	}
	switch space.Kind {
	case vae.Text, vae.Image, vae.Vector:
	default:
		return nil, fmt.Errorf("the entry %s of its metadata has the kind %q, which is none", spaceKey, space.Kind)
	}
	switch space.Given {
	case "", vae.Text, vae.Label:
	default:
		return nil, fmt.Errorf("the entry %s of its metadata has conditions of the kind %q, which is none", spaceKey, space.Given)
	}
	s.Space = vae.Space{
		Kind: space.Kind, V: space.Symbols, MaxLen: space.Longest, Height: space.Height, Width: space.Width,
		Given: vae.Condition{Kind: space.Given, MaxLen: space.LongestGiven, Classes: space.Labels},
	}
	return &s, nil
}
