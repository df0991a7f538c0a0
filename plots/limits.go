package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/record"
)

// What captions say of limits. A floor is a theorem about the KL of a batch under batch statistics, up to eps: where
// rows lie below it, the caption says so with numbers. A mutual information near its cap tells nothing of
// differences, and a gap may be of the old definition.

// capLine is the line of what an estimate of I(x; z) cannot exceed.
var capLine = draw.LineStyle{Color: grey, Width: thinWidth, Dashes: []vg.Length{1, 2}}

// addCaps puts the caps of the mutual information into a panel, where they lie within the range that its
// data have, and tells whether there are any.
func addCaps(p *plot.Plot, groups []record.Group, split string) (drawn bool) {
	var caps []float64
	for _, g := range groups {
		for _, v := range finals(g, split, "mi_cap") {
			if v.value <= p.Y.Max && !slices.Contains(caps, v.value) { // NaN is not
				caps = append(caps, v.value)
			}
		}
	}
	for _, nats := range caps {
		p.Add(level{nats, capLine})
	}
	return len(caps) > 0
}

// capEntry is the legend's of addCaps.
var capEntry = entry{label: "cap of I(x; z), ln N", line: capLine}

// useNotes are sentences about mutual information at its cap on one split and gaps of the old definition on
// another, or the same.
func useNotes(groups []record.Group, mi, gap string) (notes []string) {
	return slices.DeleteFunc([]string{record.CapNote(groups, mi, "mi"), record.GapNote(groups, gap)}, func(s string) bool { return s == "" })
}

// floorLine says what the lines of floors are.
const floorLine = "Thin dashes, in the colour of the line: theoretical lower bound of the KL under batch statistics (floor)."

// belowFloor is the share of a floor that a KL may be below it and still count as on it: rounding, and what an
// eps of 1e-5 takes from raw outputs with a variance of 0.002.
const belowFloor = 0.005

// A breach is a row whose KL lies below its floor.
type breach struct {
	kl, floor float64
	batch     float64 // the KL under batch statistics; NaN if it is not known
	step      int
}

// below tells whether a KL lies below a floor.
func below(kl, floor float64) bool { return floor > 0 && kl < (1-belowFloor)*floor }

// breachOf returns the row of a split, of those whose KL lies below the floor, with the smallest share of
// it; last looks at the last row only. A training row also has the smallest slack of its batches. Rows of other
// splits without a floor have that of training.
func breachOf(r record.Run, split string, last bool) (worst breach, found bool) {
	trained, known := record.Last(r, "train", "floor")
	for _, row := range slices.Backward(r.Rows) {
		kl, ok := row.Value("kl")
		if row.Split != split || !ok {
			continue
		}
		floor, has := row.Value("floor")
		if !has && split != "train" {
			floor, has = trained, known
		}
		if slack, ok := row.Value("slack_min"); ok && split == "train" {
			kl = math.Min(kl, floor+slack)
		}
		if has && below(kl, floor) && (!found || kl/floor < worst.kl/worst.floor) {
			worst, found = breach{kl, floor, math.NaN(), row.Step}, true
			if gap, ok := row.Value("bn_gap"); ok && split != "train" {
				worst.batch = kl + gap
			}
		}
		if last {
			break
		}
	}
	return worst, found
}

// byEps tells whether eps violates the floor: the KL lies below it under batch statistics, too. Where a row
// does not know that KL, the last training row tells.
func (b breach) byEps(r record.Run, split string) bool {
	if finite(b.batch) || split == "train" {
		return !(b.batch >= (1-belowFloor)*b.floor)
	}
	_, trained := breachOf(r, "train", true)
	return trained
}

// floorNotes are sentences about the trials whose KL lies below its floor in the rows drawn, by cause: eps, or
// running statistics, of which the floor says nothing.
func floorNotes(groups []record.Group, split string, last bool) (notes []string) {
	for _, eps := range []bool{true, false} {
		n, all := 0, 0
		var labels []string
		var worst breach
		for _, g := range groups {
			for _, r := range g.Runs {
				if !record.Has(r, "train", "floor") && !record.Has(r, split, "floor") {
					continue
				}
				all++
				b, ok := breachOf(r, split, last)
				if !ok || eps != b.byEps(r, split) {
					continue
				}
				if n == 0 || b.kl/b.floor < worst.kl/worst.floor {
					worst = b
				}
				n++
				if !slices.Contains(labels, g.Label) {
					labels = append(labels, g.Label)
				}
			}
		}
		if n == 0 {
			continue
		}
		where, cause, at := strings.Join(labels, ", "), "running statistics", ""
		if len(labels) > 4 {
			where = fmt.Sprintf("%d groups", len(labels))
		}
		if eps {
			cause = "eps"
		}
		if !last {
			at = " at step " + thousands(worst.step)
		}
		note := fmt.Sprintf("The KL lies more than %g %% below the floor in %d of %d trials (%s), because of %s; at worst it is %.3g%s, the floor %.3g", 100*belowFloor, n, all, where, cause, worst.kl, at, worst.floor)
		if !eps && finite(worst.batch) {
			note += fmt.Sprintf(", the KL under batch statistics %.3g", worst.batch)
		}
		notes = append(notes, note+".")
	}
	return notes
}

// hasFloor reports whether there is a floor above zero.
func hasFloor(values []float64) bool {
	for _, v := range values {
		if v > 0 {
			return true
		}
	}
	return false
}
