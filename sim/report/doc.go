// Package report writes down what runs and sweeps found, for people.
//
// [Failure] is one failed run: what broke, where, the end of its story, and
// the command that repeats it. [Sweep] writes the summary of a sweep with the
// table of its obligations. Both write plain text without colour.
package report
