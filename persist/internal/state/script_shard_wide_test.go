package state_test

import (
	"fmt"
	"strings"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// register-schema columns=TEXT
func (s *script) registerSchema() string {
	return try(s, state.RegisterSchema{Schema: s.schema()}, nil, func(answer state.SchemaAnswer) string {
		return fmt.Sprintf("registered: %t, id %d", answer.IsRegistered, answer.ID)
	})
}

func (s *script) schema() state.Schema { return state.Schema{Relation: []byte(s.text("columns", ""))} }

// evolve-schema expected=ID columns=TEXT: compatible if columns are only added.
func (s *script) evolveSchema() string {
	command := state.EvolveSchema{
		Expected: state.SchemaID(s.uint("expected", 0)), Schema: s.schema(),
		IsCompatible: func(old, new state.Schema) bool {
			return strings.HasPrefix(string(new.Relation), string(old.Relation))
		},
	}
	names := [...]string{"evolved", "schema differs", "incompatible", "no schemas"}
	return try(s, command, nil, func(answer state.EvolveAnswer) string {
		return fmt.Sprintf("%s, latest %d %q", names[answer.Outcome], answer.ID, answer.Latest.Relation)
	})
}

// upgrade format=N
func (s *script) upgrade() string {
	command := state.UpgradeVersion{Target: state.FormatVersion(s.uint("format", 0))}
	return try(s, command, nil, func(version state.FormatVersion) string { return fmt.Sprintf("format %d", version) })
}

// begin-epoch epoch=N
func (s *script) beginEpoch() string {
	command := state.BeginEpoch{Epoch: state.Epoch(s.uint("epoch", 0))}
	return try(s, command, nil, func(epoch state.Epoch) string { return fmt.Sprintf("epoch %d", epoch) })
}

// raise-fence epoch=N
func (s *script) raiseFence() string {
	command := state.RaiseFence{Epoch: state.Epoch(s.uint("epoch", 0))}
	return try(s, command, nil, func(epoch state.Epoch) string { return fmt.Sprintf("fence at %d", epoch) })
}

func (s *script) finalize() string {
	return try(s, state.Finalize{}, nil, func(isDone bool) string { return fmt.Sprintf("done: %t", isDone) })
}

// remove-rollups keep=SEQNO
func (s *script) removeRollups() string {
	command := state.RemoveRollups{Keep: state.SeqNo(s.uint("keep", 0))}
	return try(s, command, nil, func(removed []state.Rollup) string { return fmt.Sprintf("removed %v", removed) })
}

// verdicts: what the shard is known as.
func (s *script) standing() string {
	current := s.current()
	return fmt.Sprintf("tombstone: %t, finalized: %t", current.IsTombstone(), current.IsFinalized())
}
