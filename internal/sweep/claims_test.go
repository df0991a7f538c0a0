package sweep

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/train"
)

// asked is a file whose claims follow.
const asked = `base: {train: {epochs: 1}}
grid:
- variant: vanilla
- variant: {bn: {gamma: [0.5, 0.7]}}
seeds: 2
claims:
`

func TestClaims(t *testing.T) {
	e := parse(t, asked+`
- say: It vanishes
  source: us
  bound: {metric: kl, of: vanilla, at_most: 0.1}
- say: It stays
  source: us
  confidence: 0.99
  seeds: [1, 2]
  despite: [train.lr]
  converged: any
  order: {metric: mi, split: valid, of: {variant: bn, variant.bn.gamma: 0.50}, than: vanilla, margin: 1}
- {say: It grows, source: us, trend: {metric: kl_dim.max, of: bn, over: variant.bn.gamma}}
- {say: It costs nothing, source: us, ratio: {metric: ms_per_step, of: {variant: bn, variant.bn.gamma: 0.5}, to: vanilla, at_most: 1.1}}
- {say: Its z is used, source: us, at-rate: {metric: gap, of: bn, rate: 2, at_least: 0.5}}
- {say: It reaches 2 nats, source: us, reaches: {of: bn, rate: 2, split: valid}}
`, Options{})
	bn := claims.Selection{"variant": "bn"}
	vanilla := claims.Selection{"variant": "vanilla"}
	want := []claims.Claim{
		{Say: "It vanishes", Source: "us", Confidence: 0.95, Converged: "required", KindName: "bound",
			Kind: claims.Bound{Quantity: claims.Quantity{Metric: "kl", Split: "test"}, Of: vanilla, Rows: "last", Bounds: claims.Bounds{AtLeast: math.Inf(-1), AtMost: 0.1}}},
		{Say: "It stays", Source: "us", Confidence: 0.99, Converged: "any", Seeds: []int{1, 2}, Despite: []string{"train.lr"}, KindName: "order",
			Kind: claims.Order{Quantity: claims.Quantity{Metric: "mi", Split: "valid"}, Of: claims.Selection{"variant": "bn", "variant.bn.gamma": "0.50"}, Is: "greater", Than: vanilla, Margin: 1}},
		{Say: "It grows", Source: "us", Confidence: 0.95, Converged: "required", KindName: "trend",
			Kind: claims.Trend{Quantity: claims.Quantity{Metric: "kl_dim.max", Split: "test"}, Of: bn, Over: "variant.bn.gamma", Shape: "rises"}},
		{Say: "It costs nothing", Source: "us", Confidence: 0.95, Converged: "required", KindName: "ratio",
			Kind: claims.Ratio{Quantity: claims.Quantity{Metric: "ms_per_step", Split: "test"}, Of: claims.Selection{"variant": "bn", "variant.bn.gamma": "0.5"}, To: vanilla,
				Bounds: claims.Bounds{AtLeast: math.Inf(-1), AtMost: 1.1}}},
		{Say: "Its z is used", Source: "us", Confidence: 0.95, Converged: "required", KindName: "at-rate",
			Kind: claims.AtRate{Quantity: claims.Quantity{Metric: "gap", Split: "test"}, Of: bn, Rate: 2, Bounds: claims.Bounds{AtLeast: 0.5, AtMost: math.Inf(1)}}},
		{Say: "It reaches 2 nats", Source: "us", Confidence: 0.95, Converged: "required", KindName: "reaches", Kind: claims.Reaches{Of: bn, Rate: 2, With: "every", Split: "valid"}},
	}
	if !reflect.DeepEqual(e.Claims, want) {
		t.Errorf("got  %+v\nwant %+v", e.Claims, want)
	}
	// A --set may take away what a claim is about; that is for the verdict to say.
	e = parse(t, asked+"- {say: a, source: b, trend: {metric: kl, of: bn, over: variant.bn.gamma}}\n", Options{Sets: []string{"variant.bn.gamma=1"}})
	if len(e.Claims) != 1 || len(e.Trials) != 4 {
		t.Errorf("%d claims, %d trials", len(e.Claims), len(e.Trials))
	}
}

