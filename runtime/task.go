package runtime

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// Task is a started function: a goroutine when live, a coroutine of the
// scheduler otherwise. Its identity is the path of names by which it was
// spawned; it is the same live and simulated.
type Task struct {
	rt     *Runtime
	parent *Task
	name   string
	count  int // of the siblings before it with the same name
	hash   uint64

	body  func(context.Context) error
	ctx   context.Context
	group *Group
	err   error
	done  chan struct{} // live

	mu       sync.Mutex // guards children
	children []childCount

	// What follows is used with a scheduler only.
	start    stamp // of who spawned it
	end      stamp
	wait     waitState
	alarm    taskAlarm
	finished bool
	joiners  queue[struct{}]
	arms     [4]*Object // of the select it is in
	root     *canceller // of a task started by Root

	// Slot belongs to the scheduler.
	Slot any
}

type childCount struct {
	name  string
	count int
}

// taskKey finds the task in a task's context.
type taskKey struct{}

// Go starts fn as a task with a context of its own, a child of ctx, and
// returns at once. Names need not be unique. A panic in fn crashes the program
// as it does in a goroutine; under a scheduler it ends the run.
//
// Somebody should own the task: use a [Group], or call [Task.Wait].
func (rt *Runtime) Go(ctx context.Context, name string, fn func(ctx context.Context) error) *Task {
	return rt.spawn(ctx, name, nil, fn)
}

func (rt *Runtime) spawn(ctx context.Context, name string, group *Group, fn func(context.Context) error) *Task {
	if rt.sched == nil {
		t := rt.newTask(rt.parentOf(ctx), name, group, fn)
		t.done = make(chan struct{})
		t.ctx = context.WithValue(ctx, taskKey{}, t)
		go t.runLive()
		return t
	}
	rt.enter(OpSpawn, nil)
	return rt.spawnHere(rt.parentOf(ctx), ctx, name, group, fn)
}

// spawnHere starts a task without a scheduling point, also from an alarm.
//
//go:norace
func (rt *Runtime) spawnHere(
	parent *Task, ctx context.Context, name string, group *Group, fn func(context.Context) error,
) *Task {
	t := rt.newTask(parent, name, group, fn)
	t.wait.fired = armNone
	t.ctx = rt.taskContext(ctx, t)
	t.start.set()
	rt.sched.Spawn(t)
	return t
}

// Root starts the first task of a plugged-in runtime. It is for schedulers:
// unlike Go it may be called from outside any task, before the scheduler runs.
//
//go:norace
func (rt *Runtime) Root(name string, fn func(ctx context.Context) error) *Task {
	if rt.sched == nil {
		panic("runtime: Root of a live runtime")
	}
	ctx := rt.childContext(context.Background())
	t := rt.spawnHere(&rt.root, ctx, name, nil, fn)
	t.root = ctx.canceller
	return t
}

// Cancel cancels the context of a task started by Root, and does nothing for
// others. It is for schedulers, as Root is.
func (t *Task) Cancel() {
	if t.root != nil {
		t.root.cancel(context.Canceled, nil)
	}
}

//go:norace
func (rt *Runtime) newTask(parent *Task, name string, group *Group, fn func(context.Context) error) *Task {
	count := parent.countChild(name)
	return &Task{
		rt: rt, parent: parent, name: detached(name), count: count, group: group, body: fn,
		hash: mix(parent.hash, xxhash.Sum64String(name), uint64(count)),
	}
}

// parentOf returns the task that ctx belongs to, if it is one of ours.
func (rt *Runtime) parentOf(ctx context.Context) *Task {
	if t, ok := ctx.Value(taskKey{}).(*Task); ok && t.rt == rt {
		return t
	}
	return &rt.root
}

// countChild returns how many children of that name were spawned before.
//
//go:norace
func (t *Task) countChild(name string) (count int) {
	t.rt.aside(func() { count = t.addChild(name) })
	return count
}

func (t *Task) addChild(name string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.children {
		if c := &t.children[i]; c.name == name {
			c.count++
			return c.count - 1
		}
	}
	t.children = append(t.children, childCount{name, 1})
	return 0
}

func (t *Task) runLive() {
	defer close(t.done)
	t.run()
}

// Run executes the task. It is for schedulers, which call it once, on the
// stack that they give to the task.
func (t *Task) Run() {
	returned := false
	t.start.observe()
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			t.rt.sched.Fail(panicFailure(value))
		}
		t.rt.sched.Fail(Failure{Kind: FailureGoexit, Message: "task " + t.Path() + " ended by runtime.Goexit"})
	}()
	t.run()
	returned = true
	t.finish()
}

//go:norace
func (t *Task) run() {
	if t.group != nil {
		t.group.run(t)
		return
	}
	t.err = t.body(t.ctx)
}

//go:norace
func (t *Task) finish() {
	t.finished = true
	t.end.set()
	t.joiners.wakeAll()
}

// panicFailure describes a panic by its first cause: one that a group raised
// again has the stack of the task that panicked.
func panicFailure(value any) Failure {
	if p, ok := value.(*TaskPanic); ok {
		return Failure{Kind: FailurePanic, Message: p.summary(), Value: value, Stack: p.Stack}
	}
	return Failure{Kind: FailurePanic, Message: fmt.Sprint(value), Value: value, Stack: debug.Stack()}
}

// Wait returns the error of the task once it has ended, or ctx's error.
//
//go:norace
func (t *Task) Wait(ctx context.Context) error {
	if t.rt.sched == nil {
		select {
		case <-t.done:
			return t.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := t.rt.await(ctx, OpJoin, nil, func() bool { return t.finished }, &t.joiners); err != nil {
		return err
	}
	t.end.observe()
	return t.err
}

// await parks the current task until ready holds. Whoever makes it hold wakes
// the queue.
//
//go:norace
func (rt *Runtime) await(
	ctx context.Context, kind OpKind, object *Object, ready func() bool, waiters *queue[struct{}],
) error {
	cancel, err := rt.cancellerOf(ctx)
	if err != nil {
		return err
	}
	defer cancel.leave()
	t := rt.enter(kind, object)
	for {
		done := ready()
		if cancel.preempts(done) {
			return cancel.failure()
		}
		if done {
			return nil
		}
		w := waiters.push(t, 0)
		cancel.park(t, Op{kind, object})
		waiters.release(w)
	}
}

// Runtime returns the runtime that the task runs on.
func (t *Task) Runtime() *Runtime { return t.rt }

// Hash identifies the task by its node and path.
func (t *Task) Hash() uint64 { return t.hash }

// Path returns the names by which the task was spawned: "main/worker#2". A
// number tells siblings of one name apart, from the second on.
func (t *Task) Path() string {
	if t.parent == nil {
		return t.name
	}
	path := t.name
	if t.count > 0 {
		path += "#" + strconv.Itoa(t.count)
	}
	if t.parent.parent == nil {
		return path
	}
	return t.parent.Path() + "/" + path
}

// Objects yields the objects of the select that a parked task waits on.
func (t *Task) Objects() iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		for _, o := range t.arms {
			if o != nil && !yield(o) {
				return
			}
		}
	}
}
