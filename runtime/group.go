package runtime

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// Group owns tasks: its Wait returns when all of them have ended. The first
// error, or panic, cancels the context of the others. A panic is never lost,
// even when an error came before it.
type Group struct {
	rt     *Runtime
	ctx    context.Context
	cancel context.CancelCauseFunc
	tasks  *WaitGroup
	first  sync.Once // guards err; native, because nothing parks in it
	err    error
	worst  sync.Once // guards panic
	panic  *TaskPanic
}

// TaskPanic is what [Group.Wait] panics with if a task of the group has
// panicked.
type TaskPanic struct {
	// Task is the path of the task, Value what it panicked with, and Stack its
	// stack at that moment.
	Task  string
	Value any
	Stack []byte
}

// Error implements error. It includes the stack, which Go prints when nobody
// recovers.
func (p *TaskPanic) Error() string { return p.summary() + "\n\n" + string(p.Stack) }

func (p *TaskPanic) summary() string { return fmt.Sprintf("%v [task %s]", p.Value, p.Task) }

// Unwrap returns the value if it is an error.
func (p *TaskPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// NewGroup returns a group whose tasks run under a child of ctx.
func (rt *Runtime) NewGroup(ctx context.Context) *Group {
	g := &Group{rt: rt, tasks: rt.newWaitGroup("group")}
	g.ctx, g.cancel = rt.WithCancelCause(ctx)
	return g
}

// Context returns the context of the group's tasks. It ends with the first
// error and with Wait.
func (g *Group) Context() context.Context { return g.ctx }

// Go starts fn as a task of the group. It must not be called after Wait has
// returned.
func (g *Group) Go(name string, fn func(ctx context.Context) error) {
	g.tasks.Add(1)
	g.rt.spawn(g.ctx, name, g, fn)
}

// Wait waits for all tasks and returns the first error. If a task panicked,
// Wait panics with a [*TaskPanic].
func (g *Group) Wait() error {
	g.tasks.Wait()
	g.cancel(nil)
	if g.panic != nil {
		panic(g.panic)
	}
	return g.err
}

// run executes a task of the group.
//
//go:norace
func (g *Group) run(t *Task) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			p := &TaskPanic{t.Path(), value, debug.Stack()}
			g.fail(p, p)
			g.tasks.Done()
			return
		}
		if g.rt.sched == nil { // runtime.Goexit: the group must not hang
			g.tasks.Done()
		}
	}()
	if t.err = t.body(t.ctx); t.err != nil {
		g.fail(t.err, nil)
	}
	returned = true
	g.tasks.Done()
}

func (g *Group) fail(err error, p *TaskPanic) {
	won := false
	g.first.Do(func() { g.err, won = err, true })
	if p != nil {
		g.worst.Do(func() { g.panic = p })
	}
	if won {
		g.cancel(err)
	}
}
