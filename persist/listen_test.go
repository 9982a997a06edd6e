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

// TestSubscribersSeeEachUpdateOnce protects those who follow a shard, while batches are
// merged behind them and before them: whatever they have seen up to a frontier adds up
// to the contents as of the moment before (P-30).
func TestSubscribersSeeEachUpdateOnce(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{
			InlineSizeMax: 60, PartSize: 100, CompactionFanout: 2, GCVersionsMin: 3, RollupThreshold: 3,
		})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		const count, asOf = 40, 4
		write := func(ctx context.Context) error {
			for i := range uint64(count) {
				updates := []persist.Update{insert(fmt.Sprint("row ", i%10), i), retract(fmt.Sprint("row ", (i+3)%10), i)}
				s.must(w.CompareAndAppend(ctx, updates, frontier.At(i), frontier.At(i+1)))
				s.must(s.rt.Sleep(ctx, time.Duration(s.rt.Rand(fmt.Sprint(i)).IntN(3))*time.Millisecond))
			}
			s.must(w.AdvanceUpper(ctx, frontier.Empty()))
			return nil
		}
		group := s.rt.NewGroup(ctx)
		group.Go("write", write)
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "follow"})
		s.must(err)
		diffs, reached := map[string]int64{}, frontier.At(0)
		for event, err := range r.Subscribe(ctx, asOf) {
			s.must(err)
			for _, u := range event.Updates {
				isNew := u.Time == asOf || reached.LessEqualTime(u.Time)
				s.rt.Always(isNew, "P-30", "time", u.Time, "frontier", reached)
				diffs[string(u.Row)] += u.Diff
			}
			s.rt.Always(reached.LessEqual(event.Frontier), "P-30", "from", reached, "to", event.Frontier)
			if reached == event.Frontier {
				continue
			}
			reached = event.Frontier
			at, ok := reached.Time()
			if !ok {
				at = count
			}
			diff := cmp.Diff(sums(at-1), sumsOf(diffs, at-1))
			s.rt.Always(diff == "", "P-30", "frontier", reached, "diff", diff)
		}
		s.rt.Always(reached.IsEmpty(), "P-30", "frontier", reached)
		s.must(group.Wait())
	})
}

func sumsOf(diffs map[string]int64, asOf uint64) (all []string) {
	for i := range 10 {
		row := fmt.Sprint("row ", i)
		if diffs[row] != 0 {
			all = append(all, fmt.Sprintf("%s@%d%+d", row, asOf, diffs[row]))
		}
	}
	return all
}

// TestListenersThatAreForgottenStop protects those who stood still from updates of which
// nobody can tell any more whether they have had them.
func TestListenersThatAreForgottenStop(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c, dead := s.client(persist.Config{}), s.client(persist.Config{ReaderLease: time.Second})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.grow(ctx, w, 3)
		r, err := dead.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "dead"})
		s.must(err)
		steps := 0
		for _, err := range r.Listen(ctx, 0) {
			if steps++; steps == 1 {
				dead.Close()
				s.must(s.rt.Sleep(ctx, 5*time.Second))
				s.grow(ctx, w, 1)
			}
			var expired *persist.LeaseExpiredError
			isOver := errors.As(err, &expired)
			s.rt.Always(err == nil || isOver, "P-31", "error", err)
			if isOver {
				return
			}
		}
		s.rt.Unreachable("a listener that was forgotten goes on to the end")
	})
}
