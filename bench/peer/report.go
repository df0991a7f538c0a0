package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A Report is everything that was measured.
type Report struct {
	Mode      string    `json:"mode"`
	Platform  string    `json:"platform"`
	Cores     int       `json:"cores"`
	Processes int       `json:"processes"` // at once; figures of a Run are their sum
	Pairs     int       `json:"pairs"`
	Seconds   float64   `json:"seconds"` // of a timed part
	Optimizer string    `json:"optimizer"`
	LoadKnown bool      `json:"others_load_known"`
	Busy      bool      `json:"measured_beside_others"` // -busy
	Results   []*Result `json:"results"`
}

// busiest is the largest share of the processors that others used.
func (r *Report) busiest() float64 {
	most := 0.0
	for _, s := range r.Results {
		most = max(most, s.busiest())
	}
	return most
}

// refused is an error if others used too much of the processors for the ratios of some size.
func (r *Report) refused() error {
	if most := r.busiest(); most > mostBusy && !r.Busy {
		return busy(most)
	}
	return nil
}

// write prints what ran, how busy the machine was, and tables.
func (r *Report) write(w io.Writer, markdown bool) {
	what := "one trial at a time on " + count(r.Cores, "core")
	switch r.Mode {
	case "sweep":
		what = count(r.Processes, "process") + " at once of one thread each, their sum"
	case "cores":
		what = "one trial at a time on " + count(r.Cores, "core") + " and on one, in turns"
	}
	lines := []string{fmt.Sprintf("%s, %s; %s, timed %g s each; %s", what, r.Platform, count(r.Pairs, "pair"), r.Seconds, r.Optimizer)}
	lines = append(lines, r.versions()...)
	switch {
	case !r.LoadKnown:
		lines = append(lines, "what others used of the processors cannot be checked on this system")
	default:
		lines = append(lines, fmt.Sprintf("others used %.0f %% of the processors at most", 100*r.busiest()))
	}
	for _, line := range lines {
		if markdown {
			line += "  " // a break
		}
		fmt.Fprintln(w, line)
	}
	tables := []table{r.speeds(), r.times(), r.costs()}
	if r.Mode != "cores" {
		tables = append(tables, r.tunings())
	}
	for _, t := range tables {
		fmt.Fprintln(w)
		if markdown {
			t.markdown(w)
		} else {
			t.text(w)
		}
	}
	fmt.Fprint(w, "\nMedians; the ratio is that of the medians, its range that of the pairs. Quote the ratio:\n"+
		"tokens/s are this machine's today.\n")
}

// versions are a line for each framework.
func (r *Report) versions() (lines []string) {
	seen := map[string]bool{}
	for _, s := range r.Results {
		for _, v := range s.Versus {
			for _, f := range []Figures{v.Ours, v.Peer} {
				if !seen[f.Framework] {
					seen[f.Framework] = true
					lines = append(lines, fmt.Sprintf("%s: %s, %s", f.Framework, f.Runs[0].Version, f.Runs[0].Kernel))
				}
			}
		}
	}
	return lines
}

func (r *Report) speeds() table {
	t := table{head: strings.Split("size|ours|tokens/s (range)|beside|threads|tokens/s (range)|ratio (range)|share of ceiling|theirs|tokens/CPU s|theirs", "|")}
	for _, s := range r.Results {
		for _, v := range s.Versus {
			ratio := fmt.Sprintf("%.2f (%.2f..%.2f)", v.Ratio.Median, v.Ratio.Min, v.Ratio.Max)
			if s.busiest() > mostBusy && !r.Busy {
				ratio = "refused"
			}
			t.add(s.Size.Name, v.Ours.Config.Name, v.Ours.Speed.ranged(), v.Peer.Name, v.Peer.Threads, v.Peer.Speed.ranged(),
				ratio, percent(v.Ours.Share), percent(v.Peer.Share), whole(v.Ours.PerCPU.Median), whole(v.Peer.PerCPU.Median))
		}
	}
	return t
}

