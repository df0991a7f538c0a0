package models

import (
	"math"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// TestLinearIsGaussian: ln p(x|z) is the density of N(W z + b, noise I), its constant
// included, and Predict the mean; s is the same for every x.
func TestLinearIsGaussian(t *testing.T) {
	const noise = 0.25
	ps := &nn.Params{Seed: 1}
	enc, dec := Build(Linear{LatentDim: 2, Noise: noise}, ps, vae.Space{Kind: vae.Vector, Height: 1, Width: 3}, vae.Variant{})
	copy(ps.Get("decoder.linear.bias").Data, []nn.Float{1, 2, 3})
	copy(ps.Get("encoder.scale").Data, []nn.Float{-1, 0.5})
	rows := [][]float32{{0.5, 1.5, 4}, {-1, 0, 2}}
	x := vae.NewGrid(rows, nil, false)
	p := &nn.Pass{Tape: &grad.Tape{NoGrad: true}}
	_, s := enc.Encode(p, x)
	z := p.Tape.Zeros(2, 2)
	copy(z.Data, []nn.Float{1, -1, 0.5, 2})
	mean, logp := dec.(vae.Predictor).Predict(p, z, x), dec.LogProb(p, z, x)
	W := ps.Get("decoder.linear.weight")
	for i, row := range rows {
		want := 0.0
		for j, v := range row {
			mu := float64(j+1) + float64(W.Row(j)[0]*z.Row(i)[0]+W.Row(j)[1]*z.Row(i)[1])
			if got := float64(mean.Row(i)[j]); math.Abs(got-mu) > 1e-5 {
				t.Errorf("mean %d of row %d: %v, want %v", j, i, got, mu)
			}
			want -= 0.5*math.Log(2*math.Pi*noise) + (float64(v)-mu)*(float64(v)-mu)/(2*noise)
		}
		if got := float64(logp.Data[i]); math.Abs(got-want) > 1e-4 {
			t.Errorf("row %d: ln p(x|z) %v, want %v", i, got, want)
		}
		if s.Row(i)[0] != -1 || s.Row(i)[1] != 0.5 {
			t.Errorf("row %d: s %v, want [-1 0.5]", i, s.Row(i))
		}
	}
}
