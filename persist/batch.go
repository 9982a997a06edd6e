package persist

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Batch is a set of updates that has been written and is yet to be appended, by
// [Writer.CompareAndAppendBatches]. Somebody owns it, and has to append it, to hand it
// over, or to discard it: objects of a batch that is lost stay until a sweep, and those
// of a staged one for good. Only one task at a time may use it.
type Batch struct {
	machine *machine
	class   state.PartClass
	draft   state.Draft
	// gone says why the batch is not ours any more, nil if it is. Some of its objects may
	// still have to be deleted, if isDiscarding.
	gone         error
	isDiscarding bool
}

// Shard returns the id of the shard that the batch is for.
func (b *Batch) Shard() ShardID { return b.draft.Shard }

// Lower and Upper return the bounds of the batch: it has all updates that there are at
// times from Lower on and before Upper, and no others.
func (b *Batch) Lower() frontier.Antichain { return b.draft.Lower }

// Upper is described at Lower.
func (b *Batch) Upper() frontier.Antichain { return b.draft.Upper }

// Len returns how many updates the batch has. Consolidated with each other they may be
// fewer.
func (b *Batch) Len() int { return int(b.draft.Length()) }

// Runs returns of how many runs the batch is, each of which is sorted in itself.
func (b *Batch) Runs() int { return len(b.draft.Runs) }

// RewriteTimes has all updates read at to if their time is before it, and makes upper
// that of the batch. It writes nothing. From then on the batch can only be appended with
// exactly that upper, and with an expected upper that is not beyond to. It may be
// repeated. The error wraps [ErrUsage], and nothing has changed: to is not before upper or
// is before that of an earlier call, or upper is before that of the batch.
//
// So a batch can be built before anybody knows at which time it will be committed.
func (b *Batch) RewriteTimes(to, upper frontier.Antichain) error {
	if b.gone != nil {
		return b.wrap("rewrite", b.gone)
	}
	rewritten, err := b.draft.Rewritten(to, upper)
	if err != nil {
		return b.wrap("rewrite", err)
	}
	b.draft = rewritten
	return nil
}

// Marshal returns the batch in a form that [Writer.UnmarshalBatch] reads, in any process,
// and gives it out of the hands of this one: whoever has the bytes owns the batch. They
// are to be unmarshalled once; two owners would append it twice, or delete what the other
// has appended. If there is an error the batch stays where it is.
//
// The bytes contain rows if the batch is small.
func (b *Batch) Marshal() ([]byte, error) {
	if b.gone != nil {
		return nil, b.wrap("marshal", b.gone)
	}
	data, err := state.EncodeDraft(b.draft)
	if err != nil {
		return nil, b.wrap("marshal", fmt.Errorf("%w: %w", ErrUsage, err))
	}
	b.MarkConsumed()
	return data, nil
}

// UnmarshalBatch returns the batch that [Batch.Marshal] returned as data, which it does
// not keep. Its error is a [*CorruptionError] if the bytes are damaged or of another
// kind, a [*VersionError] if a newer program has made them, and a [*UsageError] if the
// batch is of another shard; damage of such bytes has no consequences for the shard.
func (w *Writer) UnmarshalBatch(data []byte) (*Batch, error) {
	draft, err := state.DecodeDraft(data)
	if err == nil && draft.Shard != w.Shard() {
		err = &UsageError{Kind: state.BatchNotFromThisShard, Details: fmt.Sprintf("%v, not %v", draft.Shard, w.Shard())}
	}
	if err != nil {
		return nil, fmt.Errorf("persist: unmarshal a batch of %v: %w", w.Shard(), err)
	}
	b := &Batch{machine: w.machine, class: state.AppendedPart, draft: draft}
	if draft.IsStaged {
		b.class = state.StagedPart
	}
	return b, nil
}