// times is where the time of our processors went, and what is left to gain from the tiles.
func (r *Report) times() table {
	t := table{head: strings.Split("size|ours|threads|tiles|spin|parked|all else|beside|ratio|with tiles at the ceiling", "|")}
	for _, s := range r.Results {
		for _, v := range s.Versus {
			both := []Figures{v.Ours}
			if v.Peer.Framework == "ours" {
				both = append(both, v.Peer)
			}
			for _, f := range both {
				if f.Parts == nil {
					continue
				}
				row := []any{s.Size.Name, f.Config.Name, f.Threads, share(f.Parts.Tiles), share(f.Parts.Spin),
					share(max(0, 1-f.Parts.sum())), share(f.Parts.Rest), v.Peer.Name, "-", "-"}
				if f.Fastest > 0 && v.Peer.Framework != "ours" {
					row[8] = fmt.Sprintf("%.2f", v.Ratio.Median)
					row[9] = fmt.Sprintf("%.2f", f.Fastest/v.Peer.Speed.Median)
				}
				t.add(row...)
			}
		}
	}
	return t
}

func (r *Report) costs() table {
	t := table{head: strings.Split("size|ours|peak MB|beside|peak MB|ratio|imported, MB|seconds to first step|theirs", "|")}
	for _, s := range r.Results {
		for _, v := range s.Versus {
			t.add(s.Size.Name, v.Ours.Config.Name, megabytes(v.Ours.Peak), v.Peer.Name, megabytes(v.Peer.Peak),
				fmt.Sprintf("%.2f", float64(v.Ours.Peak)/float64(v.Peer.Peak)), megabytes(v.Peer.Start),
				fmt.Sprintf("%.2f", v.Ours.FirstStep.Median), fmt.Sprintf("%.2f", v.Peer.FirstStep.Median))
		}
	}
	return t
}

// tunings is every configuration that was tried.
func (r *Report) tunings() table {
	t := table{head: strings.Split("size|tried|threads|tokens/s|tokens/CPU s|error of loss|of gradient|precision|pairs", "|")}
	for _, s := range r.Results {
		for _, e := range s.Peers {
			row := []any{s.Size.Name, e.Config, e.Threads, "-", "-", "-", "-", "-", "yes"}
			if e.Tuning != nil {
				row[3], row[4] = whole(e.Tuning.TokensPerSecond), whole(perCPU(*e.Tuning))
			}
			if e.Check != nil {
				reference := s.Ours[0].Check
				row[5] = fmt.Sprintf("%.0e", off(e.Check.Loss, reference.Loss))
				row[6] = fmt.Sprintf("%.0e", off(e.Check.GradNorm, reference.GradNorm))
			}
			if e.Measured != "" {
				row[7] = e.Measured
			}
			if e.Left != "" {
				row[8] = e.Left
			}
			t.add(row...)
		}
	}
	return t
}

// A table is a head and rows as long.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...any) {
	var row []string
	for _, c := range cells {
		row = append(row, fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

func (t table) text(w io.Writer) {
	aligned := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(aligned, strings.Join(t.head, "\t"))
	for _, row := range t.rows {
		fmt.Fprintln(aligned, strings.Join(row, "\t"))
	}
	aligned.Flush()
}

func (t table) markdown(w io.Writer) {
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

func (s Spread) ranged() string { return fmt.Sprintf("%.0f (%.0f..%.0f)", s.Median, s.Min, s.Max) }

// whole is "-" for what is not known.
func whole(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", x)
}

func megabytes(bytes int64) string { return whole(float64(bytes) / 1e6) }

func percent(x float64) string {
	if x == 0 {
		return "-"
	}
	return whole(100*x) + " %"
}

// share is a percentage that may be 0.
func share(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// count is "1 core" or "2 cores".
func count(n int, noun string) string {
	switch {
	case n == 1:
	case noun == "process":
		noun = "processes"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
