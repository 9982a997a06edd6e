package head_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// TestTheBudget protects pollers from large heads, and everybody from many small segments.
func TestTheBudget(t *testing.T) {
	for _, c := range []struct {
		name            string
		versions, bytes int // bytes of each
		want            int // versions that stay
	}{
		{"few and small", 128, 100, 128},
		{"too many", 129, 100, 32},
		{"too large", 60, 1093, 32},
		{"just not too large", 60, 1092, 60},
		{"large, and none to move", 32, 1 << 20, 32},
		{"large, and only little to move", 38, 2400, 38},
		{"large, and much to move", 39, 2400, 32},
	} {
		w := newWorld(t)
		o := longObject(c.versions)
		for i := range o.Entries {
			o.Entries[i].Data = make([]byte, c.bytes)
		}
		spill := head.NewSpill(shard, w.id(), &head.Snapshot{Tag: "tag", Object: &o}, head.DefaultBudget())
		kept := c.versions
		if put, ok := spill.Next().(head.PutSegment); ok {
			first, last, _ := head.ParseSegmentName(put.Name)
			kept -= int(last-first) + 1
		}
		if kept != c.want {
			t.Errorf("%s: %d versions stay, want %d", c.name, kept, c.want)
		}
	}
}

// TestTheBudgetNeverLeavesAHeadFull protects commits: whatever is in a head, a spill makes
// room for one more version, unless there is no room for links either.
func TestTheBudgetNeverLeavesAHeadFull(t *testing.T) {
	o := largeObject(head.EntriesKept + 1)
	o.Entries[0].Data = []byte("little")
	if !head.DefaultBudget().IsExceeded(&o) {
		t.Error("the oldest version stays, although there is no room for a large one")
	}
	o = linkedObject(head.LinksMax)
	if err := o.Check(); err != nil || head.DefaultBudget().IsExceeded(&o) {
		t.Errorf("one segment more than there may be is linked, %v", err)
	}
}

// spilling returns a spill that has written its segment, and the name.
func spilling(t *testing.T) (w *world, call *head.Spill, name string) {
	t.Helper()
	w = newWorld(t)
	w.commit(4)
	call = head.NewSpill(shard, w.id(), w.snapshot(), tight)
	put, ok := call.Next().(head.PutSegment)
	if !ok {
		t.Fatalf("next is %T, want a request to write a segment", call.Next())
	}
	name = put.Name
	call.Answer(w.perform(call.Next()))
	return w, call, name
}

// TestSegmentsStayIfTheyMayBeLinked protects committed versions: a request that was refused
// or remained without an answer is no reason to delete what it links.
func TestSegmentsStayIfTheyMayBeLinked(t *testing.T) {
	t.Run("ours landed, and its copy was refused", func(t *testing.T) {
		w, call, name := spilling(t)
		w.perform(call.Next())
		call.Answer(w.perform(call.Next()))
		w.run(call)
		if call.Outcome() != head.Committed || w.segments[name] == nil {
			t.Errorf("%v, %d segments", call.Outcome(), len(w.segments))
		}
	})
	t.Run("nobody knows, and time is up", func(t *testing.T) {
		w, call, name := spilling(t)
		call.Answer(unclear)
		call.Answer(head.Stopped{Cause: errStopped})
		if call.Outcome() != head.Indeterminate || w.segments[name] == nil {
			t.Errorf("%v, %d segments", call.Outcome(), len(w.segments))
		}
	})
	t.Run("undecided, and the same one is linked", func(t *testing.T) {
		w, call, name := spilling(t)
		call.Answer(unclear)
		w.run(call)
		if o := w.object(); len(o.Links) != 1 || o.Links[0].Name != name {
			t.Errorf("the links are %v, want %s", o.Links, name)
		}
	})
}

// TestSegmentsThatCannotBeLinkedGo protects rule S: after somebody else's write, the segment
// is deleted and another one linked.
func TestSegmentsThatCannotBeLinkedGo(t *testing.T) {
	w, call, name := spilling(t)
	w.commit(1)
	w.run(call)
	o := w.object()
	if call.Outcome() != head.Committed || len(o.Links) != 1 || o.Links[0].Name == name || len(w.segments) != 1 {
		t.Errorf("%v, links %v, %d segments", call.Outcome(), o.Links, len(w.segments))
	}
}

