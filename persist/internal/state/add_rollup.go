package state

// AddRollup lists a rollup that has been written, so that the shard can be opened
// from it. Its answer is whether it is, or was, listed; if not, the object is
// waste. Mind that after an attempt of unknown outcome the answer alone does not
// tell: see [EverApplied].
type AddRollup struct {
	Key RollupKey
	// EncodedSize is the size of the object in bytes.
	EncodedSize uint64
}

// run commits even if it changes nothing, so that a refusal is known to be about
// the latest version. Only on a tombstone, where an empty version would ask for
// yet another rollup, it answers without one; that is final, for whatever speaks
// against a rollup never goes away.
func (a AddRollup) run(c *Candidate) (isListed bool, standing Standing, err error) {
	n, _, err := a.Key.Parse()
	if err != nil {
		return false, Final, err
	}
	if n == 0 || n > c.base.SeqNo() {
		return false, Stale, misuse(InvalidRollup, "%q is of no version up to %v", a.Key, c.base.SeqNo())
	}
	listed := c.next.rollups.Lookup(n)
	isListed = listed != nil && listed.Key == a.Key
	// A replay must not list a key again that garbage collection has removed and
	// whose object it deletes.
	first, _ := c.next.rollups.First()
	isNew := listed == nil && n >= first && n > c.next.rollupsRemoved
	if c.next.IsTombstone() && !isNew {
		return isListed, Final, nil
	}
	if isNew {
		rollupsField.put(c, n, &Rollup{Key: a.Key, EncodedSize: a.EncodedSize})
		activeRollupField.set(c, Activity{})
	}
	c.propose()
	return isListed || isNew, Proposed, nil
}
