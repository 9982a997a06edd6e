package persist_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// build makes a batch of updates.
func (p *place) build(
	w *persist.Writer, lower, upper uint64, options persist.BatchOptions, updates ...persist.Update,
) *persist.Batch {
	p.t.Helper()
	b := w.NewBatch(p.t.Context(), frontier.At(lower), options)
	for _, u := range updates {
		must(p.t, b.Add(p.t.Context(), u.Row, u.Time, u.Diff))
	}
	batch, err := b.Finish(p.t.Context(), frontier.At(upper))
	must(p.t, err)
	return batch
}

// appendAll appends batches.
func (p *place) appendAll(w *persist.Writer, expected, next uint64, batches ...*persist.Batch) error {
	return w.CompareAndAppendBatches(p.t.Context(), batches, frontier.At(expected), frontier.At(next))
}

// wantUsage requires that an error is one of usage.
func wantUsage(t *testing.T, what string, err error) {
	t.Helper()
	var usage *persist.UsageError
	if !errors.As(err, &usage) || !errors.Is(err, persist.ErrUsage) {
		t.Errorf("%s: %v", what, err)
	}
}

// TestSeveralBatchesAreOneAppend protects transactions over batches, and objects that have
// become the shard's from whoever had them before.
func TestSeveralBatchesAreOneAppend(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineSizeMax: 60})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	small := p.build(w, 0, 9, persist.BatchOptions{}, insert("a", 1))
	large := p.build(w, 0, 5, persist.BatchOptions{}, insert("a", 2), insert("b", 2), insert("c", 4), insert("d", 4))
	none := p.build(w, 0, 5, persist.BatchOptions{})
	before, err := c.Inspect(t.Context(), shard)
	must(t, err)
	must(t, p.appendAll(w, 0, 5, small, large, none))
	after, err := c.Inspect(t.Context(), shard)
	must(t, err)
	if after.SeqNo != before.SeqNo+1 || w.Upper() != frontier.At(5) || len(p.keys(shard)) != 1 {
		t.Errorf("%v after %v, upper %v, objects %q", after.SeqNo, before.SeqNo, w.Upper(), p.keys(shard))
	}
	p.wantSnapshot(c, shard, 4, "a@4+2", "b@4+1", "c@4+1", "d@4+1")
	for _, b := range []*persist.Batch{small, large, none} {
		wantUsage(t, "append again", p.appendAll(w, 5, 5, b))
		wantUsage(t, "discard", b.Discard(t.Context()))
		wantUsage(t, "rewrite", b.RewriteTimes(frontier.At(10), frontier.At(11)))
		_, err := b.Marshal()
		wantUsage(t, "marshal", err)
	}
	p.wantSnapshot(c, shard, 4, "a@4+2", "b@4+1", "c@4+1", "d@4+1")
}

// TestBatchesThatDoNotFitAreRefused protects shards from batches of others and from
// intervals that nobody has answered for; what is refused stays as it is.
func TestBatchesThatDoNotFitAreRefused(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineSizeMax: 1})
	w, other := p.writer(c, c.NewShardID()), p.writer(c, c.NewShardID())
	b := p.build(w, 2, 5, persist.BatchOptions{}, insert("a", 3))
	foreign := p.build(other, 0, 9, persist.BatchOptions{}, insert("b", 3))
	must(t, w.AdvanceUpper(t.Context(), frontier.At(1)))
	wantUsage(t, "another shard", p.appendAll(w, 1, 5, foreign))
	wantUsage(t, "begins later", p.appendAll(w, 1, 5, b))
	wantUsage(t, "ends earlier", p.appendAll(w, 2, 6, b))
	wantUsage(t, "twice", p.appendAll(w, 2, 5, b, b))
	wantUsage(t, "no time", p.appendAll(w, 2, 2, b))
	wantUsage(t, "backwards", p.appendAll(w, 4, 3, b))
	must(t, w.AdvanceUpper(t.Context(), frontier.At(2)))
	must(t, p.appendAll(w, 2, 5, b))
	must(t, foreign.Discard(t.Context()))
	wantUsage(t, "discard again", foreign.Discard(t.Context()))
	if keys := p.keys(other.Shard()); len(keys) != 0 {
		t.Errorf("left %q", keys)
	}
	p.wantSnapshot(c, w.Shard(), 4, "a@4+1")
}

