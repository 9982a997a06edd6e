package zoo

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func leakedPeer() []Program {
	return []Program{
		{
			Name:    "request-timeout",
			Doc:     "a request gives up after a second; its handler then sends the answer to nobody",
			Source:  "kubernetes/kubernetes#5316",
			Depth:   1,
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { finishRequest(ctx, rt, 0) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { finishRequest(ctx, rt, 1) },
		},
		{
			Name:    "begin-commands",
			Doc:     "a command waits for those before it; when it is cancelled those find nobody to tell",
			Source:  "cockroachdb/cockroach#10790",
			Depth:   1,
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { beginCommands(ctx, rt, 0) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { beginCommands(ctx, rt, 2) },
		},
		{
			Name:    "health-probe",
			Doc:     "a monitor that is stopped while a probe is under way does not wait for the result of the probe",
			Source:  "moby/moby#33781",
			Depth:   1,
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { monitorHealth(ctx, rt, 0) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { monitorHealth(ctx, rt, 1) },
		},
		{
			Name:    "first-replica",
			Doc:     "a search asks three replicas and takes the first answer; the others can not send theirs",
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { searchReplicas(ctx, rt, 0) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { searchReplicas(ctx, rt, 3) },
		},
		{
			Name:    "late-listener",
			Doc:     "a bus that closes tells its listeners; one that registers at that moment listens for ever",
			Depth:   2,
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { listenLate(ctx, rt, (*eventBus).listen) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { listenLate(ctx, rt, (*eventBus).listenLocked) },
		},
		{
			Name:    "status-request",
			Doc:     "a node that stops no longer receives requests for its status; one that saw it alive sends for ever",
			Source:  "etcd-io/etcd#6857",
			Depth:   1,
			Verdict: sim.Leak,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { askStatus(ctx, rt, (*statusNode).ask) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { askStatus(ctx, rt, (*statusNode).askOrDone) },
		},
	}
}

func finishRequest(ctx context.Context, rt *runtime.Runtime, buffer int) {
	answers := runtime.NewChan[string](rt, buffer) // Bug, without a buffer: who comes too late never gets rid of it.
	rt.Go(ctx, "handler", func(ctx context.Context) error {
		if err := rt.Sleep(ctx, time.Second); err != nil {
			return err
		}
		return answers.Send(ctx, "created")
	})
	timeout := rt.NewTimer(time.Second)
	defer timeout.Stop()
	_, _ = runtime.Select2(ctx, answers.RecvArm(), timeout.C.RecvArm())
}

func beginCommands(ctx context.Context, rt *runtime.Runtime, buffer int) {
	ready := runtime.NewChan[string](rt, buffer) // Bug, without room: a cancelled wait leaves the senders alone.
	for _, name := range []string{"put", "delete"} {
		rt.Go(ctx, name, func(ctx context.Context) error { return ready.Send(ctx, name) })
	}
	request, cancel := rt.WithCancel(ctx)
	network := runtime.NewResource("network", "client")
	rt.Go(ctx, "client", func(context.Context) error {
		for range 6 { // the request to cancel is on its way
			rt.Write(network)
		}
		cancel()
		return nil
	})
	for range 2 {
		if _, err := ready.Recv(request); err != nil {
			return
		}
	}
}

func monitorHealth(ctx context.Context, rt *runtime.Runtime, buffer int) {
	stop := runtime.NewChan[struct{}](rt, 1)
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "monitor", func(ctx context.Context) {
		for range 3 {
			results := runtime.NewChan[bool](rt, buffer) // Bug, without a buffer: stop wins, the probe stays.
			rt.Go(ctx, "probe", func(ctx context.Context) error { return results.Send(ctx, true) })
			r, err := runtime.Select2(ctx, results.RecvArm(), stop.RecvArm())
			if err != nil || r.Index == 1 {
				return
			}
		}
	})
	tasks.Go(ctx, "daemon", func(ctx context.Context) { _ = stop.Send(ctx, struct{}{}) })
	tasks.Wait()
}

func searchReplicas(ctx context.Context, rt *runtime.Runtime, buffer int) {
	results := runtime.NewChan[string](rt, buffer) // Bug, without room: only one answer is ever received.
	for _, replica := range []string{"eu", "us", "asia"} {
		rt.Go(ctx, replica, func(ctx context.Context) error { return results.Send(ctx, "found in "+replica) })
	}
	_, _ = results.Recv(ctx)
}

// eventBus closes the channels of its listeners when it closes.
type eventBus struct {
	mu        *runtime.Mutex // guards what follows
	closed    bool
	listeners []*runtime.Chan[string]
}

func (b *eventBus) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

func (b *eventBus) listen(events *runtime.Chan[string]) bool {
	if b.isClosed() {
		return false
	}
	b.mu.Lock() // Bug: the bus may have closed since, and told all listeners that it knew.
	defer b.mu.Unlock()
	b.listeners = append(b.listeners, events)
	return true
}

func (b *eventBus) listenLocked(events *runtime.Chan[string]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.listeners = append(b.listeners, events)
	}
	return !b.closed
}

func (b *eventBus) close() {
	b.mu.Lock()
	b.closed = true
	listeners := b.listeners
	b.listeners = nil
	b.mu.Unlock()
	for _, l := range listeners {
		l.Close()
	}
}

func listenLate(ctx context.Context, rt *runtime.Runtime, listen func(*eventBus, *runtime.Chan[string]) bool) {
	b := &eventBus{mu: rt.NewMutex()}
	rt.Go(ctx, "audit", func(ctx context.Context) error {
		events := runtime.NewChan[string](rt, 1)
		if !listen(b, events) {
			return nil
		}
		_, err := events.Recv(ctx)
		return err
	})
	b.close()
}

// statusNode answers requests for its status until it stops.
type statusNode struct {
	requests *runtime.Chan[*runtime.Chan[int]]
	stop     *runtime.Chan[struct{}]
	done     *runtime.Chan[struct{}]
}

func (n *statusNode) run(ctx context.Context) error {
	defer n.done.Close()
	for term := 1; ; term++ {
		r, err := runtime.Select2(ctx, n.requests.RecvArm(), n.stop.RecvArm())
		if err != nil || r.Index == 1 {
			return err
		}
		if err := r.V0.Send(ctx, term); err != nil {
			return err
		}
	}
}

func (n *statusNode) ask(ctx context.Context, answer *runtime.Chan[int]) error {
	if err := n.requests.Send(ctx, answer); err != nil { // Bug: nobody receives once the node has stopped.
		return err
	}
	_, err := answer.Recv(ctx)
	return err
}

func (n *statusNode) askOrDone(ctx context.Context, answer *runtime.Chan[int]) error {
	r, err := runtime.Select2(ctx, n.requests.SendArm(answer), n.done.RecvArm())
	if err != nil || r.Index == 1 {
		return err
	}
	_, err = answer.Recv(ctx)
	return err
}

func askStatus(
	ctx context.Context, rt *runtime.Runtime, ask func(*statusNode, context.Context, *runtime.Chan[int]) error,
) {
	n := &statusNode{
		requests: runtime.NewChan[*runtime.Chan[int]](rt, 0), stop: runtime.NewChan[struct{}](rt, 0),
		done: runtime.NewChan[struct{}](rt, 0),
	}
	rt.Go(ctx, "node", n.run)
	rt.Go(ctx, "status", func(ctx context.Context) error { return ask(n, ctx, runtime.NewChan[int](rt, 0)) })
	_ = n.stop.Send(ctx, struct{}{})
	_, _ = n.done.Recv(ctx)
}
