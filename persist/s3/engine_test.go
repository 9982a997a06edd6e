package s3_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// busy makes everything that the engine does happen often.
var busy = persist.Config{
	PartSize: 300, InlineSizeMax: 100, InlineTotalMax: 2000,
	RollupThreshold: 8, GCVersionsMin: 8, GCFallback: 200 * time.Millisecond,
	CompactionFanout: 3, CompactionFallback: 200 * time.Millisecond,
	RetryMax: 50 * time.Millisecond, PollMax: 20 * time.Millisecond, SelfCheck: true,
}

// TestTheEngineSharesAShardUnderFaults protects exactly-once from end to end: several writers, each
// as in a process of its own, append to one shard while requests fail, come late and come twice.
// Each time is theirs who got it, and every row is there once.
func TestTheEngineSharesAShardUnderFaults(t *testing.T) {
	server := s3test.Start(t)
	prefix := created(t, server)
	faults := newFaults(5, 15)
	faults.isLate = true
	options := impatient()
	options.Probe = s3.ProbeNone
	options.Limits.FirstByte = 300 * time.Millisecond
	const writers, rounds = 3, 12
	rt := runtime.New(runtime.Options{})
	group := rt.NewGroup(t.Context())
	id := persist.ShardID{7}
	for w := range writers {
		group.Go("process", func(ctx context.Context) error {
			store, err := s3.Open(ctx, rt, server.Client(faults.wrap), server.Bucket, prefix, options)
			if err != nil {
				return err
			}
			client, err := persist.New(rt, store.Blob(), store.Consensus(), busy)
			if err != nil {
				return err
			}
			defer client.Close()
			return appendRows(ctx, client, id, w, rounds)
		})
	}
	must(t, group.Wait())
	faults.late.Wait()
	store, err := opened(t, server, prefix, nil, s3.Options{})
	must(t, err)
	client, err := persist.New(rt, store.Blob(), store.Consensus(), busy)
	must(t, err)
	defer client.Close()
	reader, err := client.OpenReader(t.Context(), id, persist.ReaderOptions{})
	must(t, err)
	rows, err := reader.Snapshot(t.Context(), writers*rounds-1)
	must(t, err)
	if len(rows) != writers*rounds {
		t.Errorf("%d rows, want %d", len(rows), writers*rounds)
	}
	for _, row := range rows {
		if row.Diff != 1 {
			t.Errorf("%s is there %d times", row.Row, row.Diff)
		}
	}
}

// appendRows appends a row at a time of its own, so often.
func appendRows(ctx context.Context, client *persist.Client, id persist.ShardID, name, rounds int) error {
	w, err := client.OpenWriter(ctx, id, persist.WriterOptions{Purpose: "test"})
	if err != nil {
		return err
	}
	upper := uint64(0)
	for round := 0; round < rounds; {
		row := persist.Update{Row: fmt.Appendf(nil, "writer %d round %d %060d", name, round, 0), Time: upper, Diff: 1}
		err := w.CompareAndAppend(ctx, []persist.Update{row}, frontier.At(upper), frontier.At(upper+1))
		var mismatch *persist.UpperMismatchError
		switch {
		case err == nil:
			round++
			upper++
		case errors.As(err, &mismatch):
			upper, _ = mismatch.Current.Time()
		default:
			return err
		}
	}
	return nil
}
