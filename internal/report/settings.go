package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vaelab/internal/record"
)

// settings is what was set: for each group what differs, and once what does not.
func settings(s Source, groups []record.Group) Section {
	section := Section{Title: "Settings", Command: again(s)}
	values := map[string]map[string]int{} // setting -> value -> groups
	for _, g := range groups {
		for k, v := range g.Runs[0].Config {
			if k == "seed" || k == "variant" {
				continue
			}
			if values[k] == nil {
				values[k] = map[string]int{}
			}
			values[k][v]++
		}
	}
	// A key says itself whom it is about (model.lstm.dec_hidden), so one that only some have is shared
	// if they agree.
	var varying, shared []string
	for _, k := range sorted(values) {
		if len(values[k]) > 1 {
			varying = append(varying, k)
		} else {
			shared = append(shared, k)
		}
	}
	slices.SortStableFunc(shared, func(a, b string) int { // "data" and "model" before what is below them
		return cmp.Compare(min(1, strings.Count(a, ".")), min(1, strings.Count(b, ".")))
	})
	section.Tables = own(groups, varying)
	t := Table{Name: "shared-settings", Caption: "Settings that are the same in all trials that have them", Header: []string{"of", "settings"}, Left: 2}
	at := map[string]int{} // part -> row: train.decay.max stands between train.clip and train.lr
	for _, k := range shared {
		part, name := "general", k
		if dot := strings.LastIndex(k, "."); dot > 0 {
			part, name = k[:dot], k[dot+1:]
		}
		text := name + "=" + only(values[k])
		if row, ok := at[part]; ok {
			t.Rows[row][1].Text += ", " + text
		} else {
			at[part] = len(t.Rows)
			t.Rows = append(t.Rows, plain(part, text))
		}
	}
	if len(t.Rows) > 0 {
		section.Tables = append(section.Tables, t)
	}
	return section
}

// only returns the single key of a map; of several, one.
func only(m map[string]int) string {
	for k := range m {
		return k
	}
	return ""
}

// own is one line per group: its seeds, and the settings that others do not share.
func own(groups []record.Group, keys []string) []Table {
	t := Table{Name: "settings", Caption: "Settings that differ", Header: []string{"group", "seeds", "settings that vary"}, Left: 3}
	if len(keys) == 0 {
		t.Caption, t.Header, t.Left = "Groups, which differ in the variant only", t.Header[:2], 2
	}
	for _, g := range groups {
		var seeds []string
		for _, r := range g.Runs {
			seeds = append(seeds, fmt.Sprint(r.Seed))
		}
		row := plain(g.Label, strings.Join(seeds, ", "))
		var ours []string
		for _, k := range keys {
			if v, ok := g.Runs[0].Config[k]; ok {
				ours = append(ours, k+"="+v)
			}
		}
		if len(keys) > 0 {
			row = append(row, plain(cmp.Or(strings.Join(ours, ", "), "none"))...)
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []Table{t}
}
