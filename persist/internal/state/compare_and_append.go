package state

import (
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// CompareAndAppend adds batches to a shard and moves its upper, if the upper is
// the expected one. It is not idempotent by itself: the token makes it so, with
// the help of [AppendCall].
type CompareAndAppend struct {
	// Writer is who appends. It has one append under way at a time.
	Writer WriterID
	// LeaseMS is for how many milliseconds the writer wants to be remembered.
	LeaseMS uint64
	Debug   Debug
	// Token is that of this call, the same for all its attempts.
	Token IdempotencyToken
	// Expected is what the upper has to be and New what it becomes. If they are
	// equal there are no updates, and all that happens is that the writer's lease
	// is renewed and the upper is known to be the expected one.
	Expected, New frontier.Antichain
	// Batches together have the updates from Expected to New.
	Batches []Draft
	// IsSchemaless says that the rows of the batches are under no schema, which is
	// right only as long as the shard has none.
	IsSchemaless bool
	// IsVouchedFor says that the caller answers for that, also where no single
	// batch covers the interval.
	IsVouchedFor bool
}

// AppendOutcome says what an append came to.
type AppendOutcome uint8

const (
	// Appended: the updates are in the proposed version.
	Appended AppendOutcome = iota
	// AlreadyAppended: an earlier attempt with the same token was committed.
	AlreadyAppended
	// UpperDiffers: the upper is not the expected one.
	UpperDiffers
	// InlineFull: there are so many bytes of parts within the state that those of
	// the append have to be written elsewhere first.
	InlineFull
	// BatchesFull: there are so many batches that some have to be merged first.
	BatchesFull
)

// String returns the name of the outcome.
func (o AppendOutcome) String() string {
	switch o {
	case Appended:
		return "appended"
	case AlreadyAppended:
		return "already appended"
	case UpperDiffers:
		return "upper differs"
	case InlineFull:
		return "inline full"
	case BatchesFull:
		return "batches full"
	default:
		return "outcome of no meaning"
	}
}

// AppendAnswer is the answer of [CompareAndAppend].
type AppendAnswer struct {
	Outcome AppendOutcome
	// Upper is that of the shard, after an append the new one.
	Upper frontier.Antichain
	// IsRuledOut says, if the upper differs, that the state proves that no
	// earlier attempt of the call was committed.
	IsRuledOut bool
}

// run proposes a version only if it appends. That an earlier attempt was committed
// is final. That the upper differs is stale: whoever gets this answer has to make
// sure that the state was the current one.
func (a CompareAndAppend) run(c *Candidate) (AppendAnswer, Standing, error) {
	s := c.next
	if s.IsTombstone() {
		return a.runOnTombstone(), Final, nil
	}
	if err := a.check(s); err != nil {
		return AppendAnswer{}, Final, err
	}
	if c.isTouched(writerKind, a.Writer) {
		return AppendAnswer{}, Stale, ErrNextVersion
	}
	writer, _ := s.writers.Get(a.Writer)
	// The token comes before the upper, which the earlier attempt has moved.
	if writer.Token == a.Token {
		if writer.Upper != a.New {
			return AppendAnswer{}, Final, misuse(InvalidToken, "%v has appended up to %v, not %v",
				a.Token, writer.Upper, a.New)
		}
		return AppendAnswer{Outcome: AlreadyAppended, Upper: s.Upper()}, Final, nil
	}
	if standing, err := a.checkReferences(s); err != nil {
		return AppendAnswer{}, standing, err
	}
	if s.Upper() != a.Expected {
		return AppendAnswer{Outcome: UpperDiffers, Upper: s.Upper(), IsRuledOut: a.isRuledOut(s)}, Stale, nil
	}
	if outcome := a.room(c); outcome != Appended {
		return AppendAnswer{Outcome: outcome, Upper: s.Upper()}, Stale, nil
	}
	c.touch(writerKind, a.Writer)
	c.appendBatch(a.Expected, a.New, a.runs())
	c.claimNewest()
	if c.next.batches.Len() > batchesUrgent {
		c.claimOlder()
	}
	c.hasAppended = true
	writersField.put(c, a.Writer, &Writer{
		Lease: writer.Lease.Renewed(c.env.NowMS, a.LeaseMS),
		Token: a.Token,
		Upper: a.New,
		Debug: a.Debug,
	})
	c.propose()
	return AppendAnswer{Outcome: Appended, Upper: a.New}, Proposed, nil
}

// runOnTombstone answers that nothing can be appended, which is not what anybody
// has to be told who appends nothing. Whether an earlier attempt was committed
// the tombstone does not tell.
func (a CompareAndAppend) runOnTombstone() AppendAnswer {
	if a.Expected.IsEmpty() && a.New.IsEmpty() && len(a.runs()) == 0 {
		return AppendAnswer{Outcome: Appended, Upper: frontier.Empty()}
	}
	return AppendAnswer{Outcome: UpperDiffers, Upper: frontier.Empty()}
}

// batchesUrgent is from how many batches on an append looks everywhere for what
// there is to be merged, and not only at the newest batches.
const batchesUrgent = 256

// room returns [Appended] if the state can take the batches up.
func (a CompareAndAppend) room(c *Candidate) AppendOutcome {
	config, runs := c.env.Config, a.runs()
	inline := uint64(0)
	for _, run := range runs {
		for _, p := range run.Parts {
			inline += uint64(len(p.Inline))
		}
	}
	switch {
	case inline > 0 && c.next.batches.totals.InlineSize+inline > config.InlineBytesMax:
		return InlineFull
	case len(runs) > 0 && c.next.batches.Len() >= config.BatchesMax:
		return BatchesFull
	default:
		return Appended
	}
}

// runs returns those of all drafts, without copying if there is only one.
func (a CompareAndAppend) runs() (runs []Run) {
	if len(a.Batches) == 1 {
		return a.Batches[0].Runs
	}
	for _, draft := range a.Batches {
		runs = append(runs, draft.Runs...)
	}
	return runs
}

// isRuledOut reports whether the state shows that no earlier attempt was
// committed. It does not rely on the clocks of those who expire leases: that the
// entry of the writer is missing proves nothing, for it may have been there.
//
// Once an attempt is committed the upper is at or beyond its new upper, for ever;
// the writer's entry says the same of the writer, for as long as it is there; and
// the batch that has the first time of the interval is either just that of the
// attempt or has been made of several, which its ids tell.
func (a CompareAndAppend) isRuledOut(s *State) bool {
	if a.Expected == a.New || s.Upper().LessThan(a.New) {
		return true // nothing to add, or nothing added
	}
	if writer, ok := s.writers.Get(a.Writer); ok {
		return writer.Upper.LessThan(a.New)
	}
	first, _ := a.Expected.Time() // it is not {}, for New is beyond it
	batch, isCovered := s.batches.Covering(first)
	isOneAppend := batch.IDs.Upper == batch.IDs.Lower+1
	isSame := batch.Desc.Lower == a.Expected && batch.Desc.Upper == a.New
	return isCovered && isOneAppend && !isSame
}

// appendBatch puts a batch behind all others. Where nothing happens for long,
// empty batches would pile up: such a one extends an empty one before it, unless
// that is about to be merged and must stay as it is.
func (c *Candidate) appendBatch(lower, upper frontier.Antichain, runs []Run) {
	if lower == upper {
		return
	}
	id := c.next.batches.NextID()
	batch := Batch{
		IDs:  BatchIDs{Lower: id, Upper: id + 1},
		Desc: Desc{Lower: lower, Upper: upper},
		Runs: slices.Clip(runs),
	}
	for _, run := range runs {
		batch.Length += run.Length
		batch.EncodedSize += run.EncodedSize
	}
	_, newest := c.next.batches.list.Last()
	if batch.IsEmpty() && newest != nil && newest.IsEmpty() && !c.isClaimed(newest) {
		batch.IDs.Lower = newest.IDs.Lower
		batch.Desc = Desc{Lower: newest.Desc.Lower, Upper: upper, Since: newest.Desc.Since}
	}
	batchesField.put(c, batch.IDs.Lower, &batch)
}

// isClaimed reports whether the newest batch lies in a window that somebody was
// asked to merge, be it long ago: a claim begins and ends where batches do.
func (c *Candidate) isClaimed(newest *Batch) bool {
	_, latest := c.next.compactions.Last()
	return latest != nil && newest.IDs.Lower < latest.Window.Upper
}

// ExpireWriter forgets a writer who will not append any more. Its answer is
// whether there was an entry. Without it the entry goes when its lease runs out.
type ExpireWriter struct {
	ID WriterID
}

// run commits always, except on a tombstone, which has no writers.
func (e ExpireWriter) run(c *Candidate) (existed bool, standing Standing, err error) {
	if c.next.IsTombstone() {
		return false, Final, nil
	}
	if c.isTouched(writerKind, e.ID) {
		return false, Stale, ErrNextVersion
	}
	existed = c.next.writers.Lookup(e.ID) != nil
	c.touch(writerKind, e.ID)
	writersField.put(c, e.ID, nil)
	c.propose()
	return existed, Proposed, nil
}