// TestABatchThatWasNotAppendedIsTheCallers protects work that was done once: after a
// mismatch the batch is appended where it fits, and what is outside is left out.
func TestABatchThatWasNotAppendedIsTheCallers(t *testing.T) {
	for _, inlineMax := range []int{1, 1000} {
		p := newPlace(t)
		c := p.client(persist.Config{InlineSizeMax: inlineMax})
		shard := c.NewShardID()
		w := p.writer(c, shard)
		b := p.build(w, 0, 9, persist.BatchOptions{}, insert("a", 1), insert("b", 3), insert("c", 6))
		must(t, p.writer(c, shard).AdvanceUpper(t.Context(), frontier.At(2)))
		var mismatch *persist.UpperMismatchError
		if err := p.appendAll(w, 0, 9, b); !errors.As(err, &mismatch) || mismatch.Current != frontier.At(2) {
			t.Fatal(err)
		}
		must(t, p.appendAll(w, 2, 5, b))
		must(t, w.AdvanceUpper(t.Context(), frontier.At(9)))
		p.wantSnapshot(c, shard, 8, "b@8+1")
	}
}

// TestABatchOfAnUnclearAppendIsLeftAlone protects objects that the shard may refer to.
func TestABatchOfAnUnclearAppendIsLeftAlone(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{InlineSizeMax: 1, WriterLease: 1e6}) // it is given up at once
	shard := c.NewShardID()
	w := p.writer(c, shard)
	b := p.build(w, 0, 9, persist.BatchOptions{}, insert("a", 1))
	h.compareAndSet = func(commit func() (bool, error)) (bool, error) {
		_, err := commit()
		return false, errors.Join(err, persist.ErrIndeterminate)
	}
	var unknown *persist.UnknownOutcomeError
	if err := p.appendAll(w, 0, 9, b); !errors.As(err, &unknown) {
		t.Fatal(err)
	}
	h.compareAndSet = nil
	wantUsage(t, "discard", b.Discard(t.Context()))
	wantUsage(t, "append again", p.appendAll(w, 0, 9, b))
	p.wantSnapshot(p.client(persist.Config{}), shard, 8, "a@8+1")
}

// TestARewrittenBatchIsReadAtItsNewTimes protects those who build before they know when
// they commit: objects and inlined rows alike, also when those have to become objects,
// and after they are merged.
func TestARewrittenBatchIsReadAtItsNewTimes(t *testing.T) {
	for name, config := range map[string]persist.Config{
		"object": {InlineSizeMax: 1}, "inline": {}, "moved": {InlineTotalMax: 1}, "merged": {CompactionFanout: 2},
	} {
		p := newPlace(t)
		c := p.client(config)
		shard := c.NewShardID()
		w := p.writer(c, shard)
		must(t, w.AdvanceUpper(t.Context(), frontier.At(20)))
		b := p.build(w, 0, 5, persist.BatchOptions{}, insert("a", 1), insert("a", 3), retract("b", 4), insert("c", 0))
		wantUsage(t, name+": back", errors.Join(b.RewriteTimes(frontier.At(3), frontier.At(4))))
		must(t, b.RewriteTimes(frontier.At(10), frontier.At(11)))
		must(t, b.RewriteTimes(frontier.At(25), frontier.At(30)))
		wantUsage(t, name+": beyond its times", p.appendAll(w, 26, 30, b))
		wantUsage(t, name+": another upper", p.appendAll(w, 20, 29, b))
		must(t, p.appendAll(w, 20, 30, b))
		must(t, w.CompareAndAppend(t.Context(), []persist.Update{insert("a", 30)}, frontier.At(30), frontier.At(31)))
		p.wantSnapshot(c, shard, 24)
		p.wantSnapshot(c, shard, 25, "a@25+2", "b@25-1", "c@25+1")
		p.wantSnapshot(c, shard, 30, "a@30+3", "b@30-1", "c@30+1")
		r, err := c.OpenReader(t.Context(), shard, persist.ReaderOptions{Purpose: "test"})
		must(t, err)
		for event, err := range r.Listen(t.Context(), 24) {
			must(t, err)
			for _, u := range event.Updates {
				if u.Time < 25 || u.Time > 30 {
					t.Errorf("%s: listened to %v", name, texts(event.Updates))
				}
			}
			if event.Frontier == frontier.At(31) {
				break
			}
		}
	}
}

