package runtime

import (
	"log/slog"
	"math"
	"strconv"
	"time"
)

// Scheduler runs the tasks of a plugged-in [Runtime]. The primitives of this
// package (channels, locks, timers, contexts) are written once on top of it;
// a scheduler only decides who runs next and what time it is.
//
// One task runs at a time. Every method but Spawn's first call is called from
// a running task or, for Ready, SetAlarm, StopAlarm and Spawn, from
// [Alarm.Fire] and from functions given to Poll. A scheduler therefore needs
// no locks, and must not add native concurrency of its own.
type Scheduler interface {
	// Spawn makes a new task ready to run. The scheduler calls t.Run exactly
	// once, on a stack of the task's own, and forgets the task when Run has
	// returned.
	Spawn(t *Task)

	// Current returns the running task. It is nil while Alarm.Fire or a
	// function given to Poll runs, and outside the scheduler.
	Current() *Task

	// Point is the scheduling point before a visible operation: the current
	// task, which it returns, stays runnable, other tasks may run first.
	// A scheduler value that serves one of several nodes fails with
	// FailureBorder if the current task is of another one.
	Point(op Op) *Task

	// Park suspends the current task until Ready is called for it.
	Park(op Op)

	// Ready makes a parked task runnable. It is called at most once per Park.
	Ready(t *Task)

	// Now returns the time in nanoseconds since the Unix epoch. It never goes
	// backwards: it is the clock that alarms go by.
	Now() int64

	// SetAlarm calls a.Fire once, at the given time or as soon after it as
	// the scheduler likes. It replaces a pending setting of the same alarm.
	SetAlarm(a *Alarm, at int64)

	// StopAlarm takes a pending alarm back. It reports false if the alarm was
	// not pending.
	StopAlarm(a *Alarm) bool

	// Poll calls f before every decision, in order of registration, until it
	// reports true.
	Poll(f func() bool)

	// Choose returns a number in [0, n), n at least 1. The number 0 always
	// means that nothing bad happens.
	Choose(stream, site string, n int) int

	// Record takes note of something that happened. It has no effect on what
	// runs next.
	Record(e Event)

	// Fail reports that the program under the scheduler is wrong. It does not
	// return to the task that called it.
	Fail(f Failure)
}

// WallClock is a [Scheduler] whose nodes have a wall clock beside the one that alarms go
// by. Without it the two are one.
type WallClock interface {
	// WallOffset returns by how many nanoseconds the wall clock is ahead of Now. It
	// may change at any time, in either direction, as when somebody sets a clock.
	WallOffset() int64
}

// OpKind says what a task is about to do, or is waiting for.
type OpKind uint8

// The visible operations. Those whose names end in a wait (OpWait...) are only
// ever seen in Park.
const (
	OpStart OpKind = iota // a task that has not run yet
	OpYield
	OpSpawn
	OpJoin
	OpSend
	OpRecv
	OpClose
	OpLen
	OpSelect
	OpLock
	OpTryLock
	OpUnlock
	OpRLock
	OpTryRLock
	OpRUnlock
	OpCondWait
	OpSignal
	OpBroadcast
	OpGroupAdd
	OpGroupWait
	OpOnce
	OpAcquire
	OpTryAcquire
	OpRelease
	OpSleep
	OpTimer
	OpCancel
	OpCancelled
	OpNil // blocked for ever on a nil channel
	OpNode
	OpRead  // of a resource
	OpWrite // of a resource
	OpExternal
)

var opNames = [...]string{
	OpStart: "start", OpYield: "yield", OpSpawn: "spawn", OpJoin: "join",
	OpSend: "send", OpRecv: "receive", OpClose: "close", OpLen: "len", OpSelect: "select",
	OpLock: "lock", OpTryLock: "try-lock", OpUnlock: "unlock",
	OpRLock: "read-lock", OpTryRLock: "try-read-lock", OpRUnlock: "read-unlock",
	OpCondWait: "cond-wait", OpSignal: "signal", OpBroadcast: "broadcast",
	OpGroupAdd: "wait-group-add", OpGroupWait: "wait-group-wait", OpOnce: "once",
	OpAcquire: "acquire", OpTryAcquire: "try-acquire", OpRelease: "release",
	OpSleep: "sleep", OpTimer: "timer", OpCancel: "cancel", OpCancelled: "cancelled?",
	OpNil: "nil channel", OpNode: "node", OpRead: "read", OpWrite: "write",
	OpExternal: "external",
}

