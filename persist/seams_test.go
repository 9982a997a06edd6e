package persist_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestBuildersReadWhatTheyWrote protects batches without a schema that are still being
// built when the shard gets one: what they have written is what it was.
func TestBuildersReadWhatTheyWrote(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c := p.client(persist.Config{InlineSizeMax: 1, PartSize: 100, RunsMax: 2, CompactionsMax: -1})
	w := p.writer(c, c.NewShardID())
	b := w.NewBatch(ctx, frontier.At(0), persist.BatchOptions{})
	must(t, b.Add(ctx, make([]byte, 200), 1, 1))
	typedWriter := p.typedWriter(c, w.Shard(), schemaOf(t, idColumn))
	must(t, b.Add(ctx, make([]byte, 150), 1, 1)) // merges both
	batch, err := b.Finish(ctx, frontier.At(9))
	must(t, err)
	if err := p.appendAll(typedWriter, 0, 9, batch); !errors.Is(err, persist.ErrUsage) || errors.Is(err, persist.ErrCorruption) {
		t.Errorf("rows without a schema were appended to a shard with one: %v", err)
	}
	empty := p.build(w, 0, 9, persist.BatchOptions{})
	full := p.build(typedWriter, 0, 9, persist.BatchOptions{}, typed(t, schemaOf(t, idColumn), 0, 3)...)
	if err := p.appendAll(typedWriter, 0, 9, full, empty); err != nil {
		t.Errorf("a batch without rows has no schema to be wrong: %v", err)
	}
}

// brittle fails at the second deletion, and whoever deletes gives up.
type brittle struct {
	persist.Blob
	deletes int
	giveUp  context.CancelFunc
}

func (b *brittle) Delete(ctx context.Context, key string) (int, bool, error) {
	if b.deletes++; b.deletes == 2 {
		b.giveUp()
		return 0, false, errors.New("down")
	}
	return b.Blob.Delete(ctx, key)
}

// TestHalfADiscardedBatchIsNone protects shards from batches of which some objects are
// gone; and stores from the others.
func TestHalfADiscardedBatchIsNone(t *testing.T) {
	p, rt := newPlace(t), runtime.New(runtime.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	c, err := persist.New(rt, &brittle{Blob: p.store.Blob(rt), giveUp: cancel}, p.store.Consensus(rt),
		persist.Config{InlineSizeMax: 1, PartSize: 60, DeletesMax: 1, CompactionsMax: -1})
	must(t, err)
	defer c.Close()
	w := p.writer(c, c.NewShardID())
	b := p.build(w, 0, 5, persist.BatchOptions{}, rows(10, 1)...)
	if err := b.Discard(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("discarded: %v", err)
	}
	wantUsage(t, "append", p.appendAll(w, 0, 5, b))
	_, err = b.Marshal()
	wantUsage(t, "marshal", err)
	must(t, b.Discard(t.Context()))
	wantUsage(t, "discard again", b.Discard(t.Context()))
	for _, key := range p.keys(w.Shard()) {
		if !strings.Contains(key, "/v") {
			t.Errorf("%s is left", key)
		}
	}
}

// TestOneMergeThatFailsDoesNotStopTheOthers protects appends that wait for room from a
// window that this process cannot merge, for lack of a key.
func TestOneMergeThatFailsDoesNotStopTheOthers(t *testing.T) {
	p, shard, at := newPlace(t), persist.ShardID{5}, uint64(0)
	grow := func(key string) {
		w := p.writer(p.client(persist.Config{CompactionsMax: -1, Encrypter: newKeys(t, key)}), shard)
		for range 8 {
			update := insert(fmt.Sprint("row ", at), at)
			must(t, w.CompareAndAppend(t.Context(), []persist.Update{update}, frontier.At(at), frontier.At(at+1)))
			at++
		}
	}
	grow("b")
	grow("a")
	w := p.writer(p.client(persist.Config{
		CompactionFanout: 2, BatchesMax: 16, RetryMax: 20 * time.Millisecond, Encrypter: newKeys(t, "b"),
	}), shard)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	must(t, w.CompareAndAppend(ctx, []persist.Update{insert("z", at)}, frontier.At(at), frontier.At(at+1)))
}

// asked is an encrypter that counts how often a key is asked for that it does not have.
type asked struct {
	persist.Encrypter
	inVain atomic.Int64
}

func (a *asked) Decrypt(ctx context.Context, keyID string, ciphertext, bound []byte) ([]byte, error) {
	plaintext, err := a.Encrypter.Decrypt(ctx, keyID, ciphertext, bound)
	if errors.Is(err, persist.ErrUnknownKey) {
		a.inVain.Add(1)
	}
	return plaintext, err
}

// TestWhoCannotMergeLetsOthers protects shards from a process that cannot merge what it was
// asked to, for lack of a key: it says so, does not try again and again, and others do it.
func TestWhoCannotMergeLetsOthers(t *testing.T) {
	p, shard, at := newPlace(t), persist.ShardID{5}, uint64(0)
	grow := func(w *persist.Writer, count int) {
		for range count {
			must(t, w.CompareAndAppend(t.Context(), []persist.Update{insert("row", at)}, frontier.At(at), frontier.At(at+1)))
			at++
			must(t, p.live().Sleep(t.Context(), time.Millisecond)) // merges happen in the background
		}
	}
	first := func() persist.InspectedBatch {
		now, err := p.client(persist.Config{}).Inspect(t.Context(), shard)
		must(t, err)
		return now.Batches[0]
	}
	grow(p.writer(p.client(persist.Config{CompactionsMax: -1, Encrypter: newKeys(t, "a")}), shard), 7)
	keys := &asked{Encrypter: newKeys(t, "b")}
	grow(p.writer(p.client(persist.Config{CompactionFanout: 2, Encrypter: keys}), shard), 20)
	if n := keys.inVain.Load(); n == 0 || n > 8 {
		t.Errorf("who does not have the key has asked for it %d times", n)
	}
	if batch := first(); batch.Upper != frontier.At(1) {
		t.Errorf("who does not have the key has merged: %v", batch)
	}
	w := p.writer(p.client(persist.Config{CompactionFanout: 2, Encrypter: newKeys(t, "c", "a", "b")}), shard)
	for tries := 0; first().Upper == frontier.At(1); tries++ {
		grow(w, 1)
		if tries > 200 {
			t.Fatalf("nobody has merged %v", first())
		}
	}
}

// TestStagedBatchesStayStaged protects small batches that wait: they become objects late,
// and a sweep leaves those alone as well.
func TestStagedBatchesStayStaged(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{InlineTotalMax: 1, CompactionsMax: -1})
	w := p.writer(c, c.NewShardID())
	data, err := p.build(w, 0, 5, persist.BatchOptions{IsStaged: true}, rows(3, 1)...).Marshal()
	must(t, err)
	b, err := w.UnmarshalBatch(data)
	must(t, err)
	h.compareAndSet = func(func() (bool, error)) (bool, error) { return false, &persist.TooLargeError{} }
	wantUsageOf(t, p.appendAll(w, 0, 5, b))
	h.compareAndSet = nil
	s, err := c.OpenShard(t.Context(), w.Shard())
	must(t, err)
	_, err = s.Sweep(t.Context(), persist.SweepOptions{})
	must(t, err)
	must(t, p.appendAll(w, 0, 5, b))
}

