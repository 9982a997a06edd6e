package file_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// What all processes of the test know.
var (
	engineShard  = persist.ShardID{1}
	engineOwner  = persist.CriticalReaderID{1}
	engineOpaque = persist.Opaque{Codec: "epoch"}
	// engineConfig makes everything happen often.
	engineConfig = persist.Config{
		PartSize: 300, InlineSizeMax: 100, InlineTotalMax: 2000,
		RollupThreshold: 8, GCVersionsMin: 8, GCFallback: 200 * time.Millisecond,
		CompactionFanout: 3, CompactionFallback: 200 * time.Millisecond,
		WriterLease: 300 * time.Millisecond, ReaderLease: 300 * time.Millisecond,
		RetryMax: 50 * time.Millisecond, PollMax: 50 * time.Millisecond, SelfCheck: true,
	}
)

// engineProcess is a process that uses a shard until it is killed.
type engineProcess struct {
	client *persist.Client
	owner  *persist.Since
	model  *model // used by one task at a time
}

// runEngine checks what earlier processes have left, and says so; then it appends,
// reads and moves the since. It says what it is about to append and what was
// acknowledged. Its name is a seed, and the upper that has been acknowledged so far.
func runEngine(directory, name string) error {
	ctx := context.Background()
	var seed, acknowledged uint64
	if _, err := fmt.Sscan(name, &seed, &acknowledged); err != nil {
		return err
	}
	store, rt, err := open(directory)
	if err != nil {
		return err
	}
	p, err := openEngine(ctx, store.Blob(rt), store.Consensus(rt), rt)
	if err != nil {
		return err
	}
	upper, err := p.checkAll(ctx, acknowledged, rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		return err
	}
	say("checked", strconv.FormatUint(upper, 10))
	group := rt.NewGroup(ctx)
	for i := range uint64(2) {
		group.Go("writer", func(ctx context.Context) error { return p.write(ctx, rand.New(rand.NewPCG(seed, 1+i))) })
	}
	group.Go("auditor", func(ctx context.Context) error { return p.audit(ctx, rand.New(rand.NewPCG(seed, 3))) })
	return group.Wait()
}

func openEngine(
	ctx context.Context, blob persist.Blob, consensus persist.Consensus, rt *runtime.Runtime,
) (*engineProcess, error) {
	client, err := persist.New(rt, blob, consensus, engineConfig)
	if err != nil {
		return nil, err
	}
	owner, err := client.OpenSince(ctx, engineShard, engineOwner, engineOpaque, "owner")
	return &engineProcess{client: client, owner: owner, model: newModel()}, err
}

// checkAll makes sure that nothing that was acknowledged is lost and nothing is there
// twice, whenever it is read; and that no object is missing. It returns the upper.
func (p *engineProcess) checkAll(ctx context.Context, acknowledged uint64, random *rand.Rand) (uint64, error) {
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
func (p *engineProcess) checkReads(ctx context.Context, upper uint64, random *rand.Rand) error {
	r, err := p.client.OpenReader(ctx, engineShard, persist.ReaderOptions{Purpose: "check"})
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
func (p *engineProcess) upper(ctx context.Context) (uint64, error) {
	shard, err := p.client.OpenShard(ctx, engineShard)
	if err != nil {
		return 0, err
	}
	upper, err := shard.FetchRecentUpper(ctx)
	return timeOf(upper), err
}

// usage makes sure that what is needed is there: objects, and versions that are held.
func (p *engineProcess) usage(ctx context.Context) (persist.Usage, error) {
	usage, err := p.client.Usage(ctx, engineShard)
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
func (p *engineProcess) read(ctx context.Context, r *persist.Reader, asOf uint64) error {
	got, err := r.Snapshot(ctx, asOf)
	if err != nil {
		return err
	}
	return p.model.check(asOf, got)
}

// write appends without end.
func (p *engineProcess) write(ctx context.Context, random *rand.Rand) error {
	w, err := p.client.OpenWriter(ctx, engineShard, persist.WriterOptions{Purpose: "writer"})
	if err != nil {
		return err
	}
	for {
		lower := timeOf(w.Upper())
		upper := lower + 1 + random.Uint64N(3)
		bounds := fmt.Sprintf("%d\t%d", lower, upper)
		say("try", bounds)
		err := w.CompareAndAppend(ctx, updatesBetween(lower, upper), frontier.At(lower), frontier.At(upper))
		var mismatch *persist.UpperMismatchError
		var unknown *persist.UnknownOutcomeError
		switch {
		case err == nil:
			say("acknowledged", bounds)
		case errors.As(err, &unknown):
			if _, err := w.FetchRecentUpper(ctx); err != nil {
				return err
			}
		case !errors.As(err, &mismatch):
			return err
		}
	}
}

// audit reads without end, and moves the since.
func (p *engineProcess) audit(ctx context.Context, random *rand.Rand) error {
	for {
		r, err := p.client.OpenReader(ctx, engineShard, persist.ReaderOptions{Purpose: "auditor"})
		if err != nil {
			return err
		}
		for range 4 + random.IntN(12) {
			if err = p.auditOnce(ctx, r, random); err != nil {
				break
			}
		}
		switch {
		case isTooSlow(err):
			say("expired")
		case err != nil:
			return err
		case random.IntN(3) > 0: // else the lease runs out
			if err := r.Close(ctx); err != nil {
				return err
			}
		}
	}
}

func (p *engineProcess) auditOnce(ctx context.Context, r *persist.Reader, random *rand.Rand) error {
	upper, err := p.upper(ctx)
	if err != nil {
		return err
	}
	since, ok := r.Since().Time()
	switch {
	case !ok || since >= upper:
		return r.Renew(ctx)
	case random.IntN(20) == 0:
		_, err = p.usage(ctx)
		return err
	case random.IntN(4) == 0:
		next := frontier.At(between(random, since, upper))
		if random.IntN(2) == 0 {
			r.Downgrade(next)
		}
		_, err = p.owner.CompareAndDowngrade(ctx, engineOpaque, engineOpaque, next)
		return err
	}
	p.model.advance(timeOf(r.SharedSince())) // other readers, also later ones, may be behind this one
	asOf := since
	if random.IntN(3) > 0 {
		asOf = between(random, since, upper)
	}
	if err := p.read(ctx, r, asOf); err != nil {
		return err
	}
	say("read")
	return nil
}

// between returns a time from lower to before upper.
func between(random *rand.Rand, lower, upper uint64) uint64 {
	return lower + random.Uint64N(upper-lower)
}

func timeOf(f frontier.Antichain) uint64 {
	time, _ := f.Time()
	return time
}
