package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vaelab/internal/data"
	"vaelab/internal/nn"
	"vaelab/internal/record"
	"vaelab/internal/safetensors"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
	"vaelab/internal/vae"
)

// An origin is weights with all that is known of where they come from.
type origin struct {
	name   string // as the user gave it
	dir    string // the folder that they lie in
	trial  train.Trial
	file   *safetensors.File
	prefix string       // of the names of the weights in the file
	stamp  *train.Stamp // nil if the file has none

	folder bool   // of a trial
	paths  bool   // the trial says where its data lie
	set    bool   // a --set says so
	digest string // that the data must have; "" if any will do
}

// ofTrial finds the weights that a trial tested, or those of its latest checkpoint.
func ofTrial(dir string) (*origin, error) {
	runs, err := record.Load(dir)
	if err != nil {
		return nil, err
	}
	sweep.CheckNames(runs)
	if len(runs.Damage) > 0 {
		return nil, fmt.Errorf("%w; copy the trial's folder again, or let vaelab run train it again", errors.Join(runs.Damage...))
	}
	if len(runs.Runs) != 1 {
		return nil, fmt.Errorf("%s: the folder has %d trials; name the folder of one (.../seed-1)", dir, len(runs.Runs))
	}
	run := runs.Runs[0]
	o := &origin{name: dir, dir: run.Dir, folder: true, paths: true, digest: run.Trial.Data}
	if o.trial, err = sweep.FromConfig(run.Trial); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if _, kept := run.Files[train.ModelFile]; run.Files != nil && !kept {
		return nil, fmt.Errorf("%s: there are no weights: the trial was trained with --keep none; vaelab run EXPERIMENT --out FOLDER trains it again and keeps them", dir)
	}
	text, err := run.ReadFile(train.ModelFile)
	if err == nil {
		o.file, err = safetensors.Decode(text)
		if err != nil {
			err = fmt.Errorf("%s: %w", filepath.Join(run.Dir, train.ModelFile), err)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		o.prefix = "model/"
		o.file, err = train.ReadCheckpoint(run.Dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there are no weights: the trial is %v and has no checkpoint", dir, run.State)
	}
	if err != nil {
		return nil, err
	}
	if o.stamp, err = train.ReadStamp(o.file); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(run.Dir, train.ModelFile), err)
	}
	return o, nil
}

