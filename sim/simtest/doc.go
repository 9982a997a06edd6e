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
// its obligations are met.
//
// The flags -sim.seed and -sim.seeds choose other seeds, -sim.story the length
// of the story, -sim.shrink how long to shrink a failure. Since go test refuses
// unknown flags in packages that do not import this one, SIM_SEED, SIM_SEEDS,
// SIM_STORY and SIM_SHRINK do the same.
//
// A test body may call t.Fatal and its like from any task: the world stops,
// and the test ends as it should; such a failure is not shrunk. A run that fails in
// another way is repeated many times to shrink it, and what the body logs through t
// appears as often; rt.Logger writes into the story instead.
//
// When a run is over, deferred functions of tasks that have not ended are run,
// those of crashed nodes too; an assertion on t in one of them counts.
package simtest
