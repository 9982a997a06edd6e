package persist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/relation"
	"github.com/tidemarkdb/tidemark/runtime"
)

// SinceError says that a shard can no longer be read as of a time.
type SinceError struct {
	// AsOf is the time that was asked for, Since from when on the shard can be
	// read.
	AsOf  uint64
	Since frontier.Antichain
}

// Error implements error.
func (e *SinceError) Error() string {
	return fmt.Sprintf("persist: as of %d is before the since %v", e.AsOf, e.Since)
}

// Is reports that the error is one of usage.
func (e *SinceError) Is(target error) bool { return target == ErrUsage }

// LeaseExpiredError says that a reader was forgotten, because it gave no sign of
// life for longer than its lease. It reads nothing any more; another one may be
// opened. A [Fetcher] also says so if the reader has released what it asks for.
type LeaseExpiredError struct {
	Reader LeasedReaderID
}

// Error implements error.
func (e *LeaseExpiredError) Error() string {
	return fmt.Sprintf("persist: the lease of %v has run out", e.Reader)
}

// Reader is a capability to read a shard that lasts as long as its lease, which it
// renews in the background: nothing that can be read from its since on is given
// up, and no object is deleted that it still needs. It is safe for concurrent use.
//
// A process that was paused for longer than the lease has lost the capability.
// Whatever its reader returns afterwards is right all the same, or an error.
type Reader struct {
	view
	id    LeasedReaderID
	lease time.Duration
	// schema is that of the rows that are returned.
	schema SchemaID
	stop   context.CancelFunc
	// beating is of one: who renews the lease. It keeps the versions held from
	// being told out of order.
	beating *runtime.Semaphore

	mu *runtime.Mutex // guards what follows
	// since is what is stored, wished what is to be stored next time. A reader that
	// holds objects only has {} as both.
	since, wished frontier.Antichain
	holds         holds
	renewed       time.Time // when the latest attempt to renew that succeeded was begun
	isExpired     bool
}

// ReaderOptions say what a reader is for.
type ReaderOptions struct {
	// Purpose is for people.
	Purpose string
	// IsAtCriticalSince lets the reader begin where the critical capabilities are,
	// which may be ahead of the since of the shard: so that readers which come and
	// go, each beginning where the one before it did, do not hold the since back.
	IsAtCriticalSince bool
	// HoldsObjectsOnly keeps objects from being deleted, but not the since from
	// advancing. It is for owners of a critical capability, who take care of that
	// themselves.
	HoldsObjectsOnly bool
	// Schema says as rows of which schema all rows are read, one of those that are
	// registered. The zero Schema stands for the newest one at the moment of opening; in a
	// shard that has none, for the first that it will have, and rows without one are
	// read as they are.
	Schema relation.Schema
}

// OpenReader opens a shard for reading; the shard exists afterwards. Close gives
// the capability back. The error is a [*SchemaMismatchError] or [*SchemalessError] if the
// schema that the options ask for is not registered.
//
// All rows are read as those of one schema, whichever they were written under. Columns
// that were added later are null in rows written before. Columns that the reader's
// schema does not have are left out of rows written under a newer one: rows that differ
// in nothing else are then the same row. If it is not the last columns that are left out,
// each part is merged beside the others of its run, so that a read takes the memory of all
// parts of newer schemas. A read fails, with an error that wraps [ErrUsage], if a row has
// null where only newer schemas allow it.
func (c *Client) OpenReader(ctx context.Context, shard ShardID, options ReaderOptions) (*Reader, error) {
	m, err := c.open(ctx, shard)
	if err != nil {
		return nil, err
	}
	r := &Reader{
		view: view{m}, id: LeasedReaderID(c.newID()), lease: c.config().ReaderLease,
		beating: c.rt.NewSemaphore(1), mu: c.rt.NewMutex(), renewed: c.rt.Now(),
	}
	registered, latest, err := apply(ctx, m, state.RegisterLeasedReader{
		ID: r.id, LeaseMS: uint64(r.lease.Milliseconds()), IsAtCriticalSince: options.IsAtCriticalSince,
		HoldsObjectsOnly: options.HoldsObjectsOnly,
		Debug:            state.Debug{Host: c.config().Hostname, Purpose: options.Purpose},
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("persist: register a reader of %v: %w", shard, err)
	}
	if r.schema, err = m.readSchema(latest, options.Schema); err != nil {
		_, _, expireErr := apply(ctx, m, state.ExpireLeasedReader{ID: r.id}, nil)
		return nil, errors.Join(fmt.Errorf("persist: open a reader of %v: %w", shard, err), expireErr)
	}
	r.since, r.wished = registered.Since, registered.Since
	if r.stop, err = c.background("heartbeat", r.beat); err != nil {
		return nil, err
	}
	return r, nil
}

// Shard returns the id of the shard.
func (r *Reader) Shard() ShardID { return r.machine.shard }

// Schema returns the schema of the rows that the reader returns. It is the zero Schema
// as long as the shard has none.
func (r *Reader) Schema() (relation.Schema, error) {
	format, err := formatOf(r.machine.state(), r.schema)
	return format.schema, err
}

// ID returns the id of the capability.
func (r *Reader) ID() LeasedReaderID { return r.id }

// Since returns from when on the reader can read, as of its last sign of life.
func (r *Reader) Since() frontier.Antichain {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.since
}

// Downgrade gives up what is before a since. The wish is remembered at once and
// becomes durable with the next sign of life, which comes within a quarter of the
// lease; that costs nothing however often it is called. [Reader.Renew] makes it
// durable now.
func (r *Reader) Downgrade(since frontier.Antichain) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wished = r.wished.Join(since)
}

