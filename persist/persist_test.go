package persist_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a store and what opens clients on it, each as another process would.
type place struct {
	t     testing.TB
	store *memory.Store
}

func newPlace(t testing.TB) *place { return &place{t, memory.New("test", memory.Options{})} }

// live is a runtime of its own, for looking at the store itself.
func (p *place) live() *runtime.Runtime { return runtime.New(runtime.Options{}) }

func (p *place) client(config persist.Config) *persist.Client {
	p.t.Helper()
	rt := runtime.New(runtime.Options{Node: p.t.Name()})
	config.SelfCheck = true
	c, err := persist.New(rt, p.store.Blob(rt), p.store.Consensus(rt), config)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

func (p *place) writer(c *persist.Client, shard persist.ShardID) *persist.Writer {
	p.t.Helper()
	w, err := c.OpenWriter(p.t.Context(), shard, persist.WriterOptions{Purpose: "test"})
	if err != nil {
		p.t.Fatal(err)
	}
	return w
}

func (p *place) wantSnapshot(c *persist.Client, shard persist.ShardID, asOf uint64, want ...string) {
	p.t.Helper()
	r, err := c.OpenReader(p.t.Context(), shard, persist.ReaderOptions{Purpose: "test"})
	if err != nil {
		p.t.Fatal(err)
	}
	got, err := r.Snapshot(p.t.Context(), asOf)
	if err != nil {
		p.t.Fatal(err)
	}
	if diff := cmp.Diff(want, texts(got)); diff != "" {
		p.t.Errorf("as of %d (-want +got):\n%s", asOf, diff)
	}
}

func texts(updates []persist.Update) []string {
	var all []string
	for _, u := range updates {
		all = append(all, fmt.Sprintf("%s@%d%+d", u.Row, u.Time, u.Diff))
	}
	return all
}

func insert(row string, at uint64) persist.Update {
	return persist.Update{Row: []byte(row), Time: at, Diff: 1}
}

func retract(row string, at uint64) persist.Update {
	return persist.Update{Row: []byte(row), Time: at, Diff: -1}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestContentsAreReadableAtEveryTime protects what the package is for, from
// another process than the one that wrote.
func TestContentsAreReadableAtEveryTime(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	must(t, w.CompareAndAppend(t.Context(),
		[]persist.Update{insert("a", 0), insert("b", 3)}, frontier.At(0), frontier.At(5)))
	must(t, w.CompareAndAppend(t.Context(),
		[]persist.Update{retract("a", 7), insert("b", 5)}, frontier.At(5), frontier.At(8)))
	if w.Upper() != frontier.At(8) || w.SharedUpper() != frontier.At(8) {
		t.Errorf("upper %v, shared %v", w.Upper(), w.SharedUpper())
	}
	other := p.client(persist.Config{})
	p.wantSnapshot(other, shard, 0, "a@0+1")
	p.wantSnapshot(other, shard, 4, "a@4+1", "b@4+1")
	p.wantSnapshot(other, shard, 6, "a@6+1", "b@6+2")
	p.wantSnapshot(other, shard, 7, "b@7+2")
}

// TestAnAppendThatDoesNotFitHasNotHappened protects the promise of a mismatch.
func TestAnAppendThatDoesNotFitHasNotHappened(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	for _, expected := range []uint64{3, 9} {
		err := w.CompareAndAppend(t.Context(), []persist.Update{insert("x", 9)}, frontier.At(expected), frontier.At(10))
		var mismatch *persist.UpperMismatchError
		if !errors.As(err, &mismatch) || mismatch.Current != frontier.At(0) || w.Upper() != frontier.At(0) {
			t.Errorf("expected %d: %v, upper %v", expected, err, w.Upper())
		}
	}
	must(t, w.CompareAndAppend(t.Context(), nil, frontier.At(0), frontier.At(10)))
	p.wantSnapshot(c, shard, 9)

	// A stale cache must not lead to a false mismatch.
	far := p.client(persist.Config{})
	stale := p.writer(far, shard)
	must(t, w.CompareAndAppend(t.Context(), nil, frontier.At(10), frontier.At(20)))
	must(t, stale.CompareAndAppend(t.Context(), nil, frontier.At(20), frontier.At(30)))
}

// TestBadAppendsAreRefused protects callers from themselves: a usage error, and
// nothing has changed.
func TestBadAppendsAreRefused(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	for name, call := range map[string]func() error{
		"reversed bounds": func() error {
			return w.CompareAndAppend(t.Context(), nil, frontier.At(5), frontier.At(4))
		},
		"an update before the interval": func() error {
			return w.CompareAndAppend(t.Context(), []persist.Update{insert("x", 4)}, frontier.At(5), frontier.At(6))
		},
		"an update after the interval": func() error {
			return w.CompareAndAppend(t.Context(), []persist.Update{insert("x", 6)}, frontier.At(0), frontier.At(6))
		},
		"updates in an empty interval": func() error {
			return w.CompareAndAppend(t.Context(), []persist.Update{insert("x", 0)}, frontier.At(0), frontier.At(0))
		},
		"a diff that overflows": func() error {
			huge := persist.Update{Row: []byte("x"), Diff: 1<<63 - 1}
			return w.CompareAndAppend(t.Context(), []persist.Update{huge, huge}, frontier.At(0), frontier.At(1))
		},
		"an endless purpose": func() error {
			long, err := c.OpenWriter(t.Context(), shard, persist.WriterOptions{Purpose: string(make([]byte, 1000))})
			if err != nil {
				return err
			}
			return long.CompareAndAppend(t.Context(), nil, frontier.At(0), frontier.At(1))
		},
		"a shard without an id": func() error {
			_, err := c.OpenWriter(t.Context(), persist.ShardID{}, persist.WriterOptions{Purpose: "test"})
			return err
		},
	} {
		if err := call(); !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%s: %v, want a usage error", name, err)
		}
	}
	if upper, err := w.FetchRecentUpper(t.Context()); err != nil || upper != frontier.At(0) {
		t.Errorf("upper %v, %v", upper, err)
	}
	must(t, w.CompareAndAppend(t.Context(), nil, frontier.At(0), frontier.At(1)))
}

// TestReplicasAppendTheSameOnce protects Append: whatever part others have
// written, the contents are those of one of them.
func TestReplicasAppendTheSameOnce(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	first, second := p.writer(c, shard), p.writer(p.client(persist.Config{}), shard)
	updates := []persist.Update{insert("a", 1), insert("b", 4), insert("c", 7)}
	must(t, first.CompareAndAppend(t.Context(), updates[:1], frontier.At(0), frontier.At(3)))
	must(t, second.Append(t.Context(), updates, frontier.At(0), frontier.At(8)))
	must(t, first.Append(t.Context(), updates, frontier.At(0), frontier.At(8)))
	p.wantSnapshot(c, shard, 7, "a@7+1", "b@7+1", "c@7+1")

	var mismatch *persist.UpperMismatchError
	if err := first.Append(t.Context(), nil, frontier.At(9), frontier.At(12)); !errors.As(err, &mismatch) {
		t.Errorf("an append that leaves a gap: %v", err)
	}
}

// TestAdvanceUpperClosesAShard protects the end of a shard's life.
func TestAdvanceUpperClosesAShard(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	must(t, w.AdvanceUpper(t.Context(), frontier.At(7)))
	must(t, w.AdvanceUpper(t.Context(), frontier.At(3)))
	if w.Upper() != frontier.At(7) {
		t.Errorf("upper %v after an advance to the past", w.Upper())
	}
	must(t, w.AdvanceUpper(t.Context(), frontier.Empty()))
	var mismatch *persist.UpperMismatchError
	if err := w.CompareAndAppend(t.Context(), nil, frontier.At(7), frontier.At(8)); !errors.As(err, &mismatch) {
		t.Errorf("append to a closed shard: %v", err)
	}
	p.wantSnapshot(c, shard, 1<<63)
}

// TestWaitingEndsWithTheUpper protects readers that are ahead of the writers of
// another process, and those that give up.
func TestWaitingEndsWithTheUpper(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{PollMin: time.Millisecond, PollMax: 2 * time.Millisecond})
	shard := c.NewShardID()
	r, err := c.OpenReader(t.Context(), shard, persist.ReaderOptions{Purpose: "test"})
	must(t, err)
	rt := runtime.New(runtime.Options{})
	group := rt.NewGroup(t.Context())
	group.Go("reader", func(ctx context.Context) error {
		got, err := r.Snapshot(ctx, 4)
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("got %v", texts(got))
		}
		return err
	})
	w := p.writer(p.client(persist.Config{}), shard)
	must(t, w.CompareAndAppend(t.Context(), []persist.Update{insert("a", 4)}, frontier.At(0), frontier.At(5)))
	must(t, group.Wait())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.WaitForUpperPast(ctx, frontier.At(5)); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that was given up: %v", err)
	}
	must(t, r.WaitForUpperPast(t.Context(), frontier.At(4)))
}

