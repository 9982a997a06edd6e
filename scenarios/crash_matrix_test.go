package scenarios_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// life is what a process does with a shard from its first append to its end: appends of
// data that everybody knows, inline and as objects, while rollups are written, batches
// merged and garbage collected, and at last it is closed and finalized. Whoever comes
// after a crash does what is left of it.
type life struct {
	ledger *invariants.Ledger
	store  *memory.Store
	// dies is the number of the operation that changes something in the store at which
	// the process dies, from 1; isDone says that the operation is done before.
	dies   int
	isDone bool
	shard  persist.ShardID

	mu    sync.Mutex // guards what follows; nothing parks while it is held
	count int
	stuck bool // the process has come to that operation
	ended bool // or to the end of its life
	left  int  // objects, before the last sweep
}

const lifetime = 9

var lifeConfig = persist.Config{
	PartSize: 60, InlineSizeMax: 40, InlineTotalMax: 90, RollupThreshold: 3, GCVersionsMin: 4, CompactionFanout: 2,
	SelfCheck: true, DeletesMax: 1, ReaderLease: time.Second,
}

// live does what is left to do, through a store that may let the process die.
func (l *life) live(ctx context.Context, rt *runtime.Runtime, blob persist.Blob, log persist.Consensus) error {
	client, err := persist.New(rt, blob, log, lifeConfig)
	if err != nil {
		return err
	}
	defer client.Close()
	w, err := client.OpenWriter(ctx, l.shard, persist.WriterOptions{Purpose: "life"})
	if err != nil {
		return err
	}
	opaque := persist.Opaque{Codec: "life"}
	owner, err := client.OpenSince(ctx, l.shard, persist.CriticalReaderID{1}, opaque, "life")
	if err != nil {
		return err
	}
	upper, err := w.FetchRecentUpper(ctx)
	if err != nil {
		return err
	}
	for at, ok := upper.Time(); ok && at < lifetime; at++ {
		updates := []persist.Update{}
		for i := range at%3*2 + 1 {
			updates = append(updates, persist.Update{Row: fmt.Appendf(nil, "row %d", i), Time: at, Diff: 1})
		}
		if err := w.Append(ctx, updates, frontier.At(at), frontier.At(at+1)); err != nil {
			return err
		}
		if _, err := owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.At(at/2)); err != nil {
			return err
		}
		if err := rt.Sleep(ctx, 10*time.Millisecond); err != nil { // maintenance has its turn
			return err
		}
		if err := l.check(ctx, rt, client); err != nil {
			return err
		}
	}
	if err := w.AdvanceUpper(ctx, frontier.Empty()); err != nil {
		return err
	}
	for !w.SharedSince().IsEmpty() { // a reader of who has died is in the way until its lease runs out
		if _, err := owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.Empty()); err != nil {
			return err
		}
		if err := rt.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	shard, err := client.OpenShard(ctx, l.shard)
	if err != nil {
		return err
	}
	if err := shard.Finalize(ctx); err != nil {
		return err
	}
	left, _ := l.ledger.Left(l.shard.String())
	l.mu.Lock()
	l.left = left
	l.mu.Unlock()
	_, err = shard.Sweep(ctx, persist.SweepOptions{})
	return err
}

// check compares the contents with what everybody knows.
func (l *life) check(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	r, err := client.OpenReader(ctx, l.shard, persist.ReaderOptions{Purpose: "check"})
	if err != nil {
		return err
	}
	end, _ := r.SharedUpper().Time()
	got, err := r.Snapshot(ctx, end-1)
	if err != nil {
		return err
	}
	want := map[string]int64{}
	for at := range end {
		for i := range at%3*2 + 1 {
			want[fmt.Sprint("row ", i)]++
		}
	}
	isRight := len(got) == len(want)
	for _, u := range got {
		isRight = isRight && want[string(u.Row)] == u.Diff
	}
	rt.Always(isRight, "P-28", "asOf", end-1, "rows", len(got))
	return r.Close(ctx)
}

