package plots

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"vaelab/internal/frontier"
	"vaelab/internal/record"
)

var (
	update = flag.Bool("update", false, "renew testdata/*.csv")
	look   = flag.String("look", "", "write the figures into this folder, to look at them")
)

// D is the number of latent dimensions of the synthetic trials.
const D = 8

// trial is a synthetic trial: what its curves tend to.
type trial struct {
	variant, knob string // "bn", "gamma"
	value         float64
	floor         float64
	start, end    float64 // KL
	mi            float64 // at the end
}

// pilot is four methods as they come out on a small set: vanilla collapses, bn and ln stay
// just above their floor d gamma^2/2 = 1, bn-scaler falls from 8 to 3.3.
var pilot = []trial{
	{"vanilla", "", 0, 0, 2, 0, 0},
	{"bn", "gamma", 0.5, 1, 1.9, 1.05, 0.62},
	{"ln", "gamma", 0.5, 1, 2.3, 1.12, 0.45},
	{"bn-scaler", "tau", 0.5, 2.77, 8, 3.3, 2.4},
}

// run makes the rows of a trial up to a step: train rows every 50 steps, valid rows every
// 200, and one test row at 2,000.
func (c trial) run(seed, until int) record.Run {
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(100*c.value)+uint64(len(c.variant))))
	noise := func(size float64) float64 { return size * rng.NormFloat64() }
	config := map[string]string{"train.lr": "0.001"}
	if c.knob != "" {
		config["variant."+c.variant+"."+c.knob] = strconv.FormatFloat(c.value, 'g', -1, 64)
	}
	r := record.Run{Trial: record.Trial{Format: 1, Experiment: "pilot", Variant: c.variant, Seed: seed, Config: config,
		ID: fmt.Sprintf("%s-%08x/seed-%d", c.variant, uint32(1000*c.value), seed)}}
	var rows []record.Row
	shift, target := noise(0.04), make([]float64, D)
	for d := range target {
		target[d] = 0.35 + 0.08*float64(d) + noise(0.03)
	}
	row := func(step int, split string) {
		t := float64(step)
		kl := c.end*(1+shift/2) + (c.start-c.end)*math.Exp(-t/350)
		if c.variant == "vanilla" {
			kl = 2 * (1 + 3*shift) * (t / 150) * math.Exp(1-t/150)
		}
		kl = math.Max(c.floor, kl*(1+noise(0.03)))
		v := map[string]float64{"kl": kl, "nll": 100 + 20*math.Exp(-t/500) + noise(0.5)}
		if split == "train" {
			v["kl_weight"] = math.Min(1, t/800)
		}
		kls := make([]float64, D)
		sum := 0.0
		for d := range kls {
			kls[d] = math.Exp(-0.15*float64(d)) * (1 + noise(0.1))
			sum += kls[d]
		}
		for d := range kls {
			kls[d] *= kl / sum
		}
		w := map[string][]float64{"kl_dim": kls}
		if split != "train" {
			w["collapse"] = make([]float64, len(record.CollapseEps))
			for i, eps := range record.CollapseEps {
				for _, kl := range kls {
					if kl < eps {
						w["collapse"][i] += 1. / D
					}
				}
			}
		}
		if split != "train" {
			v["mi"] = math.Max(0, c.mi*(1-math.Exp(-t/600))*(1+shift)+noise(0.02))
			v["gap"] = 1.6*v["mi"] + noise(0.03)
			v["mi_cap"] = math.Log(700)
			v["marginal_kl"] = kl - v["mi"]
		}
		if split == "test" {
			for i, n := range []int{100, 500, 1000} {
				v[fmt.Sprintf("probe_%d", n)] = 0.3 + math.Min(0.5, v["mi"]) + 0.05*float64(i) + shift
			}
			v["probe_chance"] = 0.26
			v["bn_gap"] = 0.1 * c.floor * (1 + shift)
		}
		v["rec"] = 100 + 20*math.Exp(-t/500) - 1.4*v["mi"] + 2*shift
		v["nelbo"] = v["rec"] + kl
		v["mu2"] = c.value * c.value * (1 + float64(len(c.variant))/20 + shift)
		v["sigma2"] = 1 - c.value*c.value*math.Exp(-t/900)
		v["moment"] = v["mu2"] + v["sigma2"]
		if split != "train" {
			v["sigma_negative"], v["sigma_small"], v["logvar"] = 0, 0.001, math.Log(v["sigma2"])-0.1*(1+shift)
			if c.variant == "bn-scaler" {
				v["sigma_negative"], v["sigma_small"], v["logvar"] = 0.5+shift/4, 0.05+shift/8, math.Log(v["sigma2"])-1.2-shift
			}
		}
		if c.floor > 0 && split == "train" {
			v["floor"] = c.floor
		}
		if c.knob == "tau" {
			sig, mu, sigma := make([]float64, D), make([]float64, D), make([]float64, D)
			for d := range sig {
				sig[d] = target[d] + (0.5-target[d])*math.Exp(-t/700)
				mu[d] = math.Sqrt(c.value + (1-c.value)*sig[d])
				sigma[d] = math.Sqrt((1 - c.value) * (1 - sig[d]))
			}
			w["sig_theta"], w["gamma_mu"], w["gamma_sigma"] = sig, mu, sigma
		}
		rows = append(rows, record.Row{Step: step, Epoch: t / 200, Split: split, Values: v, Vectors: w})
	}
	for step := 50; step <= until; step += 50 {
		if step%100 == 50 {
			rows = append(rows, c.lag(seed, step-50))
		}
		row(step, "train")
		if step%200 == 0 {
			row(step, "valid")
		}
	}
	if until == 2000 {
		row(2000, "test")
		c.shapes(&rows[len(rows)-1])
		r.State = record.Done
		seconds := 30 + 4*float64(len(c.variant)) + 50*shift
		r.Manifest = record.Manifest{Kernel: "avx2", CPU: "a model", Seconds: seconds, CPUSeconds: 1.5 * seconds}
	}
	r.Rows = record.Entries(rows...)
	return r
}

// change changes rows of a run.
func change(run *record.Run, f func(row *record.Row)) {
	var rows []record.Row
	for _, e := range run.Rows {
		row := e.Row()
		f(&row)
		rows = append(rows, row)
	}
	run.Rows = record.Entries(rows...)
}

// changeAll changes rows of all runs of a set.
func changeAll(set *record.Set, f func(row *record.Row)) {
	for i := range set.Runs {
		change(&set.Runs[i], f)
	}
}

// setLast gives the last row of a run a value.
func setLast(run *record.Run, metric string, v float64) {
	last := len(run.Rows) - 1
	n := 0
	change(run, func(row *record.Row) {
		if n == last {
			row.Values[metric] = v
		}
		n++
	})
}

// shapes adds to a test row what only it has: quantiles, histograms and the grid of the aggregate posterior.
func (c trial) shapes(row *record.Row) {
	kl := row.Values["kl"]
	row.Values["density_gap"] = c.mi / 2
	row.Values["kl_sd"], row.Values["true_nll"], row.Values["true_mi"] = 0.4*kl, 96, 2.6
	var quantiles []float64
	for k := range 41 { // from half the mean to twice it, as a mean of 1
		p := float64(k) / 40
		quantiles = append(quantiles, kl*(0.5+0.6*p+1.2*math.Pow(p, 5)))
	}
	row.Vectors["kl_quantiles"] = quantiles
	histogram := make([]float64, 100)
	for b := range histogram {
		from := -2.5 + 0.05*float64(b)
		mean, sd := math.Sqrt(row.Values["sigma2"]), 0.05
		if row.Values["sigma_negative"] > 0 {
			mean, sd = 0, mean
		}
		histogram[b] = normalShare(from, from+0.05, mean, sd)
	}
	row.Vectors["sigma_histogram"] = histogram
	const cells = 12 // rows of real trials have 32
	grid := make([]float64, cells*cells)
	for k := range grid { // two heaps that lie the further apart the more z says
		const width = 8. / cells
		x, y := -4+width*float64(k%cells), -4+width*float64(k/cells)
		for _, side := range []float64{-1, 1} {
			grid[k] += 0.5 * normalShare(x, x+width, side*c.mi/2, 1) * normalShare(y, y+width, side*c.mi/2, 0.8)
		}
	}
	row.Vectors["aggregate"], row.Vectors["aggregate_dims"] = grid, []float64{5, 2}
}

// normalShare is what N(mean, sd²) has between from and to.
func normalShare(from, to, mean, sd float64) float64 {
	cdf := func(x float64) float64 { return 0.5 * (1 + math.Erf((x-mean)/sd/math.Sqrt2)) }
	return cdf(to) - cdf(from)
}

// lag is a row with the points of 40 examples: vanilla's model posterior comes and goes while mu
// hardly moves; the others' mu is spread at once and the model posterior follows.
func (c trial) lag(seed, step int) record.Row {
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(step)))
	t := float64(step)
	var x, y []float64
	var lag, xx, yy float64
	for i := range 40 {
		where := math.Sin(2.4*float64(i)) * math.Sqrt2 // of variance 1
		model, mu := c.value*where*(1-math.Exp(-t/300)), c.value*(where+0.2*rng.NormFloat64())
		if c.value == 0 {
			model = where * (t / 400) * math.Exp(1-t/400)
			mu = 0.2*model + 0.01*rng.NormFloat64()
		}
		x, y = append(x, model), append(y, mu)
		lag += (math.Abs(model) - min(max(math.Copysign(1, model)*mu, 0), math.Abs(model))) / 40
		xx, yy = xx+model*model/40, yy+mu*mu/40
	}
	return record.Row{Step: step, Epoch: t / 200, Split: "valid",
		Values:  map[string]float64{"lag": lag, "lag_model_sd": math.Sqrt(xx), "lag_mu_sd": math.Sqrt(yy)},
		Vectors: map[string][]float64{"lag_model": x, "lag_mu": y}}
}

