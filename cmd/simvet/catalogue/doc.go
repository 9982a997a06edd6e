// Package catalogue collects the assertions of a program from its source: the calls of
// Always, AlwaysOrUnreachable, Sometimes, Reachable and Unreachable of package runtime,
// and of World.Eventually of package sim, which is an Always; also where they are called
// through an interface that has them.
//
//	simvet catalogue ./scenarios                     # print them
//	simvet catalogue -o catalogue.txt ./scenarios    # write them to a file
//
// A sweep knows only the assertions that some run has evaluated. One that no run ever
// comes to is missing from its tables, and looks as green as all others. The catalogue is
// what the sweep is compared with.
//
// It covers the packages that are named, and those of the same module that they import,
// without their tests; packages runtime and sim, which implement the assertions, are left
// out. A line has the kind of the assertion, its id, the function and the file in which
// it stands, and the scenarios that may come to it. There are no line numbers, so that
// most edits change nothing. [sweep.ParseCatalogue] reads it.
//
// Which scenarios may come to an assertion is found by following references: a function
// reaches all functions and variables that it mentions, and a call through an interface
// all methods of that name. That is more than what is really called; only reflection, and
// methods that nobody but another module calls, are missed. A scenario is a function that
// gives a constant to the field Name of a sim.Scenario.
//
// It is an error if one id is used with two kinds. The same kind at several places is one
// promise, asserted at each of them. An id that is not a constant is printed as a comment,
// and not judged.
package catalogue
