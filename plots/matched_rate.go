package plots

import (
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("matched-rate", MatchedRate{}) }

// MatchedRate shows NELBO, mutual information and gap of the methods at equal KL.
//
// Methods are compared on the same data only, one row of panels for each. Each seed's final points over the method's
// knob, the setting that moves its rate, are dots. In order of their KL they are joined by straight lines and read off at
// rates that at least two methods reach with every seed; the thick lines are the means of what is read. Nothing is
// extrapolated. The metrics are those that all these points have.
type MatchedRate struct{}

// matchedMetrics are the panels. The first of NELBO's two stands for the likelihood.
var matchedMetrics = []struct{ name, label string }{
	{"iw_nll", "IW-NLL (nats per example)"},
	{"nelbo", "NELBO (nats per example)"},
	{"mi", "I(x; z) (nats)"},
	{"gap", "shuffled-z gap (nats)"},
}

// Draw implements Figure.
func (MatchedRate) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups := finishedOf(all)
	byKnob, _ := families(groups)
	split := finalSplit(groups, having("kl"))
	m := matched{split: split, counts: map[string]int{}}
	m.table = [][]string{{"method", "data", "metric", "split", "kl", "mean", "min", "max", "seeds"}}
	sets, note := firstOf(byData(allFamilies(byKnob, nil)), mostPanels, "data sets")
	var rows [][]*plot.Plot
	for _, d := range sets {
		if row := m.compare(d, len(sets) > 1); len(row) > 0 {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		why := "no method has two points or more over a swept setting"
		if len(m.reach) > 0 {
			why = "no two methods reach the same KL on the same data with every seed: " + strings.Join(listed(m.reach), ", ")
		}
		return nil, fmt.Errorf("matched-rate: %s; add values of a setting that moves the rate%s", why, movers(set, groups))
	}
	m.blocks = []block{matrix{rows: rows, height: 2.3 * vg.Inch}}
	m.legend = append(m.legend, entry{label: "measured, one seed", glyph: pointGlyph(grey)}, entry{label: "interpolated, mean", line: neutral})
	m.caption = []string{splitNames[split] + " split, last row, at equal KL.",
		"Dots: what each seed measured at a value of the method's setting. Lines: between these points, in order of their KL, interpolated linearly at rates that two methods or more reach with every seed; never extrapolated.",
		seedsNote(m.counts)}
	m.caption = append(m.caption, dialNote(m.families)...)
	if m.capped {
		m.legend = append(m.legend, capEntry)
	}
	m.caption = append(append(m.caption, note...), useNotes(m.groups, split, split)...)
	m.caption = append(m.caption, doubts(set, all)...)
	return m.drawing(), nil
}

// matched is the page while it grows.
type matched struct {
	page
	split    string
	counts   map[string]int // seeds, by method
	reach    []string       // which rates each method spans, for the message if none meet
	groups   []record.Group // those compared
	families []family       // the same
	capped   bool           // a cap of the mutual information is drawn
}

// compare returns the panels of one data set; none if no two methods reach the same KL.
func (m *matched) compare(d dataset, named bool) (row []*plot.Plot) {
	for _, metric := range matchedMetrics {
		if metric.name == "nelbo" && len(row) > 0 { // there is the tighter bound
			continue
		}
		fronts := frontsOf(d.families, m.split, metric.name)
		if metric.name == "nelbo" {
			m.reach = append(m.reach, reaches(fronts)...)
		}
		rates := commonRates(fronts)
		if len(rates) == 0 {
			continue
		}
		if m.finding == "" {
			m.finding = matchedFinding(fronts, rates, metric.name, d.name, named)
		}
		p := newPanel("KL (nats per example)", metric.label)
		if named {
			p.Title.Text, p.Title.TextStyle = " ", sans(tickSize) // room for the heading
			p.Add(heading{second: "data: " + printable(d.name)})
		}
		var bands, curves, measured []plot.Plotter
		for _, f := range fronts {
			line, spread := f.at(rates)
			if len(line.X) == 0 {
				continue
			}
			if len(f.Lines) > 1 {
				bands = append(bands, spread)
			}
			curves, measured = append(curves, line), append(measured, f.measured(rates))
			for i, x := range line.X {
				m.table = append(m.table, []string{f.label, d.name, metric.name, m.split, num(x), num(line.Y[i]), num(spread.Lo[i]), num(spread.Hi[i]), num(float64(len(f.Lines)))})
			}
			if _, ok := m.counts[f.label]; !ok {
				m.groups = append(m.groups, f.groups...)
				m.legend = append(m.legend, entry{label: overDial(f.family), line: f.style})
				m.families = append(m.families, f.family)
			}
			m.counts[f.label] = len(f.Lines)
		}
		p.Add(bands...)
		p.Add(curves...)
		p.Add(measured...)
		pad(&p.X)
		pad(&p.Y)
		if metric.name == "mi" {
			for _, f := range fronts {
				m.capped = addCaps(p, f.groups, m.split) || m.capped
			}
		}
		row = append(row, p)
	}
	return row
}

