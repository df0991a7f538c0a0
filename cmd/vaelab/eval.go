package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/nn"
	"vaelab/internal/record"
	"vaelab/internal/safetensors"
	"vaelab/internal/sweep"
	"vaelab/internal/train"
)

func evalCommand() *cobra.Command {
	var c choice
	var config, split string
	var samples int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "eval TRIAL-DIR | WEIGHTS.safetensors --config EXPERIMENT",
		Short: "Measure the weights of a trial, or of a safetensors file, on a split",
		Long: `Compute every metric for a trial's weights (those it tested, or the latest checkpoint of
an unfinished trial), under running statistics. Or for bare weights, such as a PyTorch user
may have saved: then --config names an experiment that says model, variant, data and
vocabulary, with one setting left after --set. Parameters carry the names of the field's
reference code (encoder.lstm.weight_ih_l0, decoder.pred_linear.weight ...).

With --iw-samples K also the importance-weighted estimate of -ln p(x) and its perplexity.`,
		Example: `  vaelab eval results/kl-vanishing/bn-1a2b3c4d/seed-1 --iw-samples 500
  vaelab eval model.safetensors --config my.yaml --set variant=bn --json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if samples < 0 {
				return usageError{fmt.Errorf("--iw-samples %d: wants at least 1, or 0 for none", samples)}
			}
			trial, set, weights, prefix, err := c.weights(cmd.ErrOrStderr(), given[0], config)
			if err != nil {
				return err
			}
			splits := map[string]data.Split{"train": set.Train, "valid": set.Valid, "test": set.Test}
			part, ok := splits[split]
			if !ok {
				return usageError{fmt.Errorf("--split %s: known: train, valid, test", split)}
			}
			if part.N() == 0 {
				return fmt.Errorf("the %s split of the data is empty; choose another with --split", split)
			}
			m, err := train.Build(trial.Model, trial.Methods, set.Space(), uint64(trial.Seed))
			if err != nil {
				return err
			}
			if err := nn.LoadTensors(weights, m.Params.All(), prefix); err != nil {
				return fmt.Errorf("%s: %w (the data are %v)", given[0], err, set.Space())
			}
			batches := part.Batches(trial.Train.BatchSize, trial.Train.Batching == "length", nil)
			e := metrics.Encode(m, batches, uint64(trial.Seed))
			values, vectors := metrics.All(e)
			if samples > 0 {
				var sum float64
				for _, nll := range metrics.IWNLL(m, batches, samples, uint64(trial.Seed)) {
					sum += nll
				}
				values["iw_nll"] = sum / float64(e.N)
				if e.Tokens > 0 {
					values["iw_ppl"] = e.PPL(values["iw_nll"])
				}
			}
			return printMetrics(cmd.OutOrStdout(), split, e.N, values, vectors, asJSON)
		},
	}
	c.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&config, "config", "", "`experiment` that names model, variant, data and vocabulary of bare weights")
	f.StringVar(&split, "split", "test", "train, valid or test `split`")
	f.IntVar(&samples, "iw-samples", 0, "`samples` of z for the importance-weighted likelihood (the papers use 500)")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	_ = f.MarkHidden("out")
	cmd.ValidArgsFunction = nil
	return cmd
}

// weights finds what to evaluate: a trial's folder, or a file with a config.
func (c *choice) weights(wErr io.Writer, name, config string) (t train.Trial, set *data.Set, f *safetensors.File, prefix string, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return t, nil, nil, "", err
	}
	if info.IsDir() {
		if config != "" || len(c.sets) > 0 {
			return t, nil, nil, "", usageError{fmt.Errorf("a trial's folder says its own settings; --config and --set go with a weights file")}
		}
		return trialWeights(name)
	}
	if f, err = safetensors.Read(name); err != nil {
		return t, nil, nil, "", err
	}
	if config == "" {
		return t, nil, nil, "", usageError{fmt.Errorf("%s is a weights file: --config must name the experiment it belongs to", name)}
	}
	e, err := c.read(wErr, config)
	if err != nil {
		return t, nil, nil, "", err
	}
	first := e.Trials[0]
	for _, other := range e.Trials {
		if fmt.Sprint(other.Config) != fmt.Sprint(first.Config) {
			return t, nil, nil, "", usageError{fmt.Errorf("%s has several settings; leave one with --set, such as --set variant=%s", config, first.Variant)}
		}
	}
	set, err = first.Data.Load()
	return first, set, f, "", err
}

func trialWeights(dir string) (t train.Trial, set *data.Set, f *safetensors.File, prefix string, err error) {
	runs, err := record.Load(dir)
	if err != nil {
		return t, nil, nil, "", err
	}
	if len(runs.Runs) != 1 {
		return t, nil, nil, "", fmt.Errorf("%s: holds %d trials; name the folder of one (.../seed-1)", dir, len(runs.Runs))
	}
	run := runs.Runs[0]
	if t, err = sweep.FromConfig(run.Trial); err != nil {
		return t, nil, nil, "", fmt.Errorf("%s: %w", dir, err)
	}
	f, err = safetensors.Read(filepath.Join(run.Dir, train.ModelFile))
	if errors.Is(err, fs.ErrNotExist) {
		prefix = "model/"
		f, err = safetensors.Read(filepath.Join(run.Dir, train.CheckpointFile))
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

func printMetrics(w io.Writer, split string, n int, values map[string]float64, vectors map[string][]float64, asJSON bool) error {
	if asJSON {
		row := record.Row{Split: split, Values: values, Vectors: vectors}
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", text)
		return err
	}
	fmt.Fprintf(w, "%s split, %d examples, running statistics, nats per example\n", split, n)
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range names {
		if !math.IsNaN(values[name]) {
			fmt.Fprintf(t, "%s\t%s\n", name, decimal(values[name], 4))
		}
	}
	for _, name := range sortedKeys(vectors) {
		fmt.Fprintf(t, "%s\t%.3f\n", name, vectors[name])
	}
	return t.Flush()
}

func sortedKeys(m map[string][]float64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
