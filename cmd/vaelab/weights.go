package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/generate"
	"vaelab/internal/nn"
	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/safetensors"
	"vaelab/internal/stream"
	"vaelab/internal/sweep"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
	"vaelab/internal/vae"
)

// weightsUsage is the argument of the commands that look at a trained model.
const weightsUsage = "TRIAL-DIR | WEIGHTS.safetensors --config EXPERIMENT"

// weights holds the flags that say which trained model to look at, on which split.
type weights struct {
	choice
	config, split string
}

func (c *weights) flags(cmd *cobra.Command) {
	c.setFlag(cmd)
	cmd.Flags().StringVar(&c.config, "config", "", "`experiment` that names model, variant, data and vocabulary of bare weights")
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

// load builds a model and reads its weights: those in a trial's folder, or a file with a config.
func (c *weights) load(wErr io.Writer, name string) (*trained, error) {
	t, set, file, prefix, err := c.find(wErr, name)
	if err != nil {
		return nil, err
	}
	m, err := train.Build(t.Model, t.Methods, set.Space(), uint64(t.Seed))
	if err != nil {
		return nil, err
	}
	if err := nn.LoadTensors(file, m.Params.All(), prefix); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
		if errors.Is(err, nn.ErrMisfit) {
			err = fmt.Errorf("%w (the data are %v)", err, set.Space())
		}
		return nil, err
	}
	return &trained{t, set, m}, nil
}

// find is what load needs: a trial, its data, and a file with its weights, which there have names
// with a prefix.
func (c *weights) find(wErr io.Writer, name string) (t train.Trial, set *data.Set, f *safetensors.File, prefix string, err error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = absent(name)
	}
	if err != nil {
		return t, nil, nil, "", err
	}
	if info.IsDir() {
		if c.config != "" || len(c.sets) > 0 {
			return t, nil, nil, "", usageError{fmt.Errorf("a trial's folder says its own settings; --config and --set go with a weights file")}
		}
		return trialWeights(name)
	}
	if f, err = safetensors.Read(name); err != nil {
		return t, nil, nil, "", err
	}
	if c.config == "" {
		return t, nil, nil, "", usageError{fmt.Errorf("%s is a weights file: --config must name the experiment it belongs to", name)}
	}
	e, err := c.read(wErr, c.config)
	if err != nil {
		return t, nil, nil, "", err
	}
	first := e.Trials[0]
	for _, other := range e.Trials {
		if fmt.Sprint(other.Config) != fmt.Sprint(first.Config) {
			return t, nil, nil, "", usageError{fmt.Errorf("%s has several settings; leave one with --set, such as --set variant=%s", c.config, first.Variant)}
		}
	}
	set, err = first.Data.Load()
	return first, set, f, "", err
}

// absent is the error for a path that is not there: it names the first part that is missing, and what there is instead.
func absent(path string) error {
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

// trialWeights finds the weights that a trial tested, or those of its latest checkpoint.
func trialWeights(dir string) (t train.Trial, set *data.Set, f *safetensors.File, prefix string, err error) {
	runs, err := record.Load(dir)
	if err != nil {
		return t, nil, nil, "", err
	}
	sweep.CheckNames(runs)
	if len(runs.Damage) > 0 {
		return t, nil, nil, "", fmt.Errorf("%w; copy the trial's folder again, or let vaelab run train it again", errors.Join(runs.Damage...))
	}
	if len(runs.Runs) != 1 {
		return t, nil, nil, "", fmt.Errorf("%s: holds %d trials; name the folder of one (.../seed-1)", dir, len(runs.Runs))
	}
	run := runs.Runs[0]
	if t, err = sweep.FromConfig(run.Trial); err != nil {
		return t, nil, nil, "", fmt.Errorf("%s: %w", dir, err)
	}
	f, err = modelOf(run)
	if errors.Is(err, fs.ErrNotExist) {
		prefix = "model/"
		f, err = train.ReadCheckpoint(run.Dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil, nil, "", fmt.Errorf("%s: no weights yet: the trial is %v and left no checkpoint", dir, run.State)
	}
	if err != nil {
		return t, nil, nil, "", err
	}
	if set, err = t.Data.Load(); err != nil {
		return t, nil, nil, "", err
	}
	if set.Digest != run.Trial.Data {
		return t, nil, nil, "", fmt.Errorf("%s: the data are not those it was trained on (digest %s, now %s); restore them", dir, run.Trial.Data, set.Digest)
	}
	return t, set, f, prefix, nil
}

// modelOf reads the weights that a trial tested.
func modelOf(run record.Run) (*safetensors.File, error) {
	text, err := run.ReadFile(train.ModelFile)
	if err != nil {
		return nil, err
	}
	f, err := safetensors.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(run.Dir, train.ModelFile), err)
	}
	return f, nil
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
