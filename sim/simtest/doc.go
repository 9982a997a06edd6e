// Package simtest runs simulations under go test.
//
// [Run] executes a test body in one fresh world per seed, 100 of them by
// default and 10 with -short. The first seed that fails is told as a story,
// with the command that repeats it:
//
//	func TestNoOverdraft(t *testing.T) {
//		simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
//			...
//			rt.Always(balance >= 0, "no-overdraft", "balance", balance)
//		})
//	}
//
// [RunScenario] sweeps a [sim.Scenario], on all cores, and also demands that
// its obligations are met. [Fuzz] lets go test -fuzz make the choices, and package
// rapidtest lets rapid draw what is done.
//
// # Settings
//
// Each flag has a variable, since go test refuses unknown flags in packages that do
// not import this one: SIM_SEED is -sim.seed, SIM_CHECK_DETERMINISM is
// -sim.check-determinism. Flags win. What makes no sense fails the test.
//
//	-sim.seed=7                   this seed only
//	-sim.seeds=1-1000,0x2a        these seeds; "random" is one, too
//	-sim.for=10m                  new seeds for so much real time, for each Run
//	-sim.strategy=pct:3           what makes the choices, see [sim.ParseStrategy]
//	-sim.faults=calm              no faults; or a file with a [sim.Plan]
//	-sim.check-determinism=100    every how-manyth seed is run twice; or a share, 1%; 0 for none
//	-sim.trace=failed             of which runs the story is told: never, failed, always
//	-sim.story=40                 how much of it is shown
//	-sim.shrink=5s                how long a failure is made smaller
//
// # Artefacts and corpus
//
// The tape of a failed run, the script of the smaller one, its whole story and a picture of it are
// written to the test's ArtifactDir, which go test -artifacts keeps. A script or tape
// that is copied to testdata/sim/TestName in the package's folder is run before all
// seeds, unless one seed was asked for: scripts are followed as far as they fit, which
// outlives changes of the program; of a tape the seed is taken. What passes is silent. A
// damaged file, or one of another test, fails the test.
//
// # In a test body
//
// A test body may call t.Fatal and its like from any task: the world stops,
// and the test ends as it should; such a failure is not shrunk. A run that fails in
// another way is repeated many times to shrink it, and what the body logs through t
// appears as often; rt.Logger writes into the story instead.
//
// When a run is over, deferred functions of tasks that have not ended are run,
// those of crashed nodes too; an assertion on t in one of them counts.
package simtest
