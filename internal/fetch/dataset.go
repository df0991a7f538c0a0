package fetch

import (
	"path/filepath"
	"slices"
	"strings"

	"vaelab/internal/registry"
)

// A Dataset is a published data set.
type Dataset struct {
	Name     string // on the command line, and of its folder
	Title    string // what it is, in a few words
	Licence  string // or the terms known
	Citation string // author year, title, where
	Files    []File
	// Settings are what an experiment sets to use the data, key=value, all of one source; {dir}
	// stands for the folder of the data set.
	Settings []string
	// Experiment is a shipped experiment that takes the data, or empty.
	Experiment string
	// Note says what else a user should know, or how to prepare the files.
	Note string
}

// A File is one file of a data set. At least one of SHA256 and Blob is known.
type File struct {
	Name   string   // in the folder of the data set; a .zip is unpacked beside itself
	URLs   []string // where to look for it, in this order
	Size   int64    // bytes, or 0 if not known
	SHA256 string   // of its bytes, hexadecimal
	Blob   string   // git's id of its bytes: SHA-1 of "blob", a space, the length, a NUL and the bytes
	// Unpacked is the SHA-256 of what a gzip file holds: a file that another program has packed
	// differs in bytes and size, and is accepted for it.
	Unpacked string
}

// Apply returns the settings of the data set with its folder put in.
func (d Dataset) Apply(dir string) []string {
	out := make([]string, len(d.Settings))
	for i, s := range d.Settings {
		out[i] = strings.ReplaceAll(s, "{dir}", filepath.ToSlash(dir))
	}
	return out
}

// Source is the name of the data source that Settings are of, or empty if there are none.
func (d Dataset) Source() string {
	if len(d.Settings) == 0 {
		return ""
	}
	return strings.Split(d.Settings[0], ".")[1]
}

// Size is the bytes of all files, and whether all are known.
func (d Dataset) Size() (bytes int64, known bool) {
	known = true
	for _, f := range d.Files {
		bytes += f.Size
		known = known && f.Size > 0
	}
	return bytes, known
}

// A Catalogue is data sets to choose from by name.
type Catalogue []Dataset

// Names returns all names in the catalogue's order.
func (c Catalogue) Names() []string {
	names := make([]string, len(c))
	for i, d := range c {
		names[i] = d.Name
	}
	return names
}

// Get returns the data set of a name, or an error that gives the nearest name.
func (c Catalogue) Get(name string) (Dataset, error) {
	if i := slices.IndexFunc(c, func(d Dataset) bool { return d.Name == name }); i >= 0 {
		return c[i], nil
	}
	return Dataset{}, registry.Unknown("data set", name, c.Names())
}