// TestACapabilityHasOneOwner protects fencing by the opaque, and the since.
func TestACapabilityHasOneOwner(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	id := persist.CriticalReaderID{1}
	epoch := func(n byte) persist.Opaque { return persist.Opaque{Codec: "epoch", Value: [8]byte{7: n}} }

	old, err := c.OpenSince(t.Context(), shard, id, epoch(1), "old")
	must(t, err)
	since, err := old.CompareAndDowngrade(t.Context(), epoch(1), epoch(1), frontier.At(3))
	if err != nil || since != frontier.At(3) {
		t.Fatalf("%v, %v", since, err)
	}
	taker, err := p.client(persist.Config{}).OpenSince(t.Context(), shard, id, epoch(9), "new")
	must(t, err)
	if taker.Opaque() != epoch(1) || taker.Since() != frontier.At(3) {
		t.Errorf("opened as %v since %v", taker.Opaque(), taker.Since())
	}
	// Taking over counts also where the since does not move.
	_, err = taker.CompareAndDowngrade(t.Context(), epoch(1), epoch(2), frontier.At(0))
	must(t, err)
	_, err = old.CompareAndDowngrade(t.Context(), epoch(1), epoch(1), frontier.At(10))
	var owner *persist.OwnerError
	if !errors.As(err, &owner) || owner.Actual != epoch(2) || old.Opaque() != epoch(2) {
		t.Errorf("the old owner: %v", err)
	}
	_, err = c.OpenSince(t.Context(), shard, id, persist.Opaque{Codec: "other"}, "x")
	if !errors.Is(err, persist.ErrUsage) {
		t.Errorf("another codec: %v", err)
	}

	w := p.writer(c, shard)
	must(t, w.CompareAndAppend(t.Context(), []persist.Update{insert("a", 0)}, frontier.At(0), frontier.At(5)))
	p.wantSnapshot(c, shard, 3, "a@3+1")
	r, err := c.OpenReader(t.Context(), shard, persist.ReaderOptions{Purpose: "test"})
	must(t, err)
	var gone *persist.SinceError
	if _, err := r.Snapshot(t.Context(), 2); !errors.As(err, &gone) || gone.Since != frontier.At(3) {
		t.Errorf("a read before the since: %v", err)
	}
	must(t, taker.Expire(t.Context()))
	_, err = taker.CompareAndDowngrade(t.Context(), epoch(2), epoch(2), frontier.At(4))
	if !errors.Is(err, persist.ErrUsage) {
		t.Errorf("a downgrade of what was given up: %v", err)
	}
}

