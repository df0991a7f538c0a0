package train

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"vaelab/internal/data"
	"vaelab/internal/metrics"
	"vaelab/internal/registry"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A Metric is a name in the rows of trials, with what it means.
type Metric struct {
	Name   string
	Unit   string   // nats are per example; empty for a pure number
	Doc    string   // what it is, in one line
	Splits []string // whose rows have it
	Vector bool     // several numbers: one per latent dimension, or Size
	Size   int      // how many, if not one per latent dimension
	need   *need    // nil if every trial has it
}

// A need is what a trial must have so that its rows have a metric.
type need struct {
	what string
	met  func(t Trial, v vae.Variant) bool // nil if it cannot be known before the trial has run
}

// Needs says what a trial must have so that its rows have the metric; it is empty if all have.
func (m Metric) Needs() string {
	if m.need == nil {
		return ""
	}
	return m.need.what
}

func isText(t Trial, _ vae.Variant) bool     { return t.Data.Kind() == vae.Text }
func hasSamples(t Trial, _ vae.Variant) bool { return t.Train.IWSamples > 0 }

var (
	aFloor    = &need{"a method with a floor under the KL", func(_ Trial, v vae.Variant) bool { return v.Floor != nil }}
	anExtra   = &need{"a method with an extra term of the loss", func(_ Trial, v vae.Variant) bool { return v.Extras != nil }}
	aRegime   = &need{"a method with a training regime", func(_ Trial, v vae.Variant) bool { return v.Regime != nil }}
	aText     = &need{"text", isText}
	samples   = &need{"train.iw_samples above 0", hasSamples}
	aSampled  = &need{"text and train.iw_samples above 0", func(t Trial, v vae.Variant) bool { return isText(t, v) && hasSamples(t, v) }}
	aProbe    = &need{"train.probe and as many labels", func(t Trial, _ vae.Variant) bool { return t.Train.Probe }}
	aCollapse = &need{what: "a collapse"}
	modes     = &need{"synthetic data", func(t Trial, _ vae.Variant) bool { _, ok := t.Data.(data.Synthetic); return ok }}
	aLag      = &need{"one latent dimension and train.lag_every above 0", func(t Trial, _ vae.Variant) bool { return t.Train.LagEvery > 0 && t.Model.Latent() == 1 }}
	mayEnd    = &need{"train.stop.patience or train.decay.patience above 0", func(t Trial, _ vae.Variant) bool { return t.mayEnd() }}
	aPlane    = &need{"two latent dimensions or more", func(t Trial, _ vae.Variant) bool { return t.Model.Latent() > 1 }}
	aTruth    = &need{"synthetic or gaussian data", func(t Trial, v vae.Variant) bool {
		_, gaussian := t.Data.(data.Gaussian)
		return gaussian || modes.met(t, v)
	}}
)

// on puts metrics on splits.
func on(splits []string, list ...Metric) []Metric {
	for i := range list {
		list[i].Splits = splits
	}
	return list
}

var (
	everywhere  = []string{"train", "valid", "test"}
	evaluations = []string{"valid", "test"}
	tests       = []string{"test"}
)

