// Package stats computes intervals and paired tests for few seeds.
//
// A trial takes minutes, so there are few seeds: six, ten, rarely twenty. The methods here are
// exact for small n and distribution-free: an interval of the median from order statistics,
// permutation tests of paired differences, and Holm's correction for several tests. The t
// interval of the mean assumes a normal distribution; it serves tables that compare with
// published ones.
//
// A distribution-free 95 % interval needs six seeds. The smallest p of a paired test is 0.0625
// with five seeds and 0.031 with six. Fewer than six seeds therefore show nothing at 95 %.
//
// All functions panic on NaN: the caller must remove it.
package stats
