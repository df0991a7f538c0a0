package report

import (
	"fmt"
	"slices"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// atCap marks a number that says nothing about differences: see record.AtCap.
const atCap = "^"

// capped tells whether a trial of a group has the metric at its cap.
func capped(g record.Group, split, metric string) bool {
	return slices.ContainsFunc(g.Runs, func(r record.Run) bool {
		_, at := record.LastAtCap(r, split, metric)
		return at
	})
}

// caveats are sentences about the numbers of a table with these columns: metrics at their cap, gaps of the old definition,
// conditions that z may repeat, a likelihood that there is not, a KL that is shown below its floor, posteriors that an
// evaluation refines, and a NELBO that is not what was trained.
func caveats(groups []record.Group, split string, columns []column, center func([]float64) float64) (notes []string) {
	for _, c := range columns {
		if note := record.CapNote(groups, split, c.metric); note != "" {
			notes = append(notes, atCap+" "+note)
		}
		if c.metric == "gap" {
			if note := record.GapNote(groups, split); note != "" {
				notes = append(notes, note)
			}
		}
		if c.metric == "mi" || c.metric == "gap" {
			if note := conditional(groups, split, center); note != "" && !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
		if c.metric == "iw_nll" {
			notes = append(notes, oneCode(groups, split)...)
			notes = append(notes, onePoint(groups, split, center)...)
		}
		if c.metric == "kl" {
			notes = append(notes, sunken(groups, split, c.decimals, center)...)
			notes = append(notes, refined(groups, split, center)...)
		}
		if c.metric == "nelbo" {
			notes = append(notes, ofSamples(groups, split, c.decimals, center)...)
		}
	}
	return notes
}

// Remarks are the caveats of one evaluation of a model; of its importance-weighted likelihood only if one was asked for.
func Remarks(t record.Trial, row record.Row, weighted bool) []string {
	columns := []column{{"KL", "kl", 2}, {"gap", "gap", 2}, {"NELBO", "nelbo", 2}}
	if weighted {
		columns = append(columns, column{"IW-NLL", "iw_nll", 2})
	}
	set := &record.Set{Runs: []record.Run{{Trial: t, Rows: record.Entries(row), State: record.Done}}}
	return caveats(set.Groups(), row.Split, columns, stats.Median)
}

// oneCode says why groups whose q(z|x) is one code have no importance-weighted likelihood, where others have one.
func oneCode(groups []record.Group, split string) []string {
	labels := unweighted(groups, split, "code_perplexity")
	if len(labels) == 0 {
		return nil
	}
	return []string{"No IW-NLL of " + strings.Join(labels, ", ") + ": q(z|x) is one code, so importance weights never see p(x|z) of another code. NELBO is its bound."}
}

// onePoint says the same of groups whose sigma goes to 0.
func onePoint(groups []record.Group, split string, center func([]float64) float64) (notes []string) {
	labels := unweighted(groups, split, "z_noise")
	for _, g := range groups {
		if slices.Contains(labels, g.Label) {
			notes = append(notes, fmt.Sprintf("No IW-NLL of %s: sigma goes to 0 (z_noise; here %.2g), so importance weights see p(x|z) of hardly any other z, and the KL and the NELBO grow without bound.",
				g.Label, center(sampleOf(g, split, "z_noise").numbers())))
		}
	}
	return notes
}

// unweighted are groups that have a metric, but no importance-weighted likelihood.
func unweighted(groups []record.Group, split, metric string) (labels []string) {
	for _, g := range groups {
		if len(sampleOf(g, split, metric)) > 0 && len(sampleOf(g, split, "iw_nll")) == 0 {
			labels = append(labels, g.Label)
		}
	}
	return labels
}

// conditional says what MI and gap count where the data give conditions, and what prior_gap is there, which does not.
func conditional(groups []record.Group, split string, center func([]float64) float64) string {
	var found []string
	for _, g := range groups {
		gap := sampleOf(g, split, "prior_gap")
		given := g.Runs[0].Config["data."+g.Runs[0].Config["data"]+".given"]
		if given != "" && given != "nothing" && len(gap) > 0 {
			found = append(found, fmt.Sprintf("%s %s", g.Label, decimal(center(gap.numbers()), 2)))
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "MI and gap count what z tells of the condition, too, which the decoder has anyway. The increase of -ln p(x|z) with a z of the prior given the condition counts only the rest (prior_gap): " + strings.Join(found, ", ") + "."
}

// sunken says which groups a table shows with a KL below their floor, which holds under batch statistics
// while the table has running ones, and what the KL is under batch statistics.
func sunken(groups []record.Group, split string, decimals int, center func([]float64) float64) (notes []string) {
	for _, g := range groups {
		kl, floor := sampleOf(g, split, "kl"), sampleOf(g, split, "floor")
		if len(kl) == 0 || len(floor) == 0 {
			continue
		}
		shown, least := decimal(center(kl.numbers()), decimals), decimal(center(floor.numbers()), decimals)
		if shown == least || center(kl.numbers()) >= center(floor.numbers()) {
			continue
		}
		batch := sample{}
		for seed, gap := range sampleOf(g, split, "bn_gap") {
			batch[seed] = kl[seed] + gap
		}
		if len(batch) > 0 && center(batch.numbers()) < 0.8*center(floor.numbers()) {
			continue // that is eps, of which Doubts speaks
		}
		note := fmt.Sprintf("%s: the KL, %s, lies below the floor, %s. The floor is a bound under batch statistics; the table is under running statistics", g.Label, shown, least)
		if len(batch) > 0 {
			note += fmt.Sprintf("; under batch statistics the KL is %s (kl + bn_gap)", decimal(center(batch.numbers()), decimals))
		}
		notes = append(notes, note+".")
	}
	return notes
}

// refined says which groups a table shows with posteriors that their method refines in evaluations, too, and what that gains.
func refined(groups []record.Group, split string, center func([]float64) float64) (notes []string) {
	for _, g := range groups {
		gain := sampleOf(g, split, "refine_gain")
		if len(gain) == 0 {
			continue
		}
		notes = append(notes, fmt.Sprintf("%s: evaluations refine q(z|x), too, and all metrics are of the refined one. This lowers the NELBO by %s (refine_gain).",
			g.Label, decimal(center(gain.numbers()), 2)))
	}
	return notes
}

// ofSamples says which groups a table shows with the NELBO of one sample, though they were trained on a bound of several.
func ofSamples(groups []record.Group, split string, decimals int, center func([]float64) float64) (notes []string) {
	for _, g := range groups {
		if bound := sampleOf(g, split, "iw_bound"); len(bound) > 0 {
			notes = append(notes, fmt.Sprintf("%s: trained on a bound of several samples of z, which is %s (iw_bound). KL and NELBO are those of q(z|x).",
				g.Label, decimal(center(bound.numbers()), decimals)))
		}
	}
	return notes
}

// mean is a center of numbers, as stats.Median is.
func mean(x []float64) float64 {
	m, _ := stats.MeanDeviation(x)
	return m
}
