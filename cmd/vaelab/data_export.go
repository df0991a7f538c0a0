package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/train"
	"vaelab/internal/vae"
)

// The formats that data are exported in.
const (
	asText = "text" // a sentence a line
	asCSV  = "csv"  // a row an example, with its label
	asNpy  = "npy"  // arrays of numbers
)

// splitNames are the names of a set's splits.
var splitNames = []string{"train", "valid", "test"}

// An exporting holds the flags that say what of a data set is written, and where.
type exporting struct {
	format, split, out string
}

func (p *published) exportCommand() *cobra.Command {
	var c choice
	var x exporting
	cmd := &cobra.Command{
		Use:   "export NAME",
		Short: "Write examples as text, CSV or NumPy arrays",
		Long: `Load data as an experiment would and write the examples, for other programs or for changes:

  text   one sentence per line, without label; before it a condition that is a text, and a TAB
  csv    one example per row, with a header: label and context (if there are any), then text or
         x_1, x_2 ...
  npy    images as float32 (N, H, W), vectors as float32 (N, D); of text only the true z, as
         float64 (N, 2), if it is known

One split is written to the standard output, train unless --split names another. If --output is a
folder (a name that ends in / creates it), each split gets a file there. A vocabulary gets a file,
too, and with npy also labels and true z. The command prints the settings that read the files again
and give the same examples.

NAME is an experiment, the name of a source, or a published data set that has been downloaded, as
for data show.`,
		Example: `  vaelab data export synthetic --split test > test.txt
  vaelab data export glyphs --output glyphs/
  vaelab data export my.yaml --format csv --output my-data/`,
		Args:              args(cobra.ExactArgs(1)),
		ValidArgsFunction: p.readable,
		RunE: func(cmd *cobra.Command, given []string) error {
			wErr := cmd.ErrOrStderr()
			e, err := p.experiment(wErr, &c, given[0])
			if err != nil {
				return err
			}
			first := e.Trials[0]
			for _, t := range e.Trials {
				if fmt.Sprint(t.Data) != fmt.Sprint(first.Data) {
					return usageError{fmt.Errorf("%s has several data sets; choose one with --set, such as --set data=%s", given[0], first.Config["data"])}
				}
			}
			if err := x.check(first.Data.Kind(), cmd.Flags().Changed("split")); err != nil {
				return err
			}
			set, err := first.Data.Load()
			if err != nil {
				return err
			}
			for _, doubt := range set.Warnings {
				fmt.Fprintf(wErr, "vaelab: warning: %s\n", visible(doubt.Error()))
			}
			if x.toFolder() {
				return x.folder(cmd.OutOrStdout(), set)
			}
			part, err := x.part(set, x.split)
			if err != nil {
				return err
			}
			_, err = writeOut(cmd.OutOrStdout(), x.out, func(w io.Writer) error { return x.write(w, set, part) })
			return err
		},
	}
	c.setFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&x.format, "format", "", "text, csv or npy (default text for text, npy for the rest)")
	f.StringVar(&x.split, "split", "", "train, valid or test `split` (default train; all if --output is a folder)")
	f.StringVarP(&x.out, "output", "o", stdoutName, "`file` or folder to write; - is the standard output")
	return cmd
}

// toFolder tells whether the output is a folder.
func (x *exporting) toFolder() bool {
	info, err := os.Stat(x.out)
	return x.out != stdoutName && (err == nil && info.IsDir() || strings.HasSuffix(x.out, "/"))
}

// check checks the flags for data of a kind, before they are loaded, and fills in what was not given.
func (x *exporting) check(kind vae.Kind, splitGiven bool) error {
	formats := []string{asNpy, asCSV}
	if kind == vae.Text {
		formats = []string{asText, asCSV, asNpy}
	}
	if x.format == "" {
		x.format = formats[0]
	}
	if !slices.Contains(formats, x.format) {
		return usageError{fmt.Errorf("--format: %w; the data are %s data", registry.Unknown("format", x.format, formats), kind)}
	}
	if splitGiven && !slices.Contains(splitNames, x.split) {
		return usageError{fmt.Errorf("--split: %w", registry.Unknown("split", x.split, splitNames))}
	}
	if x.toFolder() {
		return nil
	}
	if x.split == "" {
		x.split = splitNames[0]
	}
	return fileFor("output", x.out)
}

// part is a split of a set that has examples.
func (x *exporting) part(set *data.Set, name string) (data.Split, error) {
	part := map[string]data.Split{"train": set.Train, "valid": set.Valid, "test": set.Test}[name]
	switch {
	case part.N() == 0:
		return part, fmt.Errorf("the %s split of the data is empty; choose another with --split", name)
	case x.format == asNpy && set.Vocab != nil && part.Latents == nil:
		return part, usageError{fmt.Errorf("--format npy: the data are text without a known true z, so there is no array to write; use text or csv")}
	}
	return part, nil
}

// write writes a split in the format.
func (x *exporting) write(w io.Writer, set *data.Set, part data.Split) error {
	buffer := bufio.NewWriterSize(w, 64<<10)
	var err error
	switch x.format {
	case asText:
		for i, seq := range part.Seqs {
			if part.Given != nil {
				fmt.Fprint(buffer, exported(set.Vocab, part.Given[i]), "\t") // an error stays until Flush
			}
			if _, err = fmt.Fprintln(buffer, exported(set.Vocab, seq)); err != nil {
				break
			}
		}
	case asCSV:
		err = exportRows(buffer, set, part)
	default:
		err = exportArray(buffer, set, part)
	}
	return errors.Join(err, buffer.Flush())
}

