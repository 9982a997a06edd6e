package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scenario is a description that says enough to be run.
func scenario(main sim.Main) sim.Scenario {
	return sim.Scenario{Name: "fixture", Doc: "a fixture of a test", Run: main}
}

func run(t testing.TB, s sim.Scenario, options sweep.Options) sweep.Report {
	t.Helper()
	r, err := sweep.Run(t.Context(), s, options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func upTo(last uint64) sweep.Seeds { return sweep.Seeds{{First: 1, Last: last}} }

// byRemainder fails in a way that depends on the seed: one in ten is a
// violation of "a", one in ten of "b", one in ten proves nothing.
func byRemainder(_ context.Context, w *sim.World) error {
	rt := w.Runtime()
	switch w.Seed() % 10 {
	case 3:
		rt.Always(false, "a")
	case 5:
		rt.Always(false, "b")
	case 7:
		for {
			rt.Yield()
		}
	}
	return nil
}

// TestSweepAddsUp protects the report: each seed counts once, in its class, and
// each way to fail is there once, with its lowest seed.
func TestSweepAddsUp(t *testing.T) {
	s := scenario(byRemainder)
	s.StepsMax = 100
	for jobs := range 4 {
		r := run(t, s, sweep.Options{Seeds: upTo(100), Jobs: jobs})
		if r.Total != 100 || r.Done != 100 || r.OK != 70 || r.Failed != 20 || r.Inconclusive != 10 {
			t.Errorf("total %d, done %d, ok %d, failed %d, inconclusive %d", r.Total, r.Done, r.OK, r.Failed, r.Inconclusive)
		}
		var got []string
		for _, f := range r.Failures {
			v := f.Result.Verdict
			got = append(got, fmt.Sprintf("%s from seed %d, %d times, tape of %s",
				v.FailureID(), f.Result.Seed, f.Count, f.Result.Tape.Scenario))
		}
		want := []string{"a from seed 3, 10 times, tape of fixture", "b from seed 5, 10 times, tape of fixture"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("failures (-want +got):\n%s", diff)
		}
		if r.Steps == 0 || r.Virtual == 0 || r.Real == 0 || r.Interrupted || r.Scenario != "fixture" {
			t.Errorf("report %+v", r)
		}
	}
}

// TestLowestSeedWins protects the first thing that people look at: with the
// seeds in any order, the failure that is shown is that of the lowest.
func TestLowestSeedWins(t *testing.T) {
	backwards := sweep.Seeds{{First: 33, Last: 33}, {First: 23, Last: 23}, {First: 13, Last: 13}, {First: 43, Last: 43}}
	r := run(t, scenario(byRemainder), sweep.Options{Seeds: backwards, Jobs: 1})
	if len(r.Failures) != 1 || r.Failures[0].Result.Seed != 13 || r.Failures[0].Count != 4 {
		t.Errorf("failures %+v", r.Failures)
	}
}

// TestSweepStopsAtFailures protects people's time: the sweep ends with the
// number of distinct failures asked for, and every seed before has been run.
func TestSweepStopsAtFailures(t *testing.T) {
	s := scenario(byRemainder)
	s.StepsMax = 100
	for failuresMax, done := range map[int]uint64{0: 1000, 1: 3, 2: 5} {
		r := run(t, s, sweep.Options{Seeds: upTo(1000), Jobs: 1, FailuresMax: failuresMax})
		if r.Done != done {
			t.Errorf("with at most %d failures, %d seeds were run, want %d", failuresMax, r.Done, done)
		}
	}
	r := run(t, s, sweep.Options{Seeds: upTo(1000), Jobs: 4, FailuresMax: 1})
	if r.Done < 3 || r.Done > 16 || // three workers may be held up in 3, 5 and 13; then the fourth fails in 15
		len(r.Failures) == 0 {
		t.Errorf("on four cores %d seeds were run, %d failures", r.Done, len(r.Failures))
	}
}

// TestJobsRunAtOnce protects the use of all cores, and the limit on it.
func TestJobsRunAtOnce(t *testing.T) {
	const jobs = 3
	var running, most atomic.Int64
	gate := make(chan struct{}) // opens when as many run as may
	r := run(t, scenario(func(context.Context, *sim.World) error {
		n := running.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if n == jobs {
			select {
			case <-gate:
			default:
				close(gate)
			}
		}
		<-gate
		running.Add(-1)
		return nil
	}), sweep.Options{Seeds: upTo(30), Jobs: jobs})
	if most.Load() != jobs || r.OK != 30 {
		t.Errorf("%d at once, %d ok", most.Load(), r.OK)
	}
}

// TestNondeterminismIsFound protects the worth of seeds: a run that depends on
// what other runs left behind does not repeat, and the report says where.
func TestNondeterminismIsFound(t *testing.T) {
	var runs atomic.Int64 // shared between runs, which is the mistake
	s := scenario(func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		if runs.Add(1)%2 == 0 {
			rt.NewMutex().Lock()
		}
		rt.Yield()
		return nil
	})
	r := run(t, s, sweep.Options{Seeds: upTo(9), Jobs: 1, Check: 3})
	if r.Checked != 3 || r.Done != 9 || len(r.Divergences) != 3 || r.Code() != sweep.CodeNondeterminism {
		t.Fatalf("%d checked, %d done, divergences %+v", r.Checked, r.Done, r.Divergences)
	}
	for i, d := range r.Divergences {
		if d.Seed != []uint64{1, 4, 7}[i] || d.First == d.Second || d.Where == "" {
			t.Errorf("divergence %+v", d)
		}
	}
	steady := run(t, scenario(byRemainder), sweep.Options{Seeds: upTo(6), Check: 1})
	if steady.Checked != 6 || len(steady.Divergences) > 0 {
		t.Errorf("%d checked, divergences %+v", steady.Checked, steady.Divergences)
	}
}

// TestInterruptedSweepReportsWhatIsDone protects Ctrl-C: no new seeds, runs
// under way end, and what they had not proved does not count.
func TestInterruptedSweepReportsWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := scenario(func(_ context.Context, w *sim.World) error {
		if w.Seed() == 5 {
			cancel()
			for {
				w.Runtime().Yield()
			}
		}
		return nil
	})
	s.StepsMax = math.MaxUint64
	r, err := sweep.Run(ctx, s, sweep.Options{Seeds: upTo(1_000_000_000), Jobs: 1})
	if err != nil || !r.Interrupted || r.Done != 4 || r.OK != 4 || r.Code() != sweep.CodeInterrupted {
		t.Errorf("error %v, interrupted %v, done %d, ok %d, code %d", err, r.Interrupted, r.Done, r.OK, r.Code())
	}
}

