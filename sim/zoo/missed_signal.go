package zoo

import (
	"context"
	"errors"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func missedSignal() []Program {
	return []Program{
		{
			Name:    "file-watcher-remove",
			Doc:     "removing a watched file waits for its last event, which a closed watcher never reports",
			Source:  "moby/moby#27782",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { followFile(ctx, rt, (*fileWatcher).close) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { followFile(ctx, rt, (*fileWatcher).closeAndTell) },
		},
		{
			Name:    "plugin-activation",
			Doc:     "those who wait for a plugin are told when it is active, but not when its activation failed",
			Source:  "moby/moby#30408",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { usePlugin(ctx, rt, (*plugin).activate) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { usePlugin(ctx, rt, (*plugin).activateAndTell) },
		},
		{
			Name:    "compaction-hint",
			Doc:     "a writer hints that there is work by a send that does not wait; nobody receives at that moment",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { compact(ctx, rt, 0) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { compact(ctx, rt, 1) },
		},
	}
}

// fileWatcher reports events of one file.
type fileWatcher struct {
	mu      *runtime.Mutex // guards what follows
	changed *runtime.Cond
	exists  bool
	closed  bool
}

// read handles one event of the operating system: the file is gone.
func (w *fileWatcher) read() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.exists = false
	w.changed.Broadcast()
}

func (w *fileWatcher) remove() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.exists {
		w.changed.Wait()
	}
}

func (w *fileWatcher) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true // Bug: nobody tells those who wait in remove.
}

func (w *fileWatcher) closeAndTell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed, w.exists = true, false
	w.changed.Broadcast()
}

func followFile(ctx context.Context, rt *runtime.Runtime, stop func(*fileWatcher)) {
	w := &fileWatcher{mu: rt.NewMutex(), exists: true}
	w.changed = rt.NewCond(w.mu)
	tasks := rt.NewWaitGroup()
	disk := runtime.NewResource("disk", "logs")
	tasks.Go(ctx, "events", func(context.Context) { w.read() })
	tasks.Go(ctx, "follow", func(context.Context) { w.remove() })
	tasks.Go(ctx, "shutdown", func(context.Context) {
		for range 3 { // what is left of the logs
			rt.Write(disk)
		}
		stop(w)
	})
	tasks.Wait()
}

var errPlugin = errors.New("plugin does not answer")

// plugin is activated by its first user; the others wait.
type plugin struct {
	mu      *runtime.Mutex // guards what follows
	settled *runtime.Cond
	active  bool
	err     error
}

func (p *plugin) activate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errPlugin // Bug: the waiters are not told of the error.
}

func (p *plugin) activateAndTell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errPlugin
	p.settled.Broadcast()
}

func (p *plugin) wait() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.active && p.err == nil {
		p.settled.Wait()
	}
	return p.err
}

func usePlugin(ctx context.Context, rt *runtime.Runtime, activate func(*plugin)) {
	p := &plugin{mu: rt.NewMutex()}
	p.settled = rt.NewCond(p.mu)
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "volume-create", func(context.Context) { activate(p) })
	disk := runtime.NewResource("disk", "volumes")
	for range 2 {
		tasks.Go(ctx, "volume-list", func(context.Context) {
			for range 5 { // the local volumes
				rt.Read(disk)
			}
			_ = p.wait()
		})
	}
	tasks.Wait()
}

// compactor merges segments when there are enough of them.
type compactor struct {
	rt       *runtime.Runtime
	disk     *runtime.Resource
	mu       *runtime.Mutex // guards segments
	segments int
	hint     *runtime.Chan[struct{}]
}

func (c *compactor) write() {
	c.rt.Write(c.disk) // append
	c.mu.Lock()
	c.segments++
	c.mu.Unlock()
	for range 2 { // sync, rename
		c.rt.Write(c.disk)
	}
	c.hint.TrySend(struct{}{}) // Bug, without a buffer: the hint is lost unless the compactor waits right now.
}

// run compacts until it has seen so many segments.
func (c *compactor) run(ctx context.Context, total int) {
	for compacted := 0; compacted < total; {
		c.mu.Lock()
		n := c.segments
		c.segments = 0
		c.mu.Unlock()
		if compacted += n; n == 0 {
			if _, err := c.hint.Recv(ctx); err != nil {
				return
			}
		}
	}
}

func compact(ctx context.Context, rt *runtime.Runtime, buffer int) {
	c := &compactor{
		rt: rt, disk: runtime.NewResource("disk", "segments"), mu: rt.NewMutex(),
		hint: runtime.NewChan[struct{}](rt, buffer),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "compactor", func(ctx context.Context) { c.run(ctx, 3) })
	tasks.Go(ctx, "writer", func(context.Context) {
		for range 3 {
			c.write()
		}
	})
	tasks.Wait()
}