// pilotSet is the pilot with seeds 1 to n.
func pilotSet(n int) *record.Set {
	set := &record.Set{}
	for _, c := range pilot {
		for seed := 1; seed <= n; seed++ {
			set.Runs = append(set.Runs, c.run(seed, 2000))
		}
	}
	return set
}

// lagSet is vanilla and bn with two values of gamma.
func lagSet(n int) *record.Set {
	set := &record.Set{}
	for _, c := range []trial{pilot[0], {"bn", "gamma", 1, 0.5, 2, 0.6, 0.5}, {"bn", "gamma", 0.3, 0.045, 2, 0.1, 0.05}} {
		for seed := 1; seed <= n; seed++ {
			set.Runs = append(set.Runs, c.run(seed, 2000))
		}
	}
	return set
}

// sweepSet varies gamma of bn and ln, and tau of bn-scaler.
func sweepSet(n int) *record.Set {
	set := &record.Set{}
	add := func(c trial) {
		for seed := 1; seed <= n; seed++ {
			set.Runs = append(set.Runs, c.run(seed, 2000))
		}
	}
	add(pilot[0])
	for _, gamma := range []float64{0.3, 0.5, 0.7, 0.9} {
		floor := D * gamma * gamma / 2
		add(trial{"bn", "gamma", gamma, floor, 2 * floor, 1.06 * floor, 0.6 * floor})
		add(trial{"ln", "gamma", gamma, floor, 2 * floor, 1.15 * floor, 0.42 * floor})
	}
	for _, tau := range []float64{0.25, 0.5, 0.75} {
		floor := -D / 2 * math.Log(1-tau)
		add(trial{"bn-scaler", "tau", tau, floor, 8, 1.2*floor + 0.4, 0.8 * floor})
	}
	return set
}

// batchSet varies the batch size of bn at two momenta, and has a vanilla for which it changes nothing.
func batchSet(n int) *record.Set {
	set := &record.Set{}
	for _, size := range []int{4, 32, 128} {
		for seed := 1; seed <= n; seed++ {
			for _, momentum := range []string{"0.1", "0.01", ""} {
				c := pilot[1]
				if momentum == "" {
					c = pilot[0]
				}
				r := c.run(seed, 2000)
				r.Config["train.batch_size"] = strconv.Itoa(size)
				r.ID += fmt.Sprint(size, momentum)
				if momentum != "" {
					r.Config["variant.bn.momentum"] = momentum
					setLast(&r, "bn_gap", 0.4/float64(size)*float64(len(momentum))+0.01*float64(seed))
				}
				set.Runs = append(set.Runs, r)
			}
		}
	}
	return set
}

// phaseSet is linear VAEs at some variances and weights, whose KL is a little off the closed form.
func phaseSet(n int) *record.Set {
	set := &record.Set{}
	o := linearOptimum{eigenvalues: []float64{16, 8, 4, 2, 0.5, 0.5}}
	for _, at := range [][2]float64{{1, 1}, {3, 1}, {6, 1}, {24, 1}, {1, 1.5}, {1, 18}} {
		for seed := 1; seed <= n; seed++ {
			r := trial{"vanilla", "", 0, 0, 0, 0, 0}.run(seed, 2000)
			for k, v := range map[string]string{"data": "gaussian", "data.gaussian.spectrum": "8 16, 4 2", "data.gaussian.noise": "0.5", "data.gaussian.dims": "10",
				"data.gaussian.train": "10000", "data.gaussian.valid": "500", "data.gaussian.test": "2000",
				"model": "linear", "model.linear.latent_dim": "6", "model.linear.noise": num(at[0]), "kl.beta": num(at[1])} {
				r.Config[k] = v
			}
			r.ID += fmt.Sprint(at)
			nats, _ := o.kl(at[0] * at[1])
			change(&r, func(row *record.Row) {
				row.Values["kl"], row.Values["au"] = nats*(1+0.01*float64(seed)), o.live(at[0]*at[1])
			})
			set.Runs = append(set.Runs, r)
		}
	}
	return set
}

// drawn makes a figure and its two files' bytes.
func drawn(t *testing.T, name string, set *record.Set) (d *Drawing, table, picture []byte) {
	t.Helper()
	f, err := Figures.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = f.Draw(set); err != nil {
		t.Fatal(err)
	}
	if table, err = d.CSV(); err != nil {
		t.Fatal(err)
	}
	if picture, err = d.PNG(); err != nil {
		t.Fatal(err)
	}
	return d, table, picture
}

