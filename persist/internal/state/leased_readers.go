package state

import "github.com/tidemarkdb/tidemark/frontier"

// RegisterLeasedReader makes a reader whose capability lasts as long as its lease
// is renewed. It begins at the since of the shard and holds the version that
// registers it.
type RegisterLeasedReader struct {
	// ID is new: it has never been and will never be that of anybody else.
	ID LeasedReaderID
	// LeaseMS is for how many milliseconds a sign of life is enough.
	LeaseMS uint64
	// IsAtCriticalSince asks for the since on which the critical readers agree, if
	// there is one, instead of that of the shard. Where readers come and go faster
	// than they move their sinces, each beginning where the one before it began,
	// the since of the shard would never advance.
	IsAtCriticalSince bool
	// HoldsObjectsOnly makes a reader that holds no time: its since is {}, and the
	// since of the shard advances as if it were not there.
	HoldsObjectsOnly bool
	Debug            Debug
}

// run commits always, except on a tombstone, where it answers what would be.
func (r RegisterLeasedReader) run(c *Candidate) (LeasedReader, Standing, error) {
	if err := checkLabels(r.Debug.Host, r.Debug.Purpose); err != nil {
		return LeasedReader{}, Final, err
	}
	reader := LeasedReader{
		Hold: c.next.SeqNo(), Since: c.next.since, Lease: Lease{}.Renewed(c.env.NowMS, r.LeaseMS), Debug: r.Debug,
	}
	if c.next.IsTombstone() {
		return reader, Final, nil
	}
	if c.isTouched(leasedKind, r.ID) {
		return LeasedReader{}, Stale, ErrNextVersion
	}
	if critical, ok := c.next.CriticalSince(); ok && r.IsAtCriticalSince {
		reader.Since = critical
	}
	if r.HoldsObjectsOnly {
		reader.Since = frontier.Empty()
	}
	if earlier := c.next.leasedReaders.Lookup(r.ID); earlier != nil { // an attempt of this very call
		reader.Hold, reader.Since = earlier.Hold, earlier.Since
		reader.Lease = earlier.Lease.Renewed(c.env.NowMS, r.LeaseMS)
	}
	c.touch(leasedKind, r.ID)
	leasedReadersField.put(c, r.ID, &reader)
	c.propose()
	return reader, Proposed, nil
}

// HeartbeatLeasedReader is a sign of life of a leased reader. Its answer is
// whether the reader is still registered; once it is not, it never will be.
type HeartbeatLeasedReader struct {
	ID LeasedReaderID
}

// run commits always, except on a tombstone, so that both answers are known to
// be about the latest version.
func (h HeartbeatLeasedReader) run(c *Candidate) (isRegistered bool, standing Standing, err error) {
	if c.next.IsTombstone() {
		return false, Final, nil
	}
	if c.isTouched(leasedKind, h.ID) {
		return false, Stale, ErrNextVersion
	}
	c.touch(leasedKind, h.ID)
	c.propose()
	reader := c.next.leasedReaders.Lookup(h.ID)
	if reader == nil {
		return false, Proposed, nil
	}
	renewed := *reader
	renewed.Lease = reader.Lease.Renewed(c.env.NowMS, reader.Lease.DurationMS)
	leasedReadersField.put(c, h.ID, &renewed)
	return true, Proposed, nil
}

// DowngradeLeasedReader moves the since and the hold of a leased reader forward.
// It is a sign of life as well.
type DowngradeLeasedReader struct {
	ID LeasedReaderID
	// Since is the new since. One that is not ahead of the present one changes
	// nothing.
	Since frontier.Antichain
	// Hold is the earliest version whose objects the reader still needs.
	Hold SeqNo
}

// LeasedDowngradeAnswer is the answer of [DowngradeLeasedReader].
type LeasedDowngradeAnswer struct {
	// IsRegistered is false if the lease has run out. The since then is {}.
	IsRegistered bool
	// Since is that of the reader after the command.
	Since frontier.Antichain
}

// run commits if the reader is registered. If it is not, that is final.
func (d DowngradeLeasedReader) run(c *Candidate) (LeasedDowngradeAnswer, Standing, error) {
	gone := LeasedDowngradeAnswer{Since: frontier.Empty()}
	if c.next.IsTombstone() {
		return gone, Final, nil
	}
	if c.isTouched(leasedKind, d.ID) || c.hasLostReader {
		return LeasedDowngradeAnswer{}, Stale, ErrNextVersion
	}
	old := c.next.leasedReaders.Lookup(d.ID)
	if old == nil {
		return gone, Final, nil
	}
	if d.Hold < old.Hold || d.Hold > c.next.SeqNo() {
		return LeasedDowngradeAnswer{}, Stale, misuse(InvalidHold, "%v, after %v, in %v", d.Hold, old.Hold, c.next.SeqNo())
	}
	reader := *old
	reader.Hold = d.Hold
	reader.Since = old.Since.Join(d.Since)
	reader.Lease = old.Lease.Renewed(c.env.NowMS, old.Lease.DurationMS)
	c.touch(leasedKind, d.ID)
	leasedReadersField.put(c, d.ID, &reader)
	if old.Since != reader.Since {
		c.recomputeSince()
	}
	c.propose()
	return LeasedDowngradeAnswer{IsRegistered: true, Since: reader.Since}, Proposed, nil
}

// ExpireLeasedReader gives up the capability of a leased reader. Its answer is
// whether there was one.
type ExpireLeasedReader struct {
	ID LeasedReaderID
}

// run leaves the since where it is: nobody who remains has agreed to move it. It
// commits always, except on a tombstone, which has no readers.
func (e ExpireLeasedReader) run(c *Candidate) (existed bool, standing Standing, err error) {
	if c.next.IsTombstone() {
		return false, Final, nil
	}
	if c.isTouched(leasedKind, e.ID) {
		return false, Stale, ErrNextVersion
	}
	existed = c.next.leasedReaders.Lookup(e.ID) != nil
	c.touch(leasedKind, e.ID)
	leasedReadersField.put(c, e.ID, nil)
	c.hasLostReader = true
	c.propose()
	return existed, Proposed, nil
}
