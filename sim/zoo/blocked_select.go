package zoo

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func blockedSelect() []Program {
	return []Program{
		{
			Name:    "token-keeper",
			Doc:     "adding a token sends under a lock to a keeper whose expiry of tokens takes that lock",
			Source:  "etcd-io/etcd#7492",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { keepTokens(ctx, rt, (*tokenKeeper).assign) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { keepTokens(ctx, rt, (*tokenKeeper).assignAfter) },
		},
		{
			Name:    "dispatcher-close",
			Doc:     "a dispatcher that handles a close message waits for itself to stop",
			Source:  "syncthing/syncthing#5795",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { dispatch(ctx, rt, (*dispatcher).close) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { dispatch(ctx, rt, (*dispatcher).closeOnly) },
		},
		{
			Name:    "mux-watcher",
			Doc:     "a mux sends events under its lock; a watcher that stops wants the lock and receives no more",
			Source:  "kubernetes/kubernetes#1321",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { distribute(ctx, rt, (*mux).send) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { distribute(ctx, rt, (*mux).sendUnlessStopped) },
		},
		{
			Name:    "pipeline-reload",
			Doc:     "control hands settings to a stage, the stage its result to a sink, the sink its progress to control",
			Depth:   3,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { reloadPipeline(ctx, rt, (*pipeline).apply) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { reloadPipeline(ctx, rt, (*pipeline).applyMeanwhile) },
		},
	}
}

// tokenKeeper expires tokens in a task of its own.
type tokenKeeper struct {
	mu     *runtime.Mutex // guards tokens
	tokens map[string]bool
	added  *runtime.Chan[string]
	stop   *runtime.Chan[struct{}]
}

func (k *tokenKeeper) run(ctx context.Context, rt *runtime.Runtime) {
	expiry := rt.NewTimer(time.Second)
	defer expiry.Stop()
	for {
		r, err := runtime.Select3(ctx, k.added.RecvArm(), expiry.C.RecvArm(), k.stop.RecvArm())
		switch {
		case err != nil || r.Index == 2:
			return
		case r.Index == 1:
			k.expire()
		}
	}
}

func (k *tokenKeeper) expire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.tokens)
}

func (k *tokenKeeper) assign(ctx context.Context, token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tokens[token] = true
	_ = k.added.Send(ctx, token) // Bug: the keeper may be in expire, which waits for the lock.
}

func (k *tokenKeeper) assignAfter(ctx context.Context, token string) {
	k.mu.Lock()
	k.tokens[token] = true
	k.mu.Unlock()
	_ = k.added.Send(ctx, token)
}

func keepTokens(ctx context.Context, rt *runtime.Runtime, assign func(*tokenKeeper, context.Context, string)) {
	k := &tokenKeeper{
		mu: rt.NewMutex(), tokens: make(map[string]bool),
		added: runtime.NewChan[string](rt, 0), stop: runtime.NewChan[struct{}](rt, 0),
	}
	keeper := rt.NewWaitGroup()
	keeper.Go(ctx, "keeper", func(ctx context.Context) { k.run(ctx, rt) })
	if err := rt.Sleep(ctx, time.Second); err != nil {
		return
	}
	assign(k, ctx, "alice")
	k.stop.Close()
	keeper.Wait()
}

// dispatcher handles the messages of a connection.
type dispatcher struct {
	inbox   *runtime.Chan[string]
	closed  *runtime.Chan[struct{}]
	stopped *runtime.Chan[struct{}]
	once    *runtime.Once
}

func (d *dispatcher) run(ctx context.Context, closeIt func(*dispatcher, context.Context)) {
	defer d.stopped.Close()
	for {
		r, err := runtime.Select2(ctx, d.inbox.RecvArm(), d.closed.RecvArm())
		if err != nil || r.Index == 1 {
			return
		}
		if r.V0 == "close" {
			closeIt(d, ctx)
		}
	}
}

func (d *dispatcher) close(ctx context.Context) {
	d.closeOnly(ctx)
	_, _ = d.stopped.Recv(ctx) // Bug: called by the dispatcher itself it waits for its own end.
}

func (d *dispatcher) closeOnly(context.Context) { d.once.Do(d.closed.Close) }

func dispatch(ctx context.Context, rt *runtime.Runtime, closeIt func(*dispatcher, context.Context)) {
	d := &dispatcher{
		inbox: runtime.NewChan[string](rt, 1), closed: runtime.NewChan[struct{}](rt, 0),
		stopped: runtime.NewChan[struct{}](rt, 0), once: rt.NewOnce(),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "dispatcher", func(ctx context.Context) { d.run(ctx, closeIt) })
	tasks.Go(ctx, "peer", func(ctx context.Context) { d.inbox.TrySend("close") })
	tasks.Go(ctx, "user", func(ctx context.Context) { d.close(ctx) })
	tasks.Wait()
}

// mux distributes events to a watcher.
type mux struct {
	mu       *runtime.Mutex // guards watching
	watching bool
	events   *runtime.Chan[string]
	stopped  *runtime.Chan[struct{}]
}

func (m *mux) send(ctx context.Context, event string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watching {
		_ = m.events.Send(ctx, event) // Bug: a watcher that stops waits for the lock, and receives nothing.
	}
}

func (m *mux) sendUnlessStopped(ctx context.Context, event string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watching {
		_, _ = runtime.Select2(ctx, m.events.SendArm(event), m.stopped.RecvArm())
	}
}

func (m *mux) stop() {
	m.stopped.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watching = false
}

func distribute(ctx context.Context, rt *runtime.Runtime, send func(*mux, context.Context, string)) {
	m := &mux{
		mu: rt.NewMutex(), watching: true,
		events: runtime.NewChan[string](rt, 0), stopped: runtime.NewChan[struct{}](rt, 0),
	}
	tasks := rt.NewWaitGroup()
	store := runtime.NewResource("store", "events")
	tasks.Go(ctx, "mux", func(ctx context.Context) {
		for range 5 { // until there is an event
			rt.Read(store)
		}
		send(m, ctx, "added")
	})
	tasks.Go(ctx, "watcher", func(context.Context) { m.stop() })
	tasks.Wait()
}

// pipeline scales numbers and passes them to a sink. Its settings can be reloaded.
type pipeline struct {
	in, out            *runtime.Chan[int]
	settings, progress *runtime.Chan[int]
}

func (p *pipeline) stage(ctx context.Context) {
	scale, in, settings := 1, p.in, p.settings
	for in != nil || settings != nil {
		r, err := runtime.Select2(ctx, in.RecvArm(), settings.RecvArm())
		switch {
		case err != nil:
			return
		case r.Index == 0 && r.OK:
			_ = p.out.Send(ctx, r.V0*scale)
		case r.Index == 0:
			p.out.Close()
			in = nil
		case r.OK:
			scale = r.V1
		default:
			settings = nil
		}
	}
}

func (p *pipeline) sink(ctx context.Context) {
	defer p.progress.Close()
	for v := range p.out.All(ctx) {
		_ = p.progress.Send(ctx, v)
	}
}

func (p *pipeline) control(
	ctx context.Context, reloads *runtime.Chan[int], apply func(*pipeline, context.Context, int),
) {
	defer p.settings.Close()
	for {
		r, err := runtime.Select2(ctx, p.progress.RecvArm(), reloads.RecvArm())
		switch {
		case err != nil || r.Index == 0 && !r.OK:
			return
		case r.Index == 1:
			apply(p, ctx, r.V1)
		}
	}
}

func (p *pipeline) apply(ctx context.Context, scale int) {
	_ = p.settings.Send(ctx, scale) // Bug: meanwhile nobody receives the progress that the sink waits to send.
}

func (p *pipeline) applyMeanwhile(ctx context.Context, scale int) {
	for progress := p.progress; ; {
		r, err := runtime.Select2(ctx, p.settings.SendArm(scale), progress.RecvArm())
		if err != nil || r.Index == 0 {
			return
		}
		if !r.OK {
			progress = nil
		}
	}
}

func reloadPipeline(ctx context.Context, rt *runtime.Runtime, apply func(*pipeline, context.Context, int)) {
	p := &pipeline{
		in: runtime.NewChan[int](rt, 0), out: runtime.NewChan[int](rt, 0),
		settings: runtime.NewChan[int](rt, 0), progress: runtime.NewChan[int](rt, 0),
	}
	reloads := runtime.NewChan[int](rt, 1)
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "stage", p.stage)
	tasks.Go(ctx, "sink", p.sink)
	tasks.Go(ctx, "control", func(ctx context.Context) { p.control(ctx, reloads, apply) })
	tasks.Go(ctx, "operator", func(ctx context.Context) { _ = reloads.Send(ctx, 3) })
	for v := range 2 {
		_ = p.in.Send(ctx, v)
	}
	p.in.Close()
	tasks.Wait()
}
