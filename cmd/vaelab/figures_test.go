package main

import (
	"testing"

	"vaelab/internal/metrics"
	"vaelab/plots"
)

// TestCollapseEps: a figure sees rows only, which do not say at which eps the shares of their vector
// "collapse" stand; here both sides are seen.
func TestCollapseEps(t *testing.T) {
	if plots.CollapseEps != metrics.CollapseEps {
		t.Errorf("the figure collapse-curve takes eps to be %v, the rows have %v", plots.CollapseEps, metrics.CollapseEps)
	}
}
