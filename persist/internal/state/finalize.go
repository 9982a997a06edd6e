package state

import "github.com/tidemarkdb/tidemark/frontier"

// Finalize takes one step towards the least that can be left of a shard whose
// since and upper are {}: it ends all capabilities, then empties one batch after
// another, each in a version of its own so that no diff gets large, and at last
// leaves a single empty batch. It is run until it answers that nothing is left to
// do.
type Finalize struct{}

// run fails, as of the version that it looks at, with a [*NotClosedError].
func (Finalize) run(c *Candidate) (isDone bool, standing Standing, err error) {
	s := c.next
	if !s.since.IsEmpty() || !s.Upper().IsEmpty() {
		return false, Stale, &NotClosedError{Since: s.since, Upper: s.Upper()}
	}
	wasTombstone := s.IsTombstone()
	if !wasTombstone && (len(c.touched) > 0 || c.hasLostReader) {
		return false, Stale, ErrNextVersion // those commands have been promised a registration
	}
	switch full := s.firstFull(); {
	case full != nil:
		emptied := Batch{IDs: full.IDs, Desc: full.Desc}
		batchesField.put(c, full.IDs.Lower, &emptied)
	case s.batches.Len() > 1:
		c.collapse()
	case wasTombstone:
		return true, Final, nil
	}
	c.endCapabilities()
	if latest, _ := c.next.rollups.Last(); latest+1 == s.SeqNo() {
		c.removeRollups(latest) // it is listed by this very version, so that none may follow that would do it
	}
	c.propose()
	return false, Proposed, nil
}

func (s *State) firstFull() *Batch {
	for _, batch := range s.batches.Shared() {
		if !batch.IsEmpty() {
			return batch
		}
	}
	return nil
}

// collapse leaves one empty batch with the ids and times of all.
func (c *Candidate) collapse() {
	all := Batch{
		IDs:  BatchIDs{Upper: c.next.batches.NextID()},
		Desc: Desc{Upper: frontier.Empty(), Since: frontier.Empty()},
	}
	for id := range c.next.batches.Shared() {
		if id != 0 {
			batchesField.put(c, id, nil)
		}
	}
	batchesField.put(c, 0, &all)
}

func (c *Candidate) endCapabilities() {
	for id := range c.next.leasedReaders.Shared() {
		leasedReadersField.put(c, id, nil)
	}
	for id := range c.next.criticalReaders.Shared() {
		criticalReadersField.put(c, id, nil)
	}
	for id := range c.next.writers.Shared() {
		writersField.put(c, id, nil)
	}
	for id := range c.next.compactions.Shared() {
		compactionsField.put(c, id, nil)
	}
}
