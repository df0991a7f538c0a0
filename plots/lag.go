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

func init() { Figures.Add("lag", Lag{}) }

// Lag shows the inference lag: the encoder's mean mu against the mean of the model's posterior p(z|x), during training.
//
// Above, a row of frames for each group, of its first seed. A point is a validation example: x its
// mean under p(z|x), y its mu under q(z|x), both in standard deviations of the prior. On the
// diagonal the encoder is where the model is. Points along the x axis are inference lag: the model
// tells examples apart and the encoder does not. Points along the y axis are of a decoder that does
// not read z. In the origin nothing is told apart. The frames are the first and the last
// measurement, the one at which some run lags most, and two in the middle of the longest times between.
//
// Below, over all seeds and steps, the lag (the mean of what y has yet to go from 0 to x) and the
// spread of either axis.
//
// Source: He et al. 2019, "Lagging inference networks and posterior collapse in variational
// autoencoders" (arXiv 1901.05534), Figures 2 and 3; Zhu et al. 2020 (arXiv 2004.12585), Figures 1 and 2.
type Lag struct{}

const (
	lagReach = 3 // where the axes of He et al.'s code end
	lagRows  = 6 // the most groups with frames
)

// A frame is one group's points at a step.
type frame struct{ X, Y []float64 }

// lagFrames are rows of square panels, a row for each group, whose label stands left of it.
type lagFrames struct {
	rows   [][]*plot.Plot
	labels []string
	steps  []int // above the columns
}

// lagFrame is the least width of a frame, points. A narrow page has the first, the last and some between.
const lagFrame = 50

// lay implements block. The numbers of each row and the label of its group take the room on the left.
func (m lagFrames) lay(width vg.Length) (vg.Length, func(draw.Canvas)) {
	const left, between, below = 64, 14, 36
	shown := len(m.steps)
	for shown > 2 && width-left-between*vg.Length(shown-1) < lagFrame*vg.Length(shown) {
		shown--
	}
	n := vg.Length(shown)
	side := min(1.3*vg.Inch, (width-left-between*(n-1))/n)
	used := left + n*side + between*(n-1)
	rows := make([][]*plot.Plot, len(m.rows))
	_, labels := shared(m.labels)
	for j, row := range m.rows {
		for i := range shown {
			k := i * (len(row) - 1) / max(1, shown-1)
			p := *row[k]
			if j == 0 {
				label := "step " + thousands(m.steps[k])
				if sans(tickSize).Width(label) > side+between-4 {
					label = thousands(m.steps[k])
				}
				p.Title.Text, p.Title.TextStyle = " ", sans(tickSize) // room for the heading
				p.Add(heading{second: label})
			}
			rows[j] = append(rows[j], &p)
		}
		first := rows[j][0]
		lines := foldTo(first.Y.Label.TextStyle, printable(labels[j]), side, 2)
		first.Y.Label.Text = strings.Join(append(make([]string, 2-len(lines)), lines...), "\n")
	}
	return vg.Length(len(rows))*(side+8) + below, func(c draw.Canvas) {
		drawPanels(rows, edgeLabels(draw.Crop(c, 0, used-width, 0, 0), "E[z] under p(z|x)", "μ"))
	}
}

// Draw implements Figure.
func (Lag) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	var framed []record.Group
	for _, g := range all {
		if len(framesOf(g)) > 0 {
			framed = append(framed, g)
		}
	}
	if len(framed) == 0 {
		return nil, errors.New(`lag: no valid row has the vectors "lag_model" and "lag_mu"; train with lag_every: 200, say, and latent_dim: 1`)
	}
	groups, note, err := withMetric("lag", all, "valid", "lag")
	if err != nil {
		return nil, err
	}
	groups, more := sampled(groups)
	note = append(more, note...)
	pg := page{table: [][]string{{"group", "seed", "step", "example", "model", "mu", "lag", "min", "max", "model_sd", "mu_sd"}}}
	if n := len(framed); n > lagRows {
		note = append(note, fmt.Sprintf("Frames of the first %d of %d groups.", lagRows, n))
		framed = framed[:lagRows]
	}
	styles := map[string]draw.LineStyle{}
	for i, style := range groupStyles(all) {
		styles[all[i].Label] = style
	}
	steps := lagSteps(framed)
	above := lagFrames{steps: steps}
	beyond := false
	for j, g := range framed {
		frames, seed := framesOf(g), strconv.Itoa(firstWith(g, "valid", "lag_model").Seed)
		var row []*plot.Plot
		for i, step := range steps {
			p := newPanel("", "")
			p.Add(diagonal{})
			if f, ok := frames[step]; ok {
				for k := range f.X {
					pg.table = append(pg.table, []string{g.Label, seed, strconv.Itoa(step), strconv.Itoa(k), num(f.X[k]), num(f.Y[k]), "", "", "", "", ""})
					beyond = beyond || math.Abs(f.X[k]) > lagReach || math.Abs(f.Y[k]) > lagReach
				}
				p.Add(dots{within(f.X), within(f.Y), draw.GlyphStyle{Color: fade(styles[g.Label].Color, 0.3), Radius: 1.5, Shape: draw.CircleGlyph{}}})
			}
			for _, a := range []*plot.Axis{&p.X, &p.Y} {
				a.Min, a.Max = -lagReach, lagReach
				a.Tick.Marker = plot.ConstantTicks{{Value: -2, Label: "−2"}, {Value: 0, Label: "0"}, {Value: 2, Label: "2"}}
			}
			if i > 0 {
				p.Y.Tick.Marker = unlabelled(p.Y.Tick.Marker)
			}
			if j < len(framed)-1 {
				p.X.Tick.Marker = unlabelled(p.X.Tick.Marker)
			}
			row = append(row, p)
		}
		above.rows, above.labels = append(above.rows, row), append(above.labels, g.Label)
	}

	lag, spread := overlay{panel: newPanel("training step", "inference lag")}, overlay{panel: newPanel("training step", "spread of means")}
	counts := map[string]int{}
	ended := false
	for _, g := range groups {
		style := styles[g.Label]
		s, model, mu := seriesOf(g.Runs, "valid", "lag"), seriesOf(g.Runs, "valid", "lag_model_sd"), seriesOf(g.Runs, "valid", "lag_mu_sd")
		counts[g.Label] = s.N
		l := lag.add(g.Label, s, style)
		both := spread.add(g.Label, series{X: model.X, Mean: model.Mean}, style)
		both.over = append(both.over, curve{mu.X, mu.Mean, thin(style, 0)})
		pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: style})
		if at := phaseEnds(g); len(at) > 0 {
			ended = true
			l.over = append(l.over, endings(at, style))
		}
		for k, step := range s.X {
			pg.table = append(pg.table, []string{g.Label, "all", num(step), "mean", "", "", num(s.Mean[k]), num(s.Lo[k]), num(s.Hi[k]), num(model.at(step)), num(mu.at(step))})
		}
	}
	for _, o := range []overlay{lag, spread} {
		p := o.spread()
		stepAxis(p)
		fromZero(&p.Y)
	}
	pg.legend = append(pg.legend, entry{label: "spread of μ", line: thin(neutral, 0)})
	pg.blocks = []block{above}
	pg.overlay(1.6*vg.Inch, lag, spread)
	pg.finding = lagFinding(groups)
	pg.caption = []string{"Frames: validation examples of one seed (n = 1), mean under the model's posterior p(z|x) against the encoder's μ under running statistics, in standard deviations of the prior; they are equal on the diagonal.",
		"Lag: mean distance by which μ falls short of E[z] under p(z|x). Spread: standard deviation over examples, mean over seeds; solid lines the model's, thin dashes μ's."}
	if beyond {
		pg.caption = append(pg.caption, "Points beyond ±3 are drawn on the edge.")
	}
	if ended {
		pg.legend, pg.caption = append(pg.legend, phaseEntry), append(pg.caption, phaseNote)
	}
	pg.caption = append(append(append(pg.caption, seedsNote(counts)), note...), doubts(set, all)...)
	return pg.drawing(), nil
}

