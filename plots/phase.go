package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("phase", Phase{}) }

// Phase shows KL and active dimensions of a linear VAE against the decoder's variance, with the closed form.
//
// With L_j the eigenvalues of the data's covariance, s2 the decoder's variance and beta the weight
// of the KL, vanilla's optimum has for each of the largest L_j, as many as there are latent dimensions,
//
//	KL_j = ½ ln(L_j / (beta s2))   if L_j > beta s2, else 0
//
// A dimension with decoder column w, mu = v x and variance q along an axis of variance L costs
//
//	(L (1 - w v)² + w² q) / (2 s2)  +  beta/2 (v² L + q - ln q - 1)
//
// which is beta times the same with beta = 1 and variance beta s2: the weight acts as a larger
// variance, exactly, and both are on one axis. The minimum over v and q is at v = w/(w² + beta s2),
// q = beta s2/(w² + beta s2); over w at w² = L - beta s2, or 0 (TestPhaseIsTheMinimum). In this
// model the KL has a kink at each threshold and no jump.
//
// L_j are the nominal eigenvalues of data.gaussian. Those of a sample differ: with l the training
// split's along an axis and m the test split's, the optimum for l has on test
//
//	KL_j = ½ ln(l/s2) + ½ (1 - s2/l)(m/l - 1)
//
// and as l and m have a relative variance of 2/N, that of KL_j is ½ ((s2/L)²/N_train + (1 - s2/L)²/N_test)
// to first order, away from the thresholds and where eigenvalues are not nearly equal. Two standard
// deviations of the sum are drawn. All seeds of an experiment share one sample, hence its deviation.
//
// Source: Lucas et al. 2019, "Don't blame the ELBO! A linear VAE perspective on posterior collapse"
// (arXiv 1911.02469); Li et al. 2025, "Posterior collapse as a phase transition in variational
// autoencoders" (arXiv 2510.01621), for the threshold; derivation ours.
type Phase struct{}

// The settings that make the closed form.
const (
	decoderKey = "model.linear.noise"
	weightKey  = "kl.beta"
)

// liveVariance is the variance of mu from which "au" counts a dimension as active.
const liveVariance = 0.01

// A linearOptimum is what the best linear VAE of some Gaussian data is known by.
type linearOptimum struct {
	eigenvalues []float64 // nominal, of as many axes as there are latent dimensions, the largest first
	train, test float64   // vectors that it is trained and measured on
}

// kl is the KL at an effective variance beta s2, in nats, and its standard deviation from sample
// to sample of the data.
func (o linearOptimum) kl(s2 float64) (nats, sd float64) {
	variance := 0.0
	for _, L := range o.eigenvalues {
		if L > s2 {
			nats += 0.5 * math.Log(L/s2)
			variance += 0.5 * (s2/L*s2/L/o.train + (1-s2/L)*(1-s2/L)/o.test)
		}
	}
	return nats, math.Sqrt(variance)
}

// live is the number of dimensions that "au" finds active: Var mu_j = 1 - s2/L_j.
func (o linearOptimum) live(s2 float64) (n float64) {
	for _, L := range o.eigenvalues {
		if 1-s2/L >= liveVariance {
			n++
		}
	}
	return n
}

// optimumOf reads what the closed form needs from a group's settings; ok is false if it is no
// linear VAE on Gaussian data.
func optimumOf(g record.Group, split string) (o linearOptimum, ok bool) {
	config := g.Runs[0].Config
	if config["model"] != "linear" || config["data"] != "gaussian" {
		return o, false
	}
	var numbers []float64
	for _, key := range []string{"data.gaussian.train", "data.gaussian." + split, "data.gaussian.dims", "data.gaussian.noise", "model.linear.latent_dim"} {
		v, ok := g.Number(key)
		if !ok {
			return o, false
		}
		numbers = append(numbers, v)
	}
	const most = 1e5 // dimensions
	if dims, latent := numbers[2], numbers[4]; !(dims >= 1 && dims <= most && latent >= 1 && latent <= most && finite(numbers[3])) {
		return o, false
	}
	o.train, o.test = numbers[0], numbers[1]
	for _, word := range strings.FieldsFunc(config["data.gaussian.spectrum"], func(r rune) bool { return r == ',' || r == ' ' }) {
		L, err := strconv.ParseFloat(word, 64)
		if err != nil || !(L > 0 && finite(L)) {
			return o, false
		}
		o.eigenvalues = append(o.eigenvalues, L)
	}
	for len(o.eigenvalues) < int(numbers[2]) { // all other axes have the data's noise
		o.eigenvalues = append(o.eigenvalues, numbers[3])
	}
	slices.Sort(o.eigenvalues)
	slices.Reverse(o.eigenvalues)
	o.eigenvalues = o.eigenvalues[:min(len(o.eigenvalues), int(numbers[4]))]
	return o, true
}

