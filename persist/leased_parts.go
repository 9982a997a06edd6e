package persist

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// PartLease is what a [Reader] has to read at one time, or in one step, divided into
// parts that other processes may fetch. Their objects are kept until Release, for as long
// as the reader is remembered.
type PartLease struct {
	// Tokens are the parts, in a form that [Fetcher.Fetch] reads in any process. They
	// contain rows where a part is small. There are none if there is nothing to read.
	Tokens [][]byte
	// Frontier is where what follows begins: all updates before it are in the parts, or
	// were in those of steps before.
	Frontier frontier.Antichain

	release func()
}

// Release says that all parts have been fetched, or are not going to be. It may be called
// more than once, by one task at a time.
func (l *PartLease) Release() {
	if l.release != nil {
		l.release()
		l.release = nil
	}
}

// SnapshotParts returns the contents as of a time as parts. The updates of all parts
// together, consolidated, are what [Reader.Snapshot] returns; it waits, and fails, like
// that one. The caller releases the lease.
func (r *Reader) SnapshotParts(ctx context.Context, asOf uint64) (*PartLease, error) {
	_, err := r.machine.latest(ctx)
	var s *state.State
	var release func()
	if err == nil {
		s, release, err = r.holdAt(ctx, asOf)
	}
	if err != nil {
		return nil, fmt.Errorf("persist: snapshot of %v as of %d: %w", r.Shard(), asOf, err)
	}
	lease := &PartLease{Frontier: after(asOf), release: release}
	token := r.token(s, state.SnapshotAsOf, asOf)
	for _, batch := range s.Batches().Shared() {
		if first, ok := batch.Desc.Lower.Time(); !ok || first > asOf {
			break
		}
		if err := lease.add(token, batch); err != nil {
			lease.Release()
			return nil, fmt.Errorf("persist: snapshot of %v as of %d: %w", r.Shard(), asOf, err)
		}
	}
	return lease, nil
}

// ListenParts returns the updates of one step from a time on, to the frontier of the
// lease, as parts: what [Reader.Listen] yields in a step. It waits until the upper is
// beyond that time. The since of the reader has to be before it, and stays where it is:
// the caller moves it, as a rule to just before the frontier that has been reached. The
// errors are those of [Reader.Snapshot]. The caller releases the lease.
func (r *Reader) ListenParts(ctx context.Context, from uint64) (*PartLease, error) {
	s, release, err := r.holdAt(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("persist: listen to %v from %d: %w", r.Shard(), from, err)
	}
	batch, _ := s.Batches().Covering(from)
	lease := &PartLease{Frontier: batch.Desc.Upper, release: release}
	if before := from - min(from, 1); !batch.Desc.Since.LessEqualTime(before) {
		err = &SinceError{AsOf: before, Since: batch.Desc.Since}
	} else {
		err = lease.add(r.token(s, state.ListenFrom, from), &batch)
	}
	if err != nil {
		lease.Release()
		return nil, fmt.Errorf("persist: listen to %v from %d: %w", r.Shard(), from, err)
	}
	return lease, nil
}

// token returns what is the same in all tokens of parts of a version.
func (r *Reader) token(s *state.State, how state.Reading, time uint64) state.PartToken {
	return state.PartToken{
		Shard: r.Shard(), Reader: r.id, SeqNo: s.SeqNo(), Reading: how, Time: time, As: r.schema,
		HasSchemas: s.Schemas().Len() > 0,
	}
}

// after returns where the times after one begin.
func after(time uint64) frontier.Antichain {
	if time == math.MaxUint64 {
		return frontier.Empty()
	}
	return frontier.At(time + 1)
}

// add adds the parts of a batch.
func (l *PartLease) add(token state.PartToken, batch *state.Batch) error {
	token.Desc = batch.Desc
	for _, run := range batch.Runs {
		token.Order, token.Schema, token.Run = run.Order, run.Schema, run.ID
		for _, p := range run.Parts {
			token.Part = p
			data, err := state.EncodePartToken(token)
			if err != nil {
				return err
			}
			l.Tokens = append(l.Tokens, data)
		}
	}
	return nil
}

