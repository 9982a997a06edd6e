package head_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// A cell of the matrix is one commit that meets one ambiguity, at its first attempt or at a
// later one, when it creates the key or appends to it.
type cell struct {
	*world
	call     *head.Commit
	requests []string // in order: get, put
}

// send performs the next request and returns the answer, which nobody has got yet.
func (c *cell) send() head.Answer {
	c.t.Helper()
	c.note()
	return c.perform(c.call.Next())
}

// note counts a request without performing it.
func (c *cell) note() {
	c.t.Helper()
	switch c.call.Next().(type) {
	case head.GetHead:
		c.requests = append(c.requests, "get")
	case head.PutHead:
		c.requests = append(c.requests, "put")
	default:
		c.t.Fatalf("the call wants %T", c.call.Next())
	}
}

// delay lets the next request have its effect only when it is told to land.
func (c *cell) delay() {
	c.late = append(c.late, c.call.Next())
	c.note()
	c.unclear()
}

func (c *cell) lose()     { c.note(); c.unclear() }
func (c *cell) unclear()  { c.call.Answer(head.Wrote{Verdict: head.Unclear}) }
func (c *cell) conflict() { c.note(); c.call.Answer(head.Wrote{Verdict: head.Conflict}) }
func (c *cell) do()       { c.t.Helper(); c.call.Answer(c.send()) }

// ambiguities are what can happen to an attempt, what has to come of it, and with which
// requests from the attempt on.
var ambiguities = []struct {
	name     string
	attempt  func(c *cell) // the next request is the attempt
	want     head.Outcome
	requests string
	notNew   bool // makes no sense if there is no head
}{
	{
		name:    "request lost",
		attempt: func(c *cell) { c.lose() },
		want:    head.Committed, requests: "put get put",
	},
	{
		name:    "response lost",
		attempt: func(c *cell) { c.send(); c.unclear() },
		want:    head.Committed, requests: "put get",
	},
	{
		name:    "both delivered late, before it is resolved",
		attempt: func(c *cell) { c.delay(); c.settle() },
		want:    head.Committed, requests: "put get",
	},
	{
		name:    "both delivered late, after it was resolved",
		attempt: func(c *cell) { c.delay(); c.do(); c.settle() },
		want:    head.Committed, requests: "put get put get",
	},
	{
		name:    "both delivered late, after the end",
		attempt: func(c *cell) { c.delay() },
		want:    head.Committed, requests: "put get put",
	},
	{
		name:    "duplicate delivery, answer to the first",
		attempt: func(c *cell) { put := c.call.Next(); c.do(); c.perform(put) },
		want:    head.Committed, requests: "put",
	},
	{
		name:    "duplicate delivery, answer to the second",
		attempt: func(c *cell) { c.send(); c.call.Answer(c.perform(c.call.Next())) },
		want:    head.Committed, requests: "put get",
	},
	{
		name: "duplicate delivery, answer to the second, long after the first",
		attempt: func(c *cell) {
			c.send()
			c.commit(head.RingLength)
			c.call.Answer(c.perform(c.call.Next()))
		},
		want: head.Indeterminate, requests: "put get",
	},
	{
		name:    "409 then 200",
		attempt: func(c *cell) { c.conflict() },
		want:    head.Committed, requests: "put put",
	},
	{
		name:    "409 then 412",
		attempt: func(c *cell) { c.conflict(); c.commit(1); c.do() },
		want:    head.Mismatched, requests: "put put get",
	},
	{
		name:    "412 caused by own earlier attempt, after 409",
		attempt: func(c *cell) { c.late = append(c.late, c.call.Next()); c.conflict(); c.settle(); c.do() },
		want:    head.Committed, requests: "put put get",
	},
	{
		name:    "412 caused by own earlier attempt, after a timeout",
		attempt: func(c *cell) { c.delay(); c.do(); c.settle(); c.do() },
		want:    head.Committed, requests: "put get put get",
	},
	{
		name:    "412 by a competitor",
		attempt: func(c *cell) { c.commit(1); c.do() },
		want:    head.Mismatched, requests: "put get",
	},
	{
		name:    "412 by a competitor, after a timeout",
		attempt: func(c *cell) { c.delay(); c.do(); c.commit(1); c.do() },
		want:    head.Mismatched, requests: "put get put get",
	},
	{
		name:    "competitor commits on top of ours before it is resolved",
		attempt: func(c *cell) { c.send(); c.commit(1); c.unclear() },
		want:    head.Committed, requests: "put get",
	},
	{
		name:    "competitors commit on top of ours as far as the ring covers",
		attempt: func(c *cell) { c.send(); c.commit(head.RingLength - 1); c.unclear() },
		want:    head.Committed, requests: "put get",
	},
	{
		name:    "competitor commits and truncates past ours before it is resolved",
		attempt: func(c *cell) { c.send(); c.commit(1); c.truncate(); c.unclear() },
		want:    head.Committed, requests: "put get",
	},
	{
		name:    "competitors commit and truncate past ours and the ring",
		attempt: func(c *cell) { c.send(); c.commit(head.RingLength); c.unclear() },
		want:    head.Indeterminate, requests: "put get",
	},
	{
		name:    "competitors commit and truncate past the ring, ours lost",
		attempt: func(c *cell) { c.commit(head.RingLength + 1); c.lose() },
		want:    head.Indeterminate, requests: "put get",
	},
	{
		name:    "competitors commit and truncate in place of ours as far as the ring covers",
		attempt: func(c *cell) { c.commit(head.RingLength); c.lose() },
		want:    head.Mismatched, requests: "put get",
	},
	{
		name:    "representation put between",
		attempt: func(c *cell) { c.renew(); c.do() },
		want:    head.Committed, requests: "put get put", notNew: true,
	},
	{
		name:    "representation put between, ours late",
		attempt: func(c *cell) { c.delay(); c.renew(); c.do(); c.settle() },
		want:    head.Committed, requests: "put get put", notNew: true,
	},
	{
		name:    "representation put on top of ours before it is resolved",
		attempt: func(c *cell) { c.send(); c.renew(); c.unclear() },
		want:    head.Committed, requests: "put get",
	},
}