// die counts an operation and, if it is the last one, never returns.
func (l *life) die(ctx context.Context, rt *runtime.Runtime, op func()) {
	if !l.isLast() {
		op()
		return
	}
	if l.isDone {
		op()
	}
	l.note(&l.stuck)
	_ = rt.Sleep(ctx, 1000*time.Hour)
}

// isLast counts an operation and reports whether it is the one at which the process dies.
func (l *life) isLast() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	return l.count == l.dies
}

func (l *life) note(flag *bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*flag = true
}

func (l *life) seen() (stuck, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stuck, l.ended
}

type mortalBlob struct {
	persist.Blob
	life *life
	rt   *runtime.Runtime
}

func (b mortalBlob) Set(ctx context.Context, key string, value []byte) (err error) {
	b.life.die(ctx, b.rt, func() { err = b.Blob.Set(ctx, key, value) })
	return err
}

func (b mortalBlob) Delete(ctx context.Context, key string) (size int, existed bool, err error) {
	b.life.die(ctx, b.rt, func() { size, existed, err = b.Blob.Delete(ctx, key) })
	return size, existed, err
}

type mortalConsensus struct {
	persist.Consensus
	life *life
	rt   *runtime.Runtime
}

func (c mortalConsensus) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (committed bool, err error) {
	c.life.die(ctx, c.rt, func() { committed, err = c.Consensus.CompareAndSet(ctx, key, expected, next) })
	return committed, err
}

func (c mortalConsensus) Truncate(ctx context.Context, key string, before persist.SeqNo) (deleted int, err error) {
	c.life.die(ctx, c.rt, func() { deleted, err = c.Consensus.Truncate(ctx, key, before) })
	return deleted, err
}

// run lives a life that ends at an operation, and then another one.
func (l *life) run(ctx context.Context, w *sim.World) error {
	rt := w.Runtime()
	node, err := w.Node("mortal", func(ctx context.Context, rt *runtime.Runtime) error {
		blob, log := l.ledger.Blob(rt, l.store.Blob(rt)), l.ledger.Consensus(rt, l.store.Consensus(rt))
		err := l.live(ctx, rt, mortalBlob{blob, l, rt}, mortalConsensus{log, l, rt})
		l.note(&l.ended)
		return err
	})
	if err != nil {
		return err
	}
	if err := node.Boot(); err != nil {
		return err
	}
	stuck, ended := l.seen()
	for ; !stuck && !ended; stuck, ended = l.seen() {
		if err := rt.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	if stuck && !ended {
		if err := node.Crash(); err != nil {
			return err
		}
	}
	blob, log := l.ledger.Blob(rt, l.store.Blob(rt)), l.ledger.Consensus(rt, l.store.Consensus(rt))
	if err := l.live(ctx, rt, blob, log); err != nil {
		return err
	}
	objects, versions := l.ledger.Left(l.shard.String())
	rt.Always(objects == 1 && versions <= 2, "P-15", "objects", objects, "versions", versions)
	return nil
}

// TestCrashAtEveryOperation goes through all operations that change something in the
// store, from the first append to the end of the shard: the process dies before each of
// them, and after each, and another one does the rest. The ledger watches. What is left
// behind is what was on its way: an append, the result of a merge, a rollup (P-54); and a
// sweep finds it.
func TestCrashAtEveryOperation(t *testing.T) {
	total, leaked, step := 0, 0, 1
	if testing.Short() {
		step = 11 // which comes by operations of every kind
	}
	for _, isDone := range []bool{false, true} {
		for dies := 1; ; dies += step {
			l := &life{
				ledger: invariants.NewLedger(), store: memory.New("store", memory.Options{}),
				dies: dies, isDone: isDone, shard: persist.ShardID{1},
			}
			r, err := sim.Run(t.Context(), sim.Config{Seed: uint64(dies)}, l.run)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict.Kind != sim.OK {
				t.Fatalf("dies at %d, done %t: %v", dies, isDone, r.Verdict)
			}
			leaked = max(leaked, l.left-1)
			if !l.stuck {
				break
			}
			total++
		}
	}
	t.Logf("%d crashes, at most %d objects were left behind by one", total, leaked)
	if total*step < 350 || leaked > 12 {
		t.Errorf("%d crashes, %d objects left behind", total, leaked)
	}
}