func wantUsageOf(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, persist.ErrUsage) {
		t.Errorf("got %v", err)
	}
}

// TestWaitingForRoomIsNotAppending protects batches whose append was never sent: they
// still belong to whoever had them.
func TestWaitingForRoomIsNotAppending(t *testing.T) {
	p, shard, at := newPlace(t), persist.ShardID{7}, uint64(0)
	first := p.writer(p.client(persist.Config{CompactionsMax: -1}), shard)
	for range 4 {
		update := []persist.Update{insert("a", at)}
		must(t, first.CompareAndAppend(t.Context(), update, frontier.At(at), frontier.At(at+1)))
		at++
	}
	c, h := p.hook(persist.Config{CompactionFanout: 2, BatchesMax: 4, InlineSizeMax: 1})
	w := p.writer(c, shard)
	b := p.build(w, at, at+1, persist.BatchOptions{IsStaged: true}, insert("b", at))
	ctx, cancel := context.WithCancel(t.Context())
	h.compareAndSet = func(func() (bool, error)) (bool, error) { // of the claim
		cancel()
		return false, ctx.Err()
	}
	err := w.CompareAndAppendBatches(ctx, []*persist.Batch{b}, frontier.At(at), frontier.At(at+1))
	h.compareAndSet = nil
	if !errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrIndeterminate) {
		t.Errorf("what was not sent is %v", err)
	}
	must(t, b.Discard(t.Context()))
}