// TestLogsCanBeTruncatedUpToARollup protects catching up and opening when old
// versions are gone.
func TestLogsCanBeTruncatedUpToARollup(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{RollupThreshold: 3, GCVersionsMin: 1000, CompactionsMax: -1})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	lagging := p.writer(p.client(persist.Config{}), shard)
	rt := runtime.New(runtime.Options{})
	for i := range uint64(20) {
		must(t, w.CompareAndAppend(t.Context(), []persist.Update{insert("a", i)}, frontier.At(i), frontier.At(i+1)))
		must(t, rt.Sleep(t.Context(), time.Millisecond)) // rollups are written in the background
	}
	i, err := c.Inspect(t.Context(), shard)
	must(t, err)
	if len(i.Rollups) < 3 {
		t.Fatalf("rollups: %q", i.Rollups)
	}
	var from persist.SeqNo
	_, err = fmt.Sscanf(i.Rollups[len(i.Rollups)-1], "v%d/", &from)
	must(t, err)
	deleted, err := p.store.Consensus(rt).Truncate(t.Context(), shard.String(), from)
	if err != nil || deleted == 0 {
		t.Fatal(deleted, err)
	}
	if upper, err := lagging.FetchRecentUpper(t.Context()); err != nil || upper != frontier.At(20) {
		t.Errorf("the lagging process sees %v, %v", upper, err)
	}
	fresh := p.client(persist.Config{ScanLimit: 2})
	p.wantSnapshot(fresh, shard, 19, "a@19+20")
}

