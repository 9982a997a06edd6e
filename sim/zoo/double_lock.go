package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func doubleLock() []Program {
	return []Program{
		{
			Name:    "log-rotation",
			Doc:     "a logger that finds the disk full saves what it has, which locks what it holds",
			Source:  "cockroachdb/cockroach#9935",
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { rotateLog(ctx, rt, (*logSink).save) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { rotateLog(ctx, rt, (*logSink).saveLocked) },
		},
		{
			Name:    "lease-checkpoint",
			Doc:     "a lessor renews a lease under its lock, and calls a checkpointer that takes the same lock",
			Source:  "etcd-io/etcd#10492",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { checkpointLease(ctx, rt, (*lessor).renew) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { checkpointLease(ctx, rt, (*lessor).renewThenCall) },
		},
		{
			Name:    "device-cleanup",
			Doc:     "a count of deleted devices returns early, without the unlock, if there are none",
			Source:  "moby/moby#17176",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { cleanDevices(ctx, rt, (*deviceSet).deletedCount) },
			Fixed: func(ctx context.Context, rt *runtime.Runtime) {
				cleanDevices(ctx, rt, (*deviceSet).deletedCountDeferred)
			},
		},
		{
			Name:    "event-overflow",
			Doc:     "a buffer of events that overflows because its shipper is slow drains itself, under its own lock",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { shipEvents(ctx, rt, (*eventBuffer).drain) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { shipEvents(ctx, rt, (*eventBuffer).drainLocked) },
		},
	}
}

// logSink writes lines into files of four, on a disk with room for one.
type logSink struct {
	mu                  *runtime.Mutex // guards what follows
	lines, files, saved int
}

func (s *logSink) write(onFull func(*logSink)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines%4 == 0 {
		if s.files == 1 {
			onFull(s)
			return
		}
		s.files++
	}
	s.lines++
}

func (s *logSink) save() {
	s.mu.Lock() // Bug: it is called by write, which holds the lock.
	defer s.mu.Unlock()
	s.saveLocked()
}

func (s *logSink) saveLocked() { s.saved = s.lines }

func rotateLog(ctx context.Context, rt *runtime.Runtime, onFull func(*logSink)) {
	s := &logSink{mu: rt.NewMutex()}
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "writer", func(context.Context) {
			for range 3 {
				s.write(onFull)
			}
		})
	}
	tasks.Wait()
}

// lessor keeps the remaining time of leases.
type lessor struct {
	mu         *runtime.Mutex // guards what follows
	remaining  map[string]int
	checkpoint func(id string, seconds int)
}

func (l *lessor) setCheckpointer(f func(id string, seconds int)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checkpoint = f
}

func (l *lessor) store(id string, seconds int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remaining[id] = seconds
}

func (l *lessor) renew(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.checkpoint != nil {
		l.checkpoint(id, 60) // Bug: the checkpointer calls store, which locks again.
	}
}

func (l *lessor) renewThenCall(id string) {
	l.mu.Lock()
	f := l.checkpoint
	l.mu.Unlock()
	if f != nil {
		f(id, 60)
	}
}

func checkpointLease(ctx context.Context, rt *runtime.Runtime, renew func(*lessor, string)) {
	l := &lessor{mu: rt.NewMutex(), remaining: make(map[string]int)}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "keep-alive", func(context.Context) { renew(l, "a") })
	disk := runtime.NewResource("disk", "leases")
	tasks.Go(ctx, "promote", func(context.Context) {
		for range 5 { // what the last leader has left
			rt.Read(disk)
		}
		l.setCheckpointer(l.store)
	})
	tasks.Wait()
}

// deviceSet knows the devices of a pool, and which of them wait for deletion.
type deviceSet struct {
	mu      *runtime.Mutex // guards deleted
	deleted []string
}

func (s *deviceSet) markDeleted(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleted = append(s.deleted, name)
}

func (s *deviceSet) deletedCount() int {
	s.mu.Lock()
	if len(s.deleted) == 0 {
		return 0 // Bug: the lock stays held.
	}
	n := len(s.deleted)
	s.mu.Unlock()
	return n
}

func (s *deviceSet) deletedCountDeferred() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.deleted)
}

func cleanDevices(ctx context.Context, rt *runtime.Runtime, count func(*deviceSet) int) {
	s := &deviceSet{mu: rt.NewMutex()}
	tasks := rt.NewWaitGroup()
	disk := runtime.NewResource("disk", "thin-pool")
	tasks.Go(ctx, "remove", func(context.Context) {
		rt.Write(disk)
		s.markDeleted("dm-0")
	})
	tasks.Go(ctx, "cleanup", func(context.Context) {
		for range 7 { // the metadata
			rt.Read(disk)
		}
		count(s)
	})
	tasks.Wait()
	s.markDeleted("dm-1")
}

// eventBuffer collects events for a shipper that drains it.
type eventBuffer struct {
	mu      *runtime.Mutex // guards events and shipped
	events  []int
	shipped int
	full    *runtime.Chan[struct{}] // wakes the shipper
}

const eventsMax = 10

func (b *eventBuffer) add(event int, overflow func(*eventBuffer)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, event)
	b.full.TrySend(struct{}{})
	if len(b.events) == eventsMax {
		overflow(b)
	}
}

func (b *eventBuffer) drain() {
	b.mu.Lock() // Bug: add calls drain under the lock, but only when the shipper is late.
	defer b.mu.Unlock()
	b.drainLocked()
}

func (b *eventBuffer) drainLocked() {
	b.shipped += len(b.events)
	b.events = b.events[:0]
}

func shipEvents(ctx context.Context, rt *runtime.Runtime, overflow func(*eventBuffer)) {
	b := &eventBuffer{mu: rt.NewMutex(), full: runtime.NewChan[struct{}](rt, 1)}
	shipper := rt.NewWaitGroup()
	shipper.Go(ctx, "shipper", func(ctx context.Context) {
		for range b.full.All(ctx) {
			b.drain()
		}
	})
	producers := rt.NewWaitGroup()
	for range 2 {
		producers.Go(ctx, "producer", func(context.Context) {
			for event := range 6 {
				b.add(event, overflow)
			}
		})
	}
	producers.Wait()
	b.full.Close()
	shipper.Wait()
}
