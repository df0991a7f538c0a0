package record

import (
	"cmp"
	"iter"
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

	knob  Knob            // none if its Key is empty
	usual map[string]bool // those of Varying that the label leaves out
}

// letters are the symbols that papers use for these settings.
var letters = map[string]string{"gamma": "γ", "tau": "τ", "lambda": "λ", "beta": "β", "delta": "δ"}

// Groups returns the runs grouped by everything but the seed: vanilla first, then the
// variants in alphabetical order, then by the numeric values of the settings that vary.
//
// A setting varies if two groups that have it differ in it; a setting that only some
// variants have is not shown, unless nothing else tells two groups apart. The experiment
// and the data digest are shown in that case only, too. Labels leave out the usual value of
// a setting, which more than half of the variants have in all of their groups: where one
// of ten has other epochs, only its labels name them.
func (s *Set) Groups() []Group {
	var groups []Group
	at := map[string]int{}
	last := 0 // the group of the run before, which the next is most often of
	for _, run := range s.Runs {
		i, ok := last, len(groups) > 0 && alike(groups[last].Runs[0].Trial, run.Trial)
		if !ok {
			key := keyOf(run.Trial)
			if i, ok = at[key]; !ok {
				i = len(groups)
				at[key] = i
				groups = append(groups, Group{Variant: run.Variant, Varying: map[string]string{}})
			}
		}
		groups[i].Runs = append(groups[i].Runs, run)
		last = i
	}
	for i := range groups {
		slices.SortStableFunc(groups[i].Runs, func(a, b Run) int { return cmp.Compare(a.Seed, b.Seed) })
	}
	vary(groups)
	turn(groups, s.Knobs)
	leaveOut(groups)
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

// settings are all that a trial is, but its variant and its seed, in no order.
func settings(t Trial) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for k, v := range t.Config {
			if ofGroup(k) && !yield(k, v) {
				return
			}
		}
		_ = yield(experimentKey, t.Experiment) && yield(dataKey, t.Data)
	}
}

// ofGroup tells whether a key of a trial's config is one of its settings.
func ofGroup(key string) bool {
	return key != "seed" && key != "variant" && key != experimentKey && key != dataKey
}

// Setting is one of the trial's settings, by its full key.
func (t Trial) Setting(key string) (value string, ok bool) {
	switch {
	case key == experimentKey:
		return t.Experiment, true
	case key == dataKey:
		return t.Data, true
	case !ofGroup(key):
		return "", false
	}
	value, ok = t.Config[key]
	return value, ok
}

// alike tells whether two trials differ in the seed only. Where it does not, keyOf decides.
func alike(a, b Trial) bool {
	return a.Variant == b.Variant && a.Experiment == b.Experiment && a.Data == b.Data && maps.Equal(a.Config, b.Config)
}

// keyOf is the same for trials that differ in the seed only.
func keyOf(t Trial) string {
	var b strings.Builder
	all := maps.Collect(settings(t))
	b.WriteString(t.Variant)
	for _, k := range sortedKeys(all) {
		for _, part := range [...]string{k, all[k]} {
			b.WriteByte(0)
			b.WriteString(part)
		}
	}
	return b.String()
}

// Varying are the full keys of the settings that vary between groups, those of variants first. The experiment is not
// among them.
func Varying(groups []Group) []string {
	all := map[string]string{}
	for _, g := range groups {
		maps.Copy(all, g.Varying)
	}
	delete(all, experimentKey)
	return order(all)
}

