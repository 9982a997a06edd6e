package head

import (
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// The limits of what is written, and hence of what is read.
const (
	// VersionBytesMax is the size of the largest version.
	VersionBytesMax = 8 << 20
	// EntriesMax is how many versions a head can hold itself. All of them are
	// in the ring.
	EntriesMax = RingLength
	// InlineBytesMax is how many bytes of data a head can hold itself: what a
	// spill leaves there, and one version more.
	InlineBytesMax = (EntriesKept + 1) * VersionBytesMax
	// LinksMax is how many segments a head can link.
	LinksMax = 1 << 16
)

// Check returns a [*wire.CorruptionError] if an invariant of the object is broken. None that
// is broken is ever written, or believed when read.
func (o *Object) Check() error {
	if o.Nonce == (ID{}) {
		return corruptHead("has no nonce")
	}
	if err := checkEntries("head", o.Entries, EntriesMax); err != nil {
		return err
	}
	if size := dataBytes(o.Entries); size > InlineBytesMax {
		return corruptHead("%d bytes of data are too many", size)
	}
	if err := o.checkLinks(); err != nil {
		return err
	}
	return o.checkRing()
}

// checkLinks checks that the segments lead up to the entries, without a gap, and that
// everything above Low is there and nothing that is wholly below it.
func (o *Object) checkLinks() error {
	if len(o.Links) > LinksMax {
		return corruptHead("links %d segments", len(o.Links))
	}
	oldestEnd := o.Entries[0].SeqNo // the last version of what comes first
	if len(o.Links) > 0 {
		oldestEnd = o.Links[0].Last
	}
	begin := o.Entries[0].SeqNo
	for i := len(o.Links) - 1; i >= 0; i-- {
		link := &o.Links[i]
		first, last, ok := ParseSegmentName(link.Name)
		switch {
		case !ok || first != link.First || last != link.Last:
			return corruptHead("segment %d has an impossible name", i)
		case last+1 != begin:
			return corruptHead("segment %d ends at %v, before %v", i, last, begin)
		case link.Bytes == 0:
			return corruptHead("segment %d is empty", i)
		}
		begin = first
	}
	if o.Low < begin || o.Low > oldestEnd {
		return corruptHead("begins at %v, with %v to %v", o.Low, begin, oldestEnd)
	}
	return nil
}

// checkRing checks that the ring is as long as it has to be, and agrees with the entries.
func (o *Object) checkRing() error {
	if want := min(uint64(o.Current()), RingLength); uint64(len(o.Recent)) != want {
		return corruptHead("has %d recent ids and not %d", len(o.Recent), want)
	}
	for i := range o.Entries {
		if id, _ := o.CommitAt(o.Entries[i].SeqNo); id != o.Entries[i].Commit {
			return corruptHead("the id of %v is not in the ring", o.Entries[i].SeqNo)
		}
	}
	return nil
}

// checkEntries checks that there are at least one and at most a number of versions, each
// possible, and without gaps.
func checkEntries(what string, entries []Entry, entriesMax int) error {
	if len(entries) == 0 || len(entries) > entriesMax {
		return wire.Corrupt(what, "has %d versions", len(entries))
	}
	for i := range entries {
		n, want := entries[i].SeqNo, entries[0].SeqNo+state.SeqNo(i)
		switch {
		case n < 1 || n > state.MaxSeqNo:
			return wire.Corrupt(what, "%v is no version", n)
		case n != want:
			return wire.Corrupt(what, "%v is in the place of %v", n, want)
		case entries[i].Commit == (ID{}):
			return wire.Corrupt(what, "%v has no id", n)
		case len(entries[i].Data) > VersionBytesMax:
			return wire.Corrupt(what, "%v is of %d bytes", n, len(entries[i].Data))
		}
	}
	return nil
}

func corruptHead(format string, args ...any) error {
	return wire.Corrupt("head", format, args...)
}
