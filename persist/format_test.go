package persist_test

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// TestTheOldestFormatHasNoObjects protects old shards from an append that can never
// succeed, because it was cut into objects.
func TestTheOldestFormatHasNoObjects(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{Format: 1, PartSize: 100, InlineSizeMax: 1})
	w := p.writer(c, c.NewShardID())
	must(t, w.CompareAndAppend(t.Context(), rows(50, 0), frontier.At(0), frontier.At(1)))
	if keys := p.keys(w.Shard()); len(keys) != 0 {
		t.Errorf("there are %q", keys)
	}
}

// TestABuilderInTheOldestFormatIsBounded protects memory where there are no objects: what
// cancels out is not kept until the batch is finished, and what can never be appended is
// refused before all of it is there.
func TestABuilderInTheOldestFormatIsBounded(t *testing.T) {
	const allowed = 2 << 20
	p := newPlace(t)
	c := p.client(persist.Config{Format: 1, PartSize: 1000, InlineTotalMax: 10_000})
	w := p.writer(c, c.NewShardID())
	b := w.NewBatch(t.Context(), frontier.At(0), persist.BatchOptions{})
	before := heap()
	for i := range 100_000 {
		must(t, b.Add(t.Context(), fmt.Appendf(nil, "%0100d", i/2), 0, int64(1-i%2*2)))
	}
	if after := heap(); after > before+allowed {
		t.Errorf("nothing takes %d bytes", after-before)
	}
	for i := 0; ; i++ {
		err := b.Add(t.Context(), fmt.Appendf(nil, "%0100d", i), 0, 1)
		if errors.Is(err, persist.ErrUsage) {
			return
		}
		must(t, err)
		if i > 1000 {
			t.Fatalf("the builder takes %d bytes", i*100)
		}
	}
}

// TestABuilderGoesOnInALaterFormat protects a batch that is larger than the metadata from
// what the builder has known of the shard when it began.
func TestABuilderGoesOnInALaterFormat(t *testing.T) {
	p := newPlace(t)
	old := p.client(persist.Config{Format: 1, PartSize: 240, InlineTotalMax: 480})
	w := p.writer(old, old.NewShardID())
	must(t, old.Configure(func(config *persist.Config) { config.Format = 3 }))
	b := w.NewBatch(t.Context(), frontier.At(0), persist.BatchOptions{})
	for i, u := range rows(200, 0) {
		must(t, b.Add(t.Context(), u.Row, u.Time, u.Diff))
		if i == 20 {
			s, err := p.client(persist.Config{}).OpenShard(t.Context(), w.Shard())
			must(t, err)
			must(t, s.UpgradeFormat(t.Context()))
		}
	}
	batch, err := b.Finish(t.Context(), frontier.At(1))
	must(t, err)
	must(t, w.CompareAndAppendBatches(t.Context(), []*persist.Batch{batch}, frontier.At(0), frontier.At(1)))
	p.wantSnapshot(old, w.Shard(), 0, texts(rows(200, 0))...)
}

// heap returns how many bytes are in use.
func heap() uint64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAProgramKeepsToItsFormat protects a rollout that may be taken back: shards are made
// in the format that was asked for, are upgraded no further, and those beyond it are left
// alone until the setting changes, without a restart.
func TestAProgramKeepsToItsFormat(t *testing.T) {
	p := newPlace(t)
	old, c := p.client(persist.Config{Format: 1}), p.client(persist.Config{})
	w := p.writer(old, old.NewShardID())
	for _, format := range []uint64{1, 2, 3} {
		must(t, c.Configure(func(config *persist.Config) { config.Format = format }))
		s, err := c.OpenShard(t.Context(), w.Shard())
		must(t, err)
		must(t, s.UpgradeFormat(t.Context()))
		if i, err := c.Inspect(t.Context(), w.Shard()); err != nil || i.Format != format {
			t.Errorf("format %d, error %v; want %d", i.Format, err, format)
		}
	}
	var version *persist.VersionError
	err := w.CompareAndAppend(t.Context(), rows(1, 0), frontier.At(0), frontier.At(1))
	if !errors.As(err, &version) || version.Found != 3 || errors.Is(err, persist.ErrCorruption) {
		t.Errorf("an older program appends: %v", err)
	}
	must(t, old.Configure(func(config *persist.Config) { config.Format = 3 }))
	must(t, w.CompareAndAppend(t.Context(), rows(1, 0), frontier.At(0), frontier.At(1)))
	if err := (persist.Config{Format: 4}).Validate(); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("a format that there is not: %v", err)
	}
}

// TestAFullShardIsLookedAtAgain protects appends to a shard of the oldest format from a
// verdict about a version that is not the newest: others have upgraded it, and it has room.
func TestAFullShardIsLookedAtAgain(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineTotalMax: 1, CompactionsMax: -1})
	must(t, c.Configure(func(config *persist.Config) { config.Format = 1 }))
	w := p.writer(c, c.NewShardID())
	must(t, c.Configure(func(config *persist.Config) { config.Format = 3 }))
	wantUsage := func(err error) {
		if !errors.Is(err, persist.ErrUsage) {
			t.Errorf("full, and without objects: %v", err)
		}
	}
	wantUsage(w.CompareAndAppend(t.Context(), rows(1, 0), frontier.At(0), frontier.At(1)))
	s, err := p.client(persist.Config{}).OpenShard(t.Context(), w.Shard())
	must(t, err)
	must(t, s.UpgradeFormat(t.Context()))
	must(t, w.CompareAndAppend(t.Context(), rows(1, 0), frontier.At(0), frontier.At(1)))
}
