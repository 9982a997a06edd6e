package state_test

import (
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

func (m *making) append(c state.CompareAndAppend) verdict {
	var runs []state.Run
	for _, draft := range c.Batches {
		runs = append(runs, draft.Runs...)
	}
	old, isKnown := m.Writers[c.Writer]
	switch {
	case m.isTombstone() && c.Expected.IsEmpty() && c.New.IsEmpty() && len(runs) == 0:
		return verdict{Answer: state.AppendAnswer{Upper: frontier.Empty()}, Standing: state.Final}
	case m.isTombstone():
		return verdict{
			Answer:   state.AppendAnswer{Outcome: state.UpperDiffers, Upper: frontier.Empty()},
			Standing: state.Final,
		}
	case c.Token == state.IdempotencyToken{}:
		return wrong(state.Final, state.InvalidToken)
	case c.New.LessThan(c.Expected):
		return wrong(state.Final, state.InvalidBounds)
	case c.New == c.Expected && len(runs) > 0:
		return wrong(state.Final, state.InvalidEmptyTimeInterval)
	case m.seen[c.Writer]:
		return wait
	case isKnown && old.Token == c.Token && old.Upper != c.New:
		return wrong(state.Final, state.InvalidToken)
	case isKnown && old.Token == c.Token:
		return verdict{
			Answer:   state.AppendAnswer{Outcome: state.AlreadyAppended, Upper: m.upper()},
			Standing: state.Final,
		}
	}
	if refusal := m.references(runs); refusal.Problem != "" {
		return refusal
	}
	if c.IsSchemaless && len(runs) > 0 && len(m.Schemas) > 0 {
		return wrong(state.Stale, state.SchemaExpected)
	}
	answer := state.AppendAnswer{Outcome: m.obstacle(c, runs), Upper: m.upper()}
	if answer.Outcome != state.Appended {
		return verdict{Answer: answer, Standing: state.Stale}
	}
	if c.Expected != c.New {
		m.push(c.Expected, c.New, runs)
	}
	m.claimBefore(len(m.Batches))
	m.appended = true
	m.Writers[c.Writer] = state.Writer{
		Lease: state.Lease{HeartbeatMS: max(old.Lease.HeartbeatMS, m.env.NowMS), DurationMS: c.LeaseMS},
		Token: c.Token, Upper: c.New, Debug: c.Debug,
	}
	return m.commit(c.Writer, state.AppendAnswer{Outcome: state.Appended, Upper: c.New})
}

// references says what is wrong with what runs refer to.
func (m *making) references(runs []state.Run) verdict {
	for _, run := range runs {
		for _, p := range run.Parts {
			name, err := p.Key.Parse()
			if isObject := p.Inline == nil; isObject && err == nil &&
				name.Class == state.AppendedPart && name.Epoch < m.EpochMin {
				return wrong(state.Final, state.BatchTooOld)
			}
		}
		if run.Schema > 0 && int(run.Schema) >= len(m.Schemas) {
			return wrong(state.Stale, state.UnknownSchema)
		}
		for _, p := range run.Parts {
			if p.Inline == nil && m.Header.Version == 1 || p.KeyID != "" && m.Header.Version <= 2 {
				return wrong(state.Stale, state.UnknownFormat)
			}
		}
	}
	return verdict{}
}

// obstacle says why an append cannot be, or that it can.
func (m *making) obstacle(c state.CompareAndAppend, runs []state.Run) state.AppendOutcome {
	config := m.env.Config
	comes, there := inlineSize(state.Batch{Runs: runs}), uint64(0)
	for _, batch := range m.Batches {
		there += inlineSize(batch)
	}
	switch {
	case m.upper() != c.Expected:
		return state.UpperDiffers
	case comes > 0 && there+comes > config.InlineBytesMax:
		return state.InlineFull
	case len(runs) > 0 && len(m.Batches) >= config.BatchesMax:
		return state.BatchesFull
	default:
		return state.Appended
	}
}

func inlineSize(batch state.Batch) (size uint64) {
	for _, run := range batch.Runs {
		for _, p := range run.Parts {
			size += uint64(len(p.Inline))
		}
	}
	return size
}

// described returns the batch with the sums over its runs.
func described(batch state.Batch) state.Batch {
	batch.Length, batch.EncodedSize = 0, 0
	for _, run := range batch.Runs {
		batch.Length += run.Length
		batch.EncodedSize += run.EncodedSize
	}
	return batch
}

func (m *making) push(lower, upper frontier.Antichain, runs []state.Run) {
	id := state.BatchID(0)
	if len(m.Batches) > 0 {
		newest := &m.Batches[len(m.Batches)-1]
		id = newest.IDs.Upper
		isClaimed := slices.ContainsFunc(m.Compactions, func(c state.Compaction) bool {
			return overlap(c.Window, newest.IDs)
		})
		if newest.Length == 0 && len(runs) == 0 && !isClaimed {
			newest.IDs.Upper, newest.Desc.Upper = id+1, upper
			return
		}
	}
	m.Batches = append(m.Batches, described(state.Batch{
		IDs: state.BatchIDs{Lower: id, Upper: id + 1}, Desc: state.Desc{Lower: lower, Upper: upper}, Runs: runs,
	}))
}

func (m *making) expireWriter(c state.ExpireWriter) verdict {
	_, existed := m.Writers[c.ID]
	switch {
	case m.isTombstone():
		return verdict{Answer: false, Standing: state.Final}
	case m.seen[c.ID]:
		return wait
	}
	delete(m.Writers, c.ID)
	return m.commit(c.ID, existed)
}
