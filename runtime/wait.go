package runtime

// waiter is one place of a parked task in a queue. The value travels with it,
// so that a hand-over between two tasks allocates nothing.
type waiter[T any] struct {
	stamp stamp // of the task, when it began to wait; then of who woke it
	task  *Task
	arm   int // what Task.park returns when this waiter is chosen
	value T
	ok    bool // false: the channel was closed

	queue      *queue[T] // nil when not linked
	prev, next *waiter[T]
}

// queue is a first-in-first-out list of waiters with a free list of its own.
type queue[T any] struct {
	first, last *waiter[T]
	free        *waiter[T]
}

// push appends a waiter of the task; being chosen unlinks all its waiters.
//
//go:norace
func (q *queue[T]) push(t *Task, arm int) *waiter[T] {
	w := q.take(t, arm)
	w.prev = q.last
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	return w
}

// pushFront puts a waiter before all others.
//
//go:norace
func (q *queue[T]) pushFront(t *Task, arm int) *waiter[T] {
	w := q.take(t, arm)
	w.next = q.first
	if q.first == nil {
		q.last = w
	} else {
		q.first.prev = w
	}
	q.first = w
	return w
}

//go:norace
func (q *queue[T]) take(t *Task, arm int) *waiter[T] {
	w := q.free
	if w == nil {
		w = &waiter[T]{}
	} else {
		q.free = w.next
		w.next = nil
	}
	w.task, w.arm, w.queue = t, arm, q
	w.stamp.set()
	t.link(w)
	return w
}

// pop unlinks and returns the first waiter, nil if there is none. The caller
// hands over what there is and then calls wake.
//
//go:norace
func (q *queue[T]) pop() *waiter[T] {
	w := q.first
	if w != nil {
		w.unlink()
	}
	return w
}

// wakeOne chooses the first waiter, if there is one.
func (q *queue[T]) wakeOne() {
	if w := q.pop(); w != nil {
		w.wake()
	}
}

// wakeAll chooses every waiter, in order.
func (q *queue[T]) wakeAll() {
	for w := q.pop(); w != nil; w = q.pop() {
		w.wake()
	}
}

//go:norace
func (w *waiter[T]) wake() { w.task.wake(w.arm) }

//go:norace
func (w *waiter[T]) unlink() {
	q := w.queue
	if q == nil {
		return
	}
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.queue, w.prev, w.next = nil, nil, nil
}

// release gives an unlinked waiter back.
//
//go:norace
func (q *queue[T]) release(w *waiter[T]) {
	if w == nil {
		return
	}
	*w = waiter[T]{next: q.free}
	q.free = w
}

// unlinker is a waiter of any type, or a pending alarm.
type unlinker interface{ unlink() }

// The arms which Task.park returns for other reasons than a waiter's own.
const (
	armNone   = -1
	armCancel = -2
	armAlarm  = -3
)

// waitState is what a task waits on. All of it is touched only by the running
// task and by whoever wakes the task.
type waitState struct {
	links  [6]unlinker // four arms, a context, an alarm
	linked int
	fired  int // the arm that was chosen, or armNone
	parked bool
}

//go:norace
func (t *Task) link(u unlinker) {
	t.wait.links[t.wait.linked] = u
	t.wait.linked++
}

// park suspends the task until wake is called for it, and returns the arm. A
// wake that came before is not lost.
//
//go:norace
func (t *Task) park(op Op) int {
	if t.wait.fired == armNone {
		t.wait.parked = true
		t.rt.sched.Park(op)
	}
	arm := t.wait.fired
	t.wait.fired = armNone
	return arm
}

// wake ends the wait of the task: nobody else can choose it afterwards.
//
//go:norace
func (t *Task) wake(arm int) {
	w := &t.wait
	for i := range w.linked {
		w.links[i].unlink()
		w.links[i] = nil
	}
	w.linked = 0
	w.fired = arm
	if w.parked {
		w.parked = false
		t.rt.sched.Ready(t)
	}
}

// taskAlarm is the alarm that a task itself sleeps on.
type taskAlarm struct {
	Alarm
	task *Task
}

//go:norace
func (a *taskAlarm) unlink() { a.task.rt.sched.StopAlarm(&a.Alarm) }

// setAlarm lets the task wake with armAlarm at a time.
//
//go:norace
func (t *Task) setAlarm(at int64) {
	if t.alarm.Fire == nil {
		t.alarm.task = t
		t.alarm.Fire = func() {
			t.wake(armAlarm)
		}
	}
	t.rt.sched.SetAlarm(&t.alarm.Alarm, at)
	t.link(&t.alarm)
}
