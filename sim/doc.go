// Package sim is a deterministic simulator for programs written against package
// runtime. It runs the same code, unchanged, on one thread in virtual time; a
// seed decides every interleaving, every fault and every random number, and the
// same seed repeats the same run.
//
//	result, err := sim.Run(ctx, sim.Config{Seed: 7}, func(ctx context.Context, w *sim.World) error {
//		rt := w.Runtime()
//		...
//		rt.Always(balance >= 0, "no-overdraft", "balance", balance)
//		return nil
//	})
//
// Most people do not call [Run]: package simtest runs tests over many seeds,
// package sweep runs a [Scenario] over ranges of them, and cmd/simrun does so
// from the command line.
//
// # How determinism comes about
//
//  1. Tasks are coroutines (iter.Pull); one runs at a time, and gives the
//     processor back only in operations of package runtime.
//  2. Before each visible operation the kernel decides who goes on. The
//     candidates are the current task, the tasks that are ready in the order in
//     which they became so, and the alarms that are due.
//  3. That choice, the one among several ready arms of a select, each fault and
//     each rt.Choose go through one [Strategy]. Streams of choices are derived
//     from the seed by hashing their names, so a draw in one never shifts
//     another. Choice 0 always means that nothing bad happens.
//  4. Each choice among two or more goes on the [Tape]. A tape is replayed
//     strictly: a run that asks for a different choice ends as Diverged.
//  5. Time is virtual. A step takes Config.StepCost; when nothing can run the
//     clock moves to the next alarm.
//  6. The hash of a run covers each decision (the task, its operation and
//     object, the number of candidates, the time of alarms), the counts of
//     assertions and the kind of verdict. Names of tasks and objects hold no
//     addresses and no lines.
//
// A seed means the same on every Go release and architecture, and on any number
// of processors. What the simulator cannot see can still break this: map
// iteration order, native goroutines, channels and select, time.Now, global
// math/rand, addresses, sync.Pool. The command "simrun check" runs every seed
// twice to find it.
//
// # Verdicts
//
// [Run] returns a [Verdict] in every case: ok, violation (an assertion),
// deadlock (with every task, what it waits for and who holds it), panic (with
// the task's own stack), misuse, border (a task used a primitive of another
// node), escape (a step that does not end: it blocks natively or spins; with
// all stacks), goexit (t.FailNow in a task), leak (a task that waits for ever
// when the program is done, see Config.LeaksAfter), inconclusive (a limit was
// reached), diverged (a replay left its tape). Every failure has a tape, and
// [Result.Recent] tells its last decisions where a replay cannot.
//
// A tape means nothing to a program that has changed. A [Script] is the same run
// in terms of the program: the switches from one task to another that were not
// necessary, the faults, and the choices other than 0. It is followed as far as it
// fits, so parts of it can be left out; package sim/shrink does that until every
// part is needed for the failure.
//
// # Strategies
//
// [Random] gives every candidate the same chance, [Sticky] mostly goes on with the
// same task. [PCT] (Burckhardt et al., ASPLOS 2010) has few preemptions at random
// points, and finds a bug of depth d among n tasks and k decisions in one of
// n·k^(d-1) runs at least; [POS] (Yuan, Yang and Gu, CAV 2018) samples the orders of
// operations that race. A [Portfolio] is one of several by seed, and [ParseStrategy]
// knows all of them by name. Those that have priorities are fair for a while when
// somebody starves, so a program that polls ends. How often each finds what is in
// docs/detection.md.
//
// [Explore] is for worlds of two or three tasks and a few operations: it executes all
// their schedules and choices, less those that sleep sets (Godefroid, 1996) show to be
// equivalent, and says when there are no more.
//
// # Nodes and faults
//
// A [World] has nodes. Each boots into a runtime of its own; a primitive belongs
// to the node that made it. What outlives a crash, such as a store, is an
// object of the world: plain Go that copies what goes in and out and never
// holds a lock across a scheduling point. [Node.Crash] freezes: dead tasks
// never run again, and none of their deferred functions runs while the world is
// observed; after the verdict they are unwound, with every operation of theirs
// answered by another Goexit. A node whose last task has ended is down, and its
// timers are gone. [Node.Pause] makes a zombie that wakes up later.
// Faults are planned by step ([World.Inject]) or drawn from the streams
// "storage", "network", "clock", "fault" and "buggify"; they are not tasks, so
// that no strategy favours them. [World.Quiesce] ends them.
//
// # What it is not
//
// Native goroutines, channels and locks are for what cannot park meanwhile, and
// runtime.LockOSThread in a task is fatal at the next switch.
//
// The clock cannot be that of benbjohnson/clock: its mock sleeps a millisecond
// of real time for each step and leaves the order of the woken to the Go
// scheduler, and nobody else can implement its timers.
//
// Under the race detector every switch is a happens-before edge, because
// iter.Pull makes it one. A data race between two tasks is therefore not
// reported in the simulator, although the interleaving that shows its effects
// may well be found. Run live tests with -race for that.
package sim
