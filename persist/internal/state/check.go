package state

// Check verifies every invariant that can be seen in one version, and returns a
// [*ViolationError] about the first that does not hold. It looks at everything:
// it is for tests, simulations and inspection, not for each commit.
func (s *State) Check() error {
	if s.SeqNo() == 0 {
		if !s.Equal(new(State)) {
			return violation("P-8", "version 0 is not empty")
		}
		return nil
	}
	for _, check := range []func() error{
		s.checkHeader, s.checkRollups, s.checkActivities, s.checkReaders, s.checkWriters, s.checkSchemas,
		s.checkBatches, s.checkTotals, s.checkCompactions,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) checkHeader() error {
	switch {
	case s.SeqNo() > MaxSeqNo:
		return violation("P-1", "%v is beyond the last version", s.SeqNo())
	case s.header.Version < OldestFormat || s.header.Version > CurrentFormat:
		return violation("P-11", "format %d", s.header.Version)
	case s.batchEpochMin > s.batchEpoch:
		return violation("P-20", "the fence is at epoch %d, the shard at %d", s.batchEpochMin, s.batchEpoch)
	}
	return nil
}

func (s *State) checkRollups() error {
	if s.rollups.Len() == 0 {
		return violation("P-9", "no rollup")
	}
	for n, rollup := range s.rollups.Shared() {
		of, _, err := rollup.Key.Parse()
		switch {
		case err != nil || of != n:
			return violation("P-9", "rollup %q is listed at %v", rollup.Key, n)
		case n == 0 || n > s.SeqNo():
			return violation("P-9", "a rollup of %v in %v", n, s.SeqNo())
		case n <= s.rollupsRemoved:
			return violation("P-10", "a rollup of %v, though all to %v were removed", n, s.rollupsRemoved)
		}
	}
	return nil
}

func (s *State) checkActivities() error {
	for _, activity := range []Activity{s.activeGC, s.activeRollup} {
		if (activity.SeqNo == 0) != (activity == Activity{}) || activity.SeqNo > s.SeqNo() {
			return violation("P-11", "work on %v under way in %v", activity.SeqNo, s.SeqNo())
		}
	}
	if s.lastGC > s.SeqNoSince() {
		return violation("P-12", "collected to %v, though %v is held", s.lastGC, s.SeqNoSince())
	}
	return nil
}

func (s *State) checkReaders() error {
	for id, reader := range s.leasedReaders.Shared() {
		if reader.Hold == 0 || reader.Hold > s.SeqNo() {
			return violation("P-12", "%v holds %v in %v", id, reader.Hold, s.SeqNo())
		}
		if !s.since.LessEqual(reader.Since) {
			return violation("P-13", "since %v is beyond %v of %v", s.since, reader.Since, id)
		}
	}
	for id, reader := range s.criticalReaders.Shared() {
		if !s.since.LessEqual(reader.Since) {
			return violation("P-13", "since %v is beyond %v of %v", s.since, reader.Since, id)
		}
	}
	return nil
}

func (s *State) checkWriters() error {
	for id, writer := range s.writers.Shared() {
		if writer.Token == (IdempotencyToken{}) {
			return violation("P-25", "%v has never appended", id)
		}
		if !writer.Upper.LessEqual(s.Upper()) {
			return violation("P-25", "%v has appended up to %v, the upper is %v", id, writer.Upper, s.Upper())
		}
	}
	return nil
}

func (s *State) checkSchemas() error {
	next := SchemaID(0)
	for id := range s.schemas.Shared() {
		if id != next {
			return violation("P-36", "schema %d follows %d others", id, next)
		}
		next++
	}
	return nil
}
