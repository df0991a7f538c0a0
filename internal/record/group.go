package record

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Group is runs that differ in the seed only.
type Group struct {
	Label   string            // shortest name that tells it from the set's other groups: "bn γ=0.5"
	Variant string            // "bn"
	Varying map[string]string // those of its settings that vary between the groups, by full key
	Runs    []Run             // by seed

	within map[string]bool // those of Varying that vary between groups of the same variant
}

// letters are the symbols that papers use for these settings.
var letters = map[string]string{"gamma": "γ", "tau": "τ", "lambda": "λ", "beta": "β", "delta": "δ"}

// Groups returns the runs grouped by everything but the seed: vanilla first, then the
// variants in alphabetical order, then by the numeric values of the settings that vary.
//
// A setting varies if two groups that have it differ in it; a setting that only some
// variants have is not shown, unless nothing else tells two groups apart. The experiment
// and the data digest are shown in that case only, too.
func (s *Set) Groups() []Group {
	var groups []Group
	at := map[string]int{}
	for _, run := range s.Runs {
		key := run.Variant
		all := settings(run.Trial)
		for _, k := range slices.Sorted(maps.Keys(all)) {
			key += "\x00" + k + "\x00" + all[k]
		}
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, Group{Variant: run.Variant, Varying: map[string]string{}, within: map[string]bool{}})
		}
		groups[i].Runs = append(groups[i].Runs, run)
	}
	for i := range groups {
		slices.SortStableFunc(groups[i].Runs, func(a, b Run) int { return cmp.Compare(a.Seed, b.Seed) })
	}
	vary(groups)
	for _, a := range groups {
		for _, b := range groups {
			for k, v := range a.Varying {
				if w, ok := b.Varying[k]; ok && a.Variant == b.Variant && v != w {
					a.within[k] = true
				}
			}
		}
	}
	slices.SortStableFunc(groups, compare)
	for i := range groups {
		groups[i].Label = label(groups[i])
	}
	return groups
}

// experimentKey and dataKey stand for the two facts about a trial that are not settings.
const (
	experimentKey = "experiment"
	dataKey       = "data_digest"
)

// settings returns all that a trial is, but its variant and its seed.
func settings(t Trial) map[string]string {
	all := map[string]string{}
	for k, v := range t.Config {
		if k != "seed" && k != "variant" {
			all[k] = v
		}
	}
	all[experimentKey], all[dataKey] = t.Experiment, t.Data
	return all
}

// vary fills in Varying: settings with two values, then whatever else tells apart groups
// that would have the same label.
func vary(groups []Group) {
	for k, values := range census(groups) {
		if k == experimentKey || k == dataKey || len(values) < 2 {
			continue
		}
		for _, g := range groups {
			if v, ok := settings(g.Runs[0].Trial)[k]; ok {
				g.Varying[k] = v
			}
		}
	}
	same := map[string][]Group{} // by what the label would be
	for _, g := range groups {
		l := label(g)
		same[l] = append(same[l], g)
	}
	for _, alike := range same {
		for k, values := range census(alike) {
			for v, n := range values {
				for _, g := range alike {
					if n < len(alike) && settings(g.Runs[0].Trial)[k] == v {
						g.Varying[k] = v
					}
				}
			}
		}
	}
}

// census counts for each setting how many groups have which value of it.
func census(groups []Group) map[string]map[string]int {
	counts := map[string]map[string]int{}
	for _, g := range groups {
		for k, v := range settings(g.Runs[0].Trial) {
			if counts[k] == nil {
				counts[k] = map[string]int{}
			}
			counts[k][v]++
		}
	}
	return counts
}

// compare is the order of groups.
func compare(a, b Group) int {
	if c := cmp.Compare(rank(a.Variant), rank(b.Variant)); c != 0 {
		return c
	}
	keys := maps.Clone(a.Varying)
	maps.Copy(keys, b.Varying)
	for _, k := range order(keys) {
		x, y := a.Varying[k], b.Varying[k]
		p, errP := strconv.ParseFloat(x, 64)
		q, errQ := strconv.ParseFloat(y, 64)
		c := cmp.Compare(x, y)
		if errP == nil && errQ == nil {
			c = cmp.Compare(p, q)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// rank sorts vanilla before all other variants.
func rank(variant string) string {
	if variant == "vanilla" {
		return ""
	}
	return variant
}

// order returns the keys with the variant's settings first, each part in alphabetical order.
func order(keys map[string]string) []string {
	return slices.SortedFunc(maps.Keys(keys), func(a, b string) int {
		if p, q := strings.HasPrefix(a, "variant."), strings.HasPrefix(b, "variant."); p != q {
			if p {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
}

// label is the variant and its varying settings, but for those excepted.
func label(g Group, except ...string) string {
	label := g.Variant
	for _, k := range order(g.Varying) {
		if !slices.Contains(except, k) {
			label += " " + shortest(k, g.Varying) + "=" + g.Varying[k]
		}
	}
	return label
}

// shortest returns the end of a key, from some dot on, that no other key has.
func shortest(key string, keys map[string]string) string {
	parts := strings.Split(key, ".")
	for n := 1; n <= len(parts); n++ {
		end := strings.Join(parts[len(parts)-n:], ".")
		unique := true
		for k := range keys {
			unique = unique && (k == key || k != end && !strings.HasSuffix(k, "."+end))
		}
		if unique {
			last := parts[len(parts)-1]
			return strings.TrimSuffix(end, last) + Letter(last)
		}
	}
	return key
}

// Letter returns the symbol that papers use for a setting, or its name if there is none.
func Letter(name string) string {
	if l, ok := letters[name]; ok {
		return l
	}
	return name
}

// betaKey is the weight of the KL, the knob of variants that have none.
const betaKey = "kl.beta"

// Knob returns the variant's only varying setting if it has just one and that is a number:
// "gamma", 0.5. Of several it is the only one that varies between groups of the same variant; others tell this variant
// from the next. If none of the variant's varies, it is the weight of the KL, if that does.
func (g Group) Knob() (name string, value float64, ok bool) {
	key, value, ok := g.knob()
	return key[strings.LastIndex(key, ".")+1:], value, ok
}

// Family returns the label without the knob: what one line of a sweep over it stands for.
func (g Group) Family() string {
	key, _, _ := g.knob()
	return label(g, key)
}

// Without returns the label without some settings, by full key: what one line of a figure that has
// them as its axis stands for.
func (g Group) Without(keys ...string) string { return label(g, keys...) }

// Number returns a setting of the group's, by full key, if it has it and it is a number.
func (g Group) Number(key string) (value float64, ok bool) {
	value, err := strconv.ParseFloat(g.Runs[0].Config[key], 64)
	return value, err == nil
}

// knob is Knob with the setting's full key.
func (g Group) knob() (key string, value float64, ok bool) {
	var own, within []string
	for k := range g.Varying {
		if strings.HasPrefix(k, "variant.") {
			own = append(own, k)
			if g.within[k] {
				within = append(within, k)
			}
		}
	}
	switch {
	case len(own) == 0:
		key = betaKey
	case len(own) == 1:
		key = own[0]
	case len(within) == 1:
		key = within[0]
	default:
		return "", 0, false
	}
	value, err := strconv.ParseFloat(g.Varying[key], 64)
	if err != nil {
		return "", 0, false
	}
	return key, value, true
}
