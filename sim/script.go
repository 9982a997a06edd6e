package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Script is what a run did out of the ordinary: the places where it did not go on
// with the same task, where a choice was not 0, and the faults that were delivered.
// All else is the default, so that a shorter script is a calmer run.
//
// A place is named in terms of the program: the path of a task, and how often it
// has come to a scheduling point. Unlike a [Tape], a script therefore can still be
// followed when the program has changed a little, or when other deviations have been
// taken out of it; what no longer fits is left out and told in [Result.Left].
type Script struct {
	// Scenario and Seed name the run.
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	// Failure is the failure that the run ended with, as by [Verdict.FailureID].
	Failure string `json:"failure"`
	// Plan is that of the configuration; nil if the scenario drew its own.
	Plan *Plan `json:"plan,omitempty"`
	// Deviations are in the order in which they happened.
	Deviations []Deviation `json:"deviations"`
	// Externals are what functions outside of the simulation have answered.
	Externals []External `json:"externals,omitempty"`
	// Limits make numbers of runtime.Rand's streams smaller, and the workload with them.
	// One for a number that is never taken has no effect.
	Limits []Number `json:"limits,omitempty"`
	// Numbers are the first of these numbers in the run, 1000 at most. They are not stored.
	Numbers []Number `json:"-"`
	// Chances are switches that could have been and were not, in the order of the
	// run, as many as were asked for. They are not stored.
	Chances []Deviation `json:"-"`
}

// Deviation is one thing that a run did out of the ordinary.
type Deviation struct {
	// Kind says what it was.
	Kind DeviationKind `json:"kind"`
	// Task is who was asked: node and path, and from the second incarnation of the node
	// on, "@" and its number. It is empty for choices that alarms make, which belong
	// to no task.
	Task string `json:"task"`
	// Point is at which of its scheduling points the task was asked, from 1 on; for
	// a draw, the how-manyth it was of this task at this site.
	Point uint64 `json:"point"`
	// Round counts decisions at the same point, from 0: each alarm that fires there,
	// and each move of the clock, leads to another one.
	Round int `json:"round,omitempty"`
	// Site is that of a draw, as stream and site; of a fault, the fault as planned.
	Site string `json:"site,omitempty"`
	// To is the task that went on; "alarm" and a number for an alarm.
	To string `json:"to,omitempty"`
	// Pick is what was drawn, among Of.
	Pick int `json:"pick,omitempty"`
	Of   int `json:"of,omitempty"`
}

// DeviationKind says what kind of choice a deviation is.
type DeviationKind string

// The kinds of deviations.
const (
	// Preemption is a switch away from a task that could have gone on.
	Preemption DeviationKind = "preemption"
	// Order is another task than the one that had waited longest, or an alarm,
	// after one that could not go on.
	Order DeviationKind = "order"
	// Drawn is a choice of the program, or of a fault, that was not 0.
	Drawn DeviationKind = "drawn"
	// Delivered is a planned fault of the world.
	Delivered DeviationKind = "fault"
)

// String returns the deviation in one line.
func (d Deviation) String() string {
	switch d.Kind {
	case Drawn:
		return fmt.Sprintf("%s draws %d of 0..%d at %s", orAlarm(d.Task), d.Pick, d.Of-1, d.Site)
	case Delivered:
		return fmt.Sprintf("%s, at point %d of %s", d.Site, d.Point, orAlarm(d.Task))
	case Preemption:
		return fmt.Sprintf("%s goes first at point %d of %s", d.To, d.Point, orAlarm(d.Task))
	}
	return fmt.Sprintf("%s goes on after point %d of %s", d.To, d.Point, orAlarm(d.Task))
}

func orAlarm(task string) string {
	if task == "" {
		return "an alarm"
	}
	return task
}

// ErrScript is wrapped by every error about a script that cannot be used.
var ErrScript = errors.New("sim: script")

const (
	scriptVersion = 2 // 1 had neither limits nor externals
	scriptSizeMax = 256 << 20
)

// scriptFile is the form in which scripts are stored.
type scriptFile struct {
	Version int `json:"tidemark-script"`
	*scriptContent
}

// scriptContent is a Script without its methods, which would be called again.
type scriptContent Script

// MarshalText returns the script as a file: JSON that people can read and edit.
func (s *Script) MarshalText() ([]byte, error) {
	data, err := json.MarshalIndent(scriptFile{scriptVersion, (*scriptContent)(s)}, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScript, err)
	}
	return append(data, '\n'), nil
}

// UnmarshalText reads a file written by MarshalText. Anything else is an ErrScript,
// and leaves the script as it was.
func (s *Script) UnmarshalText(data []byte) error {
	next := scriptFile{scriptContent: new(scriptContent)}
	if err := json.Unmarshal(data, &next); err != nil {
		return fmt.Errorf("%w: %w", ErrScript, err)
	}
	switch {
	case next.Version == 0:
		return fmt.Errorf("%w: not a script", ErrScript)
	case next.Version < 1 || next.Version > scriptVersion:
		return fmt.Errorf("%w: version %d, this program reads versions 1 and %d", ErrScript, next.Version, scriptVersion)
	}
	for i, d := range next.Deviations {
		if err := d.validate(); err != nil {
			return fmt.Errorf("%w: deviation %d: %w", ErrScript, i, err)
		}
	}
	if err := validateExternals(next.Externals); err != nil {
		return fmt.Errorf("%w: %w", ErrScript, err)
	}
	*s = Script(*next.scriptContent)
	return nil
}

func (d Deviation) validate() error {
	switch d.Kind {
	case Preemption, Order:
		if d.To == "" || d.Round < 0 {
			return errors.New("a switch to nobody")
		}
	case Drawn:
		if d.Of < 2 || d.Pick < 1 || d.Pick >= d.Of || d.Site == "" {
			return fmt.Errorf("draw of %d among %d at %q", d.Pick, d.Of, d.Site)
		}
	case Delivered:
		if d.Site == "" {
			return errors.New("a fault without a name")
		}
	default:
		return fmt.Errorf("unknown kind %q", d.Kind)
	}
	return nil
}

// ReadScript reads a script from a file.
func ReadScript(path string) (*Script, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScript, err)
	}
	if info.Size() > scriptSizeMax {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrScript, path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScript, err)
	}
	s := new(Script)
	if err := s.UnmarshalText(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Count returns how many deviations are of a kind.
func (s *Script) Count(kind DeviationKind) int {
	n := 0
	for _, d := range s.Deviations {
		if d.Kind == kind {
			n++
		}
	}
	return n
}
