package persist

import (
	"context"
	"errors"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// compactAssigned merges the batches that this process was asked to.
func (m *machine) compactAssigned(ctx context.Context) (failed error) {
	for {
		m.mu.Lock()
		if len(m.requests) == 0 {
			m.mu.Unlock()
			return failed
		}
		request := m.requests[0]
		m.mu.Unlock()
		failed = errors.Join(failed, m.compact(ctx, request)) // the others are not to wait for it
		m.mu.Lock()
		m.requests = m.requests[1:]
		m.mu.Unlock()
	}
}

// compactionRoom returns how many further compactions this process takes on, and those
// that it has given back.
func (m *machine) compactionRoom() (room int, givenBack []state.Compaction) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(m.client.config().CompactionsMax-len(m.requests), 0), m.givenBack
}

// compact merges the batches of a request and puts the result in their place; again, if a
// sweep has overtaken that. What it cannot merge it leaves to others.
func (m *machine) compact(ctx context.Context, request state.CompactionRequest) error {
	for {
		switch err := m.compactOnce(ctx, request); {
		case err == nil:
			return nil
		case !errors.Is(err, state.BatchTooOld):
			return m.giveBack(ctx, request, err)
		}
	}
}

// compactOnce holds no version: what it reads may have been merged by somebody else, and
// deleted; then there is nothing left to do.
func (m *machine) compactOnce(ctx context.Context, request state.CompactionRequest) error {
	run, dropped, err := m.merge(ctx, request)
	if err != nil {
		m.discard(ctx, run)
		if errors.Is(err, errPartMissing) || m.isOutdated(ctx, request) {
			return nil
		}
		return m.poison(err)
	}
	command := state.ApplyCompaction{
		Window: request.Window, Since: request.Since, Batches: request.Batches, DroppedDiffs: dropped,
	}
	if run.Length > 0 {
		command.Runs = []state.Run{run}
	}
	var ever state.EverApplied
	outcome, _, err := apply(ctx, m, command, func(outcome state.CompactionOutcome) {
		ever.Indeterminate(outcome == state.CompactionApplied)
	})
	if err != nil && !errors.Is(err, ErrUsage) {
		return err // it may have been applied
	}
	// A refusal is about the last attempt only, like any other answer.
	if !ever.Finish(err == nil && outcome == state.CompactionApplied) {
		m.discard(ctx, run)
	}
	return err
}

// giveBack lets others merge what this process cannot, for lack of a key for example. It
// does not try again before it would be taken for dead. Damage is an exception: whoever
// else finds it gives up the shard as well. It returns why, and what failed besides.
func (m *machine) giveBack(ctx context.Context, request state.CompactionRequest, why error) error {
	if errors.Is(why, ErrCorruption) || ctx.Err() != nil {
		return why
	}
	env, batches := m.client.environment(), m.state().Batches()
	m.mu.Lock()
	m.givenBack = slices.DeleteFunc(slices.Clone(m.givenBack), func(claim state.Compaction) bool {
		isMerged := batches.Lookup(claim.Window.Lower) == nil // by somebody else
		return isMerged || claim.StartedMS+env.Config.CompactionFallbackMS < env.NowMS
	})
	m.givenBack = append(m.givenBack, request.Claim())
	m.mu.Unlock()
	_, _, err := apply(ctx, m, state.GiveBackCompaction{Claim: request.Claim()}, nil)
	return errors.Join(why, err)
}

// inlineMax returns from how many bytes on the result of a merge is an object: as an append,
// but also if there is no room for it in the metadata once the inputs are gone (P-23).
func (m *machine) inlineMax(known *state.State, inputs []*state.Batch) int {
	config, inlined := m.client.config(), int(known.Batches().Totals().InlineSize)
	for _, batch := range inputs {
		inlined -= int(batch.InlineSize())
	}
	return max(min(config.InlineSizeMax, config.InlineTotalMax-inlined), 0)
}

// newestSchema returns the newest schema of any updates of the batches. They are merged
// under that: all others can be read as it, and nothing of it is lost.
func newestSchema(batches []*state.Batch) (newest SchemaID) {
	for _, batch := range batches {
		for _, run := range batch.Runs {
			newest = max(newest, run.Schema)
		}
	}
	return newest
}

// isOutdated reports whether somebody else has merged what a request is about: then what
// its batches are, and under which schema, nobody can tell any more.
func (m *machine) isOutdated(ctx context.Context, request state.CompactionRequest) bool {
	s, err := m.latest(ctx)
	return err == nil && slices.ContainsFunc(request.Batches, func(batch *state.Batch) bool {
		now := s.Batches().Lookup(batch.IDs.Lower)
		return now == nil || !now.Equal(*batch) // it may have been read anew
	})
}

// merge writes the updates of some batches anew, as one run. If there is an error the
// run says what was written. If nobody can ever read them none are left.
func (m *machine) merge(
	ctx context.Context, request state.CompactionRequest,
) (run state.Run, dropped int64, err error) {
	since, isReadable := request.Since.Time()
	if !isReadable {
		return run, request.DiffsSum(), nil
	}
	known := m.state()
	format, err := formatOf(known, newestSchema(request.Batches))
	if err != nil {
		return run, 0, err
	}
	w := &partWriter{
		machine: m, writer: WriterID(m.client.newID()), class: state.AppendedPart, format: format,
		inlineMax: m.inlineMax(known, request.Batches), uploads: m.client.newUploads(ctx),
	}
	defer w.uploads.stop()
	var runs [][]part.Unfetched
	var sources []*source
	for _, batch := range request.Batches {
		s := &source{reading: reading{machine: m, state: known, schema: format.id}, batch: batch}
		more, err := s.runs(ctx)
		if err != nil {
			return run, 0, err
		}
		sources = append(sources, s)
		runs = append(runs, more...)
	}
	written := func() state.Run { return state.Run{Parts: w.parts} }
	for u, err := range part.Merge(ctx, since, runs...) {
		if err != nil {
			return written(), 0, err
		}
		if err := w.add(ctx, u); err != nil {
			return written(), 0, err
		}
	}
	for _, s := range sources {
		dropped += s.dropped
	}
	if run, err = w.finish(ctx); err == nil {
		err = w.uploads.finish(ctx)
	}
	if err != nil {
		return written(), 0, err
	}
	return run, dropped, nil
}
