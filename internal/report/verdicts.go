package report

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// VerdictsFile is where an experiment's folder keeps the verdicts.
const VerdictsFile = "verdicts.json"

// ReadVerdicts reads what vaelab verify has left in the folder or in those of its experiments.
func ReadVerdicts(dir string) (all []Verdicts, err error) {
	files, err := verdictFiles(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		var v Verdicts
		if err == nil {
			err = json.Unmarshal(text, &v)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w; vaelab verify writes it again", file, err)
		}
		all = append(all, v)
	}
	return all, nil
}

// verdictFiles are what vaelab verify has left in the folder or in those of its experiments, each once: one that is
// reached by a link as well has its own path.
func verdictFiles(dir string) (files []string, err error) {
	at := map[string]int{} // path without links -> number in files
	for _, pattern := range []string{VerdictsFile, "*/" + VerdictsFile} {
		found, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			path := filepath.Join(dir, filepath.FromSlash(name))
			real, err := filepath.EvalSymlinks(path)
			if err != nil {
				return nil, err
			}
			i, twice := at[real]
			switch {
			case !twice:
				at[real] = len(files)
				files = append(files, path)
			case filepath.Base(filepath.Dir(path)) == filepath.Base(filepath.Dir(real)):
				files[i] = path
			}
		}
	}
	return files, nil
}
