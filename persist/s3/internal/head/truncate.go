package head

import (
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Truncate removes the versions below one. It ends Committed when that is durable;
// Unneeded if it was so already; Failed, with an error that is [ErrAbsent] or wraps
// [state.ErrUsage] if there is no such version; Indeterminate; or Corrupted.
//
// At the end it deletes the segments that it has taken out of the head. A crash before leaves
// them to a [Sweep].
type Truncate struct {
	exchange
	before  state.SeqNo
	dropped []string // segments that were wholly below before
	removed int
}

// NewTruncate returns a call that removes the versions below before. It begins with the head
// that is known, if there is one.
func NewTruncate(shard string, id ID, known *Snapshot, before state.SeqNo) *Truncate {
	t := &Truncate{exchange: exchange{shard: shard, id: id}, before: before}
	t.start(known)
	if known != nil && before <= known.Object.Current() {
		t.found(known)
	}
	return t
}

// Removed returns how many versions the call knows to have removed. It is 0 if the answer to its
// request was lost and the head is another one by now: somebody else may have done it, maybe before.
func (t *Truncate) Removed() int { return t.removed }

// Answer implements [Call].
func (t *Truncate) Answer(answer Answer) {
	if t.exchanged(answer, t) {
		return
	}
	if _, ok := answer.(Deleted); ok {
		t.action = Finished{}
	}
}

func (t *Truncate) found(s *Snapshot) {
	switch {
	case s.Object.Low >= t.before && t.attempt == nil:
		t.finish(Unneeded, s, nil)
	case s.Object.Low >= t.before:
		if s.Object.Nonce != t.attempt.Nonce {
			t.removed = 0
		}
		t.landed(s)
	case t.before > s.Object.Current():
		t.fail(fmt.Errorf("truncate before %v, beyond %v: %w", t.before, s.Object.Current(), state.ErrUsage))
	default:
		t.drop(s.Object)
		t.put(s, func(nonce ID) *Object { return s.Object.truncated(nonce, t.before) })
	}
}

// drop remembers what an attempt on a head removes.
func (t *Truncate) drop(o *Object) {
	t.removed = int(t.before - o.Low)
	for _, link := range o.Links {
		if link.Last < t.before && !slices.Contains(t.dropped, link.Name) {
			t.dropped = append(t.dropped, link.Name)
		}
	}
}

func (t *Truncate) absent() { t.fail(ErrAbsent) }

// landed deletes segments that no head will link again: what they have is below its low,
// which never falls.
func (t *Truncate) landed(s *Snapshot) {
	t.finish(Committed, s, nil)
	if len(t.dropped) > 0 {
		t.action = DeleteSegments{Names: t.dropped}
	}
}
