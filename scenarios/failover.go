package scenarios

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Failover lets processes fence each other out of one register.
func Failover() sim.Scenario {
	return sim.Scenario{
		Name:   "failover",
		Doc:    "processes take a counter over by epoch, with wrong clocks, crash, pause and lose answers; no fenced write gets in",
		Run:    inWorld(failover),
		Faults: append(kindNames(nodeFaults), "lost-answer"),
		Goals:  []string{"fenced-out", "write-unknown", "took-over"},
	}
}

// register is the one thing that survives a crash: an epoch and a counter. It
// is an object of the world, so it belongs to no node.
type register struct {
	mu      sync.Mutex //sim:allow native-lock because nothing parks while it is held
	epoch   uint64
	value   uint64
	writers map[uint64]string // who owns each epoch
}

var (
	errFenced = errors.New("fenced by a newer epoch")
	errLost   = errors.New("the answer was lost")
)

// call stands for the way to the register and back: others run before the
// effect and after it, and the answer may be lost.
func (r *register) call(rt *runtime.Runtime, effect func() error) error {
	rt.Yield()
	r.mu.Lock()
	err := effect()
	r.mu.Unlock()
	if rt.Choose("storage", "register.answer", 16) == 15 {
		rt.FaultDelivered("lost-answer")
		return errLost
	}
	rt.Yield()
	return err
}

// takeOver opens a new epoch for owner and returns it with the counter.
func (r *register) takeOver(rt *runtime.Runtime, owner string) (epoch, value uint64, err error) {
	err = r.call(rt, func() error {
		r.epoch++
		epoch, value = r.epoch, r.value
		r.writers[epoch] = owner
		return nil
	})
	return epoch, value, err
}

// advance sets the counter to value, which must be the next one.
func (r *register) advance(rt *runtime.Runtime, epoch, value uint64) error {
	return r.call(rt, func() error {
		if epoch != r.epoch {
			return errFenced
		}
		rt.Always(value == r.value+1, "counter-by-one", "from", r.value, "to", value, "epoch", epoch)
		r.value = value
		return nil
	})
}

// read returns the counter to the harness, which needs no call for it.
func (r *register) read() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value
}

// newestEpoch returns the epoch of whoever took over last.
func (r *register) newestEpoch() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch
}

// ownersSince returns how many have owned the counter after an epoch.
func (r *register) ownersSince(epoch uint64) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	owners := make(map[string]bool)
	for e := epoch + 1; e <= r.epoch; e++ {
		owners[r.writers[e]] = true
	}
	return len(owners)
}

func failover(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("failover")

	// Given processes that all want to own the counter, some with wrong clocks,
	r := &register{writers: make(map[uint64]string)}
	boot := func(ctx context.Context, rt *runtime.Runtime) error { return own(ctx, rt, r) }
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{nodes: nodes, faults: 5, steps: 700, kinds: nodeFaults}.plan(w)
	if err := bootNodes(w, nodes, boot); err != nil {
		return err
	}
	if err := setClocks(w, rt.Rand("clocks")); err != nil {
		return err
	}

	// when they crash, pause, stop, and their clocks go wrong,
	if err := strike(ctx, w, plan, runtime.Between(rand, 5, 12)); err != nil {
		return err
	}

	// then, once the faults are over, somebody gets on with it, and everybody has a turn.
	w.Quiesce(time.Second)
	before, epoch := r.read(), r.newestEpoch()
	w.Eventually("counter-progress", 10*time.Second, func() bool { return r.read() > before }, "value", before)
	w.Eventually("everybody-has-a-turn", 60*time.Second, func() bool { return r.ownersSince(epoch) == nodes }, "epoch", epoch)
	return nil
}

// setClocks sets the clocks of some nodes wrong, by anything up to an hour.
func setClocks(w simulated, rand *runtime.Rand) error {
	for _, n := range w.Nodes() {
		if rand.IntN(2) == 0 {
			continue
		}
		offset := time.Duration(runtime.Between(rand, -3600, 3600)) * time.Second
		if err := n.SetClock(sim.Clock{Offset: offset}); err != nil {
			return err
		}
	}
	return nil
}

// own takes the counter over, advances it until it is fenced or unsure, and
// tries again later.
func own(ctx context.Context, rt *runtime.Runtime, r *register) error {
	rand := rt.Rand("own")
	for {
		epoch, value, err := r.takeOver(rt, rt.Node())
		rt.Sometimes(err == nil && epoch > 1, "took-over")
		for err == nil {
			value++
			err = r.advance(rt, epoch, value)
			if err == nil {
				err = rt.Sleep(ctx, time.Duration(runtime.Between(rand, 10, 100))*time.Millisecond)
			}
		}
		rt.Sometimes(errors.Is(err, errFenced), "fenced-out")
		rt.Sometimes(errors.Is(err, errLost), "write-unknown")
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 1000))*time.Millisecond); err != nil {
			return err
		}
	}
}