// TestAmbiguities protects exactly-once: whatever happens to the request, a commit says what
// was visible, and says no more than it can know.
func TestAmbiguities(t *testing.T) {
	for _, a := range ambiguities {
		for _, expected := range []state.SeqNo{0, 3, 1000} {
			for _, isRetry := range []bool{false, true} {
				if expected == 0 && a.notNew {
					continue
				}
				t.Run(fmt.Sprintf("%s/expected=%d/retry=%t", a.name, expected, isRetry), func(t *testing.T) {
					c := newCell(t, expected)
					want := a.requests
					if isRetry {
						c.delay() // and lands at the very end
						c.do()
						want = "put get " + want
					}
					a.attempt(c)
					c.conclude(a.want, want)
				})
			}
		}
	}
}

func newCell(t *testing.T, expected state.SeqNo) *cell {
	w := newWorld(t)
	if expected > 0 {
		w.commit(int(expected))
	}
	return &cell{world: w, call: w.newCommit(w.snapshot(), expected)}
}

// newCommit begins a commit, and tells the ledger.
func (w *world) newCommit(known *head.Snapshot, expected state.SeqNo) *head.Commit {
	w.t.Helper()
	id := w.id()
	w.ledger.data[id] = id.String()
	call, err := head.NewCommit(shard, id, known, expected, []byte(id.String()))
	if err != nil {
		w.t.Fatalf("NewCommit: %v", err)
	}
	return call
}

// conclude runs the call to its end, without more faults, lets everything land that is
// still under way, and judges.
func (c *cell) conclude(want head.Outcome, requests string) {
	c.t.Helper()
	for c.call.Outcome() == head.Running {
		c.do()
	}
	c.settle()
	if c.call.Outcome() != want {
		c.t.Fatalf("the outcome is %v (%v), want %v", c.call.Outcome(), c.call.Err(), want)
	}
	if got := strings.Join(c.requests, " "); got != requests {
		c.t.Fatalf("the requests were %s, want %s", got, requests)
	}
	c.ledger.judge(c.t, c.call.Outcome(), c.call.ID(), c.call.SeqNo())
}
