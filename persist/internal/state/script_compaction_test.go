package state_test

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

func (s *script) claimCompactions() string {
	return try(s, state.ClaimCompactions{}, nil, func(claimed int) string { return fmt.Sprintf("claimed %d", claimed) })
}

// give-back ids=(LOWER,UPPER) claimed=MS: what an executor does who cannot merge.
func (s *script) giveBack() string {
	command := state.GiveBackCompaction{Claim: s.claim()}
	return try(s, command, nil, func(wasThere bool) string { return fmt.Sprintf("was there: %t", wasThere) })
}

// gave-back ids=(LOWER,UPPER) claimed=MS: whoever asks from now on has given that back; no
// arguments: he has not.
func (s *script) gaveBack() string {
	s.env.GivenBack = nil
	if s.d.HasArg("ids") {
		s.env.GivenBack = []state.Compaction{s.claim()}
	}
	return "ok"
}

func (s *script) claim() state.Compaction {
	return state.Compaction{Window: s.window(), StartedMS: s.uint("claimed", 0)}
}

// merge ids=(LOWER,UPPER) since=F on=SEQNO call=NAME: what an executor does, who was
// asked at some version to merge some of its batches.
func (s *script) merge() string {
	base := s.versions[s.uint("on", uint64(s.current().SeqNo()))]
	request := state.CompactionRequest{Window: s.window(), Since: base.Since()}
	if s.d.HasArg("since") {
		request.Since = s.frontier("since")
	}
	for id, batch := range base.Batches().Shared() {
		if request.Window.Lower <= id && id < request.Window.Upper {
			request.Batches = append(request.Batches, batch)
		}
	}
	return s.offer(executed(s, request))
}

// offer evaluates the result of a compaction on the current version, whichever its
// executor had.
func (s *script) offer(command state.ApplyCompaction) string {
	offer := s.offers[s.text("call", "")]
	if offer == nil {
		offer = new(state.EverApplied)
	}
	if name := s.text("call", ""); name != "" {
		s.offers[name] = offer
	}
	note := func(outcome state.CompactionOutcome) { offer.Indeterminate(outcome == state.CompactionApplied) }
	return tryOn(s, s.current(), command, note, func(outcome state.CompactionOutcome) string {
		isWaste := !offer.Finish(outcome == state.CompactionApplied)
		return fmt.Sprintf("%v, may delete the result: %t", outcome, isWaste)
	})
}

// apply-compaction ids=(LOWER,UPPER) since=F part=EPOCH blob=N length=N diffs=N
// dropped=N schema=N: offers an object, or without a part nothing, as the result.
func (s *script) applyCompaction() string {
	command := state.ApplyCompaction{
		Window: s.window(), Since: s.current().Since(), DroppedDiffs: int64(s.uint("dropped", 0)),
	}
	if s.d.HasArg("since") {
		command.Since = s.frontier("since")
	}
	if s.d.HasArg("part") {
		command.Runs = []state.Run{s.blobRun()}
	}
	return s.offer(command)
}

func (s *script) window() state.BatchIDs {
	arg, _ := s.d.Arg("ids")
	if len(arg.Vals) != 2 {
		s.Fatalf("ids=(lower,upper) is missing")
	}
	return state.BatchIDs{Lower: state.BatchID(s.parseUint(arg.Vals[0])), Upper: state.BatchID(s.parseUint(arg.Vals[1]))}
}

// part-keys: the objects that the current version refers to, then those that the
// latest diff added and dropped.
func (s *script) partKeys() (text string) {
	for key := range s.current().PartKeys() {
		text += fmt.Sprintf("%s\n", key)
	}
	diff, err := state.DecodeDiff(s.log[len(s.log)-1])
	if err != nil {
		return "error: " + err.Error()
	}
	return text + fmt.Sprintf("added: %s\ndropped: %s\n", diff.AddedParts(), diff.DroppedParts())
}

// executed merges batches whose parts are within the state, as package persist does
// with those that are objects.
func executed(t tester, request state.CompactionRequest) state.ApplyCompaction {
	t.Helper()
	var kept []part.Update
	dropped := int64(0)
	for _, batch := range request.Batches {
		for _, u := range updatesOf(t, batch) {
			if request.Since.IsEmpty() || isCut(batch, u.Time) {
				dropped += u.Diff
				continue
			}
			u.Time = max(u.Time, timeOf(request.Since))
			kept = append(kept, u)
		}
	}
	consolidated, err := part.Consolidate(kept)
	if err != nil {
		t.Fatalf("Consolidate: %v", err)
	}
	command := state.ApplyCompaction{
		Window: request.Window, Batches: request.Batches, Since: request.Since, DroppedDiffs: dropped,
	}
	if len(consolidated) == 0 {
		return command
	}
	merged, err := state.InlinePart(consolidated)
	if err != nil {
		t.Fatalf("InlinePart: %v", err)
	}
	command.Runs = []state.Run{{
		Order: state.ByRow, Parts: []state.Part{merged}, Length: merged.Length, EncodedSize: merged.EncodedSize,
	}}
	return command
}

// timeOf is 0 for {}: nothing is advanced to never.
func timeOf(since frontier.Antichain) uint64 {
	time, _ := since.Time()
	return time
}

func updatesOf(t tester, batch *state.Batch) (all []part.Update) {
	t.Helper()
	for _, run := range batch.Runs {
		for _, p := range run.Parts {
			updates, err := p.InlineUpdates()
			if err != nil {
				t.Fatalf("InlineUpdates: %v", err)
			}
			all = append(all, updates...)
		}
	}
	return all
}

// isCut reports whether an append brought an update along that is none of its own.
// Where times have been advanced there are none left, and times say nothing of it.
func isCut(batch *state.Batch, time uint64) bool {
	isWithin := batch.Desc.Lower.LessEqualTime(time) && !batch.Desc.Upper.LessEqualTime(time)
	return batch.Desc.Since == frontier.Antichain{} && !isWithin
}