// matchedFinding compares the methods at the largest of the rates that most of them reach. Of several data sets it names its
// own.
func matchedFinding(fronts []front, rates []float64, metric, data string, named bool) string {
	var best []sample
	rate := 0.0
	for _, r := range rates {
		var here []sample
		for _, f := range fronts {
			if line, spread := f.at([]float64{r}); len(line.X) > 0 {
				here = append(here, sample{label: f.label, mean: line.Y[0], lo: spread.Lo[0], hi: spread.Hi[0], n: len(f.Lines)})
			}
		}
		if len(here) >= len(best) {
			best, rate = here, r
		}
	}
	what := map[string]string{"iw_nll": "the IW-NLL", "nelbo": "the NELBO", "mi": "I(x; z)", "gap": "the gap"}[metric]
	if named {
		what = sentence("%s on %s", what, name(data))
	}
	return sentence("At a KL of %s nats %s %s.", figure(rate, 0), what, spread(best, " nats"))
}

// at reads the frontier off at those of the rates that it spans.
func (f front) at(rates []float64) (line curve, spread band) {
	line.LineStyle, spread.Color = f.style, fade(f.style.Color, 0.2)
	for _, rate := range rates {
		if rate < f.lo || rate > f.hi {
			continue
		}
		var values []float64
		for _, points := range f.Lines {
			v, _ := points.At(rate) // every seed spans it
			values = append(values, v)
		}
		mean, lo, hi := record.Range(values)
		line.X, line.Y = append(line.X, rate), append(line.Y, mean)
		spread.X, spread.Lo, spread.Hi = append(spread.X, rate), append(spread.Lo, lo), append(spread.Hi, hi)
	}
	return line, spread
}

// measured are the points of all seeds that the line at those rates is read off from: those from the first to the last rate, and the
// next on either side.
func (f front) measured(rates []float64) dots {
	at := dots{GlyphStyle: pointGlyph(fade(f.style.Color, 0.7))}
	for _, line := range f.Lines {
		for i, p := range line {
			below := i+1 < len(line) && line[i+1].Rate <= rates[0]
			above := i > 0 && line[i-1].Rate >= rates[len(rates)-1]
			if !below && !above {
				at.X, at.Y = append(at.X, p.Rate), append(at.Y, p.Value)
			}
		}
	}
	return at
}

// pointGlyph is the dot of what one seed measured.
func pointGlyph(c color.Color) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: 2.2, Shape: draw.CircleGlyph{}}
}

// movers names the settings that move the rate of the groups' methods, " (variant.bn.gamma, kl.beta)", if they are known.
func movers(set *record.Set, groups []record.Group) string {
	known := map[string]bool{}
	for _, g := range groups {
		for key := range set.Knobs {
			if _, ok := g.Runs[0].Config[key]; ok && !(key == "kl.beta" && g.Variant != "vanilla") {
				known[key] = true
			}
		}
	}
	if len(known) == 0 {
		return ""
	}
	return " (" + strings.Join(sortedKeys(known), ", ") + ")"
}

// reaches says for a message which rates each frontier spans.
func reaches(fronts []front) (spans []string) {
	for _, f := range fronts {
		spans = append(spans, fmt.Sprintf("%s %.3g to %.3g nats", plain(f.label), f.lo, f.hi))
	}
	return spans
}
