package variants

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

const (
	testB = 7
	testD = 3
)

// draws is how many random raw outputs a variant is tried on. A head may be flat where a raw number lies, so a
// parameter may miss its gradient in one draw, but not in all.
const draws = 5

// A bench stands in for the model around a variant: raw encoder outputs m and, unless the head does not read it, s that
// are themselves learnt, and a "decoder" that wants z to be something else for every example. For a variant that reads words,
// the examples are sentences, and the decoder is a vae.Words that reads z and the word before. For a variant of vectors they
// are vectors with the mean z. For one that reads conditions
// these are labels, and c is learnt, too.
type bench struct {
	params  *nn.Params
	variant vae.Variant
	decoder vae.Decoder
	whole   *vae.Model // what the variant was told is the model
	x       *vae.Batch
	m, s    *nn.Param
	weight  Float // of the penalty: 1 in every second draw, because a method may begin something there
	tape    *grad.Tape
}

// testSpace is that of the sentences.
var testSpace = vae.Space{Kind: vae.Text, V: 7, MaxLen: 6}

// cheaper has settings of variants whose defaults have too many parameters for finite differences.
var cheaper = map[string]vae.Method{
	"cvae":          CVAE{Charge: "rate", Hidden: 2},
	"bow":           BagOfWords{Weight: 0.5, Hidden: 2, Init: "pytorch"},
	"flow-prior":    FlowPrior{Layers: 2, Hidden: 3},
	"lidvae":        LIDVAE{L: 0.3, Hidden: 4},
	"mixture-prior": MixturePrior{K: 3, Components: "mog"},
	"vq":            VQ{K: 4, Beta: 0.25, Decay: 0.99, Restart: 0.01},
}

func newBench(method vae.Method, draw uint64) bench { return newBenchOf(method, draw, testD) }

// newBenchOf is a bench of D latent dimensions.
func newBenchOf(method vae.Method, draw uint64, D int) bench {
	ps := &nn.Params{Seed: 5 + draw}
	model := &vae.Model{Params: ps, D: D}
	var c *nn.Param
	given := vae.NewGiven(2, func(p *nn.Pass, x *vae.Batch) *grad.Value { return p.Use(c).Gather(x.Labels) })
	variant := method.Build(vae.Builder{
		Params: ps, D: D, Space: testSpace, Model: model, Given: given,
		Decoder: func(name string) vae.Decoder {
			return vae.Words{Reader: other{nn.NewLinear(ps, "decoder."+name, D, testSpace.V, nn.Normal(1))}}
		},
		Follower: func(string) (vae.Encoder, func(float64)) { return slow{model}, func(float64) {} },
		Data:     func(n int) *vae.Batch { return vae.NewBatch(testSentences[:n], nil) },
	})
	b := bench{params: ps, variant: variant, whole: model, weight: []Float{0.7, 1}[draw%2], tape: &grad.Tape{}}
	b.m = ps.New("test.m", nn.Normal(1.5), testB, D)
	if variant.Raw == vae.MAndS {
		b.s = ps.New("test.s", nn.Normal(0.7), testB, D)
	}
	rows := make([][]float32, testB)
	for i := range rows {
		rows[i] = []float32{0}
	}
	b.x = vae.NewGrid(rows, testLabels, false)
	var decoder vae.Decoder = b
	switch b.variant.Kind {
	case vae.Text:
		decoder, b.x = vae.Words{Reader: b, In: 2*D + 1, Out: testSpace.V}, vae.NewBatch(testSentences, testLabels)
	case vae.Vector:
		for i := range rows {
			rows[i] = make([]float32, D)
			for j := range rows[i] {
				rows[i][j] = float32(math.Cos(float64(3 * (i*D + j))))
			}
		}
		mean := func(_ *nn.Pass, z *grad.Value) *grad.Value { return z }
		decoder, b.x = vae.Vectors{In: D, Out: D, Mean: mean}, vae.NewGrid(rows, testLabels, false)
	}
	var err error
	if b.decoder, err = b.variant.Decode(decoder); err != nil {
		panic(err)
	}
	// Off their starting points, learnt numbers have no accidental zero gradients.
	for _, p := range ps.Learnt() {
		for j := range p.Data {
			if p != b.m && p != b.s {
				p.Data[j] += Float(0.3 * float64(j%5+1))
			}
		}
	}
	if variant.Conditional {
		c = ps.New("test.c", nn.Normal(1), 3, 2)
	}
	model.Encoder, model.Decoder, model.Variant = b, b.decoder, b.variant
	return b
}

