package report_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/shrink"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// overdraft fails under every seed.
func overdraft(_ context.Context, w *sim.World) error {
	rt := w.Runtime()
	mu := rt.NewMutex()
	mu.Lock()
	mu.Unlock() //nolint:staticcheck // an empty section makes a short story
	rt.Always(false, "no-overdraft", "balance", -20)
	return nil
}

// failure describes a run of main under seed 7.
func failure(t *testing.T, config sim.Config, main sim.Main) report.Failure {
	t.Helper()
	config.Seed = 7
	r, err := sim.Run(t.Context(), config, main)
	if err != nil {
		t.Fatal(err)
	}
	return report.Failure{
		Title: r.Verdict.String(), Result: r, Place: "3 of 100", Rerun: "go test -run X -sim.seed=7",
	}
}

// lines are masked: they change with this file.
var line = regexp.MustCompile(`_test\.go:\d+`)

func wantText(t *testing.T, want, got string) {
	t.Helper()
	got = line.ReplaceAllString(got, "_test.go:N")
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// TestFailureIsTold protects what people see first: what broke, where, the
// story, and how to see it again.
func TestFailureIsTold(t *testing.T) {
	f := failure(t, sim.Config{}, overdraft)
	f.Tell(t.Context(), sim.Config{}, overdraft)
	wantText(t, `
no-overdraft balance=-20
  seed 7, 3 of 100; 3 steps, 3µs of virtual time
  in main, step 3
  story:
      1   +0.000001s  main                                      starts
      2   +0.000002s  main            report/report_test.go:N  lock report_test.overdraft.mutex#0
      3   +0.000003s  main            report/report_test.go:N  unlock report_test.overdraft.mutex#0
      3   +0.000003s  main            report/report_test.go:N  VERDICT violation no-overdraft balance=-20

  again: go test -run X -sim.seed=7`, f.String())
}

// TestBothSidesOfAPreemptionAreTold protects readers from searching: where the task was
// stopped, at what, and where the other one went on, whether it was new or not.
func TestBothSidesOfAPreemptionAreTold(t *testing.T) {
	withdraw := func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		mu, balance := rt.NewMutex(), 100
		group := rt.NewGroup(ctx)
		for range 2 {
			group.Go("client", func(context.Context) error {
				rt.Yield()
				if mu.Lock(); balance >= 60 {
					mu.Unlock()
					mu.Lock()
					balance -= 60
				}
				mu.Unlock()
				return nil
			})
		}
		_ = group.Wait()
		rt.Always(balance >= 0, "no-overdraft")
		return nil
	}
	f := failure(t, sim.Config{}, withdraw)
	f.Shrink(t.Context(), sim.Scenario{Name: "withdraw", Doc: "fails", Run: withdraw}, sim.Config{}, shrink.Options{})
	f.Tell(t.Context(), sim.Config{}, withdraw)
	text := line.ReplaceAllString(f.String(), "_test.go:N")
	want := `
  preempted: main/client at report/report_test.go:N (about to lock TestBothSidesOfAPreemptionAreTold.func.mutex#0),` +
		` after unlock TestBothSidesOfAPreemptionAreTold.func.mutex#0 at report/report_test.go:N
             main/client#1 goes on at report/report_test.go:N (yield)
  story of the smaller run:
`
	if !strings.Contains(text, want) {
		t.Errorf("want in the text:%s\ngot\n%s", want, text)
	}
	if len(f.Events()) == 0 {
		t.Error("no events for a picture")
	}
}

