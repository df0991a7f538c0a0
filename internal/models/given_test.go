package models

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// conditions are spaces and batches of a kind with every kind of condition: five examples, of which the first two have the
// same condition.
func conditions(kind vae.Kind) map[vae.Space]*vae.Batch {
	all := map[vae.Space]*vae.Batch{}
	space, x := examples(kind)
	space.Given = vae.Condition{Kind: vae.Label, Classes: 3}
	x.Labels = []int{2, 2, 0, 1, 0}
	all[space] = x
	if kind == vae.Text {
		space, x := examples(kind)
		space.Given = vae.Condition{Kind: vae.Text, MaxLen: 11}
		x.Condition(vae.NewBatch([][]int32{{1, 7, 2}, {1, 7, 2}, {1, 4, 5, 6, 7, 8, 9, 9, 9, 9, 2}, {1, 9, 2}, {1, 8, 8, 2}}, nil))
		all[space] = x
	}
	return all
}

// TestConditions: with every model both halves read the condition of each example, whatever stands around it in the batch;
// each number of what reads conditions has a gradient; without conditions nothing is made for them.
func TestConditions(t *testing.T) {
	for _, name := range Models.Names() {
		for k, settings := range small[name] {
			for _, kind := range []vae.Kind{vae.Text, vae.Image, vae.Vector} {
				if settings.Fits(vae.Space{Kind: kind}) != nil {
					continue
				}
				for space, x := range conditions(kind) {
					t.Run(fmt.Sprint(name, k, " ", kind, " given ", space.Given.Kind), func(t *testing.T) { checkConditions(t, settings, space, x) })
				}
			}
		}
	}
}

func checkConditions(t *testing.T, settings Model, space vae.Space, x *vae.Batch) {
	ps := &nn.Params{Seed: 1}
	enc, dec := Build(settings, ps, space, vae.Variant{})
	D := settings.Latent()
	run := func(x *vae.Batch) (m, rec []nn.Float, loss *grad.Value) {
		tape := &grad.Tape{}
		p := &nn.Pass{Tape: tape}
		raw, scale := enc.Encode(p, x)
		z := tape.Zeros(x.B(), D)
		for i := range z.Data {
			z.Data[i] = 0.3
		}
		logp := dec.LogProb(p, z, x)
		return raw.Data, logp.Data, raw.Square().Sum().Add(scale.Square().Sum()).Sub(logp.Sum())
	}
	m, rec, loss := run(x)
	loss.Backward()
	for _, p := range ps.Learnt() {
		if strings.Contains(p.Name, ".given") && !slices.ContainsFunc(p.Grad(), func(g nn.Float) bool { return g != 0 }) {
			t.Errorf("%s has no gradient", p.Name)
		}
	}
	// Another condition, of the last but one example alone.
	other := *x
	if space.Given.Kind == vae.Label {
		other.Labels = slices.Clone(x.Labels)
		other.Labels[3] = 2
	} else {
		seqs := make([][]int32, x.B())
		for i, row := range x.Rows {
			seqs[row] = x.Given.Seqs[x.GivenAt[i]]
		}
		seqs[x.Rows[3]] = []int32{1, 7, 2}
		other.Condition(vae.NewBatch(seqs, nil))
	}
	m2, rec2, _ := run(&other)
	for i := range x.B() {
		changed := math.Abs(float64(rec[i]-rec2[i])) > 1e-6 && math.Abs(float64(m[i*D]-m2[i*D])) > 1e-6
		same := rec[i] == rec2[i] && slices.Equal(m[i*D:(i+1)*D], m2[i*D:(i+1)*D])
		if i == 3 && !changed || i != 3 && !same && math.Abs(float64(rec[i]-rec2[i])) > 1e-5 {
			t.Errorf("example %d: ln p(x|z, c) %v, after another condition of example 3 %v; m %v and %v", i, rec[i], rec2[i], m[i*D], m2[i*D])
		}
	}
	// Repeated examples keep their conditions.
	m3, rec3, _ := run(other.Repeat(2))
	for i := range rec3 {
		if math.Abs(float64(rec3[i]-rec2[i/2])) > 1e-5 || math.Abs(float64(m3[i*D]-m2[i/2*D])) > 1e-5 {
			t.Errorf("example %d, repeated, has ln p %v and m %v, once %v and %v", i/2, rec3[i], m3[i*D], rec2[i/2], m2[i/2*D])
		}
	}

	plain := &nn.Params{Seed: 1}
	space.Given = vae.Condition{}
	Build(settings, plain, space, vae.Variant{})
	for _, p := range plain.All() {
		if strings.Contains(p.Name, "given") {
			t.Errorf("without conditions there is %s", p.Name)
		}
		if of := ps.Get(p.Name); of == nil || strings.HasPrefix(p.Name, "encoder.") && !slices.Equal(of.Data, p.Data) {
			t.Errorf("%s begins otherwise with conditions", p.Name)
		}
	}
}
