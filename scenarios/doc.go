// Package scenarios lists the scenarios of Tidemark: who does what to whom,
// under which faults. Each stands in a file of its own and reads as given,
// when, then. [All] is the list; "simrun list" prints it.
//
// A scenario makes nodes, stores and clients in a [sim.World], lets the seed
// decide sizes and faults, and leaves the judgement to assertions and to the
// checkers of package invariants. Sizes are mostly small, because many small
// runs find more than a few large ones.
//
// The canary has a planted bug. It proves, in every run of the continuous
// integration, that a bug would be noticed: it must fail. It runs only when it
// is named.
//
//sim:deterministic
package scenarios
