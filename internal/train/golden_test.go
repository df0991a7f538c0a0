package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/metrics"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/safetensors"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
	"vaelab/variants"
)

// A reference holds what the field's PyTorch code computes from the weights beside it.
type reference struct {
	NZ, NI, NH, Vocab int
	Gamma             float64
	Batches           [][][]int32
	Eval, Train       []posterior
	GradLoss          float64 `json:"grad_loss"`
	SGD, Adam         steps
	AU                float64
	AUVar             []float64   `json:"au_var"`
	IWNLL             [][]float64 `json:"iw_nll_5000"`
	MI                float64
	MISE              float64 `json:"mi_se"`
}

type posterior struct {
	Mu, Logvar [][]float64
	KL         []float64
	RecAtMu    []float64 `json:"rec_at_mu"`
}

type steps struct {
	Loss        []float64
	GradNorm    []float64 `json:"grad_norm"`
	RunningMean []float64 `json:"running_mean"`
	RunningVar  []float64 `json:"running_var"`
	Beta        []float64
}

type golden struct {
	reference
	dir     string
	batches []*vae.Batch
}

func openGolden(t *testing.T, name string) golden {
	t.Helper()
	g := golden{dir: filepath.Join("testdata", name)}
	text, err := os.ReadFile(filepath.Join(g.dir, "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g.reference); err != nil {
		t.Fatal(err)
	}
	for _, seqs := range g.Batches {
		g.batches = append(g.batches, vae.NewBatch(seqs, nil))
	}
	return g
}

// model builds the reference's model and loads its weights.
func (g golden) model(t *testing.T) *vae.Model {
	t.Helper()
	var methods []vae.Method
	if g.Gamma > 0 {
		methods = append(methods, variants.BN{Gamma: g.Gamma, Eps: 1e-5, Momentum: 0.1})
	}
	m, err := Build(models.LSTM{LatentDim: g.NZ, EmbedDim: g.NI, EncHidden: g.NH, DecHidden: g.NH, Init: "he19"}, methods, vae.Space{Kind: vae.Text, V: g.Vocab}, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Read(filepath.Join(g.dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := nn.LoadTensors(f, m.Params.All(), ""); err != nil {
		t.Fatal(err)
	}
	return m
}

// near fails unless got and want agree to a relative 1e-4, the precision promised.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-4*max(0.1, math.Abs(want)) {
		t.Errorf("%s: got %v, reference %v", what, got, want)
	}
}

func TestGoldenPosteriorAndLikelihood(t *testing.T) {
	for _, name := range []string{"lstm_vanilla", "lstm_bn"} {
		t.Run(name, func(t *testing.T) {
			g := openGolden(t, name)
			for mode, want := range map[string][]posterior{"eval": g.Eval, "train": g.Train} {
				m := g.model(t)
				for b, x := range g.batches {
					tape := &grad.Tape{NoGrad: true}
					p := &nn.Pass{Tape: tape, Train: mode == "train", KLWeight: 1}
					terms := m.Loss(p, x)
					kl := terms.Q.KL().RowSums()
					for i := range x.B() {
						for j := range g.NZ {
							near(t, mode+" mu", float64(terms.Q.Mu.Row(i)[j]), want[b].Mu[i][j])
							near(t, mode+" logvar", float64(terms.Q.Logvar.Row(i)[j]), want[b].Logvar[i][j])
						}
						near(t, mode+" KL", float64(kl.Data[i]), want[b].KL[i])
						near(t, mode+" reconstruction at mu", -float64(terms.Rec.Data[i]), want[b].RecAtMu[i])
					}
				}
			}
		})
	}
}

func TestGoldenGradients(t *testing.T) {
	for _, name := range []string{"lstm_vanilla", "lstm_bn"} {
		t.Run(name, func(t *testing.T) {
			g := openGolden(t, name)
			m := g.model(t)
			terms := m.Loss(&nn.Pass{Tape: &grad.Tape{}, Train: true, KLWeight: 1}, g.batches[0])
			near(t, "loss", terms.Loss.Scalar(), g.GradLoss)
			terms.Loss.Backward()
			want, err := safetensors.Read(filepath.Join(g.dir, "grads.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range m.Params.Learnt() {
				ref := want.Get(p.Name)
				if ref == nil {
					t.Fatalf("the reference has no gradient of %s", p.Name)
				}
				largest := 0.0
				for _, x := range ref.Data {
					largest = max(largest, math.Abs(x))
				}
				for i, x := range p.Grad {
					if d := math.Abs(float64(x) - ref.Data[i]); d > 1e-4*max(largest, 1e-3) {
						t.Errorf("%s[%d]: gradient %v, reference %v", p.Name, i, x, ref.Data[i])
						break
					}
				}
			}
		})
	}
}

// A trajectory is what a training run leaves behind, step by step and at its end.
type trajectory struct{ loss, norm, end []float64 }

// steps trains 30 steps on the three batches in turn, z = mu, KL weight 1. The
// reference's decoder embeds with padding_idx=-1, which freezes the vector of the last
// word of the vocabulary; here that is done by hand, because it is a slip we do not copy.
func (g golden) steps(t *testing.T, m *vae.Model, kind string) (tr trajectory) {
	learnt := m.Params.Learnt()
	var opt optim.Optimizer = &optim.SGD{Params: learnt}
	lr := 0.5
	if kind == "adam" {
		opt, lr = optim.NewAdam(learnt), 1e-3
	}
	tape := &grad.Tape{}
	for s := range 30 {
		m.Params.ZeroGrad()
		terms := m.Loss(&nn.Pass{Tape: tape, Train: true, KLWeight: 1}, g.batches[s%3])
		terms.Loss.Backward()
		clear(m.Params.Get("decoder.embed.weight").Grad[(g.Vocab-1)*g.NI:])
		norm := optim.Norm(learnt)
		tr.loss = append(tr.loss, terms.Loss.Scalar())
		tr.norm = append(tr.norm, norm)
		opt.Step(lr, optim.Clip(norm, 5))
		tape.Reset()
	}
	if g.Gamma > 0 {
		for _, name := range []string{"bias", "running_mean", "running_var"} {
			for _, x := range m.Params.Get("encoder.mu_bn." + name).Data {
				tr.end = append(tr.end, float64(x))
			}
		}
	}
	return tr
}

// TestGoldenSteps follows the reference for 30 steps to 1e-4. SGD at rate 0.5 makes such
// steps that float32 rounding itself grows beyond that: how much is measured by a second
// run whose initial weights differ in their last bit, and allowed five times over.
func TestGoldenSteps(t *testing.T) {
	for _, name := range []string{"lstm_vanilla", "lstm_bn"} {
		g := openGolden(t, name)
		for kind, want := range map[string]steps{"sgd": g.SGD, "adam": g.Adam} {
			t.Run(name+" "+kind, func(t *testing.T) {
				got := g.steps(t, g.model(t), kind)
				shaken := g.model(t)
				for _, p := range shaken.Params.Learnt() {
					for i := range p.Data {
						p.Data[i] *= 1 + nn.Float(1-2*(i%2))*1.2e-7
					}
				}
				other := g.steps(t, shaken, kind)
				compare := func(what string, got, other, want []float64) {
					worst := 0.0 // rounding, once grown, stays
					for i := range want {
						worst = max(worst, math.Abs(got[i]-other[i]))
						if d := math.Abs(got[i] - want[i]); d > max(1e-4*max(0.1, math.Abs(want[i])), 5*worst) {
							t.Errorf("%s %d: got %v, reference %v; rounding alone makes %.2g", what, i, got[i], want[i], worst)
						}
					}
				}
				compare("loss of step", got.loss, other.loss, want.Loss)
				compare("gradient norm of step", got.norm, other.norm, want.GradNorm)
				compare("final statistic", got.end, other.end, slices.Concat(want.Beta, want.RunningMean, want.RunningVar))
			})
		}
	}
}

// TestGoldenMetrics compares AU exactly, MI and IW-NLL within Monte-Carlo error.
func TestGoldenMetrics(t *testing.T) {
	for _, name := range []string{"lstm_vanilla", "lstm_bn"} {
		t.Run(name, func(t *testing.T) {
			g := openGolden(t, name)
			m := g.model(t)
			e := metrics.Encode(m, g.batches, 1)
			if got := e.AU(0.01); got != g.AU {
				t.Errorf("AU %v, reference %v", got, g.AU)
			}
			// All dimensions are active at 0.01. Whatever the threshold, so many are: to 1e-4, the
			// variances themselves.
			for _, v := range g.AUVar {
				for _, threshold := range []float64{v * (1 - 1e-4), v * (1 + 1e-4)} {
					want := 0.0
					for _, w := range g.AUVar {
						if w >= threshold {
							want++
						}
					}
					if got := e.AU(threshold); got != want {
						t.Errorf("AU at %v is %v, reference %v", threshold, got, want)
					}
				}
			}
			// The split has 18 examples: average the one-sample estimate over many z.
			var mi, squares float64
			const draws = 10_000
			noise := stream.New(1, "golden")
			for range draws {
				for i, mu := range e.Mu {
					e.Z[i] = mu + e.Sigma[i]*noise.NormFloat64()
				}
				v, _ := e.MI()
				mi += v / draws
				squares += v * v / draws
			}
			se := math.Hypot(math.Sqrt((squares-mi*mi)/draws), g.MISE)
			if math.Abs(mi-g.MI) > 4*se {
				t.Errorf("MI %v, reference %v, standard error %v", mi, g.MI, se)
			}
			t.Logf("MI %.4f, reference %.4f ± %.4f", mi, g.MI, se)

			// These weights are untrained and their posteriors far from the true ones, so the
			// importance weights are wild, in the reference's single run as in ours: single examples
			// differ by nats. The differences do not depend on each other and, K being the same,
			// have mean 0. (That the formula is exact, metrics tests on a linear model.)
			var mean, spread float64
			refs := slices.Concat(g.IWNLL...)
			for i, nll := range metrics.IWNLL(m, g.batches, 5000, 1) {
				d := nll - refs[i]
				mean += d / float64(len(refs))
				spread += d * d / float64(len(refs))
			}
			if se = math.Sqrt((spread - mean*mean) / float64(len(refs)-1)); math.Abs(mean) > 4*se || se > 0.5 {
				t.Errorf("IW-NLL is %v ± %v above the reference", mean, se)
			}
			t.Logf("IW-NLL less the reference: mean %.3f ± %.3f over %d examples", mean, se, len(refs))
		})
	}
}
