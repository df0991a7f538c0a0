package vae

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
)

func plainHead(_ *nn.Pass, m, s *grad.Value) Posterior { return FromLogvar(m, s) }

// A pilot is a weigher and a regime.
type pilot struct{}

func (pilot) Weight(int, int) float64 { return 1 }
func (pilot) Saw(kl, rec float64)     {}
func (pilot) Final(int) int           { return 0 }
func (pilot) Goal() float64           { return 1 }
func (pilot) Next(Seen) (p Plan)      { return p }
func (pilot) Phase() (p Phase)        { return p }

// atEach is a variant for each seam that acts there alone.
var atEach = map[string]Variant{
	"head":      {Head: plainHead},
	"refine":    {Refine: func(_ *nn.Pass, _ *Model, _ *Batch, q Posterior) Posterior { return q }},
	"prior":     {Prior: Normal{}},
	"inputs":    {Inputs: func(_ *nn.Pass, x *Batch) []int32 { return x.In }},
	"penalty":   {Penalty: func(_ *nn.Pass, t *Terms) *grad.Value { return t.KL.Mean() }},
	"extra":     {Extras: []Extra{func(_ *nn.Pass, t *Terms) *grad.Value { return t.KL.Mean() }}},
	"bound":     {Bound: &Bound{K: 2}},
	"logits":    {Logits: func(*nn.Pass, *grad.Value, *Batch) (rows, weights *grad.Value) { return nil, nil }},
	"noise":     {Noise: func(p *nn.Pass, _ *grad.Value) *grad.Value { return p.Tape.Zeros(1, 1) }},
	"auxiliary": {Auxiliary: []Extra{func(_ *nn.Pass, t *Terms) *grad.Value { return t.KL.Mean() }}},
	"weigher":   {Weigher: pilot{}},
	"regime":    {Regime: pilot{}},
}

// TestCompose: variants at two seams go together, but for a bound beside a penalty or a refinement; two at one seam do not,
// but for terms of the loss. The error names both variants and the seam.
func TestCompose(t *testing.T) {
	if len(atEach) != len(Seams) {
		t.Fatalf("%d seams, %d are tested", len(Seams), len(atEach))
	}
	for _, one := range Seams {
		for _, two := range Seams {
			a, b := atEach[one.Name], atEach[two.Name]
			a.Name, b.Name = "first", "second"
			v, err := Compose(a, b)
			want := ""
			switch {
			case one.Name == two.Name && one.Name != "extra" && one.Name != "auxiliary":
				want = fmt.Sprintf("first and second both act on the %s (each %s), so one of them would have no effect; write two entries of the grid, each with one of them", one.Name, one.Doc)
			case one.Name == "bound" && two.Name == "penalty":
				want = "first makes the loss of several samples, which has no KL term that second could change; leave one of them out"
			case one.Name == "penalty" && two.Name == "bound":
				want = "second makes the loss of several samples, which has no KL term that first could change; leave one of them out"
			case one.Name == "bound" && two.Name == "refine":
				want = "first makes the loss of several samples, and second improves the posterior by the loss of one; leave one of them out"
			case one.Name == "refine" && two.Name == "bound":
				want = "second makes the loss of several samples, and first improves the posterior by the loss of one; leave one of them out"
			}
			if want != "" {
				if err == nil || err.Error() != want {
					t.Errorf("%s, %s: error %v, want %s", one.Name, two.Name, err, want)
				}
				continue
			}
			var acts []string
			for _, s := range v.Acts() {
				acts = append(acts, s.Name)
			}
			all := strings.Join(acts, " ")
			if err != nil || !strings.Contains(all, one.Name) || !strings.Contains(all, two.Name) || v.Name != "first+second" {
				t.Errorf("%s, %s: %s acts at %s, error %v", one.Name, two.Name, v.Name, all, err)
			}
		}
	}
	own := Variant{Name: "own", Head: plainHead, Penalty: Charged}
	if _, err := Compose(own, Variant{Name: "better", Refine: atEach["refine"].Refine}); err == nil ||
		err.Error() != "own charges what its head knows of the posterior, and better makes another posterior; leave one of them out" {
		t.Errorf("a head with its penalty, and a refinement: %v", err)
	}
	output := Variant{Name: "map", Output: func(int, int) (Output, error) { return nil, nil }}
	if v, err := Compose(output, Variant{Head: plainHead}); err != nil || v.Output == nil {
		t.Errorf("an output map beside a head: %v", err)
	}
	if _, err := Compose(atEach["logits"], output); err == nil || !strings.Contains(err.Error(), "both act on the logits") {
		t.Errorf("an output map beside a term of the logits: %v", err)
	}
	if v, err := Compose(); err != nil || v.Acts() != nil {
		t.Errorf("no variants act at %v: %v", v.Acts(), err)
	}
}

