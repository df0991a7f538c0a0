package claims

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/record"
	"vaelab/internal/registry"
)

// A Selection is trials with these settings: the variant and any of the keys of trial.json,
// such as variant.bn.gamma or train.lr. Numbers are equal by value, 1e-8 and 0.00000001.
type Selection map[string]string

const (
	variantKey = "variant"
	dataKey    = "data_digest"
)

// String names the selection as a label: "bn variant.bn.gamma=0.5".
func (s Selection) String() string {
	parts := []string{}
	if v, ok := s[variantKey]; ok {
		parts = append(parts, v)
	}
	for _, k := range slices.Sorted(maps.Keys(s)) {
		if k != variantKey {
			parts = append(parts, k+"="+s[k])
		}
	}
	return strings.Join(parts, " ")
}

// Has reports whether a trial is selected.
func (s Selection) Has(t record.Trial) bool {
	for k, want := range s {
		if got, ok := setting(t, k); !ok || !same(k, got, want) {
			return false
		}
	}
	return true
}

// setting returns one of the facts that make a trial, but for its seed.
func setting(t record.Trial, key string) (value string, ok bool) {
	switch key {
	case variantKey:
		return t.Variant, true
	case dataKey:
		return t.Data, true
	case "seed":
		return "", false
	}
	value, ok = t.Config[key]
	return value, ok
}

