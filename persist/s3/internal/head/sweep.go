package head

import "slices"

// Sweep deletes the segments that no head links and none ever will: what was left behind
// by calls that crashed or were stopped. It ends Committed; Unneeded if there are none;
// Failed; Indeterminate, and then it has deleted none; or Corrupted.
//
// A segment that is not linked may be about to be. So before it deletes any, it replaces the
// head by one that differs in nothing but the nonce. Whoever wrote a segment that was listed has
// read the tag for linking it before (rule S), and that tag is now one of the past. If somebody
// else replaces the head first, it looks which of the segments that one links, and replaces it in
// turn; it does not list again.
type Sweep struct {
	exchange
	listed bool
	names  []string // segments that no head has linked since they were listed
}

// NewSweep returns a call. It always begins with reading the head.
func NewSweep(shard string, id ID) *Sweep {
	s := &Sweep{exchange: exchange{shard: shard, id: id}}
	s.start(nil)
	return s
}

// Removed returns the names of the segments that it deletes.
func (s *Sweep) Removed() []string {
	if s.outcome != Committed {
		return nil
	}
	return s.names
}

// Answer implements [Call].
func (s *Sweep) Answer(answer Answer) {
	if s.exchanged(answer, s) {
		return
	}
	switch a := answer.(type) {
	case Listed:
		if _, ok := s.action.(ListSegments); ok {
			s.list(a.Names)
		}
	case Deleted:
		s.action = Finished{}
	}
}

func (s *Sweep) list(names []string) {
	s.listed = true
	for _, name := range names {
		if _, _, ok := ParseSegmentName(name); ok {
			s.names = append(s.names, name)
		}
	}
	s.bump(s.base)
}

// bump replaces the head that was read if there is anything that it does not link.
func (s *Sweep) bump(base *Snapshot) {
	s.names = slices.DeleteFunc(s.names, base.Object.links)
	if len(s.names) == 0 {
		s.finish(Unneeded, base, nil)
		return
	}
	s.put(base, base.Object.renewed)
}

func (s *Sweep) found(read *Snapshot) {
	switch {
	case !s.listed:
		s.base = read
		s.action = ListSegments{}
	case read.Object.Nonce == s.attempt.Nonce:
		s.landed(read)
	default:
		s.bump(read)
	}
}

// absent leaves everything as it is. No head is a reason to look, not to delete.
func (s *Sweep) absent() { s.finish(Unneeded, nil, nil) }

func (s *Sweep) landed(read *Snapshot) {
	s.finish(Committed, read, nil)
	s.action = DeleteSegments{Names: s.names}
}
