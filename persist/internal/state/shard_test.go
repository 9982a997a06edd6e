package state_test

import (
	"iter"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// shard is what a store would keep of a shard, with every version at hand. It
// accepts nothing but the next version, and validates each.
type shard struct {
	versions []*state.State // by SeqNo; the first is the one before there was any
	log      [][]byte       // the encoded diffs, log[0] to version 1
}

func newShard() *shard {
	return &shard{versions: []*state.State{new(state.State)}}
}

func (s *shard) current() *state.State { return s.versions[len(s.versions)-1] }

// commit makes the transition the next version, if it is.
func (s *shard) commit(t tester, transition *state.Transition) (isCommitted bool) {
	t.Helper()
	if transition.Diff.From != s.current().SeqNo() {
		return false
	}
	requireValid(t, s.current(), transition)
	encoded, err := state.EncodeDiff(transition.Diff)
	if err != nil {
		t.Fatalf("EncodeDiff: %v", err)
	}
	s.versions = append(s.versions, transition.Next)
	s.log = append(s.log, encoded)
	return true
}

// entries iterates over the log from a version on.
func (s *shard) entries(from state.SeqNo) iter.Seq2[state.SeqNo, []byte] {
	return func(yield func(state.SeqNo, []byte) bool) {
		for i, data := range s.log {
			if n := state.SeqNo(i + 1); n >= from && !yield(n, data) {
				return
			}
		}
	}
}

// edit commits a version that no command makes in one step, given the entries of its
// diff that are not in the header.
func (s *shard) edit(t tester, nowMS uint64, changes state.Diff) {
	t.Helper()
	old := s.current()
	changes.Header = old.Header()
	changes.SeqNo++
	changes.WalltimeMS = max(nowMS, changes.WalltimeMS+1)
	changes.From = old.SeqNo()
	if changes.LatestRollup == "" {
		changes.LatestRollup = old.LatestRollup().Key
	}
	next, err := state.Apply(old, &changes)
	if err != nil {
		t.Fatalf("edit: %v", err)
	}
	if !s.commit(t, &state.Transition{Diff: &changes, Next: next}) {
		t.Fatalf("edit: not the next version")
	}
}

// contents returns the consolidated updates of all batches, without those that a
// batch was appended without.
func contents(t tester, s *state.State) []part.Update {
	t.Helper()
	var all []part.Update
	for _, batch := range s.Batches().Shared() {
		for _, u := range updatesOf(t, batch) {
			if !isCut(batch, u.Time) {
				all = append(all, u)
			}
		}
	}
	consolidated, err := part.Consolidate(all)
	if err != nil {
		t.Fatalf("Consolidate: %v", err)
	}
	return consolidated
}

// number makes an id out of a small number, so that ids are short in scripts and
// failures.
func number[ID ~[16]byte](n byte) ID {
	return ID{n}
}

// draft returns a draft for the shard with the given updates inlined.
func draft(t tester, of state.ShardID, lower, upper frontier.Antichain, updates ...part.Update) state.Draft {
	t.Helper()
	d, err := state.Draft{Shard: of, Lower: lower, Upper: upper}.WithInline(number[state.RunID](1), 0, updates)
	if err != nil {
		t.Fatalf("WithInline: %v", err)
	}
	return d
}

// rowAt is one more of a row at a time.
func rowAt(row string, time uint64) part.Update {
	return part.Update{Row: []byte(row), Time: time, Diff: 1}
}
