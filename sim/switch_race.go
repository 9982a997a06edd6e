//go:build race

package sim

import (
	goruntime "runtime"
	"runtime/debug"
	"unsafe"

	"github.com/tidemarkdb/tidemark/runtime"
)

// iter.Pull makes each switch an edge of happens-before, and so hides every race.
// Under the race detector a task therefore has two stacks. Its coroutine is where
// the kernel acts for it: the kernel is the same one in every build, and as all
// coroutines are ordered, nothing in it is ever reported. The program itself runs
// on a goroutine of its own, its guest. The two hand over a baton while the
// detector ignores it (RaceDisable), so that it sees no order among guests but
// the one that package runtime tells it.
//
// The kernel knows nothing of the past of the tasks, so it may pass its own on.
// The exceptions are operations of the world, which join both, and the end of a
// node or of the run, which gathers what tasks did.
//
// What both sides touch is left out by the detector (go:norace); the baton makes
// it safe.

// guest is the goroutine that runs the program of a task or of an alarm.
type guest struct {
	toKernel, toProgram chan struct{} // the baton

	request func() // what the program asks the kernel for; nil when it is over
	ending  ending // of the request, or of the program
	value   any    // of a panic
	stack   string // of a panic of the program
	place   string // the line of the program that asks, if somebody wants to know

	past    history  // what it had done when it asked
	present history  // what the kernel lets it know
	visited *history // of the resource on which it carries out an operation
}

// hosting is the kernel's side of its guests.
type hosting struct {
	guest   *guest // the one that has the baton; nil while the kernel has it
	born    bool
	birth   history // what every guest knows: all that happened before the world
	alarmed history // what the programs of alarms did

	resources map[uint64]*history
	stack     string // of the last panic that a guest ended by
}

// history is an address at which the detector keeps what happened before.
type history [8]byte

//go:norace
func (h *history) release() { goruntime.RaceRelease(unsafe.Pointer(h)) }

//go:norace
func (h *history) add() { goruntime.RaceReleaseMerge(unsafe.Pointer(h)) }

//go:norace
func (h *history) acquire() { goruntime.RaceAcquire(unsafe.Pointer(h)) }

type ending uint8

const (
	exited ending = iota // by Goexit
	panicked
	returned
)

// runTask runs the worker's task to its end.
func (k *kernel) runTask(w *worker) { k.host(&w.guest, &w.task.life.past, w.task.runtime.Run) }

// runAlarm runs a function of the program in which there is no current task.
func (k *kernel) runAlarm(f func()) { k.host(&guest{}, &k.alarmed, f) }

// host runs f as a program on the goroutine of a guest, and does what it asks for.
//
//go:norace
func (k *kernel) host(g *guest, past *history, f func()) {
	if !k.born {
		k.born = true
		k.birth.release()
	}
	*g = guest{toKernel: make(chan struct{}), toProgram: make(chan struct{})}
	k.guest = g
	goruntime.RaceDisable()
	go k.program(g, past, f)
	<-g.toKernel
	goruntime.RaceEnable()
	k.serve(g)
	if k.reaping || k.signal.Load()&abandoned != 0 {
		past.acquire()
	}
	switch g.ending {
	case panicked:
		k.stack = g.stack
		panic(g.value)
	case exited:
		goruntime.Goexit()
	}
}

// panicStack returns the stack of a panic of an alarm, which is that of its guest.
//
//go:norace
func (k *kernel) panicStack() string { return k.stack }

// program is the guest's goroutine.
//
//go:norace
func (k *kernel) program(g *guest, past *history, f func()) {
	k.birth.acquire()
	how := exited
	defer k.leave(g, past, &how)
	f()
	how = returned
}

//go:norace
func (k *kernel) leave(g *guest, past *history, how *ending) {
	g.ending = *how
	if *how == exited {
		if value := recover(); value != nil {
			g.ending, g.value, g.stack = panicked, value, string(debug.Stack())
		}
	}
	past.add()
	g.depart()
	g.request, k.guest = nil, nil
	goruntime.RaceDisable()
	g.toKernel <- struct{}{}
	goruntime.RaceEnable()
}

