package claims

import (
	"fmt"
	"math"
	"slices"

	"vaelab/internal/converge"
	"vaelab/internal/record"
)

// Unconverged says that a verdict was reached before the trials had come to their end: training on
// might change it. The verdict stays what it is.
type Unconverged struct {
	Trials int     `json:"trials"`          // finished ones that have not converged, see package converge
	Of     int     `json:"of"`              // finished ones that the claim is about
	Steps  int     `json:"steps"`           // over which a trial has to be flat
	Later  Outcome `json:"later,omitempty"` // the outcome, if it is another, once the quantity has moved on for as many steps
}

func (u Unconverged) String() string {
	text := "not converged"
	if u.Trials > 0 {
		text += fmt.Sprintf(": %d of %s", u.Trials, counted(u.Of, "trial"))
	}
	if u.Later != "" {
		text += fmt.Sprintf("; %s in %d steps at the present rate", u.Later, u.Steps)
	}
	return text
}

// counted is "1 trial", "2 trials".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// atEnd reports whether the claim is about the end of trials and needs converged ones. Theorems about every row
// and costs do not, but a cost at a rate does: the rate is that of the end.
func (c Claim) atEnd() bool {
	b, bound := c.Kind.(Bound)
	cost := c.Kind.Measured().Cost() && !slices.ContainsFunc(c.Kind.Uses(), func(u Use) bool { return u.Dial })
	return c.Converged != "any" && !cost && !(bound && b.Rows == "every")
}

// unconverged counts the trials that have not converged, and evaluates the claim again with each trial's
// quantity moved on, unless nothing can decide it. It is nil if all have converged and the outcome stays. now is the
// present outcome.
func (e evidence) unconverged(k Kind, now Outcome, s converge.Settings) *Unconverged {
	u := Unconverged{Steps: s.Steps}
	for _, r := range e.runs {
		if r.State != record.Done || !used(k.Uses(), r.Trial) {
			continue
		}
		u.Of++
		if !converge.Of(r, s).Converged {
			u.Trials++
		}
	}
	if why, _ := e.undecidable(k); why == "" {
		e.ahead = &s
		if later := k.judge(e).Outcome; later != now {
			u.Later = later
		}
	}
	if u.Trials == 0 && u.Later == "" {
		return nil
	}
	return &u
}

// move is how far the quantity moves in a trial's last steps, 0 if its 95 % interval contains that or it is
// not known, and of a cost. The test split, measured once, moves as the validation split does.
func (q Quantity) move(r record.Run, s converge.Settings) float64 {
	split := q.Split
	if split == "test" {
		split = "valid"
	}
	if q.Cost() {
		return 0
	}
	if move, half := converge.Move(r, split, q.in, s); math.Abs(move) > half {
		return move
	}
	return 0
}
