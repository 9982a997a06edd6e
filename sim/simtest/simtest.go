package simtest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// Body is a test that is run in a world of its own for each seed, and twice for some.
// What it shares with other runs, such as variables of the enclosing function, it
// must set anew each time.
type Body func(ctx context.Context, rt *runtime.Runtime)

// main returns the body as what a world executes.
func (b Body) main() sim.Main {
	return func(ctx context.Context, w *sim.World) error {
		b(ctx, w.Runtime())
		return nil
	}
}

// Run executes body once per seed, one seed after the other, and fails the
// test at the first seed whose verdict is not ok.
func Run(t *testing.T, body Body) {
	t.Helper()
	runMain(t, body.main())
}

// RunWorld is Run for a test that acts on the world: nodes, faults, time.
func RunWorld(t *testing.T, main sim.Main) {
	t.Helper()
	runMain(t, main)
}

func runMain(t *testing.T, main sim.Main) {
	t.Helper()
	s, err := settingsOf(testing.Short())
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{t: t, settings: s, scenario: sim.Scenario{Name: t.Name(), Run: main}, jobs: 1, failedBefore: t.Failed()}
	r.runCorpus()
	start := time.Now()
	next, stop := iter.Pull(s.seeds.All()) // a range over a function would hide the line of the test
	defer stop()
	for index := uint64(0); !s.isOver(start); index++ {
		config := s.config
		var ok bool
		if config.Seed, ok = next(); !ok {
			return
		}
		r.one(config, s.place(index), s.check > 0 && index%s.check == 0)
	}
}

// runner runs a scenario for a test, one run after the other.
type runner struct {
	t            *testing.T
	settings     settings
	scenario     sim.Scenario
	jobs         int  // how many runs at once may shrink a failure; 1 if they share variables, 0 for all cores
	failedBefore bool // the test, before the first run
}

// runCorpus does the runs that have failed before, unless one seed was asked for.
func (r *runner) runCorpus() {
	r.t.Helper()
	if r.settings.isSingle {
		return
	}
	all, err := readCorpus(r.t.Name(), r.scenario.Name, r.settings.config)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, k := range all {
		config := r.scenario.Config(k.Config)
		result := r.run(config)
		if r.hasFailed(result) {
			again := command(result, testPackage(), r.t.Name()) + r.settings.again
			r.t.Log(r.describe(config, result, telling{place: "kept in " + k.Path, again: again}))
			r.t.FailNow()
		}
	}
}

// one does a run, and a second time if it is to be seen whether it repeats. It ends the
// test if the run fails.
func (r *runner) one(config sim.Config, place string, twice bool) {
	r.t.Helper()
	tail := trace.NewTail(eventsMax)
	if r.settings.trace == "always" {
		config.Trace = tail.Add
	}
	result := r.run(config)
	config.Trace = nil
	if r.hasFailed(result) {
		r.t.Attr("sim.seed", sweep.Format(result.Seed))
		r.t.Log(r.describe(config, result, telling{place: place, again: r.again(result), corpus: corpusFolder(r.t.Name())}))
		r.t.FailNow()
	}
	if tail.Total() > 0 {
		if err := savePassing(r.t, result, tail); err != nil {
			r.t.Fatal(err)
		}
	}
	if !twice {
		return
	}
	if second := r.run(config); second.Hash != result.Hash {
		r.t.Fatal(diverged(result.Seed, result.Hash, second.Hash, result.Difference(second)))
	}
}

// run does a run, and skips the test if the run did.
func (r *runner) run(config sim.Config) sim.Result {
	r.t.Helper()
	result, err := sim.Run(r.t.Context(), config, r.scenario.Run)
	if err != nil {
		r.t.Fatal(err)
	}
	if result.Verdict.Kind == sim.Goexit && r.t.Skipped() {
		r.t.SkipNow()
	}
	return result
}

// hasFailed reports whether the run failed, or the test in it, or had a data race.
func (r *runner) hasFailed(result sim.Result) bool {
	return result.Verdict.Kind != sim.OK || result.Races > 0 || !r.failedBefore && r.t.Failed()
}

// eventsMax is how many of the last events of a passing run are kept for pictures.
const eventsMax = 100_000

// RunScenario sweeps the scenario over the seeds, on all cores, and fails the
// test at the first failure. A hundredth of the seeds is run twice to see
// whether they repeat. From a hundred seeds on, a fault kind that was never
// delivered or a Sometimes that was never true fails the test too.
func RunScenario(t *testing.T, scenario sim.Scenario) {
	t.Helper()
	s, err := settingsOf(testing.Short())
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{t: t, settings: s, scenario: scenario, failedBefore: t.Failed()}
	if err := scenario.Validate(); err != nil {
		t.Fatal(err)
	}
	r.runCorpus()
	var done []uint64
	swept, err := sweep.Run(t.Context(), scenario, sweep.Options{
		Seeds: s.seeds, For: s.duration, Check: int(s.check), FailuresMax: 1, Config: s.config,
		Each: func(result sim.Result) { done = append(done, result.Seed) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.judge(&swept)
	for i := 0; s.trace == "always" && i < len(done); i++ {
		config := s.config
		config.Seed = done[i]
		r.one(scenario.Config(config), s.place(uint64(i)), false)
	}
}

// judge fails the test for what a sweep has found.
func (r *runner) judge(swept *sweep.Report) {
	t := r.t
	t.Helper()
	for _, f := range swept.Failures {
		t.Attr("sim.seed", sweep.Format(f.Result.Seed))
		t.Error(r.describe(r.settings.config, f.Result, telling{
			place: fmt.Sprintf("%d of %d failed like this", f.Count, swept.Done),
			again: r.again(f.Result), corpus: corpusFolder(t.Name()),
		}))
	}
	for _, d := range swept.Divergences {
		t.Error(diverged(d.Seed, d.First, d.Second, d.Where))
	}
	for _, seed := range swept.Races {
		t.Errorf("the race detector reported while seed %s ran", sweep.Format(seed))
	}
	if swept.Inconclusive > 0 {
		t.Errorf("%d of %d runs proved nothing; %s", swept.Inconclusive, swept.Done, swept.InconclusiveMessage)
	}
	if len(swept.Failures) > 0 || swept.Done < sweep.ObligationsFrom {
		return
	}
	for _, a := range swept.Unmet() {
		t.Errorf("%s %s: never in %d runs", a.Kind, a.ID, swept.Done)
	}
}

// diverged says that two runs of a seed differ.
func diverged(seed, first, second uint64, where string) string {
	return fmt.Sprintf("seed %s does not repeat: hash %016x, then %016x; the first difference is at %s",
		sweep.Format(seed), first, second, cmp.Or(where, "the outcome"))
}
