// Not with the race detector: what is explored here races on purpose.

//go:build !race

package sim_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// mailbox is what of a controller of collections is explored: the way of changes of
// holds to the task that applies them. The policy would let the collection go beyond
// 0, only the hold keeps it.
type mailbox struct {
	rt         *runtime.Runtime
	client     *persist.Client
	controller *collections.Controller
	id         collections.GlobalID
	hold       *collections.Hold
}

func openMailbox(ctx context.Context, rt *runtime.Runtime) *mailbox {
	store, m := memory.New("store", memory.Options{}), &mailbox{rt: rt, id: collections.UserID(1)}
	var err error
	m.client, err = persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{})
	must(err)
	m.controller, err = collections.Open(ctx, rt, m.client,
		collections.Config{Events: invariants.NewControllers(invariants.NewLedger()).Process(rt).Events()})
	must(err)
	must(m.controller.Create(ctx, collections.Description{ID: m.id}))
	m.hold, err = m.controller.HoldAt(ctx, m.id, frontier.At(0))
	must(err)
	_, err = m.controller.SetReadPolicies(ctx,
		collections.PolicyChange{ID: m.id, Policy: collections.ValidFrom(frontier.At(5))})
	must(err)
	must(rt.Sleep(ctx, time.Second)) // until all background tasks wait
	return m
}

// isMoving reports whether the collection goes beyond 0. That is the end of what is
// explored, because a lot of I/O follows.
func (m *mailbox) isMoving() bool { return m.controller.Inspect().Collections[0].IsMoving }

// close asserts that the collection is kept from where a hold says on, and ends all.
func (m *mailbox) close(ctx context.Context, clone *collections.Hold) (since string) {
	must(m.rt.Sleep(ctx, time.Second))
	frontiers, err := m.controller.Frontiers(m.id)
	must(err)
	kept := clone.Since()
	if kept.IsEmpty() { // closed
		kept = m.hold.Since()
	}
	m.rt.Always(frontiers[0].Read == kept, "held", "read", frontiers[0].Read, "kept", kept)
	clone.Close()
	m.hold.Close()
	must(m.controller.Close(ctx))
	m.client.Close()
	return fmt.Sprint(frontiers[0].Read)
}

// holdMailbox lets two tasks change a hold at once: one clones it, which adds to the
// count of 0, the other one moves it on, which takes away from that. The mailbox has a
// lock that is no primitive of the runtime, so a yield stands before each of the
// operations, which depends on everything. With more, the clone is closed, too.
func holdMailbox(more bool) func(tell func(string)) (sim.Main, func() bool) {
	return func(tell func(string)) (sim.Main, func() bool) {
		var current atomic.Pointer[mailbox]
		var isOpen atomic.Bool
		main := body(func(ctx context.Context, rt *runtime.Runtime) {
			isOpen.Store(false)
			m := openMailbox(ctx, rt)
			current.Store(m)
			isOpen.Store(true)
			other := rt.Go(ctx, "other", func(context.Context) error {
				rt.Yield()
				return m.hold.Downgrade(frontier.At(3))
			})
			rt.Yield()
			clone, err := m.hold.Clone()
			must(err)
			if more {
				rt.Yield()
				clone.Close()
			}
			must(other.Wait(ctx))
			isOpen.Store(false)
			tell(m.close(ctx, clone))
		})
		window := func() bool {
			if isOpen.Load() && current.Load().isMoving() {
				isOpen.Store(false)
			}
			return isOpen.Load()
		}
		return main, window
	}
}
