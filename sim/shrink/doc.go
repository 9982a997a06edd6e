// Package shrink makes failing runs small: it looks for a run of the same scenario
// that fails in the same way with as little out of the ordinary as it can find.
//
// A run is written down as a [sim.Script]: the faults that were delivered, the
// choices that were not 0, the switches to another task where the same could have
// gone on. Everything else is the default, so removing a deviation makes a run
// calmer. [Run] removes them in this order, again and again until nothing more can go:
//
//   - whole kinds of faults, then single ones, then what goes wrong by the choices of a
//     store or a network, whole sites first;
//   - work: numbers of runtime.Rand's streams, from which programs draw what they do, are
//     made smaller where that makes the run shorter;
//   - switches between tasks, in chunks that get smaller, so that each task goes on for as
//     long as it can;
//   - delays, and what else is left of choices, are made as small as they can be.
//
// The first time only large parts of the work are tried, each also without any switch:
// with most of the interleaving still there, a single number changes little. If more
// than one deviation is left in the end, another attempt takes the switches out before the
// work, and the better of both counts, because a small workload may need several where a
// larger one needs one.
//
// This is delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating
// Failure-Inducing Input", IEEE TSE 2002) on the deviations of a run, as DEMi did for
// distributed systems (Scott and others, NSDI 2016). A candidate counts only if it
// fails with the same id, so that shrinking does not slide to another bug. The result
// is run twice and has to come out the same.
package shrink