// TestSweepEndsWithItsTime protects budgets.
func TestSweepEndsWithItsTime(t *testing.T) {
	r := run(t, scenario(byRemainder), sweep.Options{
		Seeds: sweep.Seeds{{First: 0, Last: math.MaxUint64}}, For: 100 * time.Millisecond, Jobs: 2,
		Config: sim.Config{StepsMax: 50},
	})
	if r.Done == 0 || r.Real < 100*time.Millisecond || r.Interrupted || r.Total != 0 {
		t.Errorf("%d done in %v, interrupted %v", r.Done, r.Real, r.Interrupted)
	}
}

// TestProgressGrows protects progress bars.
func TestProgressGrows(t *testing.T) {
	var last sweep.Progress
	run(t, scenario(byRemainder), sweep.Options{
		Seeds: upTo(50), Jobs: 4, Config: sim.Config{StepsMax: 50},
		Progress: func(p sweep.Progress) {
			if p.Done != last.Done+1 || p.Steps <= last.Steps || p.Failures < last.Failures || p.Total != 50 {
				t.Errorf("%+v after %+v", p, last)
			}
			last = p
		},
	})
	if last.Done != 50 || last.Failures != 2 {
		t.Errorf("at the end: %+v", last)
	}
}

// TestSharedOptionsAreRefused protects runs from each other: what has a state
// cannot be used by several at once.
func TestSharedOptionsAreRefused(t *testing.T) {
	for name, config := range map[string]sim.Config{
		"tape":  {Replay: &sim.Tape{}},
		"trace": {Trace: func(trace.Event) {}},
	} {
		_, err := sweep.Run(t.Context(), scenario(byRemainder), sweep.Options{Seeds: upTo(1), Config: config})
		if !errors.Is(err, sweep.ErrOptions) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	_, err := sweep.Run(t.Context(), scenario(byRemainder), sweep.Options{Seeds: upTo(9), Config: sim.Config{TimeMax: -1}})
	if !errors.Is(err, sim.ErrConfig) {
		t.Errorf("a bad limit: error %v", err)
	}
	if _, err := sweep.Run(t.Context(), sim.Scenario{}, sweep.Options{Seeds: upTo(1)}); !errors.Is(err, sim.ErrScenario) {
		t.Errorf("no scenario: error %v", err)
	}
}

// TestScenarioLimitsCount protects scenarios that need more steps than others.
func TestScenarioLimitsCount(t *testing.T) {
	s := scenario(func(_ context.Context, w *sim.World) error {
		for {
			w.Runtime().Yield()
		}
	})
	s.StepsMax = 300
	r := run(t, s, sweep.Options{Seeds: upTo(1), Config: sim.Config{StepsMax: 100}})
	if r.Steps != 300 {
		t.Errorf("%d steps, want 300", r.Steps)
	}
}

// meets reaches one goal always, one never, and delivers one of two faults.
func meets(_ context.Context, w *sim.World) error {
	rt := w.Runtime()
	rt.Sometimes(w.Seed() == 42, "met-once")
	rt.Sometimes(false, "never-met")
	rt.Reachable("reached")
	rt.Always(true, "holds")
	rt.FaultDelivered("lost-answer")
	return nil
}
