package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/registry"
	"vaelab/internal/sweep"
	"vaelab/internal/vae"
)

func (p *published) showCommand() *cobra.Command {
	var c choice
	var picture string
	var examples int
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Print counts, lengths, labels and examples of data as a model reads them",
		Long: `Load data as an experiment would, and print how many examples there are, how long they
are, how large the vocabulary is, how many words it lacks, and the first examples. Of images
--png FILE draws a sheet.

NAME is an experiment, the name of a source (vaelab list data), or a published data set that
has been downloaded; the paths of its files are then filled in.`,
		Example: `  vaelab data show my.yaml
  vaelab data show synthetic --set data.synthetic.length=20
  vaelab data show glyphs --png glyphs.png
  vaelab data show ptb -n 10`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := within("-n", examples, 0, math.MaxInt32); err != nil { // at most all are printed
				return err
			}
			if cmd.Flags().Changed("png") {
				if err := fileFor("png", picture); err != nil {
					return err
				}
			}
			wErr := cmd.ErrOrStderr()
			e, err := p.experiment(wErr, &c, given[0])
			if err != nil {
				return err
			}
			jobs, err := c.jobs(wErr, e)
			if err != nil {
				return err
			}
			var sets []*data.Set
			for _, j := range jobs {
				if !slices.Contains(sets, j.Set) {
					sets = append(sets, j.Set)
				}
			}
			if picture == stdoutName && len(sets) > 1 {
				return usageError{fmt.Errorf("--png -: the experiment has %d data sets, each with a picture of its own; name a file", len(sets))}
			}
			left := untrainedOf(jobs)
			for i, set := range sets {
				name := picture
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				if i > 0 && name != "" {
					name = fmt.Sprintf("%s-%d.png", strings.TrimSuffix(name, ".png"), i+1)
				}
				if err := show(cmd.OutOrStdout(), set, left, examples, name); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.flags(cmd)
	cmd.ValidArgsFunction = p.readable
	f := cmd.Flags()
	f.IntVarP(&examples, "examples", "n", 5, "`number` of sentences or vectors to print")
	f.StringVar(&picture, "png", "", "draw the first images into this `file`; - is the standard output")
	for _, unused := range []string{"out", "seeds"} {
		_ = f.MarkHidden(unused)
	}
	return cmd
}

// experiment reads what a name stands for: an experiment, else a source with its defaults, which
// becomes an experiment that trains nothing. If a published data set of the name has been
// fetched, its settings are laid below those of --set.
func (p *published) experiment(wErr io.Writer, c *choice, name string) (*sweep.Experiment, error) {
	source := name
	if d, err := p.all.Get(name); err == nil && d.Source() != "" {
		s, err := p.store()
		if err != nil {
			return nil, err
		}
		if len(s.Missing(d)) == 0 {
			source = d.Source()
			c.sets = slices.Concat(d.Apply(s.Folder(d)), c.sets)
		} else if len(c.sets) == 0 || !slices.Contains(slices.Concat(experiments.Names(), data.Sources.Names()), name) {
			return nil, fmt.Errorf("%s has not been fetched: %s", name, p.command("fetch", name))
		}
	}
	_, err := os.Stat(name)
	kind, unknown := data.Sources.Get(source)
	switch {
	case slices.Contains(experiments.Names(), name), !errors.Is(err, fs.ErrNotExist), strings.ContainsAny(name, "./\\"):
		return c.read(wErr, name)
	case unknown != nil:
		known := slices.Concat(experiments.Names(), data.Sources.Names(), p.all.Names())
		return nil, usageError{registry.Unknown("experiment or data", name, slices.Compact(slices.Sorted(slices.Values(known))))}
	}
	model, err := reader(kind.Kind())
	if err != nil {
		return nil, err
	}
	below, err := dataFolder()
	if err != nil {
		return nil, err
	}
	return sweep.Parse(name, fmt.Appendf(nil, "base: {data: %s, model: %s}\n", source, model), sweep.Options{Sets: c.sets, Data: below, DataSaid: dataVariable})
}

// reader is the name of a model that reads examples of a kind: an experiment has to have one.
func reader(kind vae.Kind) (string, error) {
	for _, name := range models.Models.Names() {
		if m, err := models.Models.Get(name); err == nil && m.Fits(vae.Space{Kind: kind}) == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("no model reads %s data", kind)
}

// show prints a set, and what of it is left out of training. Images are drawn into the file picture, if there is to be one.
func show(w io.Writer, set *data.Set, left []untrained, examples int, picture string) error {
	fmt.Fprintf(w, "data %s: %v, digest %s\n", set.Name, set.Space(), set.Digest)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	text := set.Vocab != nil
	fmt.Fprint(t, "split\texamples\t")
	if text {
		fmt.Fprintf(t, "%s: min\tmedian\tmax\tunknown\t", set.Vocab.Unit())
	}
	fmt.Fprint(t, "labels\t\n")
	names := []string{"train", "valid", "test"}
	for i, split := range []data.Split{set.Train, set.Valid, set.Test} {
		fmt.Fprintf(t, "%s\t%d\t", names[i], split.N())
		if text {
			fmt.Fprint(t, lengths(split.Seqs))
		}
		fmt.Fprintf(t, "%s\t\n", classes(split.Labels))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, u := range left {
		if u.set == set {
			fmt.Fprintln(w, u)
		}
	}
	if text {
		fmt.Fprintf(w, "vocabulary: %d symbols, 4 of them reserved\n", set.Vocab.Size())
	}
	if len(set.Classes) > 0 {
		fmt.Fprintf(w, "labels: %s\n", named(set.Classes))
	}
	name, first := firstSplit(set)
	if first.N() == 0 {
		return nil
	}
	switch image := set.Space().Kind == vae.Image; {
	case image && picture == "":
		_, err := fmt.Fprintln(w, "images are drawn with --png FILE")
		return err
	case image:
		return draws(w, set, first, picture)
	case picture != "":
		return usageError{fmt.Errorf("--png: the data are %s data; a sheet can be drawn only of images", set.Space().Kind)}
	}
	if first.Given != nil {
		name += ", each condition before a |"
	}
	fmt.Fprintf(w, "first of %s:\n", name)
	for i := range min(examples, first.N()) {
		label := ""
		if first.Labels != nil {
			label = fmt.Sprintf("[%d] ", first.Labels[i])
			if set.Classes != nil {
				label = fmt.Sprintf("[%s] ", visible(set.Classes[first.Labels[i]]))
			}
		}
		if first.Given != nil {
			label += visible(set.Vocab.Sentence(first.Given[i])) + " | "
		}
		if text {
			fmt.Fprintf(w, "  %s%s\n", label, visible(set.Vocab.Sentence(first.Seqs[i])))
		} else {
			fmt.Fprintf(w, "  %s%.3g\n", label, first.Values[i])
		}
	}
	return nil
}

// firstSplit is the first split that is not empty.
func firstSplit(set *data.Set) (string, data.Split) {
	switch {
	case set.Train.N() > 0:
		return "train", set.Train
	case set.Valid.N() > 0:
		return "valid", set.Valid
	}
	return "test", set.Test
}

// draws writes the sheet of the first images.
func draws(w io.Writer, set *data.Set, split data.Split, path string) error {
	const images = 100
	return savePNG(w, path, set.Sheet(split, images))
}

// lengths is the least, median and greatest number of words of sentences, and the share of words
// that the vocabulary lacks, as cells of a table.
func lengths(seqs [][]int32) string {
	if len(seqs) == 0 {
		return "–\t–\t–\t–\t"
	}
	var n []int
	words, unknown := 0, 0
	for _, seq := range seqs {
		n = append(n, len(seq)-2) // without <s> and </s>
		words += len(seq) - 2
		for _, w := range seq {
			if w == data.Unk {
				unknown++
			}
		}
	}
	slices.Sort(n)
	return fmt.Sprintf("%d\t%d\t%d\t%.1f %%\t", n[0], n[len(n)/2], n[len(n)-1], 100*float64(unknown)/float64(max(1, words)))
}

// named is "0 follows, 1 hates", the first names at most.
func named(classes []string) string {
	const most = 20
	var parts []string
	for i, name := range classes {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(classes)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%d %s", i, visible(name)))
	}
	return strings.Join(parts, ", ")
}

// classes is "2 (512 + 488)", or a dash if there are no labels.
func classes(labels []int) string {
	if len(labels) == 0 {
		return "–"
	}
	counts := map[int]int{}
	for _, l := range labels {
		counts[l]++
	}
	const most = 10
	var parts []string
	for _, l := range slices.Sorted(maps.Keys(counts)) {
		if len(parts) == most {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, fmt.Sprint(counts[l]))
	}
	return fmt.Sprintf("%d (%s)", len(counts), strings.Join(parts, " + "))
}