// catalogue is every metric but the variants' gauges. What makes the numbers are the Trainer,
// Measure and package metrics; a test holds the catalogue against their rows.
var catalogue = slices.Concat(
	on(everywhere,
		Metric{Name: "rec", Unit: "nats", Doc: "-ln p(x|z), z of the posterior"},
		Metric{Name: "kl", Unit: "nats", Doc: "KL(q(z|x) || p(z)), not weighted"},
		Metric{Name: "nelbo", Unit: "nats", Doc: "rec + kl, an upper bound of -ln p(x)"},
		Metric{Name: "floor", Unit: "nats", Doc: "the method's lower bound of the KL of a batch under batch statistics, up to eps", need: aFloor},
		Metric{Name: "slack", Unit: "nats", Doc: "kl - floor; on split train the mean over the steps since the last row", need: aFloor},
		Metric{Name: "mu2", Doc: "E[mu²] over examples and dimensions"},
		Metric{Name: "sigma2", Doc: "E[sigma²] over examples and dimensions"},
		Metric{Name: "moment", Doc: "mu2 + sigma2, 1 for the prior"},
		Metric{Name: "penalty", Unit: "nats", Doc: "what the loss charges, before kl_weight: the KL unless the method has a penalty of its own"},
		Metric{Name: "extra", Unit: "nats", Doc: "the method's terms of the loss that have no weight of their own", need: anExtra},
		Metric{Name: "kl_dim", Unit: "nats", Doc: "the KL of each dimension", Vector: true}),
	on([]string{"train"},
		Metric{Name: "loss", Unit: "nats", Doc: "training loss: rec + kl_weight times penalty + extra + the decoder's auxiliary loss, if any"},
		Metric{Name: "kl_weight", Doc: "weight of the penalty at this step"},
		Metric{Name: "slack_min", Unit: "nats", Doc: "smallest slack of a single batch since the last row", need: aFloor},
		Metric{Name: "kl_mu", Unit: "nats", Doc: "D mu2 / 2, the contribution of E[mu²] to the KL"},
		Metric{Name: "lr", Doc: "learning rate"},
		Metric{Name: "grad_norm", Doc: "norm of the gradient before clipping"},
		Metric{Name: "grad_encoder", Doc: "norm of the gradient of encoder and variant"},
		Metric{Name: "grad_decoder", Doc: "norm of the gradient of the decoder"},
		Metric{Name: "grad_ratio", Doc: "grad_encoder / grad_decoder"},
		Metric{Name: "inner", Doc: "updates of the weights before each step that the method's regime adds", need: aRegime},
		Metric{Name: "clipped", Doc: "share of steps whose gradient was clipped"}),
	on(evaluations,
		Metric{Name: "objective", Unit: "nats", Doc: "rec + kl.beta times penalty + extra, what training minimises at the final KL weight"},
		Metric{Name: "mi", Unit: "nats", Doc: "I(x; z) under q, over the whole split"},
		Metric{Name: "mi_se", Unit: "nats", Doc: "standard error of mi"},
		Metric{Name: "mi_cap", Unit: "nats", Doc: "ln N, which mi cannot exceed"},
		Metric{Name: "mi_batch", Unit: "nats", Doc: "I(x; z) within random batches, as some papers report it"},
		Metric{Name: "mi_batch_cap", Unit: "nats", Doc: "mean of ln B, which mi_batch cannot exceed"},
		Metric{Name: "marginal_kl", Unit: "nats", Doc: "kl - mi, the KL(q(z) || p(z)) of the aggregate posterior"},
		Metric{Name: "gap", Unit: "nats", Doc: "increase of -ln p(x|z) when z is taken from another example, by a random permutation of the whole split; in rows without gap_se, from the next example in the file"},
		Metric{Name: "gap_se", Unit: "nats", Doc: "standard error of gap, over examples and partners"},
		Metric{Name: "ppl", Doc: "perplexity per symbol from nelbo, an upper bound; counts </s>", need: aText},
		Metric{Name: "au", Unit: "dims", Doc: "active units, the dimensions with Var(mu) of at least 0.01"},
		Metric{Name: "au_05", Unit: "dims", Doc: "dimensions with Var(mu) of at least 0.05"},
		Metric{Name: "au_10", Unit: "dims", Doc: "dimensions with Var(mu) of at least 0.1"},
		Metric{Name: "au_50", Unit: "dims", Doc: "dimensions with Var(mu) of at least 0.5"},
		Metric{Name: "au_free", Unit: "dims", Doc: "dimensions whose Var(mu) is at least 1 % of Var(z)"},
		Metric{Name: "moment_deficit", Unit: "nats", Doc: "lower bound of KL(q(z) || p(z)) from the first two moments of q(z)"},
		Metric{Name: "sigma_small", Doc: "share of |sigma| below 0.05"},
		Metric{Name: "sigma_negative", Doc: "share of sigma below 0"},
		Metric{Name: "logvar", Doc: "E[ln sigma²] over examples and dimensions"},
		Metric{Name: "state", Doc: "0 healthy, 1 collapsing, 2 ignores z, 3 collapsed"},
		Metric{Name: "collapse_step", Unit: "steps", Doc: "step at which the collapse was first detected", need: aCollapse},
		Metric{Name: "mi_dim_bound", Unit: "nats", Doc: "I(x; z_j) if mu_j were Gaussian over x", Vector: true},
		Metric{Name: "moment_dim", Doc: "E[mu_j²] + E[sigma_j²]", Vector: true},
		Metric{Name: "collapse", Doc: "share of dimensions whose KL is below eps for 99 % of x, for each eps", Vector: true, Size: len(metrics.CollapseEps)}),
	on([]string{"valid"},
		Metric{Name: "lag", Doc: "mean distance by which mu falls short of E[z] under p(z|x)", need: aLag},
		Metric{Name: "lag_most", Doc: "the largest lag so far", need: aLag},
		Metric{Name: "lag_distance", Doc: "root mean square of mu - E[z] under p(z|x)", need: aLag},
		Metric{Name: "lag_model_sd", Doc: "standard deviation over examples of E[z] under p(z|x)", need: aLag},
		Metric{Name: "lag_mu_sd", Doc: "standard deviation over examples of mu", need: aLag},
		Metric{Name: "lag_model", Doc: "E[z] under p(z|x) of each example", Vector: true, Size: lagExamples, need: aLag},
		Metric{Name: "lag_mu", Doc: "mu of each example", Vector: true, Size: lagExamples, need: aLag}),
	on(tests,
		Metric{Name: "stopped", Doc: "why training ended: 0 last step, 1 train.stop, 2 train.decay", need: mayEnd},
		Metric{Name: "prior_gap", Unit: "nats", Doc: "increase of -ln p(x|z) when z is drawn from the prior"},
		Metric{Name: "density_gap", Unit: "nats", Doc: "KL(p(z) || q(z)), large if q(z) has holes"},
		Metric{Name: "density_gap_se", Unit: "nats", Doc: "standard error of density_gap"},
		Metric{Name: "density_close", Unit: "dims", Doc: "dimensions with a density_gap_dim below 0.03"},
		Metric{Name: "bn_gap", Unit: "nats", Doc: "KL under the statistics of random batches minus KL under running statistics"},
		Metric{Name: "nelbo_se", Unit: "nats", Doc: "standard error of nelbo, over examples"},
		Metric{Name: "iw_nll", Unit: "nats", Doc: "importance-weighted estimate of -ln p(x)", need: samples},
		Metric{Name: "iw_nll_se", Unit: "nats", Doc: "standard error of iw_nll, over examples", need: samples},
		Metric{Name: "iw_ppl", Doc: "perplexity per symbol from iw_nll; counts </s>", need: aSampled},
		Metric{Name: "mode_recovery", Doc: "share of examples whose mode a classifier recovers from mu", need: modes},
		Metric{Name: "true_nll", Unit: "nats", Doc: "-ln p(x) under the generator of the data", need: aTruth},
		Metric{Name: "true_nll_se", Unit: "nats", Doc: "standard error of true_nll", need: modes},
		Metric{Name: "true_mi", Unit: "nats", Doc: "I(x; z) of the generator of the data", need: aTruth},
		Metric{Name: "kl_sd", Unit: "nats", Doc: "standard deviation over examples of their KL"},
		Metric{Name: "kl_quantiles", Unit: "nats", Doc: "quantiles over examples of their KL", Vector: true, Size: metrics.KLLevels + 1},
		Metric{Name: "sigma_histogram", Doc: "share of sigma in each bin", Vector: true, Size: metrics.SigmaBins},
		Metric{Name: "aggregate", Doc: "q(z) in each cell of a grid over two dimensions", Vector: true, Size: metrics.AggregateCells * metrics.AggregateCells, need: aPlane},
		Metric{Name: "aggregate_dims", Doc: "the two dimensions of aggregate", Vector: true, Size: 2, need: aPlane}),
	on(tests, probes()...),
	on(tests, Metric{Name: "probe_chance", Doc: "share of the most frequent label: the accuracy of a constant guess", need: aProbe}),
	on(tests,
		Metric{Name: "mi_dim", Unit: "nats", Doc: "I(x; z_j) under q", Vector: true},
		Metric{Name: "density_gap_dim", Unit: "nats", Doc: "KL(p(z_j) || q(z_j))", Vector: true}),
)

