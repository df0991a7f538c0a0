package train

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/registry"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// These are the metrics that the training loop makes, or the generator of the data. The others register themselves in
// package metrics.
func init() {
	metrics.Register(metrics.Group{
		Splits: metrics.TrainRows,
		Metrics: []metrics.Metric{
			{Name: "loss", Unit: "nats", Doc: "training loss: rec + kl_weight times penalty, or the method's bound of K samples, + extra + the method's auxiliary terms, if any"},
			{Name: "kl_weight", Doc: "weight of the penalty at this step"},
			{Name: "lr", Doc: "learning rate"},
			{Name: "grad_norm", Doc: "norm of the gradient before clipping"},
			{Name: "grad_encoder", Doc: "norm of the gradient of encoder and variant"},
			{Name: "grad_decoder", Doc: "norm of the gradient of the decoder"},
			{Name: "grad_ratio", Doc: "grad_encoder / grad_decoder"},
			{Name: "clipped", Doc: "share of steps whose gradient was clipped"},
		},
	})
	metrics.Register(metrics.Group{
		Splits: metrics.TrainRows, Need: metrics.NeedFloor,
		Metrics: []metrics.Metric{
			{Name: "slack_min", Unit: "nats", Doc: "smallest slack of a single batch since the last row"},
		},
	})
	metrics.Register(metrics.Group{
		Splits: metrics.TrainRows, Need: metrics.NeedGaussian,
		Metrics: []metrics.Metric{
			{Name: "kl_mu", Unit: "nats", Doc: "D mu2 / 2, the contribution of E[mu²] to the KL"},
		},
	})
	metrics.Register(metrics.Group{
		Splits: metrics.TrainRows, Need: needRegime,
		Metrics: []metrics.Metric{
			{Name: "inner", Doc: "updates of the weights before each step that the method's regime adds"},
		},
	})
	metrics.Register(metrics.Group{
		Splits: metrics.Everywhere, Need: needRegime,
		Metrics: []metrics.Metric{
			{Name: "first_phase", Doc: "1 in the first phase of the method's regime, 0 after it; in train rows the share of steps"},
			{Name: "phase_end", Unit: "steps", Doc: "step at which the first phase of the method's regime ended"},
		},
	})
	metrics.Register(metrics.Group{
		Splits: []string{"train", "valid"}, Need: needCounts,
		Metrics: []metrics.Metric{
			{Name: "counts", Doc: "1 if evaluations count for train.stop, train.decay and report: best, else 0; in train rows the share of steps"},
		},
	})
	for _, metric := range []string{"kl", "rec"} {
		metrics.Register(metrics.Group{
			Splits: metrics.TrainRows, Need: &metrics.Need{What: "a method with a target of " + metric, Met: func(f metrics.Facts) bool { return steered(f.Variant) == metric }},
			Metrics: []metrics.Metric{
				{Name: metric + "_target", Unit: "nats", Doc: "the value of " + metric + " that the method steers to"},
			},
		})
	}
	metrics.Register(metrics.Group{
		Splits: metrics.Tests, Need: &metrics.Need{What: "train.stop.patience or train.decay.patience above 0", Met: func(f metrics.Facts) bool { return f.MayEnd }},
		Metrics: []metrics.Metric{
			{Name: "stopped", Doc: "why training ended: 0 last step, 1 train.stop, 2 train.decay"},
		},
	})
	metrics.Register(metrics.Group{
		Splits: metrics.Tests, Need: &metrics.Need{What: "train.stop.min_updates above 0", Met: func(f metrics.Facts) bool { return f.Updates }},
		Metrics: []metrics.Metric{
			{Name: "decoder_updates", Doc: "updates of the decoder since it was drawn: steps, without those before a reset"},
		},
	})
	metrics.Register(metrics.Group{
		Splits: metrics.Tests, Need: &metrics.Need{What: "synthetic or gaussian data", Met: func(f metrics.Facts) bool { return f.Truth != metrics.NoTruth }},
		Metrics: []metrics.Metric{
			{Name: "true_nll", Unit: "nats", Doc: "-ln p(x) under the generator of the data"},
			{Name: "true_mi", Unit: "nats", Doc: "I(x; z) of the generator of the data"},
		},
	})
	metrics.Register(metrics.Group{
		Splits: metrics.Tests, Need: metrics.NeedModes,
		Metrics: []metrics.Metric{
			{Name: "true_nll_se", Unit: "nats", Doc: "standard error of true_nll"},
		},
	})
}

// needCounts is what lets evaluations count from a step that kl.beta and the rows' kl_weight do not tell.
var needCounts = &metrics.Need{
	What: "a method that sets the weight of the penalty itself, or one with a training regime",
	Met:  func(f metrics.Facts) bool { return f.Variant.Weigher != nil || f.Variant.Regime != nil },
}

