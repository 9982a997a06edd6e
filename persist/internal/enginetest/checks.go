package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// checkAll makes sure that nothing that was acknowledged is lost and nothing is there
// twice, whenever it is read; and that no object is missing. It returns the upper.
func (p *process) checkAll(ctx context.Context, acknowledged uint64, random *rand.Rand) (uint64, error) {
	upper, err := p.upper(ctx)
	if err == nil && upper < acknowledged {
		err = fmt.Errorf("the upper is %d, and %d was acknowledged", upper, acknowledged)
	}
	for err == nil {
		err = p.checkReads(ctx, upper, random)
		if !isTooSlow(err) {
			break
		}
		err = nil
	}
	if err == nil {
		_, err = p.usage(ctx)
	}
	return upper, err
}

// checkReads reads from the since to the upper, the last before it included, and in between.
func (p *process) checkReads(ctx context.Context, upper uint64, random *rand.Rand) error {
	r, err := p.client.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "check"})
	if err != nil {
		return err
	}
	since := timeOf(r.Since())
	p.model.advance(timeOf(r.SharedSince()))
	if since < upper {
		for _, asOf := range []uint64{since, upper - 1, between(random, since, upper), between(random, since, upper)} {
			if err := p.read(ctx, r, asOf); err != nil {
				return err
			}
		}
	}
	return r.Close(ctx)
}

// isTooSlow reports that a reader was forgotten: the leases are as short as they can be
// on a machine that is not busy.
func isTooSlow(err error) bool {
	var expired *persist.LeaseExpiredError
	var gone *persist.SinceError
	return errors.As(err, &expired) || errors.As(err, &gone)
}

// upper returns that of the shard.
func (p *process) upper(ctx context.Context) (uint64, error) {
	s, err := p.client.OpenShard(ctx, shard)
	if err != nil {
		return 0, err
	}
	upper, err := s.FetchRecentUpper(ctx)
	return timeOf(upper), err
}

// usage makes sure that what is needed is there: objects, and versions that are held.
func (p *process) usage(ctx context.Context) (persist.Usage, error) {
	usage, err := p.client.Usage(ctx, shard)
	if err == nil && len(usage.Missing) > 0 {
		err = fmt.Errorf("missing: %q", usage.Missing)
	}
	for _, r := range usage.Newest.Leased {
		if r.Hold < usage.Earliest {
			err = errors.Join(err, fmt.Errorf("%s holds %v, and the log begins with %v", r.ID, r.Hold, usage.Earliest))
		}
	}
	return usage, err
}

// read compares a snapshot with the model.
func (p *process) read(ctx context.Context, r *persist.Reader, asOf uint64) error {
	got, err := r.Snapshot(ctx, asOf)
	if err != nil {
		return err
	}
	return p.model.check(asOf, got)
}

// between returns a time from lower to before upper.
func between(random *rand.Rand, lower, upper uint64) uint64 {
	return lower + random.Uint64N(upper-lower)
}

func timeOf(f frontier.Antichain) uint64 {
	time, _ := f.Time()
	return time
}
