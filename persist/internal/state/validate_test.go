package state_test

import (
	"bytes"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// requireValid checks everything that has to be true of every commit there is:
// both versions and the step between them are valid, the recorded diff is the
// whole difference, applying it gives the new version, and diff and state survive
// being stored. Every test that commits goes through here.
func requireValid(t tester, old *state.State, transition *state.Transition) {
	t.Helper()
	next, diff := transition.Next, transition.Diff
	if err := next.Check(); err != nil {
		t.Fatalf("Check: %v\n%v", err, next)
	}
	if err := state.CheckTransition(old, next); err != nil {
		t.Fatalf("CheckTransition: %v\n%v", err, diff)
	}
	if whole := state.Between(old, next); !cmp.Equal(whole, diff) {
		t.Fatalf("the recorded diff is not the difference (-difference +recorded):\n%s", cmp.Diff(whole, diff))
	}
	applied, err := state.Apply(old, diff)
	if err != nil {
		t.Fatalf("Apply: %v\n%v", err, diff)
	}
	if !applied.Equal(next) {
		t.Fatalf("applying the diff gives another version\nwant:\n%v\ngot:\n%v", next, applied)
	}
	decoded := requireDiffRoundTrip(t, diff)
	if again, err := state.Apply(old, decoded); err != nil || !again.Equal(next) {
		t.Fatalf("applying the decoded diff: error %v, got:\n%v\nwant:\n%v", err, again, next)
	}
	requireRollupRoundTrip(t, next, applied)
}

func requireDiffRoundTrip(t tester, diff *state.Diff) *state.Diff {
	t.Helper()
	encoded, err := state.EncodeDiff(diff)
	if err != nil {
		t.Fatalf("EncodeDiff: %v", err)
	}
	decoded, err := state.DecodeDiff(encoded)
	if err != nil {
		t.Fatalf("DecodeDiff: %v\n%v", err, diff)
	}
	if !cmp.Equal(diff, decoded) {
		t.Fatalf("the diff is decoded differently (-want +got):\n%s", cmp.Diff(diff, decoded))
	}
	return decoded
}

// requireRollupRoundTrip takes the same version twice, as it was made in two
// ways: their rollups have to be the same bytes.
func requireRollupRoundTrip(t tester, next, other *state.State) {
	t.Helper()
	encoded, err := state.EncodeRollup(next)
	if err != nil {
		t.Fatalf("EncodeRollup: %v", err)
	}
	if again, err := state.EncodeRollup(other); err != nil || !bytes.Equal(encoded, again) {
		t.Fatalf("equal states have other rollups (error %v):\n%x\n%x", err, encoded, again)
	}
	decoded, err := state.DecodeRollup(encoded)
	if err != nil {
		t.Fatalf("DecodeRollup: %v\n%v", err, next)
	}
	if !decoded.Equal(next) {
		t.Fatalf("the rollup is decoded differently\nwant:\n%v\ngot:\n%v", next, decoded)
	}
	if err := decoded.Check(); err != nil {
		t.Fatalf("Check of the decoded rollup: %v", err)
	}
}
