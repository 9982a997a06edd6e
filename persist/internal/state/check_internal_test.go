package state

import (
	"errors"
	"testing"
)

// This test is inside the package because no diff leads to what it checks: that
// the checks would notice if one did.

func TestChecksNoticeWhatCannotBeApplied(t *testing.T) {
	valid := func() *State {
		s := new(State)
		s.header = Header{SeqNo: 5, WalltimeMS: 50, Version: CurrentFormat}
		key := NewRollupKey(1, BlobID{})
		s.rollups = s.rollups.Updated(func(yield func(SeqNo, *Rollup) bool) { yield(1, &Rollup{Key: key}) })
		return s
	}
	if err := new(State).Check(); err != nil {
		t.Errorf("the version before the first is invalid: %v", err)
	}
	if err := valid().Check(); err != nil {
		t.Fatalf("the unspoilt version is invalid: %v", err)
	}
	for name, c := range map[string]struct {
		invariant string
		spoil     func(s *State)
	}{
		"contents before the first version": {"P-8", func(s *State) { s.header = Header{} }},
		"version beyond the last":           {"P-1", func(s *State) { s.header.SeqNo = MaxSeqNo + 1 }},
		"format of the future":              {"P-11", func(s *State) { s.header.Version = CurrentFormat + 1 }},
		"format of the past":                {"P-11", func(s *State) { s.header.Version = OldestFormat - 1 }},
		"totals that do not add up":         {"P-16", func(s *State) { s.batches.totals.InlineSize++ }},
	} {
		s := valid()
		c.spoil(s)
		requireInvariant(t, name, s.Check(), c.invariant)
	}
	for name, c := range map[string]struct {
		invariant string
		spoil     func(s *State)
	}{
		"another shard":          {"P-7", func(s *State) { s.header.Shard[0]++ }},
		"time that stands still": {"P-11", func(s *State) { s.header.WalltimeMS = 50 }},
		"format that goes back":  {"P-11", func(s *State) { s.header.Version-- }},
	} {
		next := valid()
		next.header.SeqNo++
		next.header.WalltimeMS++
		if err := CheckTransition(valid(), next); err != nil {
			t.Fatalf("the unspoilt step is invalid: %v", err)
		}
		c.spoil(next)
		requireInvariant(t, name, CheckTransition(valid(), next), c.invariant)
	}
}

func requireInvariant(t *testing.T, name string, err error, invariant string) {
	t.Helper()
	var found *ViolationError
	if !errors.As(err, &found) || found.Invariant != invariant {
		t.Errorf("%s: error is %v, want a violation of %s", name, err, invariant)
	}
}
