package models

import (
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestMLPIsNotAutoregressive: given z, a word's probability does not depend on the others; nor,
// of a bag, on its place.
func TestMLPIsNotAutoregressive(t *testing.T) {
	one, other := vae.NewBatch([][]int32{{1, 5, 6, 7, 2}}, nil), vae.NewBatch([][]int32{{1, 9, 6, 9, 2}}, nil)
	swapped := vae.NewBatch([][]int32{{1, 7, 6, 5, 2}}, nil)
	for i, settings := range small["mlp"] {
		m := build(settings, vae.Text, 1)
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
		z := m.fixed(p.Tape).Gather([]int{0})
		a, b := m.Decoder.(vae.Predictor).Predict(p, z, one), m.Decoder.(vae.Predictor).Predict(p, z, other)
		for j, l := range a.Data {
			if l != b.Data[j] {
				t.Fatalf("mlp %d: logit %d is %v, after other words %v", i, j, l, b.Data[j])
			}
		}
		x, y := m.Decoder.LogProb(p, z, one).Scalar(), m.Decoder.LogProb(p, z, swapped).Scalar()
		if bag := settings.(MLP).Output == "bag"; bag != (math.Abs(x-y) < 1e-5) {
			t.Errorf("mlp %d: ln p %v, with two words swapped %v", i, x, y)
		}
	}
}

// TestMLPLongSentence: a sentence longer than those at building has a likelihood.
func TestMLPLongSentence(t *testing.T) {
	for i, settings := range small["mlp"] {
		m := build(settings, vae.Text, 1)
		seq := make([]int32, m.space.MaxLen+3)
		for j := range seq {
			seq[j] = 4
		}
		p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
		rec := m.Decoder.LogProb(p, m.fixed(p.Tape).Gather([]int{0}), vae.NewBatch([][]int32{seq}, nil)).Scalar()
		if math.IsNaN(rec) || rec >= 0 {
			t.Errorf("mlp %d: ln p %v", i, rec)
		}
	}
}

// TestMLPFlops: 6 for every weight of the products, once an image.
func TestMLPFlops(t *testing.T) {
	m := build(small["mlp"][0], vae.Image, 1)
	n := 0
	for _, p := range m.Params.Learnt() {
		if p.Rows > 1 {
			n += len(p.Data)
		}
	}
	if got := m.settings.(Counter).FlopsPerToken(m.space) * float64(m.space.Size()); !close(got, 6*float64(n), 1e-9) {
		t.Errorf("%v operations an image, want %v", got, 6*n)
	}
}
