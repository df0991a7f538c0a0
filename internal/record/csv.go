package record

import (
	"encoding/csv"
	"fmt"
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
			all := settings(run.Trial)
			front := []string{run.Experiment, run.ID, run.Variant, strconv.Itoa(run.Seed)}
			for _, k := range keys {
				front = append(front, all[k])
			}
			for _, row := range run.Rows {
				step := strconv.Itoa(row.Step)
				for _, m := range tidy(row) {
					out.Write(slices.Concat(front, []string{step, row.Split, m.name, strconv.FormatFloat(m.value, 'g', -1, 64)}))
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

// A measure is one number of a row.
type measure struct {
	name  string
	value float64
}

// tidy returns the numbers of a row, the values before the vectors, each sorted by name.
func tidy(row Row) []measure {
	var ms []measure
	for _, k := range slices.Sorted(maps.Keys(row.Values)) {
		ms = append(ms, measure{k, row.Values[k]})
	}
	for _, k := range slices.Sorted(maps.Keys(row.Vectors)) {
		for d, v := range row.Vectors[k] {
			ms = append(ms, measure{fmt.Sprintf("%s/%d", k, d), v})
		}
	}
	return ms
}
