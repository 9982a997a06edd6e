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
//     strictly: a run that asks for a different choice ends as Diverged. So do the
//     answers to Runtime.External, which leaves the world: it stands still meanwhile,
//     and a replay answers from the tape.
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
// node), escape (a step that does not end: it blocks natively or spins, or an
// external call took too long; with all stacks), goexit (t.FailNow in a task),
// leak (a task that waits for ever when the program is done, see
// Config.LeaksAfter), inconclusive (a limit was reached), diverged (a replay left its
// tape). Every failure has a tape, and
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
// n·k^(d-1) runs at least; [POS] (after Yuan, Yang and Gu, CAV 2018) samples the orders
// of operations that race, after a short random beginning. A [Portfolio] is one of several
// by seed, and [ParseStrategy] knows all of them by name. Those that have priorities are
// fair for a while when somebody starves, so a program that polls ends. How often each
// finds what is in docs/detection.md.
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
// Faults are planned ([World.Inject]) by step or by what the program announces, or
// drawn from the streams "storage", "network", "clock", "fault" and "buggify"; they
// are not tasks, so that no strategy favours them. [World.Quiesce] ends them. Nodes
// crash, alone or together, lose their disks, stop, pause, and their clocks
// ([Clock]) jump and drift. Objects of the world add kinds ([World.Handle]): package
// sim/network carries messages between nodes, and parts them. A [Swarm] draws a
// [Plan] for each run; [World.Veto] keeps a guarantee possible.
//
// # Data races
//
// With go test -race a seed makes the same run, with the same hash, and the race
// detector reports the data races among its tasks, the same ones for the same
// seed. [Result.Races] counts them; package simtest fails, and names the seed.
// Two accesses need not come close to each other to be reported, there only must
// be no order between them, so a few seeds are enough.
//
// The order is the one that package runtime promises, that of Go's primitives:
// what precedes Unlock precedes the next Lock, but RUnlock precedes no RLock, and
// so on. Beside the primitives:
//
//   - Packages sync and sync/atomic order as ever. An object of the world has a
//     native lock inside, or atomics, because tasks of several nodes use it.
//   - Operations on one [runtime.Resource] come one after the other. To the
//     detector each lasts until the next scheduling point of its task.
//   - An operation of the [World] or of a [Node] comes after all that its task
//     did, and after all that nodes did which have crashed or ended. A node's
//     incarnation comes after its boot. After the verdict everything is in order.
//   - What the world calls outside any task ([World.After], handlers of faults,
//     vetoes, triggers) is like an operation of the world; the function of After
//     comes after whoever asked for it, too.
//   - Assertions, choices, logs, the clock and sleeping order nothing.
//   - A strategy, a [Bound.Window] or a sink that looks into the program needs
//     atomics or a native lock for that.
//
// iter.Pull makes every switch an edge of happens-before, and so would hide every
// race. Under the detector a task has a second stack: a goroutine on which its
// program runs, and which hands what concerns the kernel over to the coroutine,
// unseen by the detector. An operation costs some microseconds there; and as the
// detector knows at most 8,128 goroutines, no more than 4,000 tasks can be alive.
// It reports a race once in a process, also when another seed comes across it:
// GORACE=suppress_equal_stacks=0 lets every run report its own.
//
// # What it is not
//
// Native goroutines, channels and locks are for what cannot park meanwhile, and
// runtime.LockOSThread in a task is fatal at the next switch.
//
// The clock cannot be that of benbjohnson/clock: its mock sleeps a millisecond
// of real time for each step and leaves the order of the woken to the Go
// scheduler, and nobody else can implement its timers.
package sim