func probes() (out []Metric) {
	for _, n := range metrics.ProbeSizes {
		out = append(out, Metric{Name: "probe_" + strconv.Itoa(n), need: aProbe,
			Doc: fmt.Sprintf("accuracy of a linear probe of mu trained on %d labels", n)})
	}
	return out
}

// Metrics returns every metric that rows can have: those of all trials, then the gauges of the
// registered variants.
var Metrics = sync.OnceValue(func() []Metric {
	all := slices.Clone(catalogue)
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
		all = append(all, Metric{Name: g.Name, Doc: g.Doc, Splits: everywhere, Vector: true, need: &need{
			strings.Join(owners[g.Name], " or "),
			func(t Trial, _ vae.Variant) bool {
				return slices.ContainsFunc(gaugesOf(t.Methods...), func(h vae.Gauge) bool { return h.Name == g.Name })
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
	i := slices.IndexFunc(all, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return 0, unknown(name, all)
	}
	m := all[i]
	if !slices.Contains(m.Splits, split) {
		return 0, fmt.Errorf("%s is not measured on split %s; it is on %s", name, split, strings.Join(m.Splits, " and "))
	}
	if s := t.Train; split == "valid" && s.EvalEvery > s.Epochs && m.need != aLag {
		return 0, fmt.Errorf("split valid is never measured: train.eval_every is %d, train.epochs %d", s.EvalEvery, s.Epochs)
	}
	if m.need != nil && m.need.met != nil {
		v, err := variants.Check(t.Methods...)
		if err != nil {
			return 0, err
		}
		if !m.need.met(t, v) {
			return 0, fmt.Errorf("trials of %s have no %s; it needs %s", t.Variant, name, m.need.what)
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
func unknown(name string, all []Metric) error {
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