// needRegime is what makes updates that are not steps, and phases.
var needRegime = &metrics.Need{What: "a method with a training regime", Met: func(f metrics.Facts) bool { return f.Variant.Regime != nil }}

// steered is the metric that a variant steers to a target, empty if it has none.
func steered(v vae.Variant) (metric string) {
	if s, ok := v.Weigher.(vae.Steering); ok {
		metric, _ = s.Target()
	}
	return metric
}

// facts are what decides whether the trial's rows have a metric.
func (t Trial) facts(v vae.Variant) metrics.Facts {
	f := metrics.Facts{
		Kind: t.Data.Kind(), Given: data.Gives(t.Data).Kind, D: t.Model.Latent(), Samples: t.Train.IWSamples, Probe: t.Train.Probe, Lag: t.Train.LagEvery > 0,
		MayEnd: t.mayEnd(), Updates: t.Train.Stop.MinUpdates > 0, Variant: v,
	}
	switch t.Data.(type) {
	case data.Synthetic:
		if f.Given == "" { // else it generates something else
			f.Truth = metrics.Modes
		}
	case data.Gaussian:
		f.Truth = metrics.Exact
	}
	return f
}

// Metrics returns every metric that rows can have: those of all trials, then the gauges of the
// registered variants.
var Metrics = sync.OnceValue(func() []metrics.Metric {
	all := metrics.Registered()
	owners := map[string][]string{} // by gauge
	var gauges []vae.Gauge
	for _, name := range variants.Methods.Names() {
		method, err := variants.Methods.Get(name)
		if err != nil {
			panic(err) // it is registered
		}
		for _, g := range gaugesOf(method) {
			if owners[g.Name] == nil {
				gauges = append(gauges, g)
			}
			owners[g.Name] = append(owners[g.Name], name)
		}
	}
	for _, g := range gauges {
		all = append(all, metrics.Metric{Name: g.Name, Doc: g.Doc, Splits: metrics.Everywhere, Vector: true, Need: &metrics.Need{
			What: strings.Join(owners[g.Name], " or "),
			Met: func(f metrics.Facts) bool {
				return f.Variant.Gauges != nil && slices.ContainsFunc(f.Variant.Gauges(), func(h vae.Gauge) bool { return h.Name == g.Name })
			},
		}})
	}
	return all
})

// gaugesOf are the gauges of methods at their start, none if they cannot be one variant.
func gaugesOf(methods ...vae.Method) []vae.Gauge {
	v, err := variants.Check(methods...)
	if err != nil || v.Gauges == nil {
		return nil
	}
	return v.Gauges()
}

// Length returns how the rows of a split of the trial hold a metric: 0 for one number, the length of
// a vector. If they never have it, the error says why.
func (t Trial) Length(split, name string) (int, error) {
	all := Metrics()
	i := slices.IndexFunc(all, func(m metrics.Metric) bool { return m.Name == name })
	if i < 0 {
		return 0, unknown(name, all)
	}
	m := all[i]
	if !slices.Contains(m.Splits, split) {
		return 0, fmt.Errorf("%s is not measured on split %s; it is on %s", name, split, strings.Join(m.Splits, " and "))
	}
	if s := t.Train; split == "valid" && s.EvalEvery > s.Epochs && m.Need != metrics.NeedLag {
		return 0, fmt.Errorf("split valid is never measured: train.eval_every is %d, train.epochs %d", s.EvalEvery, s.Epochs)
	}
	if m.Need != nil && m.Need.Met != nil {
		v, err := variants.Check(t.Methods...)
		if err != nil {
			return 0, err
		}
		if !m.Need.Met(t.facts(v)) {
			return 0, fmt.Errorf("trials of %s have no %s; it needs %s", t.Variant, name, m.Need.What)
		}
	}
	switch {
	case !m.Vector:
		return 0, nil
	case m.Size > 0:
		return m.Size, nil
	}
	return t.Model.Latent(), nil
}

// unknown is the error for a metric that no trial has. There are too many to list.
func unknown(name string, all []metrics.Metric) error {
	if says, ok := Synonym(name); ok {
		return fmt.Errorf("unknown metric %q: %s; vaelab list metrics has all", name, says)
	}
	var names []string
	for _, m := range all {
		names = append(names, m.Name)
	}
	if near := registry.Nearest(name, names); near != "" {
		return fmt.Errorf("unknown metric %q; did you mean %q? vaelab list metrics has all", name, near)
	}
	return fmt.Errorf("unknown metric %q; vaelab list metrics has all", name)
}