// TestSmallerNumbersAreTold protects readers of a smaller workload, and those who follow
// its script: there is no tape of such a run, and still it is shrunk and told.
func TestSmallerNumbersAreTold(t *testing.T) {
	work := func(_ context.Context, w *sim.World) error {
		rt := w.Runtime()
		n := 10 + rt.Rand("work").IntN(90)
		for range n {
			rt.Yield()
		}
		rt.Always(n < 13, "twelve")
		return nil
	}
	scenario := sim.Scenario{Name: "work", Doc: "fails", Run: work}
	f := failure(t, sim.Config{}, work)
	for range 2 {
		f.Shrink(t.Context(), scenario, sim.Config{}, shrink.Options{})
		f.Tell(t.Context(), sim.Config{}, work)
		text := f.String()
		for _, want := range []string{
			"shrunk to nothing out of the ordinary, 13 operations\n", "\n  smaller: number 0 of stream \"work\" is 3\n", "story of the smaller run:\n",
		} {
			if !strings.Contains(text, want) || strings.Contains(text, "repeat") {
				t.Errorf("want %q, and no warning, in\n%s", want, text)
			}
		}
		f = failure(t, sim.Config{Script: f.Script()}, work)
	}
}

// TestLongStoryIsCut protects terminals: the end is what matters.
func TestLongStoryIsCut(t *testing.T) {
	f := failure(t, sim.Config{}, overdraft)
	f.StoryMax = 1
	f.Tell(t.Context(), sim.Config{}, overdraft)
	got := f.String()
	if !strings.Contains(got, "story, the last 1 of 4 events:\n      3 ") || strings.Contains(got, "starts") {
		t.Errorf("text:\n%s", got)
	}
}

// TestFailureWithoutStoryShowsItsLastDecisions protects runs that cannot be
// told again.
func TestFailureWithoutStoryShowsItsLastDecisions(t *testing.T) {
	f := failure(t, sim.Config{}, overdraft)
	f.StoryMax = 2
	wantText(t, `
no-overdraft balance=-20
  seed 7, 3 of 100; 3 steps, 3µs of virtual time
  in main, step 3
  the last 2 decisions:
      2   +0.000002s  main                                    lock report_test.overdraft.mutex#0
      3   +0.000003s  main                                    unlock report_test.overdraft.mutex#0

  again: go test -run X -sim.seed=7`, f.String())
}

// TestEscapeShowsAllStacks protects the search for what blocks natively.
func TestEscapeShowsAllStacks(t *testing.T) {
	block := make(chan struct{})
	f := failure(t, sim.Config{StuckAfter: 100 * time.Millisecond}, func(_ context.Context, w *sim.World) error {
		w.Runtime().Yield()
		<-block
		return nil
	})
	close(block)
	got := f.String()
	for _, want := range []string{
		"escape: a step took more than 100ms: blocked natively in a channel receive at ", "\n  in main, step 2\n",
		"[chan receive", "TestEscapeShowsAllStacks", "the last 2 decisions:\n", "main", "yield",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the text does not contain %q:\n%s", want, got)
		}
	}
}

func explode() { panic("boom") }

// TestPanicShowsTheProgramsFrames protects the eye from the frames of the
// simulator.
func TestPanicShowsTheProgramsFrames(t *testing.T) {
	got := failureText(t, func(context.Context, *sim.World) error { explode(); return nil })
	const frame = "\n  at report_test.explode  report/report_test.go:N\n"
	if !strings.Contains(got, frame) || strings.Contains(got, "sim.(*kernel)") {
		t.Errorf("text:\n%s", got)
	}
}

// TestDeadlockShowsEveryTask protects the list of who waits for whom.
func TestDeadlockShowsEveryTask(t *testing.T) {
	got := failureText(t, func(_ context.Context, w *sim.World) error {
		mu := w.Runtime().NewMutex()
		mu.Lock()
		mu.Lock()
		return nil
	})
	if !strings.Contains(got, "  main waits: lock TestDeadlockShowsEveryTask.func.mutex#0, held by main\n") {
		t.Errorf("text:\n%s", got)
	}
}

func failureText(t *testing.T, main sim.Main) string {
	t.Helper()
	f := failure(t, sim.Config{}, main)
	return line.ReplaceAllString(f.String(), "_test.go:N")
}

