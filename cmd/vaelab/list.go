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

	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/registry"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
	"vaelab/plots"
	"vaelab/variants"
)

var listed = []string{"variants", "models", "data", "figures", "metrics", "claims", "experiments"}

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [" + strings.Join(listed, "|") + "|NAME]",
		Short: "List what there is to choose from, with settings and defaults",
		Long: "List what there is to choose from, with settings and defaults; with the NAME of a variant, model or data source, or\n" +
			"train, kl or converged, say what each of its settings means and may be.",
		Example:   "  vaelab list\n  vaelab list variants\n  vaelab list train\n  vaelab list lstm",
		Args:      args(cobra.MaximumNArgs(1)),
		ValidArgs: explained(),
		RunE: func(cmd *cobra.Command, given []string) error {
			if len(given) == 0 {
				given = listed
			} else if !slices.Contains(listed, given[0]) {
				return explain(cmd.OutOrStdout(), given[0])
			}
			w := cmd.OutOrStdout()
			for i, what := range given {
				if i > 0 {
					fmt.Fprintln(w)
				}
				if len(given) > 1 {
					fmt.Fprintf(w, "%s\n", what)
				}
				switch what {
				case "variants":
					list(w, variants.Methods)
				case "models":
					list(w, models.Models)
				case "data":
					list(w, data.Sources)
				case "figures":
					list(w, plots.Figures)
				case "metrics":
					listMetrics(w)
				case "claims":
					list(w, claims.Kinds)
				case "experiments":
					c := choice{}
					for _, name := range shipped() {
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
}

// explained are the names that list knows, for the shell's completion and for who misspells one.
func explained() []string {
	return slices.Concat(listed, []string{"train", "kl", "converged"}, variants.Methods.Names(), models.Models.Names(), data.Sources.Names())
}

// explain prints what is said about a kind and its settings, or about a section.
func explain(w io.Writer, name string) error {
	found := false
	say := func(what string, kind any, docs map[string]registry.Doc) {
		if found {
			fmt.Fprintln(w)
		}
		found = true
		fmt.Fprintf(w, "%s %s\n\n", what, name)
		for line := range strings.Lines(docs[reflect.TypeOf(kind).Name()].Text) {
			fmt.Fprintln(w, strings.TrimRight("  "+line, "\n\t "))
		}
		fmt.Fprintln(w)
		for _, s := range sweep.Explain(kind) {
			fmt.Fprintf(w, "  %s: %s", s.Key, cmp.Or(s.Default, `""`))
			if s.Allowed != "" {
				fmt.Fprintf(w, "   %s", s.Allowed)
			}
			fmt.Fprintf(w, "\n      %s\n", docs[s.Type].Settings[s.Name])
		}
	}
	if m, err := variants.Methods.Get(name); err == nil {
		say("variant", m, variants.Methods.Docs())
	}
	if m, err := models.Models.Get(name); err == nil {
		say("model", m, models.Models.Docs())
	}
	if d, err := data.Sources.Get(name); err == nil {
		say("data", d, data.Sources.Docs())
	}
	switch name {
	case "train":
		docs := registry.ReadDocs(train.Source)
		maps.Copy(docs, registry.ReadDocs(optim.Source))
		say("section", train.Defaults, docs)
	case "converged":
		say("key", converge.Default, registry.ReadDocs(converge.Source))
	case "kl":
		say("section", optim.DefaultKL, registry.ReadDocs(optim.Source))
	}
	if !found {
		return usageError{registry.Unknown("name", name, explained())}
	}
	return nil
}

// listMetrics prints every metric with its unit, its meaning and where it is.
func listMetrics(w io.Writer) {
	line := func(name, unit, doc string, where ...string) {
		fmt.Fprintf(w, "  %-16s %-5s  %s (%s)\n", name, cmp.Or(unit, "–"), doc, strings.Join(where, "; "))
	}
	for _, m := range train.Metrics() {
		where := []string{strings.Join(m.Splits, ", ")}
		if m.Vector {
			where = append([]string{"vector"}, where...)
		}
		if m.Needs() != "" {
			where = append(where, "needs "+m.Needs())
		}
		line(m.Name, m.Unit, m.Doc, where...)
	}
	for _, c := range claims.Costs {
		line(c.Name, c.Unit, c.Doc, "whole trial")
	}
	fmt.Fprintln(w, "Nats are per example. A claim names one number of a vector: theta.mean, .median, .min, .max, or theta.0.")
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
