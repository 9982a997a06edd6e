package head

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Commit is one compare-and-set: it appends a version if the newest one is the one expected.
//
// It ends Committed; Mismatched, and then Head is nil if the key has no versions; Failed;
// Indeterminate; or Corrupted. Once a request was sent, nothing but the ids in a head decides
// between the first two: its own at its place means that it has committed, another one that it
// has not and never will.
type Commit struct {
	exchange
	entry Entry
}

// NewCommit returns a call that appends data to what has expected as its newest version,
// or creates the key if that is 0. It begins with the head that is known, if there is one: that
// saves reading it, and if it is out of date costs a request that fails. It does not copy data.
// The error is [*TooLargeError], or wraps [state.ErrUsage] if there is no next version.
func NewCommit(shard string, id ID, known *Snapshot, expected state.SeqNo, data []byte) (*Commit, error) {
	switch {
	case expected >= state.MaxSeqNo:
		return nil, fmt.Errorf("no version comes after %v: %w", expected, state.ErrUsage)
	case len(data) > VersionBytesMax:
		return nil, &TooLargeError{Bytes: len(data), BytesMax: VersionBytesMax}
	}
	c := &Commit{
		exchange: exchange{shard: shard, id: id},
		entry:    Entry{SeqNo: expected + 1, Commit: id, Data: data},
	}
	c.start(known)
	switch {
	case known == nil && expected == 0:
		c.create()
	case known != nil && known.Object.Current() == expected:
		c.append(known)
	}
	return c, nil
}

// ID returns the commit id.
func (c *Commit) ID() ID { return c.id }

// SeqNo returns the version that the call appends.
func (c *Commit) SeqNo() state.SeqNo { return c.entry.SeqNo }

// Answer implements [Call].
func (c *Commit) Answer(answer Answer) { c.exchanged(answer, c) }

func (c *Commit) create() {
	c.put(nil, func(nonce ID) *Object { return created(nonce, c.entry) })
}

func (c *Commit) append(base *Snapshot) {
	if o := base.Object; len(o.Entries) == EntriesMax || dataBytes(o.Entries)+len(c.entry.Data) > InlineBytesMax {
		c.fail(ErrFull)
		return
	}
	c.put(base, func(nonce ID) *Object { return base.Object.appended(nonce, c.entry) })
}

// found decides what a head that was read says about the call.
func (c *Commit) found(s *Snapshot) {
	current := s.Object.Current()
	id, known := s.Object.CommitAt(c.entry.SeqNo)
	switch {
	case c.attempt != nil && known && id == c.id:
		c.finish(Committed, s, nil)
	case current+1 == c.entry.SeqNo:
		c.append(s)
	case c.attempt == nil || known: // nothing was sent, or another one is in its place
		c.finish(Mismatched, s, nil)
	default:
		c.finish(Indeterminate, s, ErrOvertaken)
	}
}

// absent is called only if there never was a head, as far as the call knows.
func (c *Commit) absent() {
	if c.entry.SeqNo == 1 {
		c.create()
		return
	}
	c.finish(Mismatched, nil, nil)
}

func (c *Commit) landed(s *Snapshot) { c.finish(Committed, s, nil) }
