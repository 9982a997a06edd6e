package core_test

import (
	"testing"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// What happens all the time may allocate what it hands out, a hold or lists of
// effects, and nothing else.
func TestFrequentStepsAllocateOnlyTheirResults(t *testing.T) {
	c := chain(t, 64)
	moveAll(t, c, 5)
	id, upper := core.UserID(63), uint64(100)
	policy := core.PolicyChange{ID: id, Policy: core.ValidFrom(frontier.At(3))}
	for name, step := range map[string]struct {
		allocations float64
		do          func() error
	}{
		"acquire and close": {1, func() error {
			hold, err := c.AcquireAt(id, frontier.At(5))
			if err == nil {
				_, err = c.ApplyHoldChanges(hold.Close())
			}
			return err
		}},
		"upper": {1, func() error { // the list of what has changed
			upper++
			_, err := c.ReportUppers(core.UpperReport{ID: id, Upper: frontier.At(upper)})
			return err
		}},
		"upper again": {0, func() error {
			_, err := c.ReportUppers(core.UpperReport{ID: id, Upper: frontier.At(100)})
			return err
		}},
		"policy withheld": {1, func() error {
			_, err := c.SetPolicies(policy)
			return err
		}},
	} {
		var err error
		got := testing.AllocsPerRun(100, func() {
			if e := step.do(); e != nil {
				err = e
			}
		})
		if err != nil || got > step.allocations {
			t.Errorf("%s: %v allocations, want %v; %v", name, got, step.allocations, err)
		}
	}
}
