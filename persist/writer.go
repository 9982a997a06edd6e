package persist

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// Writer appends to a shard. Only one task at a time may use it; several writers
// of one shard, in any processes, may be used at the same time.
type Writer struct {
	view
	options  WriterOptions
	format   rowFormat
	appender *state.Appender
	upper    frontier.Antichain
}

// WriterOptions say what a writer is for.
type WriterOptions struct {
	// Purpose is for people.
	Purpose string
	// Schema says what the rows are: encodings of [relation.Schema.AppendRow]. The zero
	// Schema is that of rows without structure, in a shard that has no schema.
	Schema relation.Schema
}

// OpenWriter opens a shard for writing; the shard exists afterwards. Any number of writers
// may be open.
//
// A schema is registered if the shard has none, as [Shard.RegisterSchema] does it, with
// its errors; it may also be an older one than the latest. It is never added to others:
// that is [Shard.CompareAndEvolveSchema]. Apart from that opening writes nothing. Without
// a schema, a writer on a shard that has one can move the upper, but not write rows.
func (c *Client) OpenWriter(ctx context.Context, shard ShardID, options WriterOptions) (*Writer, error) {
	m, err := c.open(ctx, shard)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		view: view{m}, options: options, appender: state.NewAppender(WriterID(c.newID())), upper: m.state().Upper(),
	}
	if !options.Schema.Equal(relation.Schema{}) {
		id, err := m.registerSchema(ctx, options.Schema)
		if err != nil {
			return nil, fmt.Errorf("persist: open a writer of %v: %w", shard, err)
		}
		w.format = rowFormat{id, options.Schema}
	}
	return w, nil
}

// Shard returns the id of the shard.
func (w *Writer) Shard() ShardID { return w.machine.shard }

// Upper returns the upper that the writer's own operations have seen last.
func (w *Writer) Upper() frontier.Antichain { return w.upper }

// FetchRecentUpper is that of [Shard], and remembers it for Upper.
func (w *Writer) FetchRecentUpper(ctx context.Context) (frontier.Antichain, error) {
	upper, err := w.machine.fetchUpper(ctx)
	if err == nil {
		w.upper = upper
	}
	return upper, err
}

// CompareAndAppend adds the updates and moves the upper from expected to next in
// one step, if the upper is the expected one. The times of the updates have to
// be at or beyond expected and not at or beyond next, and their rows of the writer's
// schema; updates need not be consolidated, and are not kept.
//
// It returns nil when that has happened, durably; a [*UpperMismatchError] if it
// has not and never will; a [*UsageError] or [*TooLargeError] if it never can;
// and an [*UnknownOutcomeError] if nobody can tell, which also is what a context
// that ends in the middle leads to. Another error, of a context that ended before
// anything was sent ([ErrDeterminate]) or of damage ([ErrCorruption]), means that
// the updates have not been added. The writer can go on after any of them, except
// that damage is for good.
//
// Without updates and with expected equal to next it only makes sure that this
// is the upper.
func (w *Writer) CompareAndAppend(ctx context.Context, updates []Update, expected, next frontier.Antichain) error {
	for {
		batch, err := w.batch(ctx, updates, expected, next)
		if err == nil {
			err = w.append(ctx, []*Batch{batch}, expected, next)
			batch.discardUnused(ctx)
		}
		if !errors.Is(err, state.BatchTooOld) { // otherwise a sweep has overtaken it
			return w.wrap(err)
		}
	}
}

// Append is for writers that all produce the same data: it makes sure that the
// updates from lower to upper are there, whoever writes them. It fails with an
// [*UpperMismatchError] only if the upper is before lower. Other errors are those
// of CompareAndAppend; after an [*UnknownOutcomeError] it may simply be called
// again.
func (w *Writer) Append(ctx context.Context, updates []Update, lower, upper frontier.Antichain) error {
	for {
		batch, err := w.batch(ctx, updates, lower, upper)
		if err == nil {
			err = w.appendRest(ctx, batch)
			batch.discardUnused(ctx)
		}
		if !errors.Is(err, state.BatchTooOld) {
			return w.wrap(err)
		}
	}
}

