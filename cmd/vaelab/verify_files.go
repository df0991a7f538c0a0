package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
)

// verifyFiles checks the files of the trials in and below a folder, or of an experiment. Its error is the exit code.
func verifyFiles(w, wErr io.Writer, c choice, name string, asJSON bool) error {
	dir := name
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		e, err := c.read(wErr, name)
		if err != nil {
			return err
		}
		dir = filepath.Join(c.out, e.Name)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: no such folder; if the trials of %s are in another folder, name it: vaelab verify FOLDER --files", dir, name)
		}
	}
	runs, archived, damage, err := record.CheckAll(dir)
	if err != nil {
		return err
	}
	if len(runs)+archived+len(damage) == 0 {
		return fmt.Errorf("%s: there is no trial in or below this folder; vaelab run trains some", dir)
	}
	set := &record.Set{Runs: slices.Clone(runs)}
	sweep.CheckNames(set)
	damage = append(damage, set.Damage...)
	n, unchecked := map[record.State]int{}, 0
	for _, run := range set.Runs {
		n[run.State]++
	}
	n[record.Damaged] += len(runs) - len(set.Runs)
	for _, run := range runs {
		if run.State == record.Done && run.Files == nil {
			unchecked++
		}
		if run.State == record.Done {
			continue
		}
		check := train.CheckCheckpoint
		if run.State == record.Damaged { // its rows have a line already
			check = func(dir string) error { _, err := train.ReadCheckpoint(dir); return err }
		}
		if err := check(run.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			damage = append(damage, err)
		}
	}
	if asJSON {
		found := checkedFiles{Folder: dir, Count: map[string]int{}, Archived: archived, Unchecked: unchecked, Damage: []damagedFile{}}
		for s := record.Unfinished; s <= record.Damaged; s++ {
			found.Count[s.String()] = n[s]
		}
		for _, err := range damage {
			d := damagedFile{What: err.Error()}
			if known := new(record.Damage); errors.As(err, &known) {
				d = damagedFile{known.Dir, known.File, known.What}
			}
			found.Damage = append(found.Damage, d)
		}
		if err := printJSON(w, found); err != nil {
			return err
		}
		if len(damage) > 0 {
			return verdict(exitDamaged)
		}
		return nil
	}
	for _, err := range damage {
		fmt.Fprintln(w, visible(err.Error()))
	}
	var states []string
	for s := record.Unfinished; s <= record.Damaged; s++ {
		if n[s] > 0 {
			states = append(states, fmt.Sprintf("%d %v", n[s], s))
		}
	}
	of := count(len(runs), "trial")
	if states != nil {
		of += " (" + strings.Join(states, ", ") + ")"
	}
	if archived > 0 {
		of += fmt.Sprintf(" and %d in %s", archived, record.ArchiveFile)
	}
	fmt.Fprintf(w, "%s; %s damaged\n", of, count(len(damage), "file"))
	if unchecked > 0 {
		fmt.Fprintf(w, "finished trials of an older version, whose files cannot be checked because their %s has no checksums: %d\n", record.DoneFile, unchecked)
	}
	if len(damage) > 0 {
		return verdict(exitDamaged)
	}
	return nil
}

// checkedFiles is what verify --files --json prints.
type checkedFiles struct {
	Folder    string         `json:"folder"`
	Count     map[string]int `json:"count"`     // of trials in folders, by state
	Archived  int            `json:"archived"`  // trials in the folder's archive
	Unchecked int            `json:"unchecked"` // finished trials of an older version, which has no checksums
	Damage    []damagedFile  `json:"damage"`
}

// A damagedFile is one file that is not what was written.
type damagedFile struct {
	Folder string `json:"folder"`
	File   string `json:"file"`
	What   string `json:"what"`
}
