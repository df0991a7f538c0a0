package sweep

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// variable is what stands for a variable of the environment in a path. A $ without braces is part of a name.
var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// locate returns the path of a setting with the tag kind:"path" as it is opened, and trial.json keeps it: with ~ and
// ${VARIABLE} replaced, and below the folder of the experiment's file if it exists there and not in the working
// directory, which is noted. A path that is in neither stays as it is; see beside.
func (r *reader) locate(n *yaml.Node, path, file string) string {
	if !r.written {
		return file
	}
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
	if near := r.beside(file); near != "" && !exists(file) && exists(near) {
		r.note(n, path, "%s is not in the working directory; %s is used, from the folder of the experiment's file", file, near)
		return near
	}
	return file
}

// beside is a relative path seen from the folder of the experiment's file; empty if it is not relative or that is the
// working directory.
func (r *reader) beside(file string) string { return besideOf(r.file, file) }

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

// tried adds to the error for a file that does not exist where else it was looked for.
func (e *Experiment) tried(err error) error {
	var missing *fs.PathError
	if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if near := besideOf(e.file, missing.Path); near != "" {
		return fmt.Errorf("%w; %s, from the folder of the experiment's file, does not exist either", err, near)
	}
	return err
}