// TestABatchGoesFromProcessToProcess protects what is built in one place and appended in
// another: who has handed it over has lost it, and who has it has all of it.
func TestABatchGoesFromProcessToProcess(t *testing.T) {
	for _, inlineMax := range []int{1, 1000} {
		p := newPlace(t)
		builders, appender := p.client(persist.Config{InlineSizeMax: inlineMax}), p.client(persist.Config{})
		shard := builders.NewShardID()
		w := p.writer(appender, shard)
		var batches []*persist.Batch
		for _, row := range []string{"a", "b"} {
			b := p.build(p.writer(builders, shard), 0, 1, persist.BatchOptions{}, insert(row, 0))
			must(t, b.RewriteTimes(frontier.At(2), frontier.At(3)))
			data, err := b.Marshal()
			must(t, err)
			wantUsage(t, "discard", b.Discard(t.Context()))
			wantUsage(t, "append", p.appendAll(w, 0, 3, b))
			received, err := w.UnmarshalBatch(data)
			must(t, err)
			clear(data) // nobody keeps it
			if received.Len() != 1 || received.Upper() != frontier.At(3) || received.Shard() != shard {
				t.Errorf("received %d up to %v of %v", received.Len(), received.Upper(), received.Shard())
			}
			batches = append(batches, received)
		}
		must(t, p.appendAll(w, 0, 3, batches...))
		p.wantSnapshot(appender, shard, 1)
		p.wantSnapshot(appender, shard, 2, "a@2+1", "b@2+1")
	}
}

// TestDamagedBatchesAreNotTaken protects shards from bytes that are none of a batch of
// theirs, and their use in this process from the consequences.
func TestDamagedBatchesAreNotTaken(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	w, other := p.writer(c, c.NewShardID()), p.writer(c, c.NewShardID())
	data, err := p.build(w, 0, 1, persist.BatchOptions{}, insert("a", 0)).Marshal()
	must(t, err)
	_, err = other.UnmarshalBatch(data)
	wantUsage(t, "another shard", err)
	for i := range data {
		var corruption *persist.CorruptionError
		if _, err := w.UnmarshalBatch(data[:i]); !errors.As(err, &corruption) {
			t.Errorf("%d bytes: %v", i, err)
		}
		data[i] ^= 4
		if _, err := w.UnmarshalBatch(data); !errors.As(err, &corruption) {
			t.Errorf("byte %d: %v", i, err)
		}
		data[i] ^= 4
	}
	must(t, w.CompareAndAppend(t.Context(), nil, frontier.At(0), frontier.At(1)))
}

// TestASweepOvertakesBatchesButStagedOnes protects stores from batches that were lost,
// shards from objects that are gone, and transactions that take their time from both.
func TestASweepOvertakesBatchesButStagedOnes(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineSizeMax: 60})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	old := p.build(w, 0, 1, persist.BatchOptions{}, rows(3, 0)...)
	small := p.build(w, 0, 1, persist.BatchOptions{}, insert("small", 0))
	staged := p.build(w, 0, 1, persist.BatchOptions{IsStaged: true}, rows(4, 0)...)
	handle, err := c.OpenShard(t.Context(), shard)
	must(t, err)
	swept, err := handle.Sweep(t.Context(), persist.SweepOptions{})
	if err != nil || len(swept.Deleted) != 1 || len(p.keys(shard)) != 1 {
		t.Fatal(swept, err)
	}
	err = p.appendAll(w, 0, 1, old, small, staged)
	wantUsage(t, "overtaken", err)
	if !errors.Is(err, persist.ErrBatchTooOld) {
		t.Error(err)
	}
	must(t, old.Discard(t.Context()))
	data, err := staged.Marshal()
	must(t, err)
	staged, err = w.UnmarshalBatch(data)
	must(t, err)
	must(t, p.appendAll(w, 0, 1, small, staged))
	p.wantSnapshot(c, shard, 0, "row 0000@0+1", "row 0001@0+1", "row 0002@0+1", "row 0003@0+1", "small@0+1")
}