// ofFile reads a file of weights. If it has no stamp, its trial is still to be named.
func ofFile(name string) (o *origin, err error) {
	o = &origin{name: name, dir: filepath.Dir(name)}
	if o.file, err = safetensors.Read(name); err != nil {
		return nil, err
	}
	if o.stamp, err = train.ReadStamp(o.file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if o.stamp == nil {
		return o, nil
	}
	if o.trial, err = sweep.FromStamp(*o.stamp); err != nil {
		return nil, fmt.Errorf("%s: %w; name an experiment with --config", name, err)
	}
	o.digest = o.stamp.Data
	return o, nil
}

// override lays each --set over the settings of the weights: any of a file, but only the paths of data of a trial's folder.
func (o *origin) override(sets []string) error {
	if !o.folder && o.stamp == nil {
		return usageError{fmt.Errorf("%s: the weights have no settings of their own; --config must name the experiment they belong to", o.name)}
	}
	if len(sets) == 0 {
		return nil
	}
	config, err := sweep.Override(o.trial.Config, sets)
	paths := sweep.DataPaths(o.trial.Config)
	if err == nil && o.folder {
		for key := range config {
			if config[key] != o.trial.Config[key] && !slices.Contains(paths, key) {
				err = fmt.Errorf("--set %s: is not a path of its data", key)
			}
		}
	}
	if err != nil && o.folder {
		err = fmt.Errorf("a trial's folder has its own settings; --set is for a weights file, or for the new path of the data of a trial: %w", err)
	}
	if err != nil {
		return usageError{err}
	}
	for _, key := range paths {
		o.set = o.set || config[key] != o.trial.Config[key]
	}
	if o.set {
		o.digest = ""
		for _, key := range paths { // what is not named anew and not there is not needed
			if value := config[key]; value != "" && value == o.trial.Config[key] {
				if _, err := os.Stat(value); err != nil {
					config[key] = ""
				}
			}
		}
	}
	return o.take(config)
}

// take takes settings for those of the weights.
func (o *origin) take(config map[string]string) (err error) {
	rec := o.trial.Trial
	rec.Config = config
	o.trial, err = sweep.FromConfig(rec)
	return err
}

// vocabKey is the key of the trial's setting for a vocabulary; "" if its data take none.
func (o *origin) vocabKey() string {
	key := "data." + o.trial.Config["data"] + ".vocab"
	if slices.Contains(sweep.DataPaths(o.trial.Config), key) {
		return key
	}
	return ""
}

// vocabFile is the vocabulary that lies beside the weights; "" if there is none.
func (o *origin) vocabFile() string {
	path := filepath.Join(o.dir, train.VocabFile)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// data loads the data of the weights. Unless examples are needed, what lies beside the weights may do instead.
func (o *origin) data(wErr io.Writer, examples bool) (*data.Set, error) {
	if !examples && o.stamp != nil {
		if set := o.without(o.stamp.Space, o.stamp.Vocab); set != nil {
			set.Classes = o.stamp.Classes
			return set, nil
		}
	}
	set, err := o.locate(wErr)
	if err != nil && !examples && o.stamp == nil && o.folder { // of an older version: the longest sentence is not known
		words := data.DefaultMaxWords
		if n, err := strconv.Atoi(o.trial.Config["data."+o.trial.Config["data"]+".max_words"]); err == nil && n > 0 {
			words = n
		}
		if set := o.without(vae.Space{Kind: o.trial.Data.Kind(), MaxLen: words + 2}, ""); set != nil && o.fits(set) {
			return set, nil
		}
	}
	if err != nil && !examples && o.stamp != nil && !o.configured() {
		return nil, fmt.Errorf("%s: the vocabulary is not in the file; copy the %s that was saved beside it into its folder, or name it with --set %s=FILE", o.name, train.VocabFile, o.vocabKey())
	}
	if err != nil {
		return nil, err
	}
	if o.stamp == nil {
		return set, nil
	}
	switch given := o.stamp.Space.Given; {
	case set.Given != given.Kind:
		return nil, fmt.Errorf("%s: it was trained with %v given, and the data have %v; correct --config", o.name, given, set.Space().Given)
	case given.Kind == vae.Text:
		set.LongestGiven = given.MaxLen
	case given.Kind == vae.Label:
		if err := set.Relabel(given.Classes, o.stamp.Classes); err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, err)
		}
	}
	if set.Vocab != nil {
		set.Longest = o.stamp.Space.MaxLen
		if is, be := set.Vocab.Digest(), o.stamp.Vocab; is != be {
			return nil, fmt.Errorf("%s: the vocabulary of the data must be the one of the training (digest %s); its digest is %s, so its words or their order differ; name the %s that was saved beside the weights, with --set data.text.vocab=FILE, for one",
				o.name, be, is, train.VocabFile)
		}
	}
	return set, nil
}

// without is a set without examples, nil if the vocabulary it needs is not there. A digest is that of the vocabulary, if it is
// known.
func (o *origin) without(space vae.Space, digest string) *data.Set {
	name := o.trial.Config["data"]
	if space.Kind != vae.Text {
		if space.Size() == 0 {
			return nil
		}
		return data.Without(o.trial.Data, name, space, nil)
	}
	path := o.trial.Config[o.vocabKey()]
	if path == "" || o.folder && !o.set { // the trial's own is the one that it was trained with, wherever it lies
		path = o.vocabFile()
	}
	if v, err := data.ReadVocab(path); err == nil && (digest == "" || v.Digest() == digest) {
		return data.Without(o.trial.Data, name, space, v)
	}
	return nil
}

// fits tells whether the weights are those of a model for the data.
func (o *origin) fits(set *data.Set) bool {
	m, err := o.trial.Build(set.Space(), set.Train)
	return err == nil && nn.CheckTensors(o.file, m.Params.All(), o.prefix) == nil
}

