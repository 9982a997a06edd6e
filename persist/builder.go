package persist

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// BatchBuilder makes a [Batch] of updates that come one after another, in any order, in
// bounded memory: one part that it fills, [Config].UploadsMax on their way to the store,
// and [Config].RunsMax while it merges what it has written. Only one task at a time may
// use it; any number of builders may be open.
type BatchBuilder struct {
	machine *machine
	config  *Config
	format  rowFormat
	writer  WriterID
	class   state.PartClass
	lower   frontier.Antichain
	uploads *uploads

	buffer []Update
	size   int    // of the buffer in bytes
	full   int    // from how many bytes on the buffer is made a part
	latest uint64 // of all times, if isBegun
	// isBegun says that there was an update.
	isBegun bool
	runs    []builtRun // the later, the smaller
	// ended is why nothing can be added any more.
	ended error
}

// builtRun is a run of a batch that is being built.
type builtRun struct {
	state.Run
	level int    // how often its updates have been merged
	last  Update // what comes after it in order may be put behind it
}

// BatchOptions say what is special about a batch.
type BatchOptions struct {
	// IsStaged is for batches that wait to be appended for longer than a sweep of the
	// shard has patience with: because they are part of a transaction, say. Sweeps leave
	// their objects alone, and an append takes them however old they are. The price is
	// that the objects stay for good if the batch is lost.
	IsStaged bool
}

// NewBatch begins a batch with updates at or beyond lower. Objects are written in the
// background under ctx; if that ends the builder fails. [BatchBuilder.Finish] or
// [BatchBuilder.Discard] has to follow.
func (w *Writer) NewBatch(ctx context.Context, lower frontier.Antichain, options BatchOptions) *BatchBuilder {
	b := &BatchBuilder{
		machine: w.machine, config: w.machine.client.config(), format: w.format, writer: w.appender.Writer(),
		class: state.AppendedPart,
		lower: lower, uploads: w.machine.client.newUploads(ctx),
	}
	b.full = b.config.PartSize
	if options.IsStaged {
		b.class = state.StagedPart
	}
	return b
}

// Add adds an update, whose row it copies. It waits while too much is on its way to the
// store. If the time is before the lower of the batch, or the row is none of the writer's
// schema, the error is a [*UsageError] and the builder is as it was. After any other error,
// which may be that diffs add up to more than there is room for, or updates in a format
// without objects, it has failed, and deletes what it wrote; if that is because ctx has ended
// it is left to [BatchBuilder.Discard]. Nothing of it was appended.
func (b *BatchBuilder) Add(ctx context.Context, row []byte, time uint64, diff int64) error {
	if b.ended != nil {
		return b.wrap(b.ended)
	}
	if !b.lower.LessEqualTime(time) {
		return b.wrap(&UsageError{
			Kind: state.UpdateNotBeyondLower, Details: fmt.Sprintf("time %d, lower %v", time, b.lower),
		})
	}
	update := Update{Row: bytes.Clone(row), Time: time, Diff: diff}
	if err := b.format.check([]Update{update}); err != nil {
		return b.wrap(err)
	}
	b.buffer = append(b.buffer, update)
	b.size += len(row) + updateSize
	b.latest, b.isBegun = max(b.latest, time), true
	if b.size < b.full {
		return nil
	}
	if err := b.flush(ctx); err != nil {
		return b.fail(ctx, err)
	}
	return nil
}

// Finish returns the batch of all updates, once its objects are there. Few updates need
// no object. If upper is before the lower of the batch, or not beyond all times, the error
// is a [*UsageError] and the builder is as it was. After any other it has failed, as after
// one of Add; an [ErrBatchTooOld] is among those.
func (b *BatchBuilder) Finish(ctx context.Context, upper frontier.Antichain) (*Batch, error) {
	switch {
	case b.ended != nil:
		return nil, b.wrap(b.ended)
	case !b.lower.LessEqual(upper):
		return nil, b.wrap(&UsageError{
			Kind: state.InvalidBounds, Details: fmt.Sprintf("%v is beyond %v", b.lower, upper),
		})
	case b.isBegun && upper.LessEqualTime(b.latest):
		return nil, b.wrap(&UsageError{
			Kind: state.UpdateBeyondUpper, Details: fmt.Sprintf("time %d, upper %v", b.latest, upper),
		})
	}
	if err := b.finish(ctx); err != nil {
		return nil, b.fail(ctx, err)
	}
	draft := state.Draft{
		Shard: b.machine.shard, Lower: b.lower, Upper: upper, IsSchemaless: b.format.isSchemaless(),
		IsStaged: b.class == state.StagedPart,
	}
	for _, run := range b.runs {
		draft.Runs = append(draft.Runs, run.Run)
	}
	b.runs, b.ended = nil, &UsageError{Kind: state.BatchGone, Details: "it has been finished"}
	return &Batch{machine: b.machine, class: b.class, draft: draft}, nil
}