// A slow encoder says what the model's does, shifted, and does not learn.
type slow struct{ model *vae.Model }

func (s slow) Encode(p *nn.Pass, x *vae.Batch) (m, _ *grad.Value) {
	m, _ = s.model.Encoder.Encode(p, x)
	shift := p.Tape.Zeros(m.Rows, m.Cols)
	for i := range shift.Data {
		shift.Data[i] = Float(math.Sin(float64(7 * i)))
	}
	return m.Add(shift).Stop(), nil
}

// testSentences are testB sentences, the longest first.
var testSentences = [][]int32{{1, 4, 5, 6, 4, 2}, {1, 6, 5, 2}, {1, 5, 4, 2}, {1, 4, 2}, {1, 3, 2}, {1, 5, 2}, {1, 2}}

// testLabels are those of the examples, which are conditions.
var testLabels = []int{0, 2, 1, 0, 1, 0, 2}

// An other decoder reads z only.
type other struct{ words nn.Linear }

func (s other) Read(_ *nn.Pass, z *grad.Value, _ []int32, x *vae.Batch) *grad.Value {
	return z.Spread(x.Predict)
}

func (s other) Signal(_ *nn.Pass, z *grad.Value) *grad.Value { return z }

func (s other) Output(p *nn.Pass) *grad.Value { return p.Use(s.words.Weight) }

// Read is z beside a number of the word before.
func (b bench) Read(p *nn.Pass, z *grad.Value, in []int32, x *vae.Batch) *grad.Value {
	words := p.Tape.Zeros(len(in), 1)
	for i, s := range in {
		words.Data[i] = Float(s) / 7
	}
	return z.Spread(x.Predict).Beside(words)
}

// Signal is z.
func (b bench) Signal(_ *nn.Pass, z *grad.Value) *grad.Value { return z }

// Output has no pattern, (V, D+1).
func (b bench) Output(p *nn.Pass) *grad.Value {
	w := p.Tape.Zeros(testSpace.V, b.m.Shape[1]+1)
	for i := range w.Data {
		w.Data[i] = Float(math.Sin(float64(5 * i)))
	}
	return w
}

// Encode gives m and s of its own examples, and the first of them in another order for others. s is nil for a head that does
// not read it.
func (b bench) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	m = p.Use(b.m)
	if b.s != nil {
		s = p.Use(b.s)
	}
	if x == b.x {
		return m, s
	}
	rows := make([]int, x.B())
	for i := range rows {
		rows[i] = (3*i + 1) % testB
	}
	m = m.Gather(rows)
	if s != nil {
		s = s.Gather(rows)
	}
	return m, s
}

// Sizes are those of an output map.
func (b bench) Sizes() (in, out int) { return b.m.Shape[1], b.m.Shape[1] + 2 }

// Map is a decoder that wants predictions of z to be something else.
func (b bench) Map(o vae.Output) vae.Decoder { return mappedBench{b, o} }

type mappedBench struct {
	bench
	output vae.Output
}

// LogProb scales predictions, which are large numbers off their starting points.
func (b mappedBench) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return b.bench.LogProb(p, b.output.Apply(p, z).Scale(0.1), x)
}

