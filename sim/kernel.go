package sim

import (
	"encoding/binary"
	"fmt"
	goruntime "runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// kernel is one simulated world: who can run, what time it is, what was
// chosen. It is touched by one coroutine at a time.
type kernel struct {
	hosting
	config   Config
	world    *World
	strategy Strategy
	decision Decision
	streams  map[string]uint64 // hashes of stream names

	// runnable holds the tasks that can run, but for the current one, in the
	// order in which they became ready. due holds alarms whose time has come;
	// firing one is a choice like running a task.
	runnable []*task
	due      []*alarm
	cur      *task
	next     *task // whom the loop of Run resumes next
	idle     []*worker
	tasks    []*task // all that have not ended, and some that have
	pending  alarms
	polls    []poll

	now      int64 // virtual nanoseconds since the Unix epoch
	steps    uint64
	round    int // of the decision at hand: each alarm that fires leads to another one
	switches uint64
	operated uint64 // operations that tasks carried out; counted only if observed
	limit    uint64 // the step at which something has to be looked at
	opaque   uint64 // the first step, since a strategy cleared it, that did more than its operation tells; 0 for none
	hash     uint64
	ring     ring
	tape     []byte

	observed   bool  // somebody wants to know of each operation
	told       *task // of which the last event was
	firing     bool  // in an alarm's Fire or in a poll: there is no current task
	preempted  bool  // a task took the processor from one that could go on, and nothing was told since
	over       bool  // the verdict is in
	reaping    bool
	reaped     bool
	quiet      bool // faults are off
	verdict    Verdict
	assertions []runtime.Assertion // the counts when the verdict was in
	faults     []Fault             // planned, in order of their steps
	triggers   []*trigger          // of faults that wait for something to happen
	vetoed     int                 // faults that a policy was against
	delivering delivery
	passed     checkpoints
	planned    *Plan   // all that was drawn or given
	guide      *guide  // follows a script; nil without
	scribe     *scribe // writes one down; nil without
	outside    outside

	stopped trace.Stop // who was preempted, if somebody listens

	signal    atomic.Uint32 // what the watchdog wants: asked, interrupted, abandoned
	unwinding atomic.Bool   // reaping, for the watchdog
	published atomic.Bool
}

// task is the kernel's side of a runtime.Task, which keeps it in its Slot. What
// strategies look at stands first, on one line of the cache.
type task struct {
	standing
	op      runtime.Op // what it is about to do, or waits for
	points  uint64     // how many scheduling points it has come to
	state   taskState
	runtime *runtime.Task
	life    *life
	worker  *worker
	origin  string // the line that spawned it, if leaks are looked for
}

type taskState uint8

const (
	taskReady taskState = iota
	taskParked
	taskEnded
)

// epoch is the virtual time at which every world starts: 2000-01-01 UTC.
const epoch = 946_684_800_000_000_000

// newTask takes over a task that was just made.
func (k *kernel) newTask(t *runtime.Task, l *life) {
	own := &task{runtime: t, life: l, op: runtime.Op{Kind: runtime.OpStart}, origin: k.origin()}
	t.Slot = own
	l.alive++
	k.remember(own)
	k.ready(own)
}

// remember keeps a task for the reaper and for reports, and forgets those that
// need neither.
func (k *kernel) remember(t *task) {
	if len(k.tasks) == cap(k.tasks) {
		k.tasks = slices.DeleteFunc(k.tasks, (*task).isGone)
		k.tasks = slices.Grow(k.tasks, len(k.tasks)+1) // at least half is free, so that each call costs little
	}
	k.tasks = append(k.tasks, t)
}

// isGone reports whether the task has ended, or died before it began.
func (t *task) isGone() bool { return t.state == taskEnded || t.life.frozen && t.worker == nil }

// ready puts a task behind the others that can run.
func (k *kernel) ready(t *task) {
	t.state = taskReady
	switch {
	case t.life.frozen:
		return
	case t.life.node.paused:
		t.life.node.held = append(t.life.node.held, t)
		return
	}
	k.runnable = append(k.runnable, t)
}

// stopCurrent leaves the current task, if there is one, for good.
func (k *kernel) stopCurrent() {
	if t := k.current(); t != nil {
		k.next = nil
		t.worker.yield(struct{}{})
		goruntime.Goexit()
	}
}

// exit ends the worker's task and gives the worker its next one if that is
// new; otherwise the worker is idle.
func (k *kernel) exit(w *worker) {
	t := w.task
	w.task, t.worker, t.state = nil, nil, taskEnded
	t.points++
	if k.config.Trace != nil {
		k.emit(t, trace.End, "ends")
	}
	t.life.ended()
	next := k.decide(nil)
	if next != nil && next.worker == nil {
		k.start(next, w)
		return
	}
	k.next = next
}

// start gives a new task its worker.
func (k *kernel) start(t *task, w *worker) {
	t.worker, w.task = w, t
	k.cur = t
	if k.config.Trace != nil {
		k.emit(t, trace.Start, "starts")
	}
	k.publish()
}

// loop runs the world until the verdict is in.
func (k *kernel) loop() {
	k.next = k.decide(nil)
	for k.next != nil {
		t := k.next
		k.next = nil
		k.cur = t
		if t.worker == nil {
			w := k.takeWorker()
			k.start(t, w)
		}
		k.switches++
		k.publish()
		k.resume(t.worker)
	}
}

func (k *kernel) takeWorker() *worker {
	if n := len(k.idle); n > 0 {
		w := k.idle[n-1]
		k.idle = k.idle[:n-1]
		return w
	}
	return k.newWorker()
}

// decide returns the task that runs next, nil when the world is over. Stay is
// the current task if it can go on; unless it is returned, decide has put it
// among the others.
func (k *kernel) decide(stay *task) *task {
	if k.signal.Load() != 0 && !k.answer() {
		return nil
	}
	k.now += int64(k.config.StepCost)
	for k.round = 0; ; k.round++ {
		k.steps++
		if k.steps >= k.limit || len(k.polls) > 0 {
			k.housekeeping()
		}
		if stay != nil && stay.life.suspended() {
			k.ready(stay)
			stay = nil
		}
		if len(k.pending.heap) > 0 && k.pending.heap[0].at <= k.now {
			k.collectDue()
		}
		if k.over {
			return nil
		}
		n := len(k.runnable) + len(k.due)
		if stay != nil {
			n++
		}
		if n == 0 {
			if !k.advance() {
				return nil
			}
			continue
		}
		if t := k.pick(stay, n); t != nil {
			return t
		}
	}
}

// pick lets the strategy choose among n candidates. It returns nil if that was
// an alarm, which it fires, or nobody, which ends the world.
func (k *kernel) pick(stay *task, n int) *task {
	i := 0
	if n > 1 {
		k.decision.stay, k.decision.n = stay != nil, n
		i = k.strategy.Pick(&k.decision)
		if uint(i) >= uint(n) {
			k.end(badChoice(i, n))
			return nil
		}
		k.record(n, i)
	}
	if stay != nil {
		if i == 0 {
			k.note(stay, n, i)
			return stay
		}
		i--
	}
	if i < len(k.runnable) {
		t := k.take(i, stay)
		k.note(t, n, i+1)
		k.preempted = k.preempted || stay != nil
		if stay != nil && k.config.Trace != nil {
			k.tellStop(stay)
		}
		return t
	}
	a := k.due[i-len(k.runnable)]
	k.due = slices.Delete(k.due, i-len(k.runnable), i-len(k.runnable)+1)
	a.index = notPending
	k.hash = mix(k.hash, uint64(k.now), uint64(n)<<32|uint64(i))
	k.fire(a.owner.Fire)
	return nil
}

// badChoice is the verdict about a strategy that does not keep its contract.
func badChoice(i, n int) Verdict {
	return Verdict{Kind: Misuse, Message: fmt.Sprintf("the strategy chose %d of 0..%d", i, n-1)}
}

// take removes runnable task i, keeping the order of the others, and puts stay,
// if there is one, behind them.
func (k *kernel) take(i int, stay *task) *task {
	r := k.runnable
	t := r[i]
	copy(r[i:], r[i+1:])
	last := len(r) - 1
	r[last] = stay
	if stay == nil {
		k.runnable = r[:last]
	}
	return t
}

// record puts a choice on the tape.
func (k *kernel) record(n, i int) {
	if n < 0x80 {
		k.tape = append(k.tape, byte(n), byte(i))
		return
	}
	k.tape = binary.AppendUvarint(binary.AppendUvarint(k.tape, uint64(n)), uint64(i))
}

// note takes a scheduling decision into the hash and the ring.
func (k *kernel) note(t *task, n, i int) {
	k.hash = mix(k.hash, t.runtime.Hash()^uint64(n)<<32^uint64(i), objectID(t.op)^uint64(t.op.Kind)<<56)
	k.ring.add(newDecided(t, k.steps, k.now))
	k.publish()
}

// objectID returns the identity of the object of an operation; 0 for none.
func objectID(op runtime.Op) uint64 {
	if op.Object == nil {
		return 0
	}
	return op.Object.ID
}

// candidate returns candidate i of the decision at hand; nil for an alarm.
func (k *kernel) candidate(i int, stay bool) *task {
	if stay {
		if i == 0 {
			return k.cur
		}
		i--
	}
	if i < len(k.runnable) {
		return k.runnable[i]
	}
	return nil
}

// draw answers a choice of the program.
func (k *kernel) draw(stream, site string, n int) int {
	switch {
	case k.reaping:
		k.unwind("choice at " + site)
	case k.signal.Load()&abandoned != 0:
		k.over = true
		k.stopCurrent()
	}
	if n < 2 || k.quiet && faultStream(stream) {
		return 0
	}
	i := k.strategy.Draw(stream, site, n)
	if uint(i) >= uint(n) {
		k.end(badChoice(i, n))
		k.stopCurrent()
		return 0
	}
	k.record(n, i)
	h, ok := k.streams[stream]
	if !ok {
		h = xxhash.Sum64String(stream)
		k.streams[stream] = h
	}
	k.hash = mix(k.hash, h, uint64(n)<<32|uint64(i))
	k.publish()
	if k.config.Trace != nil && i > 0 {
		k.traceChoice(stream, site, i, n)
	}
	return i
}

// faultStream reports whether the choices of a stream are faults, which end
// with Quiesce.
func faultStream(stream string) bool {
	switch stream {
	case "storage", "network", "clock", "fault", "buggify":
		return true
	}
	return false
}

// end ends the world with a verdict, unless it has one.
func (k *kernel) end(v Verdict) {
	if k.over {
		return
	}
	k.over = true
	var t *task
	if v.Kind != Deadlock && v.Kind != Leak && v.Kind != Inconclusive { // those are nobody's in particular
		t = k.current()
	}
	if v.Kind != OK {
		v.Step, v.Time = k.steps, k.elapsed()
		if t != nil {
			v.Node, v.Task = t.life.node.name, t.runtime.Path()
		}
	}
	k.verdict = v
	if k.config.Trace != nil {
		k.emit(t, trace.Verdict, verdictText(v))
	}
}

// current returns the running task; nil in an alarm.
func (k *kernel) current() *task {
	if k.firing {
		return nil
	}
	return k.cur
}

func (k *kernel) elapsed() time.Duration { return time.Duration(k.now - epoch) }

// markOpaque takes note that the step under way does more than its operation tells: it
// looks at the clock, at the number of steps, or whether a node is up.
func (k *kernel) markOpaque() {
	if k.opaque == 0 {
		k.opaque = k.steps
	}
}