// TestClaimFaults: each with its place; asked has six lines.
func TestClaimFaults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"not a list", "  {say: a}\n", []string{"x.yaml:7:3: claims: must be a list, got keys and values"}},
		{"a word", "- a\n", []string{`x.yaml:7:3: claims: must be keys and values, got "a"`}},
		{"key", "- {sya: a}\n", []string{`x.yaml:7:4: claims: unknown key "sya"; did you mean "say"? known: say, source, confidence, seeds, despite, converged, at-rate, bound, equal, matched, order, published, ratio, reaches, trend`}},
		{"kind", "- {say: a, source: b, ordr: {}}\n", []string{`x.yaml:7:23: claims: unknown key "ordr"; did you mean "order"?`}},
		{"no say", "- {source: b, bound: {metric: kl, of: vanilla, at_most: 1}}\n", []string{"x.yaml:7:3: claims: has no say"}},
		{"no source", "- {say: b, bound: {metric: kl, of: vanilla, at_most: 1}}\n", []string{"x.yaml:7:3: claims: has no source"}},
		{"no kind", "- {say: b, source: c}\n", []string{"x.yaml:7:3: claims: has no kind; add one of at-rate, bound, equal, matched, order, published, ratio, reaches, trend"}},
		{"two kinds", "- {say: b, source: c, bound: {metric: kl, of: vanilla, at_most: 1}, order: {}}\n", []string{"x.yaml:7:69: claims: bound and order in one claim"}},
		{"confidence in percent", "- {say: b, source: c, confidence: 95, bound: {metric: kl, of: vanilla, at_most: 1}}\n", []string{"x.yaml:7:35: claims.confidence: 95 is outside [0.5,1)"}},
		{"seeds", "- {say: b, source: c, seeds: [1, 1], bound: {metric: kl, of: vanilla, at_most: 1}}\n", []string{"x.yaml:7:34: seeds: 1 is given twice"}},
		{"key of a kind", "- {say: b, source: c, bound: {metrc: kl, of: vanilla, at_most: 1}}\n", []string{`x.yaml:7:31: claims.bound: unknown key "metrc"; did you mean "metric"?`}},
		{"split", "- {say: b, source: c, bound: {metric: kl, split: tset, of: vanilla, at_most: 1}}\n", []string{`x.yaml:7:50: claims.bound.split: unknown choice "tset"; did you mean "test"?`}},
		{"contradiction", "- {say: b, source: c, bound: {metric: kl, of: vanilla, at_least: 2, at_most: 1}}\n", []string{"x.yaml:7:30: claims.bound: contradictory bounds: nothing is at least 2 and at most 1"}},
		{"variant", "- {say: b, source: c, bound: {metric: kl, of: vanila, at_most: 1}}\n", []string{`x.yaml:7:47: claims.bound.of: unknown variant "vanila"; did you mean "vanilla"? known: bn, vanilla`}},
		{"setting", "- {say: b, source: c, bound: {metric: kl, of: {variant: bn, variant.bn.gama: 0.5}, at_most: 1}}\n", []string{`x.yaml:7:78: claims.bound.of: unknown setting "variant.bn.gama"; did you mean "variant.bn.gamma"?`}},
		{"value", "- {say: b, source: c, bound: {metric: kl, of: {variant: bn, variant.bn.gamma: 0.6}, at_most: 1}}\n", []string{`x.yaml:7:79: claims.bound.of: no trial of the selection has variant.bn.gamma 0.6; there are 0.5, 0.7`}},
		{"settings as in a grid", "- {say: b, source: c, bound: {metric: kl, of: {variant: {bn: {gamma: 0.5}}}, at_most: 1}}\n", []string{`x.yaml:7:57: claims.bound.of.variant: must be one value, got keys and values; write a setting of a kind as a key of its own`}},
		{"open", "- {say: b, source: c, bound: {metric: kl, of: bn, at_most: 1}}\n", []string{`x.yaml:7:47: claims.bound.of: bn has several values of variant.bn.gamma (0.5, 0.7); name one`}},
		{"selection left out", "- {say: b, source: c, order: {metric: kl, of: vanilla}}\n", []string{`x.yaml:7:30: claims.order.than: selects nothing`}},
		{"trend over a word", "- {say: b, source: c, trend: {metric: kl, of: bn, over: train.optimizer}}\n", []string{`x.yaml:7:57: claims.trend.over: train.optimizer is "adam" in some trial; a trend is over numbers`}},
		{"metric", "- {say: b, source: c, bound: {metric: kll, of: vanilla, at_most: 1}}\n", []string{`x.yaml:7:39: claims.bound.metric: unknown metric "kll"; did you mean "kl"? vaelab list metrics has all`}},
		{"metric of another split", "- {say: b, source: c, bound: {metric: loss, of: vanilla, at_most: 1}}\n", []string{"x.yaml:7:39: claims.bound.metric: loss is not measured on split test; it is on train"}},
		{"metric of another method", "- {say: b, source: c, order: {of: {variant: bn, variant.bn.gamma: 0.5}, than: vanilla, metric: slack}}\n", []string{"x.yaml:7:96: claims.order.metric: trials of vanilla have no slack; it needs a method with a floor under the KL"}},
		{"metric that a setting asks for", "- {say: b, source: c, trend: {metric: probe_100, of: bn, over: variant.bn.gamma}}\n", []string{"x.yaml:7:39: claims.trend.metric: trials of bn have no probe_100; it needs train.probe"}},
		{"vector", "- {say: b, source: c, trend: {metric: beta, of: bn, over: variant.bn.gamma}}\n", []string{"x.yaml:7:39: claims.trend.metric: beta is a vector; name one number of it: beta.max, beta.mean, beta.median, beta.min, or an element, beta.0 to beta.31"}},
		{"element of a vector", "- {say: b, source: c, bound: {metric: kl_dim.32, of: vanilla, at_most: 1}}\n", []string{"x.yaml:7:39: claims.bound.metric: kl_dim has no element 32; there are 0 to 31"}},
		{"vector misspelt", "- {say: b, source: c, bound: {metric: kl_dmi.mean, of: vanilla, at_most: 1}}\n", []string{`x.yaml:7:39: claims.bound.metric: unknown metric "kl_dmi"; did you mean "kl_dim"?`}},
		{"reduction", "- {say: b, source: c, bound: {metric: kl_dim.avg, of: vanilla, at_most: 1}}\n", []string{`x.yaml:7:39: claims.bound.metric: unknown reduction of kl_dim "avg"; `}},
		{"metric and variant", "- {say: b, source: c, bound: {metric: kll, of: vanila, at_most: 1}}\n", []string{`x.yaml:7:39: claims.bound.metric: unknown metric "kll"`, `x.yaml:7:48: claims.bound.of: unknown variant "vanila"`}},
		{"three faults of one claim", "- {say: b, source: c, bound: {metric: kll, of: vanila, at_mots: 1}}\n", []string{`x.yaml:7:39: claims.bound.metric: unknown metric "kll"`, `x.yaml:7:48: claims.bound.of: unknown variant "vanila"`, `x.yaml:7:56: claims.bound: unknown key "at_mots"`}},
		{"a setting without its section", "- {say: b, source: c, bound: {metric: kl, of: {variant: bn, gamma: 0.5}, at_most: 1}}\n", []string{`x.yaml:7:68: claims.bound.of: unknown setting "gamma"; did you mean variant.bn.gamma?`}},
		{"cost in every row", "- {say: b, source: c, bound: {metric: seconds, rows: every, of: vanilla, at_most: 1}}\n", []string{"x.yaml:7:30: claims.bound: seconds is a number of the whole trial, so no row has it; leave out rows: every"}},
		{"ratio", "- {say: b, source: c, ratio: {metric: ms_per_step, of: vanilla, to: {variant: bn, variant.bn.gamma: 0.5}}}\n", []string{"x.yaml:7:30: claims.ratio: has no bound; give at_least, at_most, or both"}},
		{"no dial", "- {say: b, source: c, matched: {metric: kl, rate: 1, of: bn, than: vanilla}}\n", []string{"x.yaml:7:68: claims.matched.than: vanilla has one value of every setting; reading off at a rate takes two or more of its dial"}},
		{"dial that is fixed", "- {say: b, source: c, at-rate: {metric: kl, rate: 1, of: {variant: bn, variant.bn.gamma: 0.5}, at_most: 1}}\n", []string{"x.yaml:7:58: claims.at-rate.of: bn variant.bn.gamma=0.5 has one value of every setting"}},
		{"no rate", "- {say: b, source: c, reaches: {of: bn}}\n", []string{"x.yaml:7:32: claims.reaches: has no rate; give the KL in nats"}},
		{"rate below 0", "- {say: b, source: c, reaches: {of: bn, rate: -1}}\n", []string{"x.yaml:7:47: claims.reaches.rate: -1 is outside [0,inf)"}},
		{"with some", "- {say: b, source: c, reaches: {of: bn, rate: 1, with: some}}\n", []string{`x.yaml:7:56: claims.reaches.with: unknown choice "some"`}},
		{"despite", "- {say: b, source: c, despite: [train.rl], order: {metric: kl, of: vanilla, than: {variant: bn, variant.bn.gamma: 0.5}}}\n", []string{`x.yaml:7:33: claims.despite: unknown setting "train.rl"; did you mean "train.lr"?`}},
		{"despite what", "- {say: b, source: c, despite: train.lr, bound: {metric: kl, of: vanilla, at_most: 1}}\n", []string{`x.yaml:7:32: claims.despite: must be a list of settings`}},
		{"given twice", "- say: b\n  say: c\n", []string{"x.yaml:7:3: claims: has no source", "x.yaml:8:3: claims.say: given twice"}},
		{"two claims", "- {say: b}\n- {source: c}\n", []string{"x.yaml:7:3: claims: has no source", "x.yaml:8:3: claims: has no say"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(asked+c.text), Options{})
			expectFaults(t, err, c.want...)
		})
	}
	two := strings.Replace(asked, "{train: {epochs: 1}}", "{train: {epochs: 1, lr: [0.1, 0.2]}}", 1)
	_, err := Parse("x.yaml", []byte(two+"- {say: b, source: c, matched: {metric: kl, rate: 1, of: bn, than: {variant: vanilla}}}\n"), Options{})
	expectFaults(t, err, "x.yaml:7:58: claims.matched.of: bn varies in train.lr (0.1, 0.2) and variant.bn.gamma (0.5, 0.7); only its dial, the setting that moves the rate, may: fix the others in the selection")
	// Where the grid is faulty, claims about it would only say the same again.
	_, err = Parse("x.yaml", []byte("grid: [{variant: bnn}]\nclaims: [{say: a, source: b, bound: {metric: kl, of: bnn, at_most: 1}}]\n"), Options{})
	expectFaults(t, err, `x.yaml:1:18: variant: unknown variant "bnn"`)
}