// Renew gives a sign of life, and makes durable what Downgrade has wished. The
// error is a [*LeaseExpiredError] if the reader has been forgotten.
func (r *Reader) Renew(ctx context.Context) error {
	if err := r.beating.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.beating.Release(1)
	begun := r.machine.client.rt.Now()
	r.mu.Lock()
	command := state.DowngradeLeasedReader{ID: r.id, Since: r.wished, Hold: r.holds.least(r.machine.state().SeqNo())}
	isExpired := r.isExpired
	r.mu.Unlock()
	if isExpired {
		return &LeaseExpiredError{r.id}
	}
	answer, _, err := apply(ctx, r.machine, command, nil)
	if err != nil {
		return fmt.Errorf("persist: renew %v of %v: %w", r.id, r.Shard(), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !answer.IsRegistered {
		r.isExpired, r.since = true, frontier.Empty()
		return &LeaseExpiredError{r.id}
	}
	r.since, r.renewed = answer.Since, begun
	return nil
}

// beat renews the lease at intervals, until the reader is closed or forgotten.
func (r *Reader) beat(ctx context.Context) {
	rt := r.machine.client.rt
	for rt.Sleep(ctx, r.lease/4) == nil {
		err := r.Renew(ctx)
		var expired *LeaseExpiredError
		if errors.As(err, &expired) {
			return
		}
		if err != nil && ctx.Err() == nil {
			rt.Logger().WarnContext(ctx, "lease not renewed", "shard", r.Shard(), "reader", r.id, "error", err)
		}
	}
}

// Close gives the capability back. It is a courtesy: what is not closed is
// forgotten when its lease runs out. The reader must not be used afterwards.
func (r *Reader) Close(ctx context.Context) error {
	r.stop()
	r.mu.Lock()
	r.isExpired = true
	r.mu.Unlock()
	if _, _, err := apply(ctx, r.machine, state.ExpireLeasedReader{ID: r.id}, nil); err != nil {
		return fmt.Errorf("persist: close %v of %v: %w", r.id, r.Shard(), err)
	}
	return nil
}

// hold keeps the objects of the newest version seen from being deleted until
// release is called. It looks at the version and takes note of it in one step, so
// that no sign of life in between can give it up.
func (r *Reader) hold() (s *state.State, release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isExpired {
		return nil, nil, &LeaseExpiredError{r.id}
	}
	s, err = r.machine.intact()
	if err != nil {
		return nil, nil, err
	}
	n := s.SeqNo()
	r.holds.add(n)
	return s, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.holds.remove(n)
	}, nil
}

// stayAlive renews the lease if it has run out, or may have without having been noticed,
// because the process stood still.
func (r *Reader) stayAlive(ctx context.Context) error {
	r.mu.Lock()
	isLate := r.machine.client.rt.Now().Sub(r.renewed) >= r.lease
	r.mu.Unlock()
	if isLate || r.isForgotten(r.machine.state()) {
		return r.Renew(ctx)
	}
	return nil
}

// isForgotten reports whether a version has the reader no more. It has to be one that this
// process has seen since it registered the reader. A tombstone never has any, and tells by
// its since that nothing can be read.
func (r *Reader) isForgotten(s *state.State) bool {
	return !s.IsTombstone() && s.LeasedReaders().Lookup(r.id) == nil
}

// holds is a multiset of versions, in ascending order.
type holds []SeqNo

func (h *holds) add(n SeqNo) {
	place := len(*h)
	for place > 0 && (*h)[place-1] > n {
		place--
	}
	*h = append(*h, 0)
	copy((*h)[place+1:], (*h)[place:])
	(*h)[place] = n
}

func (h *holds) remove(n SeqNo) {
	for i, held := range *h {
		if held == n {
			*h = append((*h)[:i], (*h)[i+1:]...)
			return
		}
	}
}

// least returns the earliest version held, and current if there is none.
func (h *holds) least(current SeqNo) SeqNo {
	if len(*h) == 0 {
		return current
	}
	return min((*h)[0], current)
}