// same reports whether two values of a setting are equal.
func same(key, a, b string) bool {
	if key == variantKey { // bn+free-bits is free-bits+bn
		p, q := strings.Split(a, "+"), strings.Split(b, "+")
		slices.Sort(p)
		slices.Sort(q)
		return slices.Equal(p, q)
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return a == b || errX == nil && errY == nil && x == y
}

// keys are all settings of the trials, in alphabetical order.
func keys(trials []record.Trial) []string {
	all := map[string]bool{variantKey: true}
	for _, t := range trials {
		for k := range t.Config {
			all[k] = true
		}
	}
	delete(all, "seed")
	return slices.Sorted(maps.Keys(all))
}

// values are those that the trials have for a setting, numbers in their order.
func values(trials []record.Trial, key string) []string {
	var out []string
	for _, t := range trials {
		v, ok := setting(t, key)
		if ok && !slices.ContainsFunc(out, func(w string) bool { return same(key, v, w) }) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		x, errX := strconv.ParseFloat(a, 64)
		y, errY := strconv.ParseFloat(b, 64)
		if errX == nil && errY == nil && x != y {
			if x < y {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return out
}

// A Use is a selection in a claim and what is done with it.
type Use struct {
	Key string // where it stands: "of", "than"
	Selection
	Several bool   // it may select trials of several settings
	Over    string // the numeric setting that has to differ between them, and nothing else
	Least   int    // the number of values that it needs
	Dial    bool   // one numeric setting has to differ between them, whichever it is, and nothing else
}

// check returns what is wrong with the selection among trials, and the keys below the
// claim's kind that lead to where.
func (u Use) check(trials []record.Trial) (path []string, err error) {
	if len(u.Selection) == 0 {
		return []string{u.Key}, fmt.Errorf("selects nothing; name a variant, and settings if there are several")
	}
	left := trials
	for _, k := range u.order() {
		next := choose(left, Selection{k: u.Selection[k]})
		if len(next) == 0 {
			return []string{u.Key, k}, u.missing(k, trials, left)
		}
		left = next
	}
	if u.Dial {
		if _, err := dialOf(u.Selection, left); err != nil {
			return []string{u.Key}, err
		}
	}
	if u.Over != "" {
		if err := u.checkOver(trials, left); err != nil {
			return []string{"over"}, err
		}
	}
	if k, vs := u.open(left); k != "" {
		return []string{u.Key}, fmt.Errorf("%s has several values of %s (%s); name one", u.Selection, k, strings.Join(vs, ", "))
	}
	return nil, nil
}

// open returns a setting that the selection leaves open though it has to be one, with its
// values, or "". What varies along with Over is no such setting, but a confound.
func (u Use) open(left []record.Trial) (key string, several []string) {
	if u.Several || u.Dial { // of a dial, dialOf has seen it
		return "", nil
	}
	each := [][]record.Trial{left}
	if u.Over != "" {
		each = nil
		for _, v := range values(left, u.Over) {
			each = append(each, choose(left, Selection{u.Over: v}))
		}
	}
	for _, trials := range each {
		for _, k := range append(keys(trials), dataKey) {
			if vs := values(trials, k); len(vs) > 1 {
				return k, vs
			}
		}
	}
	return "", nil
}

// CheckBaseline returns what is wrong with a selection that others are compared with, and the key
// where: it has to select trials, and under one setting of everything else only one variant.
func CheckBaseline(s Selection, trials []record.Trial) (key string, err error) {
	if path, err := (Use{Selection: s, Several: true}).check(trials); err != nil {
		return path[len(path)-1], err
	}
	left := choose(trials, s)
	for _, k := range keys(left) {
		if _, named := s[variantKey]; !named || k != variantKey && !strings.HasPrefix(k, variantKey+".") {
			continue
		}
		if vs := values(left, k); len(vs) > 1 {
			return "", fmt.Errorf("%s has several values of %s (%s); name one", s, k, strings.Join(vs, ", "))
		}
	}
	return "", nil
}

// choose returns the selected ones of the trials.
func choose(trials []record.Trial, s Selection) []record.Trial {
	return slices.DeleteFunc(slices.Clone(trials), func(t record.Trial) bool { return !s.Has(t) })
}

// order is the variant, then the settings in alphabetical order.
func (u Use) order() []string {
	ks := slices.Sorted(maps.Keys(u.Selection))
	if i := slices.Index(ks, variantKey); i > 0 {
		ks = slices.Insert(slices.Delete(ks, i, i+1), 0, variantKey)
	}
	return ks
}

// missing says why no trial among those left has the selection's value of a setting.
func (u Use) missing(key string, all, left []record.Trial) error {
	vs := values(left, key)
	switch {
	case key == variantKey:
		return registry.Unknown(variantKey, u.Selection[key], vs)
	case len(vs) == 0:
		return unknownKey(key, keys(all), keys(left))
	}
	return fmt.Errorf("no trial of the selection has %s %s; there are %s", key, u.Selection[key], strings.Join(vs, ", "))
}

// unknownKey is the error for a setting that no trial has. The nearest name is looked for among
// all settings; of those listed only the variant's are, since a trial has dozens.
func unknownKey(key string, all, left []string) error {
	if left == nil {
		left = all
	}
	known := slices.DeleteFunc(slices.Clone(left), func(k string) bool { return !strings.HasPrefix(k, variantKey) })
	if near := registry.Nearest(key, left); near != "" && !slices.Contains(known, near) {
		known = append(known, near)
	}
	err := registry.Unknown("setting", key, known)
	if whole := slices.DeleteFunc(slices.Clone(left), func(k string) bool { return !strings.HasSuffix(k, "."+key) }); len(whole) > 0 {
		err = fmt.Errorf("unknown setting %q; did you mean %s? a claim names a setting with its section", key, strings.Join(whole, " or "))
	}
	if slices.Contains(all, key) {
		return fmt.Errorf("%w (other trials of the experiment have %s)", err, key)
	}
	return err
}

// checkOver makes sure that the setting is a number with enough values.
func (u Use) checkOver(all, left []record.Trial) error {
	vs := values(left, u.Over)
	if len(vs) == 0 {
		return unknownKey(u.Over, keys(all), keys(left))
	}
	for _, v := range vs {
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return fmt.Errorf("%s is %q in some trial; a trend is over numbers", u.Over, v)
		}
	}
	if len(vs) < u.Least {
		return fmt.Errorf("%s has too few values (%s); such a trend needs %d", u.Over, strings.Join(vs, ", "), u.Least)
	}
	return nil
}

// list is "1, 2, 3".
func list(numbers []int) string {
	var out []string
	for _, n := range numbers {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ", ")
}
