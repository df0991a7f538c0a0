package metrics

import (
	"math"

	"vaelab/internal/stream"
)

func init() {
	Register(Group{
		Splits: Tests, Need: NeedModes,
		Measure: func(s *Split, r Row) {
			r.Values["mode_recovery"] = s.Recovery(s.Seed)
		},
		Metrics: []Metric{
			{Name: "mode_recovery", Doc: "share of examples whose mode a classifier recovers from mu"},
		},
	})
}

// Recovery is the share of examples whose mode of the data's true latent distribution, their
// label, can be told from mu by the nearest mean: half of the examples, which are drawn, make the
// modes' means, the others are judged, with each dimension measured in its standard deviation
// within modes. No fewer than 1/4 is expected of the four modes of synthetic text. It is NaN if
// the split has no labels, or fewer than four examples.
//
// Source: the data are those of He et al. 2019 (arXiv 1901.05534); the number is ours.
func (e *Encoded) Recovery(seed uint64) float64 {
	if len(e.Labels) != e.N || e.N < 4 {
		return math.NaN()
	}
	order := stream.New(seed, "recovery").Perm(e.N)
	half := (e.N + 1) / 2
	means, seen, within := map[int][]float64{}, map[int]float64{}, make([]float64, e.D)
	for _, i := range order[:half] {
		y := e.Labels[i]
		if means[y] == nil {
			means[y] = make([]float64, e.D)
		}
		seen[y]++
		for j, mean := range means[y] { // running means and sums of squares: Welford
			d := e.Mu[i*e.D+j] - mean
			means[y][j] += d / seen[y]
			within[j] += d * (e.Mu[i*e.D+j] - means[y][j])
		}
	}
	right, judged := 0., 0.
	for _, i := range order[half:] {
		best, nearest := math.Inf(1), math.MinInt
		for y, mean := range means {
			var distance float64
			for j, m := range mean {
				if d := e.Mu[i*e.D+j] - m; within[j] > 0 {
					distance += d * d / within[j]
				}
			}
			if distance < best || distance == best && y < nearest {
				best, nearest = distance, y
			}
		}
		judged++
		if nearest == e.Labels[i] {
			right++
		}
	}
	return right / judged
}
