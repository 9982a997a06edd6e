// Package mutation proves tests: it plants known bugs and sees whether scenarios
// find them.
//
// A [Mutant] is a small edit of the program's text: a file, the lines as they
// are, the lines as they are wrong. Nothing in the program knows of it. [Run]
// builds the program that sweeps with the edit laid over the source tree (the
// Go tool's -overlay), and runs scenarios on seeds 1, 2, 3 and so on until one
// of them fails. A mutant that survives its seeds says that the scenarios do not
// test what they seem to.
//
// What counts is a scenario that fails: a mutant that does not compile, hangs, or
// breaks the program in another way has proved nothing and is an error, and so is
// an edit whose lines are no longer there. A mutant may ask for its seeds to be run twice:
// then a seed that does not repeat counts as well.
package mutation
