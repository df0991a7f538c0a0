package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
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
	Results   []*Result `json:"results"`
}

// A Result is one size: every run, and the summary.
type Result struct {
	Size         Size        `json:"size"`
	FlopPerToken float64     `json:"flop_per_token"`
	OurCheck     Check       `json:"our_check"`
	TorchCheck   Check       `json:"torch_check"`
	Ours         []Run       `json:"ours"`
	Torch        []TorchRuns `json:"torch"`

	Best       int    `json:"best_threads"` // PyTorch's thread count with the largest median
	OurSpeed   Spread `json:"our_tokens_per_second"`
	TorchSpeed Spread `json:"torch_tokens_per_second"` // at its best thread count
	Ratio      Spread `json:"ratio"`                   // extremes over pairs; the middle is the ratio of the medians
	OurPeak    int64  `json:"our_peak_rss_bytes"`      // of the largest run
	TorchPeak  int64  `json:"torch_peak_rss_bytes"`
	TorchStart int64  `json:"torch_start_rss_bytes"` // of that, PyTorch itself, once imported
	OurFirst   Spread `json:"our_seconds_to_first_step"`
	TorchFirst Spread `json:"torch_seconds_to_first_step"`
	// Shares of the ceiling of all cores in use, 0 if it was not measured.
	OurShare   float64 `json:"our_share_of_ceiling"`
	TorchShare float64 `json:"torch_share_of_ceiling"`
}

// TorchRuns are PyTorch's runs at one thread count.
type TorchRuns struct {
	Threads int   `json:"threads"`
	Runs    []Run `json:"runs"`
}

// A Spread is the smallest, the middle and the largest of some figures.
type Spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// spread panics if there are no figures.
func spread(runs []Run, figure func(Run) float64) Spread {
	var x []float64
	for _, r := range runs {
		x = append(x, figure(r))
	}
	slices.Sort(x)
	n := len(x)
	return Spread{x[0], (x[(n-1)/2] + x[n/2]) / 2, x[n-1]}
}

func speed(r Run) float64     { return r.TokensPerSecond }
func firstStep(r Run) float64 { return r.SecondsToFirstStep }
func roof(r Run) float64      { return r.Ceiling }

// summarise fills the second half of r from the first. A thread count is chosen once for
// all pairs, not anew in each, so that PyTorch does not gain from noise.
func (r *Result) summarise() {
	best := slices.MaxFunc(r.Torch, func(a, b TorchRuns) int {
		return cmp.Compare(spread(a.Runs, speed).Median, spread(b.Runs, speed).Median)
	})
	r.Best = best.Threads
	r.OurSpeed, r.TorchSpeed = spread(r.Ours, speed), spread(best.Runs, speed)
	r.OurFirst, r.TorchFirst = spread(r.Ours, firstStep), spread(best.Runs, firstStep)
	var ratios []Run
	for i, ours := range r.Ours {
		ratios = append(ratios, Run{TokensPerSecond: ours.TokensPerSecond / best.Runs[i].TokensPerSecond})
		r.OurPeak = max(r.OurPeak, ours.PeakRSSBytes)
		r.TorchPeak = max(r.TorchPeak, best.Runs[i].PeakRSSBytes)
		r.TorchStart = max(r.TorchStart, best.Runs[i].StartRSSBytes)
	}
	r.Ratio = spread(ratios, speed)
	r.Ratio.Median = r.OurSpeed.Median / r.TorchSpeed.Median
	if top := spread(r.Ours, roof).Median; top > 0 {
		r.OurShare = r.OurSpeed.Median * r.FlopPerToken / top
		r.TorchShare = r.TorchSpeed.Median * r.FlopPerToken / top
	}
}

// write prints what ran and two tables.
func (r *Report) write(w io.Writer) {
	what := "one trial at a time on " + count(r.Cores, "core")
	if r.Mode == "sweep" {
		what = count(r.Processes, "process") + " at once of one thread each, their sum"
	}
	fmt.Fprintf(w, "%s, %s; %s, timed %g s each; %s\n", what, r.Platform, count(r.Pairs, "pair"), r.Seconds, r.Optimizer)
	first := r.Results[0]
	ours, torch := first.Ours[0], first.Torch[0].Runs[0]
	fmt.Fprintf(w, "ours:  %s, %s, GOMAXPROCS %d\n", ours.Version, ours.Kernel, ours.Threads)
	fmt.Fprintf(w, "torch: %s, %s\n\n", torch.Version, torch.Kernel)

	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "size\tours tokens/s (min..max)\ttorch tokens/s (min..max)\tthreads\tratio (min..max)\tshare of FMA ceiling (%s), ours\ttorch\n", ours.Kernel)
	for _, s := range r.Results {
		fmt.Fprintf(t, "%s\t%.0f (%.0f..%.0f)\t%.0f (%.0f..%.0f)\t%d\t%.2f (%.2f..%.2f)\t%s\t%s\n", s.Size.Name,
			s.OurSpeed.Median, s.OurSpeed.Min, s.OurSpeed.Max, s.TorchSpeed.Median, s.TorchSpeed.Min, s.TorchSpeed.Max,
			s.Best, s.Ratio.Median, s.Ratio.Min, s.Ratio.Max, percent(s.OurShare), percent(s.TorchShare))
	}
	t.Flush()
	fmt.Fprintln(w)
	fmt.Fprintln(t, "size\tpeak MB, ours\ttorch\tratio\ttorch, imported\tseconds to first step, ours\ttorch")
	for _, s := range r.Results {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.2f\t%.0f\t%.2f\t%.2f\n", s.Size.Name,
			float64(s.OurPeak)/1e6, float64(s.TorchPeak)/1e6, float64(s.OurPeak)/float64(s.TorchPeak), float64(s.TorchStart)/1e6,
			s.OurFirst.Median, s.TorchFirst.Median)
	}
	t.Flush()
	fmt.Fprint(w, "\nmedians; the ratio is that of the medians, its range that of the pairs. Quote the ratio:\n"+
		"tokens/s are this machine's today.\n")
}

func percent(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*x)
}

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