// A phasePoint is a group with where it stands.
type phasePoint struct {
	noise, beta float64
	group       record.Group
}

// effective is the variance on the axis.
func (p phasePoint) effective() float64 { return p.noise * p.beta }

// A phasePanel is a metric with its closed form, or the metric minus that.
type phasePanel struct {
	metric, label string
	closed        func(o linearOptimum, s2 float64) (value, sd float64)
	minus         bool
}

var phasePanels = []phasePanel{
	{"kl", "KL (nats)", linearOptimum.kl, false},
	{"kl", "KL − closed form (nats)", linearOptimum.kl, true},
	{"au", "active dimensions", func(o linearOptimum, s2 float64) (float64, float64) { return o.live(s2), 0 }, false},
}

// Draw implements Figure.
func (Phase) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	split := finalSplit(groups, func(r record.Run, split string) bool {
		return having("kl", "au")(r, split) && r.Config["model"] == "linear"
	})
	places := map[string]bool{}
	groups = slices.DeleteFunc(groups, func(g record.Group) bool {
		p, ok := phasePointOf(g)
		if _, known := optimumOf(g, split); !ok || !known {
			return true
		}
		places[num(p.effective())] = true
		return false
	})
	switch {
	case len(groups) == 0:
		return nil, errors.New("phase: no trial of a linear VAE on Gaussian data has been evaluated; this figure needs model linear and data gaussian, at several values of " + decoderKey + " or " + weightKey)
	case len(places) == 1:
		return nil, fmt.Errorf("phase: all linear VAEs have %s times %s = %s; give several values of one of them", decoderKey, weightKey, sortedKeys(places)[0])
	}
	f := phase{split: split}
	f.table = [][]string{{"group", "variance", "noise", "beta", "metric", "split", "seed", "value", "closed_form", "closed_form_sd"}}
	sets, note := firstOf(byData(familiesOver(groups, decoderKey, weightKey)), mostPanels, "data sets")
	var rows [][]*plot.Plot
	for _, d := range sets {
		rows = append(rows, f.row(d))
	}
	f.blocks = []block{matrix{rows: rows, height: 2.7 * vg.Inch}}
	f.legend = append([]entry{
		{label: "optimum of vanilla, closed form", line: closedStyle},
		{label: "± 2 sd over samples of the data", line: draw.LineStyle{Color: closedBand, Width: 7}},
	}, f.legend...)
	f.finding = phaseFinding(sets, split)
	f.caption = []string{splitNames[split] + " split, last row. s² is the decoder's variance times the weight β of the KL, L are the eigenvalues of the data's covariance (vertical lines). Grey: KL = Σ ½ ln(L / s²) over the L that exceed s², and the number of those.",
		"L are nominal values; the band is the closed form for finite samples, ± 2 sd; all seeds share one sample. Marks are seeds (" + perPoint(groups) + "); their scatter is due to training."}
	f.caption = append(append(f.caption, note...), doubts(set, all)...)
	return f.drawing(), nil
}

// phaseFinding says how far a KL is from the closed form at most.
func phaseFinding(sets []dataset, split string) string {
	most, at := -1.0, 0.0
	var counts []sample
	for _, d := range sets {
		for _, fam := range d.families {
			optimum, _ := optimumOf(fam.groups[0], split)
			for _, g := range fam.groups {
				point, _ := phasePointOf(g)
				want, _ := optimum.kl(point.effective())
				values := numbers(finals(g, split, "kl"))
				if !allFinite(values) {
					return ""
				}
				if len(values) > 0 {
					counts = append(counts, sample{n: len(values)})
				}
				for _, v := range values {
					if off := math.Abs(v - want); off > most {
						most, at = off, point.effective()
					}
				}
			}
		}
	}
	if len(counts) == 0 {
		return ""
	}
	return sentence("The KL differs from the closed form by %s nats at most, at s² = %s; %s.", figure(most, 0), short(at),
		fmt.Sprintf("%d groups, %s", len(counts), seeds(counts)))
}

var (
	closedStyle = draw.LineStyle{Color: grey, Width: curveWidth}
	closedBand  = color.NRGBA{0xd4, 0xd4, 0xd4, 0xff}
)

// phasePointOf finds a group's place; ok is false if its settings do not tell.
func phasePointOf(g record.Group) (p phasePoint, ok bool) {
	noise, ok := g.Number(decoderKey)
	beta, too := g.Number(weightKey)
	return phasePoint{noise, beta, g}, ok && too && noise*beta > 0 && finite(noise*beta)
}

