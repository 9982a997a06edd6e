package state

// BeginEpoch makes an epoch the one with which the keys of new parts are marked.
// Its answer is the epoch after the command, which may be a later one.
type BeginEpoch struct {
	Epoch Epoch
}

// run commits if that changes anything.
func (b BeginEpoch) run(c *Candidate) (Epoch, Standing, error) {
	if c.next.IsTombstone() || b.Epoch <= c.next.batchEpoch {
		return c.next.batchEpoch, Final, nil
	}
	batchEpochField.set(c, b.Epoch)
	c.propose()
	return b.Epoch, Proposed, nil
}

// RaiseFence refuses all parts of earlier epochs from now on: one that no batch
// refers to is never going to be referred to, and may be deleted. Its answer is
// the fence after the command, which may be at a later epoch.
type RaiseFence struct {
	Epoch Epoch
}

// run commits if that changes anything. The fence is never ahead of the epoch in
// which parts are begun.
func (r RaiseFence) run(c *Candidate) (Epoch, Standing, error) {
	if c.next.IsTombstone() || r.Epoch <= c.next.batchEpochMin {
		return c.next.batchEpochMin, Final, nil
	}
	if r.Epoch > c.next.batchEpoch {
		return 0, Stale, misuse(InvalidEpoch, "%d, and parts are of %d", r.Epoch, c.next.batchEpoch)
	}
	batchEpochMinField.set(c, r.Epoch)
	c.propose()
	return r.Epoch, Proposed, nil
}
