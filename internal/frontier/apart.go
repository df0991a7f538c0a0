package frontier

import (
	"slices"
	"strings"

	"vaelab/internal/record"
)

// Apart are the settings in which two methods differ beside their own and their dials: a difference of the two may come from those.
// Settings are left out that a claim names which compares the two. A method is its groups over its dial.
func Apart(set *record.Set, of, than []record.Group) (keys []string) {
	a, b := of[0].Runs[0].Trial, than[0].Runs[0].Trial
	var free []string
	for _, groups := range [][]record.Group{of, than} {
		if k, ok := groups[0].Knob(); ok && len(groups) > 1 {
			free = append(free, k.Key)
		}
	}
	for _, cs := range set.Compared {
		for _, c := range cs {
			if c.Of(a) && c.Than(b) {
				free = append(free, c.Free...)
			}
		}
	}
	for k, v := range a.Config {
		own := k == "seed" || k == "variant" || strings.HasPrefix(k, "variant.")
		if !own && v != b.Config[k] && !slices.Contains(free, k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}
