package persist_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/runtime"
)

// hooked is a version store in which a test decides what calls answer.
type hooked struct {
	persist.Consensus
	compareAndSet func(commit func() (bool, error)) (bool, error)
	beforeScan    func(from persist.SeqNo)
	scanErr       error
}

func (h *hooked) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	commit := func() (bool, error) { return h.Consensus.CompareAndSet(ctx, key, expected, next) }
	if h.compareAndSet == nil {
		return commit()
	}
	return h.compareAndSet(commit)
}

func (h *hooked) Scan(
	ctx context.Context, key string, from persist.SeqNo, limit int,
) ([]persist.Versioned, error) {
	if h.beforeScan != nil {
		h.beforeScan(from)
	}
	if h.scanErr != nil {
		return nil, h.scanErr
	}
	return h.Consensus.Scan(ctx, key, from, limit)
}

// hook opens the place through hooks, which do nothing yet.
func (p *place) hook(config persist.Config) (*persist.Client, *hooked) {
	p.t.Helper()
	rt := runtime.New(runtime.Options{Node: p.t.Name()})
	h := &hooked{Consensus: p.store.Consensus(rt)}
	c, err := persist.New(rt, p.store.Blob(rt), h, config)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c, h
}

// TestARefusalDoesNotHideAnUnclearAttempt protects callers who ask for the class
// of an error: an append that may have happened is not one of usage, nor
// determinate, whatever its last attempt was answered.
func TestARefusalDoesNotHideAnUnclearAttempt(t *testing.T) {
	refused := fmt.Errorf("refused: %w", persist.ErrDeterminate)
	for name, last := range map[string]error{"too large": &persist.TooLargeError{}, "refused": refused} {
		p := newPlace(t)
		c, h := p.hook(persist.Config{})
		w := p.writer(c, c.NewShardID())
		ctx, cancel := context.WithCancel(t.Context())
		attempts := 0
		h.compareAndSet = func(func() (bool, error)) (bool, error) {
			if attempts++; attempts == 1 {
				return false, persist.ErrIndeterminate
			}
			if errors.Is(last, refused) {
				cancel()
			}
			return false, last
		}
		err := w.CompareAndAppend(ctx, nil, frontier.At(0), frontier.At(1))
		var unknown *persist.UnknownOutcomeError
		if !errors.As(err, &unknown) || errors.Is(err, persist.ErrUsage) || errors.Is(err, persist.ErrDeterminate) {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(err, context.Canceled) != errors.Is(last, refused) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

// TestAnUnclearAppendIsGivenUpAlsoWhileItWaitsForRoom protects callers from waiting for
// compactions without end, when nobody can tell any more what an earlier attempt came to.
func TestAnUnclearAppendIsGivenUpAlsoWhileItWaitsForRoom(t *testing.T) {
	p, shard := newPlace(t), persist.ShardID{7}
	first := p.writer(p.client(persist.Config{CompactionsMax: -1}), shard)
	must(t, first.CompareAndAppend(t.Context(), rows(1, 0), frontier.At(0), frontier.At(1)))
	c, h := p.hook(persist.Config{CompactionsMax: -1, WriterLease: 50 * time.Millisecond})
	w := p.writer(c, shard)
	h.compareAndSet = func(func() (bool, error)) (bool, error) {
		h.compareAndSet = nil
		must(t, c.Configure(func(config *persist.Config) { config.BatchesMax = 1 }))
		return false, persist.ErrIndeterminate
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := w.CompareAndAppend(ctx, rows(1, 1), frontier.At(1), frontier.At(2))
	var unknown *persist.UnknownOutcomeError
	if !errors.As(err, &unknown) || ctx.Err() != nil {
		t.Errorf("got %v, context %v", err, ctx.Err())
	}
}

// TestARefusedAppendTellsThatItsContextEnded protects callers who tell their own
// cancellation from failures.
func TestARefusedAppendTellsThatItsContextEnded(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{})
	w := p.writer(c, c.NewShardID())
	ctx, cancel := context.WithCancel(t.Context())
	h.compareAndSet = func(func() (bool, error)) (bool, error) {
		cancel()
		return false, persist.ErrDeterminate
	}
	err := w.CompareAndAppend(ctx, nil, frontier.At(0), frontier.At(1))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("got %v", err)
	}
}

// TestAnUnclearDowngradeIsNotOneOfUsage protects an owner whose downgrade was
// committed without an answer before somebody gave the capability up.
func TestAnUnclearDowngradeIsNotOneOfUsage(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{})
	shard, id, opaque := c.NewShardID(), persist.CriticalReaderID{1}, persist.Opaque{Codec: "epoch"}
	owner, err := c.OpenSince(t.Context(), shard, id, opaque, "owner")
	must(t, err)
	other, err := p.client(persist.Config{}).OpenSince(t.Context(), shard, id, opaque, "other")
	must(t, err)
	h.compareAndSet = func(commit func() (bool, error)) (bool, error) {
		if ok, err := commit(); !ok || err != nil {
			return ok, err // the other one was first
		}
		h.compareAndSet = nil
		if err := other.Expire(t.Context()); err != nil {
			t.Error(err)
		}
		return false, persist.ErrIndeterminate
	}
	_, err = owner.CompareAndDowngrade(t.Context(), opaque, opaque, frontier.At(3))
	if !errors.Is(err, persist.ErrIndeterminate) || errors.Is(err, persist.ErrUsage) {
		t.Errorf("got %v", err)
	}
}

// TestALogMayBeTruncatedWhileItIsRead protects opening by pages: what goes between
// two of them is not damage.
func TestALogMayBeTruncatedWhileItIsRead(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{RollupThreshold: 5})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	rt := runtime.New(runtime.Options{})
	grow := func(count uint64) {
		first, _ := w.Upper().Time()
		for i := first; i < first+count; i++ {
			must(t, w.CompareAndAppend(t.Context(), []persist.Update{insert("a", i)}, frontier.At(i), frontier.At(i+1)))
			must(t, rt.Sleep(t.Context(), time.Millisecond)) // rollups are written in the background
		}
	}
	grow(4)
	fresh, h := p.hook(persist.Config{ScanLimit: 2})
	pages := 0
	h.beforeScan = func(from persist.SeqNo) {
		if from <= 1 {
			return
		}
		if pages++; pages > 1 {
			return
		}
		grow(20)
		i, err := c.Inspect(t.Context(), shard)
		must(t, err)
		var earliest persist.SeqNo
		_, err = fmt.Sscanf(i.Rollups[len(i.Rollups)-1], "v%d/", &earliest)
		must(t, err)
		deleted, err := p.store.Consensus(rt).Truncate(t.Context(), shard.String(), earliest)
		if err != nil || earliest <= from {
			t.Fatal(deleted, earliest, err)
		}
	}
	p.wantSnapshot(fresh, shard, 20, "a@20+21")
	if pages == 0 {
		t.Error("the log was read in one page")
	}
}

