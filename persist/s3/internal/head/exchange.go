package head

import (
	"errors"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// exchange replaces the head of a key by one built on it. It is what the calls that write
// have in common: which request is next, and what can be known about those that were sent.
type exchange struct {
	shard string
	id    ID

	action  Action
	outcome Outcome
	err     error
	result  *Snapshot // the newest head that the outcome is about

	// The latest attempt: attempt was built on base, which is nil if there is to be
	// no head, and body is what is sent of it.
	base    *Snapshot
	attempt *Object
	body    []byte
	built   uint32 // number of attempts, and of segments
	// unsettled says that a request was sent that may have had an effect, or may
	// still have it.
	unsettled bool

	// The furthest versions seen, from which no head goes back.
	current, low state.SeqNo
}

// rules are what differs between the calls.
type rules interface {
	// found is called with a head that was read.
	found(s *Snapshot)
	// absent is called when there is no head, and none was ever seen.
	absent()
	// landed is called with the attempt that has become the head.
	landed(s *Snapshot)
}

// Next implements [Call].
func (e *exchange) Next() Action { return e.action }

// Outcome returns what has become of the call. It is final once Next is [Finished].
func (e *exchange) Outcome() Outcome { return e.outcome }

// Err returns the reason of an outcome that needs one, otherwise nil.
func (e *exchange) Err() error { return e.err }

// Head returns the newest head that the call has seen when it got its outcome: worth keeping
// for the next call. It is nil if the call has seen none.
func (e *exchange) Head() *Snapshot { return e.result }

// start begins with a head that is known, if one is.
func (e *exchange) start(known *Snapshot) {
	e.action = GetHead{}
	if known != nil {
		e.current, e.low = known.Object.Current(), known.Object.Low
	}
}

// exchanged takes the answers to reading and writing the head, and returns false for others.
func (e *exchange) exchanged(answer Answer, r rules) bool {
	if stopped, ok := answer.(Stopped); ok {
		e.stop(stopped.Cause)
		return true
	}
	switch e.action.(type) {
	case GetHead:
		switch a := answer.(type) {
		case Found:
			if s := e.read(a); s != nil {
				r.found(s)
			}
		case Absent:
			if e.current > 0 {
				e.fail(corruptHead("is gone"))
				break
			}
			r.absent()
		}
	case PutHead:
		if a, ok := answer.(Wrote); ok {
			e.wrote(a, r)
		}
	default:
		return false
	}
	return true
}

// read returns the head that was found, or nil if it makes the call fail.
func (e *exchange) read(a Found) *Snapshot {
	object, err := Decode(e.shard, a.Body)
	if err != nil {
		e.fail(err)
		return nil
	}
	if object.Current() < e.current || object.Low < e.low {
		e.fail(corruptHead("went back from %v to %v, or from %v to %v",
			e.current, object.Current(), e.low, object.Low))
		return nil
	}
	e.current, e.low = object.Current(), object.Low
	return &Snapshot{Tag: a.Tag, Object: object}
}

// wrote decides nothing but a success: whatever else was answered, the request, or an
// earlier one with the same body, may have been what made it so.
func (e *exchange) wrote(a Wrote, r rules) {
	if a.Verdict == Refused {
		e.fail(a.Cause)
		return
	}
	e.unsettled = true
	switch a.Verdict {
	case Written:
		e.current, e.low = e.attempt.Current(), e.attempt.Low
		r.landed(&Snapshot{Tag: a.Tag, Object: e.attempt})
	case Conflict: // the same request once more
	default:
		e.action = GetHead{}
	}
}

// put sends what build makes of base. While the tag is still the one that the latest attempt
// was built on, that attempt is repeated, byte for byte: it can land only once.
func (e *exchange) put(base *Snapshot, build func(nonce ID) *Object) {
	if e.attempt == nil || base.tag() != e.base.tag() {
		attempt := build(e.fresh())
		body, err := Encode(e.shard, attempt)
		if err != nil {
			e.fail(err)
			return
		}
		e.base, e.attempt, e.body = base, attempt, body
	}
	e.action = PutHead{Match: base.tag(), Body: e.body}
}

// fresh returns an id that nothing of this call has had.
func (e *exchange) fresh() ID {
	e.built++
	return e.id.derived(e.built)
}

// finish ends the call.
func (e *exchange) finish(outcome Outcome, result *Snapshot, err error) {
	e.action, e.outcome, e.result, e.err = Finished{}, outcome, result, err
}

// fail ends the call with what is known about its effect.
func (e *exchange) fail(err error) {
	switch {
	case errors.Is(err, wire.ErrCorruption):
		e.finish(Corrupted, nil, err)
	case e.unsettled:
		e.finish(Indeterminate, nil, err)
	default:
		e.finish(Failed, nil, err)
	}
}

// stop ends the call where it is. If it has its outcome, only cleaning up is left undone.
func (e *exchange) stop(cause error) {
	if e.outcome != Running {
		e.action = Finished{}
		return
	}
	if _, sent := e.action.(PutHead); sent {
		e.unsettled = true
	}
	e.fail(cause)
}
