// Package stats computes intervals and paired tests for few seeds.
//
// A trial takes minutes, so there are few: six, ten, rarely twenty. What is used here is
// exact at such numbers and asks little of the distribution: an interval for the median
// from order statistics, tests of paired differences by permutation, and Holm's correction
// where there are several. The t interval of the mean is here for tables that compare with
// published ones; it supposes a normal distribution.
//
// A 95 % interval that asks nothing of the distribution needs six seeds, and the smallest p
// of a paired test is 0.0625 with five and 0.031 with six. A result from fewer seeds can
// therefore not be called shown, whatever it looks like.
//
// Everything panics on NaN: what is not a number has to be dealt with before.
package stats
