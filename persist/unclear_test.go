package persist_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// unclear runs body with a writer on a store that fails by the plan, and a
// second client on the same store without faults.
func unclear(
	t *testing.T, plan string, config persist.Config,
	body func(ctx context.Context, rt *runtime.Runtime, w *persist.Writer, audit *persist.Client),
) {
	t.Helper()
	parsed, err := faulty.ParsePlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	config.SelfCheck = true
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store := memory.New("test", memory.Options{})
		faults, err := faulty.New(parsed, 0)
		if err != nil {
			t.Error(err)
			return
		}
		audit, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), config)
		if err != nil {
			t.Error(err)
			return
		}
		defer audit.Close()
		client, err := persist.New(rt, faults.Blob(rt, store.Blob(rt)), faults.Consensus(rt, store.Consensus(rt)), config)
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		w, err := client.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		if err != nil {
			t.Error(err)
			return
		}
		body(ctx, rt, w, audit)
	})
}

// TestAnAppendWhoseAnswerIsLostIsSettled protects exactly-once: an append that was
// committed unknown to the writer succeeds, and is there once.
func TestAnAppendWhoseAnswerIsLostIsSettled(t *testing.T) {
	unclear(t, "cas fail-after 1/2", persist.Config{WriterLease: 24 * time.Hour},
		func(ctx context.Context, rt *runtime.Runtime, w *persist.Writer, audit *persist.Client) {
			for i := range uint64(4) {
				err := w.CompareAndAppend(ctx, []persist.Update{insert("row", i)}, frontier.At(i), frontier.At(i+1))
				rt.Always(err == nil, "append-settled", "error", err)
			}
			r, err := audit.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "audit"})
			rt.Always(err == nil, "open", "error", err)
			got, err := r.Snapshot(ctx, 3)
			rt.Always(err == nil && len(got) == 1 && got[0].Diff == 4, "each-once", "got", texts(got), "error", err)
		})
}

// TestAnAppendThatStaysUnclearIsGivenUp protects callers from an answer that
// nobody can give: within half of the lease, and the writer can go on.
func TestAnAppendThatStaysUnclearIsGivenUp(t *testing.T) {
	const lease = 10 * time.Second
	gaveUp, landed := 0, 0
	unclear(t, "cas late 1/2; cas fail-before 1/2", persist.Config{WriterLease: lease, RetryMin: 4 * time.Second},
		func(ctx context.Context, rt *runtime.Runtime, w *persist.Writer, audit *persist.Client) {
			start := rt.Now()
			err := w.CompareAndAppend(ctx, []persist.Update{insert("row", 0)}, frontier.At(0), frontier.At(1))
			var unknown *persist.UnknownOutcomeError
			if err == nil {
				return
			}
			gaveUp++
			rt.Always(errors.As(err, &unknown) && errors.Is(err, persist.ErrIndeterminate), "unknown", "error", err)
			rt.Always(rt.Since(start) >= lease/2 && rt.Since(start) < 2*lease, "in-time", "after", rt.Since(start))
			upper, err := w.FetchRecentUpper(ctx)
			rt.Always(err == nil, "fetch", "error", err)
			if upper == frontier.At(1) {
				landed++
			}
			r, err := audit.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "audit"})
			rt.Always(err == nil, "open", "error", err)
			rt.Always(upper.LessEqual(mustUpper(ctx, rt, r)), "monotone", "upper", upper)
		})
	if !testing.Short() && (gaveUp == 0 || landed == 0) { // a few seeds need not reach both
		t.Errorf("%d appends were given up, %d of them had landed", gaveUp, landed)
	}
}

func mustUpper(ctx context.Context, rt *runtime.Runtime, r *persist.Reader) frontier.Antichain {
	upper, err := r.FetchRecentUpper(ctx)
	rt.Always(err == nil, "fetch", "error", err)
	return upper
}

// TestACancelledAppendIsUnknownOrHasNotHappened protects those who give up
// waiting.
func TestACancelledAppendIsUnknownOrHasNotHappened(t *testing.T) {
	unclear(t, "cas stall 1/2 2s; cas fail-before 1/3", persist.Config{},
		func(ctx context.Context, rt *runtime.Runtime, w *persist.Writer, audit *persist.Client) {
			short, cancel := rt.WithTimeout(ctx, time.Second)
			defer cancel()
			err := w.CompareAndAppend(short, []persist.Update{insert("row", 0)}, frontier.At(0), frontier.At(1))
			r, openErr := audit.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "audit"})
			rt.Always(openErr == nil, "open", "error", openErr)
			happened := mustUpper(ctx, rt, r) == frontier.At(1)
			switch {
			case err == nil:
				rt.Always(happened, "acknowledged")
			case !errors.Is(err, persist.ErrIndeterminate):
				rt.Always(!happened && errors.Is(err, context.DeadlineExceeded), "not-happened", "error", err)
			}
			// The writer can go on after whatever happened.
			upper, err := w.FetchRecentUpper(ctx)
			rt.Always(err == nil, "fetch", "error", err)
			first, _ := upper.Time()
			err = w.CompareAndAppend(ctx, nil, upper, frontier.At(first+1))
			var mismatch *persist.UpperMismatchError
			rt.Always(err == nil || errors.As(err, &mismatch), "goes-on", "error", err)
		})
}
