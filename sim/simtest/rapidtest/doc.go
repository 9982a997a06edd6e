// Package rapidtest runs simulations under pgregory.net/rapid: rapid draws what is to be
// done, and makes it small when it fails; the simulator decides how that goes, and makes
// the interleaving small.
//
//	func TestQueueKeepsOrder(t *testing.T) {
//		rapidtest.Check(t, func(t *rapid.T) sim.Main {
//			jobs := rapid.SliceOf(rapid.IntRange(0, 9)).Draw(t, "jobs")
//			return func(ctx context.Context, w *sim.World) error {
//				...
//				w.Runtime().Always(isOrdered, "keeps-order")
//				return nil
//			}
//		})
//	}
//
// Everything is drawn before the world runs: rapid's Draw and Fatal signal by panics that
// a task would turn into a verdict of its own. The seed of the world is drawn too, and
// fails and passes with the rest, so that rapid's fail files repeat a failure.
//
// Rapid takes two failures for the same one if their stacks are, and all failures of a
// simulation come from one place. [Check] therefore keeps to the id of the first
// failure, see [sim.Verdict.FailureID]: a smaller case that fails in another way counts as passing, and shrinking
// does not slide from one bug to another. Other ids that were met are named at the end.
//
// The flags and variables of package simtest about shrinking, stories, strategies and
// artefacts apply here, those about seeds do not: -rapid.seed and -rapid.checks do that.
//
// It is a package of its own so that who uses simtest does not link rapid.
package rapidtest