// TestStoredBytesSpeakForThemselves protects checkers that look at a store
// without a client.
func TestStoredBytesSpeakForThemselves(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	must(t, p.writer(c, shard).CompareAndAppend(t.Context(),
		[]persist.Update{insert("secret", 1)}, frontier.At(0), frontier.At(2)))
	rt := runtime.New(runtime.Options{})
	log, err := p.store.Consensus(rt).Scan(t.Context(), shard.String(), 1, 10)
	must(t, err)
	decoded, err := persist.Decode(nil, log)
	must(t, err)
	inspected, err := c.Inspect(t.Context(), shard)
	must(t, err)
	if diff := cmp.Diff(decoded, inspected); diff != "" {
		t.Errorf("(-log +client):\n%s", diff)
	}
	if decoded.Upper != frontier.At(2) || len(decoded.Batches) != 1 || decoded.Batches[0].Updates != 1 {
		t.Errorf("%+v", decoded)
	}
	log[1].Data[20] ^= 1
	if _, err := persist.Decode(nil, log); !errors.Is(err, persist.ErrCorruption) {
		t.Errorf("damaged: %v", err)
	}
	if _, err := c.Inspect(t.Context(), c.NewShardID()); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("inspect of what does not exist: %v", err)
	}
}

// TestDamagePoisons protects readers from a log that is not what was written.
func TestDamagePoisons(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	rt := runtime.New(runtime.Options{})
	ok, err := p.store.Consensus(rt).CompareAndSet(t.Context(), shard.String(), 1,
		persist.Versioned{SeqNo: 2, Data: []byte("x")})
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	for range 2 {
		if _, err := w.FetchRecentUpper(t.Context()); !errors.Is(err, persist.ErrCorruption) {
			t.Errorf("fetch: %v", err)
		}
		err := w.CompareAndAppend(t.Context(), nil, frontier.At(0), frontier.At(1))
		if !errors.Is(err, persist.ErrCorruption) {
			t.Errorf("append: %v", err)
		}
	}
}

// TestBadConfigurationsAreRefused protects against clients that never work.
func TestBadConfigurationsAreRefused(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	store := memory.New("test", memory.Options{})
	for _, config := range []persist.Config{
		{WriterLease: -1}, {RetryMin: time.Hour}, {PollMax: time.Nanosecond}, {RollupThreshold: -1}, {ScanLimit: -1},
	} {
		if _, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), config); !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%+v: %v", config, err)
		}
	}
	if _, err := persist.New(rt, nil, nil, persist.Config{}); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("without a store: %v", err)
	}
}

// TestAnAppendThatIsTooLargeIsRefused protects stores that take small versions
// only: a typed error, nothing has happened, and the writer can go on.
func TestAnAppendThatIsTooLargeIsRefused(t *testing.T) {
	p := &place{t, memory.New("test", memory.Options{VersionSizeMax: 2000})}
	c := p.client(persist.Config{InlineSizeMax: 1 << 20})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	large := []persist.Update{insert(string(make([]byte, 5000)), 0)}
	err := w.CompareAndAppend(t.Context(), large, frontier.At(0), frontier.At(1))
	var tooLarge *persist.TooLargeError
	if !errors.As(err, &tooLarge) || tooLarge.SizeMax != 2000 || !errors.Is(err, persist.ErrUsage) {
		t.Errorf("5000 bytes: %v", err)
	}
	must(t, w.CompareAndAppend(t.Context(), []persist.Update{insert("small", 0)}, frontier.At(0), frontier.At(1)))
	p.wantSnapshot(c, shard, 0, "small@0+1")
}
