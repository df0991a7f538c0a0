package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"vaelab/internal/record"
	"vaelab/internal/table"
	"vaelab/internal/tensorboard"
	"vaelab/plots"
)

// exportTensorBoard writes an event file for each trial into a folder of its own below out, which TensorBoard calls a run, and
// one with the figures that the rows allow.
func exportTensorBoard(w, wErr io.Writer, set *record.Set, chosen *table.Selection, out string) error {
	groups := set.Groups()
	numbers, written := 0, 0
	for _, g := range groups {
		for _, run := range g.Runs {
			if run.State == record.Damaged { // it is named, and has no rows
				continue
			}
			written++
			dir := filepath.Join(out, run.Experiment, filepath.FromSlash(run.ID))
			err := eventFile(dir, func(f io.Writer) error {
				n, err := events(f, run, chosen, g.Varying)
				numbers += n
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(w, "%s in %s\n", count(written, "trial"), visible(out))
	if numbers == 0 {
		fmt.Fprintln(wErr, "vaelab: warning: no number is written: nothing of that was measured yet, or it is a vector, which event files do not have")
	}
	return eventFile(filepath.Join(out, "figures"), func(f io.Writer) error {
		events := tensorboard.NewWriter(f, 0)
		for _, name := range plots.Figures.Names() {
			figure, err := plots.Figures.Get(name)
			if err != nil {
				return err
			}
			drawing, err := figure.Draw(set)
			if broken := set.Err(); broken != nil {
				return broken
			}
			if err != nil {
				fmt.Fprintf(wErr, "left out: figure %s\n", visible(err.Error())) // it begins with the name
				continue
			}
			png, err := drawing.PNG()
			if err != nil {
				return err
			}
			width, height := drawing.Pixels()
			if err := events.PNG(0, 0, name, width, height, png); err != nil {
				return err
			}
		}
		return nil
	})
}

// eventFile writes the event file of a folder.
func eventFile(dir string, write func(io.Writer) error) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("event files cannot be written: %w; choose another folder with --tensorboard", err)
	}
	return record.WriteFile(filepath.Join(dir, tensorboard.FileName), write)
}

// events writes a trial: its settings, of which variant, seed and those that vary can be compared, and each number of its
// rows that is chosen. It tells how many numbers these are. Rows do not know when they were written. Their times divide the
// seconds of the trial by steps.
func events(f io.Writer, run record.Run, chosen *table.Selection, varying map[string]string) (numbers int, err error) {
	started := 0.0
	if t, err := time.Parse(time.RFC3339, run.Manifest.Started); err == nil {
		started = float64(t.Unix())
	}
	last := 1
	for _, row := range run.Rows {
		last = max(last, row.Step)
	}
	at := func(step int) float64 { return started + run.Manifest.Seconds*float64(step)/float64(last) }
	w := tensorboard.NewWriter(f, started)
	settings := map[string]any{"variant": run.Variant, "seed": float64(run.Seed)}
	for key, value := range varying {
		settings[key] = typed(value)
	}
	if err := w.Settings(started, settings); err != nil {
		return 0, err
	}
	for _, row := range run.Rows {
		if !chosen.Split(row.Split) {
			continue
		}
		for metric, v := range row.Values() {
			if !chosen.Metric(metric) {
				continue
			}
			if err := w.Scalar(at(row.Step), row.Step, row.Split+"/"+metric, v); err != nil {
				return 0, err
			}
			numbers++
		}
	}
	return numbers, w.Ended(at(last), run.State == record.Done)
}

// typed is the value of a setting as a number or a truth value, if it is one.
func typed(text string) any {
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return x
	}
	if b, err := strconv.ParseBool(text); err == nil {
		return b
	}
	return text
}
