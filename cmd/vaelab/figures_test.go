package main

import (
	"testing"

	"vaelab/internal/metrics"
	"vaelab/plots"
)

// TestAxesOfVectors: a figure sees rows only, which do not say at which eps, z or sigma the numbers of
// their vectors stand; here both sides are seen.
func TestAxesOfVectors(t *testing.T) {
	if plots.CollapseEps != metrics.CollapseEps {
		t.Errorf("the figure collapse-curve takes eps to be %v, the rows have %v", plots.CollapseEps, metrics.CollapseEps)
	}
	if plots.AggregateReach != metrics.AggregateReach {
		t.Errorf("the figure aggregate takes the grid to reach to ±%v, the rows to ±%v", plots.AggregateReach, metrics.AggregateReach)
	}
	if plots.SigmaReach != metrics.SigmaReach {
		t.Errorf("the figure sigma takes the histogram to reach to ±%v, the rows to ±%v", plots.SigmaReach, metrics.SigmaReach)
	}
}
