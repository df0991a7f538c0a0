package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("theta", Theta{}) }

// Theta shows sigmoid(theta) of a scaler against the step, and its scales gamma of mu and of sigma.
//
// Thick lines are means over latent dimensions and seeds, with the range over seeds of the mean over dimensions; thin lines
// are the dimensions of the first seed. The squares of the two scales add up to 1, and the scale of mu stays above
// sqrt(tau), that of sigma below sqrt(1 - tau).
type Theta struct{}

// thetaPanels are the vectors that are drawn.
var thetaPanels = []struct {
	vector, label string
	limit         func(tau float64) float64 // nil if there is none
}{
	{"sig_theta", "sigmoid(θ)", nil},
	{"gamma_mu", "scale γ of μ", math.Sqrt},
	{"gamma_sigma", "scale γ of σ", func(tau float64) float64 { return math.Sqrt(1 - tau) }},
}

// Draw implements Figure.
func (Theta) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, split := withVector(all, "sig_theta")
	if len(groups) == 0 {
		return nil, errors.New("theta: no trial has a theta; this figure needs bn-scaler or rms-scaler")
	}
	for _, m := range thetaPanels[1:] {
		if _, s := withVector(groups, m.vector); s != split {
			return nil, fmt.Errorf("theta: the %s rows have the vector \"sig_theta\" but not %q", split, m.vector)
		}
	}
	groups, more := sampled(groups)
	pg := page{table: [][]string{{"group", "seed", "dim", "step", "sig_theta", "min", "max", "gamma_mu", "gamma_sigma"}}}
	counts := map[string]int{}
	styles := groupStyles(groups)
	limited := false
	var row []overlay
	for _, m := range thetaPanels {
		shown := overlay{panel: newPanel("training step", m.label)}
		for i, g := range groups {
			run := firstWith(g, split, m.vector)
			steps, vectors := record.VectorSeries(run, split, m.vector)
			s := drawable(record.SeriesBy(g.Runs, split, meanOf(m.vector)))
			l := shown.add(g.Label, s, styles[i])
			for d := range widest(vectors) {
				l.under = append(l.under, curve{floats(steps), column(vectors, d), draw.LineStyle{Color: fade(styles[i].Color, 0.7), Width: 0.5}})
			}
			counts[g.Label] = max(counts[g.Label], s.N)
			if tau, ok := tauOf(run); ok && m.limit != nil {
				limited = true
				l.over = append(l.over, level{m.limit(tau), thin(styles[i], 0)})
			}
		}
		p := shown.spread()
		stepAxis(p)
		p.X.Tick.Marker = plot.TickerFunc(fewStepTicks)
		p.Y.Min, p.Y.Max = 0, math.Max(1, finiteOr(p.Y.Max, 1))
		row = append(row, shown)
	}
	for i, g := range groups {
		pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: styles[i]})
		pg.table = append(pg.table, thetaRows(g, split)...)
	}
	pg.overlay(2.6*vg.Inch, row...)
	pg.finding = thetaFinding(groups, split)
	pg.caption = []string{splitNames[split] + " rows. Thick: mean over latent dimensions; thin: single dimensions of the first seed. The squares of the two scales add up to 1.", seedsNote(counts)}
	if limited {
		pg.legend = append(pg.legend, entry{label: "limit", line: thin(neutral, 0)})
		pg.caption = append(pg.caption, "Limit: γ of μ cannot fall below √τ, nor γ of σ exceed √(1−τ).")
	}
	pg.caption = append(append(pg.caption, more...), doubts(set, all)...)
	return pg.drawing(), nil
}

// thetaFinding says where sigmoid(theta) ends, and the scale of mu: of one group over dimensions, of several on average.
func thetaFinding(groups []record.Group, split string) string {
	mu, end := atEndBy(groups, split, meanOf("gamma_mu"))
	if len(groups) == 1 {
		run := firstWith(groups[0], split, "sig_theta")
		last, _ := record.LastVector(run, split, "sig_theta")
		if len(last) > 1 && allFinite(last) && run.State != record.Failed {
			over := fromTo(slices.Min(last), slices.Max(last))
			return sentence("%s sigmoid(θ) is %s over the dimensions of seed %s, and γ of μ, a mean over dimensions, %s.", end.when(), over, fmt.Sprint(run.Seed), spread(mu, ""))
		}
	}
	theta, end := atEndBy(groups, split, meanOf("sig_theta"))
	for i, s := range theta {
		theta[i].note = sentence(" (γ of μ %s)", meanOfGroup(mu, s.label))
	}
	return sentence("%s sigmoid(θ), a mean over dimensions, %s.", end.when(), spread(theta, ""))
}

// thetaRows are the table's rows of a group: the dimensions of its first seed, and the means over dimensions of all.
func thetaRows(g record.Group, split string) (rows [][]string) {
	run := firstWith(g, split, "sig_theta")
	steps, theta := record.VectorSeries(run, split, "sig_theta")
	_, mu := record.VectorSeries(run, split, "gamma_mu")
	_, sigma := record.VectorSeries(run, split, "gamma_sigma")
	for d := range widest(theta) {
		t, m, s := column(theta, d), column(mu, d), column(sigma, d)
		for j, step := range steps {
			row := []string{g.Label, strconv.Itoa(run.Seed), strconv.Itoa(d), strconv.Itoa(step), num(t[j]), "", "", "", ""}
			if j < len(m) && len(m) == len(s) {
				row[7], row[8] = num(m[j]), num(s[j])
			}
			rows = append(rows, row)
		}
	}
	s := drawable(record.SeriesBy(g.Runs, split, meanOf("sig_theta")))
	m, n := drawable(record.SeriesBy(g.Runs, split, meanOf("gamma_mu"))), drawable(record.SeriesBy(g.Runs, split, meanOf("gamma_sigma")))
	for j, step := range s.X {
		rows = append(rows, []string{g.Label, "all", "mean", num(step), num(s.Mean[j]), num(s.Lo[j]), num(s.Hi[j]), num(m.at(step)), num(n.at(step))})
	}
	return rows
}

// meanOf is the mean of a vector over its dimensions.
func meanOf(vector string) func(r record.Entry) (mean float64, ok bool) {
	return func(r record.Entry) (mean float64, ok bool) {
		v, ok := r.Vector(vector)
		mean, _, _ = record.Range(v)
		return mean, ok
	}
}

// widest is the length of the longest vector.
func widest(vectors [][]float64) (n int) {
	for _, v := range vectors {
		n = max(n, len(v))
	}
	return n
}

// floats are steps as an axis has them.
func floats(steps []int) []float64 {
	x := make([]float64, len(steps))
	for i, s := range steps {
		x[i] = float64(s)
	}
	return x
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