// TestRunThatDoesNotRepeatIsCalledSo protects people from stories of another
// run: the text warns, and says where the two parted.
func TestRunThatDoesNotRepeatIsCalledSo(t *testing.T) {
	runs := 0
	main := func(ctx context.Context, w *sim.World) error {
		runs++
		for range runs {
			w.Runtime().Yield()
		}
		return overdraft(ctx, w)
	}
	f := failure(t, sim.Config{}, main)
	f.Tell(t.Context(), sim.Config{}, main)
	got := f.String()
	for _, want := range []string{"this seed does not repeat: hash ", "The first difference is at step 3: main (lock "} {
		if !strings.Contains(got, want) {
			t.Errorf("the text does not contain %q:\n%s", want, got)
		}
	}
}

// TestSweepIsSummarised protects the last lines of a sweep, to the letter.
func TestSweepIsSummarised(t *testing.T) {
	unmet := []runtime.Assertion{
		{Kind: runtime.KindAlways, ID: "holds", Evaluated: 7, Held: 7},
		{Kind: runtime.KindSometimes, ID: "met", Evaluated: 9, Held: 2},
		{Kind: runtime.KindSometimes, ID: "goal", Evaluated: 9},
		{Kind: runtime.KindFault, ID: "crash"},
	}
	for _, test := range []struct {
		report sweep.Report
		want   string
	}{
		{
			sweep.Report{
				Scenario: "transfer", Total: 200, Done: 200, Steps: 3_000_000, Virtual: 90 * time.Second, Real: 2 * time.Second,
				Checked: 2, Assertions: unmet[:2],
			},
			"ok    transfer      200 seeds, 2 twice, 100 runs and 1.5 M steps/core-s, 2s\n",
		},
		{
			sweep.Report{Scenario: "canary", Total: 200, Done: 3, Failed: 1, Failures: make([]sweep.Failure, 1)},
			"FAIL  canary        3 of 200 seeds, 1 failed\n",
		},
		{
			sweep.Report{
				Scenario: "pipeline", Total: 100, Done: 100, Inconclusive: 2, Assertions: unmet,
				InconclusiveMessage: "seed 7: step limit reached",
			},
			"?     pipeline      100 seeds\n" +
				"      2 runs proved nothing; seed 7: step limit reached\n" +
				"      sometimes goal: never in 100 runs\n" +
				"      fault crash: never in 100 runs\n",
		},
		{
			sweep.Report{Scenario: "failover", Total: 9, Done: 5, Interrupted: true, Assertions: unmet},
			"STOP  failover      5 of 9 seeds\n",
		},
		{
			sweep.Report{Scenario: "failover", Total: 9, Done: 9, Divergences: []sweep.Divergence{
				{Seed: 2_000_000, First: 1, Second: 2, Where: "step 3: a, then b"}, {Seed: 4, First: 3, Second: 4},
			}},
			"DIFF  failover      9 seeds\n" +
				"      seed 0x00000000001e8480 does not repeat: hash 0000000000000001, then 0000000000000002\n" +
				"        the first difference is at step 3: a, then b\n" +
				"      seed 4 does not repeat: hash 0000000000000003, then 0000000000000004\n",
		},
	} {
		var b strings.Builder
		report.Sweep(&b, &test.report)
		wantText(t, test.want, b.String())
	}
}

// TestObligationsAreATable protects the overview of goals and faults.
func TestObligationsAreATable(t *testing.T) {
	var b strings.Builder
	err := report.Obligations(&b, &sweep.Report{Assertions: []runtime.Assertion{
		{Kind: runtime.KindAlways, ID: "holds", Evaluated: 7, Held: 7},
		{Kind: runtime.KindSometimes, ID: "a-long-goal", Evaluated: 900, Held: 2},
		{Kind: runtime.KindFault, ID: "crash", Evaluated: 3, Held: 3},
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, `
kind       id           evaluated  met
sometimes  a-long-goal  900        2
fault      crash        3          3
`, b.String())
}
