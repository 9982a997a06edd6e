package scenarios

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Stores is how the processes of a live scenario get at the store that they share: each
// opens it once. Faults is what goes wrong on the way; nil for a process that is to see none.
type Stores func(ctx context.Context, rt *runtime.Runtime, faults *faulty.Faults) (persist.Blob, persist.Consensus, error)

// ErrUnknownLive is wrapped by the error of [RunLive] for a scenario that can not run live.
var ErrUnknownLive = errors.New("scenarios: no such live scenario")

// liveScenarios are those that need nothing that only a simulated world has.
var liveScenarios = map[string]func(context.Context, stage) error{
	"appends":    appends,
	"capability": capability,
	"evolution":  evolution,
	"leases":     leases,
}

// LiveNames returns the names of the scenarios that [RunLive] runs, in their order.
func LiveNames() []string { return slices.Sorted(maps.Keys(liveScenarios)) }

// RunLive runs a scenario, as it is, on real goroutines, in real time, over real stores. Its
// processes are groups of tasks of this process: they are stopped and restarted, and calls of
// the store fail, as the seed says. They can neither crash nor pause, and their clocks go
// right; killing real processes is the business of the tests of the stores.
//
// The error is that of the scenario, or says which invariants were broken.
func RunLive(ctx context.Context, name string, seed uint64, stores Stores) error {
	run, found := liveScenarios[name]
	if !found {
		return fmt.Errorf("%w: %q", ErrUnknownLive, name)
	}
	l := newLive(ctx, seed, stores)
	err := run(ctx, l)
	return errors.Join(err, l.end())
}

// live is a stage of real time.
type live struct {
	ctx    context.Context
	seed   uint64
	rt     *runtime.Runtime // of the harness
	stores Stores
	group  *runtime.Group // everything that runs

	mu       sync.Mutex //sim:allow native-lock because nothing parks while it is held
	runtimes []*runtime.Runtime
	nodes    map[string]*liveNode
	handlers map[sim.FaultKind]sim.Handler
	ends     []func() // of faults that last
	faults   *faulty.Faults
	stop     context.CancelFunc // of everything
	calm     context.CancelFunc // of what is still to go wrong
	trouble  context.Context
}

// liveNode is a process that can be stopped and restarted.
type liveNode struct {
	name        string
	boot        sim.Boot
	incarnation uint64
	cancel      context.CancelFunc // nil if it is down
	done        *runtime.Chan[struct{}]
}

func newLive(ctx context.Context, seed uint64, stores Stores) *live {
	rt := runtime.New(runtime.Options{Node: "harness", Seed: seed})
	l := &live{
		seed: seed, rt: rt, stores: stores, runtimes: []*runtime.Runtime{rt},
		nodes: make(map[string]*liveNode), handlers: make(map[sim.FaultKind]sim.Handler),
	}
	l.ctx, l.stop = rt.WithCancel(ctx)
	l.trouble, l.calm = rt.WithCancel(l.ctx)
	l.group = rt.NewGroup(l.ctx)
	return l
}

// Runtime returns the runtime of the harness.
func (l *live) Runtime() *runtime.Runtime { return l.rt }

// Plan draws what goes wrong.
func (l *live) Plan(draw func() sim.Plan) sim.Plan { return draw() }

// Handle teaches the stage a kind of faults.
func (l *live) Handle(kind sim.FaultKind, h sim.Handler) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handlers[kind] = h
	return nil
}

func (l *live) access(faults *faulty.Faults) access {
	l.faults = faults
	return func(ctx context.Context, rt *runtime.Runtime, isCalm bool) (persist.Blob, persist.Consensus, error) {
		if isCalm {
			return l.stores(ctx, rt, nil)
		}
		return l.stores(ctx, rt, faults)
	}
}

// boot adds a node and boots it.
func (l *live) boot(name string, boot sim.Boot) error {
	n := &liveNode{name: name, boot: boot}
	l.mu.Lock()
	l.nodes[name] = n
	l.mu.Unlock()
	l.start(n)
	return nil
}

