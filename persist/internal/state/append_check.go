package state

import "github.com/tidemarkdb/tidemark/frontier"

// check returns a [*UsageError] about what is wrong with the arguments, whatever
// the shard contains.
func (a CompareAndAppend) check(s *State) error {
	if err := checkLabels(a.Debug.Host, a.Debug.Purpose); err != nil {
		return err
	}
	if a.Token == (IdempotencyToken{}) {
		return misuse(InvalidToken, "it is zero")
	}
	if !a.Expected.LessEqual(a.New) {
		return misuse(InvalidBounds, "%v is beyond %v", a.Expected, a.New)
	}
	for _, draft := range a.Batches {
		if err := a.checkDraft(s, draft); err != nil {
			return err
		}
	}
	return nil
}

func (a CompareAndAppend) checkDraft(s *State, draft Draft) error {
	if draft.Shard != s.Shard() {
		return misuse(BatchNotFromThisShard, "%v, not %v", draft.Shard, s.Shard())
	}
	if a.Expected == a.New && len(draft.Runs) > 0 {
		return misuse(InvalidEmptyTimeInterval, "%v", a.New)
	}
	isCovering := draft.Lower.LessEqual(a.Expected) && a.New.LessEqual(draft.Upper)
	if !isCovering && !a.IsVouchedFor {
		return misuse(InvalidBatchBounds, "[%v,%v) for [%v,%v)", draft.Lower, draft.Upper, a.Expected, a.New)
	}
	for _, run := range draft.Runs {
		if err := run.check(); err != nil {
			return misuse(InvalidBatch, "%v", err)
		}
		if err := a.checkRewrites(draft, run); err != nil {
			return err
		}
	}
	return nil
}

// checkRewrites checks that no update of a rewritten part would have to be cut:
// its own time no longer says where it belongs.
func (a CompareAndAppend) checkRewrites(draft Draft, run Run) error {
	for _, p := range run.Parts {
		isRewritten := p.Rewrite != frontier.Antichain{}
		if isRewritten && (draft.Upper != a.New || !a.Expected.LessEqual(p.Rewrite)) {
			return misuse(InvalidBatchBounds, "rewritten to %v for [%v,%v)", p.Rewrite, a.Expected, a.New)
		}
	}
	return nil
}

// checkReferences checks what the runs refer to, and that they are under a schema if
// the shard has one. That is stale, since one may have been registered by now.
func (a CompareAndAppend) checkReferences(s *State) (Standing, error) {
	runs := a.runs()
	for _, run := range runs {
		if standing, err := s.checkReferences(run); err != nil {
			return standing, err
		}
	}
	if a.IsSchemaless && len(runs) > 0 && s.schemas.Len() > 0 {
		return Stale, misuse(SchemaExpected, "%d", s.schemas.Len())
	}
	return Final, nil
}

// checkReferences checks what a run refers to: parts that are not from before the
// fence, a schema that is registered, and objects and keys only if the format has them.
// The latter verdicts are stale: each may have come by now.
func (s *State) checkReferences(run Run) (Standing, error) {
	if err := s.CheckEpochs(run); err != nil {
		return Final, err
	}
	if !s.knowsSchema(run.Schema) {
		return Stale, misuse(UnknownSchema, "%d of %d", run.Schema, s.schemas.Len())
	}
	if s.header.Version < PartsFormat && run.hasObjects() {
		return Stale, misuse(UnknownFormat, "parts as objects need %d, the shard has %d", PartsFormat, s.header.Version)
	}
	if s.header.Version < EncryptionFormat && run.isEncrypted() {
		return Stale, misuse(UnknownFormat, "encrypted parts need %d, the shard has %d", EncryptionFormat, s.header.Version)
	}
	return Final, nil
}

// CheckEpochs returns a [*UsageError] of kind [BatchTooOld] if a part is from before the
// reclamation fence, so that its object may have been deleted.
func (s *State) CheckEpochs(run Run) error {
	for key := range run.keys() {
		name, err := key.Parse()
		if err != nil {
			return err
		}
		if name.Class == AppendedPart && name.Epoch < s.batchEpochMin {
			return misuse(BatchTooOld, "%q, the fence is at %d", key, s.batchEpochMin)
		}
	}
	return nil
}

// knowsSchema reports whether data may be under a schema: until one is registered
// all is under the first.
func (s *State) knowsSchema(id SchemaID) bool {
	return uint64(id) < max(1, uint64(s.schemas.Len()))
}
