package state

// ExpireWriter forgets a writer who will not append any more. Its answer is
// whether there was an entry. Without it the entry goes when its lease runs out.
type ExpireWriter struct {
	ID WriterID
}

// run commits always, except on a tombstone, which has no writers.
func (e ExpireWriter) run(c *Candidate) (existed bool, standing Standing, err error) {
	if c.next.IsTombstone() {
		return false, Final, nil
	}
	if c.isTouched(writerKind, e.ID) {
		return false, Stale, ErrNextVersion
	}
	existed = c.next.writers.Lookup(e.ID) != nil
	c.touch(writerKind, e.ID)
	writersField.put(c, e.ID, nil)
	c.propose()
	return existed, Proposed, nil
}