// Discard gives up what has been built, and deletes its objects. What is left because ctx
// has ended it deletes when it is called again; otherwise it stays until a sweep, and that
// of a staged batch for good. After Finish it does nothing.
func (b *BatchBuilder) Discard(ctx context.Context) {
	if b.ended == nil {
		b.ended = &UsageError{Kind: state.BatchGone, Details: "it has been discarded"}
	}
	b.uploads.stop()
	b.discardRuns(ctx)
}

// fail ends the builder with an error.
func (b *BatchBuilder) fail(ctx context.Context, err error) error {
	b.ended = fmt.Errorf("%w: %w", ErrDeterminate, err) // nothing was appended
	b.uploads.stop()
	if ctx.Err() == nil { // otherwise Discard may do it
		b.discardRuns(ctx)
	}
	return b.wrap(b.ended)
}

func (b *BatchBuilder) discardRuns(ctx context.Context) {
	b.buffer = nil
	var all []state.Run
	for _, run := range b.runs {
		all = append(all, run.Run)
	}
	if b.machine.discard(ctx, all...) {
		b.runs = nil
	}
}

func (b *BatchBuilder) wrap(err error) error {
	return fmt.Errorf("persist: build a batch of %v: %w", b.machine.shard, err)
}

// newPartWriter returns what writes a run.
func (b *BatchBuilder) newPartWriter(inlineMax int) *partWriter {
	return &partWriter{
		machine: b.machine, writer: b.writer, class: b.class, inlineMax: inlineMax, format: b.format, uploads: b.uploads,
	}
}