// EncodeSteps gives another multiple of m and s at each step.
func (b bench) EncodeSteps(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	m, s = b.Encode(p, x)
	at := func(v *grad.Value) *grad.Value {
		rows := v.Spread(x.Steps)
		some := p.Tape.Zeros(rows.Rows, rows.Cols).Data
		for i := range some {
			some[i] = 0.5 + Float(i%7)/8
		}
		return rows.Mask(some)
	}
	return at(m), at(s)
}

// LogProb is -|z - want|², want another one for each example.
func (b bench) LogProb(p *nn.Pass, z *grad.Value, _ *vae.Batch) *grad.Value {
	want := p.Tape.Zeros(z.Rows, z.Cols)
	for i := range want.Data {
		want.Data[i] = Float(math.Cos(float64(3 * i)))
	}
	return z.Sub(want).Square().RowSums().Neg()
}

// pass evaluates the loss and, if backward is asked, all gradients. The terms are valid until the next pass.
func (b bench) pass(train, backward bool) (loss float64, terms *vae.Terms) {
	b.tape.Reset()
	b.tape.NoGrad = !backward
	if b.tape.Held != nil {
		b.tape.Held.Rewind()
	}
	terms = b.model().Loss(b.on(b.tape, train, 9), b.x)
	if backward {
		b.params.ZeroGrad()
		terms.Loss.Backward()
	}
	return terms.Loss.Scalar(), terms
}

// model is one of its own for each caller, because it keeps the terms of its last loss.
func (b bench) model() *vae.Model {
	m := *b.whole
	return &m
}

// on is a pass on a tape, with the noise of a seed.
func (b bench) on(tape *grad.Tape, train bool, seed uint64) *nn.Pass {
	return &nn.Pass{
		Tape: tape, Train: train, KLWeight: b.weight,
		Noise: rand.New(rand.NewPCG(seed, 9)), Drop: rand.New(rand.NewPCG(seed, 10)),
	}
}

// kept is a copy of every number that is not learnt.
func (b bench) kept() string {
	var s strings.Builder
	for _, p := range b.params.All() {
		if p.Grad() == nil {
			fmt.Fprintln(&s, p.Name, p.Data)
		}
	}
	return s.String()
}

// TestConformance holds every registered variant to the contract of the seams. A new file
// is tested by being there.
func TestConformance(t *testing.T) {
	for _, name := range Methods.Names() {
		t.Run(name, func(t *testing.T) {
			method := registered(t, name)
			if doc := Methods.Doc(name); len(doc) < 20 {
				t.Errorf("the type's doc comment says only %q", doc)
			}
			for _, fault := range slices.Concat(faults(method), wrongRate(method), undescribed(method)) {
				t.Error(fault)
			}
		})
	}
}

// registered is a method by name, with the cheaper settings if it has some.
func registered(t *testing.T, name string) vae.Method {
	t.Helper()
	method, err := Methods.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	if small, ok := cheaper[name]; ok {
		return small
	}
	return method
}

// undescribed is what a method does not say of its rate: a bound, "none" if there is none, and at most one knob, which is
// a number.
func undescribed(method vae.Method) (found []string) {
	if b, ok := method.(Bounded); !ok || b.RateBound() == "" {
		found = append(found, `RateBound() says nothing of the rate; it is a phrase such as "KL >= D delta", or "none"`)
	}
	var knobs []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(method)) {
		direction, ok := f.Tag.Lookup("knob")
		if !ok {
			continue
		}
		if knobs = append(knobs, f.Name); len(knobs) > 1 {
			found = append(found, fmt.Sprintf("there is more than one knob: %v", knobs))
		}
		if direction != "rises" && direction != "falls" {
			found = append(found, fmt.Sprintf(`%s has the tag knob:%q; must be "rises" or "falls"`, f.Name, direction))
		}
		switch f.Type.Kind() {
		case reflect.Float64, reflect.Int:
		default:
			found = append(found, fmt.Sprintf("the knob %s is a %s; must be a number", f.Name, f.Type))
		}
	}
	return found
}

