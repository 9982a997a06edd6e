package head_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// TestCommitsCostAsFewRequestsAsCanBe protects latency and the bill: one request if the head
// is known, and nothing is concluded from a head that is only remembered.
func TestCommitsCostAsFewRequestsAsCanBe(t *testing.T) {
	for _, c := range []struct {
		name     string
		versions int
		known    string // none, current, old
		expected state.SeqNo
		requests string
		want     head.Outcome
	}{
		{"create", 0, "none", 0, "put", head.Committed},
		{"create what there is", 3, "none", 0, "put get", head.Mismatched},
		{"create what is known", 3, "current", 0, "get", head.Mismatched},
		{"append to what is known", 3, "current", 3, "put", head.Committed},
		{"append to what is not known", 3, "none", 3, "get put", head.Committed},
		{"append to what is no longer there", 3, "old", 2, "put get", head.Mismatched},
		{"append to what has come since", 3, "old", 3, "get put", head.Committed},
		{"append to what is not there yet", 3, "current", 4, "get", head.Mismatched},
		{"append to what has passed", 3, "current", 2, "get", head.Mismatched},
		{"append to nothing", 0, "none", 1, "get", head.Mismatched},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			var old *head.Snapshot
			for range c.versions {
				old = w.snapshot()
				w.commit(1)
			}
			known := map[string]*head.Snapshot{"old": old, "current": w.snapshot()}[c.known]
			made := &cell{world: w, call: w.newCommit(known, c.expected)}
			made.conclude(c.want, c.requests)
			if c.want == head.Mismatched && c.versions > 0 && made.call.Head().Object.Current() != state.SeqNo(c.versions) {
				t.Errorf("the head of the mismatch is %v", made.call.Head())
			}
			if kept := made.call.Head(); c.want == head.Committed &&
				(kept.Tag != tagOf(w.body) || kept.Object.Current() != c.expected+1) {
				t.Errorf("the head to keep is %v", kept)
			}
		})
	}
}

// TestTheSameBytesAreRepeated protects against two different requests with one condition,
// one of which lands unseen.
func TestTheSameBytesAreRepeated(t *testing.T) {
	w := newWorld(t)
	w.commit(2)
	call := w.newCommit(w.snapshot(), 2)
	first := nextPut(t, call)
	for _, answer := range []head.Answer{unclear, w.perform(head.GetHead{}), head.Wrote{Verdict: head.Conflict}} {
		call.Answer(answer)
	}
	second := nextPut(t, call)
	if first.Match != second.Match || string(first.Body) != string(second.Body) {
		t.Error("the request changed although the head did not")
	}
	call.Answer(unclear)
	w.renew()
	call.Answer(w.perform(head.GetHead{}))
	third := nextPut(t, call)
	if third.Match != tagOf(w.body) || string(third.Body) == string(first.Body) {
		t.Error("the request is the same although the head has changed")
	}
}

// TestCallsDoNotShareWhatTheyBuild protects calls that begin with the same head: what one of
// them appends is not what the other one reports.
func TestCallsDoNotShareWhatTheyBuild(t *testing.T) {
	w := newWorld(t)
	w.commit(2)
	known := w.snapshot()
	known.Object.Entries = slices.Grow(known.Object.Entries, 9)
	known.Object.Recent = slices.Grow(known.Object.Recent, 9)
	calls := []*head.Commit{w.newCommit(known, 2), w.newCommit(known, 2)}
	w.run(calls[0])
	got := calls[0].Head().Object
	if id, _ := got.CommitAt(3); got.Newest().Commit != calls[0].ID() || id != calls[0].ID() {
		t.Errorf("%v has appended %v, %v", calls[0].ID(), got.Newest().Commit, id)
	}
}

func nextPut(t *testing.T, call head.Call) head.PutHead {
	t.Helper()
	put, ok := call.Next().(head.PutHead)
	if !ok {
		t.Fatalf("next is %T, want a request to write the head", call.Next())
	}
	return put
}

