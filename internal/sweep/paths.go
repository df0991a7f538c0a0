package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"vaelab/internal/data"
	"vaelab/internal/registry"
	"vaelab/internal/train"
)

// variable is what stands for a variable of the environment in a path. A $ without braces is part of a name.
var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// locate returns the path of a setting with the tag kind:"path" as it is opened, and trial.json keeps it: with ~ and
// ${VARIABLE} replaced, and below the folder of the experiment's file if it exists there and not in the working
// directory, or below Options.Data, which is noted. A path that is in none stays as it is; see besideOf.
func (r *reader) locate(n *yaml.Node, path, file string) (located string) {
	if !r.written {
		return file
	}
	defer func() {
		r.paths[path+"="+located] = r.place(n)
		r.located[spotOf(n)] = located
	}()
	for _, v := range variable.FindAllStringSubmatch(file, -1) {
		if os.Getenv(v[1]) == "" {
			r.fault(n, path, "the variable %s is not set; set it, or write out the path", v[1])
			return file
		}
	}
	file = variable.ReplaceAllStringFunc(file, func(v string) string { return os.Getenv(v[2 : len(v)-1]) })
	if rest, ok := strings.CutPrefix(file, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		home, err := os.UserHomeDir()
		if err != nil {
			r.fault(n, path, "the home directory for ~ is not known: %v; write the whole path", err)
			return file
		}
		file = filepath.Join(home, rest)
	}
	if near := besideOf(r.fileOf(n), file); near != "" && !exists(file) && exists(near) {
		of := "the experiment's file"
		if said := r.fileOf(n); said != r.file {
			of = said
		}
		r.note(n, path, "%s is not in the working directory; %s is used, from the folder of %s", file, near, of)
		return near
	}
	if last := r.belowData(file); last != "" && !exists(file) && exists(last) {
		r.note(n, path, "%s is not in the working directory; %s is used, from the folder that %s names", file, last, r.dataSaid)
		return last
	}
	return file
}

// belowData is a relative path below the folder of Options.Data; empty if there is no such folder.
func (r *reader) belowData(file string) string { return belowData(r.dataFolder, file) }

func belowData(folder, file string) string {
	if folder == "" || file == "" || filepath.IsAbs(file) {
		return ""
	}
	return filepath.Join(folder, file)
}

// besideOf is a relative path seen from the folder of the file that says it; empty if it is not relative or that is the
// working directory.
func besideOf(experiment, file string) string {
	folder := filepath.Dir(experiment)
	if file == "" || filepath.IsAbs(file) || folder == "." {
		return ""
	}
	return filepath.Join(folder, file)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// located names the setting of a trial that an error of its data is about, with its place in the file: a path that does
// not exist, or the file of a split. Any other error stays as it is.
func (e *Experiment) located(t train.Trial, err error) error {
	var missing *fs.PathError
	var split *data.SplitError
	if errors.As(err, &missing) {
		for _, key := range DataPaths(t.Config) {
			if at, ok := e.paths[key+"="+missing.Path]; ok && t.Config[key] == missing.Path && (!errors.As(err, &split) || strings.Contains(key, split.Split)) {
				if _, there := os.Lstat(missing.Path); errors.Is(there, fs.ErrNotExist) {
					return fmt.Errorf("%s: %s: %w", at, key, absent{e.looked(at, missing.Path)})
				}
				return fmt.Errorf("%s: %s: %w", at, key, err)
			}
		}
	}
	if errors.As(err, &split) {
		key := join("data."+t.Config["data"], split.Split)
		if at, ok := e.paths[key+"="+t.Config[key]]; ok {
			return fmt.Errorf("%s: %s: %w", at, key, split.Err)
		}
	}
	return err
}

// Absolute returns a fault for each path of the data that is relative, nil if there is none. Where tasks run in
// containers, nothing of this machine says what such a path means. Folder is one of the containers, for the example.
func (e *Experiment) Absolute(folder string) error {
	var faults Faults
	for _, t := range e.Trials {
		for _, key := range DataPaths(t.Config) {
			file := t.Config[key]
			if file == "" || filepath.IsAbs(file) {
				continue
			}
			at := cmp.Or(e.paths[key+"="+file], e.file)
			fault := fmt.Sprintf("%s: %s: %s is relative; must be the absolute path where the tasks run, such as --set %s=%s",
				at, key, file, key, filepath.Join(folder, filepath.Base(file)))
			if !slices.Contains(faults, fault) {
				faults = append(faults, fault)
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, byPlace(e.file, e.Extends))
	return faults
}

// absent is the error for a path of the data that does not exist.
type absent struct{ says string }

func (a absent) Error() string { return a.says }

func (a absent) Unwrap() error { return fs.ErrNotExist }

// looked says in which folders a path of the data, said at a place, was looked for, and which name there is near to it.
func (e *Experiment) looked(at, file string) string {
	said := e.file
	if e.Extends != "" && strings.HasPrefix(at, e.Extends+":") {
		said = e.Extends
	}
	folders := []string{filepath.Dir(file)}
	if near := besideOf(said, file); near != "" {
		folders = append(folders, filepath.Dir(near))
	}
	if last := belowData(e.data, file); last != "" {
		folders = append(folders, filepath.Dir(last))
	}
	meant := ""
	var where []string
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		if near := registry.Nearest(filepath.Base(file), names); near != "" && meant == "" {
			meant = fmt.Sprintf("; did you mean %s?", filepath.Join(filepath.Dir(file), near))
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			folder += ", a folder that does not exist"
		case folder == ".":
			folder = "the working directory"
		}
		where = append(where, folder)
	}
	return fmt.Sprintf("%s: no such file in %s%s", file, strings.Join(where, " or "), cmp.Or(meant, "; check the path"))
}
