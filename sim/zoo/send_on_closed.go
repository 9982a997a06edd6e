package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func sendOnClosed() []Program {
	return []Program{
		{
			Name:    "handler-transport",
			Doc:     "a transport closes its channel of writes when the handler returns, while a stream still writes",
			Source:  "grpc/grpc-go#1687",
			Depth:   2,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { serveStream(ctx, rt, (*handlerTransport).do) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { serveStream(ctx, rt, (*handlerTransport).doOrClosed) },
		},
		{
			Name:    "pool-stop",
			Doc:     "a pool checks that it has not stopped, lets go of the lock, and then queues the job",
			Source:  "knative/serving#3068",
			Depth:   2,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { stopPool(ctx, rt, (*jobPool).submit) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { stopPool(ctx, rt, (*jobPool).submitLocked) },
		},
		{
			Name:    "endpoint-updates",
			Doc:     "a watcher of endpoints is told to stop and its channel closed; a probe that was under way reports",
			Source:  "knative/serving#5865",
			Depth:   2,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { watchEndpoints(ctx, rt, (*endpoints).stop) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { watchEndpoints(ctx, rt, (*endpoints).stopAfterProbes) },
		},
		{
			Name:    "topic-unsubscribe",
			Doc:     "a broker copies the subscribers and sends to them; one of them unsubscribes, and its channel is closed",
			Depth:   2,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { publish(ctx, rt, (*topic).unsubscribe) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { publish(ctx, rt, (*topic).unsubscribeOnly) },
		},
	}
}

// handlerTransport runs the writes of streams on the handler's own task.
type handlerTransport struct {
	mu     *runtime.Mutex // guards closed
	closed bool
	writes *runtime.Chan[func()]
	done   *runtime.Chan[struct{}]
}

func (t *handlerTransport) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

func (t *handlerTransport) do(ctx context.Context, write func()) {
	if !t.isClosed() {
		_ = t.writes.Send(ctx, write) // Bug: close may have come since.
	}
}

func (t *handlerTransport) doOrClosed(ctx context.Context, write func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		_ = t.writes.Send(ctx, write)
	}
}

func (t *handlerTransport) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.writes.Close()
}

func serveStream(ctx context.Context, rt *runtime.Runtime, do func(*handlerTransport, context.Context, func())) {
	t := &handlerTransport{mu: rt.NewMutex(), writes: runtime.NewChan[func()](rt, 4)}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "stream", func(ctx context.Context) {
		for range 2 {
			do(t, ctx, func() {})
		}
	})
	tasks.Go(ctx, "handler", func(ctx context.Context) {
		for write, err := range t.writes.All(ctx) {
			if err != nil {
				return
			}
			write()
		}
	})
	tasks.Go(ctx, "peer", func(context.Context) { t.close() })
	tasks.Wait()
}

// jobPool is a queue of jobs and its workers.
type jobPool struct {
	mu      *runtime.Mutex // guards stopped and pending
	stopped bool
	pending int
	jobs    *runtime.Chan[func()]
	idle    *runtime.Cond  // pending is 0
	log     *runtime.Mutex // guards events
	events  []string
}

func (p *jobPool) submit(ctx context.Context, job func()) {
	p.mu.Lock()
	stopped := p.stopped
	p.mu.Unlock()
	if stopped {
		return
	}
	p.mu.Lock() // Bug: stop may have waited for all pending jobs, and closed the queue, since the check.
	p.pending++
	p.mu.Unlock()
	_ = p.jobs.Send(ctx, job)
}

func (p *jobPool) submitLocked(ctx context.Context, job func()) {
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return
	}
	p.pending++
	p.mu.Unlock()
	_ = p.jobs.Send(ctx, job)
}

func (p *jobPool) work(ctx context.Context) {
	for job, err := range p.jobs.All(ctx) {
		if err != nil {
			return
		}
		job()
		p.mu.Lock()
		p.pending--
		p.mu.Unlock()
		p.idle.Signal()
	}
}

