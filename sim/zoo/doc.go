// Package zoo is a benchmark of detection: small concurrent programs on package
// runtime, each with a bug on purpose and with its fixed twin, in categories from the
// double lock to the ambiguous write that is retried. Many are modelled on published
// bugs of Go projects, which [Program.Source] cites; all code is our own.
//
//	p, _ := zoo.Find("lease-checkpoint")
//	m, err := zoo.Measure(ctx, p, sim.Random, zoo.Effort{Trials: 20, SeedsMax: 1000})
//	fmt.Println(m.Median(), m.P95())
//
// A bug is found when a run ends with the verdict of the program: deadlocks, leaks,
// misuse and panics without any assertion, wrong results by one. [Run] looks for leaks
// by [sim.Config.LeaksAfter]. The command "simrun zoo" measures all of them, under
// several strategies.
//
// # What is measured
//
// How many seeds a strategy needs until the bug shows: the median of some trials, and
// what is enough for 95 % of them. Each trial has seeds of its own, and the same
// effort gives the same numbers. [CheckTwin] looks for false reports: the twin is the
// same program with one place put right, which a comment marks with "Bug".
//
// Some thirty programs are hard for [sim.Random], which needs more than 30 seeds: a
// task has to stay where it is while another takes many steps, and each step halves
// the chance of that. How hard they are was tuned by how much other work is done
// meanwhile, on locks and resources of its own, such that a thousand seeds are enough.
// [Program.Depth] says how many pairs of operations have to come in a certain order.
//
// What it does not show: how good a strategy is in large programs, where
// everything takes more steps. Data races are in the zoo, marked by
// [Program.NeedsRace], but only the race detector sees them, and it reports one once in
// a process: go test -race runs them, in a child.
//
// Package zoo/native has some of the programs in plain Go, to measure
// "go test -race -count" in the same way.
package zoo
