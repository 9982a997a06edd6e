package persist_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// TestSettingsChangeAsAWholeOrNotAtAll protects a client at work from settings that
// cannot be, and those it is asked to keep.
func TestSettingsChangeAsAWholeOrNotAtAll(t *testing.T) {
	c := newPlace(t).client(persist.Config{ScanLimit: 7, CompactionsMax: -1})
	before := c.Config()
	err := c.Configure(func(config *persist.Config) { config.ScanLimit, config.PartSize = 9, -1 })
	if diff := cmp.Diff(before, c.Config()); !errors.Is(err, persist.ErrUsage) || diff != "" {
		t.Errorf("error %v, changed (-before +after):\n%s", err, diff)
	}
	must(t, c.Configure(func(config *persist.Config) { config.ScanLimit, config.PollMax = 9, 0 }))
	want := before
	want.ScanLimit, want.PollMax = 9, time.Second
	if diff := cmp.Diff(want, c.Config()); diff != "" || want.CompactionsMax >= 0 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSettingsCountFromTheNextAppend protects people who change what a process does
// without starting it anew: what is inlined, and how large an object is.
func TestSettingsCountFromTheNextAppend(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	must(t, w.CompareAndAppend(t.Context(), rows(100, 0), frontier.At(0), frontier.At(1)))
	must(t, c.Configure(func(config *persist.Config) { config.InlineSizeMax, config.PartSize = 1, 1000 }))
	if keys := p.keys(shard); len(keys) != 0 {
		t.Errorf("there are %q before", keys)
	}
	must(t, w.CompareAndAppend(t.Context(), rows(100, 1), frontier.At(1), frontier.At(2)))
	if keys := p.keys(shard); len(keys) != 3 {
		t.Errorf("there are %q afterwards", keys)
	}
}

// TestALeaseLastsAsWasAgreed protects readers that are open from a shorter lease: they
// would go on to give signs of life as rarely as before.
func TestALeaseLastsAsWasAgreed(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{ReaderLease: time.Hour})
		defer c.Close()
		r, err := c.OpenReader(ctx, persist.ShardID{1}, persist.ReaderOptions{Purpose: "test"})
		s.must(err)
		s.must(c.Configure(func(config *persist.Config) { config.ReaderLease = time.Second }))
		s.must(s.rt.Sleep(ctx, 10*time.Minute))
		other := s.client(persist.Config{})
		defer other.Close()
		w, err := other.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.must(w.AdvanceUpper(ctx, frontier.At(3))) // whoever has lapsed is forgotten with this commit
		s.must(r.Renew(ctx))
	})
}

// TestTheLimitOfAScanIsThatOfTheScan protects readers of a log from a limit that is
// raised while they read: what has come is less than the new one, and not all there is.
func TestTheLimitOfAScanIsThatOfTheScan(t *testing.T) {
	p := newPlace(t)
	other := p.client(persist.Config{})
	shard := other.NewShardID()
	c, h := p.hook(persist.Config{ScanLimit: 2})
	mine := p.writer(c, shard)
	w := p.writer(other, shard)
	for i := range uint64(7) {
		must(t, w.CompareAndAppend(t.Context(), nil, frontier.At(i), frontier.At(i+1)))
	}
	h.beforeScan = func(persist.SeqNo) {
		must(t, c.Configure(func(config *persist.Config) { config.ScanLimit = 100 }))
	}
	if upper, err := mine.FetchRecentUpper(t.Context()); err != nil || upper != frontier.At(7) {
		t.Errorf("upper %v, error %v", upper, err)
	}
}

// deleting calls a function at each deletion of an object.
type deleting struct {
	persist.Blob
	before func()
}

func (d deleting) Delete(ctx context.Context, key string) (int, bool, error) {
	d.before()
	return d.Blob.Delete(ctx, key)
}

// TestDeletionsGoThroughTheWholeList protects the store from objects that nobody deletes
// any more, because how many are deleted at a time has changed in the middle.
func TestDeletionsGoThroughTheWholeList(t *testing.T) {
	p := newPlace(t)
	rt := p.live()
	var c *persist.Client
	blob := deleting{p.store.Blob(rt), func() {
		must(t, c.Configure(func(config *persist.Config) { config.DeletesMax = 8 }))
	}}
	c, err := persist.New(rt, blob, p.store.Consensus(rt), persist.Config{InlineSizeMax: 1, PartSize: 50, DeletesMax: 1})
	must(t, err)
	defer c.Close()
	w := p.writer(c, c.NewShardID())
	var mismatch *persist.UpperMismatchError
	err = w.CompareAndAppend(t.Context(), rows(20, 5), frontier.At(5), frontier.At(6))
	if keys := p.keys(w.Shard()); !errors.As(err, &mismatch) || len(keys) != 0 {
		t.Errorf("left %d objects, error %v", len(keys), err)
	}
}

func ExampleClient_Configure() {
	client := exampleClient()
	defer client.Close()
	err := client.Configure(func(config *persist.Config) {
		config.PartSize = 64 << 20
		config.CompactionsMax = -1 // this process leaves them to others from now on
	})
	fmt.Println(client.Config().PartSize>>20, "MiB", err)

	err = client.Configure(func(config *persist.Config) { config.PartSize = -1 })
	fmt.Println(err)
	fmt.Println(client.Config().PartSize>>20, "MiB")
	// Output:
	// 64 MiB <nil>
	// persist: configuration: PartSize of -1: invalid usage
	// 64 MiB
}
