package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func nilChannel() []Program {
	return []Program{
		{
			Name:    "idle-framer",
			Doc:     "a connection's monitor drops the channel of resets; a frame on its way then sends on nil, under the lock",
			Source:  "kubernetes/kubernetes#6632",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { writeFrames(ctx, rt, (*framer).write) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { writeFrames(ctx, rt, (*framer).writeUnlessIdle) },
		},
		{
			Name:    "early-subscriber",
			Doc:     "a subscriber that comes before the feed has started receives from a channel that is not there yet",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { subscribeEarly(ctx, rt, false) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { subscribeEarly(ctx, rt, true) },
		},
		{
			Name:    "paused-forwarder",
			Doc:     "a forwarder pauses by setting its output to nil; a resume that is handled before the pause is forgotten",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { forward(ctx, rt, (*forwarder).control) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { forward(ctx, rt, (*forwarder).controlInOrder) },
		},
	}
}

// framer writes frames and resets the idle timer of its connection.
type framer struct {
	mu     *runtime.Mutex // guards resets
	resets *runtime.Chan[struct{}]
}

func (f *framer) resetChan() *runtime.Chan[struct{}] {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.resets
}

func (f *framer) write(ctx context.Context) {
	if f.resetChan() != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = f.resets.Send(ctx, struct{}{}) // Bug: the monitor may have set it to nil since the check.
	}
}

func (f *framer) writeUnlessIdle(context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.resets != nil {
		f.resets.TrySend(struct{}{})
	}
}

// monitor handles resets until the connection is closed.
func (f *framer) monitor(ctx context.Context, closed *runtime.Chan[struct{}]) {
	for resets := f.resetChan(); ; {
		r, err := runtime.Select2(ctx, closed.RecvArm(), resets.RecvArm())
		if err != nil || r.Index == 0 {
			break
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resets = nil
}

func writeFrames(ctx context.Context, rt *runtime.Runtime, write func(*framer, context.Context)) {
	f := &framer{mu: rt.NewMutex(), resets: runtime.NewChan[struct{}](rt, 1)}
	closed := runtime.NewChan[struct{}](rt, 0)
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "monitor", func(ctx context.Context) { f.monitor(ctx, closed) })
	tasks.Go(ctx, "writer", func(ctx context.Context) { write(f, ctx) })
	closed.Close()
	tasks.Wait()
}

// feed publishes prices from its start on.
type feed struct {
	network *runtime.Resource
	mu      *runtime.Mutex // guards prices
	prices  *runtime.Chan[int]
}

func (f *feed) channel() *runtime.Chan[int] {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.prices
}

func (f *feed) start(rt *runtime.Runtime) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prices = runtime.NewChan[int](rt, 1)
	f.prices.TrySend(42)
}

func subscribeEarly(ctx context.Context, rt *runtime.Runtime, startFirst bool) {
	f := &feed{network: runtime.NewResource("network", "feed"), mu: rt.NewMutex()}
	if startFirst {
		f.start(rt)
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "subscriber", func(ctx context.Context) {
		for range 5 { // the handshake
			rt.Write(f.network)
		}
		_, _ = f.channel().Recv(ctx) // Bug: before start the channel is nil, and stays so for this receive.
	})
	if !startFirst {
		f.start(rt)
	}
	tasks.Wait()
}

// forwarder passes messages on unless it is paused.
type forwarder struct {
	in, out *runtime.Chan[int]
	pauses  *runtime.Chan[struct{}]
	resumes *runtime.Chan[struct{}]
	paused  bool
}

// control handles one command.
func (f *forwarder) control(ctx context.Context) error {
	r, err := runtime.Select2(ctx, f.pauses.RecvArm(), f.resumes.RecvArm())
	f.paused = r.Index == 0 // Bug: of two commands that are there either can be received first.
	return err
}

func (f *forwarder) controlInOrder(ctx context.Context) error {
	if !f.paused {
		_, err := f.pauses.Recv(ctx)
		f.paused = true
		return err
	}
	_, err := f.resumes.Recv(ctx)
	f.paused = false
	return err
}

func (f *forwarder) run(ctx context.Context, control func(*forwarder, context.Context) error) {
	for range 2 {
		if err := control(f, ctx); err != nil {
			return
		}
	}
	out := f.out
	if f.paused {
		out = nil
	}
	v, err := f.in.Recv(ctx)
	if err != nil {
		return
	}
	_ = out.Send(ctx, v)
}

func forward(ctx context.Context, rt *runtime.Runtime, control func(*forwarder, context.Context) error) {
	f := &forwarder{
		in: runtime.NewChan[int](rt, 1), out: runtime.NewChan[int](rt, 1),
		pauses: runtime.NewChan[struct{}](rt, 1), resumes: runtime.NewChan[struct{}](rt, 1),
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "forwarder", func(ctx context.Context) { f.run(ctx, control) })
	tasks.Go(ctx, "operator", func(ctx context.Context) {
		_ = f.pauses.Send(ctx, struct{}{})
		_ = f.resumes.Send(ctx, struct{}{})
		_ = f.in.Send(ctx, 1)
		_, _ = f.out.Recv(ctx)
	})
	tasks.Wait()
}
