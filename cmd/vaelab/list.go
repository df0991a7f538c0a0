package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/registry"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
	"vaelab/plots"
	"vaelab/variants"
)

var listed = []string{"variants", "models", "data", "schedules", "optimizers", "figures", "metrics", "claims", "experiments"}

func listCommand() *cobra.Command {
	var markdown, asJSON bool
	cmd := &cobra.Command{
		Use:   "list [" + strings.Join(listed, "|") + "|NAME]",
		Short: "List variants, models, data, schedules, optimizers, figures, metrics, claims and experiments",
		Long: "List variants, models and data with their settings and defaults, and schedules of the KL weight, optimizers,\n" +
			"figures, metrics, claims and experiments.\n" +
			"Variants are listed by the place where they act, with the setting that moves the rate and the bound of the rate.\n" +
			"With names of variants joined by +, say whether they can be combined and, if not, why.\n" +
			"With a NAME, explain it. NAME is a variant, a model, a data source, a schedule, an optimizer, a figure, a kind of claim, train, kl or\n" +
			"converged; a setting or one of its choices (gamma, kl_start, train.lr, adam); a metric; or the name that other\n" +
			"programs have for one of these.",
		Example: "  vaelab list\n  vaelab list variants\n  vaelab list train\n  vaelab list lstm\n  vaelab list gamma\n  vaelab list bn+control-vae\n  vaelab list variants --json | jq -r .variants[].name",
		Args:    args(cobra.MaximumNArgs(1)),

		ValidArgsFunction: completeList,
		RunE: func(cmd *cobra.Command, given []string) error {
			if markdown && !slices.Equal(given, []string{"variants"}) {
				return usageError{fmt.Errorf("--markdown goes with vaelab list variants only")}
			}
			if len(given) == 0 {
				given = listed
			} else if !slices.Contains(listed, given[0]) {
				if asJSON {
					return usageError{fmt.Errorf("--json: %q is no kind; must be one of %s, or nothing for all", given[0], strings.Join(listed, ", "))}
				}
				if strings.Contains(given[0], "+") {
					return explainCombination(cmd.OutOrStdout(), given[0])
				}
				return explain(cmd.OutOrStdout(), given[0])
			}
			w := cmd.OutOrStdout()
			if markdown {
				return writeMethods(w)
			}
			if asJSON {
				return listJSON(w, given)
			}
			for i, what := range given {
				if i > 0 {
					fmt.Fprintln(w)
				}
				if len(given) > 1 {
					fmt.Fprintf(w, "%s\n", what)
				}
				switch what {
				case "variants":
					if err := listVariants(w); err != nil {
						return err
					}
				case "models":
					list(w, models.Models)
				case "data":
					list(w, data.Sources)
				case "schedules":
					list(w, optim.Schedules)
				case "optimizers":
					list(w, optim.Optimizers)
				case "figures":
					list(w, plots.Figures)
				case "metrics":
					listMetrics(w)
				case "claims":
					list(w, claims.Kinds)
				case "experiments":
					c := choice{}
					for _, name := range experiments.Names() {
						e, err := c.read(io.Discard, name)
						if err != nil {
							return err
						}
						fmt.Fprintf(w, "  %-14s %s\n", name, e.Question)
					}
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "with variants: the page docs/methods.md, with formulas and sources")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print kinds as JSON, with every setting; docs/exchange.md explains its keys")
	cmd.MarkFlagsMutuallyExclusive("markdown", "json")
	return cmd
}

// A choosable is something with settings: a variant, a model, data, a figure, a kind of claim, or a section.
type choosable struct {
	what, name string
	path       string // of its settings, such as variant.bn; empty if a file does not set them by a path
	kind       any
	docs       map[string]registry.Doc
}

// choosables are all there are, in the order in which list explains them.
func choosables() (all []choosable) {
	all = ofRegistry(all, "variant", "variant.", variants.Methods)
	all = ofRegistry(all, "model", "model.", models.Models)
	all = ofRegistry(all, "data", "data.", data.Sources)
	all = ofRegistry(all, "schedule", "", optim.Schedules)
	all = ofRegistry(all, "optimizer", "", optim.Optimizers)
	ofTrain, ofKL := registry.ReadDocs(train.Source), registry.ReadDocs(optim.Source)
	maps.Copy(ofTrain, ofKL) // train.decay and train.stop are of optim
	all = append(all,
		choosable{"section", "train", "train", train.Defaults, ofTrain},
		choosable{"section", "kl", "kl", optim.DefaultKL, ofKL},
		choosable{"key", "converged", "converged", converge.Default, registry.ReadDocs(converge.Source)})
	all = ofRegistry(all, "figure", "", plots.Figures)
	return ofRegistry(all, "claim", "claims.", claims.Kinds)
}

func ofRegistry[T any](all []choosable, what, prefix string, r *registry.Registry[T]) []choosable {
	for _, name := range r.Names() {
		kind, _ := r.Get(name)
		c := choosable{what, name, "", kind, r.Docs()}
		if prefix != "" {
			c.path = prefix + name
		}
		all = append(all, c)
	}
	return all
}

// explained are the names that list knows, for the shell's completion and for who misspells one.
func explained() []string {
	names := slices.Concat(listed, slices.Collect(maps.Keys(sweep.Keys)), experiments.Names())
	for _, c := range choosables() {
		names = append(names, c.name)
		for _, s := range sweep.Explain(c.kind) {
			names = append(names, s.Name)
			names = append(names, s.Aliases...)
		}
	}
	names = append(names, metricNames()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// explain prints what is known of a name: the kinds and sections called so, the settings that have it as key, other
// name or choice, metrics, keys of a file, experiments, and what other programs mean by it.
func explain(w io.Writer, name string) error {
	var parts []string
	all := choosables()
	for _, c := range all {
		if c.name == name {
			parts = append(parts, c.explain())
		}
	}
	var settings strings.Builder
	for _, c := range all {
		for _, s := range sweep.Explain(c.kind) {
			if path := c.path + "." + s.Key; c.path != "" && (slices.Contains([]string{s.Key, s.Name, path}, name) || slices.Contains(s.Aliases, name) || slices.Contains(s.Choices, name)) {
				settings.WriteString(c.line(s, path))
			}
		}
	}
	if settings.Len() > 0 {
		parts = append(parts, "settings\n\n"+settings.String())
	}
	var measures strings.Builder
	vector, _, _ := strings.Cut(name, ".")
	for _, m := range train.Metrics() {
		if m.Name == name || m.Vector && m.Name == vector {
			printMetric(&measures, m)
		}
	}
	for _, c := range claims.Costs {
		if c.Name == name {
			metricLine(&measures, c.Name, c.Unit, c.Doc, "whole trial")
		}
	}
	if measures.Len() > 0 {
		parts = append(parts, "metric\n\n"+measures.String())
	}
	if doc, ok := sweep.Keys[name]; ok {
		parts = append(parts, fmt.Sprintf("key %s: of an experiment's file\n\n  %s\n", name, doc))
	}
	if slices.Contains(experiments.Names(), name) {
		e, err := new(choice).read(io.Discard, name)
		if err != nil {
			return err
		}
		parts = append(parts, fmt.Sprintf("experiment %s\n\n  %s\n", name, e.Question))
	}
	if says, ok := sweep.Answer(name); ok {
		parts = append(parts, fmt.Sprintf("as a setting elsewhere\n\n  %s\n", says))
	}
	if says, ok := train.Synonym(name); ok {
		parts = append(parts, fmt.Sprintf("as a metric elsewhere\n\n  %s\n", says))
	}
	if len(parts) == 0 {
		near := ""
		if n := registry.Nearest(name, explained()); n != "" && (len(name) > 3 || strings.HasPrefix(name, n)) { // another short name is near to anything
			near = fmt.Sprintf("; did you mean %q?", n)
		}
		return usageError{fmt.Errorf("unknown name %q%s vaelab list shows all names", name, cmp.Or(near, ";"))}
	}
	_, err := io.WriteString(w, strings.Join(parts, "\n"))
	return err
}

// explain is the doc comment of a kind and its settings.
func (c choosable) explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n\n", c.what, c.name)
	for line := range strings.Lines(c.docs[reflect.TypeOf(c.kind).Name()].Text) {
		fmt.Fprintln(&b, strings.TrimRight("  "+line, "\n\t "))
	}
	settings := sweep.Explain(c.kind)
	if l, err := describeVariant(c.name); err == nil && c.what == "variant" {
		places, does := l.places()
		acts := strings.ReplaceAll(foldAt("acts on "+places+": "+does, listColumns-2), "\n", "\n  ")
		fmt.Fprintf(&b, "\n  %s\n  knob of the rate: %s\n  bound of the rate: %s\n", acts, l.knob, l.bound)
	}
	if len(settings) > 0 {
		fmt.Fprintln(&b)
	}
	for _, s := range settings {
		b.WriteString(c.line(s, s.Key))
	}
	return b.String()
}

// line is a setting under a name, with what it is by default, may be and means.
func (c choosable) line(s sweep.Explained, name string) string {
	text := fmt.Sprintf("  %s: %s", name, cmp.Or(s.Default, `""`))
	if s.Allowed != "" {
		text += "   " + s.Allowed
	}
	if len(s.Aliases) > 0 {
		text += "   also " + strings.Join(s.Aliases, ", ")
	}
	if s.Knob != "" {
		text += "   the rate " + s.Knob + " with it"
	}
	return fmt.Sprintf("%s\n      %s\n", text, c.docs[s.Type].Settings[s.Name])
}

// listMetrics prints every metric with its unit, its meaning and where it is.
func listMetrics(w io.Writer) {
	for _, m := range train.Metrics() {
		printMetric(w, m)
	}
	for _, c := range claims.Costs {
		metricLine(w, c.Name, c.Unit, c.Doc, "whole trial")
	}
	fmt.Fprintln(w, "Nats are per example. A claim about a vector names one number of it: theta.mean, .median, .min, .max, or theta.0.")
}

func printMetric(w io.Writer, m metrics.Metric) {
	where := []string{strings.Join(m.Splits, ", ")}
	if m.Vector {
		where = append([]string{"vector"}, where...)
	}
	if m.Needs() != "" {
		where = append(where, "needs "+m.Needs())
	}
	metricLine(w, m.Name, m.Unit, m.Doc, where...)
}

func metricLine(w io.Writer, name, unit, doc string, where ...string) {
	fmt.Fprintf(w, "  %-16s %-5s  %s (%s)\n", name, cmp.Or(unit, "–"), doc, strings.Join(where, "; "))
}

// list prints every kind with its doc sentence, its keys and their defaults. A sentence that
// leads to a formula ends before it.
func list[T any](w io.Writer, r *registry.Registry[T]) {
	for _, name := range r.Names() {
		kind, _ := r.Get(name)
		fmt.Fprintf(w, "  %-14s %s\n", name, strings.TrimRight(r.Doc(name), ":,"))
		if s := sweep.Describe(kind); s != "" {
			fmt.Fprintf(w, "  %-14s   {%s}\n", "", s)
		}
	}
}
