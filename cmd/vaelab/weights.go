package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/registry"
	"vaelab/internal/stream"
	"vaelab/internal/sweep"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
	"vaelab/internal/vae"
)

// weightsUsage is the argument of the commands that look at a trained model.
const weightsUsage = "TRIAL-DIR | WEIGHTS.safetensors [--config EXPERIMENT]"

// weights holds the flags that say which trained model to look at, on which split.
type weights struct {
	choice
	config, split string
}

func (c *weights) flags(cmd *cobra.Command) {
	c.setFlag(cmd)
	cmd.Flags().StringVar(&c.config, "config", "", "`experiment` with model, variant, data and vocabulary of weights that have no settings of their own")
}

// splitFlag is the flag of the commands that look at examples.
func (c *weights) splitFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.split, "split", "test", "train, valid or test `split`")
}

// A trained model is one with its weights, its data and the trial it comes from.
type trained struct {
	trial train.Trial
	set   *data.Set
	model *vae.Model
}

// load builds a model and reads its weights: those in a trial's folder, or a file. A command that needs no examples gets
// a set without any where the data need not be read for it.
func (c *weights) load(wErr io.Writer, name string, examples bool) (*trained, error) {
	o, err := c.find(wErr, name)
	if err != nil {
		return nil, err
	}
	set, err := o.data(wErr, examples)
	if err != nil {
		return nil, err
	}
	m, err := o.build(wErr, set)
	if err != nil {
		return nil, err
	}
	return &trained{o.trial, set, m}, nil
}

// find finds weights and the trial that they are of.
func (c *weights) find(wErr io.Writer, name string) (*origin, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = absent(name)
	}
	if err != nil {
		return nil, err
	}
	var o *origin
	switch {
	case info.IsDir() && c.config != "":
		return nil, usageError{fmt.Errorf("a trial's folder has its own settings; --config is for a weights file")}
	case info.IsDir():
		o, err = ofTrial(name)
	default:
		o, err = ofFile(name)
	}
	if err != nil {
		return nil, err
	}
	if c.config != "" {
		return o, c.configure(wErr, o)
	}
	return o, o.override(c.sets)
}

// configure takes the settings of an experiment for those of weights.
func (c *weights) configure(wErr io.Writer, o *origin) error {
	e, err := c.read(wErr, c.config)
	if err != nil {
		return err
	}
	first := e.Trials[0]
	for _, other := range e.Trials {
		if fmt.Sprint(other.Config) != fmt.Sprint(first.Config) {
			return usageError{fmt.Errorf("%s has several settings; leave one with --set, such as --set variant=%s", c.config, first.Variant)}
		}
	}
	o.trial, o.paths, o.digest = first, true, ""
	if o.stamp == nil {
		return nil
	}
	is, says := sweep.Naming(first.Config), o.stamp.Settings
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if section, _, _ := strings.Cut(key, "."); (section == "model" || section == "variant") && is[key] != says[key] {
			fmt.Fprintf(wErr, "vaelab: note: %s: trained with %s=%s, but %s has %s\n", visible(o.name), key, cmp.Or(visible(says[key]), "nothing"), visible(c.config), visible(is[key]))
		}
	}
	return nil
}

// absent is the error for a path that is not there: it names the first part that is missing, and what there is instead.
func absent(path string) error {
	if below := filepath.Join(resultsFolder(), path); filepath.IsLocal(path) {
		if _, err := os.Stat(below); err == nil {
			return fmt.Errorf("%s: no such file or folder; did you mean %s?", path, below)
		}
	}
	dir, part := filepath.Dir(path), filepath.Base(path)
	for dir != "." && dir != filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir, part = filepath.Dir(dir), filepath.Base(dir)
	}
	var names []string
	entries, _ := os.ReadDir(dir) // if it cannot be read, there is nothing to name
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	if near := registry.Nearest(part, names); near != "" {
		return fmt.Errorf("%s: no such file or folder; did you mean %s?", path, filepath.Join(dir, near))
	}
	const most = 8
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: no such file or folder", path)
	}
	return fmt.Errorf("%s: no such file or folder; in %s are %s", path, dir, strings.Join(names, ", "))
}

// posteriors are mu and sigma of every example of a split, (N, D); it is an error if one is not finite.
func (t *trained) posteriors(part data.Split) (mu, sigma tensor.Matrix, err error) {
	mu, sigma = generate.Posteriors(t.model, part)
	return mu, sigma, cmp.Or(finite("mu", mu.Data), finite("sigma", sigma.Data))
}

// split is a split of the data by its name. Pixels of grey values are drawn, the same each time.
func (t *trained) split(name string) (data.Split, error) {
	splits := map[string]data.Split{"train": t.set.Train, "valid": t.set.Valid, "test": t.set.Test}
	part, ok := splits[name]
	if !ok {
		return part, usageError{fmt.Errorf("--split: %w", registry.Unknown("split", name, []string{"train", "valid", "test"}))}
	}
	if part.N() == 0 {
		return part, fmt.Errorf("the %s split of the data is empty; choose another with --split", name)
	}
	if part.Grey {
		x := vae.NewGrid(part.Values, nil, true)
		x.Draw(stream.New(uint64(t.trial.Seed), "look", name))
		part.Grey, part.Values = false, make([][]float32, x.B())
		for i := range part.Values {
			for _, v := range x.Values.Row(i) {
				part.Values[i] = append(part.Values[i], float32(v))
			}
		}
	}
	return part, nil
}