// phase is the page while it grows.
type phase struct {
	page
	split string
}

// row draws the panels of one data set.
func (f *phase) row(d dataset) (row []*plot.Plot) {
	var optima []linearOptimum // one for each number of latent dimensions
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, fam := range d.families {
		o, _ := optimumOf(fam.groups[0], f.split)
		if !slices.ContainsFunc(optima, func(p linearOptimum) bool { return slices.Equal(p.eigenvalues, o.eigenvalues) }) {
			optima = append(optima, o)
		}
		for _, g := range fam.groups {
			point, _ := phasePointOf(g)
			lo, hi = math.Min(lo, point.effective()), math.Max(hi, point.effective())
		}
	}
	lo, hi = lo/1.25, math.Max(hi, optima[0].eigenvalues[0])*1.25
	for _, m := range phasePanels {
		p := newPanel("s²: variance × β", m.label)
		p.Title.Text, p.Title.TextStyle = " ", sans(captionSize) // room for the eigenvalues
		for _, o := range optima {
			line, spread := f.closed(o, m, lo, hi)
			p.Add(eigenvalueLines(o, lo, hi), spread, line)
		}
		for _, fam := range d.families {
			p.Add(f.marks(fam, m, false), f.marks(fam, m, true))
		}
		p.X.Min, p.X.Max = math.Log10(lo), math.Log10(hi)
		p.X.Tick.Marker = plot.TickerFunc(logTicks)
		pad(&p.Y)
		row = append(row, p)
	}
	return row
}

// marks are the seeds of the groups whose KL has a weight other than 1, or of the others.
func (f *phase) marks(fam family, m phasePanel, weighted bool) dots {
	at := dots{GlyphStyle: draw.GlyphStyle{Color: fam.style.Color, Radius: 2.6, Shape: draw.CircleGlyph{}}}
	label := fam.label + ", β = 1"
	if weighted {
		at.Shape, label = draw.RingGlyph{}, fam.label+", other β"
	}
	optimum, _ := optimumOf(fam.groups[0], f.split)
	for _, g := range fam.groups {
		point, _ := phasePointOf(g)
		if weighted != (point.beta != 1) {
			continue
		}
		s2 := point.effective()
		want, sd := m.closed(optimum, s2)
		for _, v := range finals(g, f.split, m.metric) {
			y := v.value
			if m.minus {
				y -= want
			} else {
				f.table = append(f.table, []string{fam.label, num(s2), num(point.noise), num(point.beta), m.metric, f.split, strconv.Itoa(v.seed), num(v.value), num(want), num(sd)})
			}
			at.X, at.Y = append(at.X, math.Log10(s2)), append(at.Y, y)
		}
	}
	if len(at.X) > 0 && !slices.ContainsFunc(f.legend, func(e entry) bool { return e.label == label }) {
		f.legend = append(f.legend, entry{label: label, glyph: at.GlyphStyle})
	}
	return at
}

// eigenvalueLines are the vertical lines at the eigenvalues.
func eigenvalueLines(o linearOptimum, lo, hi float64) (m thresholds) {
	m.LineStyle = draw.LineStyle{Color: grey, Width: 0.5, Dashes: []vg.Length{1, 2}}
	for _, L := range slices.Compact(slices.Sorted(slices.Values(o.eigenvalues))) {
		if L >= lo && L <= hi {
			m.X, m.Labels = append(m.X, math.Log10(L)), append(m.Labels, short(L))
		}
	}
	return m
}

// closed is the closed form from lo to hi, with two standard deviations on either side.
func (f *phase) closed(o linearOptimum, m phasePanel, lo, hi float64) (line curve, spread band) {
	const n = 120
	var at []float64
	for i := range n + 1 {
		at = append(at, lo*math.Pow(hi/lo, float64(i)/n))
	}
	for _, L := range o.eigenvalues { // the corners; of a step both sides
		if L > lo && L < hi {
			at = append(at, L, L*(1-liveVariance), math.Nextafter(L*(1-liveVariance), math.Inf(1)))
		}
	}
	slices.Sort(at)
	at = slices.Compact(at)
	line.LineStyle, spread.Color = closedStyle, closedBand
	line.X = logs(at)
	spread.X = line.X
	for _, s2 := range at {
		value, sd := m.closed(o, s2)
		if m.minus {
			value = 0
		} else {
			f.table = append(f.table, []string{"closed form", num(s2), "", "", m.metric, "", "", "", num(value), num(sd)})
		}
		line.Y = append(line.Y, value)
		spread.Lo, spread.Hi = append(spread.Lo, value-2*sd), append(spread.Hi, value+2*sd)
	}
	return line, spread
}
