package simtest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/shrink"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// Body is a test that is run in a world of its own for each seed. What it
// shares with other seeds, such as variables of the enclosing function, it
// must set anew each time.
type Body func(ctx context.Context, rt *runtime.Runtime)

// Run executes body once per seed, one seed after the other, and fails the
// test at the first seed whose verdict is not ok.
func Run(t *testing.T, body Body) {
	t.Helper()
	runMain(t, func(ctx context.Context, w *sim.World) error {
		body(ctx, w.Runtime())
		return nil
	})
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
	failedBefore := t.Failed()
	next, stop := iter.Pull(s.seeds.All()) // a range over a function would hide the line of the test
	defer stop()
	for index := uint64(1); ; index++ {
		seed, ok := next()
		if !ok {
			return
		}
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed}, main)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case r.Verdict.Kind == sim.Goexit && t.Skipped():
			t.SkipNow()
		case r.Verdict.Kind == sim.OK && r.Races == 0 && (failedBefore || !t.Failed()):
			continue
		}
		once := sim.Scenario{Name: "test", Run: main}
		options := shrink.Options{TimeMax: s.shrink, Jobs: 1} // bodies share variables
		t.Log(describe(t, s, r, once, options, fmt.Sprintf("%d of %d", index, s.seeds.Count())))
		t.FailNow()
	}
}

// describe tells a failure: what, the seed, the story, the command. For the
// story the run is shrunk and repeated, with whatever the test body logs.
func describe(
	t *testing.T, s settings, r sim.Result, scenario sim.Scenario, options shrink.Options, place string,
) string {
	t.Helper()
	text := report.Failure{
		Title: r.Verdict.String(), Result: r, Place: place, StoryMax: s.story,
		Rerun: rerun(t, r),
	}
	switch {
	case r.Verdict.Kind != sim.OK:
	case r.Races > 0:
		text.Title = "data race, as reported above"
	default:
		text.Title = "the test failed in this run"
	}
	config := scenario.Config(sim.Config{})
	if s.shrink > 0 && r.Races == 0 { // a race is reported once only
		text.Shrink(t.Context(), scenario, config, options)
	}
	if r.Verdict.Kind != sim.Escape {
		text.Tell(t.Context(), config, scenario.Run)
	}
	return text.String()
}

// rerun returns the command that runs the seed again.
func rerun(t *testing.T, r sim.Result) string {
	t.Helper()
	race := ""
	if r.Races > 0 {
		race = "-race "
	}
	return fmt.Sprintf("go test %s%s -run '%s' -sim.seed=%s", race, testPackage(), pattern(t.Name()), sweep.Format(r.Seed))
}

// pattern turns the name of a test into a regular expression for -run, to
// stand between apostrophes.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + strings.ReplaceAll(regexp.QuoteMeta(part), "'", ".") + "$"
	}
	return strings.Join(parts, "/")
}

// testPackage returns the import path of the package of the running test.
func testPackage() string {
	var callers [32]uintptr
	frames := goruntime.CallersFrames(callers[:goruntime.Callers(1, callers[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.File, "_test.go") {
			return packageOf(frame.Function)
		}
		if !more {
			return "."
		}
	}
}

// packageOf cuts a function's name down to the import path, without the suffix
// of an external test package.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + strings.TrimSuffix(name, "_test")
}

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
	r, err := sweep.Run(t.Context(), scenario, sweep.Options{Seeds: s.seeds, Check: 100, FailuresMax: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Failures {
		place := fmt.Sprintf("%d of %d failed like this", f.Count, r.Done)
		t.Error(describe(t, s, f.Result, scenario, shrink.Options{TimeMax: s.shrink}, place))
	}
	for _, d := range r.Divergences {
		t.Errorf("seed %s does not repeat: hash %016x, then %016x; the first difference is at %s",
			sweep.Format(d.Seed), d.First, d.Second, cmp.Or(d.Where, "the outcome"))
	}
	for _, seed := range r.Races {
		t.Errorf("the race detector reported while seed %s ran", sweep.Format(seed))
	}
	if r.Inconclusive > 0 {
		t.Errorf("%d of %d runs proved nothing; %s", r.Inconclusive, r.Done, r.InconclusiveMessage)
	}
	if len(r.Failures) > 0 || r.Done < sweep.ObligationsFrom {
		return
	}
	for _, a := range r.Unmet() {
		t.Errorf("%s %s: never in %d runs", a.Kind, a.ID, r.Done)
	}
}