// TestABuilderThatASweepOvertakesSaysSo protects those who build for long: what is gone is
// to be written again, and is no damage.
func TestABuilderThatASweepOvertakesSaysSo(t *testing.T) {
	for _, isStaged := range []bool{false, true} {
		p := newPlace(t)
		c := p.client(persist.Config{PartSize: 1, RunsMax: 3})
		w := p.writer(c, c.NewShardID())
		b := w.NewBatch(t.Context(), frontier.At(0), persist.BatchOptions{IsStaged: isStaged})
		must(t, b.Add(t.Context(), []byte("b"), 0, 1))
		must(t, b.Add(t.Context(), []byte("a"), 0, 1))
		for len(p.keys(w.Shard())) < 2 { // they are written in the background
			must(t, p.live().Sleep(t.Context(), 1e6))
		}
		handle, err := p.client(persist.Config{}).OpenShard(t.Context(), w.Shard())
		must(t, err)
		_, err = handle.Sweep(t.Context(), persist.SweepOptions{})
		must(t, err)
		err = b.Add(t.Context(), []byte("0"), 0, 1) // the third run: they are merged
		if isStaged != (err == nil) || !isStaged && !errors.Is(err, persist.ErrBatchTooOld) {
			t.Errorf("staged %t: %v", isStaged, err)
		}
		if !isStaged {
			b.Discard(t.Context())
			continue
		}
		batch, err := b.Finish(t.Context(), frontier.At(1))
		must(t, err)
		must(t, p.appendAll(w, 0, 1, batch))
		p.wantSnapshot(c, w.Shard(), 0, "0@0+1", "a@0+1", "b@0+1")
	}
}

// TestFullMetadataMakesObjectsOfBatches protects the size of each version, and a batch
// that has become an object for nothing: it can be appended or discarded as before.
func TestFullMetadataMakesObjectsOfBatches(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineTotalMax: 1, CompactionsMax: -1})
	w := p.writer(c, c.NewShardID())
	one := p.build(w, 0, 9, persist.BatchOptions{}, insert("a", 1))
	two := p.build(w, 0, 9, persist.BatchOptions{}, insert("b", 1))
	wantUsage(t, "bounds", p.appendAll(w, 0, 10, one, two))
	must(t, p.appendAll(w, 0, 9, one, two))
	if diff := cmp.Diff(2, len(p.keys(w.Shard()))); diff != "" {
		t.Error(diff)
	}
	p.wantSnapshot(c, w.Shard(), 8, "a@8+1", "b@8+1")
}

// lateBlob is a store of objects in which something else happens before an object is there.
type lateBlob struct {
	persist.Blob
	before func() error
}

func (b *lateBlob) Set(ctx context.Context, key string, value []byte) error {
	if b.before != nil {
		if err := b.before(); err != nil {
			return err
		}
	}
	return b.Blob.Set(ctx, key, value)
}

// TestObjectsThatWereMadeForNothingAreDeleted protects stores from objects that an append
// wrote for want of room, when it turns out that an earlier attempt was committed with the
// rows inlined; and shards from the loss of such objects when a later attempt was.
func TestObjectsThatWereMadeForNothingAreDeleted(t *testing.T) {
	for _, isInlined := range []bool{true, false} {
		p := newPlace(t)
		rt := p.live()
		blob, log := &lateBlob{Blob: p.store.Blob(rt)}, &hooked{Consensus: p.store.Consensus(rt)}
		c, err := persist.New(rt, blob, log, persist.Config{CompactionsMax: -1})
		must(t, err)
		defer c.Close()
		w := p.writer(c, c.NewShardID())
		b := p.build(w, 0, 1, persist.BatchOptions{IsStaged: true}, insert("a", 0))
		attempts := 0
		log.compareAndSet = func(commit func() (bool, error)) (bool, error) {
			switch attempts++; {
			case attempts == 1: // it comes late, or never; and then there is no room any more
				if isInlined {
					blob.before = func() error {
						_, err := commit()
						return err
					}
				}
				full := func(config *persist.Config) { config.InlineTotalMax = 1 }
				return false, errors.Join(persist.ErrIndeterminate, c.Configure(full))
			case attempts == 2 && !isInlined: // its answer is lost
				_, err := commit()
				return false, errors.Join(persist.ErrIndeterminate, err)
			}
			return commit()
		}
		must(t, p.appendAll(w, 0, 1, b))
		if keys := p.keys(w.Shard()); isInlined != (len(keys) == 0) || attempts != 2 {
			t.Errorf("inlined %t: after %d attempts there are %q", isInlined, attempts, keys)
		}
		p.wantSnapshot(p.client(persist.Config{}), w.Shard(), 0, "a@0+1")
	}
}
