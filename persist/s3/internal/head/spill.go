package head

// Budget is how much a head holds before some of it is worth spilling. Everybody who waits
// for new versions reads all of it.
type Budget struct {
	Bytes   int // of data
	Entries int // versions
	// Kept is how many of the newest versions stay in the head, however large they are:
	// who follows a key never needs its segments. It is at most EntriesKept.
	Kept int
}

// EntriesKept is the Kept of the default budget.
const EntriesKept = 32

// DefaultBudget returns the one that all processes should have: 64 KiB or 128 versions, of which
// the newest 32 stay.
func DefaultBudget() Budget { return Budget{Bytes: 64 << 10, Entries: 128, Kept: EntriesKept} }

// spillable returns how many of the oldest versions should leave the head: none while it
// is within the budget, and none for the sake of bytes if so few could go that versions too large
// for the budget would each become a segment.
func (b Budget) spillable(o *Object) int {
	older := o.Entries[:max(0, len(o.Entries)-b.Kept)]
	size := dataBytes(o.Entries)
	isWorthIt := size > b.Bytes && dataBytes(older) >= b.Bytes/4
	isUrgent := len(o.Entries) > b.Entries || size > InlineBytesMax-VersionBytesMax
	if len(o.Links) < LinksMax && (isWorthIt || isUrgent) {
		return len(older)
	}
	return 0
}

// IsExceeded reports whether it is time for a [Spill].
func (b Budget) IsExceeded(o *Object) bool { return b.spillable(o) > 0 }

// Spill moves the older versions of a head into a segment. It changes nothing but where
// they are. It ends Committed; Unneeded if the head is within its budget; Failed;
// Indeterminate; or Corrupted. All but the last need no attention.
//
// A segment is linked only by a request whose tag was read before the segment was written
// (rule S). So whoever sees a head with another tag than that of the attempt knows: the segment
// is linked there, or it never will be and can go. Nobody else can know, and so a segment
// whose fate is open when the call ends stays for a [Sweep].
type Spill struct {
	exchange
	budget Budget
	link   Link
	after  *Snapshot // with what to start over once the segment is deleted
}

// NewSpill returns a call that begins with the head that is known, if there is one.
func NewSpill(shard string, id ID, known *Snapshot, budget Budget) *Spill {
	s := &Spill{exchange: exchange{shard: shard, id: id}, budget: budget}
	s.start(known)
	if known != nil {
		s.begin(known)
	}
	return s
}

// begin writes the segment that is to be linked on top of base.
func (s *Spill) begin(base *Snapshot) {
	older := base.Object.Entries[:s.budget.spillable(base.Object)]
	if len(older) == 0 {
		s.finish(Unneeded, base, nil)
		return
	}
	segment, link, err := EncodeSegment(s.shard, s.fresh(), older)
	if err != nil {
		s.fail(err)
		return
	}
	s.base, s.attempt, s.after, s.link = base, nil, nil, link
	s.action = PutSegment{Name: link.Name, Body: segment}
}

// Answer implements [Call].
func (s *Spill) Answer(answer Answer) {
	if s.exchanged(answer, s) {
		return
	}
	switch s.action.(type) {
	case PutSegment:
		if a, ok := answer.(Wrote); ok {
			s.segmentWrote(a)
		}
	case DeleteSegments:
		if _, ok := answer.(Deleted); ok {
			s.begin(s.after)
		}
	}
}

// segmentWrote links the segment once it is there for certain. Until then the same bytes
// are written again.
func (s *Spill) segmentWrote(a Wrote) {
	switch a.Verdict {
	case Written:
		s.linkTo(s.base)
	case Refused:
		s.fail(a.Cause)
	}
}

func (s *Spill) linkTo(base *Snapshot) {
	s.put(base, func(nonce ID) *Object { return base.Object.linked(nonce, s.link) })
}

func (s *Spill) found(read *Snapshot) {
	switch {
	case s.attempt == nil:
		s.begin(read)
	case read.Object.links(s.link.Name):
		s.landed(read)
	case read.Tag == s.base.Tag:
		s.linkTo(read)
	case read.Object.Nonce == s.base.Object.Nonce:
		// The tag is another one of the same object: as the attempt may yet land, the
		// segment stays, but this tag was read after it was written.
		s.begin(read)
	default:
		s.after = read
		s.action = DeleteSegments{Names: []string{s.link.Name}}
	}
}

func (s *Spill) absent() { s.fail(ErrAbsent) }

func (s *Spill) landed(read *Snapshot) { s.finish(Committed, read, nil) }
