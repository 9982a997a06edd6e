package head

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// Plan says where versions are.
type Plan struct {
	// First and Last are what there is of the versions asked for. If that is
	// nothing, First is the greater one.
	First, Last state.SeqNo
	// Links are the segments that have some of them, and Inline those in the head.
	Links  []Link
	Inline []Entry
}

// Plan returns where to find at most limit versions from one on, the earliest there is if
// that has been truncated.
func (o *Object) Plan(from state.SeqNo, limit int) Plan {
	p := Plan{First: max(from, o.Low), Last: o.Current()}
	if limit < 1 || p.First > p.Last {
		return Plan{First: 1}
	}
	if uint64(p.Last-p.First) >= uint64(limit) {
		p.Last = p.First + state.SeqNo(limit) - 1
	}
	for _, link := range o.Links {
		if link.First <= p.Last && link.Last >= p.First {
			p.Links = append(p.Links, link)
		}
	}
	p.Inline = p.clip(o.Entries)
	return p
}

// clip returns those entries that the plan is about.
func (p *Plan) clip(entries []Entry) []Entry {
	first, last := entries[0].SeqNo, entries[len(entries)-1].SeqNo
	if first > p.Last || last < p.First {
		return nil
	}
	return entries[max(first, p.First)-first : min(last, p.Last)-first+1]
}

// Scan reads versions. It ends Committed, and then Entries are those that there were at a
// moment of the call; Failed; or Corrupted. It writes nothing.
type Scan struct {
	shard   string
	from    state.SeqNo
	limit   int
	action  Action
	plan    Plan
	head    *Object
	read    map[string][]Entry // by name of the segment
	missing []Link             // the segments that have yet to be read
	lost    *Link              // the segment that is not there
	found   []Entry

	outcome Outcome
	err     error
}

// NewScan returns a call that reads at most limit versions from one on. The error wraps
// [state.ErrUsage] if the limit is not at least 1.
func NewScan(shard string, from state.SeqNo, limit int) (*Scan, error) {
	if limit < 1 {
		return nil, fmt.Errorf("scan with a limit of %d: %w", limit, state.ErrUsage)
	}
	return &Scan{shard: shard, from: from, limit: limit, action: GetHead{}, read: make(map[string][]Entry)}, nil
}

// Next implements [Call].
func (s *Scan) Next() Action { return s.action }

// Outcome returns what has become of the call.
func (s *Scan) Outcome() Outcome { return s.outcome }

// Err returns why the call did not succeed, otherwise nil.
func (s *Scan) Err() error { return s.err }

// Entries returns the versions, in ascending order and without gaps. Their data must not be
// changed.
func (s *Scan) Entries() []Entry { return s.found }

// Answer implements [Call].
func (s *Scan) Answer(answer Answer) {
	if stopped, ok := answer.(Stopped); ok {
		s.fail(stopped.Cause)
		return
	}
	switch s.action.(type) {
	case GetHead:
		s.headAnswer(answer)
	case GetSegments:
		s.segmentAnswer(answer)
	}
}

func (s *Scan) headAnswer(answer Answer) {
	switch a := answer.(type) {
	case Absent:
		if s.head != nil {
			s.fail(corruptHead("is gone"))
			return
		}
		s.finish(nil)
	case Found:
		head, err := Decode(s.shard, a.Body)
		switch {
		case err != nil:
			s.fail(err)
		case s.lost != nil && head.Low <= s.lost.Last:
			s.fail(corruptSegment("of %v to %v is missing", s.lost.First, s.lost.Last))
		default:
			s.head, s.lost, s.plan = head, nil, head.Plan(s.from, s.limit)
			s.gather()
		}
	}
}

// segmentAnswer takes what was read of one segment. One that is missing has been truncated
// since the head was read, and the head says so now; otherwise it is lost.
func (s *Scan) segmentAnswer(answer Answer) {
	switch a := answer.(type) {
	case SegmentFound:
		link := s.wanted(a.Name)
		if link == nil {
			return
		}
		entries, err := DecodeSegment(s.shard, *link, a.Body)
		if err != nil {
			s.fail(err)
			return
		}
		s.read[a.Name] = entries
		s.missing = slices.DeleteFunc(s.missing, func(l Link) bool { return l.Name == a.Name })
		s.settle()
	case SegmentAbsent:
		if link := s.wanted(a.Name); link != nil {
			lost := *link
			s.lost, s.action = &lost, GetHead{}
		}
	}
}

// wanted returns the link to a segment that has yet to be read, or nil.
func (s *Scan) wanted(name string) *Link {
	i := slices.IndexFunc(s.missing, func(l Link) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &s.missing[i]
}

// gather asks for the segments that have not been read, or ends the call.
func (s *Scan) gather() {
	s.missing = nil
	for _, link := range s.plan.Links {
		if s.read[link.Name] == nil {
			s.missing = append(s.missing, link)
		}
	}
	s.settle()
}

func (s *Scan) settle() {
	if len(s.missing) > 0 {
		s.action = GetSegments{Links: slices.Clone(s.missing)}
		return
	}
	var found []Entry
	for _, link := range s.plan.Links {
		found = append(found, s.plan.clip(s.read[link.Name])...)
	}
	s.finish(append(found, s.plan.Inline...))
}

func (s *Scan) finish(found []Entry) {
	s.action, s.outcome, s.found = Finished{}, Committed, found
}

func (s *Scan) fail(err error) {
	s.action, s.outcome, s.err = Finished{}, Failed, err
	if errors.Is(err, wire.ErrCorruption) {
		s.outcome = Corrupted
	}
}