// faults is what a method does against the contract.
func faults(method vae.Method) (found []string) { return faultsOf(method, 2) }

// faultsOf is the same with the gradients of so many draws compared with differences.
func faultsOf(method vae.Method, differences uint64) (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	b := newBench(method, 0)
	for _, train := range []bool{true, false} {
		_, terms := b.pass(train, false)
		for _, fault := range wrongPosterior(b.variant, terms) {
			found = append(found, fmt.Sprintf("train %t: %s", train, fault))
		}
		q, ok := terms.Q.(vae.Gaussian)
		if ok != b.variant.Gaussian() {
			fault("the head makes %T, but the variant gives the family %s", terms.Q, b.variant.Family())
		}
		if !ok {
			continue
		}
		for part, v := range map[string]*grad.Value{"mu": q.Mu, "sigma": q.Sigma, "logvar": q.Logvar} {
			if v.Rows != testB || v.Cols != testD {
				fault("train %t: %s has shape %v, want (%d, %d)", train, part, v.Matrix, testB, testD)
			}
		}
		for i, s := range q.Sigma.Data {
			if got, want := float64(q.Logvar.Data[i]), math.Log(float64(s*s)); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				fault("train %t: logvar %v, but ln sigma² is %v", train, got, want)
			}
		}
	}

	before := b.kept()
	b.pass(false, false)
	if after := b.kept(); after != before {
		fault("evaluation changed state:\n%s\nwas\n%s", after, before)
	}

	one, two := newBench(method, 0), newBench(method, 0)
	first, _ := one.pass(true, true)
	if second, _ := two.pass(true, true); first != second {
		fault("the same seed gave losses %v and %v", first, second)
	}
	for i, p := range one.params.All() {
		if q := two.params.All()[i]; !slices.Equal(p.Data, q.Data) || !slices.Equal(p.Grad(), q.Grad()) {
			fault("the same seed gave %s %v with gradient %v, and %v with %v", p.Name, p.Data, p.Grad(), q.Data, q.Grad())
		}
	}

	trained := map[string][]bool{}
	for draw := range uint64(draws) {
		b := newBench(method, draw)
		b.pass(true, true)
		for _, p := range b.params.Learnt() {
			n := len(p.Data)
			if p == b.m || p == b.s {
				n = testD // a column: what one row of an encoder's last layer learns from
			}
			if trained[p.Name] == nil {
				trained[p.Name] = make([]bool, n)
			}
			for j, g := range p.Grad() {
				if g != g || g-g != 0 {
					fault("%s[%d] has gradient %v", p.Name, j, g)
				}
				trained[p.Name][j%n] = trained[p.Name][j%n] || g != 0
			}
		}
		if draw < differences { // one would be luck; five take long
			found = append(found, b.wrongGradients()...)
		}
	}
	for name, numbers := range trained {
		for j, ok := range numbers {
			if !ok {
				fault("%s[%d] has gradient 0 in all of %d draws: it would never train", name, j, draws)
			}
		}
	}
	return found
}

// wrongPosterior is what the posterior and its KL do against their contracts: shapes, as many parts of the KL as the variant
// says, the same density on the tape and off it, and the same posterior made of its parts.
func wrongPosterior(v vae.Variant, t *vae.Terms) (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	n := t.Z.Rows // testB, or K times as many with a bound
	for part, v := range map[string]*grad.Value{"the mean": t.Q.Mean(), "z": t.Z} {
		if v.Rows != n || v.Cols != testD || n%testB != 0 {
			fault("%s has shape (%d, %d), want (%d, %d)", part, v.Rows, v.Cols, n, testD)
			return found
		}
	}
	if t.KL.Rows != n {
		fault("the KL has %d rows, want one for each of %d examples", t.KL.Rows, n)
	}
	if J := v.Parts(testD); t.KL.Cols != J {
		fault("the KL has %d parts, but the variant says %d", t.KL.Cols, J)
	}
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
	same, logq := t.Q.With(t.Q.Parts()), t.Q.LogProb(p, t.Z)
	for i := range n {
		z := make([]float64, testD)
		for j, v := range t.Z.Row(i) {
			z[j] = float64(v)
		}
		want := float64(logq.Data[i])
		for what, got := range map[string]float64{"off the tape": t.Q.Density(i).LogProb(z), "made of its parts": same.Density(i).LogProb(z)} {
			if math.Abs(got-want) > 1e-3*(1+math.Abs(want)) {
				fault("ln q(z|x) is %v on the tape, %v %s", want, got, what)
			}
		}
	}
	return found
}