// appendRest appends what is not there of a batch.
func (w *Writer) appendRest(ctx context.Context, batch *Batch) error {
	lower, upper := batch.Lower(), batch.Upper()
	expected := lower
	for {
		err := w.append(ctx, []*Batch{batch}, expected, upper)
		var mismatch *UpperMismatchError
		if !errors.As(err, &mismatch) {
			return err
		}
		switch current := mismatch.Current; {
		case upper.LessEqual(current):
			return nil // somebody has written all of it
		case !expected.LessThan(current):
			return &UpperMismatchError{Expected: lower, Current: current}
		default:
			expected = current // somebody has written a part of it
		}
	}
}

// AdvanceUpper moves the upper to target by an append without updates, if it is
// not there already.
func (w *Writer) AdvanceUpper(ctx context.Context, target frontier.Antichain) error {
	p := w.machine.client.newRetry()
	for {
		s, err := w.machine.intact()
		if err != nil {
			return w.wrap(err)
		}
		upper := s.Upper()
		if target.LessEqual(upper) {
			w.upper = upper
			return nil
		}
		err = w.append(ctx, nil, upper, target)
		var mismatch *UpperMismatchError
		var unknown *UnknownOutcomeError
		switch {
		case errors.As(err, &mismatch):
			continue // somebody else has moved it
		case !errors.As(err, &unknown) || p.wait(ctx) != nil:
			return w.wrap(err)
		}
	}
}

// Expire lets the shard forget the writer. It is a courtesy: what is not expired
// is forgotten when its lease runs out. The writer can be used afterwards.
func (w *Writer) Expire(ctx context.Context) error {
	_, _, err := apply(ctx, w.machine, state.ExpireWriter{ID: w.appender.Writer()}, nil)
	return w.wrap(err)
}

func (w *Writer) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("persist: append to %v: %w", w.machine.shard, err)
}

// batch writes updates to where an append can take them over.
func (w *Writer) batch(ctx context.Context, updates []Update, lower, upper frontier.Antichain) (*Batch, error) {
	b := &Batch{
		machine: w.machine, class: state.AppendedPart,
		draft: state.Draft{Shard: w.Shard(), Lower: lower, Upper: upper, IsSchemaless: w.format.isSchemaless()},
	}
	if err := b.draft.CheckTimes(updates); err != nil {
		return nil, err
	}
	if err := w.format.check(updates); err != nil {
		return nil, err
	}
	consolidated, err := part.Consolidate(updates)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	run, err := w.write(ctx, b.class, w.format, consolidated, w.machine.client.config().InlineSizeMax)
	if run.Length > 0 {
		b.draft.Runs = []state.Run{run}
	}
	return b, err
}

// write makes a run of consolidated updates. If there is an error nothing is left of
// it, as far as that is possible.
func (w *Writer) write(
	ctx context.Context, class state.PartClass, format rowFormat, consolidated []Update, inlineMax int,
) (run state.Run, err error) {
	p := &partWriter{
		machine: w.machine, writer: w.appender.Writer(), class: class, inlineMax: inlineMax, format: format,
		uploads: w.machine.client.newUploads(ctx),
	}
	for _, u := range consolidated {
		if err = p.add(ctx, u); err != nil {
			break
		}
	}
	if err == nil {
		run, err = p.finish(ctx)
	}
	if err == nil {
		err = p.uploads.finish(ctx)
	}
	if err != nil {
		p.uploads.stop()
		w.machine.discard(ctx, state.Run{Parts: p.parts})
		return state.Run{}, fmt.Errorf("%w: %w", ErrDeterminate, err) // nothing was appended
	}
	return run, nil
}

// append is one call with one token. It settles the batches, and replaces those of
// their runs that have to be objects.
func (w *Writer) append(ctx context.Context, batches []*Batch, expected, next frontier.Antichain) error {
	c := w.machine.client
	if w.appender.NeedsRotation() {
		if err := w.appender.Rotate(WriterID(c.newID())); err != nil {
			return err
		}
	}
	call, err := w.appender.Begin(state.CompareAndAppend{
		LeaseMS:  uint64(c.config().WriterLease.Milliseconds()),
		Debug:    state.Debug{Host: c.config().Hostname, Purpose: w.options.Purpose},
		Token:    state.IdempotencyToken(c.newID()),
		Expected: expected, New: next, Batches: drafts(batches),
		IsSchemaless: slices.ContainsFunc(batches, func(b *Batch) bool { return b.draft.IsSchemaless && b.Len() > 0 }),
	}, c.environment().NowMS)
	if err != nil {
		return err
	}
	err = w.run(ctx, call, batches)
	for _, b := range batches {
		b.settle(err)
	}
	var mismatch *UpperMismatchError
	switch {
	case err == nil:
		w.upper = next
	case errors.As(err, &mismatch):
		w.upper = mismatch.Current
	}
	return err
}

