package plots

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("theta", Theta{}) }

// Theta shows sigmoid(theta) of a scaler against the step, and its scales gamma of mu and sigma on the unit circle.
//
// Left: sigmoid(theta) of each dimension against the step. Right: the scale of mu against
// the scale of sigma, from the start (ring) to the end (dot). Their squares add up to 1, and
// the scale of mu stays above sqrt(tau).
type Theta struct{}

// Draw implements Figure.
func (Theta) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, split := withVector(all, "sig_theta")
	if len(groups) == 0 {
		return nil, errors.New("theta: no trial has a theta; this figure needs bn-scaler or rms-scaler")
	}
	for _, name := range []string{"gamma_mu", "gamma_sigma"} {
		if _, s := withVector(groups, name); s != split {
			return nil, fmt.Errorf("theta: the %s rows have the vector \"sig_theta\" but not %q", split, name)
		}
	}
	left := newPanel("training step", "sigmoid(θ)")
	right := newPanel("scale γ of μ", "scale γ of σ")
	right.Add(arc())
	pg := page{height: 2.7 * vg.Inch, body: besideSquare(left, right),
		table: [][]string{{"group", "seed", "dim", "step", "sig_theta", "min", "max", "gamma_mu", "gamma_sigma"}}}
	counts := map[string]int{}
	limit, oneSeed := false, false
	var thick, bands, marks []plot.Plotter
	for i, style := range groupStyles(groups) {
		g := groups[i]
		radius := 1 - float64(i)*min(0.05, 0.5/float64(len(groups)))
		faint := draw.LineStyle{Color: fade(style.Color, 0.3), Width: 0.6}

		// One seed's dimensions.
		run := firstWith(g, split, "sig_theta")
		steps, theta := record.VectorSeries(run, split, "sig_theta")
		_, mu := record.VectorSeries(run, split, "gamma_mu")
		_, sigma := record.VectorSeries(run, split, "gamma_sigma")
		for d := range theta[0] {
			x := make([]float64, len(steps))
			for j, s := range steps {
				x[j] = float64(s)
			}
			t, m, s := column(theta, d), column(mu, d), column(sigma, d)
			left.Add(curve{x, t, faint})
			if len(m) == 0 || len(m) != len(s) {
				continue
			}
			// All trajectories lie on the unit circle; each group is drawn on an arc of its own.
			mDrawn, sDrawn := scaled(m, radius), scaled(s, radius)
			right.Add(curve{mDrawn, sDrawn, draw.LineStyle{Color: style.Color, Width: curveWidth}})
			end := len(m) - 1
			marks = append(marks,
				dots{mDrawn[:1], sDrawn[:1], draw.GlyphStyle{Color: style.Color, Radius: 3.6, Shape: draw.RingGlyph{}}},
				dots{mDrawn[end:], sDrawn[end:], draw.GlyphStyle{Color: fade(style.Color, 0.5), Radius: 2.4, Shape: draw.CircleGlyph{}}})
			for j := range x {
				row := []string{g.Label, strconv.Itoa(run.Seed), strconv.Itoa(d), num(x[j]), num(t[j]), "", "", "", ""}
				if j < len(m) {
					row[7], row[8] = num(m[j]), num(s[j])
				}
				pg.table = append(pg.table, row)
			}
		}

		// The mean over dimensions, of all seeds.
		s := drawable(record.SeriesBy(g.Runs, split, meanTheta))
		counts[g.Label] = s.N
		oneSeed = oneSeed || s.N > 1
		thick = append(thick, curve{s.X, s.Mean, style})
		if s.N > 1 {
			bands = append(bands, band{s.X, s.Lo, s.Hi, fade(style.Color, 0.2)})
		}
		for j, step := range s.X {
			pg.table = append(pg.table, []string{g.Label, "all", "mean", num(step), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), "", ""})
		}
		pg.legend = append(pg.legend, entry{label: g.Label, line: style})
		if tau, ok := tauOf(run); ok {
			limit = true
			marks = append(marks, dots{[]float64{radius * math.Sqrt(tau)}, []float64{radius * math.Sqrt(1-tau)},
				draw.GlyphStyle{Color: style.Color, Radius: 3.2, Shape: draw.CrossGlyph{}}})
		}
	}
	left.Add(bands...)
	left.Add(thick...)
	right.Add(marks...)
	stepAxis(left)
	left.Y.Min, left.Y.Max = 0, 1
	for _, a := range []*plot.Axis{&right.X, &right.Y} {
		a.Min, a.Max = 0, math.Max(1, finiteOr(a.Max, 1))
	}

	pg.legend = append(pg.legend,
		entry{label: "start", glyph: draw.GlyphStyle{Color: grey, Radius: 3.6, Shape: draw.RingGlyph{}}},
		entry{label: "end", glyph: draw.GlyphStyle{Color: grey, Radius: 2.6, Shape: draw.CircleGlyph{}}})
	pg.caption = []string{splitNames[split] + " rows. Left: thick, the mean over latent dimensions; thin, single dimensions. Right: trajectory of each dimension.", seedsNote(counts)}
	if len(groups) > 1 {
		pg.caption = append(pg.caption, "All settings lie on the unit circle; those after the first are drawn inside it to be visible.")
	}
	if oneSeed {
		pg.caption = append(pg.caption, "Single dimensions are those of the first seed.")
	}
	if limit {
		pg.legend = append(pg.legend, entry{label: "limit", glyph: draw.GlyphStyle{Color: grey, Radius: 3.2, Shape: draw.CrossGlyph{}}})
		pg.caption = append(pg.caption, "Limit: γ of μ cannot fall below √τ.")
	}
	pg.caption = append(pg.caption, doubts(set, all)...)
	return pg.drawing(), nil
}

// meanTheta is the mean of sigmoid(theta) over the dimensions.
func meanTheta(r record.Row) (mean float64, ok bool) {
	theta, ok := r.Vectors["sig_theta"]
	mean, _, _ = record.Range(theta)
	return mean, ok
}

// scaled returns k times x.
func scaled(x []float64, k float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = k * v
	}
	return out
}

// tauOf returns the variant's tau if it has one between 0 and 1.
func tauOf(run record.Run) (tau float64, ok bool) {
	for k, text := range run.Config {
		if strings.HasPrefix(k, "variant.") && strings.HasSuffix(k, ".tau") {
			tau, err := strconv.ParseFloat(text, 64)
			return tau, err == nil && tau >= 0 && tau <= 1
		}
	}
	return 0, false
}

// arc is the quarter of the unit circle on which both scales lie.
func arc() curve {
	c := curve{LineStyle: draw.LineStyle{Color: rule, Width: 3}}
	for i := range 91 {
		sin, cos := math.Sincos(float64(i) / 90 * math.Pi / 2)
		c.X, c.Y = append(c.X, cos), append(c.Y, sin)
	}
	return c
}

// besideSquare draws two panels in a row, the second as wide as makes its data area square.
func besideSquare(left, right *plot.Plot) func(draw.Canvas) {
	return func(c draw.Canvas) {
		sound(left)
		sound(right)
		c = draw.Crop(c, 0, -4, 4, -4)
		width := c.Max.Y - c.Min.Y
		for range 3 { // labels take the same room at any width, so this settles at once
			data := right.DataCanvas(draw.Crop(c, c.Max.X-c.Min.X-width, 0, 0, 0))
			width += (data.Max.Y - data.Min.Y) - (data.Max.X - data.Min.X)
		}
		left.Draw(draw.Crop(c, 0, -width-14, 0, 0))
		right.Draw(draw.Crop(c, c.Max.X-c.Min.X-width, 0, 0, 0))
	}
}
