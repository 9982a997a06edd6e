package state

import "github.com/tidemarkdb/tidemark/frontier"

// RegisterCriticalReader makes a reader whose capability lasts until it is given
// up, at the since of the shard; or finds it, as it is, if it was made before.
type RegisterCriticalReader struct {
	ID CriticalReaderID
	// Opaque is that of a new reader. An existing one keeps its own, which has to
	// be of the same codec.
	Opaque Opaque
	Debug  Debug
}

// run commits always, except on a tombstone, where it answers what would be.
func (r RegisterCriticalReader) run(c *Candidate) (CriticalReader, Standing, error) {
	reader := CriticalReader{Since: c.next.since, Opaque: r.Opaque, Debug: r.Debug}
	if err := checkLabels(r.Opaque.Codec, r.Debug.Host, r.Debug.Purpose); err != nil {
		return CriticalReader{}, Final, err
	}
	if c.next.IsTombstone() {
		return reader, Final, nil
	}
	if c.isTouched(criticalKind, r.ID) {
		return CriticalReader{}, Stale, ErrNextVersion
	}
	if old := c.next.criticalReaders.Lookup(r.ID); old != nil {
		if old.Opaque.Codec != r.Opaque.Codec {
			return CriticalReader{}, Stale, misuse(OpaqueCodecChanged, "%q, and not %q", old.Opaque.Codec, r.Opaque.Codec)
		}
		reader.Since, reader.Opaque = old.Since, old.Opaque
	}
	c.touch(criticalKind, r.ID)
	criticalReadersField.put(c, r.ID, &reader)
	c.propose()
	return reader, Proposed, nil
}

// CompareAndDowngradeSince moves the since of a critical reader forward, for
// whoever is its owner: who knows the opaque. It is also how a new owner takes
// over, by replacing the opaque. It is not idempotent: see [DowngradeCall].
type CompareAndDowngradeSince struct {
	ID CriticalReaderID
	// Expected is the opaque as the owner knows it; New replaces it.
	Expected, New Opaque
	// Since is the new since. One that is before the present since changes
	// nothing but the opaque.
	Since frontier.Antichain
}

// DowngradeAnswer is the answer of [CompareAndDowngradeSince].
type DowngradeAnswer struct {
	// IsOwner says that the opaque was the expected one.
	IsOwner bool
	// Since and Opaque are those of the reader after the command.
	Since  frontier.Antichain
	Opaque Opaque
}

// run commits always, except on a tombstone, where the since is {} for everybody
// and for ever.
func (d CompareAndDowngradeSince) run(c *Candidate) (DowngradeAnswer, Standing, error) {
	if d.Expected.Codec != d.New.Codec {
		return DowngradeAnswer{}, Final, misuse(OpaqueCodecChanged, "from %q to %q", d.Expected.Codec, d.New.Codec)
	}
	if c.next.IsTombstone() {
		return DowngradeAnswer{IsOwner: true, Since: frontier.Empty(), Opaque: d.New}, Final, nil
	}
	if c.isTouched(criticalKind, d.ID) || c.hasLostReader {
		return DowngradeAnswer{}, Stale, ErrNextVersion
	}
	old := c.next.criticalReaders.Lookup(d.ID)
	if old == nil {
		return DowngradeAnswer{}, Stale, misuse(UnknownReader, "%v", d.ID)
	}
	if old.Opaque.Codec != d.Expected.Codec {
		return DowngradeAnswer{}, Stale, misuse(OpaqueCodecChanged, "%q, and not %q", old.Opaque.Codec, d.Expected.Codec)
	}
	c.touch(criticalKind, d.ID)
	c.propose()
	if old.Opaque != d.Expected {
		return DowngradeAnswer{Since: old.Since, Opaque: old.Opaque}, Proposed, nil
	}
	reader := *old
	reader.Opaque = d.New // also if the since stays: the earlier owner must be shut out
	reader.Since = old.Since.Join(d.Since)
	criticalReadersField.put(c, d.ID, &reader)
	if old.Since.LessEqual(d.Since) {
		c.recomputeSince()
	}
	return DowngradeAnswer{IsOwner: true, Since: reader.Since, Opaque: reader.Opaque}, Proposed, nil
}

// recomputeSince moves the since of the shard to where all readers have got to.
// With no readers it stays: none is not all. It never goes back.
func (c *Candidate) recomputeSince() {
	if agreed, ok := c.next.readersSince(); ok {
		sinceField.set(c, c.next.since.Join(agreed))
	}
}

// ExpireCriticalReader gives up the capability of a critical reader. Its answer
// is whether there was one.
type ExpireCriticalReader struct {
	ID CriticalReaderID
}

// run leaves the since where it is: nobody who remains has agreed to move it. It
// commits always, except on a tombstone, which has no readers.
func (e ExpireCriticalReader) run(c *Candidate) (existed bool, standing Standing, err error) {
	if c.next.IsTombstone() {
		return false, Final, nil
	}
	if c.isTouched(criticalKind, e.ID) {
		return false, Stale, ErrNextVersion
	}
	existed = c.next.criticalReaders.Lookup(e.ID) != nil
	c.touch(criticalKind, e.ID)
	criticalReadersField.put(c, e.ID, nil)
	c.hasLostReader = true
	c.propose()
	return existed, Proposed, nil
}