// show writes a figure into -look.
func show(t *testing.T, name string, picture []byte) {
	t.Helper()
	if *look != "" {
		if err := os.WriteFile(filepath.Join(*look, name+".png"), picture, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// checkGolden draws a figure and compares its CSV with testdata. Pixels are not compared:
// they depend on the architecture; that they are a picture of the right size, the same one
// every time, is checked.
func checkGolden(t *testing.T, name string, set *record.Set) *Drawing {
	t.Helper()
	d, table, picture := drawn(t, name, set)
	golden := filepath.Join("testdata", name+".csv")
	if *update {
		if err := os.WriteFile(golden, table, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(table, want) {
		t.Errorf("%s is not what %s draws; see the diff after go test ./plots -update", golden, name)
	}
	image, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	if image.Width != 1400 || image.Height < 400 || image.Height > 1400 {
		t.Errorf("%s is %d x %d pixels", name, image.Width, image.Height)
	}
	if _, again, pictureAgain := drawn(t, name, set); !bytes.Equal(table, again) || !bytes.Equal(picture, pictureAgain) {
		t.Errorf("%s is not the same twice", name)
	}
	if d.Caption == "" || strings.Contains(d.Caption, "?") {
		t.Errorf("caption has a letter that the typeface lacks: %s", d.Caption)
	}
	show(t, name, picture)
	return d
}

func TestKLCurve(t *testing.T) { checkGolden(t, "kl-curve", pilotSet(3)) }
func TestZUse(t *testing.T)    { checkGolden(t, "z-use", pilotSet(3)) }
func TestKLDims(t *testing.T)  { checkGolden(t, "kl-dims", pilotSet(3)) }
func TestTheta(t *testing.T)   { checkGolden(t, "theta", pilotSet(3)) }

// TestSteering: kl-curve draws the penalty where it is not the KL, and targets; kl-weight draws targets, and the
// reconstruction where it is steered; the end of a regime's first phase is marked. Without them nothing changes.
func TestSteering(t *testing.T) {
	set := pilotSet(2)
	plain, _, _ := drawn(t, "kl-curve", set)
	flat, _, _ := drawn(t, "kl-weight", set)
	train := func(variant string, f func(row *record.Row)) {
		for i, run := range set.Runs {
			change(&set.Runs[i], func(row *record.Row) {
				if _, ok := row.Values["kl"]; ok && run.Variant == variant && row.Split == "train" {
					f(row)
				}
			})
		}
	}
	train("bn", func(row *record.Row) { row.Values["penalty"] = row.Values["kl"] * (1 + 1e-6) })
	train("ln", func(row *record.Row) { row.Values["first_phase"] = 1 }) // never ends
	if same, _, _ := drawn(t, "kl-curve", set); !slices.EqualFunc(same.Table, plain.Table, slices.Equal) || same.Caption != plain.Caption {
		t.Errorf("a penalty that is the KL, or a regime that has not ended, changes the figure: %s", same.Caption)
	}
	train("bn-scaler", func(row *record.Row) {
		row.Values["penalty"], row.Values["kl_target"], row.Values["rec_target"] = row.Values["kl"]+0.5, 3, 100
		if row.Step >= 900 {
			row.Values["phase_end"] = 890
		}
	})
	d, _, picture := drawn(t, "kl-curve", set)
	show(t, "kl-curve-steered", picture)
	if got := strings.Join(d.Table[0][5:], " "); got != "floor seeds penalty target" {
		t.Errorf("columns %s", got)
	}
	for _, row := range d.Table[1:] {
		kl, _ := strconv.ParseFloat(row[2], 64)
		penalty, _ := strconv.ParseFloat(row[7], 64)
		if row[0] != "bn-scaler" && row[7]+row[8] != "" || row[0] == "bn-scaler" && (math.Abs(penalty-kl-0.5) > 1e-4 || row[8] != "3") {
			t.Errorf("%v", row)
		}
	}
	for _, want := range []string{"the penalty, which the loss charges", aimNote, phaseNote} {
		if !strings.Contains(d.Caption, want) {
			t.Errorf("the caption does not say %q: %s", want, d.Caption)
		}
	}
	for _, g := range set.Groups() {
		if got, want := phaseEnds(g), []float64{890, 890}; g.Variant == "bn-scaler" != slices.Equal(got, want) || g.Variant != "bn-scaler" && len(got) > 0 {
			t.Errorf("%s: the first phase ends at %v", g.Label, got)
		}
	}
	steered, table, picture := drawn(t, "kl-weight", set)
	show(t, "kl-weight-steered", picture)
	if steered.Height <= flat.Height || !bytes.Contains(table, []byte("bn-scaler,rec_target,train,50,100,")) || !bytes.Contains(table, []byte("bn-scaler,kl_target,train,50,3,")) {
		t.Errorf("%v high, %v without targets:\n%s", steered.Height, flat.Height, table)
	}
}

// TestKnobScale: a knob over decades stands on a logarithmic axis, others and those that reach 0 on a linear one.
func TestKnobScale(t *testing.T) {
	for _, c := range []struct{ at, want []float64 }{
		{[]float64{1e-12, 1e-8, 1e-5}, []float64{-12, -8, -5}},
		{[]float64{0.3, 0.5, 0.7}, []float64{0.3, 0.5, 0.7}},
		{[]float64{0, 1e-8, 1}, []float64{0, 1e-8, 1}},
	} {
		place, label, _ := knobScale(c.at)
		got := place(c.at)
		for i, v := range got {
			if math.Abs(v-c.want[i]) > 1e-12 || label(v) != short(c.at[i]) {
				t.Errorf("%v of %v stands at %v with the label %s", c.at[i], c.at, v, label(v))
			}
		}
	}
}

// TestDials: a line goes over the setting that moves the rate whatever else varies, and says so.
func TestDials(t *testing.T) {
	set := sweepSet(2)
	for i, run := range set.Runs {
		if run.Variant == "bn" {
			set.Runs[i].Config["variant.bn.eps"] = []string{"1e-5", "1e-8"}[i/4%2]
		}
	}
	before, _, _ := drawn(t, "sweep", set)
	if strings.ContainsAny(before.Caption, "↑↓") {
		t.Errorf("nobody has said what the rate does: %s", before.Caption)
	}
	set.Knobs = map[string]string{"variant.bn.gamma": "rises", "variant.ln.gamma": "rises", "variant.bn-scaler.tau": "falls"}
	byKnob, flat := families(set.Groups())
	var got []string
	for _, f := range allFamilies(byKnob, flat) {
		got = append(got, overDial(f))
	}
	want := []string{"vanilla", "bn eps=1e-8, over γ ↑", "bn eps=1e-5, over γ ↑", "ln, over γ ↑", "bn-scaler, over τ ↓"}
	if !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	if n := len(byKnob[axis{"gamma", "rises"}]); n != 3 {
		t.Errorf("%d lines share the axis of gamma, want 3", n)
	}
	set.Knobs["variant.ln.gamma"] = "falls"
	if byKnob, _ = families(set.Groups()); len(byKnob[axis{"gamma", "rises"}]) != 2 || len(byKnob[axis{"gamma", "falls"}]) != 1 {
		t.Error("gamma that raises the KL and gamma that lowers it share an axis")
	}
	set.Knobs["variant.ln.gamma"] = "rises"
	for _, name := range []string{"sweep", "matched-rate", "rate-distortion"} {
		d, _, picture := drawn(t, name, set)
		show(t, name+"-dials", picture)
		if !strings.Contains(d.Caption, "↑: the KL rises with the setting; ↓: it falls.") {
			t.Errorf("%s: the arrows are not explained: %s", name, d.Caption)
		}
	}
	one := &record.Set{Runs: set.Runs[:4], Knobs: set.Knobs}
	if _, err := (MatchedRate{}).Draw(one); err == nil || !strings.Contains(err.Error(), "add values of a setting that moves the rate (variant.bn.gamma)") {
		t.Errorf("the refusal does not name the setting: %v", err)
	}
}

func TestSweep(t *testing.T) { checkGolden(t, "sweep", sweepSet(3)) }

// TestSweepStands: a group that has the setting of an axis stands at its value, even if its method has one value only, or another
// setting tells it from a line. One without the setting has no place on the axis.
func TestSweepStands(t *testing.T) {
	set := sweepSet(2)
	set.Runs = slices.DeleteFunc(set.Runs, func(r record.Run) bool { return r.Variant == "ln" && r.Config["variant.ln.gamma"] != "0.5" })
	for i, run := range set.Runs {
		if run.Variant == "bn" {
			set.Runs[i].Config["variant.bn.eps"] = "1e-8"
		}
	}
	odd := trial{"bn", "gamma", 0.7, 1, 2, 1, 1}.run(1, 2000)
	odd.Config["variant.bn.eps"], odd.ID = "1e-5", "odd"
	set.Runs = append(set.Runs, odd)
	d, _, picture := drawn(t, "sweep", set)
	show(t, "sweep-stands", picture)
	at := map[string]map[string]bool{}
	for _, row := range d.Table[1:] {
		if at[row[0]] == nil {
			at[row[0]] = map[string]bool{}
		}
		at[row[0]][row[1]+" "+row[2]] = true
	}
	for group, want := range map[string]string{
		"ln": " ,gamma 0.5" /* there is no gamma on the axis of tau */, "bn eps=1e-5": "gamma 0.7", "vanilla": " ", "bn-scaler": "tau 0.25,tau 0.5,tau 0.75", "bn eps=1e-8": "gamma 0.3,gamma 0.5,gamma 0.7,gamma 0.9",
	} {
		if got := strings.Join(sortedKeys(at[group]), ","); got != want {
			t.Errorf("%s stands at %q, want %q", group, got, want)
		}
	}

	// alpha of one method and alpha of another are one axis only if the KL does the same on both.
	g := record.Group{Runs: []record.Run{{Trial: record.Trial{Config: map[string]string{"variant.a.alpha": "2", "model.alpha": "3", "kl.beta": "0.5"}}}}}
	for _, c := range []struct {
		on    axis
		rates map[string]string
		want  float64
	}{
		{axis{"alpha", ""}, nil, 2}, {axis{"alpha", "rises"}, nil, 0}, {axis{"alpha", "rises"}, map[string]string{"variant.a.alpha": "rises"}, 2},
		{axis{"beta", "falls"}, map[string]string{"kl.beta": "falls"}, 0.5}, {axis{"gamma", ""}, nil, 0},
	} {
		if got, ok := c.on.value(g, c.rates); got != c.want || ok != (c.want != 0) {
			t.Errorf("%v: at %v, %v; want %v", c.on, got, ok, c.want)
		}
	}
}

// TestAsides: what would stand at one place stands side by side, in order, and closer to its own place than to the next.
func TestAsides(t *testing.T) {
	groups := func(at ...float64) (f family) {
		for _, x := range at {
			f.groups = append(f.groups, record.Group{Label: num(x)})
		}
		return f
	}
	place := func(g record.Group) float64 { x, _ := strconv.ParseFloat(g.Label, 64); return x }
	if got := asides([]family{groups(1, 2), groups(3)}, place); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("nothing shares a place, and stands aside by %v", got)
	}
	if got := asides([]family{groups(1), groups(1)}, place); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("an axis of one place has asides of %v", got)
	}
	got := asides([]family{groups(0, 0.1, 10), groups(0), groups(0.1, 10)}, place)
	if !slices.IsSorted(got) || got[0] >= 0 || got[2]-got[0] >= 0.1 || math.Abs(got[1]) > 1e-12 {
		t.Errorf("asides %v of places 0, 0.1 and 10", got)
	}
}

// TestSweepScale: an axis shows roots if one number leaves no room for the others, and says so.
func TestSweepScale(t *testing.T) {
	set := sweepSet(2)
	label := func() string {
		d, _, picture := drawn(t, "sweep", set)
		show(t, "sweep-scale", picture)
		return d.page.blocks[0].(matrix).rows[0][0].Y.Label.Text
	}
	if got := label(); got != "KL (nats)" {
		t.Errorf("√ scale without need: %s", got)
	}
	setLast(&set.Runs[3], "kl", 1500)
	if got := label(); got != "KL (nats, √ scale)" {
		t.Errorf("a KL of 1,500 leaves no room for the others: %s", got)
	}
}
func TestTime(t *testing.T) { checkGolden(t, "time", pilotSet(3)) }

// TestTimeClock: CPU time where all trials have it, else the wall clock, and the figure says which.
func TestTimeClock(t *testing.T) {
	set := pilotSet(3)
	caption := func() string {
		d, err := (Time{}).Draw(set)
		if err != nil {
			t.Fatal(err)
		}
		return d.Caption
	}
	if got := caption(); !strings.Contains(got, "CPU time of finished trials") || strings.Contains(got, "different") {
		t.Errorf("with CPU time: %s", got)
	}
	set.Runs[0].Manifest.CPUSeconds, set.Runs[0].Manifest.CPU = 0, ""
	if got := caption(); !strings.Contains(got, "Wall clock of finished trials") || !strings.Contains(got, fmt.Sprintf("1 of %d have no CPU time", len(set.Runs))) ||
		!strings.Contains(got, "different CPU models: a model, unknown") {
		t.Errorf("without the CPU time of one: %s", got)
	}
}
func TestMoments(t *testing.T) { checkGolden(t, "moments", pilotSet(3)) }
func TestSigma(t *testing.T)   { checkGolden(t, "sigma", pilotSet(3)) }
func TestKLHeat(t *testing.T)  { checkGolden(t, "kl-heat", pilotSet(3)) }

func TestAggregate(t *testing.T) { checkGolden(t, "aggregate", pilotSet(3)) }

func TestKLExamples(t *testing.T) {
	set := pilotSet(3)
	for i := range set.Runs {
		setLast(&set.Runs[i], "floor", 1+float64(i)/2)
	}
	checkGolden(t, "kl-examples", set)
}

func TestLag(t *testing.T) { checkGolden(t, "lag", lagSet(3)) }

func TestRateDistortion(t *testing.T) { checkGolden(t, "rate-distortion", sweepSet(3)) }
func TestELBOParts(t *testing.T)      { checkGolden(t, "elbo-parts", pilotSet(3)) }
func TestKLWeight(t *testing.T)       { checkGolden(t, "kl-weight", pilotSet(3)) }
func TestProbe(t *testing.T)          { checkGolden(t, "probe", pilotSet(3)) }
func TestCollapseCurve(t *testing.T)  { checkGolden(t, "collapse-curve", pilotSet(3)) }
func TestBNGap(t *testing.T)          { checkGolden(t, "bn-gap", batchSet(3)) }
func TestPhase(t *testing.T)          { checkGolden(t, "phase", phaseSet(3)) }
func TestMatchedRate(t *testing.T)    { checkGolden(t, "matched-rate", sweepSet(3)) }
func TestRemedies(t *testing.T)       { checkGolden(t, "remedies", pilotSet(3)) }
func TestFrontier(t *testing.T)       { checkGolden(t, "frontier", sweepSet(3)) }
func TestRank(t *testing.T)           { checkGolden(t, "rank", sweepSet(3)) }
func TestConvergence(t *testing.T)    { checkGolden(t, "convergence", pilotSet(3)) }

// TestELBOSurgery: panels that are compared have one y axis.
func TestELBOSurgery(t *testing.T) {
	d := checkGolden(t, "elbo-surgery", pilotSet(3))
	cells := d.page.blocks[0].(trellis).cells
	for _, p := range cells {
		if p.Y.Min != cells[0].Y.Min || p.Y.Max != cells[0].Y.Max {
			t.Errorf("%s reaches from %v to %v, %s from %v to %v", p.first, p.Y.Min, p.Y.Max, cells[0].first, cells[0].Y.Min, cells[0].Y.Max)
		}
	}
}

// TestELBOPartsAddUp: of every seed, the mutual information and the KL of the aggregate make the KL.
func TestELBOPartsAddUp(t *testing.T) {
	d, _, picture := drawn(t, "elbo-parts", pilotSet(1))
	show(t, "elbo-parts-one", picture)
	at := map[string]map[string]float64{}
	for _, row := range d.Table[1:] {
		key := row[0] + " " + row[2]
		if at[key] == nil {
			at[key] = map[string]float64{}
		}
		at[key][row[1]], _ = strconv.ParseFloat(row[3], 64)
	}
	for key, parts := range at {
		if len(parts) != 3 || math.Abs(parts["kl"]-parts["mi"]-parts["marginal_kl"]) > 1e-5*math.Max(1, parts["kl"]) {
			t.Errorf("%s: %v", key, parts)
		}
	}
	if len(at) != 4*10 {
		t.Errorf("%d points, want ten of each method", len(at))
	}
}

// TestTimeLog: times that differ by a factor above 30 stand on an axis of logarithms, as dots; a bar has no place to begin there.
func TestTimeLog(t *testing.T) {
	for _, factor := range []float64{1, 100} {
		set := pilotSet(2)
		for i := range set.Runs {
			if set.Runs[i].Variant == "bn" {
				set.Runs[i].Manifest.CPUSeconds *= factor
			}
		}
		d, _, picture := drawn(t, "time", set)
		show(t, fmt.Sprintf("time-times-%v", factor), picture)
		row := d.page.blocks[0].(matrix).rows[0]
		for _, p := range row {
			if got := strings.Contains(p.X.Label.Text, "log scale"); got != (factor > 1) {
				t.Errorf("times %v: the axis is called %s", factor, p.X.Label.Text)
			}
		}
		if bars := strings.Contains(d.Caption, "Bars are means"); bars != (factor == 1) {
			t.Errorf("times %v: %s", factor, d.Caption)
		}
	}
}

// TestKLDimsScale: the axis that all panels share shows roots where it would hide the bars of a method, and says so.
func TestKLDimsScale(t *testing.T) {
	for _, factor := range []float64{1, 0.02, 1e-6} {
		set := pilotSet(2)
		for i := range set.Runs {
			change(&set.Runs[i], func(row *record.Row) {
				scale := 1.0
				switch set.Runs[i].Variant {
				case "vanilla":
					scale = 0
				case "bn":
					scale = factor
				}
				for k := range row.Vectors["kl_dim"] {
					row.Vectors["kl_dim"][k] *= scale
				}
			})
		}
		d, _, picture := drawn(t, "kl-dims", set)
		show(t, fmt.Sprintf("kl-dims-times-%v", factor), picture)
		body := d.page.blocks[0].(trellis)
		if rooted := strings.Contains(body.y, "√ scale"); rooted != (factor == 0.02) {
			t.Errorf("bn has %v times its KL, the axis is called %s", factor, body.y)
		}
	}
}

// TestIsoELBO: every diagonal of equal NELBO has a number, and no two numbers touch, whatever the range and the page.
func TestIsoELBO(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 300 {
		width := []vg.Length{150, 200, 430}[r.IntN(3)]
		panel := draw.Canvas{Rectangle: vg.Rectangle{Min: vg.Point{X: 30, Y: 12}, Max: vg.Point{X: 30 + width, Y: vg.Length(130 + 100*r.Float64())}}}
		p := newPanel("", "")
		p.X.Min, p.Y.Min = 20*r.Float64()-1, 200*r.Float64()
		p.X.Max, p.Y.Max = p.X.Min+math.Pow(10, 4*r.Float64()-1), p.Y.Min+math.Pow(10, 3*r.Float64()-1)
		c := newReader()
		lines := 0
		panel.Canvas = strokes{c, &lines}
		isoELBO{}.Plot(panel, p)
		if len(c.texts) != lines {
			t.Errorf("x from %v to %v, y from %v to %v: %d lines, %d numbers", p.X.Min, p.X.Max, p.Y.Min, p.Y.Max, lines, len(c.texts))
		}
		for _, fault := range c.faults(panel.Max.X+28, panel.Max.Y+captionSize*leading) {
			t.Errorf("x from %v to %v, y from %v to %v on %v: %s", p.X.Min, p.X.Max, p.Y.Min, p.Y.Max, panel.Max, fault)
		}
	}
}

// strokes counts the lines on a canvas.
type strokes struct {
	vg.Canvas
	n *int
}

func (c strokes) Stroke(vg.Path) { *c.n++ }

// TestSigmaEmpty: a panel that would be empty is left out, and the caption says why.
func TestSigmaEmpty(t *testing.T) {
	only := func(variants ...string) *record.Set {
		set := pilotSet(2)
		set.Runs = slices.DeleteFunc(set.Runs, func(r record.Run) bool { return !slices.Contains(variants, r.Variant) })
		return set
	}
	bare := only("vanilla", "bn-scaler")
	changeAll(bare, func(row *record.Row) { delete(row.Vectors, "sigma_histogram") })
	small := only("vanilla")
	changeAll(small, func(row *record.Row) {
		if _, ok := row.Values["sigma_small"]; ok {
			row.Values["sigma_small"] = 0
		}
	})
	for name, c := range map[string]struct {
		set              *record.Set
		says             string
		steps, histogram int // panels
		metrics          []string
	}{
		"positive":     {only("vanilla", "bn"), "Left out, since it is 0 in all rows: share of σ < 0.", 2, 1, []string{"sigma_log_spread", "sigma_small"}},
		"signed":       {only("vanilla", "bn-scaler"), "Below: test split", 3, 2, []string{"sigma_log_spread", "sigma_negative", "sigma_small"}},
		"no histogram": {bare, "No test row has a histogram of σ.", 3, 0, []string{"sigma_log_spread", "sigma_negative", "sigma_small"}},
		"large":        {small, "Left out, since it is 0 in all rows: share of σ < 0; share of |σ| < 0.05.", 1, 1, []string{"sigma_log_spread"}},
	} {
		d, _, picture := drawn(t, "sigma", c.set)
		show(t, "sigma-"+name, picture)
		if !strings.Contains(d.Caption, c.says) {
			t.Errorf("%s: the caption does not say %q: %s", name, c.says, d.Caption)
		}
		metrics := map[string]bool{}
		for _, row := range d.Table[1:] {
			if !strings.HasPrefix(row[1], "share of") {
				metrics[row[1]] = true
			}
		}
		if got := sortedKeys(metrics); !slices.Equal(got, c.metrics) {
			t.Errorf("%s: metrics %q, want %q", name, got, c.metrics)
		}
		var panels []int
		for _, b := range d.page.blocks {
			panels = append(panels, len(b.(matrix).rows[0]))
		}
		if want := []int{c.steps, c.histogram}; !slices.Equal(append(panels, make([]int, 2-len(panels))...), want) {
			t.Errorf("%s: %d panels, want %d", name, panels, want)
		}
	}
}

// filled keeps the boxes that are filled on a canvas.
type filled struct {
	vg.Canvas
	boxes *[]vg.Rectangle
}

func (c filled) Fill(path vg.Path) {
	box := vg.Rectangle{Min: path[0].Pos, Max: path[0].Pos}
	for _, part := range path {
		if part.Type != vg.CloseComp {
			box.Min.X, box.Max.X = min(box.Min.X, part.Pos.X), max(box.Max.X, part.Pos.X)
			box.Min.Y, box.Max.Y = min(box.Min.Y, part.Pos.Y), max(box.Max.Y, part.Pos.Y)
		}
	}
	*c.boxes = append(*c.boxes, box)
}

// TestBarsSideBySide: the bars of groups at one place do not cover each other, stand on their base, and reach their mean.
func TestBarsSideBySide(t *testing.T) {
	p := newPanel("", "")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0.5, 2.5, 0, 1
	for _, n := range []int{1, 2, 7} {
		var boxes []vg.Rectangle
		c := draw.Canvas{Canvas: filled{newReader(), &boxes}, Rectangle: vg.Rectangle{Max: vg.Point{X: 200, Y: 100}}}
		for i := range n {
			bars{Mean: []float64{0.1, 0.9}, Lo: []float64{0.1, 0.9}, Hi: []float64{0.1, 0.9}, Color: ink, Base: 0.25, Slot: i, Slots: n}.Plot(c, p)
		}
		if len(boxes) != 2*n {
			t.Fatalf("%d bars, want %d", len(boxes), 2*n)
		}
		for i, a := range boxes {
			low, high := vg.Length(10), vg.Length(25) // below chance it hangs
			if i%2 == 1 {
				low, high = 25, 90
			}
			if d := max(a.Min.Y-low, low-a.Min.Y, a.Max.Y-high, high-a.Max.Y); d > 0.01 {
				t.Errorf("bar %d reaches from %v to %v, want %v to %v", i, a.Min.Y, a.Max.Y, low, high)
			}
			if middle := (a.Min.X + a.Max.X) / 2; middle < 100*vg.Length(i%2)+10 || middle > 100*vg.Length(i%2)+90 {
				t.Errorf("bar %d stands at %v", i, middle)
			}
			for _, b := range boxes[:i] {
				if a.Min.X < b.Max.X-0.01 && b.Min.X < a.Max.X-0.01 {
					t.Errorf("bars from %v to %v and from %v to %v cover each other", a.Min.X, a.Max.X, b.Min.X, b.Max.X)
				}
			}
		}
	}
}

// TestMeasuredPoints: those that a line is read off from, and no others.
func TestMeasuredPoints(t *testing.T) {
	f := frontOf(family{style: neutral}, frontier.Span{Lines: []frontier.Frontier{{{Rate: 0.9, Value: 1}, {Rate: 3, Value: 2}, {Rate: 5, Value: 3}, {Rate: 8.1, Value: 4}, {Rate: 20, Value: 5}}, {{Rate: 4, Value: 6}, {Rate: 8, Value: 7}}}})
	if got, want := f.measured([]float64{4, 6, 8}).Y, []float64{2, 3, 4, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("points %v, want %v", got, want)
	}
}

// TestRemedyRows: rows are in the order of the rate, data set by data set; the importance-weighted likelihood stands
// for the NELBO if all have it; labels are folded and not cut before their third line.
func TestRemedyRows(t *testing.T) {
	set := onTwoData()
	for i := range set.Runs[1:] {
		setLast(&set.Runs[1+i], "iw_nll", 90)
	}
	if d, _, _ := drawn(t, "remedies", set); !slices.ContainsFunc(d.Table, func(row []string) bool { return row[2] == "nelbo" }) {
		t.Error("one group lacks the importance-weighted likelihood, and there is no NELBO")
	}
	setLast(&set.Runs[0], "iw_nll", 95)
	d, _, picture := drawn(t, "remedies", set)
	show(t, "remedies-data", picture)
	place, rate := map[string]int{}, math.Inf(1)
	data, metrics := "", map[string]int{}
	for _, row := range d.Table[1:] {
		if metrics[row[2]]++; row[2] != "kl" {
			continue
		}
		if row[1] != data {
			place[row[1]], data, rate = len(place), row[1], math.Inf(1)
		}
		kl, _ := strconv.ParseFloat(row[4], 64)
		if kl > rate {
			t.Errorf("%s has a rate of %v below one of %v", row[0], kl, rate)
		}
		rate = kl
	}
	if len(place) != 2 || metrics["kl"] != 12 || metrics["iw_nll"] == 0 || metrics["nelbo"] > 0 {
		t.Errorf("data sets %v, rows %v", place, metrics)
	}
}

// manyDials are n methods with three values of a dial each, whose KLs are 1, 3 and 5 nats, a little more with each method, and
// vanilla without a dial, whose KL is 2.6.
func manyDials(n int) *record.Set {
	set := &record.Set{Runs: []record.Run{trial{"vanilla", "", 0, 0, 0, 0, 0}.run(1, 200)}}
	setLast(&set.Runs[0], "kl", 2.6)
	for i := range n {
		for k, kl := range []float64{1, 3, 5} {
			run := trial{fmt.Sprintf("m%02d", i), "g", float64(k), 0, kl, kl, 1}.run(1, 200)
			setLast(&run, "kl", kl+0.01*float64(i))
			setLast(&run, "iw_nll", 100+kl) // vanilla has none, so that there are five panels
			run.State = record.Done
			set.Runs = append(set.Runs, run)
		}
	}
	return set
}

// TestNearestRemedies: with more settings than a page has rows for, each method has the one nearest to the rate of the claims, of
// rank or of the baseline. With fewer all have rows.
func TestNearestRemedies(t *testing.T) {
	rows := func(set *record.Set) (labels map[string]bool, caption string) {
		d, _, picture := drawn(t, "remedies", set)
		show(t, fmt.Sprintf("remedies-%d", len(set.Runs)), picture)
		labels = map[string]bool{}
		for _, row := range d.Table[1:] {
			labels[row[0]] = true
		}
		return labels, d.Caption
	}
	if labels, caption := rows(manyDials(16)); len(labels) != 1+3*16 || strings.Contains(caption, "left out") {
		t.Errorf("%d of 49 settings have rows: %s", len(labels), caption)
	}
	is := func(variant string) func(record.Trial) bool {
		return func(t record.Trial) bool { return t.Variant == variant }
	}
	compared := func(rates ...float64) map[string][]record.Comparison {
		var all []record.Comparison
		for _, rate := range rates {
			all = append(all, record.Comparison{Of: is("m01"), Than: is("m00"), Rate: rate})
		}
		return map[string][]record.Comparison{"pilot": all}
	}
	apart := manyDials(20) // no seed has all values of a dial
	for i := range apart.Runs {
		apart.Runs[i].Seed = 1 + i%3
	}
	for _, c := range []struct {
		name     string
		set      *record.Set
		compared map[string][]record.Comparison
		value    string // of the dial
		says     string
	}{
		{"claims", manyDials(20), compared(4.6, 1, 4.6, math.NaN()), "2", "nearest to 4.6 nats, the rate at which most claims compare methods; 40 of 61 settings are left out."},
		{"rank", manyDials(20), nil, "1", " nats, a rate that most methods reach; 40 of 61 settings are left out."},
		{"baseline", apart, nil, "1", "nearest to 2.6 nats, that of vanilla; 40 of 61 settings are left out."},
	} {
		c.set.Compared = c.compared
		labels, caption := rows(c.set)
		want := map[string]bool{"vanilla": true}
		for i := range 20 {
			want[fmt.Sprintf("m%02d g=%s", i, c.value)] = true
		}
		if !maps.Equal(labels, want) || !strings.Contains(caption, c.says) {
			t.Errorf("%s: rows %v: %s", c.name, sortedKeys(labels), caption)
		}
	}
}

// damaged is what comes off the disk while an experiment is running: one seed, a trial
// with a single row, one that failed with NaN in its last rows, a warning.
func damaged(set *record.Set) *record.Set {
	set.Warnings = []error{errors.New("results/pilot/bn-1/seed-1/rows.jsonl:12: last line left out: still being written or cut off")}
	single := trial{"free-bits", "", 0, 0, 3, 3, 1}.run(1, 200)
	single.Rows = single.Rows[len(single.Rows)-2:]
	nan := trial{"a new method", "", 0, 0, 5, 2, 1}.run(1, 1200)
	nan.State, nan.Reason = record.Failed, "loss is NaN at step 1000\nand more"
	change(&nan, func(row *record.Row) {
		if row.Step == 500 || row.Step > 1000 {
			for k := range row.Values {
				row.Values[k] = math.NaN()
			}
			for d := range row.Vectors["kl_dim"] {
				row.Vectors["kl_dim"][d] = math.NaN()
			}
		}
	})
	empty := record.Run{Trial: record.Trial{Variant: "a flow 漢字", Seed: 1}}
	set.Runs = append(set.Runs, single, nan, empty)
	return set
}

func TestRobust(t *testing.T) {
	for _, name := range Figures.Names() {
		set := map[string]func(int) *record.Set{"bn-gap": batchSet, "phase": phaseSet}[name]
		if set == nil {
			set = sweepSet
		}
		d, _, picture := drawn(t, name, damaged(set(1)))
		show(t, name+"-damaged", picture)
		for _, want := range []string{"Unfinished: a flow ?? seed 1 (at step 0), free-bits seed 1 (at step 200).",
			"Failed: a new method seed 1 (loss is NaN at step 1000).", "Warnings: results/pilot/"} {
			if !strings.Contains(d.Caption, want) {
				t.Errorf("%s: caption does not say %q: %s", name, want, d.Caption)
			}
		}
		if want := "n = 1"; !strings.Contains(d.Caption, want) {
			t.Errorf("%s: caption does not say %q: %s", name, want, d.Caption)
		}
	}
}

// apart is two methods whose KLs do not meet.
func apart() *record.Set {
	set := &record.Set{}
	for _, c := range []trial{{"bn", "gamma", 0.5, 0, 2, 1, 1}, {"bn", "gamma", 0.7, 0, 2, 2, 1},
		{"bn-scaler", "tau", 0.5, 0, 8, 4, 3}, {"bn-scaler", "tau", 0.6, 0, 8, 5, 3}} {
		set.Runs = append(set.Runs, c.run(1, 2000))
	}
	return set
}

// A figure of a set without what it needs is an error that names it.
func TestMissing(t *testing.T) {
	without := func(name string) *record.Set {
		set := sweepSet(1)
		changeAll(set, func(row *record.Row) {
			delete(row.Values, name)
			delete(row.Vectors, name)
		})
		return set
	}
	null := sweepSet(1)
	changeAll(null, func(row *record.Row) { row.Values["rec"] = math.NaN() })
	infinite := sweepSet(1)
	changeAll(infinite, func(row *record.Row) { row.Values["nelbo"] = math.Inf(1) })
	constant, probeless, older := pilotSet(1), pilotSet(1), pilotSet(1)
	changeAll(constant, func(row *record.Row) { row.Values["kl_weight"] = 0.5 })
	changeAll(probeless, func(row *record.Row) {
		for _, n := range []int{100, 500, 1000} {
			delete(row.Values, fmt.Sprintf("probe_%d", n))
		}
	})
	changeAll(older, func(row *record.Row) {
		if v, ok := row.Vectors["collapse"]; ok {
			row.Vectors["collapse"] = v[:7]
		}
	})
	for _, c := range []struct {
		figure string
		set    *record.Set
		want   string
	}{
		{"kl-curve", &record.Set{}, "kl-curve: no runs to draw"},
		{"kl-curve", without("kl"), `kl-curve: no train row has the metric "kl"; there are: floor, kl_weight, moment, mu2, nelbo, nll, rec, sigma2`},
		{"z-use", &record.Set{Runs: []record.Run{{Rows: record.Entries(record.Row{Step: 2, Split: "test", Values: map[string]float64{"mi": 1}})}}},
			`z-use: no valid row has the metric "mi"; there are: no valid rows; the validation split is evaluated after every train.eval_every epochs`},
		{"z-use", without("mi"), `z-use: no valid row has the metric "mi"; there are: gap, kl, lag, lag_model_sd, lag_mu_sd, logvar, marginal_kl, mi_cap, moment, mu2, nelbo, nll, rec, sigma2, sigma_negative, sigma_small`},
		{"z-use", without("gap"), `"gap"`},
		{"z-use", &record.Set{}, "z-use: no runs to draw"},
		{"kl-dims", without("kl_dim"), `"kl_dim"`},
		{"sweep", without("gap"), `sweep: no valid or test row has the metric "gap"`},
		{"sweep", pilotSet(1), "sweep: no variant has a setting that varies and is a number; there are: vanilla, bn, bn-scaler, ln"},
		{"sweep", &record.Set{}, "there are: no runs"},
		{"theta", without("sig_theta"), "theta: no trial has a theta; this figure needs bn-scaler or rms-scaler"},
		{"theta", without("gamma_mu"), `"gamma_mu"`},
		{"rate-distortion", without("rec"), `rate-distortion: no valid or test row has both metrics "kl" and "rec"`},
		{"rate-distortion", null, `rate-distortion: in no test row are both metrics "kl" and "rec" finite`},
		{"matched-rate", pilotSet(2), "matched-rate: no method has two points or more over a swept setting"},
		{"matched-rate", apart(), "no two methods reach the same KL on the same data with every seed: bn 1 to 2"},
		{"matched-rate", &record.Set{}, "no method has two points"},
		{"convergence", &record.Set{}, `convergence: no valid row has a finite "objective", or "rec" and "kl"; there are: no valid rows`},
		{"convergence", null, `convergence: no valid row has a finite "objective", or "rec" and "kl"; there are: gap, `},
		{"frontier", &record.Set{}, `frontier: no valid or test row has both metrics "kl" and "nelbo"`},
		{"frontier", without("nelbo"), `frontier: no valid or test row has both metrics "kl" and "nelbo"`},
		{"frontier", infinite, `frontier: in no test row are both metrics "kl" and "nelbo" finite`},
		{"moments", without("mu2"), `"mu2"`},
		{"moments", without("moment"), `"moment"`},
		{"sigma", without("sigma_small"), `"sigma_small"`},
		{"sigma", without("logvar"), `"sigma_log_spread"`},
		{"kl-heat", without("kl_dim"), `kl-heat: no row has the vector "kl_dim"`},
		{"elbo-surgery", without("marginal_kl"), `elbo-surgery: no valid row has the metric "marginal_kl"`},
		{"elbo-surgery", without("mi"), `elbo-surgery: no valid row has both metrics "kl" and "mi"`},
		{"elbo-surgery", without("kl"), `elbo-surgery: no valid row has both metrics "kl" and "mi"`},
		{"elbo-parts", without("marginal_kl"), `elbo-parts: no valid row has the metric "marginal_kl"`},
		{"elbo-parts", without("mi"), `elbo-parts: no valid row has both metrics "kl" and "mi"`},
		{"kl-weight", without("kl_weight"), `"kl_weight"`},
		{"kl-weight", constant, "kl-weight: the KL weight of every trial is constant; set kl.schedule"},
		{"probe", probeless, "probe: no valid or test row has a probe, such as probe_100; set train.probe: true"},
		{"collapse-curve", without("collapse"), `"collapse"`},
		{"collapse-curve", older, `in the vector "collapse", want one for each of 10 eps`},
		{"bn-gap", without("bn_gap"), `"bn_gap"`},
		{"bn-gap", &record.Set{Runs: batchSet(1).Runs[:3]}, "bn-gap: all trials have batches of 4; give several values of train.batch_size"},
		{"bn-gap", &record.Set{Runs: batchSet(1).Runs[2:3]}, "bn-gap: no trial's KL depends on the statistics of a batch; this figure needs bn"},
		{"phase", pilotSet(1), "phase: no trial of a linear VAE on Gaussian data has been evaluated; this figure needs model linear and data gaussian"},
		{"phase", &record.Set{Runs: phaseSet(2).Runs[:2]}, "phase: all linear VAEs have model.linear.noise times kl.beta = 1; give several"},

		{"lag", without("lag_mu"), "lag: no valid row has the vectors \"lag_model\" and \"lag_mu\"; train with lag_every: 200, say, and latent_dim: 1"},
		{"lag", without("lag"), `lag: no valid row has the metric "lag"`},
		{"time", &record.Set{}, "time: no finished trial has a manifest with its time"},
	} {
		f, err := Figures.Get(c.figure)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Draw(c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %s", c.figure, err, c.want)
		}
	}
}

// Frontiers that are straight lines are read off exactly, between their ends and not beyond,
// each seed by itself, whatever the order of the knob.
func TestMatchedRateOnLines(t *testing.T) {
	set := &record.Set{}
	add := func(variant string, seed int, knob, kl, nelbo float64) {
		set.Runs = append(set.Runs, record.Run{State: record.Done,
			Trial: record.Trial{Variant: variant, Seed: seed, Config: map[string]string{"variant." + variant + ".gamma": num(knob)}},
			Rows:  record.Entries(record.Row{Step: 1, Split: "test", Values: map[string]float64{"kl": kl, "nelbo": nelbo}})})
	}
	for seed := 1; seed <= 2; seed++ {
		shift := float64(seed)
		for i, kl := range []float64{0.9, 8.1, 3} { // the KL need not rise with the knob
			add("bn", seed, float64(i), kl, 100+2*kl+shift)
		}
		for i, kl := range []float64{3.95, 12} {
			add("ln", seed, float64(i), kl, 90-kl+shift)
		}
	}
	d, _, _ := drawn(t, "matched-rate", set)
	for _, row := range d.Table[1:] {
		kl, _ := strconv.ParseFloat(row[4], 64)
		mean, _ := strconv.ParseFloat(row[5], 64)
		want := 100 + 2*kl + 1.5
		if row[0] == "ln" {
			want = 90 - kl + 1.5
		}
		if math.Abs(mean-want) > 1e-3 || kl < 3.95 || kl > 8.1 || row[8] != "2" {
			t.Errorf("%v: want %v between 3.95 and 8.1", row, want)
		}
	}
	if n := len(d.Table); n != 1+2*9 { // 4, 4.5, ..., 8
		t.Errorf("%d rows", n)
	}
}

// onTwoData is a sweep in which ln has other data than the rest.
func onTwoData() *record.Set {
	set := sweepSet(1)
	for i := range set.Runs {
		r := &set.Runs[i]
		r.Config["data"], r.Data = "text", "1"
		if r.Variant == "ln" {
			r.Config["data"], r.Data = "images", "2"
		}
	}
	return set
}

// Methods on different data are never put into one panel.
func TestDataApart(t *testing.T) {
	set := onTwoData()
	d, _, picture := drawn(t, "matched-rate", set)
	for _, row := range d.Table[1:] {
		if strings.HasPrefix(row[0], "ln") {
			t.Errorf("ln, alone on its data, is compared: %v", row)
		}
	}
	show(t, "matched-rate-data", picture)
	one, _, _ := drawn(t, "rate-distortion", sweepSet(1))
	two, _, picture := drawn(t, "rate-distortion", set)
	if two.Height <= one.Height {
		t.Errorf("no second panel: %v high, with one data set %v", two.Height, one.Height)
	}
	show(t, "rate-distortion-data", picture)
}

// The closed form of phase is the minimum of a dimension's cost as phase.go states it, found by
// going down along all three of its numbers; and beta acts as a larger variance.
func TestPhaseIsTheMinimum(t *testing.T) {
	for _, c := range []struct{ L, s2, beta float64 }{{4, 1, 1}, {4, 1, 2.5}, {4, 2.5, 1}, {4, 1, 5}, {0.8, 1, 1}, {3, 2, 0.5}} {
		cost := func(x [3]float64) float64 { // decoder, encoder, ln q
			w, v, q := x[0], x[1], math.Exp(x[2])
			return (c.L*(1-w*v)*(1-w*v)+w*w*q)/(2*c.s2) + c.beta/2*(v*v*c.L+q-x[2]-1)
		}
		x := [3]float64{1, 0.3, -0.5}
		for size := 0.1; size > 1e-7; {
			moved := false
			for i := range x {
				for _, d := range []float64{-size, size} {
					y := x
					y[i] += d
					if cost(y) < cost(x) {
						x, moved = y, true
					}
				}
			}
			if !moved {
				size /= 2
			}
		}
		got := 0.5 * (x[1]*x[1]*c.L + math.Exp(x[2]) - x[2] - 1)
		o := linearOptimum{eigenvalues: []float64{c.L}}
		want, _ := o.kl(c.beta * c.s2)
		if math.Abs(got-want) > 1e-4 {
			t.Errorf("L = %v, s2 = %v, beta = %v: KL %v at the minimum, closed form %v", c.L, c.s2, c.beta, got, want)
		}
		if live := math.Abs(x[1]) > 1e-3; live != (o.live(c.beta*c.s2) == 1) {
			t.Errorf("L = %v, s2 = %v, beta = %v: mu = %v x, closed form has %v live", c.L, c.s2, c.beta, x[1], o.live(c.beta*c.s2))
		}
	}
}

// The KL on a sample's test split of the optimum for its training split scatters as the band says.
func TestPhaseBand(t *testing.T) {
	const trials = 400
	rng := rand.New(rand.NewPCG(7, 8))
	moment := func(L float64, n int) (sum float64) { // E[x²] of a sample
		for range n {
			x := rng.NormFloat64()
			sum += L * x * x / float64(n)
		}
		return sum
	}
	for _, s2 := range []float64{0.5, 3} { // mostly the test split's part, mostly the training split's
		o := linearOptimum{eigenvalues: []float64{9, 4}, train: 400, test: 1000}
		mean, sd := o.kl(s2)
		var sum, squares float64
		for range trials {
			kl := 0.0
			for _, L := range o.eigenvalues {
				l, m := moment(L, int(o.train)), moment(L, int(o.test))
				v, q := math.Sqrt(l-s2)/l, s2/l // the optimum for l
				kl += 0.5 * (v*v*m + q - math.Log(q) - 1)
			}
			sum += kl / trials
			squares += kl * kl / trials
		}
		if got := math.Sqrt(squares - sum*sum); math.Abs(got/sd-1) > 0.12 || math.Abs(sum-mean) > sd/4 { // 400 trials: a standard error of 4 %
			t.Errorf("s2 = %v: KL %.4f ± %.4f, the closed form has %.4f ± %.4f", s2, sum, got, mean, sd)
		}
	}
}

// A heat map of very many groups shows the first of them, and says so.
func TestKLHeatOfMany(t *testing.T) {
	set := &record.Set{}
	for i := range mostPanels + 6 {
		set.Runs = append(set.Runs, trial{"bn", "gamma", float64(1+i) / 40, 1, 2, 1, 1}.run(1, 400))
	}
	d, _, _ := drawn(t, "kl-heat", set)
	if want := "The first 24 of 30 groups."; !strings.Contains(d.Caption, want) {
		t.Errorf("caption does not say %q: %s", want, d.Caption)
	}
	shown := map[string]bool{}
	for _, row := range d.Table[1:] {
		shown[row[0]] = true
	}
	if len(shown) != mostPanels {
		t.Errorf("%d groups, want %d", len(shown), mostPanels)
	}
}

func TestSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "figures")
	d, table, picture := drawn(t, "kl-curve", pilotSet(1))
	if err := d.Save(dir, "kl-curve"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"kl-curve.csv": table, "kl-curve.png": picture} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, len(want))
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}

	// A picture that cannot be written leaves the old table.
	other, _, _ := drawn(t, "kl-curve", pilotSet(2))
	png := filepath.Join(dir, "kl-curve.png")
	if err := errors.Join(os.Remove(png), os.MkdirAll(filepath.Join(png, "folder"), 0o777)); err != nil {
		t.Fatal(err)
	}
	if err := other.Save(dir, "kl-curve"); err == nil {
		t.Error("a picture can be written over a folder")
	}
	if got, err := os.ReadFile(filepath.Join(dir, "kl-curve.csv")); err != nil || !bytes.Equal(got, table) {
		t.Errorf("the table has %d bytes (%v), want the old %d", len(got), err, len(table))
	}
}

