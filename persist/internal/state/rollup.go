package state

import "fmt"

// Rollup is a complete copy of one version of the state, in the blob store. With
// it and the diffs after it every later version can be built, so the diffs
// before it are not needed.
type Rollup struct {
	// Key is where the object is, and says of which version it is.
	Key RollupKey `cbor:"1,keyasint"`
	// EncodedSize is the size of the object in bytes. 0 means unknown: the first
	// rollup lists itself and so cannot say how large it is.
	EncodedSize uint64 `cbor:"2,keyasint,omitzero"`
}

// Equal reports whether both are the same.
func (r Rollup) Equal(other Rollup) bool { return r == other }

// String returns the key and the size.
func (r Rollup) String() string { return fmt.Sprintf("%s %d B", r.Key, r.EncodedSize) }

// Activity is a piece of background work that somebody has been asked to do and
// that has not been reported finished. It keeps others from doing the same, until
// it is so old that whoever had it is taken for dead. The zero value is none.
type Activity struct {
	// SeqNo is the version that was current when the work was assigned, for
	// garbage collection the version up to which to collect.
	SeqNo SeqNo `cbor:"1,keyasint"`
	// StartedMS is when it was assigned, in milliseconds since the Unix epoch.
	StartedMS uint64 `cbor:"2,keyasint"`
}

// IsActive reports whether there is such work and nowMS is less than timeoutMS
// away from when it was assigned. Away in either direction: an assignment from
// the future comes from a clock that is wrong, and must not last.
func (a Activity) IsActive(nowMS, timeoutMS uint64) bool {
	age := max(nowMS, a.StartedMS) - min(nowMS, a.StartedMS)
	return a != Activity{} && age < timeoutMS
}

// String returns the version and the time.
func (a Activity) String() string {
	if a == (Activity{}) {
		return "none"
	}
	return fmt.Sprintf("%v since %d ms", a.SeqNo, a.StartedMS)
}

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
	if c.hasFinalized {
		return false, Stale, ErrNextVersion
	}
	listed := c.next.rollups.Lookup(n)
	isListed = listed != nil && listed.Key == a.Key
	// A replay must not list a key again that garbage collection has removed and
	// whose object it deletes.
	first, _ := c.next.rollups.First()
	latest, _ := c.next.rollups.Last()
	isNew := listed == nil && n >= first && n > c.next.rollupsRemoved
	if c.next.IsTombstone() && latest+1 >= c.next.SeqNo()-1 {
		isNew = false // all that came after the latest rollup is that it was listed
	}
	if c.next.IsTombstone() && !isNew {
		return isListed, Final, nil
	}
	if isNew {
		rollupsField.put(c, n, &Rollup{Key: a.Key, EncodedSize: a.EncodedSize})
		activeRollupField.set(c, Activity{})
		if c.next.IsTombstone() {
			c.removeRollups(n)
		}
	}
	c.proposeUpkeep()
	return isListed || isNew, Proposed, nil
}

// removeRollups unlists the rollups of all versions before one. Their objects are
// waste once the log begins with it.
func (c *Candidate) removeRollups(before SeqNo) (removed []Rollup) {
	for n, rollup := range c.next.rollups.Shared() {
		if n < before {
			removed = append(removed, *rollup)
			rollupsField.put(c, n, nil)
			rollupsRemovedField.set(c, n)
		}
	}
	return removed
}

// RemoveRollups unlists the rollups of versions before the first that is left of
// the log, and reports that garbage collection has come to its end. Its answer is
// what was unlisted: objects that nobody needs any more.
//
// A tombstone lists one rollup only, since [AddRollup] unlists the others there:
// a version that did would need another rollup after it.
type RemoveRollups struct {
	// Keep is the first version that is left. If it has no rollup that is listed
	// nothing is unlisted.
	Keep SeqNo
}

// run commits if there is anything to unlist or to report.
func (r RemoveRollups) run(c *Candidate) (removed []Rollup, standing Standing, err error) {
	if c.next.IsTombstone() {
		return nil, Final, nil
	}
	if c.next.rollups.Lookup(r.Keep) != nil {
		removed = c.removeRollups(r.Keep)
	}
	if len(removed) == 0 && c.next.activeGC == (Activity{}) {
		return nil, Stale, nil
	}
	activeGCField.set(c, Activity{})
	c.proposeUpkeep()
	return removed, Proposed, nil
}
