package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"vaelab/internal/sweep"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// listColumns is the width that the list of variants keeps.
const listColumns = 120

// A listedVariant is what the list says of a variant at its default settings.
type listedVariant struct {
	name, knob, bound string
	acts              []vae.Seam
}

func describeVariant(name string) (l listedVariant, err error) {
	method, err := variants.Methods.Get(name)
	if err != nil {
		return l, err
	}
	v, err := variants.Check(method)
	l = listedVariant{name: name, knob: "–", bound: "none", acts: v.Acts()}
	for _, s := range sweep.Explain(method) {
		switch s.Knob {
		case "rises":
			l.knob = s.Key + " ↑"
		case "falls":
			l.knob = s.Key + " ↓"
		}
	}
	if b, ok := method.(variants.Bounded); ok {
		l.bound = b.RateBound()
	}
	return l, err
}

// places are where the variant acts, such as "head" or "penalty, weigher", and what it does there.
func (l listedVariant) places() (names, docs string) {
	if len(l.acts) == 0 {
		return "nowhere", "is the plain VAE"
	}
	for i, s := range l.acts {
		if i > 0 {
			names, docs = names+", ", docs+"; "
		}
		names, docs = names+s.Name, docs+s.Doc
	}
	return names, docs
}

// order is that of the places in the loss, those with fewer first.
func (l listedVariant) order() (all []int) {
	for _, s := range l.acts {
		all = append(all, slices.IndexFunc(vae.Seams, func(t vae.Seam) bool { return t.Name == s.Name }))
	}
	return all
}

// listVariants prints the variants by the places where they act, each with knob and bound of its rate.
func listVariants(w io.Writer) error {
	var all []listedVariant
	var name, knob, bound int // widths
	for _, n := range variants.Methods.Names() {
		l, err := describeVariant(n)
		if err != nil {
			return err
		}
		all = append(all, l)
		name, knob, bound = max(name, len(l.name)), max(knob, utf8.RuneCountInString(l.knob)), max(bound, utf8.RuneCountInString(l.bound))
	}
	slices.SortStableFunc(all, func(a, b listedVariant) int { return slices.Compare(a.order(), b.order()) })
	last := ""
	for _, l := range all {
		if places, does := l.places(); places != last {
			last = places
			fmt.Fprintln(w, foldAt(places+": "+does, listColumns))
		}
		text := fmt.Sprintf("  %-*s  %-*s  %-*s  ", name, l.name, knob, l.knob, bound, l.bound)
		_, doc, _ := strings.Cut(variants.Methods.Doc(l.name), " ") // without the type's name
		fmt.Fprintln(w, text+phrase(doc, listColumns-utf8.RuneCountInString(text)))
	}
	fmt.Fprintln(w, foldAt("Columns: name; knob, the setting that moves the rate (↑: the rate rises with it, ↓: it falls); bound of the rate; what "+
		"it does. The rate is the KL of the z that the decoder reads, in nats. kl.beta ↓ moves the rate of every variant which does "+
		"not set the KL weight itself and has no constant KL. vaelab list bn+control-vae says whether variants can be combined.", listColumns))
	return nil
}

// phrase is a sentence without its end, cut at a clause or a word to fit into a width.
func phrase(sentence string, width int) string {
	sentence = strings.TrimRight(sentence, ":,.")
	if utf8.RuneCountInString(sentence) <= width {
		return sentence
	}
	cut := string([]rune(sentence)[:width-3])
	for i := len(cut) - 2; i > width/4; i-- {
		if slices.Contains([]string{", ", ": ", "; "}, cut[i:i+2]) && strings.Count(cut[:i], "(") == strings.Count(cut[:i], ")") {
			return cut[:i]
		}
	}
	return strings.TrimRight(cut[:strings.LastIndex(cut, " ")], ":,") + " ..."
}

// explainCombination says whether the variants of a+b can be one, why not, and at which places each acts.
func explainCombination(w io.Writer, combination string) error {
	names := strings.Split(combination, "+")
	var methods []vae.Method
	var parts []listedVariant
	width := 0
	for i, name := range names {
		method, err := variants.Methods.Get(name)
		if err != nil {
			return usageError{err}
		}
		if slices.Contains(names[:i], name) {
			return usageError{fmt.Errorf("%s: %s is given twice", combination, name)}
		}
		l, err := describeVariant(name)
		if err != nil {
			return err
		}
		methods, parts, width = append(methods, method), append(parts, l), max(width, len(name))
	}
	all, err := variants.Check(methods...)
	says := "allowed, at the default settings of each"
	if err != nil {
		says = "not allowed: " + err.Error()
	}
	fmt.Fprintf(w, "combination %s\n\n  %s\n\n", combination, strings.ReplaceAll(foldAt(says, listColumns-2), "\n", "\n  "))
	for _, l := range parts {
		places, does := l.places()
		acts := foldAt("acts on "+places+": "+does, listColumns-width-4)
		fmt.Fprintf(w, "  %-*s  %s\n", width, l.name, strings.ReplaceAll(acts, "\n", "\n"+strings.Repeat(" ", width+4)))
		fmt.Fprintf(w, "  %-*s  knob of the rate %s; bound of the rate: %s\n", width, "", l.knob, l.bound)
	}
	for i, method := range methods {
		if alone, failed := variants.Check(method); err == nil && failed == nil && alone.Floor != nil && all.Floor == nil {
			fmt.Fprintf(w, "\n  The bound of %s is one of %s alone: together they have none.\n", parts[i].name, parts[i].name)
		}
	}
	for _, l := range parts {
		if places, _ := l.places(); strings.Contains(places, "weigher") && err == nil {
			fmt.Fprintf(w, "\n  Section kl must be left out, because %s sets the KL weight.\n", l.name)
		}
	}
	return nil
}

// completeList completes the names that list knows, and in a+ those of the variants that can be added.
func completeList(_ *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(given) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	plus := strings.LastIndex(typed, "+")
	if plus < 0 {
		return explained(), cobra.ShellCompDirectiveNoFileComp
	}
	var methods []vae.Method
	for name := range strings.SplitSeq(typed[:plus], "+") {
		method, err := variants.Methods.Get(name)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		methods = append(methods, method)
	}
	var all []string
	for _, name := range variants.Methods.Names() {
		method, err := variants.Methods.Get(name)
		if err != nil || slices.Contains(strings.Split(typed[:plus], "+"), name) {
			continue
		}
		if _, err := variants.Check(append(slices.Clip(methods), method)...); err == nil {
			all = append(all, typed[:plus+1]+name)
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}