// stop lets the workers finish what is queued.
func (p *jobPool) stop() {
	p.mu.Lock()
	p.stopped = true
	for p.pending > 0 {
		p.idle.Wait()
	}
	p.mu.Unlock()
	for _, event := range []string{"drained", "flushed", "unregistered", "stopped"} {
		p.note(event)
	}
	p.jobs.Close()
}

func (p *jobPool) note(event string) {
	p.log.Lock()
	defer p.log.Unlock()
	p.events = append(p.events, event)
}

func stopPool(ctx context.Context, rt *runtime.Runtime, submit func(*jobPool, context.Context, func())) {
	p := &jobPool{mu: rt.NewMutex(), log: rt.NewMutex(), jobs: runtime.NewChan[func()](rt, 2)}
	p.idle = rt.NewCond(p.mu)
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "worker", p.work)
	tasks.Go(ctx, "client", func(ctx context.Context) {
		submit(p, ctx, func() {})
		submit(p, ctx, func() {})
	})
	tasks.Go(ctx, "stop", func(context.Context) { p.stop() })
	tasks.Wait()
}

// endpoints reports the health of backends until it is stopped.
type endpoints struct {
	stopping *runtime.Chan[struct{}]
	updates  *runtime.Chan[string]
	probes   *runtime.WaitGroup
}

func (e *endpoints) probe(ctx context.Context, name string) {
	defer e.probes.Done()
	if _, stopped, _ := e.stopping.TryRecv(); stopped {
		return
	}
	_ = e.updates.Send(ctx, name+" healthy")
}

func (e *endpoints) stop() {
	_ = e.stopping.TrySend(struct{}{})
	e.updates.Close() // Bug: probes that passed the check will send.
	e.probes.Wait()
}

func (e *endpoints) stopAfterProbes() {
	_ = e.stopping.TrySend(struct{}{})
	e.probes.Wait()
	e.updates.Close()
}

func watchEndpoints(ctx context.Context, rt *runtime.Runtime, stop func(*endpoints)) {
	e := &endpoints{
		stopping: runtime.NewChan[struct{}](rt, 1), updates: runtime.NewChan[string](rt, 2), probes: rt.NewWaitGroup(),
	}
	for _, name := range []string{"10.0.0.1", "10.0.0.2"} {
		e.probes.Add(1)
		rt.Go(ctx, "probe", func(ctx context.Context) error {
			e.probe(ctx, name)
			return nil
		})
	}
	stop(e)
}

// topic fans messages out to subscribers.
type topic struct {
	mu          *runtime.Mutex // guards subscribers
	subscribers []*runtime.Chan[string]
}

func (t *topic) publish(message string) {
	t.mu.Lock()
	subscribers := append([]*runtime.Chan[string](nil), t.subscribers...)
	t.mu.Unlock()
	for _, s := range subscribers {
		s.TrySend(message)
	}
}

func (t *topic) unsubscribe(gone *runtime.Chan[string]) {
	t.unsubscribeOnly(gone)
	for gone.Len() > 0 {
		_, _, _ = gone.TryRecv()
	}
	gone.Close() // Bug: publish sends to the subscribers that it has copied before.
}

func (t *topic) unsubscribeOnly(gone *runtime.Chan[string]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, s := range t.subscribers {
		if s == gone {
			t.subscribers = append(t.subscribers[:i], t.subscribers[i+1:]...)
			return
		}
	}
}

func publish(ctx context.Context, rt *runtime.Runtime, unsubscribe func(*topic, *runtime.Chan[string])) {
	t := &topic{mu: rt.NewMutex()}
	for range 2 {
		t.subscribers = append(t.subscribers, runtime.NewChan[string](rt, 3))
	}
	last := t.subscribers[1]
	last.TrySend("price 40")
	last.TrySend("price 41")
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "publisher", func(context.Context) { t.publish("price 42") })
	tasks.Go(ctx, "browser", func(context.Context) { unsubscribe(t, last) })
	tasks.Wait()
}
