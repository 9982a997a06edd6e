package head

// Call is one operation on a key in progress. Whoever has the store performs Next and
// tells Answer how that went, until Next is [Finished]:
//
//	for {
//		action := call.Next()
//		if _, ok := action.(head.Finished); ok {
//			break
//		}
//		call.Answer(perform(action))
//	}
//
// A call remembers; it must not be used by two at the same time. An answer to something
// else than the current action is ignored.
type Call interface {
	// Next returns what has to be done now. It changes nothing.
	Next() Action
	// Answer says what came of it, and may change what is next. When it is the same
	// once more, as after a conflict, it is time to wait a little.
	Answer(answer Answer)
}

// Tag names one state of an object in the store, as the store does (an ETag, opaque). It is
// empty only for an object that there is not.
type Tag string

// Action is something to be done in the store: one of the types below.
type Action interface{ action() }

// The actions.
type (
	// GetHead reads the head. It is answered by Found or Absent.
	GetHead struct{}
	// PutHead writes the head if it has the tag Match, or, if that is empty, if
	// there is none. The request must not be repeated by anybody else. It is
	// answered by Wrote.
	PutHead struct {
		Match Tag
		Body  []byte // belongs to the call
	}
	// PutSegment writes a segment, whatever there is. It is answered by Wrote.
	PutSegment struct {
		Name string
		Body []byte // belongs to the call
	}
	// GetSegments reads segments. Each is answered on its own, by SegmentFound or
	// SegmentAbsent; once another action is next, the others need no answer.
	GetSegments struct{ Links []Link }
	// ListSegments is answered by Listed.
	ListSegments struct{}
	// DeleteSegments deletes segments, those too that there are not. It is answered
	// by Deleted.
	DeleteSegments struct{ Names []string }
	// Finished is the end: the call has its outcome.
	Finished struct{}
)

// Answer is what came of an action: one of the types below.
type Answer interface{ answer() }

// The answers.
type (
	// Found is a head that was read.
	Found struct {
		Tag  Tag
		Body []byte // is not kept
	}
	// Absent says that there definitely is no head: the store has said so of this
	// very key. Every other failure to read it is to be tried again.
	Absent struct{}
	// Wrote says what came of a request to write.
	Wrote struct {
		Verdict Verdict
		Tag     Tag   // of what has been written, if it has
		Cause   error // says more, if it was refused
	}
	// SegmentFound is a segment that was read, and SegmentAbsent says that there
	// definitely is none of the name.
	SegmentFound struct {
		Name string
		Body []byte // is not kept
	}
	// SegmentAbsent says that there definitely is no segment of the name.
	SegmentAbsent struct{ Name string }
	// Listed are the names of the objects beside the head. Those that are no names
	// of segments are ignored.
	Listed struct{ Names []string }
	// Deleted says that the segments have been deleted, or that one more attempt
	// is not worth it: what is left, a sweep deletes.
	Deleted struct{}
	// Stopped takes the place of any answer: time is up, the caller has gone, or
	// the store refuses to be read. A request that was sent and has not been
	// answered may still have its effect.
	Stopped struct{ Cause error }
)

// Verdict is what a store answers to a request to write.
type Verdict int

// The verdicts.
const (
	// Unclear is a timeout, a broken connection, 5xx: the object may have been
	// written, or may still be.
	Unclear Verdict = iota
	// Written is a success: the condition held, and the object is there.
	Written
	// PreconditionFailed says that the condition did not hold: 412, or 404 to a
	// request with a tag. One that was delivered twice gets it for its own success.
	PreconditionFailed
	// Conflict says that something else was under way, and nothing was decided: 409.
	Conflict
	// Refused is any other answer that says that this request has had no effect and
	// never will have: 403, 400.
	Refused
)

// Outcome is what has become of a call.
type Outcome int

// The outcomes.
const (
	// Running calls have none yet.
	Running Outcome = iota
	// Committed calls have had their effect, once, and it is durable.
	Committed
	// Unneeded calls had nothing to do, and have had no effect.
	Unneeded
	// Mismatched calls found another version than expected. They have had no effect
	// and never will have.
	Mismatched
	// Failed calls have had no effect and never will have, for the reason that Err
	// gives.
	Failed
	// Indeterminate calls may have had their effect, or may still have it.
	Indeterminate
	// Corrupted calls found what cannot be. Err says what; nothing is known about
	// their effect.
	Corrupted
)

// String returns the name of the outcome.
func (o Outcome) String() string {
	switch o {
	case Running:
		return "running"
	case Committed:
		return "committed"
	case Unneeded:
		return "unneeded"
	case Mismatched:
		return "mismatched"
	case Failed:
		return "failed"
	case Indeterminate:
		return "indeterminate"
	case Corrupted:
		return "corrupted"
	default:
		return "unknown outcome"
	}
}

func (GetHead) action()        {}
func (PutHead) action()        {}
func (PutSegment) action()     {}
func (GetSegments) action()    {}
func (ListSegments) action()   {}
func (DeleteSegments) action() {}
func (Finished) action()       {}

func (Found) answer()         {}
func (Absent) answer()        {}
func (Wrote) answer()         {}
func (SegmentFound) answer()  {}
func (SegmentAbsent) answer() {}
func (Listed) answer()        {}
func (Deleted) answer()       {}
func (Stopped) answer()       {}