// String returns the name used in stories and reports.
func (k OpKind) String() string {
	if int(k) < len(opNames) {
		return opNames[k]
	}
	return "op " + strconv.Itoa(int(k))
}

// Writes reports whether the operation can change its object. Two operations
// on one object of which neither writes commute.
func (k OpKind) Writes() bool {
	switch k {
	case OpYield, OpJoin, OpLen, OpCancelled, OpRead:
		return false
	}
	return true
}

// Op is one visible operation of a task: what, and on which object. Object is
// nil for operations without one (yield, sleep). A select is on several
// objects; [Task.Objects] lists them.
type Op struct {
	Kind   OpKind
	Object *Object
}

// Alarm is a wake-up at a time. It is embedded in its owner, so that setting
// one allocates nothing.
type Alarm struct {
	// Fire is called by the scheduler at the time set, outside any task. It
	// must not block; it makes tasks ready, spawns, or sets alarms.
	Fire func()
	// Slot belongs to the scheduler.
	Slot any
}

// Event is something that happened in a task, for whoever keeps the record.
type Event struct {
	Kind EventKind
	// Name is the assertion's id, the fault's kind or the log message.
	Name string
	// Level and Attrs are those of a log record or the details of an assertion.
	Level slog.Level
	Attrs []slog.Attr
}

// EventKind says what an [Event] is about.
type EventKind uint8

// The kinds of events.
const (
	EventLog EventKind = iota
	// EventAssert is a Sometimes that held, or a Reachable.
	EventAssert
	EventFault
)

// FailureKind says in which way a program is wrong.
type FailureKind uint8

// The kinds of failures that this package finds.
const (
	// FailureViolation is an assertion that did not hold.
	FailureViolation FailureKind = iota
	// FailurePanic is a panic that no Group took over.
	FailurePanic
	// FailureMisuse is what Go's own runtime answers with a fatal error, such
	// as the unlock of an unlocked mutex.
	FailureMisuse
	// FailureBorder is the use of a primitive by a task of another node.
	FailureBorder
	// FailureGoexit is a task that ended by runtime.Goexit, as t.FailNow does.
	FailureGoexit
)

// Failure describes what is wrong with the program under a scheduler.
type Failure struct {
	Kind FailureKind
	// ID identifies the assertion of a violation.
	ID string
	// Message is one line for people.
	Message string
	// Details are the key-value pairs given to an assertion.
	Details []slog.Attr
	// Value and Stack are those of a panic.
	Value any
	Stack []byte
}

// Object identifies a primitive. The identity is the function that made it,
// the kind, and a count; it holds no path and no line, so it survives most
// edits of the program.
type Object struct {
	// ID is a hash of the node's name, the function, the kind and the count.
	ID uint64
	// Kind is the primitive's type in lower case, such as "mutex".
	Kind string
	// Function is the import path and name of the function that made it; for a
	// closure it is the name alone of the function around it, and ".func".
	Function string
	// Count numbers the objects of one kind made by one function, from 0.
	Count int

	rt     *Runtime
	holder *Task
}

// Name returns the short name for people: "bank.NewAccount.mutex#0".
func (o *Object) Name() string {
	if o.rt == nil { // a resource, which has a name of its own
		return o.Function + "." + o.Kind
	}
	return shortFunction(o.Function) + "." + o.Kind + "#" + strconv.Itoa(o.Count)
}

// Holder returns the task that holds the object, such as the owner of a
// locked mutex; nil if there is none or several.
func (o *Object) Holder() *Task { return o.holder }

// shortFunction cuts the directory from a function's import path.
func shortFunction(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}

// wallTime is the reading of the wall clock at a time of the scheduler.
func (rt *Runtime) wallTime(nanoseconds int64) time.Time {
	if rt.wall != nil {
		nanoseconds += rt.wall.WallOffset()
	}
	return time.Unix(0, nanoseconds).UTC()
}

// schedulerTime is the time of the scheduler at which the wall clock will read t, if
// nobody sets it. What is too far away to be counted is as good as never.
func (rt *Runtime) schedulerTime(t time.Time) int64 {
	at := nanoseconds(t)
	if rt.wall == nil || at == math.MaxInt64 {
		return at
	}
	return at - rt.wall.WallOffset()
}