// wrongGradients compares the gradient of every number with a central difference. What the gradient stops at is held fixed.
// Where the slopes on both sides differ, a kink of the loss is near, and any gradient between them is right.
func (b bench) wrongGradients() (found []string) {
	h, tol := 1e-5, 1e-6
	if tensor.Bits == 32 {
		h, tol = 3e-3, 3e-2
	}
	grads := map[string][]Float{}
	b.tape.Held = &grad.Held{}
	defer func() { b.tape.Held = nil }()
	b.pass(true, true)
	for _, p := range b.params.Learnt() {
		grads[p.Name] = append([]Float(nil), p.Grad()...)
	}
	here, _ := b.pass(true, false)
	for _, p := range b.params.Learnt() {
		for j, x := range p.Data {
			p.Data[j] = x + Float(h)
			up, _ := b.pass(true, false)
			p.Data[j] = x - Float(h)
			down, _ := b.pass(true, false)
			p.Data[j] = x
			got, want := float64(grads[p.Name][j]), (up-down)/(2*h)
			left, right := (here-down)/h, (up-here)/h
			off := tol * (1 + math.Abs(want))
			side := off + 2*h*(1+math.Abs(want)) // a slope on one side is off by half the curvature times h
			kink := math.Abs(right-left) > 10*off && got > min(left, right)-side && got < max(left, right)+side
			if math.Abs(got-want) > off && !kink {
				found = append(found, fmt.Sprintf("%s[%d]: gradient %v, central difference %v, from the left %v, from the right %v", p.Name, j, got, want, left, right))
			}
		}
	}
	return found
}

// A method made by a function, for tests of the contract.
type made func(vae.Builder) vae.Variant

func (f made) Build(b vae.Builder) vae.Variant { return f(b) }

// A shifty posterior has another density off the tape than on it.
type shifty struct{ vae.Gaussian }

func (s shifty) Density(i int) vae.Density { return vae.Normal{}.Density(nil, nil)(i) }

