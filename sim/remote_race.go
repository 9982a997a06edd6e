//go:build race

package sim

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

// remote is a life as the program sees it.
type remote struct{ life *life }

// plug returns the scheduler that the runtime of a life is plugged into.
func plug(l *life) runtime.Scheduler { return remote{l} }

// Aside calls f outside of the task that calls it: see package runtime.
//
//go:norace
func (r remote) Aside(f func()) { r.life.kernel.call(f) }

//go:norace
func (r remote) Spawn(t *runtime.Task) { r.life.kernel.call(func() { r.life.Spawn(t) }) }

//go:norace
func (r remote) Current() *runtime.Task {
	if k := r.life.kernel; k.cur != nil && !k.firing {
		return k.cur.runtime
	}
	return nil
}

//go:norace
func (r remote) Point(op runtime.Op) (t *runtime.Task) {
	k := r.life.kernel
	g := k.guest
	k.call(func() {
		t = r.life.Point(op)
		if g != nil && (op.Kind == runtime.OpRead || op.Kind == runtime.OpWrite) {
			g.visited = k.resource(op.Object.ID)
		}
	})
	if g != nil && g.visited != nil {
		g.visited.acquire()
	}
	return t
}

//go:norace
func (r remote) Park(op runtime.Op) { r.life.kernel.call(func() { r.life.Park(op) }) }

//go:norace
func (r remote) Ready(t *runtime.Task) { r.life.kernel.call(func() { r.life.Ready(t) }) }

//go:norace
func (r remote) Now() (now int64) {
	r.life.kernel.call(func() { now = r.life.Now() })
	return now
}

// WallOffset implements [runtime.WallClock].
//
//go:norace
func (r remote) WallOffset() (offset int64) {
	r.life.kernel.call(func() { offset = r.life.WallOffset() })
	return offset
}

//go:norace
func (r remote) SetAlarm(a *runtime.Alarm, at int64) {
	r.life.kernel.call(func() { r.life.SetAlarm(a, at) })
}

//go:norace
func (r remote) StopAlarm(a *runtime.Alarm) (stopped bool) {
	r.life.kernel.call(func() { stopped = r.life.StopAlarm(a) })
	return stopped
}

//go:norace
func (r remote) Poll(f func() bool) { r.life.kernel.call(func() { r.life.Poll(f) }) }

//go:norace
func (r remote) Choose(stream, site string, n int) (i int) {
	stream, site = detached(stream), detached(site)
	r.life.kernel.call(func() { i = r.life.Choose(stream, site, n) })
	return i
}

// Record puts the event into words on the task's own goroutine, because it reads
// what the program logs.
//
//go:norace
func (r remote) Record(e runtime.Event) {
	k := r.life.kernel
	switch {
	case e.Kind == runtime.EventAssert:
		if len(k.triggers) > 0 {
			k.call(func() { k.trigger(e.Name) })
		}
	case k.config.Trace != nil:
		kind, text := tellEvent(e)
		text = detached(text)
		k.call(func() { r.life.record(kind, text) })
	}
}

// detached returns a string whose bytes nobody is known to have written: those of
// one that a strings.Builder has made are the task's, and the kernel may read them.
//
//go:norace
func detached(s string) string { return string([]byte(s)) }

//go:norace
func (r remote) Fail(f runtime.Failure) { r.life.kernel.join(func() { r.life.Fail(f) }) }

// External implements [runtime.ExternalScheduler].
//
//go:norace
func (r remote) External(name string, f func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	return r.life.External(name, f)
}

var (
	_ runtime.Scheduler         = remote{}
	_ runtime.WallClock         = remote{}
	_ runtime.ExternalScheduler = remote{}
)
