package invariants_test

import (
	"encoding/binary"
	"errors"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

// watched is a process with a controller that is watched, and a collection u1 in it.
type watched struct {
	*collections.Controller
	t      *testing.T
	all    *invariants.Controllers
	watch  *invariants.Process
	client *persist.Client
	shard  persist.ShardID
	ends   []func()
}

// watch opens a process of epoch 5 that is watched on a runtime, as is what it commits
// unless it is hidden.
func watch(t *testing.T, rt *runtime.Runtime, isHidden bool) *watched {
	t.Helper()
	ledger := invariants.NewLedger()
	w := &watched{t: t, all: invariants.NewControllers(ledger)}
	w.watch = w.all.Process(rt)
	store := memory.New("store", memory.Options{})
	log, blob := w.watch.Issuing(ledger.Consensus(rt, store.Consensus(rt))), ledger.Blob(rt, store.Blob(rt))
	if isHidden {
		log = store.Consensus(rt)
	}
	var err error
	w.client, err = persist.New(rt, blob, log, persist.Config{})
	w.must(err)
	w.ends = append(w.ends, w.client.Close)
	w.open(rt)
	w.must(w.Install(t.Context(), w.metadata(), collections.Description{ID: u1}))
	return w
}

func (w *watched) open(rt *runtime.Runtime) {
	w.t.Helper()
	config := collections.Config{Epoch: 5, Events: w.watch.Events()}
	c, err := collections.Open(w.t.Context(), rt, w.client, config)
	w.must(err)
	w.ends = append(w.ends, func() { w.must(c.Close(w.t.Context())) })
	w.Controller = c
	w.watch.Opened(c)
}

// end ends everything that was begun, the last first.
func (w *watched) end() {
	for _, end := range slices.Backward(w.ends) {
		end()
	}
}

// append moves the upper to 8.
func (w *watched) append() {
	w.t.Helper()
	writer, err := w.Writer(w.t.Context(), u1)
	w.must(err)
	w.must(writer.AdvanceUpper(w.t.Context(), at(8)))
	w.await(func(seen collections.Inspection) bool { return seen.Collections[0].Upper == at(8) })
}

// metadata maps u1 to its shard, as the catalog of an embedder does.
func (w *watched) metadata() catalog.Metadata {
	if w.shard == (persist.ShardID{}) {
		w.shard = w.client.NewShardID()
	}
	return catalog.Metadata{Shards: map[collections.GlobalID]persist.ShardID{u1: w.shard}}
}

// quiesce waits until nothing is under way.
func (w *watched) quiesce() {
	w.t.Helper()
	w.await(func(seen collections.Inspection) bool {
		isMoving := func(one collections.CollectionInspection) bool { return one.IsMoving || one.IsRemoved }
		return len(seen.Unapplied) == 0 && !slices.ContainsFunc(seen.Collections, isMoving)
	})
}

// await waits until something is true of the controller.
func (w *watched) await(is func(seen collections.Inspection) bool) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(w.Inspect()); goruntime.Gosched() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within 10 s: %+v", w.Inspect())
		}
	}
}

// hold holds the collection.
func (w *watched) hold() *collections.Hold {
	w.t.Helper()
	hold, err := w.HoldAt(w.t.Context(), u1, at(0))
	w.must(err)
	return hold
}

// move moves the durable since behind the back of the controller, as an epoch.
func (w *watched) move(epoch uint64, since frontier.Antichain) {
	w.t.Helper()
	opaque := func(epoch uint64) persist.Opaque {
		o := persist.Opaque{Codec: "PersistEpoch"}
		binary.LittleEndian.PutUint64(o.Value[:], epoch)
		return o
	}
	handle, err := w.client.OpenSince(
		w.t.Context(), w.shard, persist.CriticalReaderID([]byte("tidemark-control")), opaque(0), "test")
	w.must(err)
	_, err = handle.CompareAndDowngrade(w.t.Context(), handle.Opaque(), opaque(epoch), since)
	w.must(err)
}

