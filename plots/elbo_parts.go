package plots

import (
	"fmt"

	"gonum.org/v1/plot/vg"

	"vaelab/internal/record"
)

func init() { Figures.Add("elbo-parts", ELBOParts{}) }

// ELBOParts shows the KL, the mutual information of x and z, and the KL of the aggregate q(z) to the prior, of all methods, against the epoch.
//
// The first is the sum of the others, in nats per example:
//
//	E_x[KL(q(z|x) || p(z))] = I_q(x; z) + KL(q(z) || p(z))
//
// One panel each, as in the papers, compares the methods by part; elbo-surgery compares the parts by method. The third is the
// first less the second, seed by seed. I_q is estimated from one z for each of the N examples of the split, and cannot exceed
// ln N. A prior with a condition has no such parts, and its rows have no marginal_kl.
//
// Source: He et al. 2019, figure 5 (arXiv 1901.05534); Zhu et al. 2020, figure 3 (arXiv 2004.12585).
type ELBOParts struct{}

// Draw implements Figure.
func (ELBOParts) Draw(set *record.Set) (*Drawing, error) {
	all := set.Groups()
	groups, notes, err := withMetric("elbo-parts", all, "valid", "marginal_kl")
	if err != nil {
		return nil, err
	}
	groups, more := sampled(groups)
	notes = append(notes, more...)
	pg := page{table: [][]string{{"group", "part", "epoch", "mean", "min", "max", "seeds"}}}
	parts := []struct {
		name, label string
		shown       overlay
	}{
		{name: "kl", label: "KL(q(z|x) || p(z)) (nats)"},
		{name: "mi", label: "I(x; z) (nats)"},
		{name: "marginal_kl", label: "KL(q(z) || p(z)) (nats)"},
	}
	for i, part := range parts {
		parts[i].shown.panel = newPanel("epoch", part.label)
	}
	counts := map[string]int{}
	var without []string
	for i, style := range groupStyles(groups) {
		g := groups[i]
		if kl, _ := surgery(g); kl.N == 0 {
			without = append(without, g.Label)
			continue
		}
		pg.legend = append(pg.legend, entry{label: g.Label, group: true, line: style})
		for j, part := range parts {
			s := partOf(g, part.name)
			counts[g.Label] = max(counts[g.Label], s.N)
			parts[j].shown.add(g.Label, s, style)
			for k, epoch := range s.X {
				pg.table = append(pg.table, []string{g.Label, part.name, num(epoch), num(s.Mean[k]), num(s.Lo[k]), num(s.Hi[k]), num(float64(s.N))})
			}
		}
	}
	if len(counts) == 0 {
		return nil, fmt.Errorf("elbo-parts: no valid row has both metrics \"kl\" and \"mi\"; there are: %s", known(groups, "valid"))
	}
	var row []overlay
	for i := range parts {
		p := parts[i].shown.spread()
		p.X.Min = 0
		fromZero(&p.Y)
		row = append(row, parts[i].shown)
	}
	capped := addCaps(row[1].panel, groups, "valid")
	pg.overlay(2.3*vg.Inch, row...)
	pg.finding = partsFinding(groups)
	pg.caption = []string{"Validation split, nats per example: KL(q(z|x) || p(z)), first, is the sum of I(x; z), second, and KL(q(z) || p(z)), third. Each has a scale of its own.", seedsNote(counts)}
	if capped {
		pg.legend = append(pg.legend, capEntry)
	}
	notes = append(notes, withoutNote("kl and mi in one row", without)...)
	if capped := record.CapNote(groups, "valid", "mi"); capped != "" {
		notes = append(notes, capped)
	}
	pg.caption = append(append(pg.caption, notes...), doubts(set, all)...)
	return pg.drawing(), nil
}

// partsFinding says how much of the KL is no information about x.
func partsFinding(groups []record.Group) string {
	marginal, end := atEndBy(groups, "valid", func(e record.Entry) (v float64, ok bool) {
		kl, has := e.Value("kl")
		mi, too := e.Value("mi")
		return kl - mi, has && too
	})
	return sentence("%s KL(q(z) || p(z)) %s.", end.when(), spread(marginal, " nats"))
}
