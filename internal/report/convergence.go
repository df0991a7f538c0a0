package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"vaelab/internal/converge"
	"vaelab/internal/record"
)

// A progress is how far the finished trials of a group have come.
type progress struct {
	done, converged, rising int
	steps                   int // of the last evaluation, at most
	objective, fall         estimate
	falling                 estimate // nats per epoch
	open                    estimate // the same, of those that have not converged
	why                     []string // what keeps trials from being told, each once
}

// An estimate is the mean of the trials' numbers and its standard error, from theirs.
type estimate struct {
	n             int
	sum, variance float64
}

func (e *estimate) add(value, se float64) {
	if math.IsNaN(value) {
		return
	}
	e.n++
	e.sum += value
	e.variance += se * se // NaN stays
}

func (e estimate) mean() float64 { return e.sum / float64(e.n) }
func (e estimate) se() float64   { return math.Sqrt(e.variance) / float64(e.n) }

// text is "0.36 ± 0.05", without the error if that is not known.
func (e estimate) text() string {
	switch {
	case e.n == 0:
		return "–"
	case math.IsNaN(e.variance):
		return decimal(e.mean(), 2)
	}
	return spread(e.mean(), e.se(), 2, 2)
}

// progressOf says how far a group has come.
func progressOf(g record.Group, s converge.Settings) (p progress) {
	for _, r := range g.Runs {
		if r.State != record.Done {
			continue
		}
		p.done++
		st := converge.Of(r, s)
		p.steps = max(p.steps, st.Steps)
		p.objective.add(st.Objective, math.NaN())
		p.falling.add(st.Falling, st.FallingSE)
		p.fall.add(st.Fall, st.FallSE)
		if st.Converged {
			p.converged++
		} else {
			p.open.add(st.Falling, st.FallingSE)
		}
		if st.Rising {
			p.rising++
		}
		if !st.Told && !slices.Contains(p.why, st.Why) {
			p.why = append(p.why, st.Why)
		}
	}
	return p
}

// convergedBy is when a group's trials count as converged.
func convergedBy(g record.Group, experiments []Experiment) converge.Settings {
	for _, e := range experiments {
		if e.Name == g.Runs[0].Experiment && e.Converged != (converge.Settings{}) {
			return e.Converged
		}
	}
	return converge.Default
}

// criteria says what converged means for these groups.
func criteria(groups []record.Group, experiments []Experiment) string {
	var parts []string
	for _, g := range groups {
		s := convergedBy(g, experiments)
		part := fmt.Sprintf("at most %g nats over the last %d steps, standard error included", s.Tolerance, s.Steps)
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return "the validation objective (rec + kl.beta times the method's penalty) falls by " + strings.Join(parts, ", or ") + "."
}

// learning is what a table of results has to say of trials that still learn, and of those that do not.
func learning(groups []record.Group, experiments []Experiment) (notes []string) {
	var open, rising []string
	done := 0
	for _, g := range groups {
		p := progressOf(g, convergedBy(g, experiments))
		done += p.done
		of := fmt.Sprintf("of %d", p.done)
		if p.converged < p.done {
			item := fmt.Sprintf("%s %d %s", g.Label, p.done-p.converged, of)
			if p.open.n > 0 {
				how, e := "falling", p.open
				if e.sum < 0 {
					how, e.sum = "rising", -e.sum
				}
				item += fmt.Sprintf(", %s by %s nats per epoch", how, e.text())
			}
			if p.why != nil {
				item += " (" + strings.Join(p.why, ", ") + ")"
			}
			open = append(open, item)
		}
		if p.rising > 0 {
			rising = append(rising, fmt.Sprintf("%s %d %s", g.Label, p.rising, of))
		}
	}
	switch {
	case done == 0:
		return nil
	case open == nil:
		notes = append(notes, fmt.Sprintf("Converged, all of %s: ", count(done, "finished trial"))+criteria(groups, experiments))
	default:
		notes = append(notes, "Not converged: "+strings.Join(some(open), "; ")+". Criterion: "+criteria(groups, experiments))
	}
	if rising != nil {
		notes = append(notes, "Overfitting (the validation objective rises): "+strings.Join(some(rising), "; ")+".")
	}
	return notes
}

// open is a sentence about the trials that had not converged, and the verdicts that longer training might change; "" if all had.
func open(groups []record.Group, experiments []Experiment, verdicts []Verdict) string {
	var labels []string
	done, left := 0, 0
	for _, g := range groups {
		p := progressOf(g, convergedBy(g, experiments))
		done += p.done
		if n := p.done - p.converged; n > 0 {
			left += n
			labels = append(labels, fmt.Sprintf("%s %d of %d", g.Label, n, p.done))
		}
	}
	if left == 0 {
		return ""
	}
	which := ""
	if left < done && len(labels) <= mostOpen {
		which = " (" + strings.Join(labels, ", ") + ")"
	}
	text := fmt.Sprintf(" Not converged: %d of %s%s", left, count(done, "finished trial"), which)
	changing := 0
	for _, v := range verdicts {
		if v.Unconverged != nil {
			changing++
		}
	}
	if changing > 0 {
		text += fmt.Sprintf("; longer training might change %s", count(changing, "verdict"))
	}
	return text + "."
}

// mostOpen is how many groups a sentence names.
const mostOpen = 4

// convergence is the section that says how far trials have come.
func convergence(s Source, groups []record.Group) Section {
	section := Section{Title: "Convergence"}
	t := Table{Name: "convergence", Left: 1, Header: []string{"group", "steps", "objective", "falling, nats per epoch", "fall at the end, nats", "converged"}}
	why := map[string][]string{} // reason -> groups
	rising := 0
	for _, g := range groups {
		p := progressOf(g, convergedBy(g, s.Experiments))
		if p.done == 0 {
			continue
		}
		t.Rows = append(t.Rows, plain(g.Label, fmt.Sprint(p.steps), p.objective.text(), p.falling.text(), p.fall.text(),
			fmt.Sprintf("%d"+fixed+"of"+fixed+"%d", p.converged, p.done)))
		for _, w := range p.why {
			why[w] = append(why[w], g.Label)
		}
		rising += p.rising
	}
	if len(t.Rows) == 0 {
		return section
	}
	t.Notes = []string{"Converged: " + criteria(groups, s.Experiments) + " Steps: number at the last evaluation. Objective: its value there, mean over trials. Falling: the slope over the last quarter of the training. " +
		"Fall at the end: over those last steps. Both: mean over trials ± standard error of the fitted lines."}
	for _, w := range sorted(why) {
		t.Notes = append(t.Notes, fmt.Sprintf("Too short to judge, counted as not converged: %s (%s).", strings.Join(some(why[w]), ", "), w))
	}
	if rising > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("In %s the objective rises (overfitting).", count(rising, "trial")))
	}
	section.Tables = []Table{t}
	return section
}