// Fetcher fetches parts of one shard that a reader, in this process or another one, has
// leased. It has no capability, needs no connection to the reader, and makes nothing. It
// is safe for concurrent use.
type Fetcher struct {
	machine *machine
}

// NewFetcher returns a fetcher of the parts of a shard, without any operation of a store.
func (c *Client) NewFetcher(shard ShardID) *Fetcher { return &Fetcher{newMachine(c, shard)} }

// Fetch returns the updates of a part. Those of a snapshot have its time; together with
// those of the other parts they need not be consolidated. It costs one reading of an
// object, or none.
//
// The error is a [*CorruptionError] or a [*VersionError] if the token is none that this
// program reads, and a [*UsageError] if it is of another shard. If the object is not there
// it is a [*LeaseExpiredError], if the reader has been forgotten or has released the
// parts, and else wraps [ErrCorruption], as it does if the object is damaged.
func (f *Fetcher) Fetch(ctx context.Context, token []byte) ([]Update, error) {
	updates, err := f.fetch(ctx, token)
	if err != nil {
		return nil, fmt.Errorf("persist: fetch a part of %v: %w", f.machine.shard, err)
	}
	return updates, nil
}

func (f *Fetcher) fetch(ctx context.Context, data []byte) ([]Update, error) {
	token, err := state.DecodePartToken(data)
	if err != nil {
		return nil, err
	}
	if token.Shard != f.machine.shard {
		return nil, &UsageError{
			Kind: state.BatchNotFromThisShard, Details: fmt.Sprintf("%v, not %v", token.Shard, f.machine.shard),
		}
	}
	rows, err := f.conversion(ctx, token)
	if err != nil {
		return nil, err
	}
	s := &source{reading: reading{machine: f.machine, schema: token.As}, batch: &state.Batch{Desc: token.Desc}}
	if token.Reading == state.SnapshotAsOf {
		s.until, s.hasUntil = after(token.Time).Time()
	}
	var updates []Update
	pieces, err := s.open(ctx, token.Run, token.Part, rows, false)
	if err == nil {
		updates, err = part.Gather(ctx, pieces)
	}
	switch {
	case errors.Is(err, errPartMissing):
		return nil, f.explain(ctx, token, err)
	case err != nil:
		return nil, err
	case token.Reading == state.ListenFrom:
		return from(updates, token.Time), nil
	}
	for i := range updates {
		updates[i].Time = token.Time
	}
	return part.Consolidate(updates)
}

// conversion returns how the rows of a part are read. Schemas never change, so that the
// shard is looked at once, if at all.
func (f *Fetcher) conversion(ctx context.Context, token state.PartToken) (conversion, error) {
	if !token.HasSchemas {
		return conversion{}, nil
	}
	known := f.machine.state()
	if known.Schemas().Lookup(max(token.Schema, token.As)) == nil {
		var err error
		if known, err = f.machine.fetch(ctx); err != nil {
			return conversion{}, err
		}
		if known == nil {
			return conversion{}, fmt.Errorf("%w: the log of %v has vanished", ErrCorruption, f.machine.shard)
		}
		f.machine.install(known)
	}
	return f.machine.conversions.between(known, token.Schema, token.As)
}

// explain says what it means that an object is not there. A reader that holds the version
// of the token now has held it ever since: what is forgotten is never remembered again,
// and a hold never goes back.
func (f *Fetcher) explain(ctx context.Context, token state.PartToken, err error) error {
	s, fetchErr := f.machine.fetch(ctx)
	if fetchErr != nil {
		return fetchErr
	}
	if s != nil {
		reader, isRegistered := s.LeasedReaders().Get(token.Reader)
		if isRegistered && reader.Hold <= token.SeqNo {
			return fmt.Errorf("%w: %w", ErrCorruption, err)
		}
	}
	return &LeaseExpiredError{token.Reader}
}
