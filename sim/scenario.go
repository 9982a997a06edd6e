package sim

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Scenario is a named run: who does what to whom, under which faults. It is a
// value; the same one may run on several goroutines at once, so Run keeps its
// state in the world.
type Scenario struct {
	// Name is lower-case words joined by hyphens, unique in its list.
	Name string
	// Doc says in one sentence what the scenario shows.
	Doc string
	// Run is executed once per seed.
	Run Main
	// Faults are the kinds of faults that the scenario enables. A sweep in
	// which one of them was never delivered proves less than it seems to.
	Faults []string
	// Goals are ids of Sometimes and Reachable that a sweep has to meet. One
	// that was evaluated has to be met whether it is listed or not.
	Goals []string
	// Assertions are those that a run may come to, if somebody has collected them, as
	// "simvet catalogue" does: an over-approximation, since calls are not followed exactly.
	Assertions []Assertion
	// Named scenarios run only when somebody names them.
	Named bool
	// StepsMax replaces the default limit of steps; 0 keeps it.
	StepsMax uint64
}

// Assertion is a place in a program that asserts something.
type Assertion struct {
	Kind runtime.AssertionKind
	ID   string
	// Function and File are where it stands: "invariants.(*Journal).Check" and
	// "invariants/journal.go".
	Function, File string
}

// ErrScenario is wrapped by the errors about a scenario's description.
var ErrScenario = errors.New("sim: scenario")

var scenarioName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate returns the first thing that is wrong with the description.
func (s Scenario) Validate() error {
	switch {
	case !scenarioName.MatchString(s.Name):
		return fmt.Errorf("%w: name %q is not lower-case words joined by hyphens", ErrScenario, s.Name)
	case s.Run == nil:
		return fmt.Errorf("%w: %s has no Run", ErrScenario, s.Name)
	case s.Doc == "":
		return fmt.Errorf("%w: %s has no Doc", ErrScenario, s.Name)
	}
	return nil
}

// Config returns the configuration of a run of this scenario, the limits of
// base replaced by those of the scenario.
func (s Scenario) Config(base Config) Config {
	if s.StepsMax != 0 {
		base.StepsMax = s.StepsMax
	}
	return base
}