// TestConformanceFinds: a head with a flat region passes, also where a raw number lies at its kink. Each breach of
// the contract is found.
func TestConformanceFinds(t *testing.T) {
	head := func(h vae.Head) made {
		return func(vae.Builder) vae.Variant { return vae.Variant{Head: h} }
	}
	copied := func(p *nn.Pass, v *grad.Value) *grad.Value { // the same numbers, without a gradient
		c := p.Tape.Zeros(v.Rows, v.Cols)
		copy(c.Data, v.Data)
		return c
	}
	first := newBench(Vanilla{}, 0).m.Data[0]
	for name, c := range map[string]struct {
		method vae.Method
		want   string // "" for none
	}{
		"relu": {head(func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return vae.FromLogvar(m.Max(0), s) }), ""},
		"a number at the kink": {head(func(_ *nn.Pass, m, s *grad.Value) vae.Posterior {
			return vae.FromLogvar(m.Max(first), s)
		}), ""},
		"always flat": {head(func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return vae.FromLogvar(m.Max(100), s) }),
			"test.m[0] has gradient 0 in all of 5 draws"},
		"s unused": {head(func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return vae.FromLogvar(m, m) }), "test.s[2] has gradient 0"},
		"a parameter unused": {made(func(b vae.Builder) vae.Variant {
			b.Params.New("encoder.idle", nn.Constant(1), 1)
			return vae.Variant{}
		}), "encoder.idle[0] has gradient 0"},
		"half the gradient": {head(func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			return vae.FromLogvar(m.Add(copied(p, m)), s)
		}), "central difference"},
		"half the gradient, with a kink": {head(func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
			return vae.FromLogvar(m.Max(0).Add(copied(p, m.Max(0))), s)
		}), "central difference"},
		"a root at 0": {head(func(_ *nn.Pass, m, s *grad.Value) vae.Posterior { return vae.FromLogvar(m.Sub(m).Sqrt(), s) }), "has gradient NaN"},
		"a density of its own": {head(func(_ *nn.Pass, m, s *grad.Value) vae.Posterior {
			return shifty{vae.FromLogvar(m, s)}
		}), "off the tape"},
		"m alone": {made(func(vae.Builder) vae.Variant {
			return vae.Variant{Raw: vae.MOnly, Head: func(p *nn.Pass, m, s *grad.Value) vae.Posterior {
				if s != nil {
					panic("s is there")
				}
				return vae.FromLogvar(m, m)
			}}
		}), ""},
		"a KL in one part": {made(func(vae.Builder) vae.Variant { return vae.Variant{KLParts: 1} }), "the KL has 3 parts, but the variant says 1"},
		"another family": {head(func(_ *nn.Pass, m, s *grad.Value) vae.Posterior {
			return shifty{vae.FromLogvar(m, s)}
		}), "gives the family gaussian"},
		"a stopped part": {head(func(_ *nn.Pass, m, s *grad.Value) vae.Posterior {
			return vae.FromLogvar(m.Add(m.Stop()), s)
		}), ""},
		"evaluation counts": {made(func(b vae.Builder) vae.Variant {
			n := b.Params.Buffer("encoder.n", nn.Constant(0), 1)
			return vae.Variant{Head: func(_ *nn.Pass, m, s *grad.Value) vae.Posterior {
				n.Data[0]++
				return vae.FromLogvar(m, s)
			}}
		}), "evaluation changed state"},
	} {
		t.Run(name, func(t *testing.T) {
			found := strings.Join(faults(c.method), "\n")
			if c.want == "" && found != "" || !strings.Contains(found, c.want) {
				t.Errorf("want %q, found %s", c.want, found)
			}
		})
	}
}

// A silent method says nothing of its rate and has knobs that are none.
type silent struct {
	Mode string  `yaml:"mode" knob:"rises"`
	Size float64 `yaml:"size" knob:"grows"`
}

func (silent) Build(vae.Builder) vae.Variant { return vae.Variant{} }

// TestUndescribedFinds: a bound that is missing and each wrong knob are found.
func TestUndescribedFinds(t *testing.T) {
	found := strings.Join(undescribed(silent{}), "\n")
	for _, want := range []string{"RateBound() says nothing", "the knob Mode is a string", `Size has the tag knob:"grows"`, "more than one knob: [Mode Size]"} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not found: %s", want, found)
		}
	}
}

func TestCheckRefusesTwoHeads(t *testing.T) {
	for _, c := range []struct {
		methods []vae.Method
		ok      bool
	}{
		{[]vae.Method{BN{Gamma: 0.5, Eps: 1e-5, Momentum: 0.1}, FreeBits{Lambda: 1, Mode: "dim"}}, true},
		{[]vae.Method{Vanilla{}, FreeBits{Lambda: 1, Mode: "total"}}, true},
		{[]vae.Method{BN{Gamma: 0.5}, LN{Gamma: 0.5}}, false},
		{[]vae.Method{BN{Gamma: 0.5}, BNScaler{Tau: 0.5}}, false},
	} {
		if _, err := Check(c.methods...); (err == nil) != c.ok {
			t.Errorf("%#v: error %v", c.methods, err)
		}
	}
}
