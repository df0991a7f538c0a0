package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Numbered is the name of a file that one owner of a trial's folder writes: of rows.jsonl it is rows.3.jsonl for the owner
// with claim 3. So two owners never write the same file, of whom one may not know yet that it has been taken for dead.
// The owner 0 has no claim, and its files have their plain names.
func Numbered(name string, owner int) string {
	if owner == 0 {
		return name
	}
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s.%d%s", strings.TrimSuffix(name, ext), owner, ext)
}

// NumberIn is the owner in the name of a file that Numbered made of name; ok is false for any other file.
func NumberIn(file, name string) (owner int, ok bool) {
	if file == name {
		return 0, true
	}
	ext := filepath.Ext(name)
	middle, starts := strings.CutPrefix(file, strings.TrimSuffix(name, ext)+".")
	middle, ends := strings.CutSuffix(middle, ext)
	owner, err := strconv.Atoi(middle)
	return owner, starts && ends && err == nil && owner > 0 && Numbered(name, owner) == file
}

// Latest is the file of the last owner among a folder's files, by their names, that Numbered made of name.
func Latest(files []string, name string) (file string, ok bool) {
	latest := -1
	for _, f := range files {
		if n, ok := NumberIn(f, name); ok {
			latest = max(latest, n)
		}
	}
	return Numbered(name, max(0, latest)), latest >= 0
}

// latestRows is the name of the file in which an unfinished trial's rows are: that of the last owner that has written any.
func latestRows(dir string) string {
	entries, _ := os.ReadDir(dir) // a folder that cannot be read has no rows, which the caller finds
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	file, _ := Latest(names, RowsFile)
	return file
}
