package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"vaelab/internal/record"
)

// columns of the table, each with the decimals it is printed with.
var columns = []struct {
	title, metric string
	decimals      int
}{
	{"KL", "kl", 2}, {"floor", "floor", 2}, {"MI", "mi", 2}, {"gap", "gap", 2}, {"AU", "au", 1},
	{"rec", "rec", 2}, {"NELBO", "nelbo", 2}, {"PPL", "ppl", 1},
}

// printTable prints a line for every group of trials that differ in the seed only: mean
// over the seeds and sample standard deviation.
func printTable(w io.Writer, set *record.Set) error {
	split, n := tableSplit(set)
	if n == 0 {
		_, err := fmt.Fprintln(w, "no trial has been evaluated yet")
		return err
	}
	fmt.Fprintf(w, "%s split, running statistics; mean ± standard deviation over seeds; nats per example (PPL is a bound, from NELBO)\n", split)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "variant\tseeds\t")
	for _, c := range columns {
		fmt.Fprintf(t, "%s\t", c.title)
	}
	fmt.Fprintln(t)
	for _, g := range set.Groups() {
		fmt.Fprintf(t, "%s\t%d\t", g.Label, len(g.Runs))
		for _, c := range columns {
			var values []float64
			for _, r := range g.Runs {
				if v, ok := record.Last(r, split, c.metric); ok {
					values = append(values, v)
				}
			}
			fmt.Fprintf(t, "%s\t", spread(values, c.decimals))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range set.Runs {
		if r.State == record.Failed {
			fmt.Fprintf(w, "failed: %s: %s\n", r.ID, r.Reason)
		}
	}
	return nil
}

// tableSplit is test if any trial has been tested, else valid.
func tableSplit(set *record.Set) (split string, n int) {
	for _, split = range []string{"test", "valid"} {
		for _, r := range set.Runs {
			if _, ok := record.Last(r, split, "kl"); ok {
				n++
			}
		}
		if n > 0 {
			return split, n
		}
	}
	return split, 0
}

func spread(values []float64, decimals int) string {
	if len(values) == 0 {
		return "–"
	}
	var mean, s float64
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		s += (v - mean) * (v - mean)
	}
	if len(values) == 1 {
		return fmt.Sprintf("%.*f", decimals, mean)
	}
	return fmt.Sprintf("%.*f ± %.*f", decimals, mean, decimals, math.Sqrt(s/float64(len(values)-1)))
}