// exportRows writes a split as CSV.
func exportRows(w io.Writer, set *data.Set, part data.Split) error {
	table := csv.NewWriter(w)
	row := []string{"text"}
	if part.Seqs == nil {
		row = numbered("x", len(part.Values[0]))
	}
	if part.Given != nil {
		row = append([]string{"context"}, row...)
	}
	if part.Labels != nil {
		row = append([]string{"label"}, row...)
	}
	if err := table.Write(row); err != nil {
		return err
	}
	for i := range part.N() {
		row = row[:0]
		if part.Labels != nil {
			row = append(row, className(set, part.Labels[i]))
		}
		if part.Given != nil {
			row = append(row, exported(set.Vocab, part.Given[i]))
		}
		if part.Seqs != nil {
			row = append(row, exported(set.Vocab, part.Seqs[i]))
		} else {
			row = append(row, digits(part.Values[i])...)
		}
		if err := table.Write(row); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

// exported is a sentence as it is read again: symbols with spaces between, and characters without.
func exported(v *data.Vocab, seq []int32) string {
	if v.Unit() == data.Characters {
		return v.Sentence(seq)
	}
	var words []string
	for _, id := range seq[1 : len(seq)-1] {
		words = append(words, v.Word(int(id)))
	}
	return strings.Join(words, " ")
}

// className is a label as its data have it: a name, or a number.
func className(set *data.Set, label int) string {
	if set.Classes == nil {
		return strconv.Itoa(label)
	}
	return set.Classes[label]
}

// exportArray writes the numbers of a split: values, or the true z of text.
func exportArray(w io.Writer, set *data.Set, part data.Split) error {
	switch n := part.N(); {
	case part.Seqs != nil:
		return exportZ(w, part)
	case set.Real && set.Height == 1: // vectors that are no images
		return data.WriteNpy(w, slices.Values(part.Values), n, set.Width)
	default:
		return data.WriteNpy(w, slices.Values(part.Values), n, set.Height, set.Width)
	}
}

// exportZ writes the true z of a split.
func exportZ(w io.Writer, part data.Split) error {
	buffer := bufio.NewWriterSize(w, 64<<10)
	err := data.WriteNpy(buffer, slices.Values(part.Latents), part.N(), len(part.Latents[0]))
	return errors.Join(err, buffer.Flush())
}

// ones are numbers as arrays of one.
func ones(labels []int) iter.Seq[[]int64] {
	return func(yield func([]int64) bool) {
		for _, l := range labels {
			if !yield([]int64{int64(l)}) {
				return
			}
		}
	}
}

// folder writes the splits into a folder, prints the names of the files, and the settings that read them.
func (x *exporting) folder(w io.Writer, set *data.Set) error {
	if err := os.MkdirAll(x.out, 0o777); err != nil {
		return fmt.Errorf("data cannot be written: %w; choose another folder with --output", err)
	}
	var settings []string // of the source that reads the files
	save := func(key, name string, write func(io.Writer) error) error {
		path := filepath.Join(x.out, name)
		if err := record.WriteFile(path, write); err != nil {
			return err
		}
		if key != "" {
			settings = append(settings, fmt.Sprintf("%s: %q", key, path))
		}
		_, err := fmt.Fprintln(w, path)
		return err
	}
	names := splitNames
	if x.split != "" {
		names = []string{x.split}
	}
	labelled, longest := false, max(0, set.Space().Given.MaxLen-2)
	for _, name := range names {
		part, err := x.part(set, name)
		if part.N() == 0 && x.split == "" {
			continue
		}
		if err != nil {
			return err
		}
		labelled, longest = labelled || part.Labels != nil, max(longest, part.Lengths().Max)
		file := map[string]string{asText: name + ".txt", asCSV: name + ".csv", asNpy: name + ".npy"}[x.format]
		if x.format != asNpy || set.Vocab == nil {
			if err := save(name, file, func(w io.Writer) error { return x.write(w, set, part) }); err != nil {
				return err
			}
		}
		if x.format == asNpy && part.Latents != nil {
			if err := save("", name+"-z.npy", func(w io.Writer) error { return exportZ(w, part) }); err != nil {
				return err
			}
		}
		if x.format == asNpy && part.Labels != nil {
			write := func(w io.Writer) error { return data.WriteNpy(w, ones(part.Labels), len(part.Labels)) }
			if err := save(name+"_labels", name+"-labels.npy", write); err != nil {
				return err
			}
		}
	}
	if set.Vocab != nil && x.format != asNpy {
		if err := save("vocab", train.VocabFile, set.Vocab.Write); err != nil {
			return err
		}
		if longest > data.DefaultMaxWords {
			settings = append(settings, "max_words: 0")
		}
		if set.Vocab.Unit() == data.Characters {
			settings = append(settings, "unit: char")
		}
	}
	source := ""
	switch {
	case set.Vocab != nil && x.format == asText:
		source = "text"
	case set.Vocab != nil && x.format == asCSV:
		source = "csv"
		if labelled {
			settings = append(settings, "label: label")
		}
	case set.Vocab == nil && !(set.Real && set.Height == 1) && x.format == asNpy:
		source = "images"
		switch {
		case set.Real:
			settings = append(settings, "binarise: none")
		case !set.Grey: // the pixels are 0 or 1 already
			settings = append(settings, "binarise: threshold")
		}
	}
	if source == "" { // none reads these
		return nil
	}
	switch {
	case set.Given == vae.Text:
		settings = append(settings, "given: context")
	case set.Given == vae.Label && x.format != asText: // a line of text has no label
		settings = append(settings, "given: label")
	}
	_, err := fmt.Fprintf(w, "to read them again:\n  data: {%s: {%s}}\n", source, strings.Join(settings, ", "))
	return err
}
