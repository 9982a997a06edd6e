package scenarios

import (
	"context"
	"errors"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// readParts reads the shard in parts that others fetch: as of some time, or following it.
func (s *shippingWorld) readParts(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("parts")
	for !s.ending() {
		r, err := client.OpenReader(ctx, s.shard, persist.ReaderOptions{Purpose: "parts"})
		if err != nil {
			return err
		}
		since, ok := r.Since().Time()
		if !ok {
			return nil
		}
		end, _ := r.SharedUpper().Time()
		f := &follower{world: s, rt: rt, reader: r, rows: map[string]int64{}}
		isAlive, err := f.begin(ctx, max(since, end-min(end, rand.Uint64()%6)))
		for steps := rand.IntN(4); isAlive && err == nil && steps > 0 && !s.ending(); steps-- {
			isAlive, err = f.step(ctx)
		}
		if isAlive && err == nil {
			err = r.Close(ctx)
		}
		if err != nil {
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 1200))*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// follower has read the contents up to a frontier, in parts.
type follower struct {
	world  *shippingWorld
	rt     *runtime.Runtime
	reader *persist.Reader
	rows   map[string]int64
	next   frontier.Antichain
}

// begin reads a snapshot. Like step it reports whether the reader is still known.
func (f *follower) begin(ctx context.Context, asOf uint64) (isAlive bool, err error) {
	lease, err := f.reader.SnapshotParts(ctx, asOf)
	isAlive, err = f.read(ctx, lease, err)
	f.rt.Sometimes(isAlive && len(f.rows) > 0, "parts-read")
	return isAlive, err
}

// step reads the updates from the frontier on, in one step.
func (f *follower) step(ctx context.Context) (isAlive bool, err error) {
	from, _ := f.next.Time()
	f.reader.Downgrade(frontier.At(from - 1))
	late, cancel := f.rt.WithTimeout(ctx, 3*time.Second)
	lease, err := f.reader.ListenParts(late, from)
	isIdle := late.Err() != nil && ctx.Err() == nil
	cancel()
	if err != nil && isIdle {
		return true, nil
	}
	isAlive, err = f.read(ctx, lease, err)
	f.rt.Sometimes(isAlive, "parts-followed")
	return isAlive, err
}

// read has the parts of a lease fetched, and compares what there is then with what
// everybody knows.
func (f *follower) read(ctx context.Context, lease *persist.PartLease, err error) (isAlive bool, _ error) {
	var expired *persist.LeaseExpiredError
	var gone *persist.SinceError
	if err != nil {
		isForgotten := errors.As(err, &expired) || errors.As(err, &gone) && errors.As(f.world.renew(ctx, f.rt, f.reader), &expired)
		if isForgotten {
			f.rt.Reachable("lease-expired")
			return false, nil
		}
		return false, err
	}
	updates, isLost, err := f.world.fetchElsewhere(ctx, f.rt, lease.Tokens)
	lease.Release()
	if err != nil {
		return false, err
	}
	if isLost {
		err = f.world.renew(ctx, f.rt, f.reader)
	}
	f.rt.Always(!isLost || err != nil, "P-31", "lost", "parts of a reader that is alive")
	if errors.As(err, &expired) {
		f.rt.Reachable("lease-expired")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if updates == nil {
		return false, f.reader.Close(ctx) // whoever was to fetch them has died
	}
	for _, u := range updates {
		isNew := f.next == frontier.Antichain{} || f.next.LessEqualTime(u.Time)
		f.rt.Always(isNew && !lease.Frontier.LessEqualTime(u.Time), "P-30", "time", u.Time, "from", f.next)
		f.rows[string(u.Row)] += u.Diff
	}
	f.next = lease.Frontier
	end, _ := f.next.Time()
	f.world.journal.Read(f.rt, end-1, contentsOf(f.rows, end-1))
	return true, nil
}

// fetchElsewhere has parts fetched, and waits a while for that. The updates are nil if
// nobody did.
func (s *shippingWorld) fetchElsewhere(
	ctx context.Context, rt *runtime.Runtime, tokens [][]byte,
) (updates []persist.Update, isLost bool, err error) {
	orders := s.request(rt.Node(), tokens)
	for range 60 {
		updates, isDone, isLost := s.outcome(orders)
		if isDone {
			return updates, isLost, nil
		}
		if err := rt.Sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, false, err
		}
	}
	return nil, false, nil
}

// fetch fetches parts for others.
func (s *shippingWorld) fetch(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("fetcher")
	f := client.NewFetcher(s.shard)
	for {
		if o := s.takeOrder(rt.Node()); o != nil {
			if rand.IntN(30) == 0 { // some take so long that nobody waits for them any more
				if err := rt.Sleep(ctx, time.Duration(rand.IntN(6000))*time.Millisecond); err != nil {
					return err
				}
			}
			updates, err := f.Fetch(ctx, o.token)
			var expired *persist.LeaseExpiredError
			isLost := errors.As(err, &expired)
			rt.Always(!errors.Is(err, persist.ErrCorruption), "P-18", "error", err)
			if err != nil && !isLost {
				return err
			}
			rt.Sometimes(isLost, "part-gone")
			s.deliver(o, updates, isLost)
			continue
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 20, 300))*time.Millisecond); err != nil {
			return err
		}
	}
}