// TestATagReadLaterDoesNotLink protects rule S where a store tells another tag of the same
// object: the segment is left to a sweep.
func TestATagReadLaterDoesNotLink(t *testing.T) {
	w, call, name := spilling(t)
	call.Answer(head.Wrote{Verdict: head.PreconditionFailed})
	call.Answer(head.Found{Tag: "another", Body: w.body})
	put, ok := call.Next().(head.PutSegment)
	if !ok || put.Name == name || w.segments[name] == nil {
		t.Errorf("next is %T, want another segment", call.Next())
	}
}

// TestTruncate protects what is kept, and the bill of what is not.
func TestTruncate(t *testing.T) {
	for _, c := range []struct {
		before        state.SeqNo
		removed, left int // versions, segments
		want          head.Outcome
		err           error
	}{
		{before: 0, left: 2, want: head.Unneeded},
		{before: 1, left: 2, want: head.Unneeded},
		{before: 2, removed: 1, left: 2, want: head.Committed},
		{before: 3, removed: 2, left: 1, want: head.Committed},
		{before: 6, removed: 5, left: 0, want: head.Committed},
		{before: 8, removed: 7, left: 0, want: head.Committed},
		{before: 9, left: 2, want: head.Failed, err: state.ErrUsage},
	} {
		w := newWorld(t)
		spilled(w)
		call := head.NewTruncate(shard, w.id(), nil, c.before)
		w.run(call)
		if call.Outcome() != c.want || !errors.Is(call.Err(), c.err) ||
			call.Removed() != c.removed || len(w.segments) != c.left {
			t.Errorf("before %v: %v, %d removed, %d segments left, %v", c.before, call.Outcome(), call.Removed(),
				len(w.segments), call.Err())
		}
		again := head.NewTruncate(shard, w.id(), call.Head(), c.before)
		if c.err == nil && again.Outcome() != head.Unneeded {
			t.Errorf("before %v, again: %v", c.before, again.Outcome())
		}
	}
	w := newWorld(t)
	call := head.NewTruncate(shard, w.id(), nil, 1)
	w.run(call)
	if !errors.Is(call.Err(), head.ErrAbsent) || call.Outcome() != head.Failed {
		t.Errorf("no versions: %v, %v", call.Outcome(), call.Err())
	}
}

// TestSweepsDeleteNothingUnconfirmed protects segments that are about to be linked: they are
// deleted only once the head is known to have been replaced.
func TestSweepsDeleteNothingUnconfirmed(t *testing.T) {
	w := newWorld(t)
	spilled(w)
	left := head.SegmentName(1, 1, w.id())
	w.segments[left] = nil
	call := head.NewSweep(shard, w.id())
	call.Answer(w.perform(call.Next()))
	call.Answer(w.perform(call.Next()))
	for _, answer := range []head.Answer{unclear, nil, head.Wrote{Verdict: head.Conflict}, unclear} {
		if answer == nil {
			answer = w.perform(head.GetHead{})
		}
		if _, isDeleting := call.Next().(head.DeleteSegments); isDeleting {
			t.Fatal("deletes before the head has been replaced")
		}
		call.Answer(answer)
	}
	w.run(call)
	if call.Outcome() != head.Committed || !slices.Equal(call.Removed(), []string{left}) || len(w.segments) != 2 {
		t.Errorf("%v, removed %v", call.Outcome(), call.Removed())
	}
	again := head.NewSweep(shard, w.id())
	w.run(again)
	if again.Outcome() != head.Unneeded || again.Removed() != nil {
		t.Errorf("again: %v, removed %v", again.Outcome(), again.Removed())
	}
}

// TestSweepsLeaveABucketWithoutAHead protects against a wrong bucket.
func TestSweepsLeaveABucketWithoutAHead(t *testing.T) {
	w := newWorld(t)
	w.segments[head.SegmentName(1, 1, w.id())] = nil
	call := head.NewSweep(shard, w.id())
	w.run(call)
	if call.Outcome() != head.Unneeded || len(w.segments) != 1 {
		t.Errorf("%v, %d segments", call.Outcome(), len(w.segments))
	}
}
