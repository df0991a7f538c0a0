package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/record"
	"vaelab/internal/tensor"
)

func latentsCommand() *cobra.Command {
	var c weights
	cmd := &cobra.Command{
		Use:   "latents " + weightsUsage + " --out DIR",
		Short: "Write the posterior of every example: mu, sigma and labels",
		Long: `Encode every example of a split and write its posterior N(mu, sigma²), for your own plots and
classifiers:

  mu.npy       float32 (N, D), the means; of posteriors on a sphere the directions, of length 1
  sigma.npy    float32 (N, D), the standard deviations, positive; not of posteriors that are not Gaussian
  labels.npy   int64 (N), the classes; only if the data have labels
  classes.csv  label and name of each class; only if the classes have names
  latents.csv  the first three as a table: index, label, mu_1 ..., sigma_1 ...

Rows are in the order of the data. numpy.load reads an .npy file. A dimension has collapsed if
its mu is the same for every example and its sigma is 1.`,
		Example: "  vaelab latents results/mlp-glyphs/bn-1a2b3c4d/seed-1 --split valid --out latents",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if c.out == "" {
				return usageError{fmt.Errorf("--out is missing: name a folder for mu.npy, sigma.npy and latents.csv")}
			}
			t, err := c.load(cmd.ErrOrStderr(), given[0], true)
			if err != nil {
				return err
			}
			part, err := t.split(c.split)
			if err != nil {
				return err
			}
			mu, sigma, err := t.posteriors(part)
			if err != nil {
				return err
			}
			return saveLatents(cmd.OutOrStdout(), c.out, mu, sigma, part.Labels, t.set.Classes)
		},
	}
	c.flags(cmd)
	c.splitFlag(cmd)
	cmd.Flags().StringVarP(&c.out, "out", "o", "", "`folder` for the files; created if it does not exist")
	return cmd
}

// saveLatents writes the files and prints their names.
func saveLatents(w io.Writer, dir string, mu, sigma tensor.Matrix, labels []int, classes []string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("latents cannot be written: %w; choose another folder with --out", err)
	}
	if labels == nil {
		classes = nil // of other splits
	}
	for _, f := range []struct {
		name, of string
		absent   bool
	}{{"labels.npy", "labels", labels == nil}, {"classes.csv", "names of classes", classes == nil}, {"sigma.npy", "sigma", sigma.Rows == 0}} {
		stale := filepath.Join(dir, f.name)
		if _, err := os.Stat(stale); err == nil && f.absent {
			return fmt.Errorf("%s belongs to other data, because these have no %s; remove it, or choose another folder with --out", stale, f.of)
		}
	}
	table, err := latentsCSV(mu, sigma, labels)
	if err != nil {
		return err
	}
	type file struct {
		name string
		text []byte
	}
	files := []file{
		{"mu.npy", data.Npy(float32s(mu), mu.Rows, mu.Cols)},
		{"latents.csv", table},
	}
	if sigma.Rows > 0 {
		files = slices.Insert(files, 1, file{"sigma.npy", data.Npy(float32s(sigma), sigma.Rows, sigma.Cols)})
	}
	if labels != nil {
		whole := make([]int64, len(labels))
		for i, l := range labels {
			whole[i] = int64(l)
		}
		files = append(files, file{"labels.npy", data.Npy(whole, len(whole))})
	}
	if classes != nil {
		names := [][]string{{"label", "class"}}
		for i, name := range classes {
			names = append(names, []string{strconv.Itoa(i), name})
		}
		text, err := csvText(names)
		if err != nil {
			return err
		}
		files = append(files, file{"classes.csv", text})
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := record.WriteFileAtomic(path, f.text); err != nil {
			return err
		}
		fmt.Fprintln(w, path)
	}
	return nil
}

// float32s are the numbers of a matrix, row by row.
func float32s(m tensor.Matrix) []float32 {
	out := make([]float32, 0, m.Rows*m.Cols)
	for i := range m.Rows {
		for _, v := range m.Row(i) {
			out = append(out, float32(v))
		}
	}
	return out
}

// latentsCSV is a row for each example; the label is empty if the data have none.
func latentsCSV(mu, sigma tensor.Matrix, labels []int) ([]byte, error) {
	table := [][]string{slices.Concat([]string{"index", "label"}, numbered("mu", mu.Cols), numbered("sigma", sigma.Cols))}
	for i := range mu.Rows {
		label := ""
		if labels != nil {
			label = strconv.Itoa(labels[i])
		}
		row := append([]string{strconv.Itoa(i), label}, digits(mu.Row(i))...)
		if sigma.Rows > 0 {
			row = append(row, digits(sigma.Row(i))...)
		}
		table = append(table, row)
	}
	return csvText(table)
}

func csvText(table [][]string) ([]byte, error) {
	var b bytes.Buffer
	err := csv.NewWriter(&b).WriteAll(table)
	return b.Bytes(), err
}
