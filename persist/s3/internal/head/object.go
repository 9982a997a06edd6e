package head

import (
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// RingLength is how many of the latest commit ids a head remembers, whether or not their
// data is still there. It is part of the format.
const RingLength = 256

// Entry is one version of a key.
type Entry struct {
	_      struct{} `cbor:",toarray"`
	SeqNo  state.SeqNo
	Commit ID // of the call that appended it
	Data   []byte
}

// Link is what a head knows of a segment.
type Link struct {
	Name        string      `cbor:"1,keyasint"` // see [SegmentName]
	First, Last state.SeqNo `cbor:"-"`          // of its versions; part of the name
	Bytes       uint64      `cbor:"2,keyasint"`
	Checksum    uint32      `cbor:"3,keyasint"` // CRC32C of all of the object
}

// Object is the content of a head: all that is known of a key, but for what is in the
// segments. It is immutable; whoever changes one makes another.
type Object struct {
	// Nonce is different in each object ever written, so that no two of them have
	// the same tag.
	Nonce ID
	// Low is the earliest version that has not been truncated.
	Low state.SeqNo
	// Links are the segments with the older versions, in ascending order. The
	// first of them may begin below Low.
	Links []Link
	// Entries are the recent versions, up to the newest. There is at least one.
	Entries []Entry
	// Recent are the commit ids of the newest RingLength versions, or of all if there
	// were not as many, in ascending order.
	Recent []ID
}

// Snapshot is a head that was read or written, with its tag.
type Snapshot struct {
	Tag    Tag
	Object *Object
}

// tag returns the tag, also of no object.
func (s *Snapshot) tag() Tag {
	if s == nil {
		return ""
	}
	return s.Tag
}

// Current returns the SeqNo of the newest version.
func (o *Object) Current() state.SeqNo { return o.Newest().SeqNo }

// Newest returns the newest version. Its data must not be changed.
func (o *Object) Newest() Entry { return o.Entries[len(o.Entries)-1] }

// CommitAt returns the id of the commit that appended a version, and false if the head
// does not know it: the version is yet to come, or older than the ring covers.
func (o *Object) CommitAt(n state.SeqNo) (id ID, known bool) {
	if current := o.Current(); n <= current && uint64(current-n) < uint64(len(o.Recent)) {
		return o.Recent[len(o.Recent)-1-int(current-n)], true
	}
	return ID{}, false
}

// links reports whether the head links a segment.
func (o *Object) links(name string) bool {
	return slices.ContainsFunc(o.Links, func(l Link) bool { return l.Name == name })
}

// dataBytes returns the size of the data of entries.
func dataBytes(entries []Entry) (size int) {
	for _, e := range entries {
		size += len(e.Data)
	}
	return size
}

// created returns the head that a key begins with.
func created(nonce ID, first Entry) *Object {
	return &Object{Nonce: nonce, Low: first.SeqNo, Entries: []Entry{first}, Recent: []ID{first.Commit}}
}

// renewed returns the same value in an object of its own.
func (o *Object) renewed(nonce ID) *Object {
	next := *o
	next.Nonce = nonce
	return &next
}

// appended returns the head with one more version.
func (o *Object) appended(nonce ID, entry Entry) *Object {
	next := o.renewed(nonce)
	next.Entries = append(slices.Clip(o.Entries), entry)
	next.Recent = append(slices.Clip(o.Recent), entry.Commit)
	next.Recent = next.Recent[max(0, len(next.Recent)-RingLength):]
	return next
}

// truncated returns the head without the versions below before, which is not beyond the
// newest.
func (o *Object) truncated(nonce ID, before state.SeqNo) *Object {
	next := o.renewed(nonce)
	next.Low = before
	next.Links = slices.DeleteFunc(slices.Clone(o.Links), func(l Link) bool { return l.Last < before })
	if first := o.Entries[0].SeqNo; before > first {
		next.Entries = o.Entries[before-first:]
	}
	return next
}

// linked returns the head with a segment in the place of the entries that are in it.
func (o *Object) linked(nonce ID, link Link) *Object {
	next := o.renewed(nonce)
	next.Links = append(slices.Clip(o.Links), link)
	next.Entries = o.Entries[link.Last-link.First+1:]
	return next
}
