package data

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"vaelab/internal/vae"
)

// Batches cuts a split into batches of at most size examples.
//
//	length  all sequences of a batch have one length, and the last batch of each length may be small.
//	        This is what the reference code of the field does, and what costs a decoder no padding.
//	mixed   lengths are mixed, and only the last batch may be small.
//	near    a batch has neighbouring lengths. All batches have the same size, up to one example, and none
//	        has a single one; if that cannot be otherwise (3 examples, size 2), a batch has one more than size.
//
// A nil order gives the order for evaluation: ascending lengths, or that of the file if mixed. With an order,
// sequences are shuffled (within their length unless mixed) before they are cut, then the batches are shuffled.
// Examples that are not text have one length.
//
// It panics if size is less than one.
//
// Source: He et al. 2019, "Lagging Inference Networks and Posterior Collapse in Variational Autoencoders"
// (arXiv 1901.05534), create_data_batch of the authors' code, for length. Batches of neighbouring lengths are
// usual for translation.
func (s Split) Batches(size int, batching vae.Batching, order *rand.Rand) []*vae.Batch {
	if size < 1 {
		panic("data: Batches: a batch needs at least one sequence")
	}
	var batches []*vae.Batch
	for _, group := range s.groups(batching, order) {
		for rows := range cut(group, size, batching == vae.Near) {
			batches = append(batches, s.batch(rows))
		}
	}
	if order != nil {
		order.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	}
	return batches
}

// groups returns the indices of the sequences that may share a batch, in the order in which they are cut.
func (s Split) groups(batching vae.Batching, order *rand.Rand) [][]int {
	byLen := map[int][]int{}
	for i := range s.N() {
		n := 0 // one group for all
		if batching == vae.ByLength {
			n = s.length(i)
		}
		byLen[n] = append(byLen[n], i)
	}
	groups := make([][]int, 0, len(byLen))
	for _, n := range slices.Sorted(maps.Keys(byLen)) {
		group := byLen[n]
		if order != nil {
			order.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
		}
		if batching == vae.Near {
			slices.SortStableFunc(group, func(a, b int) int { return cmp.Compare(s.length(a), s.length(b)) })
		}
		groups = append(groups, group)
	}
	return groups
}

// length is that of example i in symbols; all that are not text have length 0.
func (s Split) length(i int) int {
	if s.Seqs == nil {
		return 0
	}
	return len(s.Seqs[i])
}

// cut yields the parts of a group: of the given size but for the last, or, if even, of sizes that differ by at most one.
func cut(group []int, size int, even bool) func(yield func([]int) bool) {
	n := len(group)
	if !even || n == 0 {
		return slices.Chunk(group, size)
	}
	parts := (n + size - 1) / size
	if size > 1 && n/parts < 2 { // 3 examples in batches of 2
		parts = max(1, n/2)
	}
	return func(yield func([]int) bool) {
		for k := range parts {
			if !yield(group[k*n/parts : (k+1)*n/parts]) {
				return
			}
		}
	}
}

// Untrained is how many examples no epoch trains on, because a batch of one example is left out of training: in
// batches of one length, the sentences that are alone with theirs.
func (s Split) Untrained(batching vae.Batching) (n int) {
	for _, group := range s.groups(batching, nil) {
		if len(group) == 1 {
			n++
		}
	}
	return n
}
