package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

func init() { Figures.Add("elbo-surgery", ELBOSurgery{}) }

// ELBOSurgery shows the two parts of the KL: mutual information of x and z, and KL of the aggregate q(z) to the prior.
//
//	E_x[KL(q(z|x) || p(z))] = I_q(x; z) + KL(q(z) || p(z))
//
// in nats per example, against the epoch, one panel per group. The first part, at the bottom, is
// information of z about x; the second, on top of it, is not. All panels have one y axis; elbo-parts has the parts of all groups in one
// panel each. I_q is estimated from one z
// for each of the N examples of the split, and cannot exceed ln N. A prior with a condition has no such parts, and its rows
// have no marginal_kl.
//
// Source: Hoffman & Johnson 2016, "ELBO surgery"; against the epoch as He et al. 2019, figure 5
// (arXiv 1901.05534), and Zhu et al. 2020, figure 3 (arXiv 2004.12585).
type ELBOSurgery struct{}

// The opacities of the two parts.
const (
	informative = 0.55
	marginal    = 0.18
)

// Draw implements Figure.
func (ELBOSurgery) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, notes, err := withMetric("elbo-surgery", all, "valid", "marginal_kl")
	if err != nil {
		return nil, err
	}
	groups, more := firstOf(groups, mostPanels, "groups")
	notes = append(notes, more...)
	pg := page{table: [][]string{{"group", "epoch", "kl_mean", "kl_min", "kl_max", "mi_mean", "mi_min", "mi_max", "marginal_kl_mean", "seeds"}},
		legend: []entry{
			{label: "KL, the sum", line: neutral},
			{label: "KL(q(z) || p(z)), no information about x", line: draw.LineStyle{Color: fade(grey, marginal), Width: 7}},
			{label: "I(x; z)", line: draw.LineStyle{Color: fade(grey, informative), Width: 7}},
		}}
	counts := map[string]int{}
	var without []string
	var cells []headed
	bounds := map[int]float64{}              // of I(x; z), by cell
	least, most := math.Inf(1), math.Inf(-1) // what I(x; z) cannot exceed
	for i, style := range groupStyles(groups) {
		g := groups[i]
		style.Dashes = nil // alone in its panel
		kl, mi := surgery(g)
		if kl.N == 0 {
			without = append(without, g.Label)
			continue
		}
		counts[g.Label] = mi.N
		for j, x := range kl.X {
			pg.table = append(pg.table, []string{g.Label, num(x), num(kl.Mean[j]), num(kl.Lo[j]), num(kl.Hi[j]),
				num(mi.Mean[j]), num(mi.Lo[j]), num(mi.Hi[j]), num(kl.Mean[j] - mi.Mean[j]), num(float64(mi.N))})
		}
		last := "no finite row"
		if parts := finiteParts(kl.Mean, mi.Mean); len(parts) > 0 {
			at := parts[len(parts)-1].to - 1
			last = fmt.Sprintf("%s = %s + %s nats", cents(kl.Mean[at]), cents(mi.Mean[at]), cents(kl.Mean[at]-mi.Mean[at]))
		}
		p := headedPanel(g.Label, last)
		p.Add(band{mi.X, make([]float64, len(mi.X)), mi.Mean, fade(style.Color, informative)}, band{kl.X, mi.Mean, kl.Mean, fade(style.Color, marginal)})
		for _, s := range []series{mi, kl} {
			if s.N > 1 {
				edge := draw.LineStyle{Color: fade(style.Color, 0.7), Width: 0.5, Dashes: []vg.Length{1, 1.5}}
				p.Add(curve{s.X, s.Lo, edge}, curve{s.X, s.Hi, edge})
			}
		}
		p.Add(curve{kl.X, kl.Mean, style})
		p.X.Min = 0
		p.Y.Max = math.Max(p.Y.Max, 1) // what is far below a nat should look like little
		if p.Y.Min > -0.01*p.Y.Max {   // the noise of a mutual information of 0
			p.Y.Min = 0
		}
		fromZero(&p.Y)
		if bound, ok := record.Last(g.Runs[0], "valid", "mi_cap"); ok && !math.IsNaN(bound) {
			least, most = math.Min(least, bound), math.Max(most, bound)
			bounds[len(cells)] = bound
		}
		cells = append(cells, p)
	}
	if len(cells) == 0 {
		return nil, fmt.Errorf("elbo-surgery: no valid row has both metrics \"kl\" and \"mi\"; there are: %s", known(groups, "valid"))
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range cells {
		low, high = math.Min(low, p.Y.Min), math.Max(high, p.Y.Max)
	}
	for i, p := range cells {
		if bound, ok := bounds[i]; ok && bound < high {
			p.Add(level{bound, draw.LineStyle{Color: grey, Width: thinWidth, Dashes: floorDashes}})
		}
		p.Y.Min, p.Y.Max = low, high
	}
	pg.blocks = []block{trellis{cells: cells, x: "epoch", y: "nats per example", sharedY: true}}
	pg.finding = surgeryFinding(groups)
	lead := []string{"Validation split: KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || p(z)), nats per example; headings give the last row's.", meansNote("Areas", "dotted lines", counts)}
	if least <= most {
		limit := cents(least)
		if most > least {
			limit += " to " + cents(most)
		}
		lead = append(lead, "The estimate of I(x; z) cannot exceed ln N = "+limit+" (dashes, where KL reaches it).")
	}
	notes = append(notes, withoutNote("kl and mi in one row", without)...)
	if capped := record.CapNote(groups, "valid", "mi"); capped != "" {
		notes = append(notes, capped)
	}
	pg.caption = append(append(lead, notes...), doubts(set, all)...)
	return pg.drawing(), nil
}

// surgeryFinding says how much of the KL is information of z about x.
func surgeryFinding(groups []record.Group) string {
	part := func(metric string) func(e record.Entry) (float64, bool) {
		return func(e record.Entry) (v float64, ok bool) {
			_, kl := e.Value("kl")
			_, mi := e.Value("mi")
			v, _ = e.Value(metric)
			return v, kl && mi
		}
	}
	mi, end := atEndBy(groups, "valid", part("mi"))
	kl, _ := atEndBy(groups, "valid", part("kl"))
	for i := range mi {
		mi[i].note = sentence(" (of a KL of %s)", figure(kl[i].mean, 0))
	}
	return sentence("%s I(x; z) %s.", end.when(), spread(mi, " nats"))
}
