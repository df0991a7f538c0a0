// Package folder lists the files in and below a folder and follows symbolic links.
package folder

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files returns the files in and below root, in the order in which filepath.WalkDir would come to them. It
// calls enter for each folder, root included, and does not look into one for which enter returns false.
//
// Links to folders are followed, and each real folder is entered once: by its own path if it has one below root, else by
// the first link. A link to a folder that root itself lies in is a loop and is left out. A link that
// leads nowhere is a file.
func Files(root string, enter func(dir string) bool) ([]string, error) {
	own, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	if own, err = filepath.Abs(own); err != nil {
		return nil, err
	}
	w := walk{enter: enter, entered: map[string]bool{}}
	if err := w.folder(root, own); err != nil {
		return nil, err
	}
	for len(w.links) > 0 {
		link := w.links[0]
		w.links = w.links[1:]
		real, err := filepath.EvalSymlinks(link)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err != nil {
			return nil, err
		}
		if below, err := filepath.Rel(real, own); err == nil && filepath.IsLocal(below) {
			continue // a loop
		}
		if err := w.folder(link, real); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(w.files, byName)
	return w.files, nil
}

// A walk is what Files has found so far.
type walk struct {
	enter   func(dir string) bool
	entered map[string]bool // by real path
	links   []string        // to folders, to be followed after all that has a path of its own
	files   []string
}

// folder looks into a folder; real is its absolute path without links.
func (w *walk) folder(path, real string) error {
	if w.entered[real] {
		return nil
	}
	w.entered[real] = true
	if !w.enter(path) {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		below := filepath.Join(path, e.Name())
		switch {
		case e.IsDir():
			if err := w.folder(below, filepath.Join(real, e.Name())); err != nil {
				return err
			}
		case e.Type()&fs.ModeSymlink != 0 && isDir(below):
			w.links = append(w.links, below)
		default:
			w.files = append(w.files, below)
		}
	}
	return nil
}

// isDir tells whether a path leads to a folder.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// byName compares paths name by name, as folders are read: a/z comes before a.go.
func byName(a, b string) int {
	const before = "\x00" // any other sign
	sep := string(filepath.Separator)
	return cmp.Compare(strings.ReplaceAll(a, sep, before), strings.ReplaceAll(b, sep, before))
}