// consolidate brings the buffer into order, which may leave less of it.
func (b *BatchBuilder) consolidate() error {
	consolidated, err := part.Consolidate(b.buffer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	b.buffer, b.size = consolidated, 0
	for _, u := range consolidated {
		b.size += len(u.Row) + updateSize
	}
	return nil
}

// flush makes the full buffer a part, unless most of it has cancelled out.
func (b *BatchBuilder) flush(ctx context.Context) error {
	if err := b.consolidate(); err != nil || b.size <= b.config.PartSize/2 {
		return err
	}
	if !b.machine.hasObjects() {
		if isKept, err := b.keep(ctx); err != nil || isKept {
			return err
		}
	}
	w := b.newPartWriter(0)
	w.buffer, w.size = b.buffer, b.size
	err := w.flush(ctx)
	return b.take(ctx, w, err)
}

// keep leaves the full buffer where it is, for a shard whose format has no objects, as long
// as there can be room for it in the metadata. Others may have upgraded the shard.
func (b *BatchBuilder) keep(ctx context.Context) (isKept bool, err error) {
	const shareMin = 4 // no update takes less there than a quarter of what it takes here
	if b.size <= shareMin*b.machine.client.config().InlineTotalMax {
		b.full = max(b.full, 2*b.size)
		return true, nil
	}
	if _, err = b.machine.latest(ctx); err == nil && !b.machine.hasObjects() {
		err = errNoObjects
	}
	return false, err
}

// finish makes the rest of the buffer a run, and waits until everything is there.
func (b *BatchBuilder) finish(ctx context.Context) error {
	if err := b.consolidate(); err != nil {
		return err
	}
	if len(b.buffer) > 0 {
		w := b.newPartWriter(b.config.InlineSizeMax)
		w.buffer, w.size = b.buffer, b.size
		if err := b.take(ctx, w, nil); err != nil {
			return err
		}
	}
	for len(b.runs) > b.config.RunsMax {
		count := min(b.config.RunsMax, len(b.runs)-b.config.RunsMax+1)
		if err := b.mergeLast(ctx, count); err != nil {
			return err
		}
	}
	return b.uploads.finish(ctx)
}

// take takes the buffer over as a run that w has written, or has begun to write.
func (b *BatchBuilder) take(ctx context.Context, w *partWriter, err error) error {
	last := b.buffer[len(b.buffer)-1]
	first := b.buffer[0]
	b.buffer, b.size, b.full = nil, 0, b.config.PartSize
	var run state.Run
	if err == nil {
		run, err = w.finish(ctx)
	}
	if err != nil {
		b.runs = append(b.runs, builtRun{Run: state.Run{Parts: w.parts}}) // to be discarded
		return err
	}
	last.Row = bytes.Clone(last.Row) // the rest of the buffer is not to be kept
	if !b.putBehind(run, first, last) {
		b.runs = append(b.runs, builtRun{Run: run, last: last})
	}
	return b.mergeLevels(ctx)
}

// putBehind continues the latest run with another one, if that comes after it in order:
// so updates that come in order are one run, and need not be merged.
func (b *BatchBuilder) putBehind(run state.Run, first, last Update) bool {
	if len(b.runs) == 0 || run.Parts[0].IsInline() {
		return false
	}
	latest := &b.runs[len(b.runs)-1]
	if latest.level > 0 || !part.IsBefore(latest.last, first) {
		return false
	}
	latest.Parts = append(latest.Parts, run.Parts...)
	latest.Length += run.Length
	latest.EncodedSize += run.EncodedSize
	latest.last = last
	return true
}

// mergeLevels merges runs that have been merged equally often, as soon as there are
// RunsMax of them: so each update is written a logarithmic number of times.
func (b *BatchBuilder) mergeLevels(ctx context.Context) error {
	for count := b.config.RunsMax; len(b.runs) >= count; {
		first, last := b.runs[len(b.runs)-count], b.runs[len(b.runs)-1]
		if first.level != last.level {
			return nil
		}
		if err := b.mergeLast(ctx, count); err != nil {
			return err
		}
	}
	return nil
}

// mergeLast merges the latest runs into one, and deletes what went into it.
func (b *BatchBuilder) mergeLast(ctx context.Context, count int) error {
	if err := b.uploads.wait(ctx); err != nil { // they are read
		return err
	}
	inputs := b.runs[len(b.runs)-count:]
	batch := &state.Batch{Desc: state.Desc{Lower: b.lower, Upper: frontier.Empty()}}
	for _, run := range inputs {
		batch.Runs = append(batch.Runs, run.Run)
	}
	w := b.newPartWriter(0)
	run, err := b.merge(ctx, w, &source{reading: b.reading(), batch: batch})
	if err == nil {
		err = b.machine.deleteParts(ctx, partKeys(batch.Runs))
	}
	if err != nil { // the inputs are still the builder's, whatever is left of them
		b.runs = append(b.runs, builtRun{Run: state.Run{Parts: w.parts}}) // to be discarded
		return b.explain(ctx, err, batch.Runs)
	}
	level := inputs[0].level + 1
	b.runs = b.runs[:len(b.runs)-count]
	if run.Length > 0 {
		b.runs = append(b.runs, builtRun{Run: run, level: level})
	}
	return nil
}

// reading reads what was built as it was built.
func (b *BatchBuilder) reading() reading {
	return reading{machine: b.machine, written: &b.format}
}

func (b *BatchBuilder) merge(ctx context.Context, w *partWriter, s *source) (state.Run, error) {
	runs, err := s.runs(ctx)
	if err != nil {
		return state.Run{}, err
	}
	for u, err := range part.Merge(ctx, 0, runs...) {
		if err == nil {
			err = w.add(ctx, u)
		}
		if err != nil {
			return state.Run{}, err
		}
	}
	return w.finish(ctx)
}

// explain says what it means that an object of the builder is not there: a sweep has
// overtaken it, or the store has lost it. Other errors it returns as they are.
func (b *BatchBuilder) explain(ctx context.Context, err error, runs []state.Run) error {
	if !errors.Is(err, errPartMissing) {
		return err
	}
	s, latestErr := b.machine.latest(ctx)
	if latestErr != nil {
		return latestErr
	}
	for _, run := range runs {
		if tooOld := s.CheckEpochs(run); tooOld != nil {
			return tooOld
		}
	}
	return fmt.Errorf("%w: %w", ErrCorruption, err)
}
