// Package experiments embeds the shipped experiments, one YAML file per question. Their results are in
// LOG.md. Those in the folder benchmark ask one question on several tasks; its README.md is their protocol.
package experiments

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed *.yaml benchmark/*.yaml
var files embed.FS

// paths are those of the YAML files, below this folder.
var paths = func() (all []string) {
	for _, pattern := range []string{"*.yaml", "benchmark/*.yaml"} {
		some, err := fs.Glob(files, pattern)
		if err != nil {
			panic(err) // the pattern is malformed
		}
		all = append(all, some...)
	}
	return all
}()

// nameOf is the name of the experiment of a file: no two files have the same.
func nameOf(file string) string { return strings.TrimSuffix(path.Base(file), ".yaml") }

// Names returns the names of the experiments; those in folders come last.
func Names() (names []string) {
	for _, file := range paths {
		names = append(names, nameOf(file))
	}
	return names
}

// Path returns the path of an experiment's file below this folder, such as benchmark/t1-text.yaml; empty if there is none of
// that name.
func Path(name string) string {
	if i := slices.Index(Names(), name); i >= 0 {
		return paths[i]
	}
	return ""
}

// Read returns the text of an experiment. The error is fs.ErrNotExist if there is none of that name.
func Read(name string) ([]byte, error) {
	file := Path(name)
	if file == "" {
		return nil, fmt.Errorf("experiment %s: %w", name, fs.ErrNotExist)
	}
	return files.ReadFile(file)
}
