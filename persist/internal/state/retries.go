package state

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
