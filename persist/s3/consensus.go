package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// Consensus implements [persist.Consensus] on a [Store]. The protocol is that of package head,
// whose calls say what to ask the store next.
type Consensus struct {
	store *Store
}

var _ persist.Consensus = (*Consensus)(nil)

func (c *Consensus) folder() string { return c.store.prefix + headsName }

// Head implements [persist.Consensus].
func (c *Consensus) Head(ctx context.Context, key string) (newest persist.Versioned, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return persist.Versioned{}, false, err
	}
	if checkKey(c.folder(), key) != nil {
		return persist.Versioned{}, false, nil
	}
	snapshot, err := c.look(ctx, key)
	if err != nil {
		return persist.Versioned{}, false, fmt.Errorf("s3: head of %s: %w", key, err)
	}
	if snapshot == nil {
		return persist.Versioned{}, false, nil
	}
	return versioned(snapshot.Object.Newest()), true, nil
}

// CompareAndSet implements [persist.Consensus].
func (c *Consensus) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (committed bool, err error) {
	err = checkKey(c.folder(), key)
	switch {
	case err != nil:
	case next.SeqNo != expected+1 || next.SeqNo > persist.SeqNoMax:
		err = fmt.Errorf("from %v to %v: %w", expected, next.SeqNo, persist.ErrUsage)
	case len(next.Data) > head.VersionBytesMax:
		err = &persist.TooLargeError{Size: len(next.Data), SizeMax: head.VersionBytesMax}
	default:
		err = c.store.beginToChange(ctx)
	}
	if err == nil {
		committed, err = c.commit(ctx, key, expected, bytes.Clone(next.Data))
	}
	if err != nil {
		return false, fmt.Errorf("s3: compare-and-set %s at %v: %w", key, expected, err)
	}
	return committed, nil
}

// commit appends a version. If the head is full, as it is when nothing could be spilled for a
// long time, it makes room and tries again.
func (c *Consensus) commit(ctx context.Context, key string, expected persist.SeqNo, data []byte) (bool, error) {
	begin, pause := c.store.rt.Now(), c.store.retries.newPause()
	for {
		known := c.store.heads.get(key)
		if known == nil && expected == 0 {
			if err := c.checkStore(ctx); err != nil {
				return false, err
			}
		}
		call, err := head.NewCommit(key, c.store.ids.draw(), known, expected, data)
		if err != nil {
			return false, determinate(err)
		}
		c.drive(ctx, key, call)
		c.store.heads.put(key, call.Head())
		switch call.Outcome() {
		case head.Committed:
			c.store.heads.won(key)
			c.spill(ctx, key, call.Head())
		case head.Mismatched:
			c.giveWay(ctx, key, c.store.rt.Since(begin))
		}
		if !errors.Is(call.Err(), head.ErrFull) || c.store.rt.Since(begin) > c.store.limits.Operation {
			return call.Outcome() == head.Committed, outcomeError(call)
		}
		c.spill(ctx, key, known)
		if err := c.store.rt.Sleep(ctx, pause.draw()); err != nil {
			return false, determinate(err)
		}
	}
}

// giveWay lets whoever was first go on for a while, before the caller looks at what is there and
// tries again: longer the more often in a row this process has lost, and in terms of how
// long it takes to lose; not at all after the first time. Where several write as fast as they
// can most of their requests would otherwise be in vain, and slow down the ones that are not.
func (c *Consensus) giveWay(ctx context.Context, key string, took time.Duration) {
	lost := c.store.heads.lost(key)
	if lost == 0 {
		return
	}
	pause := c.store.retries.newPause()
	pause.next = min(took<<min(lost-1, giveWayDoublings), giveWayMax)
	_ = c.store.rt.Sleep(ctx, pause.draw()) // that ctx has ended changes nothing about the answer
}

// How far a process gives way to others.
const (
	giveWayDoublings = 4
	giveWayMax       = time.Second
)

// checkStore makes sure that a key that seems to be new is not one that was lost with all
// the others: that the store is still there.
func (c *Consensus) checkStore(ctx context.Context) error {
	location, found, err := c.store.readFormat(ctx)
	switch {
	case err != nil:
		return determinate(err)
	case !found:
		return &persist.CorruptionError{What: formatName, Reason: "is gone"}
	case location != c.store.location:
		return &persist.CorruptionError{What: formatName, Reason: "is that of another store"}
	}
	return nil
}

