package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The variables of the environment that stand for a flag where it is not given. An empty one counts as not set.
const (
	resultsVariable = "VAELAB_RESULTS" // for --out
	dataVariable    = "VAELAB_DATA"    // for data --dir, and where relative paths of data are looked up last
)

// resultsFolder is where results go unless --out says otherwise.
func resultsFolder() string { return cmp.Or(os.Getenv(resultsVariable), "results") }

// dataFolder is the folder of data that the environment names, or "". It is an error if that is a file.
func dataFolder() (string, error) { return os.Getenv(dataVariable), notAFile(dataVariable) }

// notAFile refuses a variable that names a file; a folder may still be missing.
func notAFile(variable string) error {
	folder := os.Getenv(variable)
	if info, err := os.Stat(folder); folder != "" && err == nil && !info.IsDir() {
		return usageError{fmt.Errorf("%s=%s: is a file; must be a folder", variable, folder)}
	}
	return nil
}

// sayResults names the results folder if it is that of the environment, which no command line shows.
func (c *choice) sayResults(wErr io.Writer) error {
	if c.outGiven == nil || c.outGiven() || os.Getenv(resultsVariable) == "" {
		return nil
	}
	if err := notAFile(resultsVariable); err != nil {
		return err
	}
	fmt.Fprintf(wErr, "vaelab: note: the results folder is %s, from %s\n", visible(filepath.Clean(c.out)), resultsVariable)
	return nil
}