// TestAdvanceUpperPausesWhileNothingIsClear protects a store without answers from
// a writer that asks without end, and the writer from not being stoppable.
func TestAdvanceUpperPausesWhileNothingIsClear(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{WriterLease: time.Millisecond, RetryMin: time.Hour, RetryMax: time.Hour})
	w := p.writer(c, c.NewShardID())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	attempts := 0
	h.compareAndSet = func(func() (bool, error)) (bool, error) {
		attempts++
		return false, persist.ErrIndeterminate
	}
	err := w.AdvanceUpper(ctx, frontier.At(1))
	if !errors.Is(err, persist.ErrIndeterminate) || attempts != 1 {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

// TestAFormatOfTheFutureIsNotDamage protects programs that meet a newer one: they
// are told so, and not that the store is broken.
func TestAFormatOfTheFutureIsNotDamage(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	data, err := wire.Seal(wire.KindDiff, 99, []byte{0xa0})
	must(t, err)
	log := p.store.Consensus(runtime.New(runtime.Options{}))
	_, err = log.CompareAndSet(t.Context(), shard.String(), 1, persist.Versioned{SeqNo: 2, Data: data})
	must(t, err)
	_, fetchErr := w.FetchRecentUpper(t.Context())
	versions, err := log.Scan(t.Context(), shard.String(), 1, 2)
	must(t, err)
	_, decodeErr := persist.Decode(nil, versions)
	for name, err := range map[string]error{"fetch": fetchErr, "decode": decodeErr} {
		var version *persist.VersionError
		if !errors.As(err, &version) || version.Found != 99 || errors.Is(err, persist.ErrCorruption) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamageThatTheStoreReportsPoisons protects the same as TestDamagePoisons,
// where it is the store that finds the damage; AdvanceUpper to where the shard
// seems to be is no exception.
func TestDamageThatTheStoreReportsPoisons(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{})
	w := p.writer(c, c.NewShardID())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	h.scanErr = persist.ErrCorruption
	_, err := w.FetchRecentUpper(t.Context())
	h.scanErr = nil
	for name, err := range map[string]error{
		"fetch": err, "advance": w.AdvanceUpper(t.Context(), frontier.At(0)),
		"wait": w.WaitForUpperPast(ctx, frontier.At(0)),
	} {
		if !errors.Is(err, persist.ErrCorruption) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