// start boots a node that is down.
func (l *live) start(n *liveNode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.cancel != nil || l.ctx.Err() != nil {
		return
	}
	n.incarnation++
	rt := runtime.New(runtime.Options{Node: n.name, Incarnation: n.incarnation, Seed: l.seed})
	l.runtimes = append(l.runtimes, rt)
	ctx, cancel := rt.WithCancel(l.ctx)
	n.cancel, n.done = cancel, runtime.NewChan[struct{}](l.rt, 0)
	done := n.done
	l.group.Go(n.name, func(context.Context) error {
		defer done.Close()
		_ = n.boot(ctx, rt) // endsWell asserts that it may end so
		return nil
	})
}

// halt stops a node, and returns when it is down.
func (l *live) halt(ctx context.Context, n *liveNode) {
	l.mu.Lock()
	cancel, done := n.cancel, n.done
	n.cancel = nil
	l.mu.Unlock()
	if cancel != nil {
		cancel()
		_, _ = done.Recv(ctx)
	}
}

// perStep is the time that stands for a step of a plan, and downtimeMax how long a node is
// down at most.
const (
	perStep     = 2 * time.Millisecond
	downtimeMax = 2 * time.Second
)

// Inject lets the faults of a plan come, each at its time. Those that there are not live are
// left out.
func (l *live) Inject(faults ...sim.Fault) error {
	for _, f := range faults {
		l.group.Go("fault", func(context.Context) error {
			if l.rt.Sleep(l.trouble, time.Duration(f.Step)*perStep) != nil {
				return nil // the faults are over
			}
			l.deliver(f)
			return nil
		})
	}
	return nil
}

func (l *live) deliver(f sim.Fault) {
	l.mu.Lock()
	handler, isHandled := l.handlers[f.Kind]
	l.mu.Unlock()
	switch {
	case isHandled:
		if end, ok := handler.Deliver(f); ok && end != nil {
			defer end()
		}
		l.rt.FaultDelivered(string(f.Kind))
		_ = l.rt.Sleep(l.trouble, min(f.Duration, downtimeMax))
	case f.Kind == sim.FaultStop || f.Kind == sim.FaultCrash:
		l.rt.FaultDelivered(string(sim.FaultStop))
		targets := l.targets(f)
		for _, n := range targets {
			l.halt(l.ctx, n)
		}
		_ = l.rt.Sleep(l.trouble, min(f.Duration, downtimeMax))
		for _, n := range targets {
			l.start(n)
		}
	}
}

func (l *live) targets(f sim.Fault) (found []*liveNode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range strings.SplitSeq(f.Target, "+") {
		if n := l.nodes[name]; n != nil {
			found = append(found, n)
		}
	}
	return found
}

// Quiesce ends the faults, and returns some time later.
func (l *live) Quiesce(within time.Duration) {
	l.calm()
	if l.faults != nil {
		l.faults.End()
	}
	_ = l.rt.Sleep(l.ctx, within)
}

// Eventually asserts that a condition comes true in time.
func (l *live) Eventually(id string, within time.Duration, condition func() bool, kv ...any) {
	for end := l.rt.Now().Add(within); !condition() && l.rt.Now().Before(end); {
		if l.rt.Sleep(l.ctx, 20*time.Millisecond) != nil {
			break
		}
	}
	l.rt.Always(condition(), id, kv...)
}

// end stops everything, and returns an error that says which invariants were broken.
func (l *live) end() error {
	l.stop()
	err := l.group.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	broken := make(map[string]uint64)
	for _, rt := range l.runtimes {
		for _, a := range rt.Assertions() {
			switch a.Kind {
			case runtime.KindAlways, runtime.KindAlwaysOrUnreachable, runtime.KindUnreachable:
				broken[a.ID] += a.Evaluated - a.Held
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(broken)) {
		if broken[id] > 0 {
			err = errors.Join(err, fmt.Errorf("invariant %s was broken %d times", id, broken[id]))
		}
	}
	return err
}
