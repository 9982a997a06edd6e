package persist_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// TestStatsSayWhatThereIs protects whoever plans a read.
func TestStatsSayWhatThereIs(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	schema := schemaOf(t, nameColumn, idColumn)
	shard := p.tenParts(schema)
	c := p.client(persist.Config{})
	r := p.typedReader(c, shard, schema)
	owner, err := c.OpenSince(ctx, shard, persist.CriticalReaderID{1}, persist.Opaque{}, "test")
	must(t, err)
	for asOf, want := range map[uint64]uint64{0: 10, 9: 10, 10: 20, 99: 100} {
		for name, stats := range map[string]func(context.Context, uint64) (persist.SnapshotStats, error){
			"reader": r.SnapshotStats, "owner": owner.SnapshotStats,
		} {
			if got, err := stats(ctx, asOf); got.Updates != want || err != nil {
				t.Errorf("%s as of %d: %v, %v", name, asOf, got, err)
			}
		}
	}
	parts, err := r.SnapshotPartsStats(ctx, 15)
	must(t, err)
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	got := parts[1]
	isOfTimes := got.TimeLower == 10 && got.TimeUpper == 19
	if got.EncodedSize == 0 || got.Updates != 10 || got.IsInline || !got.HasStats || !isOfTimes {
		t.Errorf("got %+v", got)
	}
	want := []persist.ColumnStats{
		{Column: nameColumn, Lower: []byte("name 010"), Upper: []byte("name 019"), HasUpper: true},
		{
			Column: idColumn, Lower: ordered(relation.Uint64Value(10)), Upper: ordered(relation.Uint64Value(19)),
			HasUpper: true,
		},
	}
	if diff := cmp.Diff(want, got.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	_, err = owner.CompareAndDowngrade(ctx, persist.Opaque{}, persist.Opaque{}, frontier.At(50))
	must(t, err)
	r.Downgrade(frontier.At(50))
	must(t, r.Renew(ctx))
	var gone *persist.SinceError
	if _, err := r.SnapshotStats(ctx, 49); !errors.As(err, &gone) {
		t.Errorf("before the since: %v", err)
	}
	if _, err := owner.SnapshotStats(ctx, 49); !errors.As(err, &gone) {
		t.Errorf("before the since: %v", err)
	}
}

func ordered(v relation.Value) []byte { return v.AppendOrdered(nil) }

// TestStatsWaitForTheUpper protects callers from estimates of what is not yet there.
func TestStatsWaitForTheUpper(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "test"})
		s.must(err)
		owner, err := c.OpenSince(ctx, w.Shard(), persist.CriticalReaderID{1}, persist.Opaque{}, "test")
		s.must(err)
		group := s.rt.NewGroup(ctx)
		group.Go("stats", func(ctx context.Context) error {
			stats, err := r.SnapshotStats(ctx, 2)
			s.rt.Always(err == nil && stats.Updates == 3, "P-29", "stats", stats, "error", err)
			stats, err = owner.SnapshotStats(ctx, 3)
			s.rt.Always(err == nil && stats.Updates == 4, "P-29", "stats", stats, "error", err)
			parts, err := r.SnapshotPartsStats(ctx, 3)
			s.rt.Always(err == nil && len(parts) > 0 && parts[0].IsInline && !parts[0].HasStats, "P-29", "parts", len(parts))
			return nil
		})
		s.grow(ctx, w, 4)
		s.must(group.Wait())
	})
}

func ExampleReader_SnapshotStats() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard := client.NewShardID()
	writer, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = writer.CompareAndAppend(ctx, []persist.Update{
		{Row: []byte("apple"), Time: 1, Diff: 2}, {Row: []byte("apple"), Time: 2, Diff: -2},
	}, frontier.At(0), frontier.At(5))
	if err != nil {
		fmt.Println(err)
		return
	}
	reader, err := client.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	stats, err := reader.SnapshotStats(ctx, 4)
	fmt.Println("an estimate:", stats.Updates, err)
	parts, err := reader.SnapshotPartsStats(ctx, 4)
	fmt.Println(len(parts), "part, within the metadata:", parts[0].IsInline, err)
	rows, err := reader.Snapshot(ctx, 4)
	fmt.Println("rows:", len(rows), err)
	// Output:
	// an estimate: 2 <nil>
	// 1 part, within the metadata: true <nil>
	// rows: 0 <nil>
}
