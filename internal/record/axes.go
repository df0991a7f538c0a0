package record

// The axes of vectors: where the numbers of a row's vector stand. Rows do not say so; who writes them and who draws
// them both take it from here.

// CollapseEps are the KLs, in nats, of the numbers of the vector "collapse".
var CollapseEps = [...]float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1}

// AggregateReach is half the side of the square that the grid "aggregate" covers, in standard deviations of the prior.
const AggregateReach = 4.

// SigmaReach is how far the bins of the vector "sigma_histogram" reach to both sides of 0.
const SigmaReach = 2.5
