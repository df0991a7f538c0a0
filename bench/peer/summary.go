package main

import "slices"

// A Result is one size: every run, and the summary.
type Result struct {
	Size         Size     `json:"size"`
	FlopPerToken float64  `json:"flop_per_token"`
	Ours         []*Entry `json:"ours"`
	Peers        []*Entry `json:"peers"` // in the mode cores ours on one core
	Loads        []Load   `json:"others_load"`
	Versus       []Versus `json:"versus"`
}

// A Versus is an entry of ours beside the best of a framework at a precision.
type Versus struct {
	Ours  Figures `json:"ours"`
	Peer  Figures `json:"peer"`
	Ratio Spread  `json:"ratio"` // extremes over pairs; the middle is the ratio of the medians
}

// Figures are the summary of an entry.
type Figures struct {
	*Entry    `json:"-"`
	Name      string  `json:"name"`
	Threads   int     `json:"threads"`
	Speed     Spread  `json:"tokens_per_second"`
	PerCPU    Spread  `json:"tokens_per_cpu_second"` // user and system time of the timed part
	Peak      int64   `json:"peak_rss_bytes"`        // of the largest run
	Start     int64   `json:"start_rss_bytes"`       // of that, code and libraries, before there is a model
	FirstStep Spread  `json:"seconds_to_first_step"`
	Share     float64 `json:"share_of_ceiling"` // of all cores in use, 0 if it was not measured
	Parts     *Parts  `json:"parts,omitempty"`  // shares of the time of these cores; the rest of it they were parked
	Fastest   float64 `json:"fastest"`          // tokens/s with tiles at the ceiling and all else as it is, 0 if not known
}

// A Spread is the smallest, the middle and the largest of some figures.
type Spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// spread panics if there are no figures.
func spread(x []float64) Spread {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	return Spread{x[0], (x[(n-1)/2] + x[n/2]) / 2, x[n-1]}
}

// of is the spread of a figure over runs.
func of(runs []Run, figure func(Run) float64) Spread {
	var x []float64
	for _, r := range runs {
		x = append(x, figure(r))
	}
	return spread(x)
}

func speed(r Run) float64     { return r.TokensPerSecond }
func firstStep(r Run) float64 { return r.SecondsToFirstStep }
func roof(r Run) float64      { return r.Ceiling }

// perCPU is 0 where the CPU time is not known.
func perCPU(r Run) float64 {
	if r.CPUSeconds == 0 {
		return 0
	}
	return float64(r.Tokens) / r.CPUSeconds
}

// figures summarise e beside a ceiling.
func (r *Result) figures(e *Entry, ceiling float64) Figures {
	f := Figures{
		Entry: e, Name: e.Config.String(), Threads: e.Threads,
		Speed: of(e.Runs, speed), PerCPU: of(e.Runs, perCPU), FirstStep: of(e.Runs, firstStep),
	}
	for _, run := range e.Runs {
		f.Peak, f.Start = max(f.Peak, run.PeakRSSBytes), max(f.Start, run.StartRSSBytes)
	}
	if ceiling > 0 {
		f.Share = f.Speed.Median * r.FlopPerToken / ceiling
	}
	if f.Parts = shares(e.Runs); f.Parts != nil && ceiling > 0 && e.Measured == float32Products {
		// Shares of the time of a token. The tiles' operations are all of FlopPerToken, or more.
		f.Fastest = f.Speed.Median / (f.Share + 1 - f.Parts.Tiles)
	}
	return f
}

// shares are the parts of all runs as shares of their processors' time, nil if they are not known.
func shares(runs []Run) *Parts {
	all, seconds := new(Parts), 0.0
	for _, r := range runs {
		all = all.add(r.Parts)
		seconds += float64(r.Threads) * float64(r.Tokens) / r.TokensPerSecond
	}
	if all == nil {
		return nil
	}
	return all.times(1 / seconds)
}

// summarise sets each entry of ours beside the best of each framework at its precision or a lower one. The best is
// chosen once for all pairs, not anew in each, so that the other side does not gain from noise.
func (r *Result) summarise() {
	for _, ours := range r.Ours {
		ceiling := of(ours.Runs, roof).Median
		var kinds []string
		for _, e := range r.Peers {
			kind := e.Framework + " " + e.Measured
			lower := ours.Measured == float32Products && e.Measured == bf16Products && e.Framework != "ours"
			if len(e.Runs) == 0 || slices.Contains(kinds, kind) || e.Measured != ours.Measured && !lower {
				continue
			}
			kinds = append(kinds, kind)
			best := e
			for _, other := range r.Peers {
				if len(other.Runs) > 0 && other.Framework == e.Framework && other.Measured == e.Measured &&
					of(other.Runs, speed).Median > of(best.Runs, speed).Median {
					best = other
				}
			}
			v := Versus{Ours: r.figures(ours, ceiling), Peer: r.figures(best, ceiling)}
			if best.Framework == "ours" { // its own: one core has one core's
				v.Peer = r.figures(best, of(best.Runs, roof).Median)
			}
			var ratios []float64
			for i, run := range ours.Runs {
				ratios = append(ratios, run.TokensPerSecond/best.Runs[i].TokensPerSecond)
			}
			v.Ratio = spread(ratios)
			v.Ratio.Median = v.Ours.Speed.Median / v.Peer.Speed.Median
			r.Versus = append(r.Versus, v)
		}
	}
}

// busiest is the largest share of the processors that others used before or during a pair.
func (r *Result) busiest() float64 {
	most := 0.0
	for _, l := range r.Loads {
		most = max(most, l.most())
	}
	return most
}