// Every figure has a line for `vaelab list`.
func TestDocs(t *testing.T) {
	for _, name := range Figures.Names() {
		if Figures.Doc(name) == "" {
			t.Errorf("%s has no doc comment", name)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 2, "0 0.5 1 1.5 2"}, {0, 2000, "0 500 1000 1500 2000"}, {-0.05, 1, "0 0.2 0.4 0.6 0.8 1"}, {0, 0.003, "0 0.001 0.002 0.003"}, {-3, 8, "−2 0 2 4 6 8"},
	} {
		var got []string
		for _, tick := range linearTicks(c.lo, c.hi) {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("linearTicks(%v, %v) = %v, want %v", c.lo, c.hi, got, c.want)
		}
	}
	for last, want := range map[float64]string{1: "0 1", 3: "0 1 2 3", 40000: "0 10k 20k 30k 40k"} {
		var got []string
		for _, tick := range stepTicks(0, last) {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("stepTicks to %v = %v, want %v", last, got, want)
		}
	}
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{{0, 1.4, "1 2 5 10 20"}, {-3, 0, "0.001 0.01 0.1 1"}, {0.01, 0.59, "2 3"}, {2.04, 2.25, "120 140 160"}} {
		var got []string
		for _, tick := range logTicks(c.lo, c.hi) {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("logTicks(%v, %v) = %v, want %v", c.lo, c.hi, got, c.want)
		}
	}
	var got []string
	for _, tick := range rootTicks(0, math.Sqrt(20)) {
		got = append(got, tick.Label)
	}
	if want := []string{"0", "0.2", "1", "2", "5", "10", "20"}; !slices.Equal(got, want) {
		t.Errorf("rootTicks = %v, want %v", got, want)
	}
}

