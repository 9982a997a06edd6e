package runtime

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// AssertionKind says what an assertion promises.
type AssertionKind uint8

// The kinds of assertions, and the faults that a harness delivered.
const (
	KindAlways AssertionKind = iota
	KindSometimes
	KindReachable
	KindUnreachable
	KindFault
	KindAlwaysOrUnreachable
)

var kindNames = [...]string{"always", "sometimes", "reachable", "unreachable", "fault", "always-or-unreachable"}

// String returns the name used in tables.
func (k AssertionKind) String() string { return kindNames[k] }

// ParseAssertionKind reads the name of a kind.
func ParseAssertionKind(name string) (AssertionKind, error) {
	if i := slices.Index(kindNames[:], name); i >= 0 {
		return AssertionKind(i), nil
	}
	return 0, fmt.Errorf("runtime: unknown kind of assertion %q", name)
}

// Assertion counts the evaluations of one assertion.
type Assertion struct {
	Kind      AssertionKind
	ID        string
	Evaluated uint64
	// Held counts the evaluations in which the condition was true.
	Held uint64
}

// assertions is the table of one runtime. Its lock is native: nothing parks
// while it is held.
type assertions struct {
	mu    sync.Mutex
	table map[assertionKey]*Assertion
}

type assertionKey struct {
	kind AssertionKind
	id   string
}

// count takes an evaluation into the table. It orders no tasks: a program that
// asserts much would otherwise hide its races.
func (rt *Runtime) count(kind AssertionKind, id string, held bool) {
	rt.aside(func() { rt.assertions.count(kind, id, held) })
}

func (a *assertions) count(kind AssertionKind, id string, held bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	entry := a.table[assertionKey{kind, id}]
	if entry == nil {
		if a.table == nil {
			a.table = make(map[assertionKey]*Assertion)
		}
		entry = &Assertion{Kind: kind, ID: id}
		a.table[assertionKey{kind, id}] = entry
	}
	entry.Evaluated++
	if held {
		entry.Held++
	}
}

// Assertions returns the counts so far, ordered by kind and id.
//
//go:norace
func (rt *Runtime) Assertions() []Assertion {
	var all []Assertion
	var counted stamp
	rt.aside(func() {
		all = rt.assertions.list()
		counted.set()
	})
	counted.observe()
	return all
}

func (a *assertions) list() []Assertion {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]Assertion, 0, len(a.table))
	for _, entry := range a.table {
		all = append(all, *entry)
	}
	slices.SortFunc(all, func(x, y Assertion) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), strings.Compare(x.ID, y.ID))
	})
	return all
}

// Always says that cond holds whenever it is evaluated. The key-value pairs
// describe the state for whoever reads the failure. A scheduler ends the run;
// a live runtime logs an error, counts and goes on.
//
// An Always that no run evaluates proves nothing, and tests that collect their
// assertions say so. Where that is as it should be, use AlwaysOrUnreachable.
func (rt *Runtime) Always(cond bool, id string, kv ...any) {
	rt.count(KindAlways, id, cond)
	if !cond {
		rt.violated(id, "", kv)
	}
}

// AlwaysOrUnreachable is Always for a line that need not be reached: what has to hold
// in the answer to an error that no test may ever cause.
func (rt *Runtime) AlwaysOrUnreachable(cond bool, id string, kv ...any) {
	rt.count(KindAlwaysOrUnreachable, id, cond)
	if !cond {
		rt.violated(id, "", kv)
	}
}

// Unreachable says that this line is never reached.
func (rt *Runtime) Unreachable(id string, kv ...any) {
	rt.count(KindUnreachable, id, false)
	rt.violated(id, "reached", kv)
}

// Sometimes says that cond holds in at least one evaluation over many runs:
// that the tests get to where it matters.
func (rt *Runtime) Sometimes(cond bool, id string) {
	rt.count(KindSometimes, id, cond)
	if cond {
		rt.met(id)
	}
}

// Reachable says that this line is reached in at least one of many runs.
func (rt *Runtime) Reachable(id string) {
	rt.count(KindReachable, id, true)
	rt.met(id)
}

// met tells the scheduler that a goal was met.
func (rt *Runtime) met(id string) {
	if rt.sched != nil {
		rt.sched.Record(Event{Kind: EventAssert, Name: id})
	}
}

// FaultDelivered counts a fault that a harness or a wrapper has just
// delivered, so that a sweep can tell an enabled fault from one that happened.
func (rt *Runtime) FaultDelivered(kind string) {
	rt.count(KindFault, kind, true)
	if rt.sched != nil {
		rt.sched.Record(Event{Kind: EventFault, Name: kind})
	}
}

func (rt *Runtime) violated(id, message string, kv []any) {
	var record slog.Record
	record.Add(kv...)
	details := make([]slog.Attr, 0, record.NumAttrs())
	record.Attrs(func(a slog.Attr) bool {
		details = append(details, a)
		return true
	})
	if rt.sched == nil {
		rt.logger.LogAttrs(context.Background(), slog.LevelError, fmt.Sprintf("assertion %s violated", id), details...)
		return
	}
	rt.sched.Fail(Failure{Kind: FailureViolation, ID: id, Message: message, Details: details})
}