// TestCostsAreApart: no metric of the rows is called as, or almost as, a cost is.
func TestCostsAreApart(t *testing.T) {
	for _, m := range train.Metrics() {
		c := claims.Claim{Kind: claims.Bound{Quantity: claims.Quantity{Metric: m.Name}}}
		if err := c.CheckMetric(make([]record.Trial, 1), func(int, string, string) (int, error) { return 0, nil }); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

// TestForClaims: seeds are added up to what the claims need, unless the command line names some.
func TestForClaims(t *testing.T) {
	const grid = "grid: [{variant: vanilla}]\n"
	const claim = "claims: [{say: a, source: b, bound: {metric: kl, of: vanilla, at_most: 1}"
	for _, c := range []struct {
		text string
		opts Options
		want []int
	}{
		{grid + "seeds: 2\n" + claim + "}]\n", Options{}, []int{1, 2}},
		{grid + "seeds: 2\n" + claim + "}]\n", Options{ForClaims: true}, []int{1, 2, 3, 4, 5, 6}},
		{grid + "seeds: 8\n" + claim + "}]\n", Options{ForClaims: true}, []int{1, 2, 3, 4, 5, 6, 7, 8}},
		{grid + "seeds: [7, 3]\n" + claim + "}]\n", Options{ForClaims: true}, []int{7, 3, 1, 2, 4, 5}},
		{grid + "seeds: 2\n" + claim + ", confidence: 0.99}]\n", Options{ForClaims: true}, []int{1, 2, 3, 4, 5, 6, 7, 8}},
		{grid + "seeds: 2\n" + claim + ", seeds: [9]}]\n", Options{ForClaims: true}, []int{1, 2, 9, 3, 4, 5}},
		{grid + "seeds: 2\n" + claim + "}]\n", Options{ForClaims: true, Seeds: "3"}, []int{1, 2, 3}},
		{grid + "seeds: 2\n" + strings.Replace(claim, "at_most", "rows: every, at_most", 1) + "}]\n", Options{ForClaims: true}, []int{1, 2}},
		{grid + "seeds: 2\n", Options{ForClaims: true}, []int{1, 2}},
	} {
		var got []int
		for _, trial := range parse(t, c.text, c.opts).Trials {
			got = append(got, trial.Seed)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s%+v: seeds %v, want %v", c.text, c.opts, got, c.want)
		}
	}
}
