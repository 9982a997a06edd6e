package state

import "github.com/tidemarkdb/tidemark/frontier"

// Appender is what a writer remembers between its appends: that there is at most
// one at a time, and that after one of unknown outcome it has to take a new name.
// Otherwise the entry that the shard keeps for the writer could be that of
// another append than the one that is being asked about. It is used by one task,
// as are its calls.
type Appender struct {
	writer    WriterID
	open      *AppendCall // the append that is under way
	isTainted bool
}

// NewAppender returns the memory of a writer that has not appended yet.
func NewAppender(writer WriterID) *Appender {
	return &Appender{writer: writer}
}

// Writer returns the present name.
func (a *Appender) Writer() WriterID { return a.writer }

// NeedsRotation reports whether the writer has to take a new name before its next
// append.
func (a *Appender) NeedsRotation() bool { return a.isTainted }

// Rotate gives the writer a new name, which must never have been used. It returns
// a [*UsageError] of kind [WriterBusy] while an append is under way.
func (a *Appender) Rotate(writer WriterID) error {
	if a.open != nil {
		return misuse(WriterBusy, "%v", a.writer)
	}
	a.writer, a.isTainted = writer, false
	return nil
}

// Begin starts an append: the command with the name of the writer filled in, at
// nowMS by the clock that [AppendCall.GiveUp] will be asked with. It returns a
// [*UsageError] of kind [WriterBusy] or [WriterTainted].
func (a *Appender) Begin(command CompareAndAppend, nowMS uint64) (*AppendCall, error) {
	if a.open != nil {
		return nil, misuse(WriterBusy, "%v", a.writer)
	}
	if a.isTainted {
		return nil, misuse(WriterTainted, "%v", a.writer)
	}
	command.Writer = a.writer
	a.open = &AppendCall{Command: command, appender: a, startedMS: nowMS}
	return a.open, nil
}

// AppendCall is one append over all its attempts. Each attempt evaluates Command.
// If there is a transition it goes to be committed: on a clear yes [AppendCall.Finish]
// is called with the answer, on a clear no there is just another attempt, and if
// it is unknown, [AppendCall.Indeterminate] is called before there is another
// attempt. If there is no transition, Finish is called with the answer, once it
// is known to be that of the current version.
type AppendCall struct {
	// Command is the same for all attempts.
	Command CompareAndAppend

	appender        *Appender
	startedMS       uint64
	isIndeterminate bool // whether some attempt is
}

// Indeterminate notes that nobody knows whether the latest attempt was committed,
// or will be.
func (c *AppendCall) Indeterminate() { c.isIndeterminate = true }

// Finish ends the call with the answer to its last attempt, and says what the
// caller is to be told: nil if the updates have been appended, by whatever
// attempt; an [*UpperMismatchError] if they have not been and never will be by
// this call; an [*UnknownOutcomeError] if that cannot be told.
func (c *AppendCall) Finish(answer AppendAnswer) error {
	switch {
	case answer.Outcome == Appended:
		return c.end(nil)
	case answer.Outcome == AlreadyAppended && c.isIndeterminate:
		return c.end(nil)
	case answer.Outcome == AlreadyAppended:
		return c.end(misuse(InvalidToken, "%v has been used for another append", c.Command.Token))
	case answer.Outcome != UpperDiffers:
		return c.end(violation("P-27", "an append ends with the answer %q", answer.Outcome))
	case c.isIndeterminate && !answer.IsRuledOut:
		return c.end(unknownOutcome("the upper differs, which may be due to an earlier attempt"))
	default:
		return c.end(&UpperMismatchError{Expected: c.Command.Expected, Current: answer.Upper})
	}
}

// GiveUp is asked before each further attempt. It ends the call with an
// [*UnknownOutcomeError] if an attempt is indeterminate and half the lease of the
// writer has passed since the call began; else it returns nil.
func (c *AppendCall) GiveUp(nowMS uint64) error {
	elapsedMS := frontier.SaturatingSub(nowMS, c.startedMS)
	if c.isIndeterminate && elapsedMS >= c.Command.LeaseMS/2 {
		return c.end(unknownOutcome("no answer within half the lease of the writer"))
	}
	return nil
}

// Abandon ends the call without an answer, because whoever waited for it has gone
// or because it was refused. It returns an [*UnknownOutcomeError] if an attempt
// may have been committed, or still be; isInFlight says that the latest one has
// been sent and not been answered. Otherwise it returns nil: nothing happened.
func (c *AppendCall) Abandon(isInFlight bool) error {
	if c.isIndeterminate || isInFlight {
		c.isIndeterminate = true
		return c.end(unknownOutcome("abandoned"))
	}
	return c.end(nil)
}

func unknownOutcome(reason string) error { return &UnknownOutcomeError{Reason: reason} }

// end lets the writer go on. An attempt without an answer may still land; if the
// call has found out about it, it cannot: another version is in its place.
func (c *AppendCall) end(err error) error {
	if c.appender.open == c {
		c.appender.open = nil
	}
	if _, isUnknown := err.(*UnknownOutcomeError); isUnknown {
		c.appender.isTainted = true
	}
	return err
}

// DowngradeCall is one [CompareAndDowngradeSince] over all its attempts, which go
// as those of an [AppendCall] do. An attempt that was committed unknown to the
// caller has replaced the opaque that the next one expects: that must not look
// like another owner.
type DowngradeCall struct {
	// Command is the same for all attempts.
	Command CompareAndDowngradeSince

	isIndeterminate bool
}

// Indeterminate notes that nobody knows whether the latest attempt was committed,
// or will be.
func (d *DowngradeCall) Indeterminate() { d.isIndeterminate = true }

// Finish returns what the caller is to be told, given the answer to the last
// attempt. This is right if no two owners use the same opaque, which is what
// opaques are for.
func (d *DowngradeCall) Finish(answer DowngradeAnswer) DowngradeAnswer {
	isOurs := answer.Opaque == d.Command.New && d.Command.Since.LessEqual(answer.Since)
	if d.isIndeterminate && isOurs {
		answer.IsOwner = true
	}
	return answer
}

// EverApplied is one command over all its attempts whose answer is whether what
// it offers was taken, as that of [AddRollup] is. On a no, the caller deletes what
// it offered; so a no must be certain. Attempts go as those of an [AppendCall] do.
// The zero value is a call without attempts.
type EverApplied struct {
	mayBeApplied bool
}

// Indeterminate notes that nobody knows whether the latest attempt was committed,
// or will be, and what its answer was. An attempt that was clearly not committed
// is not noted at all.
func (e *EverApplied) Indeterminate(isApplied bool) { e.mayBeApplied = e.mayBeApplied || isApplied }

// Finish returns what the caller is to be told, given the answer to the last
// attempt.
func (e *EverApplied) Finish(isApplied bool) bool { return isApplied || e.mayBeApplied }