// spill moves older versions into a segment, if it is time for that. That it fails does not
// matter: a later commit does it.
func (c *Consensus) spill(ctx context.Context, key string, known *head.Snapshot) {
	budget := head.DefaultBudget()
	if !budget.IsExceeded(known.Object) || !c.store.heads.beginSpill(key) {
		return
	}
	defer c.store.heads.endSpill(key)
	call := head.NewSpill(key, c.store.ids.draw(), known, budget)
	c.drive(ctx, key, call)
	c.store.heads.put(key, call.Head())
	if err := call.Err(); err != nil {
		c.store.rt.Logger().Info("s3: older versions stay in the head for now", "key", key, "error", err.Error())
	}
}

// Scan implements [persist.Consensus]. It reads the head and, at the same time, those segments
// that have some of the versions.
func (c *Consensus) Scan(
	ctx context.Context, key string, from persist.SeqNo, limit int,
) (found []persist.Versioned, err error) {
	if limit < 1 {
		return nil, fmt.Errorf("s3: scan %s with a limit of %d: %w", key, limit, persist.ErrUsage)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if checkKey(c.folder(), key) != nil {
		return nil, nil
	}
	entries, err := c.scan(ctx, key, from, limit)
	if err != nil {
		return nil, fmt.Errorf("s3: scan %s from %v: %w", key, from, err)
	}
	for _, entry := range entries {
		found = append(found, versioned(entry))
	}
	return found, nil
}

func (c *Consensus) scan(ctx context.Context, key string, from persist.SeqNo, limit int) ([]head.Entry, error) {
	snapshot, err := c.look(ctx, key)
	if err != nil || snapshot == nil {
		return nil, err
	}
	if plan := snapshot.Object.Plan(from, limit); len(plan.Links) == 0 {
		return plan.Inline, nil
	}
	body, err := head.Encode(key, snapshot.Object)
	if err != nil {
		return nil, err
	}
	call, err := head.NewScan(key, from, limit)
	if err != nil {
		return nil, err
	}
	call.Answer(head.Found{Tag: snapshot.Tag, Body: body})
	c.drive(ctx, key, call)
	return call.Entries(), call.Err()
}

// Truncate implements [persist.Consensus].
func (c *Consensus) Truncate(ctx context.Context, key string, before persist.SeqNo) (deleted int, err error) {
	if err = checkKey(c.folder(), key); err == nil {
		err = c.store.beginToChange(ctx)
	}
	if err == nil {
		call := head.NewTruncate(key, c.store.ids.draw(), c.store.heads.get(key), before)
		c.drive(ctx, key, call)
		c.store.heads.put(key, call.Head())
		deleted, err = call.Removed(), outcomeError(call)
	}
	if err != nil {
		return 0, fmt.Errorf("s3: truncate %s before %v: %w", key, before, err)
	}
	return deleted, nil
}

// Sweep deletes the segments of a key that calls have left behind which crashed or were given
// up, and returns how many there were. Whatever happens at the same time is safe. It costs a
// listing, so it is for administration.
func (c *Consensus) Sweep(ctx context.Context, key string) (removed int, err error) {
	if err = checkKey(c.folder(), key); err == nil {
		err = c.store.beginToChange(ctx)
	}
	if err == nil {
		call := head.NewSweep(key, c.store.ids.draw())
		c.drive(ctx, key, call)
		c.store.heads.put(key, call.Head())
		removed, err = len(call.Removed()), outcomeError(call)
	}
	if err != nil {
		return 0, fmt.Errorf("s3: sweep %s: %w", key, err)
	}
	return removed, nil
}

// ListKeys implements [persist.Consensus]. It reads 1,000 keys at a time.
func (c *Consensus) ListKeys(ctx context.Context, visit func(key string) error) error {
	var stop error
	err := c.store.walk(ctx, c.folder(), func(name string, _ int64) error {
		if key, ok := keyOf(name, c.folder()); ok {
			stop = visit(key)
		}
		return stop
	})
	if stop != nil {
		return stop
	}
	if err != nil {
		return fmt.Errorf("s3: list keys: %w", err)
	}
	return nil
}

// versioned returns a version that belongs to the caller.
func versioned(entry head.Entry) persist.Versioned {
	return persist.Versioned{SeqNo: entry.SeqNo, Data: append([]byte{}, entry.Data...)}
}

// outcomeError returns the error of a call that has not ended well.
func outcomeError(call interface {
	Outcome() head.Outcome
	Err() error
}) error {
	switch err := call.Err(); call.Outcome() {
	case head.Committed, head.Unneeded, head.Mismatched:
		return nil
	case head.Indeterminate:
		return &IndeterminateError{Cause: err}
	case head.Failed:
		if errors.Is(err, head.ErrAbsent) {
			err = fmt.Errorf("%w: %w", persist.ErrUsage, err)
		}
		return determinate(err)
	default:
		return err
	}
}