// CompareAndAppendBatches is CompareAndAppend with updates that have been written
// already. All batches are appended in one step; each of them covers the interval from
// expected to next, and what it has outside is left out.
//
// If it returns nil the batches are gone: they are in the shard. After an
// [*UnknownOutcomeError] they are gone as well, and nobody may delete them. After any
// other error they still belong to the caller, to be appended otherwise or discarded;
// if it wraps [ErrBatchTooOld] a sweep has overtaken a batch that is not staged, and its
// updates have to be written again.
func (w *Writer) CompareAndAppendBatches(
	ctx context.Context, batches []*Batch, expected, next frontier.Antichain,
) error {
	seen := make(map[state.PartKey]bool)
	for i, b := range batches {
		isTwice := slices.Contains(batches[:i], b)
		for _, key := range b.draft.PartKeys() {
			isTwice = isTwice || seen[key]
			seen[key] = true
		}
		switch {
		case b.gone != nil:
			return w.wrap(b.gone)
		case isTwice:
			return w.wrap(&UsageError{Kind: state.InvalidBatch, Details: "a batch is there twice"})
		}
	}
	return w.wrap(w.append(ctx, batches, expected, next))
}

// MarkConsumed says that the batch is in other hands: it can be neither appended nor
// discarded any more.
func (b *Batch) MarkConsumed() {
	if b.gone == nil {
		b.gone = &UsageError{Kind: state.BatchGone, Details: "it has been handed over"}
	}
}

// Discard deletes the objects of the batch, which is gone after that. If it was appended,
// handed over or discarded before, or went into an append of unknown outcome, nothing
// happens and the error wraps [ErrUsage]. After any other error the batch is gone as well,
// and Discard may be called again for what is left of it.
func (b *Batch) Discard(ctx context.Context) error {
	if b.gone != nil && !b.isDiscarding {
		return b.wrap("discard", b.gone)
	}
	b.gone, b.isDiscarding = &UsageError{Kind: state.BatchGone, Details: "it has been discarded"}, true
	if err := b.machine.deleteParts(ctx, b.draft.PartKeys()); err != nil {
		return b.wrap("discard", err)
	}
	b.isDiscarding = false
	return nil
}

// settle notes what an append with the batch came to. Of an unknown outcome nobody knows
// whether the shard refers to the objects, or is going to.
func (b *Batch) settle(err error) {
	switch {
	case b.gone != nil:
	case err == nil:
		b.gone = &UsageError{Kind: state.BatchGone, Details: "it has been appended"}
	case errors.Is(err, ErrIndeterminate):
		b.gone = &UsageError{Kind: state.BatchGone, Details: "it may have been appended"}
	}
}

// discardUnused deletes what was written for an append that has not happened and never
// will.
func (b *Batch) discardUnused(ctx context.Context) {
	if b.gone == nil {
		b.machine.discard(ctx, b.draft.Runs...)
	}
}

func drafts(batches []*Batch) []state.Draft {
	all := make([]state.Draft, len(batches))
	for i, b := range batches {
		all[i] = b.draft
	}
	return all
}

// makeObjects writes what is inlined of a batch to objects, which are the batch's as soon
// as they may be there. It returns those.
func (w *Writer) makeObjects(ctx context.Context, b *Batch) (made []state.Run, err error) {
	runs := slices.Clone(b.draft.Runs) // an attempt of which nobody knows has the others
	for i, run := range runs {
		if len(run.Parts) != 1 || !run.Parts[0].IsInline() {
			continue
		}
		updates, err := w.machine.inlineUpdates(ctx, run.ID, run.Parts[0])
		if err != nil {
			return made, err
		}
		var format rowFormat // none, whatever has been registered since
		if !b.draft.IsSchemaless {
			if format, err = formatOf(w.machine.state(), run.Schema); err != nil {
				return made, err
			}
		}
		written, err := w.write(ctx, b.class, format, updates, 0)
		if err != nil {
			return made, err
		}
		if written.Parts[0].IsInline() {
			return made, errNoObjects
		}
		for j := range written.Parts {
			written.Parts[j].Rewrite = run.Parts[0].Rewrite
		}
		runs[i], made = written, append(made, written)
		b.draft.Runs = runs
	}
	return made, nil
}

func (b *Batch) wrap(what string, err error) error {
	return fmt.Errorf("persist: %s a batch of %v: %w", what, b.draft.Shard, err)
}
