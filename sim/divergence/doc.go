// Package divergence finds the place where a program escapes the simulator: the first
// event in which two runs of the same seed differ.
//
// What a seed does not decide (the order of a map, the real clock, the global random
// source, addresses, native channels and pools) shows as soon as it leads to another
// operation. The line of that operation, with the events that both runs had before
// it, is as a rule a few lines from the cause.
package divergence
