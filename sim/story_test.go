package sim_test

import (
	"io"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

func storyTo(w io.Writer) trace.Sink { return trace.NewStory(w).Add }

// violated returns the first seed that leads to a violation.
func violated(t *testing.T, main sim.Main) sim.Result {
	t.Helper()
	for seed := range uint64(1000) {
		if r := run(t, seed, main); r.Verdict.Kind == sim.Violation {
			return r
		}
	}
	t.Fatal("no seed finds the violation")
	return sim.Result{}
}

// TestStoryIsKept protects what people read: node, task, step, virtual time,
// file and line of each event, marks of preemptions, choices, faults and the
// verdict, to the letter.
func TestStoryIsKept(t *testing.T) {
	golden(t, "story.txt", story(t, sim.Config{Seed: violated(t, money).Seed}, money))
}

// TestStoryOfATape protects the way from an artefact to its story: a replay of
// the tape tells what the run of the seed would.
func TestStoryOfATape(t *testing.T) {
	r := violated(t, money)
	if story(t, sim.Config{Seed: r.Seed}, money) != story(t, sim.Config{Replay: r.Tape}, money) {
		t.Error("the tape tells another story than the seed")
	}
}

// TestEveryOperationHasALine protects the most useful column: the operations of
// a program name the line that they stand in, not one of the simulator's.
func TestEveryOperationHasALine(t *testing.T) {
	for _, f := range fixtures {
		runWith(t, sim.Config{Seed: 1, Trace: func(e trace.Event) {
			switch {
			case e.Kind != trace.Op && e.Kind != trace.Wait && e.Kind != trace.Choice:
			case strings.HasPrefix(e.Location, "sim/") && strings.Contains(e.Location, "_test.go:"):
			case e.Location == "" && strings.HasPrefix(e.Text, "wait-group-add"): // the end of a task of a group
			case e.Location == "" && strings.HasPrefix(e.Text, "group-add"):
			default:
				t.Errorf("%s: %v has the line %q", f.name, e, e.Location)
			}
		}}, f.main)
	}
}

// TestPreemptionIsMarkedOnce protects the eye: exactly the first event after a
// preemption has the mark, also if the task that took over had been waiting or
// had not yet begun.
func TestPreemptionIsMarkedOnce(t *testing.T) {
	var last string
	marked, unmarked := 0, 0
	runWith(t, sim.Config{Seed: 1, Trace: func(e trace.Event) {
		if e.Who() == "world" {
			return
		}
		if e.Preempted {
			marked++
			if e.Who() == last {
				t.Errorf("%v: a task has preempted itself", e)
			}
		} else if e.Who() != last {
			unmarked++ // the one before had ended, or waits
		}
		last = e.Who()
	}}, fixtures[0].main)
	if marked < 20 || unmarked < 20 {
		t.Errorf("%d switches with the mark, %d without", marked, unmarked)
	}
}
