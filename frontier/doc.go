// Package frontier is the algebra of progress: it says which times of a
// collection are complete, which are still readable, and who holds them back.
//
// A time is a uint64, in production the milliseconds since the Unix epoch. Every
// value from 0 to [MaxTime] is a legal time; none is set aside to mean "never".
//
//   - [Antichain] is a frontier: the set of times at or beyond one time, or no
//     time at all. A shard's upper and since are frontiers, and so is the answer
//     of a read policy. It is a value of 16 bytes, comparable with ==.
//   - [ChangeBatch] adds up changes (time, diff) until somebody takes them.
//   - [MutableAntichain] is a multiset of times with the frontier of those whose
//     count is positive. Each reader adds the time it reads from; the frontier
//     is then the earliest time that anybody still needs, and it says when it
//     moves.
//
// Frontiers are ordered by what they still allow: {0} allows every time and is
// the least, {5} comes before {7}, and {}, which allows none, is the greatest.
// Even the frontier at MaxTime lies before {}. [Antichain.Join] is the later of
// two frontiers and [Antichain.Meet] the earlier.
//
// Mind the two families of questions. [Antichain.LessEqual] compares a frontier
// with a frontier, [Antichain.LessEqualTime] asks whether a time is at or beyond
// a frontier. They part at {}: it is at or beyond every frontier, while no time
// is at or beyond it.
//
// # Promises
//
// Nothing here starts goroutines, reads a clock or depends on the order of a Go
// map: equal calls give equal answers. A call that returns an error has changed
// nothing. ChangeBatch and MutableAntichain are always consolidated, so reading
// never modifies them; they allocate nothing up to 8 distinct times, and beyond
// that each change costs O(log n). Sums that leave the range of int64 are
// refused with [OverflowError] and never wrap around. Check methods verify the
// structure from the inside, for simulations and tests.
//
// # What it does not do
//
// It does not forbid negative counts or a frontier that goes backwards: both are
// representable, and it is for the owner of a MutableAntichain to refuse them
// (invariants I-2, I-3 and I-6). It has no partially ordered times: the generic
// form exists only as the model that the tests compare with.
//
// The collections and persist packages build on this one, which builds on
// nothing else in the project. The vocabulary, and the idea of counting
// capabilities to find a frontier, come from timely dataflow (Murray and others,
// "Naiad: A Timely Dataflow System", SOSP 2013).
//
//sim:deterministic
package frontier
