package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"vaelab/internal/record"
)

// stdoutName stands for the standard output where a flag names a file.
const stdoutName = "-"

// writeOut writes the file that a flag names: w if that is the standard output, by the name "-" or by any path
// that leads there, else the file as record.WriteFile does. It tells whether it was w.
func writeOut(w io.Writer, name string, write func(io.Writer) error) (toScreen bool, err error) {
	if w := unescaped(w); name == stdoutName || isOpenAs(w, name) {
		return true, write(w)
	}
	return false, record.WriteFile(name, write)
}

// isOpenAs tells whether a path leads to the file that w writes: /dev/stdout, /dev/fd/1, or what the shell has
// opened. To open that once more would cut off what stands in it.
func isOpenAs(w io.Writer, path string) bool {
	if p, ok := w.(*printer); ok { // on a terminal
		w = p.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	there, err := os.Stat(path)
	here, errHere := f.Stat()
	return err == nil && errHere == nil && os.SameFile(there, here)
}

// fileFor reports early that no file of this name can be written.
func fileFor(flag, name string) error {
	if name == stdoutName {
		return nil
	}
	if name == "" {
		return usageError{fmt.Errorf("--%s: the name is empty; name a file", flag)}
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("--%s %s: is a folder; name a file", flag, name)}
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return usageError{fmt.Errorf("--%s %s: there is no folder %s", flag, name, filepath.Dir(name))}
	}
	return nil
}
