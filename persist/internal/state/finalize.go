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
	full, wasTombstone := s.firstFull(), s.IsTombstone()
	switch {
	case wasTombstone && full == nil && s.batches.Len() <= 1:
		return true, Final, nil
	case !wasTombstone && (len(c.touched) > 0 || c.hasLostReader):
		return false, Stale, ErrNextVersion // those commands have been promised a registration
	case s.rollups.Lookup(c.base.SeqNo()) != nil:
		return false, Stale, ErrNextVersion // the rollup that is listed here would pass for one of the end
	case full != nil:
		emptied := Batch{IDs: full.IDs, Desc: full.Desc}
		batchesField.put(c, full.IDs.Lower, &emptied)
	case s.batches.Len() > 1:
		c.collapse()
	}
	c.endCapabilities()
	c.hasFinalized = true
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