// serve does what the program asks for, until it is over.
//
//go:norace
func (k *kernel) serve(g *guest) {
	for g.request != nil {
		k.attend(g)
		k.reply(g)
	}
}

//go:norace
func (k *kernel) reply(g *guest) {
	k.guest = g
	goruntime.RaceDisable()
	g.toProgram <- struct{}{}
	<-g.toKernel
	goruntime.RaceEnable()
}

//go:norace
func (k *kernel) attend(g *guest) {
	g.ending = exited
	if k.signal.Load()&abandoned != 0 {
		g.past.acquire() // whoever ends what blocks has seen the result
	}
	defer k.attended(g)
	g.request()
	g.ending = returned
}

// attended takes note of how a request ended. If that was by Goexit the program
// ends likewise, but its deferred functions may ask for more.
//
//go:norace
func (k *kernel) attended(g *guest) {
	if g.ending == returned {
		return
	}
	if value := recover(); value != nil {
		g.ending, g.value = panicked, value
		return
	}
	g.present.release()
	k.reply(g)
	k.serve(g)
}

// call runs f, a part of the kernel, for a task of the program.
//
//go:norace
func (k *kernel) call(f func()) {
	g := k.guest
	if g == nil { // the kernel calls itself
		f()
		return
	}
	if k.config.Trace != nil || k.config.LeaksAfter > 0 {
		g.place = location()
	}
	g.past.release()
	g.depart()
	g.request, k.guest = f, nil
	goruntime.RaceDisable()
	g.toKernel <- struct{}{}
	<-g.toProgram
	goruntime.RaceEnable()
	switch g.ending {
	case panicked:
		panic(g.value)
	case exited:
		g.present.acquire()
		goruntime.Goexit()
	}
}

// join is call for what the program and the kernel have to agree upon: f comes
// after all that the current task did, and whatever it does next after f.
//
//go:norace
func (k *kernel) join(f func()) {
	g := k.guest
	if g == nil {
		f()
		return
	}
	k.call(func() {
		g.past.acquire()
		f()
		g.present.release()
	})
	g.present.acquire()
}

// gather lets what follows come after all that any task did.
func (k *kernel) gather() {
	k.alarmed.acquire()
	for _, l := range k.world.lives {
		l.gather()
	}
}

// gather lets what follows come after all that tasks of this life did.
func (l *life) gather() {
	l.past.acquire()
	for _, t := range l.kernel.tasks {
		if t.life == l && t.worker != nil {
			t.worker.guest.past.acquire()
		}
	}
}

// newAlarm returns an alarm of the world, whose function comes after whoever asked for
// it and after other such functions and operations of the world.
//
//go:norace
func (k *kernel) newAlarm(f func()) *runtime.Alarm {
	asked := &history{}
	asked.release()
	inOrder := func() { asked.acquire(); f() }
	return &runtime.Alarm{Fire: func() { k.call(inOrder) }}
}

// location returns the line of the program at which a task is.
//
//go:norace
func (k *kernel) location(t *task) string {
	if t != nil && t.worker != nil {
		return t.worker.guest.place
	}
	return location()
}

// A resource stands for something outside, which carries out one operation after
// the other: each comes after those before it. What the operation does in this
// process ends with the next scheduling point.

// resource returns the history of a resource.
func (k *kernel) resource(id uint64) *history {
	if k.resources == nil {
		k.resources = make(map[uint64]*history)
	}
	h, ok := k.resources[id]
	if !ok {
		h = &history{}
		k.resources[id] = h
	}
	return h
}

// depart ends the operation on a resource.
//
//go:norace
func (g *guest) depart() {
	if g.visited != nil {
		g.visited.add()
		g.visited = nil
	}
}