// TestFamilies: a penalty that reads mu and sigma does not go with a head that has none; a floor of the KL to N(0, I) is
// none of the KL to another prior.
func TestFamilies(t *testing.T) {
	ball := Variant{Name: "ball", Gives: SphereFamily, Head: plainHead}
	bits := Variant{Name: "bits", Needs: GaussianFamily}
	hills, gap := Variant{Name: "hills", Prior: Normal{}}, Variant{Name: "gap", NeedsNormal: true}
	for _, c := range []struct {
		variants []Variant
		want     string // "" for none
	}{
		{[]Variant{ball, bits}, "ball makes posteriors of the family sphere, and bits needs those of the family gaussian; choose another head or leave bits out"},
		{[]Variant{bits, ball}, "ball makes posteriors of the family sphere, and bits needs those of the family gaussian; choose another head or leave bits out"},
		{[]Variant{ball, {Needs: SphereFamily}}, ""},
		{[]Variant{bits}, ""},
		{[]Variant{{Name: "round", Needs: SphereFamily}}, "the vanilla VAE makes posteriors of the family gaussian, and round needs those of the family sphere; choose another head or leave round out"},
		{[]Variant{bits, {Name: "coded", Needs: CodeFamily}}, "bits needs posteriors of the family gaussian, and coded those of the family code; leave one of them out"},
		{[]Variant{ball, {Needs: ContinuousFamily}}, ""},
		{[]Variant{bits, {Needs: ContinuousFamily}}, ""},
		{[]Variant{{Needs: ContinuousFamily}, bits}, ""},
		{[]Variant{{Needs: DensityFamily}, {Name: "flow", Gives: FlowFamily, Head: plainHead}}, ""},
		{[]Variant{{Needs: DensityFamily}, {Needs: ContinuousFamily}, ball}, ""},
		{[]Variant{{Name: "smooth", Needs: ContinuousFamily}, {Needs: DensityFamily}, {Name: "iaf", Gives: FlowFamily, Head: plainHead}}, "iaf makes posteriors of the family flow, and smooth needs those of the family gaussian or sphere; choose another head or leave smooth out"},
		{[]Variant{{Name: "weights", Needs: DensityFamily}, {Name: "vq", Gives: CodeFamily, Head: plainHead}}, "vq makes posteriors of the family code, and weights needs those of the family gaussian, sphere or flow; choose another head or leave weights out"},
		{[]Variant{{Name: "smooth", Needs: ContinuousFamily}, {Name: "coded", Needs: CodeFamily}}, "smooth needs posteriors of the family gaussian or sphere, and coded those of the family code; leave one of them out"},
		{[]Variant{{Name: "vq", Gives: CodeFamily, Head: plainHead}, {Name: "smooth", Needs: ContinuousFamily}}, "vq makes posteriors of the family code, and smooth needs those of the family gaussian or sphere; choose another head or leave smooth out"},
		{[]Variant{{Name: "smooth", Needs: ContinuousFamily}, bits, ball}, "ball makes posteriors of the family sphere, and bits needs those of the family gaussian; choose another head or leave bits out"},
		{[]Variant{hills, gap}, "hills brings a prior, and gap measures z against N(0, I); leave one of them out"},
		{[]Variant{gap, {NeedsNormal: true}, hills}, "hills brings a prior, and gap measures z against N(0, I); leave one of them out"},
		{[]Variant{ball, gap, hills}, ""}, // the sphere's own
	} {
		v, err := Compose(c.variants...)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
		other := slices.ContainsFunc(c.variants, func(v Variant) bool { return v.Gives != "" })
		if c.want == "" && v.Gaussian() == other {
			t.Errorf("the family is %s", v.Family())
		}
	}
	floor := Variant{Head: plainHead, Floor: func() float64 { return 1 }}
	if v, _ := Compose(floor, Variant{Prior: Normal{}}); v.Floor != nil {
		t.Error("the floor under another prior stays")
	}
	if v, _ := Compose(floor, atEach["refine"]); v.Floor != nil {
		t.Error("the floor of a posterior that is refined stays")
	}
}