// vary fills in Varying: settings with two values, then whatever else tells apart groups
// that would have the same label.
func vary(groups []Group) {
	for k, values := range census(groups) {
		if k == experimentKey || k == dataKey || len(values) < 2 {
			continue
		}
		for _, g := range groups {
			if v, ok := g.Runs[0].Setting(k); ok {
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
		if len(alike) == 1 {
			continue
		}
		for k, values := range census(alike) {
			for _, g := range alike {
				if v, _ := g.Runs[0].Setting(k); values[v] < len(alike) && values[v] > 0 {
					g.Varying[k] = v
				}
			}
		}
	}
}

// leaveOut fills in what the labels leave out. The knob, settings of a variant's own, data and kinds of model are always named,
// and so is a setting that some groups do not have.
func leaveOut(groups []Group) {
	const several = "\x00"                       // no value
	throughout := map[string]map[string]string{} // variant -> key -> the value that all of its groups have
	have := map[string]int{}                     // key -> groups
	for _, g := range groups {
		own := throughout[g.Variant]
		if own == nil {
			own = maps.Clone(g.Varying)
			throughout[g.Variant] = own
		}
		for k, v := range g.Varying {
			if have[k]++; own[k] != v {
				own[k] = several
			}
		}
	}
	variants := map[[2]string]int{} // by key and value
	for _, own := range throughout {
		for k, v := range own {
			variants[[2]string{k, v}]++
		}
	}
	for i, g := range groups {
		groups[i].usual = map[string]bool{}
		for k, v := range g.Varying {
			shared := strings.Contains(k, ".") && !strings.HasPrefix(k, "variant.") && !strings.HasPrefix(k, "data.")
			if shared && k != g.knob.Key && have[k] == len(groups) && 2*variants[[2]string{k, v}] > len(throughout) {
				groups[i].usual[k] = true
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

// label is the variant and its varying settings, but for usual ones and those excepted.
func label(g Group, except ...string) string {
	label := g.Variant
	for _, k := range order(g.Varying) {
		if !g.usual[k] && !slices.Contains(except, k) {
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

// A Knob is the setting that varies along a line of a sweep.
type Knob struct {
	Key   string // "variant.bn.gamma"
	Value float64
	Rate  string // what the KL does where the setting rises: "rises" or "falls"; empty if nobody has said
}

// Name is the end of the key: "gamma".
func (k Knob) Name() string { return k.Key[strings.LastIndex(k.Key, ".")+1:] }

// betaKey is the weight of the KL, the knob of variants of which no setting varies.
const betaKey = "kl.beta"

// Knob returns the setting that moves the group along a line of a sweep. The groups of a variant have the same. It is
// a number, and of those that vary between them one that moves the rate (Set.Knobs) before any other of the variant's,
// and that before the weight of the KL; of several the one with the most values. Whatever else varies tells one line
// from the next.
func (g Group) Knob() (k Knob, ok bool) { return g.knob, g.knob.Key != "" }

// Family returns the label without the knob: what one line of a sweep over it stands for.
func (g Group) Family() string { return label(g, g.knob.Key) }

// Without returns the label without some settings, by full key: what one line of a figure that has
// them as its axis stands for.
func (g Group) Without(keys ...string) string { return label(g, keys...) }

// Number returns a setting of the group's, by full key, if it has it and it is a number.
func (g Group) Number(key string) (value float64, ok bool) {
	value, err := strconv.ParseFloat(g.Runs[0].Config[key], 64)
	return value, err == nil
}

// turn gives the groups their knobs.
func turn(groups []Group, rates map[string]string) {
	byVariant := map[string][]Group{}
	for _, g := range groups {
		byVariant[g.Variant] = append(byVariant[g.Variant], g)
	}
	keys := map[string]string{}
	for variant, own := range byVariant {
		keys[variant] = knobOf(own, rates)
	}
	for i, g := range groups {
		key := keys[g.Variant]
		if value, err := strconv.ParseFloat(g.Varying[key], 64); err == nil {
			groups[i].knob = Knob{key, value, rates[key]}
		}
	}
}

// knobOf is the key of the knob of the groups of one variant, empty if it has none.
func knobOf(groups []Group, rates map[string]string) (best string) {
	values := map[string]map[string]bool{} // of each setting that varies
	for _, g := range groups {
		for k, v := range g.Varying {
			if values[k] == nil {
				values[k] = map[string]bool{}
			}
			values[k][v] = true
		}
	}
	rank := func(k string) int {
		switch {
		case !strings.HasPrefix(k, "variant."):
			return 2
		case rates[k] == "":
			return 1
		}
		return 0
	}
	for k := range values {
		numbers := !slices.ContainsFunc(groups, func(g Group) bool { return !isNumber(g.Varying[k]) })
		if len(values[k]) < 2 || !numbers || k != betaKey && rank(k) == 2 {
			continue
		}
		if best == "" || cmp.Or(cmp.Compare(rank(k), rank(best)), cmp.Compare(len(values[best]), len(values[k])), cmp.Compare(k, best)) < 0 {
			best = k
		}
	}
	return best
}

// isNumber tells whether the text of a setting is a number.
func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