// makeRoom does what an append has to wait for, if the state cannot take it up as it
// is: it moves what is inlined into objects, which it returns, or waits for compactions.
func (w *Writer) makeRoom(
	ctx context.Context, call *state.AppendCall, batches []*Batch, outcome state.AppendOutcome, p *pause,
) (written []state.Run, err error) {
	if outcome == state.BatchesFull {
		if _, _, err := apply(ctx, w.machine, state.ClaimCompactions{}, nil); err != nil {
			return nil, err
		}
		return nil, w.machine.waitForRoom(ctx, p)
	}
	for _, b := range batches {
		more, err := w.makeObjects(ctx, b)
		written = append(written, more...)
		call.Command.Batches = drafts(batches) // as they are now, also if not all could be made objects
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// waitForRoom waits until compactions of this process have made room for another batch, or
// those of others may have.
func (m *machine) waitForRoom(ctx context.Context, p *pause) error {
	woken, cancel := m.client.rt.WithTimeout(ctx, p.draw())
	defer cancel()
	_, _, err := m.known.WaitFor(woken, func(k knowledge) bool {
		return k.broken != nil || k.state.Batches().Len() < m.client.config().BatchesMax
	})
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// run makes attempts until the call has an outcome.
func (w *Writer) run(ctx context.Context, call *state.AppendCall, batches []*Batch) error {
	m := w.machine
	p := m.client.newRetry()
	var unsent []state.Run // which no attempt had that may have been committed
	for {
		answer, a, err := try(ctx, m, call.Command)
		if err == nil && (answer.Outcome == state.InlineFull || answer.Outcome == state.BatchesFull) {
			var written []state.Run
			written, err = w.makeRoom(ctx, call, batches, answer.Outcome, p)
			unsent = append(unsent, written...)
			if err == nil {
				if err := call.GiveUp(m.client.environment().NowMS); err != nil {
					return err
				}
				continue
			}
			err, a.standing = notSent(ctx, err), state.Stale // by now there may be room anyway
		}
		switch {
		case err == nil && a.standing != state.Stale:
			err := call.Finish(answer)
			if err == nil && answer.Outcome == state.AlreadyAppended {
				m.discard(ctx, unsent...)
			}
			return err
		case err == nil, isFinal(err) && a.standing == state.Stale:
			current, refreshErr := m.isCurrent(ctx, a.state)
			switch {
			case refreshErr != nil:
				return abandon(ctx, call, false, notSent(ctx, refreshErr))
			case current && err == nil:
				return call.Finish(answer)
			case current:
				return abandon(ctx, call, false, err)
			}
			continue
		case isFinal(err), ctx.Err() != nil && errors.Is(err, ErrDeterminate):
			return abandon(ctx, call, false, err)
		case ctx.Err() != nil:
			return abandon(ctx, call, true, err)
		}
		call.Indeterminate()
		unsent = nil
		if err := call.GiveUp(m.client.environment().NowMS); err != nil {
			return err
		}
		if err := p.wait(ctx); err != nil {
			return abandon(ctx, call, false, err)
		}
		if err := m.refresh(ctx, a.state.SeqNo()); err != nil {
			return abandon(ctx, call, false, err)
		}
	}
}

// notSent returns the error of what comes before an attempt: if that has ended with the
// context, whatever became of it, the attempt has not been made.
func notSent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrDeterminate, ctx.Err())
	}
	return err
}

// abandon ends a call because of an error. That the last attempt had no effect
// says nothing about those before it: if one of them is unclear, the error must
// not be taken for one of a call that had none.
func abandon(ctx context.Context, call *state.AppendCall, isInFlight bool, cause error) error {
	unknown := call.Abandon(isInFlight)
	switch {
	case unknown == nil:
		return cause
	case !errors.Is(cause, ErrDeterminate) && !errors.Is(cause, ErrUsage):
		return fmt.Errorf("%w: %w", unknown, cause)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", unknown, ctx.Err())
	default:
		return unknown
	}
}