// The same variant has the same colour whatever else is in the figure, and no two lines of
// a figure look the same.
func TestStyles(t *testing.T) {
	if a, b := lineStyles([]string{"vanilla", "bn"})[1], lineStyles([]string{"bn", "x"})[0]; a.Color != b.Color {
		t.Errorf("bn is %v and %v", a.Color, b.Color)
	}
	seen := map[string]bool{}
	for _, s := range lineStyles([]string{"vanilla", "bn", "bn", "bn", "a", "b", "c", "d", "e", "f", "g"}) {
		key := fmt.Sprint(s.Color, s.Dashes)
		if seen[key] {
			t.Errorf("two lines are %s", key)
		}
		seen[key] = true
	}
}

// TestContrast: every line can be seen on white paper, also the lightest of many shades, and no two shades are the same.
func TestContrast(t *testing.T) {
	for _, c := range []struct {
		color color.NRGBA
		want  float64
	}{{color.NRGBA{0xff, 0xff, 0xff, 0xff}, 1}, {color.NRGBA{0, 0, 0, 0xff}, 21}, {color.NRGBA{0x77, 0x77, 0x77, 0xff}, 4.48}} {
		if got := contrast(c.color); math.Abs(got-c.want) > 0.005 {
			t.Errorf("contrast of %v is %.3f, want %v", c.color, got, c.want)
		}
	}
	names := append(slices.Sorted(maps.Keys(colors)), slices.Sorted(maps.Keys(modelColors))...)
	for _, name := range names {
		for n := 1; n <= 13; n++ {
			seen := map[color.NRGBA]bool{}
			for k := range n {
				s := shade(colorOf(name), k, n)
				if contrast(s) < leastContrast || seen[s] && name != "vanilla" {
					t.Errorf("%s: shade %d of %d is %v, contrast %.2f", name, k, n, s, contrast(s))
				}
				seen[s] = true
			}
		}
	}
	if contrast(grey) < leastContrast || contrast(ink) < 7 {
		t.Error("grey or ink is too light")
	}
}