// TestWhatCannotBeIsCorruption protects against a store that has lost or mixed up heads.
func TestWhatCannotBeIsCorruption(t *testing.T) {
	newer, err := wire.Seal(wire.KindHead, head.FormatVersion+1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		found func(w *world) head.Answer
		sent  head.Outcome // if an attempt may have landed
		fresh head.Outcome // if none was made
	}{
		{"absent", func(*world) head.Answer { return head.Absent{} }, head.Corrupted, head.Corrupted},
		{"damaged", func(*world) head.Answer { return head.Found{Body: []byte("?")} }, head.Corrupted, head.Corrupted},
		{"went back", func(w *world) head.Answer { return old(w, 1) }, head.Corrupted, head.Corrupted},
		{"low went back", func(w *world) head.Answer { return old(w, 2) }, head.Corrupted, head.Corrupted},
		{"newer format", func(*world) head.Answer { return head.Found{Body: newer} }, head.Indeterminate, head.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.commit(2)
			w.truncate()
			sent := w.newCommit(w.snapshot(), 2)
			sent.Answer(unclear)
			fresh := w.newCommit(w.snapshot(), 3)
			for i, call := range []*head.Commit{sent, fresh} {
				want := []head.Outcome{c.sent, c.fresh}[i]
				call.Answer(c.found(w))
				if call.Outcome() != want || call.Err() == nil {
					t.Errorf("%v (%v), want %v", call.Outcome(), call.Err(), want)
				}
				if got := errors.Is(call.Err(), wire.ErrCorruption); got != (want == head.Corrupted) {
					t.Errorf("the error is %v", call.Err())
				}
			}
		})
	}
}

// old returns a head with so many versions, none of them truncated.
func old(w *world, n int) head.Answer {
	w.t.Helper()
	o := longObject(n)
	body, err := head.Encode(shard, &o)
	if err != nil {
		w.t.Fatalf("encode: %v", err)
	}
	return head.Found{Tag: "old", Body: body}
}

// TestCommitsThatEndEarly protects the class of the error: nothing happened, or nobody knows.
func TestCommitsThatEndEarly(t *testing.T) {
	w := newWorld(t)
	w.commit(2)
	get := func() head.Answer { return w.perform(head.GetHead{}) }
	conflict := head.Wrote{Verdict: head.Conflict}
	refused := head.Wrote{Verdict: head.Refused, Cause: errRefused}
	stopped := head.Stopped{Cause: errStopped}
	for _, c := range []struct {
		name    string
		known   *head.Snapshot
		answers []head.Answer
		want    head.Outcome
	}{
		{"stopped before it is read", nil, []head.Answer{stopped}, head.Failed},
		{"stopped while it is sent", w.snapshot(), []head.Answer{stopped}, head.Indeterminate},
		{"refused", w.snapshot(), []head.Answer{refused}, head.Failed},
		{"refused after a timeout", w.snapshot(), []head.Answer{unclear, get(), refused}, head.Indeterminate},
		{"refused after a conflict", w.snapshot(), []head.Answer{conflict, refused}, head.Indeterminate},
		{"stopped before it is resolved", w.snapshot(), []head.Answer{unclear, stopped}, head.Indeterminate},
		{"an answer to something else", nil, []head.Answer{unclear, head.Deleted{}, refused, stopped}, head.Failed},
	} {
		call := w.newCommit(c.known, 2)
		for _, answer := range c.answers {
			call.Answer(answer)
		}
		_, finished := call.Next().(head.Finished)
		if !finished || call.Outcome() != c.want || call.Err() == nil {
			t.Errorf("%s: %v (%v), want %v", c.name, call.Outcome(), call.Err(), c.want)
		}
	}
}

// TestCommitsThatCannotBe protects the limits of the format.
func TestCommitsThatCannotBe(t *testing.T) {
	if _, err := head.NewCommit(shard, number(1), nil, state.MaxSeqNo, nil); !errors.Is(err, state.ErrUsage) {
		t.Errorf("beyond the last version: %v, want a usage error", err)
	}
	var tooLarge *head.TooLargeError
	_, err := head.NewCommit(shard, number(1), nil, 0, make([]byte, head.VersionBytesMax+1))
	if !errors.As(err, &tooLarge) || !strings.Contains(err.Error(), "8388609") {
		t.Errorf("too large: %v, want a TooLargeError", err)
	}
	full := longObject(head.EntriesMax)
	large := largeObject(head.EntriesKept + 1)
	for _, o := range []*head.Object{&full, &large} {
		call, err := head.NewCommit(shard, number(1), &head.Snapshot{Tag: "tag", Object: o}, o.Current(), []byte("data"))
		if err != nil || call.Outcome() != head.Failed || !errors.Is(call.Err(), head.ErrFull) {
			t.Errorf("a full head: %v, %v", err, call)
		}
		if !head.DefaultBudget().IsExceeded(o) {
			t.Errorf("nothing would make room in a head of %d versions", len(o.Entries))
		}
	}
}
