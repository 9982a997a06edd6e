// Package sweep runs one scenario over many seeds, on all cores.
//
// [Run] hands out the seeds of [Options] in order to parallel workers, each
// with worlds of its own, and adds up what they found in a [Report]: failures
// (the first seed of each distinct failure id), runs that proved nothing,
// seeds that did not repeat, and which obligations were met. A fault kind that
// the scenario enables but that was never delivered, or a Sometimes that was
// never true, means that the sweep is not green; [Report.Unmet] lists them. An
// assertion that no run comes to is in no report: [NeverEvaluated] compares the sweeps
// of all scenarios with a [Catalogue], which "simvet catalogue" collects from the source.
//
// A [Shard] is a part of the seeds that runs on another machine; [Report.Merge] adds the
// parts up. Runs that have failed before may come first ([Options.First]).
//
// [ParseSeeds] reads the notation of seeds that the command line uses.
//
// A sweep uses real goroutines and real time. Which seeds fail does not depend
// on either: when it stops early, every seed below the last one handed out has
// been run.
package sweep
