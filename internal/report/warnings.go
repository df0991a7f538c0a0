package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/record"
	"vaelab/internal/stats"
)

// mostItems is how many trials of a kind are named one by one.
const mostItems = 12

// warnings is what a reader should know before believing the rest.
func warnings(s Source, groups []record.Group) Section {
	section := Section{Title: "Warnings"}
	add := func(items ...string) { section.List = append(section.List, items...) }
	add(s.Notes...)
	add(states(groups)...)
	for _, g := range groups {
		for _, doubt := range Doubts(g) {
			add(g.Label + ": " + doubt + ".")
		}
	}
	for _, line := range claims.Entangled(s.Set) {
		add(line + ".")
	}
	add(mixtures(s.Set)...)
	add(unpaired(groups)...)
	if few := fewest(groups); few > 0 && few < stats.SeedsFor(confidence) {
		add(fmt.Sprintf("Some groups have only %s; a 95 %% CI of the median needs %d.", count(few, "seed"), stats.SeedsFor(confidence)))
	}
	var doubts []string
	for _, w := range slices.Concat(s.Set.Damage, s.Set.Warnings) {
		doubts = append(doubts, w.Error())
	}
	add(some(doubts)...)
	return section
}

// Doubts says what the trials of a group do that neither their method nor the table's means let expect.
func Doubts(g record.Group) (doubts []string) {
	add := func(n int, what string) {
		if n > 0 {
			doubts = append(doubts, fmt.Sprintf("in %d of %d trials %s", n, len(g.Runs), what))
		}
	}
	leaking, straying, short, stuck, missing := 0, 0, 0, 0, 0
	var shortness, stuckness, miss string
	for _, r := range g.Runs {
		if what := misses(r); what != "" && r.State == record.Done {
			miss = what
			missing++
		}
		switch first, _, steps := phase(r); {
		case r.State != record.Done:
		case first:
			stuckness = fmt.Sprintf("the training, of %d steps, ends in the first phase of its method; train longer, or change the variant's settings", steps)
			stuck++
		default:
			if why := converge.Short(r); why != "" {
				shortness = why
				short++
			}
		}
		if leaks(r) {
			leaking++
		}
		if strays(r) {
			straying++
		}
	}
	add(leaking, "the training KL ends far below its floor: eps violates the floor; try a smaller "+epsOf(g))
	add(short, shortness)
	add(stuck, stuckness)
	add(missing, miss)
	add(straying, "the test KL differs from the KL under batch statistics (bn_gap); use medians")
	if classes := census(g.Runs, class); len(classes) > 1 {
		doubts = append(doubts, fmt.Sprintf("its trials ran with kernels that round differently: %s", tally(classes)))
	}
	return doubts
}

// epsOf names the group's eps with its value, as --set has it, or says "one" if it has none.
func epsOf(g record.Group) string {
	config := g.Runs[0].Config
	for _, k := range slices.Sorted(maps.Keys(config)) {
		if strings.HasPrefix(k, "variant.") && strings.HasSuffix(k, ".eps") {
			return k + ", now " + config[k]
		}
	}
	return "one"
}

// leaks tells whether a trial's KL, on batch statistics, ends far below the floor that its method promises: the
// encoder has shrunk its raw outputs against eps.
func leaks(r record.Run) bool {
	kl, _ := record.Last(r, "train", "kl")
	floor, ok := record.Last(r, "train", "floor")
	return ok && kl < 0.8*floor
}

// misses says how a trial with a target ends, if it does not come to it: its mean over the last fifth of the training rows
// that count is off by more than a tenth of the target, or a reconstruction is above it by more than a twentieth. Both are at
// least 0.1 nats.
func misses(r record.Run) string {
	for _, m := range []struct {
		metric, name string
		share        float64
	}{{"kl", "KL", 0.1}, {"rec", "rec", 0.05}} {
		var is, weight, target float64
		var rows []record.Entry
		for _, row := range r.Rows {
			_, ok := row.Value(m.metric + "_target")
			if counts, _ := row.Value("counts"); ok && row.Split == "train" && counts == 1 {
				rows = append(rows, row)
			}
		}
		if len(rows) == 0 {
			continue
		}
		rows = rows[len(rows)*4/5:]
		for _, row := range rows {
			n := float64(len(rows))
			for name, sum := range map[string]*float64{m.metric: &is, "kl_weight": &weight, m.metric + "_target": &target} {
				v, _ := row.Value(name)
				*sum += v / n
			}
		}
		off, tolerance := is-target, max(0.1, m.share*math.Abs(target))
		if off <= tolerance && (m.metric == "rec" || off >= -tolerance) { // a rec below its target is a bound that does not bind
			continue
		}
		remedy := "train longer, or change the settings of the controller"
		if m.metric == "kl" && off < 0 && weight < 0.02 {
			remedy = "the decoder does not use more; lower the target"
		}
		return fmt.Sprintf("the training %s ends at %.3g nats with KL weight %.2g, and its target is %.3g: %s", m.name, is, weight, target, remedy)
	}
	return ""
}

