package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/report"
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
		fmt.Fprintln(w, "no trial has been evaluated yet")
		return printFailed(w, set)
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
	for _, line := range report.Truths(set.Groups(), split) {
		fmt.Fprintln(w, line)
	}
	for _, line := range claims.Entangled(set) {
		fmt.Fprintf(w, "note: %s\n", line)
	}
	if err := printLeaks(w, set); err != nil {
		return err
	}
	return printFailed(w, set)
}

// printLeaks names the settings whose KL, on batch statistics, ends far below the floor that
// their method promises: the encoder has shrunk its raw outputs against eps.
func printLeaks(w io.Writer, set *record.Set) error {
	for _, g := range set.Groups() {
		leaks := report.Leaks(g)
		if leaks == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "note: %s: in %d of %d trials the KL of the training batches ends far below its floor, which leaks through eps; try a smaller one\n",
			g.Label, leaks, len(g.Runs)); err != nil {
			return err
		}
	}
	return nil
}

func printFailed(w io.Writer, set *record.Set) error {
	for _, r := range set.Runs {
		if r.State != record.Failed {
			continue
		}
		if _, err := fmt.Fprintf(w, "failed: %s: %s\n", r.ID, r.Reason); err != nil {
			return err
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
		return decimal(mean, decimals)
	}
	return decimal(mean, decimals) + " ± " + decimal(math.Sqrt(s/float64(len(values)-1)), decimals)
}

// decimal is a number without the sign that rounding leaves before zero.
func decimal(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return s
}