// TestWhoCannotMergeSaysSoAlsoIfItHasReadTheClaim protects others from a claim that stays:
// a process may read its own version before it hears that it was committed.
func TestWhoCannotMergeSaysSoAlsoIfItHasReadTheClaim(t *testing.T) {
	p, shard, at := newPlace(t), persist.ShardID{5}, uint64(0)
	grow := func(w *persist.Writer) {
		must(t, w.CompareAndAppend(t.Context(), rows(1, at), frontier.At(at), frontier.At(at+1)))
		at++
		must(t, p.live().Sleep(t.Context(), time.Millisecond)) // merges happen in the background
	}
	grow(p.writer(p.client(persist.Config{CompactionsMax: -1, Encrypter: newKeys(t, "a")}), shard))
	c, h := p.hook(persist.Config{CompactionFanout: 2, Encrypter: newKeys(t, "b")})
	handle, err := c.OpenShard(t.Context(), shard)
	must(t, err)
	w := p.writer(c, shard)
	h.compareAndSet = func(commit func() (bool, error)) (bool, error) { // with the claim
		h.compareAndSet = nil
		committed, err := commit()
		_, fetchErr := handle.FetchRecentUpper(t.Context())
		return committed, errors.Join(err, fetchErr)
	}
	grow(w)
	other := p.client(persist.Config{CompactionFanout: 2, Encrypter: newKeys(t, "c", "a", "b")})
	w = p.writer(other, shard)
	for tries := 0; ; tries++ {
		grow(w)
		now, err := other.Inspect(t.Context(), shard)
		must(t, err)
		if now.Batches[0].Upper != frontier.At(1) {
			return
		}
		if tries > 50 {
			t.Fatalf("nobody has merged %v", now.Batches[0])
		}
	}
}

// TestAMergeThatASweepOvertakesIsMadeAgain protects shards from a process that takes a
// merge which was refused because of a sweep for one that it cannot make.
func TestAMergeThatASweepOvertakesIsMadeAgain(t *testing.T) {
	p, shard, rt := newPlace(t), persist.ShardID{5}, runtime.New(runtime.Options{})
	blob := &lateBlob{Blob: p.store.Blob(rt)}
	c, err := persist.New(rt, blob, p.store.Consensus(rt), persist.Config{CompactionFanout: 2, InlineSizeMax: 40})
	must(t, err)
	defer c.Close()
	w := p.writer(c, shard)
	sweeper, err := p.client(persist.Config{}).OpenShard(t.Context(), shard)
	must(t, err)
	blob.before = func() error { // the merge
		blob.before = nil
		_, err := sweeper.Sweep(t.Context(), persist.SweepOptions{})
		return err
	}
	for at := range uint64(2) {
		must(t, w.CompareAndAppend(t.Context(), rows(1+int(at), at)[at:], frontier.At(at), frontier.At(at+1)))
	}
	for tries := 0; ; tries++ {
		now, err := c.Inspect(t.Context(), shard)
		must(t, err)
		if len(now.Batches) == 1 {
			break
		}
		if tries > 500 {
			t.Fatalf("not merged: %v", now.Batches)
		}
		must(t, rt.Sleep(t.Context(), time.Millisecond))
	}
	p.wantSnapshot(c, shard, 1, "row 0000@1+1", "row 0001@1+1")
}

// TestRoomThatOthersHaveMadeIsFound protects appends of batches whose key is not there, so
// that no objects can be made of them, from the verdict of an old version; and stores from
// the objects that were made of others before it.
func TestRoomThatOthersHaveMadeIsFound(t *testing.T) {
	p, shard, ctx, rt := newPlace(t), persist.ShardID{5}, t.Context(), runtime.New(runtime.Options{})
	blob := &lateBlob{Blob: p.store.Blob(rt)}
	config := persist.Config{CompactionFanout: 2, InlineSizeMax: 2000, Encrypter: newKeys(t, "a", "b")}
	other, err := persist.New(rt, blob, p.store.Consensus(rt), config)
	must(t, err)
	defer other.Close()
	foreign := p.writer(other, shard)
	w := p.writer(p.client(persist.Config{InlineTotalMax: 600, CompactionsMax: -1, Encrypter: newKeys(t, "b")}), shard)
	batch := func(of *persist.Writer, row string) *persist.Batch {
		data, err := p.build(of, 2, 3, persist.BatchOptions{IsStaged: true}, insert(row, 2)).Marshal()
		must(t, err)
		b, err := w.UnmarshalBatch(data)
		must(t, err)
		return b
	}
	one, two := batch(w, "one"), batch(foreign, "two")
	isSeen := make(chan error, 1)
	blob.before = func() error { // the merge
		blob.before = nil
		_, err := w.FetchRecentUpper(ctx)
		isSeen <- err
		return nil
	}
	must(t, foreign.CompareAndAppend(ctx, rows(49, 0), frontier.At(0), frontier.At(1)))
	must(t, foreign.CompareAndAppend(ctx, rows(49, 1), frontier.At(1), frontier.At(2)))
	must(t, <-isSeen)
	for tries := 0; ; tries++ {
		now, err := other.Inspect(ctx, shard)
		must(t, err)
		if len(now.Batches) == 1 {
			break
		}
		if tries > 500 {
			t.Fatalf("not merged: %v", now.Batches)
		}
		must(t, rt.Sleep(ctx, time.Millisecond))
	}
	must(t, p.appendAll(w, 2, 3, one, two))
	usage, err := other.Usage(ctx, shard)
	must(t, err)
	if len(usage.Orphans) > 0 {
		t.Errorf("%v", usage.Orphans)
	}
}
