package state_test

import (
	"errors"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Tasks of one process evaluate commands on the same version at the same time.
// Under -race this fails if a command writes to what it shares.
func TestEvaluateMayRunConcurrently(t *testing.T) {
	base := shardWithBatches(t, 300)
	before := rollup(t, base)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			mine := base
			for range 50 {
				mine = appendOne(t, mine)
			}
			if mine.Batches().Len() != 350 {
				t.Errorf("there are %d batches, want 350", mine.Batches().Len())
			}
		})
	}
	group.Wait()
	if string(rollup(t, base)) != string(before) {
		t.Error("the shared version has changed")
	}
}

// To append must not copy what is there already, be it ten batches or ten
// thousand. Time is measured by the benchmark; memory does not depend on the
// machine.
func TestAppendCostDoesNotGrow(t *testing.T) {
	perAppend := func(batches int) uint64 {
		s := shardWithBatches(t, batches)
		var before, after goruntime.MemStats
		goruntime.ReadMemStats(&before)
		for range 200 {
			s = appendOne(t, s)
		}
		goruntime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / 200
	}
	few, many := perAppend(10), perAppend(10_000)
	if many > few*3/2 {
		t.Errorf("an append to 10 batches allocates %d bytes, to 10,000 it allocates %d", few, many)
	}
}

func TestNewCandidateRefusesImpossibleEnvironments(t *testing.T) {
	s := busyShard(t).current()
	for name, c := range map[string]struct {
		env  state.Environment
		want error
	}{
		"host name that is no text": {state.Environment{Hostname: "\xff"}, state.InvalidLabel},
		"host name without end":     {state.Environment{Hostname: strings.Repeat("x", 256)}, state.InvalidLabel},
		"clock out of its mind":     {state.Environment{NowMS: 1<<62 + 1}, state.InvalidClock},
		"longest host name":         {state.Environment{Hostname: strings.Repeat("x", 255), NowMS: 1 << 62}, nil},
	} {
		if _, err := state.NewCandidate(c.env, s); !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, want %v", name, err, c.want)
		}
	}
}

func TestLabelsAreChecked(t *testing.T) {
	s := busyShard(t).current()
	bad := "\xff"
	_, registered := state.Evaluate(state.Environment{}, s, state.RegisterCriticalReader{Debug: state.Debug{Purpose: bad}})
	_, codec := state.Evaluate(state.Environment{}, s, state.RegisterCriticalReader{Opaque: state.Opaque{Codec: bad}})
	_, appended := state.Evaluate(state.Environment{}, s, state.CompareAndAppend{
		Token: number[state.IdempotencyToken](9), Debug: state.Debug{Host: bad},
	})
	for _, err := range []error{registered, codec, appended} {
		if !errors.Is(err, state.InvalidLabel) || !errors.Is(err, state.ErrUsage) {
			t.Errorf("error is %v, want InvalidLabel", err)
		}
	}
}

func TestTheLastVersionHasNoNext(t *testing.T) {
	header := busyShard(t).current().Header()
	header.SeqNo = state.MaxSeqNo
	key := state.NewRollupKey(1, state.BlobID{})
	diff := state.Diff{
		Header: header, LatestRollup: key, Rollups: insert(state.SeqNo(1), state.Rollup{Key: key}),
	}
	last, err := state.DecodeRollup(sealRollup(t, &diff))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := state.NewCandidate(state.Environment{}, last); !errors.Is(err, state.Exhausted) {
		t.Errorf("error is %v, want Exhausted", err)
	}
}

// Several commands share a version, each seeing what those before it did.
func TestCommandsOfOneVersionSeeEachOther(t *testing.T) {
	s := newShard()
	env := state.Environment{NowMS: 1000}
	must(t, s, env, state.Initialise{Rollup: state.NewRollupKey(1, state.BlobID{})})
	candidate, err := state.NewCandidate(env, s.current())
	if err != nil {
		t.Fatal(err)
	}
	append := func(writer byte, expected, upper uint64) (state.AppendAnswer, state.Standing, error) {
		return state.Execute(candidate, state.CompareAndAppend{
			Writer: number[state.WriterID](writer), Token: number[state.IdempotencyToken](writer),
			Expected: frontier.At(expected), New: frontier.At(upper), LeaseMS: 1000,
		})
	}
	answer, standing, err := append(1, 0, 3)
	if err != nil || standing != state.Proposed || answer.Outcome != state.Appended {
		t.Fatalf("first: %v, %v, %v", answer, standing, err)
	}
	// It is the first one, which is not committed yet, that the second collides with.
	answer, standing, err = append(2, 0, 5)
	if err != nil || standing != state.Proposed || answer.Upper != frontier.At(3) {
		t.Errorf("mismatch with the first: %v, %v, %v", answer, standing, err)
	}
	if _, _, err = append(1, 3, 4); !errors.Is(err, state.ErrNextVersion) {
		t.Errorf("second append of a writer: error is %v, want ErrNextVersion", err)
	}
	answer, standing, err = append(3, 3, 7)
	if err != nil || standing != state.Proposed || answer.Outcome != state.Appended {
		t.Errorf("follow-up: %v, %v, %v", answer, standing, err)
	}
	transition, err := candidate.Finish()
	if err != nil || !s.commit(t, transition) {
		t.Fatalf("Finish: %v", err)
	}
	if s.current().SeqNo() != 2 || s.current().Upper() != frontier.At(7) {
		t.Errorf("got:\n%v", s.current())
	}
}

func TestNothingToCommitIsNoTransition(t *testing.T) {
	candidate, err := state.NewCandidate(state.Environment{}, busyShard(t).current())
	if err != nil {
		t.Fatal(err)
	}
	if transition, err := candidate.Finish(); transition != nil || err != nil {
		t.Errorf("there is a transition: %v, error %v", transition, err)
	}
}

// The owner of an attempt without an answer takes an opaque for its own only if
// the since says so too: another owner could use the same.
func TestDowngradeCallBelievesOnlyItsOwnWork(t *testing.T) {
	epoch := func(n byte) state.Opaque { return state.Opaque{Codec: "epoch", Value: [8]byte{7: n}} }
	command := state.CompareAndDowngradeSince{Expected: epoch(1), New: epoch(2), Since: frontier.At(5)}
	for _, c := range []struct {
		name            string
		isIndeterminate bool
		answer          state.DowngradeAnswer
		want            bool
	}{
		{"an answer", false, state.DowngradeAnswer{IsOwner: true, Since: frontier.At(5), Opaque: epoch(2)}, true},
		{"own work", true, state.DowngradeAnswer{Since: frontier.At(5), Opaque: epoch(2)}, true},
		{"own work and more", true, state.DowngradeAnswer{Since: frontier.At(7), Opaque: epoch(2)}, true},
		{"no such since", true, state.DowngradeAnswer{Since: frontier.At(4), Opaque: epoch(2)}, false},
		{"no such opaque", true, state.DowngradeAnswer{Since: frontier.At(5), Opaque: epoch(3)}, false},
		{"no such attempt", false, state.DowngradeAnswer{Since: frontier.At(5), Opaque: epoch(2)}, false},
	} {
		call := state.DowngradeCall{Command: command}
		if c.isIndeterminate {
			call.Indeterminate()
		}
		if got := call.Finish(c.answer); got.IsOwner != c.want || got.Since != c.answer.Since {
			t.Errorf("%s: told %+v, want owner %t", c.name, got, c.want)
		}
	}
}
