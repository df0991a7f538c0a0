package claims

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"

	"vaelab/internal/record"
)

// Confound returns an error if the trials that the claim compares differ in more than the
// settings that it names: the result could come from those. A claim may declare such
// settings; it is then on its own.
//
// Where two kinds are compared, their own settings differ by nature. But if both have one of
// the same name, as bn and ln have gamma, it has to be equal, too.
func (c Claim) Confound(trials []record.Trial) error {
	declared := slices.Clone(c.Despite)
	var compared []record.Trial
	uses := c.Kind.Uses()
	for _, u := range uses {
		declared = slices.AppendSeq(declared, maps.Keys(u.Selection))
		over := u.Over
		if u.Dial {
			over, _ = dialOf(u.Selection, trials) // Check finds what is wrong with it
		}
		declared = append(declared, over)
		var first bool
		for _, t := range trials {
			if u.Has(t) && (over != "" || !first && len(uses) > 1) {
				compared, first = append(compared, t), true
			}
		}
	}
	if len(compared) == 0 {
		return nil
	}
	var found []string
	for _, t := range compared[1:] {
		for _, d := range differences(compared[0], t) {
			if !d.in(declared) && !slices.Contains(found, d.String()) {
				found = append(found, d.String())
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("confounded: the trials also differ in %s; make it equal or list it under despite", strings.Join(found, "; "))
}

// Comparison is what a claim compares, for those who know no claims; ok is false if it does not compare two selections.
func (c Claim) Comparison() (of record.Comparison, ok bool) {
	uses := c.Kind.Uses()
	if len(uses) != 2 {
		return of, false
	}
	of = record.Comparison{Of: uses[0].Has, Than: uses[1].Has, Rate: math.NaN()}
	of.Free = slices.AppendSeq(slices.Clone(c.Despite), maps.Keys(uses[0].Selection))
	of.Free = slices.AppendSeq(of.Free, maps.Keys(uses[1].Selection))
	if m, ok := c.Kind.(Matched); ok {
		of.Rate = m.Rate
	}
	return of, true
}

// A difference is a setting in which two trials differ; two, if their kinds each have one of
// that name.
type difference struct{ key, a, other, b string }

func (d difference) String() string {
	if d.other != d.key {
		return fmt.Sprintf("%s (%s) and %s (%s)", d.key, d.a, d.other, d.b)
	}
	return fmt.Sprintf("%s (%s and %s)", d.key, d.a, d.b)
}

// in reports whether the difference is among these settings.
func (d difference) in(keys []string) bool {
	return slices.Contains(keys, d.key) || slices.Contains(keys, d.other)
}

// kinded are the settings that name a kind, whose own settings stand below.
var kinded = []string{"data", "model", variantKey}

// owned reports whether a setting belongs to a kind.
func owned(key string) bool {
	return slices.ContainsFunc(kinded, func(k string) bool { return strings.HasPrefix(key, k+".") })
}

// differences are those between two trials, the seed apart. What only the kind of one has is
// none: that the kinds differ is one already.
func differences(a, b record.Trial) []difference {
	var out []difference
	data := false // differ in a setting of the data
	for _, k := range keys([]record.Trial{a, b}) {
		x, inA := setting(a, k)
		y, inB := setting(b, k)
		switch {
		case inA && inB && !same(k, x, y), inA != inB && !owned(k):
			out = append(out, difference{k, x, k, y})
			data = data || k == "data" || strings.HasPrefix(k, "data.")
		case inA && !inB && !strings.HasPrefix(k, "data."):
			if twin := twin(k, a, b); twin != "" {
				if y, _ := setting(b, twin); !same(twin, x, y) {
					out = append(out, difference{k, x, twin, y})
				}
			}
		}
	}
	if a.Data != b.Data && !data {
		out = append(out, difference{dataKey, a.Data, dataKey, b.Data})
	}
	return out
}

// twin is the setting of one of b's kinds that has the name of the setting key of one of a's:
// variant.ln.gamma for variant.bn.gamma, or "".
func twin(key string, a, b record.Trial) string {
	section, _, _ := strings.Cut(key, ".")
	name := key[strings.LastIndex(key, "."):]
	for _, k := range keys([]record.Trial{b}) {
		if _, both := setting(a, k); !both && strings.HasPrefix(k, section+".") && strings.HasSuffix(k, name) {
			return k
		}
	}
	return ""
}

// sections are the factors of an experiment, each a section of a trial's settings.
var sections = []string{variantKey, "model", "data", "kl", "train"}

// Entangled says which factors of an experiment never vary one without the other: no trial of one
// variant, say, shares its learning rate with any of another. Each line names two settings that a
// table must not be read across.
func Entangled(set *record.Set) []string {
	groups := set.Groups()
	factors := make([]factor, len(sections))
	for i, section := range sections {
		factors[i] = factorOf(groups, section)
	}
	var lines []string
	for i := range sections {
		for j := i + 1; j < len(sections); j++ {
			if a, b, ok := apart(factors[i], factors[j]); ok {
				a, b := groups[a], groups[b]
				lines = append(lines, fmt.Sprintf("%s and %s differ in %s, too, as no other trials show one without the other",
					a.Label, b.Label, differ(a.Runs[0].Trial, b.Runs[0].Trial, sections[j])))
			}
		}
	}
	return lines
}

// A factor is a section of the settings, as the number of each group's: equal settings have equal numbers, from 0 on.
type factor struct {
	of     []int
	values int
}

// apart returns two groups, by their place, that differ in factor s, where those that have the one's s never have
// the t of any that has the other's.
func apart(s, t factor) (a, b int, ok bool) {
	with := make([]big.Int, s.values) // value of s -> those of t that it is seen with, a bit each
	for g, x := range s.of {
		with[x].SetBit(&with[x], t.of[g], 1)
	}
	var common, both big.Int
	for x := range with {
		if x == 0 {
			common.Set(&with[x])
		}
		common.And(&common, &with[x])
	}
	if common.Sign() > 0 { // a value of t that is seen with all, as in every full grid
		return 0, 0, false
	}
	begun := make([]bool, s.values)
	for a, x := range s.of {
		if begun[x] {
			continue // the first group that has it would have done
		}
		begun[x] = true
		checked := make([]bool, s.values)
		for b := a + 1; b < len(s.of); b++ {
			y := s.of[b]
			if x != y && !checked[y] && both.And(&with[x], &with[y]).Sign() == 0 {
				return a, b, true
			}
			checked[y] = true
		}
	}
	return 0, 0, false
}

// factorOf is a section of the groups' settings.
func factorOf(groups []record.Group, section string) (f factor) {
	numbers := map[string]int{}
	for _, g := range groups {
		t := g.Runs[0].Trial
		text := ""
		for _, k := range keys([]record.Trial{t}) {
			if k == section || strings.HasPrefix(k, section+".") {
				v, _ := setting(t, k)
				text += k + "=" + v + "\n"
			}
		}
		if section == "data" {
			text += t.Data
		}
		if _, ok := numbers[text]; !ok {
			numbers[text] = len(numbers)
		}
		f.of = append(f.of, numbers[text])
	}
	f.values = len(numbers)
	return f
}

// differ lists what differs in one section.
func differ(a, b record.Trial, section string) string {
	var out []string
	for _, d := range differences(a, b) {
		if d.key == section || strings.HasPrefix(d.key, section+".") || section == "data" && d.key == dataKey {
			out = append(out, d.String())
		}
	}
	return strings.Join(out, ", ")
}
