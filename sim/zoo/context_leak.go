package zoo

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func contextLeak() []Program {
	return []Program{
		{
			Name:    "transaction-await",
			Doc:     "each transaction has a task that awaits its context; a rollback forgets to cancel it",
			Source:  "cockroachdb/cockroach#13197",
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { rollBack(ctx, rt, (*transaction).abandon) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { rollBack(ctx, rt, (*transaction).end) },
		},
		{
			Name:    "dial-transport",
			Doc:     "a connection that is closed while it dials keeps the transport that is added after that",
			Source:  "grpc/grpc-go#862",
			Depth:   1,
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { dialTransport(ctx, rt, (*connection).add) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { dialTransport(ctx, rt, (*connection).addUnlessClosed) },
		},
		{
			Name:    "hedged-query",
			Doc:     "with a time limit the context is derived a second time, and the first cancel function is lost",
			Source:  "figure 6 of Tu et al., ASPLOS 2019",
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { hedgeQuery(ctx, rt, deriveTwice) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { hedgeQuery(ctx, rt, deriveOnce) },
		},
		{
			Name:    "watch-restart",
			Doc:     "a watch that restarts replaces its cancel function; a stop can call the old one",
			Depth:   2,
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { restartWatch(ctx, rt, (*resourceWatch).restart) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { restartWatch(ctx, rt, (*resourceWatch).restartChecked) },
		},
	}
}

// untilDone waits until ctx ends.
func untilDone(ctx context.Context) error {
	var never *runtime.Chan[struct{}]
	_, err := never.Recv(ctx)
	return err
}

// transaction has a task that releases its resources when its context ends.
type transaction struct {
	cancel context.CancelFunc
	open   bool
}

func begin(ctx context.Context, rt *runtime.Runtime) *transaction {
	ctx, cancel := rt.WithCancel(ctx)
	rt.Go(ctx, "await-done", untilDone)
	return &transaction{cancel: cancel, open: true}
}

func (t *transaction) abandon() { t.open = false } // Bug: the context does not end.

func (t *transaction) end() {
	t.open = false
	t.cancel()
}

func rollBack(ctx context.Context, rt *runtime.Runtime, end func(*transaction)) { end(begin(ctx, rt)) }

// connection cancels its transports when it is closed.
type connection struct {
	mu         *runtime.Mutex // guards closed and transports
	closed     bool
	transports []context.CancelFunc
}

func (c *connection) add(cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.transports = append(c.transports, cancel) // Bug: nobody cancels it if the connection is closed.
}

func (c *connection) addUnlessClosed(cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		cancel()
		return
	}
	c.transports = append(c.transports, cancel)
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, cancel := range c.transports {
		cancel()
	}
}

func dialTransport(ctx context.Context, rt *runtime.Runtime, add func(*connection, context.CancelFunc)) {
	c, network := &connection{mu: rt.NewMutex()}, runtime.NewResource("network", "connection")
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "dial", func(ctx context.Context) {
		ctx, cancel := rt.WithCancel(ctx)
		rt.Go(ctx, "transport", untilDone)
		add(c, cancel)
	})
	tasks.Go(ctx, "close", func(context.Context) {
		for range 7 { // the streams
			rt.Write(network)
		}
		c.close()
	})
	tasks.Wait()
}

func deriveTwice(ctx context.Context, rt *runtime.Runtime) context.CancelFunc {
	query, cancel := rt.WithCancel(ctx)
	rt.Go(query, "query", untilDone)
	hedge, cancel := rt.WithTimeout(ctx, time.Second) // Bug: from here on nobody can cancel the first one.
	rt.Go(hedge, "hedge", untilDone)
	return cancel
}

func deriveOnce(ctx context.Context, rt *runtime.Runtime) context.CancelFunc {
	query, cancel := rt.WithTimeout(ctx, time.Second)
	rt.Go(query, "query", untilDone)
	rt.Go(query, "hedge", untilDone)
	return cancel
}

func hedgeQuery(
	ctx context.Context, rt *runtime.Runtime, derive func(context.Context, *runtime.Runtime) context.CancelFunc,
) {
	derive(ctx, rt)()
}

// resourceWatch is a stream of changes that is started anew from time to time.
type resourceWatch struct {
	mu      *runtime.Mutex // guards stopped and cancel
	stopped bool
	cancel  context.CancelFunc
	events  *runtime.Chan[string]
}

// swap sets the cancel function, calls the old one, and reports whether the watch goes on.
func (w *resourceWatch) swap(cancel context.CancelFunc) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel()
	}
	w.cancel = cancel
	return !w.stopped
}

func (w *resourceWatch) restart(ctx context.Context, rt *runtime.Runtime) {
	if w.swap(nil) {
		ctx, cancel := rt.WithCancel(ctx)
		rt.Go(ctx, "stream", untilDone)
		w.swap(cancel) // Bug: the watch may have been stopped since, and nobody looks.
	}
}

func (w *resourceWatch) restartChecked(ctx context.Context, rt *runtime.Runtime) {
	if w.swap(nil) {
		ctx, cancel := rt.WithCancel(ctx)
		rt.Go(ctx, "stream", untilDone)
		if !w.swap(cancel) {
			cancel()
		}
	}
}

func (w *resourceWatch) stop() {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	for w.events.Len() > 0 {
		_, _, _ = w.events.TryRecv()
	}
	w.swap(nil)
}

func restartWatch(
	ctx context.Context, rt *runtime.Runtime, restart func(*resourceWatch, context.Context, *runtime.Runtime),
) {
	w := &resourceWatch{mu: rt.NewMutex(), events: runtime.NewChan[string](rt, 1)}
	w.events.TrySend("added")
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "reflector", func(ctx context.Context) {
		restart(w, ctx, rt)
		restart(w, ctx, rt)
	})
	tasks.Go(ctx, "stop", func(context.Context) { w.stop() })
	tasks.Wait()
}
