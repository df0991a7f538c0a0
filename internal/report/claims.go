package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/claims"
)

// Verdicts is verdicts.json, which vaelab verify writes.
type Verdicts struct {
	Experiment string    `json:"experiment"`
	Question   string    `json:"question"`
	Notes      string    `json:"notes"`
	Claims     []Verdict `json:"claims"`
}

// A Verdict is what was said, and what was found. A number that there is not is nil.
type Verdict struct {
	Say        string         `json:"say"`
	Source     string         `json:"source"`
	Confidence float64        `json:"confidence"`
	Outcome    string         `json:"verdict"` // "holds", "does not hold", "undecided"
	What       string         `json:"what"`
	Wanted     string         `json:"wanted"`
	N          int            `json:"n"`
	Estimate   *float64       `json:"estimate"`
	Lo         *float64       `json:"lo"`
	Hi         *float64       `json:"hi"`
	Level      *float64       `json:"level"`
	Levels     *claims.Levels `json:"levels"` // of a matched claim; else nil
	P          *float64       `json:"p"`
	Holm       *float64       `json:"p_holm"`
	Test       string         `json:"test"`
	Reason     string         `json:"reason"`

	Unconverged *claims.Unconverged `json:"not_converged"` // nil if nothing says so

	Experiment string `json:"-"` // whose claim it is; "" stands for the only one
}

// judged is what is said, and what was found.
func judged(s Source) Section {
	section := Section{Title: "Claims"}
	if len(s.Verdicts) == 0 {
		return section
	}
	t := Table{Name: "claims", Head: 1, Header: []string{"verdict", "claim", "source", "measured", "why"}, Left: 5}
	n, unconverged := map[string]int{}, 0
	for _, v := range s.Verdicts {
		n[v.Outcome]++
		outcome := v.Outcome
		if v.Unconverged != nil {
			outcome += fmt.Sprintf(" (%v)", v.Unconverged)
			unconverged++
		}
		row := plain(outcome, v.Say, v.Source, v.numbers(), v.Reason)
		row[0].Kind = v.Outcome
		t.Rows = append(t.Rows, row)
	}
	section.Text = []string{fmt.Sprintf("%s. Holds: %d, does not hold: %d, undecided: %d.",
		count(len(s.Verdicts), "claim"), n["holds"], n["does not hold"], n["undecided"])}
	t.Notes = []string{"A claim holds if the CI of the median over seeds lies inside the claimed range. It does not hold if the CI lies outside. Otherwise it is undecided. Verdicts do not use p-values."}
	if slices.ContainsFunc(s.Verdicts, func(v Verdict) bool { return v.Levels != nil }) {
		t.Notes = append(t.Notes, "Levels: what the two methods have at the rate, in the order of the difference; medians over the seeds that both have. The median of the differences may differ from the difference of these medians.")
	}
	if unconverged > 0 {
		section.Text[0] += fmt.Sprintf(" Of these not converged: %d.", unconverged)
		t.Notes = append(t.Notes, "Not converged: the validation objective of some trials was not flat, or the metric was still changing, so that the outcome would change at that rate. Longer training might change the verdict.")
	}
	section.Tables = []Table{t}
	var lines []string
	for _, e := range s.Experiments {
		if e.File != "" {
			lines = append(lines, "vaelab verify "+e.File)
		}
	}
	section.Command = strings.Join(lines, "\n")
	return section
}

// numbers is what was measured, in one line.
func (v Verdict) numbers() string {
	var parts []string
	if v.What != "" {
		parts = append(parts, v.What+", claimed "+v.Wanted)
	}
	if v.Estimate != nil {
		text := digits(*v.Estimate)
		if v.Lo != nil && v.Hi != nil && v.Level != nil {
			text = fmt.Sprintf("median %s [%s, %s] at %s %%", text, digits(*v.Lo), digits(*v.Hi), strconv.FormatFloat(*v.Level*100, 'g', 3, 64))
		}
		parts = append(parts, fmt.Sprintf("%s, n = %d", text, v.N))
	}
	if v.Levels != nil {
		parts = append(parts, fmt.Sprintf("levels %s and %s", digits(v.Levels.Of), digits(v.Levels.Than)))
	}
	if v.P != nil && v.Holm != nil {
		parts = append(parts, fmt.Sprintf("%s p = %s, Holm %s", v.Test, digits(*v.P), digits(*v.Holm)))
	}
	return strings.Join(parts, "; ")
}

// digits is a number with four digits.
func digits(v float64) string {
	return minus(strconv.FormatFloat(v, 'g', 4, 64))
}

// minus puts a minus sign for a hyphen.
func minus(number string) string {
	if rest, ok := strings.CutPrefix(number, "-"); ok {
		return "−" + rest
	}
	return number
}
