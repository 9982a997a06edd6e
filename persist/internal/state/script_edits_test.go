package state_test

import "github.com/tidemarkdb/tidemark/persist/internal/state"

// The words of this file do what commands will do that do not exist yet.

// lease id=N since=F hold=SEQNO lasts=MS: registers a leased reader.
func (s *script) lease() string {
	reader := state.LeasedReader{
		Since: s.frontier("since"),
		Hold:  state.SeqNo(s.uint("hold", uint64(s.current().SeqNo()))),
		Lease: state.Lease{HeartbeatMS: s.env.NowMS, DurationMS: s.uint("lasts", 1000)},
	}
	id := number[state.LeasedReaderID](byte(s.uint("id", 0)))
	s.edit(s, s.env.NowMS, state.Diff{LeasedReaders: []state.Mutation[state.LeasedReaderID, state.LeasedReader]{
		{Key: id, Old: s.current().LeasedReaders().Lookup(id), New: &reader},
	}})
	return s.current().SeqNo().String()
}

// claim ids=(LOWER,UPPER): assigns the compaction of a window.
func (s *script) claim() string {
	lower, upper := s.window()
	claimed := state.Compaction{Window: state.BatchIDs{Lower: lower, Upper: upper}, StartedMS: s.env.NowMS}
	s.edit(s, s.env.NowMS, state.Diff{Compactions: []state.Mutation[state.BatchID, state.Compaction]{
		{Key: lower, New: &claimed},
	}})
	return s.current().SeqNo().String()
}

func (s *script) window() (lower, upper state.BatchID) {
	arg, _ := s.d.Arg("ids")
	if len(arg.Vals) != 2 {
		s.Fatalf("ids=(lower,upper) is missing")
	}
	return state.BatchID(s.parseUint(arg.Vals[0])), state.BatchID(s.parseUint(arg.Vals[1]))
}

// merge ids=(LOWER,UPPER): replaces a window of batches by one without updates.
func (s *script) merge() string {
	lower, upper := s.window()
	var merged state.Batch
	var changes []state.Mutation[state.BatchID, state.Batch]
	for id := lower; id < upper; {
		old := s.current().Batches().Lookup(id)
		changes = append(changes, state.Mutation[state.BatchID, state.Batch]{Key: id, Old: old})
		if id == lower {
			merged = *old
		}
		merged.IDs.Upper, merged.Desc.Upper = old.IDs.Upper, old.Desc.Upper
		id = old.IDs.Upper
	}
	merged.Runs, merged.Length, merged.EncodedSize = nil, 0, 0
	changes[0].New = &merged
	s.edit(s, s.env.NowMS, state.Diff{Batches: changes})
	return s.current().SeqNo().String()
}

// forget-rollup of=SEQNO: unlists the rollups up to a version.
func (s *script) forgetRollup() string {
	upTo := state.SeqNo(s.uint("of", 0))
	changes := state.Diff{RollupsRemoved: &state.Replacement[state.SeqNo]{
		Old: s.current().RollupsRemoved(), New: upTo,
	}}
	for n, rollup := range s.current().Rollups().Shared() {
		if n <= upTo {
			changes.Rollups = append(changes.Rollups, state.Mutation[state.SeqNo, state.Rollup]{Key: n, Old: rollup})
		}
	}
	s.edit(s, s.env.NowMS, changes)
	return s.current().SeqNo().String()
}

// fence epoch=N: no part of an earlier epoch is accepted any more.
func (s *script) fence() string {
	epoch := state.Epoch(s.uint("epoch", 0))
	old := s.current()
	s.edit(s, s.env.NowMS, state.Diff{
		BatchEpoch:    &state.Replacement[state.Epoch]{Old: old.BatchEpoch(), New: epoch},
		BatchEpochMin: &state.Replacement[state.Epoch]{Old: old.BatchEpochMin(), New: epoch},
	})
	return s.current().SeqNo().String()
}
