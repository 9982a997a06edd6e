package sim

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// VerdictKind says how a run ended.
type VerdictKind uint8

// The verdicts.
const (
	// OK: the scenario returned, and nothing was found wrong.
	OK VerdictKind = iota
	// Violation: an assertion did not hold, or the scenario returned an error.
	Violation
	// Deadlock: no task could ever run again, but the scenario had not ended.
	Deadlock
	// Panic: a task panicked.
	Panic
	// Misuse: what Go's runtime ends with a fatal error, such as the unlock of
	// an unlocked mutex.
	Misuse
	// Border: a task used a primitive of another node.
	Border
	// Escape: a step did not come to its end in real time; it blocks natively
	// or spins without a scheduling point.
	Escape
	// Goexit: a task ended by runtime.Goexit, as t.FailNow does.
	Goexit
	// Inconclusive: a limit was reached, or the run was interrupted.
	Inconclusive
	// Diverged: a replay did not follow its tape.
	Diverged
	// Leak: main returned, and tasks of the harness wait for ever. It is looked for
	// with Config.LeaksAfter only.
	Leak
)

var verdictNames = [...]string{
	"ok", "violation", "deadlock", "panic", "misuse", "border", "escape", "goexit", "inconclusive", "diverged",
	"leak",
}

// String returns the name used in reports.
func (k VerdictKind) String() string { return verdictNames[k] }

// ParseVerdictKind reads the name of a kind.
func ParseVerdictKind(name string) (VerdictKind, error) {
	if i := slices.Index(verdictNames[:], name); i >= 0 {
		return VerdictKind(i), nil
	}
	return OK, fmt.Errorf("sim: unknown verdict %q", name)
}

// Verdict is how a run ended, and where.
type Verdict struct {
	Kind VerdictKind
	// ID is the assertion's id, for a violation.
	ID string
	// Message is one line, or several for a deadlock.
	Message string
	// Details describe the state at a violation.
	Details []slog.Attr
	// Step, Time (since the start of the run), Node and Task say where.
	Step uint64
	Time time.Duration
	Node string
	Task string
	// Stack is that of a panic; for an escape, those of all goroutines.
	Stack string
	// Tasks are those alive at a deadlock, or those that leaked.
	Tasks []TaskState
}

// TaskState describes a task that had not ended.
type TaskState struct {
	Node, Task string
	// Wait is what the task waits for, such as "lock bank.mutex#0".
	Wait string
	// Holder is the task that holds what it waits for, if there is one.
	Holder string
	// Spawned is the line of the program that spawned the task, if leaks are looked
	// for and it was not a timer.
	Spawned string
}

// FailureID identifies what went wrong, independent of where and when: two
// runs with equal ids failed in the same way. It is empty for OK.
func (v Verdict) FailureID() string {
	switch v.Kind {
	case OK:
		return ""
	case Violation:
		return v.ID
	}
	return v.Kind.String()
}

// Failed reports whether the run found something wrong. Inconclusive runs
// found nothing, and proved nothing.
func (v Verdict) Failed() bool { return v.Kind != OK && v.Kind != Inconclusive }

// String returns the verdict in one line.
func (v Verdict) String() string {
	var b strings.Builder
	switch v.Kind {
	case OK:
		return "ok"
	case Violation:
		b.WriteString(v.ID)
	default:
		b.WriteString(v.Kind.String())
	}
	if v.Message != "" {
		line, _, _ := strings.Cut(v.Message, "\n")
		b.WriteString(": " + line)
	}
	for _, a := range v.Details {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
	}
	return b.String()
}

// describeWait says what an op waits for.
func describeWait(op runtime.Op) string {
	if op.Object == nil {
		return op.Kind.String()
	}
	return op.Kind.String() + " " + op.Object.Name()
}