func (w *watched) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestTheWatcherSeesWrongProcesses protects the checker of what is true between
// processes and their store, and of the answers that they give.
func TestTheWatcherSeesWrongProcesses(t *testing.T) {
	for name, c := range map[string]struct {
		want     string
		isHidden bool // what the process commits
		run      func(w *watched, rt *runtime.Runtime)
	}{
		"all is well": {"", false, func(w *watched, rt *runtime.Runtime) {
			w.append()
			hold := w.hold()
			w.watch.Acquired(ids{u1}, collections.Holds{hold})
			hold.Close()
			policy := collections.PolicyChange{ID: u1, Policy: collections.ValidFrom(at(3))}
			_, err := w.SetReadPolicies(w.t.Context(), policy)
			w.must(err)
			w.quiesce()
			w.watch.Refused(u1, 2)
			w.watch.Refused(u9, 2)
			w.watch.Returned(false, nil)
			w.watch.Returned(true, errors.New("ended"))
			w.watch.Fenced(&collections.FencedError{Ours: 3, Actual: 4})
			w.watch.CheckQuiescent(rt)
			w.must(w.Remove(catalog.Metadata{}, u1))
			w.quiesce()
			w.all.CheckReleased(rt)
		}},
		"two processes of one epoch":      {"I-35", false, func(w *watched, rt *runtime.Runtime) { w.open(rt) }},
		"a since that is durable too far": {"I-21", false, func(w *watched, _ *runtime.Runtime) { w.move(5, at(1)) }},
		"a since that passes a hold": {"I-15 I-21", false, func(w *watched, _ *runtime.Runtime) {
			defer w.hold().Close()
			w.move(5, at(1))
		}},
		"an epoch of somebody else": {"I-29", false, func(w *watched, _ *runtime.Runtime) { w.move(6, at(0)) }},
		"an epoch that goes back":   {"I-29 I-30", false, func(w *watched, _ *runtime.Runtime) { w.move(4, at(0)) }},
		"an effect after the end": {"I-31", false, func(w *watched, _ *runtime.Runtime) {
			w.watch.Events().Stepped(collections.Inspection{Version: 1000, Epoch: 5, Ended: collections.ErrFenced})
			w.move(5, at(0))
			writer, err := w.client.OpenWriter(w.t.Context(), w.shard, persist.WriterOptions{Purpose: "test"})
			w.must(err)
			w.must(writer.AdvanceUpper(w.t.Context(), at(8)))
		}},
		"a call that succeeds after the end": {"I-31", false, func(w *watched, _ *runtime.Runtime) {
			w.watch.Returned(true, nil)
		}},
		"a process that fences itself": {"I-32", false, func(w *watched, _ *runtime.Runtime) {
			w.watch.Fenced(&collections.FencedError{Ours: 5, Actual: 5})
		}},
		"a controller that finds a bug": {"I-3", false, func(w *watched, _ *runtime.Runtime) {
			w.watch.Fenced(&collections.InvariantError{Invariant: "I-3"})
		}},
		"a promise that was broken": {"I-10", false, func(w *watched, _ *runtime.Runtime) {
			w.watch.Events().PromiseBroken(collections.BrokenPromise{ID: u1})
		}},
		"holds that nobody asked for": {"I-17", false, func(w *watched, _ *runtime.Runtime) {
			hold := w.hold()
			defer hold.Close()
			w.watch.Acquired(ids{u2}, collections.Holds{hold})
		}},
		"fewer holds than asked for": {"I-17", false, func(w *watched, _ *runtime.Runtime) {
			w.watch.Acquired(ids{u1}, nil)
		}},
		"a refusal without a reason": {"I-48", false, func(w *watched, _ *runtime.Runtime) { w.watch.Refused(u1, 0) }},
		"an upper that nobody has seen": {"I-42", true, func(w *watched, rt *runtime.Runtime) {
			w.append()
			w.watch.CheckQuiescent(rt)
		}},
		"a since that is not stored": {"I-41", true, func(w *watched, rt *runtime.Runtime) {
			policy := collections.PolicyChange{ID: u1, Policy: collections.ValidFrom(at(3))}
			_, err := w.SetReadPolicies(w.t.Context(), policy)
			w.must(err)
			w.quiesce()
			w.watch.CheckQuiescent(rt)
		}},
		"a shard that is kept": {"I-40", false, func(w *watched, rt *runtime.Runtime) { w.all.CheckReleased(rt) }},
	} {
		t.Run(name, func(t *testing.T) {
			wantBroken(t, c.want, func(rt *runtime.Runtime) {
				w := watch(t, rt, c.isHidden)
				defer w.end()
				c.run(w, rt)
			})
		})
	}
}
