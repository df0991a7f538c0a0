package record

import (
	"encoding/csv"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
)

// ExportCSV writes the set as one tidy table, one number a line, with the columns
//
//	experiment, trial, variant, seed, <each setting that varies>, step, split, metric, value
//
// Number 3 of the vector kl_dim, counted from 0, is the metric "kl_dim/3". A setting that a group does
// not have is empty. Numbers are the shortest decimals that read back exactly.
func ExportCSV(w io.Writer, set *Set) error {
	groups := set.Groups()
	varying := map[string]string{}
	for _, g := range groups {
		maps.Copy(varying, g.Varying)
	}
	delete(varying, experimentKey) // has its column
	keys := order(varying)

	out := csv.NewWriter(w)
	out.Write(slices.Concat([]string{"experiment", "trial", "variant", "seed"}, keys, []string{"step", "split", "metric", "value"}))
	for _, g := range groups {
		for _, run := range g.Runs {
			front := []string{run.Experiment, run.ID, run.Variant, strconv.Itoa(run.Seed)}
			for _, k := range keys {
				value, _ := setting(run.Trial, k)
				front = append(front, value)
			}
			line := append(slices.Clip(front), "", "", "", "") // step, split, metric, value
			for _, row := range whole(run.Rows) {
				tail := line[len(front):]
				tail[0], tail[1] = strconv.Itoa(row.Step), row.Split
				write := func(metric string, v float64) {
					tail[2], tail[3] = metric, strconv.FormatFloat(v, 'g', -1, 64)
					out.Write(line)
				}
				for name, v := range row.Values() {
					write(name, v)
				}
				for name, vector := range row.Vectors() {
					for d, v := range vector {
						write(name+"/"+strconv.Itoa(d), v)
					}
				}
			}
		}
	}
	out.Flush()
	return errors.Join(out.Error(), set.Err())
}
