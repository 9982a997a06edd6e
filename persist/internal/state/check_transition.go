package state

// CheckTransition verifies every invariant that can be seen in two successive
// versions, each of which is valid by itself, and returns a [*ViolationError]
// about the first that does not hold.
func CheckTransition(old, new *State) error {
	if new.SeqNo() != old.SeqNo()+1 {
		return violation("P-1", "%v follows %v", new.SeqNo(), old.SeqNo())
	}
	if old.SeqNo() == 0 {
		return nil
	}
	for _, check := range []func(old, new *State) error{
		checkIdentity, checkProgress, checkRollupChanges, checkRegistrants, checkSchemaChanges,
		checkSinceChange, checkTombstone,
	} {
		if err := check(old, new); err != nil {
			return err
		}
	}
	return checkMerges(old.batches, new.batches)
}

func checkIdentity(old, new *State) error {
	if new.header.Shard != old.header.Shard {
		return violation("P-7", "%v became %v", old.header.Shard, new.header.Shard)
	}
	if new.header.WalltimeMS <= old.header.WalltimeMS {
		return violation("P-11", "walltime went from %d to %d ms", old.header.WalltimeMS, new.header.WalltimeMS)
	}
	return nil
}

// checkProgress verifies that nothing went back that only ever advances.
func checkProgress(old, new *State) error {
	for _, number := range []struct {
		name   string
		before uint64
		after  uint64
	}{
		{"format", uint64(old.header.Version), uint64(new.header.Version)},
		{"seqno since", uint64(old.SeqNoSince()), uint64(new.SeqNoSince())},
		{"last gc", uint64(old.lastGC), uint64(new.lastGC)},
		{"rollups removed", uint64(old.rollupsRemoved), uint64(new.rollupsRemoved)},
		{"batch epoch", uint64(old.batchEpoch), uint64(new.batchEpoch)},
		{"least batch epoch", uint64(old.batchEpochMin), uint64(new.batchEpochMin)},
		{"next batch id", uint64(old.batches.NextID()), uint64(new.batches.NextID())},
	} {
		if number.after < number.before {
			return violation("P-11", "%s went from %d to %d", number.name, number.before, number.after)
		}
	}
	if !old.since.LessEqual(new.since) {
		return violation("P-11", "since went from %v to %v", old.since, new.since)
	}
	if !old.Upper().LessEqual(new.Upper()) {
		return violation("P-11", "upper went from %v to %v", old.Upper(), new.Upper())
	}
	return nil
}

func checkRollupChanges(old, new *State) error {
	for n, rollup := range new.rollups.Shared() {
		before := old.rollups.Lookup(n)
		switch {
		case before != nil && *before != *rollup:
			return violation("P-10", "the rollup of %v went from %q to %q", n, before.Key, rollup.Key)
		case before == nil && n > old.SeqNo():
			return violation("P-9", "the rollup of %v was there before it", n)
		}
	}
	for n := range old.rollups.Shared() {
		if new.rollups.Lookup(n) == nil && n > new.rollupsRemoved {
			return violation("P-10", "the rollup of %v was removed, but only those up to %v are said to be",
				n, new.rollupsRemoved)
		}
	}
	return nil
}

// checkRegistrants verifies that nobody who is still registered went back.
func checkRegistrants(old, new *State) error {
	for id, after := range new.leasedReaders.Shared() {
		before := old.leasedReaders.Lookup(id)
		if before != nil && (after.Hold < before.Hold || !before.Since.LessEqual(after.Since) ||
			after.Lease.HeartbeatMS < before.Lease.HeartbeatMS) {
			return violation("P-11", "%v went from %v to %v", id, before, after)
		}
	}
	for id, after := range new.criticalReaders.Shared() {
		before := old.criticalReaders.Lookup(id)
		if before != nil && (!before.Since.LessEqual(after.Since) || before.Opaque.Codec != after.Opaque.Codec) {
			return violation("P-34", "%v went from %v to %v", id, before, after)
		}
	}
	for id, after := range new.writers.Shared() {
		before := old.writers.Lookup(id)
		if before != nil && (!before.Upper.LessEqual(after.Upper) ||
			after.Lease.HeartbeatMS < before.Lease.HeartbeatMS) {
			return violation("P-25", "%v went from %v to %v", id, before, after)
		}
	}
	return nil
}

func checkSchemaChanges(old, new *State) error {
	for id, before := range old.schemas.Shared() {
		if !samePointee(before, new.schemas.Lookup(id)) {
			return violation("P-36", "schema %d changed", id)
		}
	}
	return nil
}

// checkSinceChange verifies that the since was moved by readers and passed over
// none of them, those who were removed in this very version included.
func checkSinceChange(old, new *State) error {
	if new.since == old.since {
		return nil
	}
	if _, ok := new.readersSince(); !ok {
		return violation("P-13", "since went from %v to %v without a reader", old.since, new.since)
	}
	for id, reader := range old.leasedReaders.Shared() {
		if new.leasedReaders.Lookup(id) == nil && !new.since.LessEqual(reader.Since) {
			return violation("P-13", "since went to %v when %v at %v was removed", new.since, id, reader.Since)
		}
	}
	for id, reader := range old.criticalReaders.Shared() {
		if new.criticalReaders.Lookup(id) == nil && !new.since.LessEqual(reader.Since) {
			return violation("P-13", "since went to %v when %v at %v was removed", new.since, id, reader.Since)
		}
	}
	return nil
}

func checkTombstone(old, new *State) error {
	if !old.IsTombstone() {
		return nil
	}
	if !new.IsTombstone() {
		return violation("P-15", "a tombstone came to life")
	}
	if old.IsFinalized() && !new.IsFinalized() {
		return violation("P-15", "a finalized shard got contents")
	}
	return checkTombstoneDiff(Between(old, new))
}

// checkTombstoneDiff verifies that a version of a tombstone does something, and
// nothing but what is left to do there: give up the contents, and maintenance.
func checkTombstoneDiff(diff *Diff) error {
	isChanged := false
	for _, field := range fields {
		if !field.isChanged(diff) {
			continue
		}
		isChanged = true
		if !field.isLeftToTombstones() {
			return violation("P-15", "%s changed on a tombstone", field.name())
		}
	}
	if !isChanged {
		return violation("P-15", "an empty version on a tombstone")
	}
	return nil
}
