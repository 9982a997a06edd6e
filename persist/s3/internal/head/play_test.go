package head_test

import (
	"errors"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// choose returns one of n; 0 is what happens if all goes well.
type choose func(label string, n int) int

// outcome is what all calls have.
type outcome interface {
	head.Call
	Outcome() head.Outcome
	Err() error
}

// actor is a process with one call after another.
type actor struct {
	script  []begin
	call    outcome
	answer  head.Answer // what the store has done, and the call does not know yet
	started struct{ current, low state.SeqNo }
	known   *head.Snapshot // the head that the process remembers
}

// begin starts a call.
type begin func(w *world, a *actor) outcome

// stepsMax is more than any play takes that makes progress.
const stepsMax = 20_000

// play lets actors act until all have ended and nothing is under way. Every choice is one of
// choose's: whose turn it is, and what happens to a request.
func (w *world) play(choose choose, actors ...*actor) (ended map[head.Outcome]int) {
	w.t.Helper()
	ended = make(map[head.Outcome]int)
	var commits []*head.Commit
	for step := 0; ; step++ {
		if step > stepsMax {
			w.t.Fatalf("after %d steps there is no end", step)
		}
		actors = slices.DeleteFunc(actors, func(a *actor) bool { return a.call == nil && len(a.script) == 0 })
		if len(actors)+len(w.late) == 0 {
			break
		}
		turn := choose("turn", len(actors)+len(w.late))
		if turn >= len(actors) {
			w.land(turn - len(actors))
			continue
		}
		a := actors[turn]
		actors = append([]*actor{a}, slices.Delete(actors, turn, turn+1)...) // goes on, if all goes well
		if call := w.act(choose, a); call != nil {
			ended[call.Outcome()]++
			if c, ok := call.(*head.Commit); ok {
				commits = append(commits, c)
			}
		}
	}
	for _, c := range commits {
		w.ledger.judge(w.t, c.Outcome(), c.ID(), c.SeqNo())
	}
	w.cleanUp()
	return ended
}

// act takes one step of an actor. It returns the call that ended with it, if one did.
func (w *world) act(choose choose, a *actor) outcome {
	w.t.Helper()
	switch {
	case a.call == nil:
		a.started.current, a.started.low = state.SeqNo(len(w.ledger.log)), w.ledger.low
		a.call, a.script = a.script[0](w, a), a.script[1:]
	case a.answer != nil:
		a.call.Answer(a.answer)
		a.answer = nil
	default:
		a.answer = w.request(choose, a.call.Next())
	}
	if _, finished := a.call.Next().(head.Finished); !finished {
		return nil
	}
	call := a.call
	a.call = nil
	w.inspect(a, call)
	return call
}

// faults are what can happen to a request that changes something, besides that all goes well.
var faults = []func(w *world, action head.Action) head.Answer{
	func(*world, head.Action) head.Answer { return unclear }, // lost
	func(w *world, action head.Action) head.Answer { // response lost
		w.perform(action)
		return unclear
	},
	func(w *world, action head.Action) head.Answer { // late
		w.late = append(w.late, action)
		return unclear
	},
	func(w *world, action head.Action) head.Answer { // delivered twice, answer to the first
		w.late = append(w.late, action)
		return w.perform(action)
	},
	func(w *world, action head.Action) head.Answer { // delivered twice, answer to the second
		w.perform(action)
		return w.perform(action)
	},
	func(*world, head.Action) head.Answer { return head.Wrote{Verdict: head.Conflict} },
	func(w *world, action head.Action) head.Answer { // a copy had a conflict, another one is late
		w.late = append(w.late, action)
		return head.Wrote{Verdict: head.Conflict}
	},
	func(*world, head.Action) head.Answer { return head.Wrote{Verdict: head.Refused, Cause: errRefused} },
	func(w *world, action head.Action) head.Answer { // time is up
		w.late = append(w.late, action)
		return head.Stopped{Cause: errStopped}
	},
}

var (
	unclear    = head.Wrote{Verdict: head.Unclear}
	errRefused = errors.New("403")
	errStopped = errors.New("time is up")
)

// request sends a request and returns what the caller will be told.
func (w *world) request(choose choose, action head.Action) head.Answer {
	w.t.Helper()
	switch a := action.(type) {
	case head.PutHead, head.PutSegment:
		if n := choose("fault", len(faults)+1); n > 0 {
			return faults[n-1](w, action)
		}
	case head.DeleteSegments:
		switch choose("deletion", 4) {
		case 1: // late
			w.late = append(w.late, action)
			return head.Deleted{}
		case 2: // twice
			w.late = append(w.late, action)
		case 3: // the process ends in the middle
			w.perform(head.DeleteSegments{Names: a.Names[:len(a.Names)/2]})
			return head.Stopped{Cause: errStopped}
		}
	case head.GetHead:
		switch choose("reading", 3) {
		case 1:
			return head.Stopped{Cause: errStopped}
		case 2: // the store has looked up the tag, and then the body
			if found, ok := w.perform(action).(head.Found); ok && w.tagBefore != "" {
				found.Tag = w.tagBefore
				return found
			}
		}
	default:
		if choose("reading", 2) > 0 {
			return head.Stopped{Cause: errStopped}
		}
	}
	return w.perform(action)
}

// inspect checks what can be said about a call at its end.
func (w *world) inspect(a *actor, call outcome) {
	w.t.Helper()
	if call.Outcome() == head.Running || call.Outcome() == head.Corrupted {
		w.t.Fatalf("%T is %v: %v", call, call.Outcome(), call.Err())
	}
	if writer, ok := call.(interface{ Head() *head.Snapshot }); ok && writer.Head() != nil {
		a.known = writer.Head()
	}
	switch c := call.(type) {
	case *head.Commit:
		w.inspectMismatch(a, c)
	case *head.Scan:
		w.inspectScan(a, c)
	}
}

// inspectMismatch checks that there was a moment of the call at which another version
// than the one expected was the newest.
func (w *world) inspectMismatch(a *actor, c *head.Commit) {
	w.t.Helper()
	expected := c.SeqNo() - 1
	if c.Outcome() == head.Mismatched && a.started.current == expected && int(expected) == len(w.ledger.log) {
		w.t.Fatalf("a mismatch, but %v was the newest version all the time", expected)
	}
}

// inspectScan checks that there was a moment of the call at which these were the versions.
func (w *world) inspectScan(a *actor, c *head.Scan) {
	w.t.Helper()
	if c.Outcome() != head.Committed {
		return
	}
	entries := c.Entries()
	w.ledger.wantEntries(w.t, entries)
	switch {
	case len(entries) == 0 && a.started.current > 0:
		w.t.Fatalf("nothing was read, but there were %v versions", a.started.current)
	case len(entries) == 0:
	case entries[0].SeqNo < max(1, a.started.low) || entries[0].SeqNo > max(1, w.ledger.low):
		w.t.Fatalf("%v came first, but versions began at %v, and then at %v", entries[0].SeqNo, a.started.low, w.ledger.low)
	case entries[len(entries)-1].SeqNo < a.started.current:
		w.t.Fatalf("%v came last, but there was %v", entries[len(entries)-1].SeqNo, a.started.current)
	}
}

// cleanUp sweeps without faults, and checks that everything goes that is not linked.
func (w *world) cleanUp() {
	w.t.Helper()
	sweep := head.NewSweep(shard, w.id())
	w.run(sweep)
	if w.body == nil {
		return
	}
	if left, linked := len(w.segments), len(w.object().Links); left != linked {
		w.t.Fatalf("%d segments are left, but %d linked", left, linked)
	}
}

// run performs what a call asks for, without faults.
func (w *world) run(call head.Call) {
	w.t.Helper()
	for range 1000 {
		if _, finished := call.Next().(head.Finished); finished {
			return
		}
		call.Answer(w.perform(call.Next()))
	}
	w.t.Fatalf("%T does not come to its end", call)
}