// strays tells whether running statistics change the KL of a trial's test split by half of it, and by a nat or from the
// floor to far below. They lag behind an encoder whose raw outputs hardly vary, and then are divided by next to nothing; in a
// short training they have not come near yet.
func strays(r record.Run) bool {
	kl, _ := record.Last(r, "test", "kl")
	floor, _ := record.Last(r, "test", "floor")
	gap, ok := record.Last(r, "test", "bn_gap") // KL by batch statistics minus kl
	return ok && math.Abs(gap) > (kl+gap)/2 && (math.Abs(gap) > 1 || kl < 0.8*floor && kl+gap >= 0.8*floor)
}

// states names the trials that failed, and those that are not finished.
func states(groups []record.Group) []string {
	var failed, unfinished []string
	for _, g := range groups {
		for _, r := range g.Runs {
			name := fmt.Sprintf("%s seed %d", g.Label, r.Seed)
			switch r.State {
			case record.Failed:
				reason, _, _ := strings.Cut(r.Reason, "\n")
				failed = append(failed, fmt.Sprintf("Failed: %s: %s", name, reason))
			case record.Unfinished:
				step := 0
				if n := len(r.Rows); n > 0 {
					step = r.Rows[n-1].Step
				}
				unfinished = append(unfinished, fmt.Sprintf("Unfinished: %s, at step %d.", name, step))
			}
		}
	}
	return append(some(failed), some(unfinished)...)
}

// some returns the items, or the first of them and how many more there are.
func some(items []string) []string {
	if len(items) <= mostItems {
		return items
	}
	return append(items[:mostItems-1:mostItems-1], fmt.Sprintf("and %d more of this kind", len(items)-mostItems+1))
}

// mixtures names what should be the same for all trials that are compared, and is not.
func mixtures(set *record.Set) (items []string) {
	for _, o := range origins {
		if o.mixed == "" {
			continue
		}
		if values := census(set.Runs, o.of); len(values) > 1 {
			items = append(items, fmt.Sprintf("The trials ran with different %s: %s. %s", o.what, tally(values), o.mixed))
		}
	}
	if classes := census(set.Runs, class); len(classes) > 1 {
		items = append(items, fmt.Sprintf("The trials ran with kernels that round differently: %s.", tally(classes)))
	}
	unknown, modified := Untraceable(set)
	if unknown > 0 {
		items = append(items, fmt.Sprintf("The revision of the program is unknown in %d of %s, so nobody can build the same program.", unknown, count(len(set.Runs), "trial")))
	}
	if modified > 0 {
		items = append(items, fmt.Sprintf("The program had uncommitted changes in %d of %s, so no revision has its source.", modified, count(len(set.Runs), "trial")))
	}
	digests := map[string]map[string]int{} // data settings -> digest -> trials
	notes := map[string]int{}
	for _, r := range set.Runs {
		key := ""
		for _, k := range sorted(r.Config) {
			if k == "data" || strings.HasPrefix(k, "data.") {
				key += k + "=" + r.Config[k] + " "
			}
		}
		if digests[key] == nil {
			digests[key] = map[string]int{}
		}
		digests[key][r.Data]++
		for _, w := range r.Manifest.Warnings {
			notes[w]++
		}
	}
	for _, key := range sorted(digests) {
		if len(digests[key]) > 1 {
			items = append(items, fmt.Sprintf("The same data settings (%s) have different data: digests %s.", strings.TrimSpace(key), tally(digests[key])))
		}
	}
	for _, w := range sorted(notes) {
		items = append(items, "Data: "+w)
	}
	return items
}

// unpaired says which seeds not all groups have.
func unpaired(groups []record.Group) []string {
	by := map[string]int{} // seeds -> groups
	for _, g := range groups {
		var seeds []int
		for _, r := range g.Runs {
			seeds = append(seeds, r.Seed)
		}
		slices.Sort(seeds)
		by[strings.Trim(fmt.Sprint(slices.Compact(seeds)), "[]")]++
	}
	if len(by) < 2 {
		return nil
	}
	var parts []string
	for _, seeds := range sorted(by) {
		parts = append(parts, fmt.Sprintf("seeds %s: %s", seeds, count(by[seeds], "group")))
	}
	return []string{"Not all groups have the same seeds (" + strings.Join(parts, "; ") + "); paired tests use the common seeds."}
}

// fewest is the smallest number of seeds of a group; 0 if there is no group.
func fewest(groups []record.Group) (n int) {
	for i, g := range groups {
		if i == 0 || len(g.Runs) < n {
			n = len(g.Runs)
		}
	}
	return n
}
