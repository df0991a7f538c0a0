package sweep

import (
	"reflect"
	"slices"
	"strings"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/variants"
)

// Suggest returns how --set may go on after what was typed: a key up to its next dot, or with a = at its end, or behind = the
// choices of the setting. Each may have a TAB and what the value must be behind it.
func Suggest(typed string) (all []string) {
	if key, _, ok := strings.Cut(typed, "="); ok {
		for _, value := range choicesOf(canonical(key)) {
			all = append(all, key+"="+value)
		}
		return all
	}
	for section, kind := range kinded {
		all = append(all, section+"=\t"+kind+" by default", section+".")
	}
	for key, setting := range traits() {
		rest, ok := strings.CutPrefix(key, typed)
		switch dot := strings.IndexByte(rest, '.'); {
		case !ok || setting.value.Kind() == reflect.Struct:
		case dot >= 0:
			all = append(all, typed+rest[:dot+1])
		default:
			all = append(all, key+"=\t"+setting.form())
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return !strings.HasPrefix(s, typed) || s == typed })
	slices.Sort(all)
	return slices.Compact(all)
}

// choicesOf are the values that a setting or a section of a kind chooses among; nil if it does not choose.
func choicesOf(key string) []string {
	switch key {
	case "data":
		return data.Sources.Names()
	case "model":
		return models.Models.Names()
	case "variant":
		return variants.Methods.Names()
	}
	s := traits()[key]
	switch {
	case s == nil:
		return nil
	case s.form() == "true or false":
		return []string{"false", "true"}
	}
	return s.choices
}