// framesOf are the points of a group's first run that has any, by step.
func framesOf(g record.Group) map[int]frame {
	frames := map[int]frame{}
	for _, row := range firstWith(g, "valid", "lag_model").Rows {
		if row.Split != "valid" {
			continue
		}
		x, _ := row.Vector("lag_model")
		if y, _ := row.Vector("lag_mu"); len(x) > 0 && len(x) == len(y) {
			frames[row.Step] = frame{x, y}
		}
	}
	return frames
}

// lagSteps are the steps to show: the first and the last, that of the largest lag of the runs
// shown, and twice the middle of the longest stretch between. Fewer if there are no more.
func lagSteps(groups []record.Group) []int {
	var steps []int
	most, peak := math.Inf(-1), 0
	for _, g := range groups {
		for _, row := range firstWith(g, "valid", "lag_model").Rows {
			if !row.HasVector("lag_model") || row.Split != "valid" {
				continue
			}
			steps = append(steps, row.Step)
			if lag, _ := row.Value("lag"); lag > most {
				most, peak = lag, row.Step
			}
		}
	}
	slices.Sort(steps)
	steps = slices.Compact(steps)
	last := len(steps) - 1
	show := []int{0, max(0, slices.Index(steps, peak)), last}
	for range 2 {
		slices.Sort(show)
		longest := 1
		for k := 2; k < len(show); k++ {
			if show[k]-show[k-1] > show[longest]-show[longest-1] {
				longest = k
			}
		}
		show = append(show, (show[longest-1]+show[longest])/2)
	}
	slices.Sort(show)
	var out []int
	for _, i := range slices.Compact(show) {
		out = append(out, steps[i])
	}
	return out
}

// lagFinding compares the largest lags of the trials, and says what is left of them.
func lagFinding(groups []record.Group) string {
	ends, _ := atEnd(groups, "valid", "lag")
	var peaks []sample
	for i, g := range groups {
		var values []float64
		for _, run := range g.Runs {
			if lag := seriesOf([]record.Run{run}, "valid", "lag").Mean; len(lag) > 0 && run.State != record.Failed {
				values = append(values, slices.Max(lag))
			}
		}
		peaks = append(peaks, sampleOf(g.Label, values))
		peaks[i].note = sentence(" (at the end %s)", meanOfGroup(ends, g.Label))
	}
	return sentence("The largest inference lag of a trial %s.", spread(peaks, ""))
}

// within moves what lies beyond the axes to their ends; NaN stays.
func within(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Min(math.Max(v, -lagReach), lagReach)
	}
	return out
}

// A diagonal is the line y = x, and the two axes through the origin.
type diagonal struct{}

// Plot implements plot.Plotter.
func (diagonal) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	line := func(color color.Color, x0, y0, x1, y1 float64) {
		strokeIn(c, draw.LineStyle{Color: color, Width: 0.7}, vg.Point{X: x(x0), Y: y(y0)}, vg.Point{X: x(x1), Y: y(y1)})
	}
	line(rule, p.X.Min, 0, p.X.Max, 0)
	line(rule, 0, p.Y.Min, 0, p.Y.Max)
	lo, hi := math.Max(p.X.Min, p.Y.Min), math.Min(p.X.Max, p.Y.Max)
	line(fade(grey, 0.6), lo, lo, hi, hi)
}