// locate loads the data from where the settings say, or else from below one of the folders that the trial lies in: whoever moves
// a project moves both.
func (o *origin) locate(wErr io.Writer) (*data.Set, error) {
	config := o.trial.Config
	var files []string // keys of paths that are set
	for _, key := range sweep.DataPaths(config) {
		if config[key] != "" {
			files = append(files, key)
		}
	}
	if o.set && o.vocabKey() != "" && config[o.vocabKey()] == "" && !slices.Contains(files, "data."+config["data"]+".train") {
		config = maps.Clone(config)
		config[o.vocabKey()] = o.vocabFile()
	}
	places := []string{""}
	if o.folder && !o.set {
		places = append(places, above(o.dir)...)
	}
	var failed, other error
	for _, place := range places {
		moved, ok := below(place, config, files)
		if !ok {
			continue
		}
		if err := o.take(moved); err != nil {
			return nil, err
		}
		set, err := o.trial.Data.Load()
		switch {
		case err != nil && failed == nil:
			failed = err
		case err != nil:
		case o.digest == "" || set.Digest == o.digest:
			if place != "" {
				fmt.Fprintf(wErr, "vaelab: note: %s: found its data below %s\n", visible(o.name), visible(place))
			}
			return set, nil
		case other == nil && !o.folder: // built in, and made otherwise on this machine
			fmt.Fprintf(wErr, "vaelab: note: %s: the data have changed since training (digest %s, now %s)\n", visible(o.name), o.digest, set.Digest)
			return set, nil
		case other == nil:
			other = fmt.Errorf("%s: the data have changed since training (digest %s, now %s); restore them", o.name, o.digest, set.Digest)
		}
	}
	err := errors.Join(other)
	if err == nil {
		err = fmt.Errorf("%s: %w", o.name, failed)
	}
	if keys := sweep.DataPaths(config); len(keys) > 0 && !o.configured() {
		where := "give the path of its data"
		if len(files) > 0 && o.folder && !o.set {
			var named []string
			for _, key := range files {
				named = append(named, config[key])
			}
			where = fmt.Sprintf("it was trained on %s; files of this name and content are neither in the working directory nor in a folder above the trial; give the path of its data", strings.Join(named, ", "))
		}
		err = fmt.Errorf("%w\n%s: --set %s=FILE%s", err, where, o.need(keys, files), o.also())
	}
	return nil, err
}

// configured tells whether an experiment names the data.
func (o *origin) configured() bool { return o.paths && !o.folder }

// need is the key to name first: one that was set, or that of the test split.
func (o *origin) need(keys, files []string) string {
	for _, key := range slices.Concat(files, keys) {
		if strings.HasSuffix(key, ".test") {
			return key
		}
	}
	return slices.Concat(files, keys)[0]
}

// also is what else to name, if the vocabulary of the weights is not beside them.
func (o *origin) also() string {
	if o.vocabKey() == "" || o.vocabFile() != "" {
		return ""
	}
	return fmt.Sprintf(", and --set %s=FILE for the %s that was saved beside the weights", o.vocabKey(), train.VocabFile)
}

// above are the folders that a folder lies in, the nearest first; then those that it lies in where a link leads to it.
func above(dir string) (all []string) {
	for _, follow := range []func(string) (string, error){filepath.Abs, filepath.EvalSymlinks} {
		path, err := follow(dir)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			continue
		}
		for ; !slices.Contains(all, path); path = filepath.Dir(path) {
			all = append(all, path)
		}
	}
	return all
}

// below are settings with the relative paths of files below a folder. It is not ok if there is no such path, or a file is not
// there; at "", the working directory, it always is.
func below(place string, config map[string]string, files []string) (moved map[string]string, ok bool) {
	if place == "" {
		return config, true
	}
	moved = maps.Clone(config)
	for _, key := range files {
		if !filepath.IsAbs(config[key]) {
			moved[key], ok = filepath.Join(place, config[key]), true
		}
		if _, err := os.Stat(moved[key]); err != nil {
			return nil, false
		}
	}
	return moved, ok
}

// build builds the model of the weights, and loads them.
func (o *origin) build(wErr io.Writer, set *data.Set) (*vae.Model, error) {
	m, err := o.trial.Build(set.Space(), set.Train)
	if err != nil {
		return nil, err
	}
	if o.prefix == "" {
		if p := nn.StripPrefix(o.file, m.Params.All()); p != "" {
			fmt.Fprintf(wErr, "vaelab: note: %s: the names of all tensors begin with %q, which is stripped\n", visible(o.name), p)
		}
	}
	if err := nn.LoadTensors(o.file, m.Params.All(), o.prefix); err != nil {
		err = fmt.Errorf("%s: %w", o.name, err)
		if errors.Is(err, nn.ErrMisfit) {
			err = fmt.Errorf("%w\n  settings: variant %s, model %s; data: %v", err, o.trial.Config["variant"], o.trial.Config["model"], set.Space())
		}
		return nil, err
	}
	return m, nil
}
