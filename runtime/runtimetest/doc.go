// Package runtimetest is the conformance suite of package runtime.
//
// A [Case] is one small concurrent program, written twice: in plain Go, and
// on a [github.com/tidemarkdb/tidemark/runtime.Runtime]. It declares the
// outcomes that Go's semantics allow, as short strings: which of two senders
// came first, which arm of a select was chosen, what a panic said. [Run]
// executes the cases on an [Implementation] and compares:
//
//   - [Native] runs the plain Go, and shows that the declaration is true;
//   - [Live] runs the same programs on a live runtime;
//   - a scheduler's test makes an Implementation of its own, and with
//     Complete promises more: over its repetitions every allowed outcome is
//     reached.
//
// No implementation may ever show an outcome that is not allowed. The test of
// a scheduler looks like this:
//
//	runtimetest.Run(t, runtimetest.Implementation{
//		Execute: func(t *testing.T, c runtimetest.Case, seed int) (outcome string) {
//			// run c.Body as the first task; return what it returns, or how the run ended
//		},
//		Repetitions: 500,
//		Complete:    true,
//		Scheduler:   true,
//	})
//
// Cases have few scheduling points, so that a scheduler that picks uniformly
// reaches each outcome with a probability of a few per cent at least. No
// outcome depends on the speed of the machine: whatever has to happen soon is
// set to happen in microseconds, whatever must not happen is an hour away.
//
// Some cases cannot run everywhere, and say why in their own data: a deadlock
// never ends and the unlock of an unlocked mutex kills the process unless a
// scheduler is plugged in; a program whose misuse of channels the race
// detector reports is not run under it; what Go has no counterpart for has no
// plain Go.
//
// Atomicity is coarser in a scheduler than in Go in one way that the cases
// respect: an operation such as the cancellation of a whole tree of contexts
// is one step. In plain Go somebody may see the parent cancelled and its child
// not yet.
package runtimetest
