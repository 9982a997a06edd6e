package runtimetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Implementation is something that the cases can run on.
type Implementation struct {
	// Execute runs a case once, to its end, and returns the outcome. The
	// repetition is a number from 0, for example a seed. With Parallel it is
	// called by several goroutines, which must not end the test.
	Execute func(t *testing.T, c Case, repetition int) string
	// Repetitions is how often each case runs.
	Repetitions int
	// Parallel is how many repetitions run at the same time; 0 is one.
	Parallel int
	// Complete demands that every allowed outcome is reached.
	Complete bool
	// Scheduler says that Execute can end deadlocks and misuse. Without it
	// those cases are left out that need a scheduler.
	Scheduler bool
	// Plain says that Execute runs Case.Native.
	Plain bool
}

// Run executes every case that can run on the implementation, as a subtest. A
// case that is left out is logged with its reason.
func Run(t *testing.T, implementation Implementation) {
	t.Helper()
	for _, c := range Cases() {
		if reason := implementation.leavesOut(c); reason != "" {
			t.Logf("left out %s: %s", c.Name, reason)
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			tally := implementation.repeat(t, c)
			for _, problem := range judge(c, tally, implementation.Complete) {
				t.Error(problem)
			}
		})
	}
}

// leavesOut returns why a case cannot run; empty if it can.
func (m Implementation) leavesOut(c Case) string {
	switch {
	case m.Scheduler:
		return ""
	case c.SchedulerOnly != "":
		return c.SchedulerOnly
	case m.Plain && c.Native == nil:
		return c.NoNative
	case raceDetector:
		return c.Racy
	}
	return ""
}

// repeat runs a case and counts its outcomes.
func (m Implementation) repeat(t *testing.T, c Case) map[string]int {
	tally := make(map[string]int)
	var mu sync.Mutex // guards tally
	var next atomic.Int64
	var workers sync.WaitGroup
	for range max(m.Parallel, 1) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(m.Repetitions); i = next.Add(1) - 1 {
				outcome := m.Execute(t, c, int(i))
				mu.Lock()
				tally[outcome]++
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return tally
}

// judge returns what is wrong with the outcomes of a case.
func judge(c Case, tally map[string]int, complete bool) (problems []string) {
	for _, outcome := range slices.Sorted(maps.Keys(tally)) {
		if !slices.Contains(c.Allowed, outcome) {
			problems = append(problems, fmt.Sprintf("outcome %q (%d times) is not among the allowed: %s",
				outcome, tally[outcome], strings.Join(c.Allowed, " | ")))
		}
	}
	if !complete {
		return problems
	}
	for _, outcome := range c.Allowed {
		if tally[outcome] == 0 {
			problems = append(problems, fmt.Sprintf("allowed outcome %q was never reached; tally: %v", outcome, tally))
		}
	}
	return problems
}
