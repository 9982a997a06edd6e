package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func doubleClose() []Program {
	return []Program{
		{
			Name:    "client-close",
			Doc:     "Close looks whether the channel is closed already, and if not closes it",
			Source:  "docker#24007, figure 10 of Tu et al., ASPLOS 2019",
			Depth:   2,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { closeClient(ctx, rt, (*client).close) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { closeClient(ctx, rt, (*client).closeOnce) },
		},
		{
			Name:    "progress-done",
			Doc:     "a transfer that fails and one that is cancelled both end its progress",
			Source:  "moby/moby#37780",
			Depth:   1,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { endTransfer(ctx, rt, (*transfer).cancel) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { endTransfer(ctx, rt, (*transfer).cancelRunning) },
		},
		{
			Name:    "session-renewal",
			Doc:     "renewing a session closes the channel of the old one; two renewals can read the same old one",
			Depth:   2,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { renewSession(ctx, rt, (*session).renew) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { renewSession(ctx, rt, (*session).renewLocked) },
		},
	}
}

// client has a task that runs until the client is closed.
type client struct {
	once   *runtime.Once
	closed *runtime.Chan[struct{}]
}

func (c *client) close() {
	if _, _, err := c.closed.TryRecv(); err == nil {
		c.closed.Close() // Bug: two tasks can both have found it open.
	}
}

func (c *client) closeOnce() { c.once.Do(c.closed.Close) }

func closeClient(ctx context.Context, rt *runtime.Runtime, closeIt func(*client)) {
	c := &client{once: rt.NewOnce(), closed: runtime.NewChan[struct{}](rt, 0)}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "reader", func(ctx context.Context) {
		_, _ = c.closed.Recv(ctx)
	})
	tasks.Go(ctx, "user", func(context.Context) { closeIt(c) })
	tasks.Go(ctx, "heartbeat", func(context.Context) { closeIt(c) })
	tasks.Wait()
}

// transfer downloads a layer and reports its progress.
type transfer struct {
	mu       *runtime.Mutex // guards running
	running  bool
	progress *runtime.Chan[int]
}

func (t *transfer) run(chunks int) {
	for chunk := range chunks {
		t.report(chunk)
	}
	t.cancelRunning() // the connection broke
}

func (t *transfer) report(chunk int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running {
		t.progress.TrySend(chunk)
	}
}

func (t *transfer) cancel() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = false
	t.progress.Close() // Bug: the transfer may have failed, and closed it, already.
}

func (t *transfer) cancelRunning() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running {
		t.running = false
		t.progress.Close()
	}
}

func endTransfer(ctx context.Context, rt *runtime.Runtime, cancel func(*transfer)) {
	t := &transfer{mu: rt.NewMutex(), running: true, progress: runtime.NewChan[int](rt, 8)}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "download", func(context.Context) { t.run(2) })
	tasks.Go(ctx, "user", func(context.Context) { cancel(t) })
	tasks.Wait()
}

// session tells its users by a closed channel that it is replaced.
type session struct {
	mu       *runtime.Mutex // guards replaced and id
	replaced *runtime.Chan[struct{}]
	id       int
	registry *runtime.Mutex // guards live
	live     map[int]bool
}

func (s *session) register(id int) {
	s.registry.Lock()
	defer s.registry.Unlock()
	s.live[id] = true
}

func (s *session) renew(rt *runtime.Runtime) {
	s.mu.Lock()
	old, id := s.replaced, s.id+1
	s.mu.Unlock()
	s.register(id) // Bug: meanwhile another renewal can replace, and close, the same old session.
	s.mu.Lock()
	s.replaced, s.id = runtime.NewChan[struct{}](rt, 0), id
	s.mu.Unlock()
	old.Close()
}

func (s *session) renewLocked(rt *runtime.Runtime) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id++
	s.register(s.id)
	s.replaced.Close()
	s.replaced = runtime.NewChan[struct{}](rt, 0)
}

func renewSession(ctx context.Context, rt *runtime.Runtime, renew func(*session, *runtime.Runtime)) {
	s := &session{
		mu: rt.NewMutex(), replaced: runtime.NewChan[struct{}](rt, 0),
		registry: rt.NewMutex(), live: make(map[int]bool),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "keep-alive", func(context.Context) { renew(s, rt) })
	tasks.Go(ctx, "reconnect", func(context.Context) { renew(s, rt) })
	tasks.Wait()
}
