package metrics

import (
	"math"

	"vaelab/internal/record"
)

func init() {
	Register(Group{
		Splits: Tests, Need: needPlane,
		Measure: func(s *Split, r Row) {
			a, b := twoLargest(s.miDim()) // the two dimensions that tell most of x
			r.Vectors["aggregate"], r.Vectors["aggregate_dims"] = s.AggregateGrid(a, b), []float64{float64(a), float64(b)}
		},
		Metrics: []Metric{
			{Name: "aggregate", Doc: "q(z) in each cell of a grid over two dimensions", Vector: true, Size: AggregateCells * AggregateCells},
			{Name: "aggregate_dims", Doc: "the two dimensions of aggregate", Vector: true, Size: 2},
		},
	})
}

// AggregateCells is the number of cells along each side of the grid of AggregateGrid: equal squares over
// [-record.AggregateReach, record.AggregateReach]².
const AggregateCells = 32

// AggregateGrid is the aggregate posterior of two latent dimensions a and b,
//
//	q(z_a, z_b) = (1/N) sum_i N(z_a; mu_ia, sigma_ia²) N(z_b; mu_ib, sigma_ib²),
//
// as the probability of each cell of a grid, row by row: number r*32+c is the cell that is r-th in
// z_b and c-th in z_a, both from the lowest. They are exact integrals, so that no posterior is too
// narrow for the grid, and add up to the probability of [-4, 4]²; the order of the examples does not matter. So that they take little room
// they are rounded to millionths; the prior's largest is 0.01.
//
// Source: the holes are those of Zhang, Bai, Lin, Wang & Rong 2022, "Improving variational
// autoencoders with density gap-based regularization" (arXiv 2211.00321).
func (e *Encoded) AggregateGrid(a, b int) []float64 {
	grid := make([]float64, AggregateCells*AggregateCells)
	x, y := make([]float64, AggregateCells), make([]float64, AggregateCells)
	for i := range e.N {
		e.cells(i, a, x)
		e.cells(i, b, y)
		for r, p := range y {
			if p == 0 {
				continue
			}
			for c, q := range x {
				grid[r*AggregateCells+c] += p * q / float64(e.N)
			}
		}
	}
	for k, p := range grid {
		grid[k] = math.Round(p*1e6) / 1e6
	}
	return grid
}

// cells sets p to the probability, under q(z_j|x_i), of each cell of the grid in one dimension.
func (e *Encoded) cells(i, j int, p []float64) {
	mu, scale := e.Mu[i*e.D+j], 1/math.Sqrt(2*(e.Var[i*e.D+j]+1e-12)) // a sigma of 0 on an edge is no NaN
	below := math.Erf((-record.AggregateReach - mu) * scale)
	for c := range p {
		above := math.Erf((-record.AggregateReach + 2*record.AggregateReach*float64(c+1)/AggregateCells - mu) * scale)
		p[c] = (above - below) / 2
		below = above
	}
}

// twoLargest are the places of the largest and the second largest of two numbers or more; of equal
// ones the first. NaN is smaller than all numbers.
func twoLargest(v []float64) (first, second int) {
	larger := func(a, b float64) bool { return a > b || math.IsNaN(b) && !math.IsNaN(a) }
	first, second = 0, 1
	if larger(v[1], v[0]) {
		first, second = 1, 0
	}
	for j := 2; j < len(v); j++ {
		switch {
		case larger(v[j], v[first]):
			first, second = j, first
		case larger(v[j], v[second]):
			second = j
		}
	}
	return first, second
}

var needPlane = &Need{"two latent dimensions or more and a Gaussian posterior", func(f Facts) bool { return f.D > 1 && f.Variant.Gaussian() }}
