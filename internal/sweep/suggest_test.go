package sweep

import (
	"strings"
	"testing"
)

// TestSuggest: every setting can be reached by completion alone, from one that ends in a dot to the next, and what choices are
// suggested can be set.
func TestSuggest(t *testing.T) {
	found := map[string]bool{}
	var follow func(typed string)
	follow = func(typed string) {
		for _, next := range Suggest(typed) {
			next, _, _ = strings.Cut(next, "\t")
			switch {
			case !strings.HasPrefix(next, typed) || next == typed:
				t.Fatalf("%q goes on as %q", typed, next)
			case strings.HasSuffix(next, "."):
				follow(next)
			case strings.HasSuffix(next, "="):
				found[strings.TrimSuffix(next, "=")] = true
			default:
				t.Errorf("%q goes on as %q, neither a section nor a key", typed, next)
			}
		}
	}
	follow("")
	for key, s := range traits() {
		if s.form() == "keys and values" {
			continue
		}
		if !found[key] {
			t.Errorf("%s cannot be reached", key)
		}
		for _, set := range Suggest(key + "=") {
			if strings.HasPrefix(key, "train.") || strings.HasPrefix(key, "kl.") {
				_, err := Parse("x.yaml", []byte("base: {}\n"), Options{Sets: []string{set}})
				if err != nil && strings.Contains(err.Error(), "must be") {
					t.Errorf("--set %s: %v", set, err)
				}
			}
		}
	}
	for section := range kinded {
		if !found[section] {
			t.Errorf("%s= is not suggested", section)
		}
		for _, set := range Suggest(section + "=") {
			if _, err := Parse("x.yaml", []byte("base: {}\n"), Options{Sets: []string{set}}); err != nil && strings.Contains(err.Error(), "unknown") {
				t.Errorf("--set %s: %v", set, err)
			}
		}
	}
	if got := Suggest("nothing."); len(got) > 0 {
		t.Errorf("nothing. goes on as %q", got)
	}
}
