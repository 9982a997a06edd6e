// Package report writes down what runs and sweeps found, for people and for programs.
//
// [Failure] is one failed run: what broke, where, the end of its story, and
// the command that repeats it. [Sweep] writes the summary of a sweep with the
// table of its obligations. Both write plain text without colour.
//
// A [Sink] receives the same for programs: [NewLines] writes one JSON object a line,
// [NewJUnit] a file for continuous integration. [ReadLines] and [Merge] add up what
// several machines have found.
package report
