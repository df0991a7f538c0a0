package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"vaelab/internal/data"
	"vaelab/internal/record"
	"vaelab/internal/report"
)

// floorsLine says what an example of a split costs models that learn next to nothing: "unigram model 41.2
// nats, bigram model 35.0 nats"; "" if there are none for such data.
func floorsLine(floors []data.Floor) string {
	var parts []string
	for _, f := range floors {
		parts = append(parts, fmt.Sprintf("%s %.1f nats", f.Model, f.NLL))
	}
	return strings.Join(parts, ", ")
}

// gate compares tested trials with the best of the models that learn next to nothing: it names the groups
// that are worse, how many of their trials and by how much, or says that none is. It is "" if there is no such model.
// A trial counts by its iw_nll, or by nelbo if it has none.
func gate(floors []data.Floor, groups []record.Group, digest string) string {
	if len(floors) == 0 {
		return ""
	}
	best := slices.MinFunc(floors, func(a, b data.Floor) int { return cmp.Compare(a.NLL, b.NLL) })
	tested := 0
	var worse []string
	for _, g := range groups {
		here, metric := 0, ""
		var above []float64
		for _, r := range g.Runs {
			name, nll, ok := nllOf(r)
			if r.Data != digest || !ok {
				continue
			}
			here++
			if !(nll < best.NLL) { // NaN is worse
				above, metric = append(above, nll-best.NLL), name
			}
		}
		tested += here
		if above == nil {
			continue
		}
		if n := len(above); slices.ContainsFunc(above, math.IsNaN) {
			above = slices.DeleteFunc(above, math.IsNaN)
			worse = append(worse, fmt.Sprintf("%s, %s of %d of %s is NaN", visible(g.Label), metric, n-len(above), count(here, "trial")))
			if len(above) == 0 {
				continue
			}
		}
		by := report.Decimal(slices.Min(above), 1)
		if most := report.Decimal(slices.Max(above), 1); most != by {
			by += " to " + most
		}
		worse = append(worse, fmt.Sprintf("%s, %d of %s by %s nats of %s", visible(g.Label), len(above), count(here, "trial"), by, metric))
	}
	line := "NLL of a test example: " + floorsLine(floors) + "."
	switch {
	case tested == 0:
		return line
	case worse == nil:
		return fmt.Sprintf("%s Below these: all %s.", line, count(tested, "tested trial"))
	}
	return fmt.Sprintf("%s Worse than the %s: %s.", line, best.Model, strings.Join(worse, "; "))
}

// nllOf is what a trial's test example costs, and the metric that says so.
func nllOf(r record.Run) (metric string, nats float64, ok bool) {
	for _, metric := range []string{"iw_nll", "nelbo"} {
		if v, ok := record.Last(r, "test", metric); ok {
			return metric, v, true
		}
	}
	return "", 0, false
}
