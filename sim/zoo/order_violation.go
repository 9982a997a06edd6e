package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func orderViolation() []Program {
	return []Program{
		{
			Name:    "service-config",
			Doc:     "a resolver delivers the configuration before the balancer that takes it is there",
			Source:  "grpc/grpc-go#2371",
			Depth:   1,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { resolve(ctx, rt, (*clientConn).handle) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { resolve(ctx, rt, (*clientConn).handleIfBalanced) },
		},
		{
			Name:    "command-output",
			Doc:     "the output of a command is read when the command has ended, not when it has been copied",
			Source:  "moby/moby#18412",
			Depth:   1,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { runCommand(ctx, rt, (*command).waitExit) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { runCommand(ctx, rt, (*command).wait) },
		},
		{
			Name:    "access-log",
			Doc:     "a request is counted as over before it is logged; the shutdown flushes and closes the log in between",
			Depth:   1,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { shutDown(ctx, rt, (*httpServer).serve) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { shutDown(ctx, rt, (*httpServer).serveLogged) },
		},
		{
			Name:    "failover-read",
			Doc:     "a primary acknowledges a write before its standby has it; the standby is promoted and read",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { failOver(ctx, rt, (*replicated).write) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { failOver(ctx, rt, (*replicated).writeBoth) },
		},
	}
}

// clientConn is a connection whose balancer is made once it is known how.
type clientConn struct {
	mu       *runtime.Mutex // guards what follows
	balancer *balancer
	pending  string
}

type balancer struct{ config string }

func (c *clientConn) handle(config string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.balancer.config = config // Bug: there may be no balancer yet.
}

func (c *clientConn) handleIfBalanced(config string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.balancer == nil {
		c.pending = config
		return
	}
	c.balancer.config = config
}

func (c *clientConn) setBalancer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.balancer = &balancer{config: c.pending}
}

func resolve(ctx context.Context, rt *runtime.Runtime, handle func(*clientConn, string)) {
	c := &clientConn{mu: rt.NewMutex()}
	tasks := rt.NewWaitGroup()
	dns := runtime.NewResource("network", "dns")
	for _, config := range []string{"pick_first", "round_robin"} {
		tasks.Go(ctx, "resolver", func(context.Context) {
			for range 9 { // the records of a service
				rt.Read(dns)
			}
			handle(c, config)
		})
	}
	c.setBalancer()
	tasks.Wait()
}

// command writes its output into a pipe, from which a task of its own copies it.
type command struct {
	usage  *runtime.Resource
	mu     *runtime.Mutex // guards output
	output string
	exited *runtime.Chan[struct{}]
	copied *runtime.WaitGroup
}

func (c *command) start(ctx context.Context, rt *runtime.Runtime) {
	pipe := runtime.NewChan[string](rt, 2)
	c.copied.Go(ctx, "copy", func(ctx context.Context) {
		for line := range pipe.All(ctx) {
			c.mu.Lock()
			c.output += line
			c.mu.Unlock()
		}
	})
	c.copied.Go(ctx, "process", func(ctx context.Context) {
		_ = pipe.Send(ctx, "total ")
		_ = pipe.Send(ctx, "4096")
		pipe.Close()
		c.exited.Close()
	})
}

func (c *command) waitExit(ctx context.Context) {
	_, _ = c.exited.Recv(ctx) // Bug: the last lines may still be in the pipe.
}

func (c *command) wait(context.Context) { c.copied.Wait() }

func runCommand(ctx context.Context, rt *runtime.Runtime, wait func(*command, context.Context)) {
	c := &command{
		usage: runtime.NewResource("kernel", "usage"), mu: rt.NewMutex(),
		exited: runtime.NewChan[struct{}](rt, 0), copied: rt.NewWaitGroup(),
	}
	c.start(ctx, rt)
	wait(c, ctx)
	for range 9 { // user time, system time, memory, and so on
		rt.Read(c.usage)
	}
	c.mu.Lock()
	rt.Always(c.output == "total 4096", "output-is-complete", "output", c.output)
	c.mu.Unlock()
	c.copied.Wait()
}

// httpServer logs its requests through a buffer.
type httpServer struct {
	mu     *runtime.Mutex // guards active
	active int
	idle   *runtime.Cond
	log    *runtime.Chan[string]
}

func (s *httpServer) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active--; s.active == 0 {
		s.idle.Broadcast()
	}
}

func (s *httpServer) serve(request string) {
	s.end()
	s.log.TrySend(request) // Bug: the shutdown waits for active requests only, then closes the log.
}

func (s *httpServer) serveLogged(request string) {
	s.log.TrySend(request)
	s.end()
}

func (s *httpServer) shutDown() (flushed int) {
	s.mu.Lock()
	for s.active > 0 {
		s.idle.Wait()
	}
	s.mu.Unlock()
	for s.log.Len() > 0 {
		_, _, _ = s.log.TryRecv()
		flushed++
	}
	s.log.Close()
	return flushed
}

func shutDown(ctx context.Context, rt *runtime.Runtime, serve func(*httpServer, string)) {
	s := &httpServer{mu: rt.NewMutex(), active: 2, log: runtime.NewChan[string](rt, 4)}
	s.idle = rt.NewCond(s.mu)
	tasks := rt.NewWaitGroup()
	for _, request := range []string{"/", "/login"} {
		tasks.Go(ctx, "request", func(context.Context) { serve(s, request) })
	}
	tasks.Go(ctx, "shutdown", func(context.Context) { s.shutDown() })
	tasks.Wait()
}

// replicated is a value on a primary and its standby.
type replicated struct {
	rt      *runtime.Runtime
	journal *runtime.Resource
	mu      *runtime.Mutex // guards what follows
	copies  [2]int
	acked   int
}

// store writes one copy.
func (r *replicated) store(copy, value int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.copies[copy] = value
}

func (r *replicated) acknowledge(value int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked = value
}

func (r *replicated) write(value int) {
	r.store(0, value)
	r.acknowledge(value) // Bug: if the primary fails now, the acknowledged value is lost.
	r.store(1, value)
}

func (r *replicated) writeBoth(value int) {
	r.store(0, value)
	r.store(1, value)
	r.acknowledge(value)
}

// readAfterFailover promotes the standby and returns what it has, and what it should.
func (r *replicated) readAfterFailover() (value, acked int) {
	r.mu.Lock()
	acked = r.acked
	r.mu.Unlock()
	for range 3 { // the journal, entry by entry
		r.rt.Read(r.journal)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.copies[1], acked
}

func failOver(ctx context.Context, rt *runtime.Runtime, write func(*replicated, int)) {
	r := &replicated{rt: rt, journal: runtime.NewResource("disk", "journal"), mu: rt.NewMutex()}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "client", func(context.Context) { write(r, 7) })
	tasks.Go(ctx, "failover", func(context.Context) {
		value, acked := r.readAfterFailover()
		rt.Always(value >= acked, "acknowledged-is-there", "value", value, "acknowledged", acked)
	})
	tasks.Wait()
}
