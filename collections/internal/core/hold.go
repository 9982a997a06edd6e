package core

import "github.com/tidemarkdb/tidemark/frontier"

// Hold keeps a collection readable from its since on: while it is open, the read
// frontier of the collection is at or before that, and the collection exists.
// It says nothing about where exactly the read frontier is.
//
// Holds are made by [Core.Acquire] and [Core.AcquireAt]. The other operations
// work on the hold alone and return the change that has to reach
// [Core.ApplyHoldChanges]. Until it does, the core holds back more than needed,
// never less; so changes may be delayed and those of one collection added up, but
// none may be lost, and an increment must not be applied later than a decrement
// that was made after it.
//
// A Hold has one owner at a time: it must not be copied or used concurrently.
type Hold struct {
	issuer   *Core // compared, never used
	id       GlobalID
	since    frontier.Antichain
	isClosed bool
}

// HoldChange is a change of the capabilities that holds have on a collection.
type HoldChange struct {
	// ID is the collection.
	ID GlobalID
	// Changes may be empty: then there is nothing to apply.
	Changes frontier.ChangeBatch
}

// ID returns the collection that is held.
func (h *Hold) ID() GlobalID { return h.id }

// Since returns from where on the hold keeps the collection readable; {}, which
// keeps nothing, when it is closed.
func (h *Hold) Since() frontier.Antichain { return h.since }

// IsClosed reports whether the hold was closed or merged into another.
func (h *Hold) IsClosed() bool { return h.isClosed }

// Downgrade moves the hold on. If that would move it back, the error is a
// [*SinceViolationError]; if it is closed, [ErrHoldClosed]; nothing happens then.
func (h *Hold) Downgrade(to frontier.Antichain) (HoldChange, error) {
	if h.isClosed {
		return HoldChange{}, ErrHoldClosed
	}
	if !h.since.LessEqual(to) {
		return HoldChange{}, &SinceViolationError{ID: h.id, Requested: to, Since: h.since}
	}
	return h.move(to), nil
}

// Clone returns another hold on the same collection from the same since on. If h
// is closed, the error is [ErrHoldClosed].
func (h *Hold) Clone() (*Hold, HoldChange, error) {
	if h.isClosed {
		return nil, HoldChange{}, ErrHoldClosed
	}
	clone := &Hold{issuer: h.issuer, id: h.id, since: frontier.Empty()}
	return clone, clone.move(h.since), nil
}

// Merge makes h hold what both have held, and closes other. The error is
// [ErrHoldClosed] if one is closed, [*WrongCollectionError] if they hold different
// collections, [ErrWrongIssuer] if different cores issued them; nothing happens
// then. Merging a hold with itself does nothing.
func (h *Hold) Merge(other *Hold) (HoldChange, error) {
	switch {
	case h.isClosed || other == nil || other.isClosed:
		return HoldChange{}, ErrHoldClosed
	case h.issuer != other.issuer:
		return HoldChange{}, ErrWrongIssuer
	case h.id != other.id:
		return HoldChange{}, &WrongCollectionError{ID: h.id, Other: other.id}
	case h == other:
		return HoldChange{ID: h.id}, nil
	}
	change := HoldChange{ID: h.id}
	change.add(other.since, frontier.Empty())
	change.add(h.since, h.since.Meet(other.since))
	h.since = h.since.Meet(other.since)
	other.since, other.isClosed = frontier.Empty(), true
	return change, nil
}

// Close gives the hold up. Closing it again does nothing and returns no changes.
func (h *Hold) Close() HoldChange {
	h.isClosed = true
	return h.move(frontier.Empty())
}

// move sets since and returns the change. It is one change and never two: were
// the old capability given up first, the read frontier could pass the new one.
func (h *Hold) move(to frontier.Antichain) HoldChange {
	change := HoldChange{ID: h.id}
	change.add(h.since, to)
	h.since = to
	return change
}

// add adds the movement of one capability. A change is made of at most two, so no
// sum can overflow.
func (c *HoldChange) add(from, to frontier.Antichain) {
	_ = c.Changes.Move(from, to)
}
