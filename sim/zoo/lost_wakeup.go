package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func lostWakeUp() []Program {
	return []Program{
		{
			Name:    "build-finished",
			Doc:     "a waiter looks at the flag, then locks and waits, without looking again",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { awaitBuild(ctx, rt, (*build).waitOnce) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { awaitBuild(ctx, rt, (*build).wait) },
		},
		{
			Name:    "bounded-buffer",
			Doc:     "producers and consumers share one condition, and Signal wakes one of the wrong kind",
			Depth:   4,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { produce(ctx, rt, (*runtime.Cond).Signal) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { produce(ctx, rt, (*runtime.Cond).Broadcast) },
		},
		{
			Name:    "commit-waiter",
			Doc:     "a reader checks what is committed and then asks for the next event; the last one passes in between",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { awaitCommit(ctx, rt, (*commitLog).awaitLate) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { awaitCommit(ctx, rt, (*commitLog).await) },
		},
	}
}

// build is a job that others wait for.
type build struct {
	mu   *runtime.Mutex // guards done
	cond *runtime.Cond
	done bool
}

func (b *build) finished() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done
}

func (b *build) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = true
	b.cond.Broadcast()
}

func (b *build) waitOnce() {
	if b.finished() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cond.Wait() // Bug: the build may have finished since the look at it.
}

func (b *build) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.done {
		b.cond.Wait()
	}
}

func awaitBuild(ctx context.Context, rt *runtime.Runtime, wait func(*build)) {
	b := &build{mu: rt.NewMutex()}
	b.cond = rt.NewCond(b.mu)
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "deploy", func(context.Context) { wait(b) })
	tasks.Go(ctx, "build", func(context.Context) { b.finish() })
	tasks.Wait()
}

// mailbox has room for one message.
type mailbox struct {
	mu   *runtime.Mutex // guards full
	cond *runtime.Cond
	full bool
	wake func(*runtime.Cond)
}

// swap waits until the mailbox is full, or empty, and changes that.
func (m *mailbox) swap(full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.full != full {
		m.cond.Wait()
	}
	m.full = !full
	m.wake(m.cond) // Bug, with Signal: it may wake a task that waits for the opposite.
}

func produce(ctx context.Context, rt *runtime.Runtime, wake func(*runtime.Cond)) {
	m := &mailbox{mu: rt.NewMutex(), wake: wake}
	m.cond = rt.NewCond(m.mu)
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "producer", func(context.Context) { m.swap(false) })
		tasks.Go(ctx, "consumer", func(context.Context) { m.swap(true) })
	}
	tasks.Wait()
}

// commitLog tells readers how far it is committed.
type commitLog struct {
	rt        *runtime.Runtime
	disk      *runtime.Resource
	mu        *runtime.Mutex // guards committed and synced
	committed int
	synced    int
	events    *runtime.Watch[int]
}

func (l *commitLog) position() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.committed
}

func (l *commitLog) awaitLate(ctx context.Context, position int) {
	for l.position() < position {
		_, seen := l.events.Get() // Bug: an event between the check and this line is never waited for.
		if _, _, err := l.events.Wait(ctx, seen); err != nil {
			return
		}
	}
}

func (l *commitLog) await(ctx context.Context, position int) {
	for {
		_, seen := l.events.Get()
		if l.position() >= position {
			return
		}
		if _, _, err := l.events.Wait(ctx, seen); err != nil {
			return
		}
	}
}

// commit makes an entry durable and then visible.
func (l *commitLog) commit() {
	for range 2 { // write, sync
		l.rt.Write(l.disk)
	}
	l.mu.Lock()
	l.synced++
	l.mu.Unlock()
	l.mu.Lock()
	l.committed = l.synced
	l.mu.Unlock()
	l.rt.Write(l.disk)
	l.events.Set(l.committed)
}

func awaitCommit(ctx context.Context, rt *runtime.Runtime, await func(*commitLog, context.Context, int)) {
	l := &commitLog{
		rt: rt, disk: runtime.NewResource("disk", "commits"), mu: rt.NewMutex(), events: runtime.NewWatch(rt, 0),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "reader", func(ctx context.Context) { await(l, ctx, 2) })
	tasks.Go(ctx, "writer", func(context.Context) {
		l.commit()
		l.commit()
	})
	tasks.Wait()
}
