package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func waitGroupMisuse() []Program {
	return []Program{
		{
			Name:    "plugin-restore",
			Doc:     "plugins are restored in parallel, but the wait for all of them stands inside the loop",
			Source:  "moby/moby#25384",
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { restorePlugins(ctx, rt, true) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { restorePlugins(ctx, rt, false) },
		},
		{
			Name:    "peer-stop",
			Doc:     "a peer counts a send in the task that sends; stop can see a count of 0 before",
			Source:  "figure 9 of Tu et al., ASPLOS 2019 (etcd)",
			Depth:   2,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { stopPeer(ctx, rt, (*raftPeer).send) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { stopPeer(ctx, rt, (*raftPeer).sendCounted) },
		},
		{
			Name:    "informer-deletes",
			Doc:     "a test counts the deletes that it expects; an informer reports one of them twice",
			Source:  "kubernetes/kubernetes#13058",
			Depth:   1,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { informDeletes(ctx, rt, (*informer).missing) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { informDeletes(ctx, rt, (*informer).missingOnce) },
		},
		{
			Name:    "batch-rounds",
			Doc:     "rounds of work share one group; a second waiter has not left the first round when the next begins",
			Depth:   1,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { runRounds(ctx, rt, true) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { runRounds(ctx, rt, false) },
		},
		{
			Name:    "stopper-tasks",
			Doc:     "a stopper waits for its tasks under the lock that a task takes before it is counted as done",
			Source:  "cockroachdb/cockroach#1055",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { stopTasks(ctx, rt, (*stopper).stop) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { stopTasks(ctx, rt, (*stopper).stopUnlocked) },
		},
	}
}

func restorePlugins(ctx context.Context, rt *runtime.Runtime, insideLoop bool) {
	plugins := []string{"volume", "network"}
	restored := rt.NewWaitGroup()
	restored.Add(len(plugins))
	for _, name := range plugins {
		rt.Go(ctx, name, func(context.Context) error {
			restored.Done()
			return nil
		})
		if insideLoop {
			restored.Wait() // Bug: it waits for plugins that are started only after it.
		}
	}
	restored.Wait()
}

// raftPeer sends messages, each in a task of its own.
type raftPeer struct {
	mu       *runtime.Mutex // guards stopping
	stopping bool
	sends    *runtime.WaitGroup
	wire     *runtime.Chan[string]
}

func (p *raftPeer) send(ctx context.Context, rt *runtime.Runtime, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return
	}
	rt.Go(ctx, "send", func(context.Context) error {
		p.sends.Add(1) // Bug: stop may have waited already, and found nothing to wait for.
		defer p.sends.Done()
		p.wire.TrySend(message)
		return nil
	})
}

func (p *raftPeer) sendCounted(ctx context.Context, rt *runtime.Runtime, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopping {
		p.sends.Go(ctx, "send", func(context.Context) { p.wire.TrySend(message) })
	}
}

func (p *raftPeer) stop() {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.sends.Wait()
	for range 5 { // say goodbye
		p.wire.TrySend("leave")
	}
	p.wire.Close()
}

func stopPeer(
	ctx context.Context, rt *runtime.Runtime, send func(*raftPeer, context.Context, *runtime.Runtime, string),
) {
	p := &raftPeer{mu: rt.NewMutex(), sends: rt.NewWaitGroup(), wire: runtime.NewChan[string](rt, 4)}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "raft", func(ctx context.Context) { send(p, ctx, rt, "append") })
	tasks.Go(ctx, "transport", func(context.Context) { p.stop() })
	tasks.Wait()
}

// informer keeps what exists and reports what was deleted.
type informer struct {
	mu       *runtime.Mutex // guards objects
	objects  map[string]bool
	onDelete func()
}

func (i *informer) remove(name string) {
	i.mu.Lock()
	existed := i.objects[name]
	delete(i.objects, name)
	i.mu.Unlock()
	if existed {
		i.onDelete()
	}
}

// missing reports what a list that was taken before no longer holds.
func (i *informer) missing(known []string) {
	for _, name := range known {
		i.mu.Lock()
		exists := i.objects[name]
		i.mu.Unlock()
		if !exists {
			i.onDelete() // Bug: remove has reported it already.
		}
	}
}

func (i *informer) missingOnce([]string) {}

func informDeletes(ctx context.Context, rt *runtime.Runtime, resync func(*informer, []string)) {
	deletes := rt.NewWaitGroup()
	i := &informer{mu: rt.NewMutex(), objects: map[string]bool{"pod": true}, onDelete: deletes.Done}
	deletes.Add(1)
	tasks := rt.NewWaitGroup()
	stream := runtime.NewResource("network", "watch")
	tasks.Go(ctx, "watch", func(context.Context) {
		for range 4 { // the events before
			rt.Read(stream)
		}
		i.remove("pod")
	})
	tasks.Go(ctx, "resync", func(context.Context) { resync(i, []string{"pod"}) })
	tasks.Wait()
	deletes.Wait()
}

func runRounds(ctx context.Context, rt *runtime.Runtime, shared bool) {
	work, progress := rt.NewWaitGroup(), rt.NewWaitGroup()
	for round := range 3 {
		if round > 0 && !shared {
			work = rt.NewWaitGroup()
		}
		group := work
		group.Add(1) // Bug, with a shared group: a waiter of the last round may not have returned yet.
		progress.Go(ctx, "progress", func(context.Context) { group.Wait() })
		rt.Go(ctx, "work", func(context.Context) error {
			group.Done()
			return nil
		})
		group.Wait()
	}
	progress.Wait()
}

// stopper counts tasks and waits for them.
type stopper struct {
	mu    *runtime.Mutex // guards done, and who may stop
	tasks *runtime.WaitGroup
	done  int
}

func (s *stopper) finish() {
	s.mu.Lock()
	s.done++
	s.mu.Unlock()
	s.tasks.Done()
}

func (s *stopper) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks.Wait() // Bug: a task needs the lock before it is done.
}

func (s *stopper) stopUnlocked() { s.tasks.Wait() }

func stopTasks(ctx context.Context, rt *runtime.Runtime, stop func(*stopper)) {
	s, registry := &stopper{mu: rt.NewMutex(), tasks: rt.NewWaitGroup()}, runtime.NewResource("network", "registry")
	s.tasks.Add(2)
	for range 2 {
		rt.Go(ctx, "task", func(context.Context) error {
			s.finish()
			return nil
		})
	}
	for range 3 { // leave the cluster
		rt.Write(registry)
	}
	stop(s)
}
