package s3_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestWhoeverLosesAgainGivesWay protects the throughput of a shard that several processes write as
// fast as they can: who loses a race for the second time in a row waits, longer each time up to a
// limit, before it asks again; and after a commit not any more.
func TestWhoeverLosesAgainGivesWay(t *testing.T) {
	const latency, losses = 10 * time.Millisecond, 9
	result, err := sim.Run(t.Context(), sim.Config{Seed: 1}, func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		model, err := newService(ctx, rt, service.Options{})
		if err != nil {
			return err
		}
		view := func() persist.Consensus {
			way := model.Transport(rt)
			store, err := openModel(ctx, rt, roundTripper(func(r *http.Request) (*http.Response, error) {
				if err := rt.Sleep(r.Context(), latency); err != nil {
					return nil, err
				}
				return way.RoundTrip(r)
			}), s3.Options{})
			must(t, err)
			return store.Consensus()
		}
		ours, others := view(), view()
		newest := persist.SeqNo(0)
		commit := func(c persist.Consensus, expected persist.SeqNo, want bool) (took time.Duration) {
			begin := rt.Now()
			next := persist.Versioned{SeqNo: expected + 1, Data: fmt.Append(nil, rt.Now())}
			committed, err := c.CompareAndSet(ctx, shard, expected, next)
			rt.Always(committed == want && err == nil, "answer", "committed", committed, "error", err)
			if committed {
				newest = next.SeqNo
			}
			return rt.Since(begin)
		}
		lose := func() time.Duration {
			stale := newest
			commit(others, newest, true)
			return commit(ours, stale, false)
		}
		commit(ours, 0, true)
		var waits []time.Duration
		for range losses {
			waits = append(waits, lose())
		}
		t.Log(waits)
		const requests = 2*latency + time.Millisecond // the refusal, and a look at who was first
		rt.Always(waits[0] <= requests, "the-first-is-free", "took", waits[0])
		rt.Always(waits[losses-1] > 5*requests, "it-waits-longer", "took", waits[losses-1])
		for i, took := range waits {
			rt.Always(took <= requests+requests<<min(i, 4), "there-is-a-limit", "loss", i, "took", took)
		}
		commit(ours, newest, true)
		again := lose()
		rt.Always(again <= requests, "a-commit-ends-it", "took", again)
		return nil
	})
	must(t, err)
	if result.Verdict.Kind != sim.OK {
		t.Error(result.Verdict)
	}
}