// Where one variant is compared across models, the models have colours of their own; beside
// another variant they have not.
func TestModelColors(t *testing.T) {
	var groups []record.Group
	seen := map[string]bool{}
	for _, model := range []string{"mlp", "pixelcnn", "lstm", "transformer", "linear"} {
		for range 2 {
			groups = append(groups, record.Group{Variant: "bn", Varying: map[string]string{"model": model}})
		}
		seen[fmt.Sprint(colorOf(model))] = true
	}
	if len(seen) != 5 {
		t.Errorf("two of five models share a colour: %v", seen)
	}
	if got, want := colored(groups)[:3], []string{"mlp", "mlp", "pixelcnn"}; !slices.Equal(got, want) {
		t.Errorf("coloured by %q, want %q", got, want)
	}
	for name, other := range map[string]record.Group{
		"another variant": {Variant: "vanilla", Varying: map[string]string{"model": "mlp"}},
		"no model":        {Variant: "bn"},
	} {
		if got := colored(append(groups[:1:1], other)); got[0] != "bn" || got[1] != other.Variant {
			t.Errorf("%s: coloured by %q, want variants", name, got)
		}
	}
}

func TestFiniteParts(t *testing.T) {
	n := math.NaN()
	got := finiteParts([]float64{n, 1, 2, n, 3}, []float64{1, 1, 1, 1, math.Inf(1)})
	if want := []span{{1, 3}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestSharesOfRounding: quantiles spread evenly in between, and none is lost below zero, where rounding
// puts the KL of a collapsed posterior; a figure of nothing else can be drawn.
func TestSharesOfRounding(t *testing.T) {
	for _, c := range []struct{ quantiles, want []float64 }{
		{[]float64{0, 1, 2}, []float64{0.25, 0.25, 0.5}},
		{[]float64{-1e-8, -1e-8, -1e-8}, []float64{1, 0, 0}},
		{[]float64{-1e-8, 0.5, 0.5}, []float64{0.5, 0.5, 0}},
	} {
		for b, p := range shares(c.quantiles, []float64{0, 0.5, 1, 2.5}) {
			if math.Abs(p-c.want[b]) > 1e-7 {
				t.Errorf("quantiles %v: bin %d has share %v, want %v", c.quantiles, b, p, c.want[b])
			}
		}
	}
	set := pilotSet(1)
	changeAll(set, func(row *record.Row) {
		for k := range row.Vectors["kl_quantiles"] {
			row.Vectors["kl_quantiles"][k] = -1e-8
		}
	})
	drawn(t, "kl-examples", set)
}

// captionOf draws a figure for its caption.
func captionOf(t *testing.T, name string, set *record.Set) string {
	t.Helper()
	f, err := Figures.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.Draw(set)
	if err != nil {
		t.Fatal(err)
	}
	return d.Caption
}

// TestFloorsInCaptions: a caption calls a floor a bound under batch statistics, and counts the trials below it, by
// cause.
func TestFloorsInCaptions(t *testing.T) {
	const bound = "theoretical lower bound of the KL under batch statistics"
	set := func(f func(r *record.Run, row *record.Row)) *record.Set {
		set := &record.Set{}
		for _, gamma := range []float64{0.5, 0.7} {
			for seed := 1; seed <= 2; seed++ {
				set.Runs = append(set.Runs, trial{"bn", "gamma", gamma, 1, 2, 1.05, 0.6}.run(seed, 2000))
			}
		}
		for i := range set.Runs {
			change(&set.Runs[i], func(row *record.Row) {
				if _, ok := row.Values["kl"]; ok {
					row.Values["floor"] = 1
					f(&set.Runs[i], row)
				}
			})
		}
		return set
	}
	leak := set(func(r *record.Run, row *record.Row) {
		if r.Config["variant.bn.gamma"] == "0.5" && row.Step >= 1500 {
			row.Values["kl"], row.Values["bn_gap"] = 0.002, 0
		}
	})
	running := set(func(r *record.Run, row *record.Row) {
		if r.Seed == 2 && row.Split != "train" {
			row.Values["kl"], row.Values["bn_gap"] = 0.95, 0.06
		}
	})
	batches := set(func(r *record.Run, row *record.Row) { // their mean is above
		if r.Seed == 1 && row.Split == "train" {
			row.Values["slack_min"] = -0.25
		}
	})
	fine := set(func(_ *record.Run, row *record.Row) { row.Values["kl"] = max(row.Values["kl"], 0.999) })
	outside := set(func(_ *record.Run, row *record.Row) { // 0.6 % below
		if f, ok := row.Values["floor"]; ok && row.Split != "train" {
			row.Values["kl"], row.Values["bn_gap"] = 0.994*f, 0.1*f
		}
	})
	for _, c := range []struct {
		name, figure string
		set          *record.Set
		want         string // "" for no sentence
	}{
		{"eps", "kl-curve", leak, "The KL lies more than 0.5 % below the floor in 2 of 4 trials (bn γ=0.5), because of eps; at worst it is 0.002 at step 2,000, the floor 1."},
		{"eps", "sweep", leak, "The KL lies more than 0.5 % below the floor in 2 of 4 trials (bn γ=0.5), because of eps; at worst it is 0.002, the floor 1."},
		{"eps", "kl-examples", leak, "in 2 of 4 trials (bn γ=0.5), because of eps"},
		{"running statistics", "kl-curve", running, ""},
		{"running statistics", "sweep", running, "The KL lies more than 0.5 % below the floor in 2 of 4 trials (bn γ=0.5, bn γ=0.7), because of running statistics; at worst it is 0.95, the floor 1, the KL under batch statistics 1.01."},
		{"single batches", "kl-curve", batches, "in 2 of 4 trials (bn γ=0.5, bn γ=0.7), because of eps; at worst it is 0.75"},
		{"on the floor", "kl-curve", fine, ""},
		{"on the floor", "sweep", fine, ""},
		{"just below the tolerance", "kl-examples", outside, "The KL lies more than 0.5 % below the floor in 4 of 4 trials"},
	} {
		caption := captionOf(t, c.figure, c.set)
		if c.figure != "kl-examples" && !strings.Contains(caption, bound) {
			t.Errorf("%s, %s: the caption does not say what the floor is: %s", c.name, c.figure, caption)
		}
		if !strings.Contains(caption, c.want) || c.want == "" && strings.Contains(caption, "below the floor") {
			t.Errorf("%s, %s: the caption does not say %q: %s", c.name, c.figure, c.want, caption)
		}
	}
	// Without the KL under batch statistics the last training row tells the cause.
	for _, run := range []*record.Run{&leak.Runs[0], &running.Runs[1]} {
		change(run, func(row *record.Row) { delete(row.Values, "bn_gap") })
	}
	for cause, set := range map[string]*record.Set{"eps": leak, "running statistics": running} {
		if caption := captionOf(t, "sweep", set); !strings.Contains(caption, "in 2 of 4 trials") || !strings.Contains(caption, "because of "+cause) {
			t.Errorf("without bn_gap the cause is not %s: %s", cause, caption)
		}
	}
	for _, name := range Figures.Names() {
		if strings.Contains(Figures.Doc(name), "guarantee") {
			t.Errorf("%s: %s", name, Figures.Doc(name))
		}
	}
}

// TestCapsAndGapsInCaptions: every figure of the mutual information says where it is at its cap, and draws the cap
// where it lies in view; every figure of the gap says which are of the old definition.
func TestCapsAndGapsInCaptions(t *testing.T) {
	capped := func(cap float64, se bool) *record.Set {
		set := sweepSet(2)
		for i := range set.Runs {
			change(&set.Runs[i], func(row *record.Row) {
				if _, ok := row.Values["mi"]; ok {
					row.Values["mi_cap"] = cap
				}
				if _, ok := row.Values["gap"]; ok && (se || i%2 == 0) {
					row.Values["gap_se"] = 0.1
				}
			})
		}
		return set
	}
	for _, name := range []string{"z-use", "sweep", "matched-rate", "elbo-surgery"} {
		for _, c := range []struct {
			cap float64
			mi  bool
		}{{1, true}, {100, false}} {
			caption := captionOf(t, name, capped(c.cap, true))
			if got := strings.Contains(caption, "mi cannot show differences in "); got != c.mi {
				t.Errorf("%s with a cap of %v: a note %v, want %v: %s", name, c.cap, got, c.mi, caption)
			}
			if strings.Contains(caption, "old definition") {
				t.Errorf("%s: gaps with a standard error are called old: %s", name, caption)
			}
		}
		if name == "elbo-surgery" {
			continue
		}
		if caption := captionOf(t, name, capped(100, false)); !strings.Contains(caption, "The gap has the old definition in ") || !strings.Contains(caption, "do not compare") {
			t.Errorf("%s mixes gaps without a word: %s", name, caption)
		}
	}
	p := newPanel("", "")
	p.Y.Max = 5
	groups := capped(4, true).Groups()
	if !addCaps(p, groups, "valid") {
		t.Error("a cap in view is not drawn")
	}
	if p.Y.Max = 3; addCaps(p, groups, "valid") || p.Y.Max != 3 {
		t.Error("a cap out of view is drawn")
	}
}

// TestManyGroups: a figure with lines for each group draws as many as can be told apart, and says so; its table has those
// that it draws.
func TestManyGroups(t *testing.T) {
	const n = 2*mostPanels + 1
	set := &record.Set{}
	for i := range n {
		c := trial{"bn-scaler", "tau", 0.2 + 0.5*float64(i)/n, 4, 3, 2, 1}
		r := c.run(1, 2000)
		change(&r, func(row *record.Row) { row.Values["kl_weight"] = min(1, float64(row.Step)/1000) })
		set.Runs = append(set.Runs, r)
	}
	for _, name := range []string{"kl-curve", "z-use", "moments", "sigma", "collapse-curve", "theta", "kl-weight", "lag"} {
		d, _, _ := drawn(t, name, set)
		most := mostPanels
		if name == "sigma" { // a group may have five panels there
			most /= 2
		}
		if want := fmt.Sprintf("%d of %d groups, at equal distances", most, n); !strings.Contains(d.Caption, want) {
			t.Errorf("%s does not say %q: %s", name, want, d.Caption)
		}
		groups := map[string]bool{}
		for _, row := range d.Table[1:] {
			groups[row[0]] = true
		}
		if name != "lag" && len(groups) > mostPanels+1 {
			t.Errorf("%s draws %d groups", name, len(groups))
		}
	}
}
