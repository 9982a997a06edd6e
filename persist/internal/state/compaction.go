package state

import (
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// CompactionRequest asks for neighbouring batches to be merged into one.
type CompactionRequest struct {
	// Window is the range of ids of the batches.
	Window BatchIDs
	// StartedMS is when they were claimed.
	StartedMS uint64
	// Since is where times may be advanced to, and no further. If it is {} nobody can ever
	// read the batches: what they are merged into has no updates.
	Since frontier.Antichain
	// Batches are what is to be merged, oldest first. They must not be modified.
	Batches []*Batch
}

// Desc returns that of what the batches will be merged into.
func (r CompactionRequest) Desc() Desc {
	first, last := r.Batches[0], r.Batches[len(r.Batches)-1]
	return Desc{Lower: first.Desc.Lower, Upper: last.Desc.Upper, Since: r.Since}
}

// Claim returns what keeps others from merging the batches.
func (r CompactionRequest) Claim() Compaction {
	return Compaction{Window: r.Window, StartedMS: r.StartedMS}
}

// DiffsSum returns the sum of the diffs of all updates in the parts of the batches.
func (r CompactionRequest) DiffsSum() (sum int64) {
	for _, batch := range r.Batches {
		for _, run := range batch.Runs {
			sum += run.DiffsSum()
		}
	}
	return sum
}

// The policy is size-tiered compaction, as log-structured stores have it: batches
// fall into classes by the logarithm of their length, and neighbours are merged when
// there are enough of them and all that were merged before get into a higher class by
// it. So an update is rewritten once after it was appended, and from then on only when
// its batch rises: at most 1 + log N times. Where requests are executed at once there
// are fewer than fanout batches of each class, older ones being of higher classes, and
// of those that were never merged. The policy looks at nothing but the state: whoever
// asks gets the same answer.

// class is 0 for no updates, and otherwise 1 more than the logarithm of their number.
func (c *Candidate) class(length uint64) (class int) {
	for rest := length; rest > 0; rest /= uint64(c.env.Config.CompactionFanout) {
		class++
	}
	return class
}

// windowMax is how many batches a window has at most.
func (c *Candidate) windowMax() int { return 4 * c.env.Config.CompactionFanout }

// claimNewest claims the window that ends with the newest batch, if there is one.
func (c *Candidate) claimNewest() {
	if !c.mayClaim() {
		return
	}
	if window := c.windowBefore(c.next.batches.Len()); window != nil {
		c.claim(window)
	}
}

// mayClaim reports whether whoever asks can take on more, and there is a point in it:
// what nobody can read is merged as long as somebody writes it, so that there is room.
func (c *Candidate) mayClaim() bool {
	isAtItsEnd := c.next.since.IsEmpty() && c.next.Upper().IsEmpty()
	return len(c.requests) < c.env.Config.CompactionsMax && !isAtItsEnd
}

// windowBefore returns the longest window worth merging that ends before a place in
// the list, nil if none does. The longest, because the result of a shorter one would at
// once be merged with the rest.
func (c *Candidate) windowBefore(place int) []*Batch {
	list, first := c.next.batches.list, place
	length, class := uint64(0), 0 // of all batches from at on, and of the largest that was merged before
	for at := place - 1; at >= max(0, place-c.windowMax()); at-- {
		_, batch := list.At(at)
		if c.isBeingMerged(batch) {
			break
		}
		length += batch.Length
		if batch.wasMerged() {
			class = max(class, c.class(batch.Length))
		}
		isRising := class == 0 || class < c.class(length)
		if isRising && place-at >= c.env.Config.CompactionFanout {
			first = at
		}
	}
	var window []*Batch
	for ; first < place; first++ {
		_, batch := list.At(first)
		window = append(window, batch)
	}
	return window
}

// wasMerged reports whether the batch is other than it was appended: empty ones that
// are neighbours are merged as well, but there is nothing to rewrite of them.
func (b *Batch) wasMerged() bool { return b.IDs.Upper > b.IDs.Lower+1 }

// isBeingMerged reports whether a batch lies in a window that somebody has
// claimed and not been given up for dead. Whoever asks stands by the claims that he has
// given back, as if they were there.
func (c *Candidate) isBeingMerged(batch *Batch) bool {
	for _, claimed := range c.env.GivenBack {
		if claimed.Window.overlaps(batch.IDs) && c.isUnderWay(&claimed) {
			return true
		}
	}
	for place := c.next.compactions.Len() - 1; place >= 0; place-- {
		_, claimed := c.next.compactions.At(place)
		if claimed.Window.Upper <= batch.IDs.Lower {
			return false
		}
		if claimed.Window.Lower < batch.IDs.Upper {
			return c.isUnderWay(claimed)
		}
	}
	return false
}

func (c *Candidate) isUnderWay(claimed *Compaction) bool {
	return Activity{SeqNo: 1, StartedMS: claimed.StartedMS}.IsActive(c.env.NowMS, c.env.Config.CompactionFallbackMS)
}

// claim asks for a window to be merged, and keeps others from asking. It ends the
// claims of those who are taken for dead.
func (c *Candidate) claim(window []*Batch) {
	ids := BatchIDs{Lower: window[0].IDs.Lower, Upper: window[len(window)-1].IDs.Upper}
	c.endClaims(ids)
	compactionsField.put(c, ids.Lower, &Compaction{Window: ids, StartedMS: c.env.NowMS})
	c.requests = append(c.requests, CompactionRequest{
		Window: ids, StartedMS: c.env.NowMS, Since: c.next.since, Batches: window,
	})
}

// endClaims removes the claims on any batch of a window.
func (c *Candidate) endClaims(window BatchIDs) {
	for id, claimed := range c.next.compactions.Shared() {
		if claimed.Window.overlaps(window) {
			compactionsField.put(c, id, nil)
		}
	}
}

// ClaimCompactions asks for what there is to be merged, without an append that
// brings it along: where nothing is appended any more, or those who were asked
// have died. Its answer is in the [Maintenance] of the transition.
type ClaimCompactions struct{}

// run commits only if there is something to be merged. That there is nothing is
// stale.
func (ClaimCompactions) run(c *Candidate) (claimed int, standing Standing, err error) {
	if c.next.IsTombstone() {
		return 0, Final, nil
	}
	before := len(c.requests)
	c.claimOlder()
	if claimed = len(c.requests) - before; claimed == 0 {
		return 0, Stale, nil
	}
	c.propose()
	return claimed, Proposed, nil
}

// claimOlder claims windows wherever they are, the newest first.
func (c *Candidate) claimOlder() {
	for place := c.next.batches.Len(); place > 0 && c.mayClaim(); place-- {
		window := c.windowBefore(place)
		if window == nil {
			window = c.manyRuns(place - 1)
		}
		if window != nil {
			c.claim(window)
			place -= len(window) - 1
		}
	}
}

// manyRuns returns a batch that is worth merging with itself, because it was
// written in pieces that are not sorted together.
func (c *Candidate) manyRuns(place int) []*Batch {
	_, batch := c.next.batches.list.At(place)
	if len(batch.Runs) < c.env.Config.CompactionFanout || c.isBeingMerged(batch) {
		return nil
	}
	return []*Batch{batch}
}

// GiveBackCompaction ends the claim of somebody who cannot merge the batches, so that
// others may. Whoever gave it back says so in its [Environment] from then on. The answer
// is whether the claim was there: if not, it has lapsed, and the batches may be others'.
type GiveBackCompaction struct {
	Claim Compaction
}

// run commits only if the claim is there. That it is not is stale.
func (g GiveBackCompaction) run(c *Candidate) (wasThere bool, standing Standing, err error) {
	claimed := c.next.compactions.Lookup(g.Claim.Window.Lower)
	if claimed == nil || *claimed != g.Claim {
		return false, Stale, nil
	}
	compactionsField.put(c, g.Claim.Window.Lower, nil)
	c.proposeUpkeep()
	return true, Proposed, nil
}

// ApplyCompaction replaces the batches of a window by what they were merged into.
// On anything but [CompactionApplied] the objects of the result are waste; but
// mind that after an attempt of unknown outcome the answer alone does not tell:
// see [EverApplied].
type ApplyCompaction struct {
	Window BatchIDs
	// Batches are what was merged, as in the [CompactionRequest]. If somebody else has
	// merged some of them meanwhile, the result is refused, since the updates that it
	// was made without may be gone from there already. None leaves that open.
	Batches []*Batch
	// Since is where times have been advanced to.
	Since frontier.Antichain
	Runs  []Run
	// DroppedDiffs is the sum of the diffs of those updates in the parts that are
	// none of the batches', because the append that brought them was cut short, or that
	// nobody can ever read.
	DroppedDiffs int64
}

// CompactionOutcome says what became of the result of a compaction.
type CompactionOutcome uint8

const (
	// CompactionApplied: the result has replaced the batches.
	CompactionApplied CompactionOutcome = iota
	// WindowGone: there are other batches now.
	WindowGone
	// SinceAhead: the times of the result are advanced further than the shard's
	// since, so that history would be lost that can still be asked for.
	SinceAhead
	// TooManyUpdates: what is there has fewer updates, so somebody has done better.
	TooManyUpdates
)

// String returns the name of the outcome.
func (o CompactionOutcome) String() string {
	names := [...]string{"applied", "window gone", "since ahead", "too many updates"}
	if int(o) >= len(names) {
		return "outcome of no meaning"
	}
	return names[o]
}

// run commits always, so that a refusal is known to be about the latest version;
// except on a tombstone, which has nothing to merge. Whoever has merged something goes
// on with what there is now, without anybody having to append for it.
func (a ApplyCompaction) run(c *Candidate) (CompactionOutcome, Standing, error) {
	if c.next.IsTombstone() {
		return WindowGone, Final, nil
	}
	if standing, err := a.check(c.next); err != nil {
		return 0, standing, err
	}
	outcome, err := a.decide(c.next)
	if err != nil {
		return 0, Final, err
	}
	if outcome == CompactionApplied {
		c.endClaims(a.Window)
		a.replace(c)
	}
	if claimed := c.next.compactions.Lookup(a.Window.Lower); claimed != nil && claimed.Window == a.Window {
		compactionsField.put(c, a.Window.Lower, nil) // it has come to its end, one way or the other
	}
	if outcome == CompactionApplied {
		c.claimOlder()
	}
	c.propose()
	return outcome, Proposed, nil
}

func (a ApplyCompaction) check(s *State) (Standing, error) {
	if a.Window.Upper <= a.Window.Lower {
		return Final, misuse(InvalidBatch, "a window %v", a.Window)
	}
	for _, run := range a.Runs {
		if err := run.check(); err != nil {
			return Final, misuse(InvalidBatch, "%v", err)
		}
		if standing, err := s.checkReferences(run); err != nil {
			return standing, err
		}
	}
	return Final, nil
}

func (a ApplyCompaction) decide(s *State) (CompactionOutcome, error) {
	before, ok := mergeable(s.batches, a.Window)
	length := uint64(0)
	for _, run := range a.Runs {
		length += run.Length
	}
	switch {
	case !ok:
		return WindowGone, nil
	case a.isThere(s): // an earlier attempt of this call was committed
		return CompactionApplied, nil
	case slices.ContainsFunc(a.Batches, s.isGone):
		return WindowGone, nil
	case !a.Since.LessEqual(s.since):
		return SinceAhead, nil
	case length > before.length:
		return TooManyUpdates, nil
	}
	return CompactionApplied, a.checkAgainst(s)
}

// isThere reports whether the result is what the window consists of.
func (a ApplyCompaction) isThere(s *State) bool {
	batch := s.batches.Lookup(a.Window.Lower)
	return batch.IDs == a.Window && batch.Desc.Since == a.Since && slices.EqualFunc(batch.Runs, a.Runs, Run.Equal)
}

// isGone reports whether a batch is no longer what it was.
func (s *State) isGone(batch *Batch) bool {
	return !samePointee(s.batches.Lookup(batch.IDs.Lower), batch)
}

// checkAgainst compares the result with what it replaces. Neither must the sum of
// diffs differ nor an object be on both sides: the inputs are going to be deleted.
func (a ApplyCompaction) checkAgainst(s *State) error {
	replaced := map[PartKey]bool{}
	before := a.DroppedDiffs * -1
	for id := a.Window.Lower; id < a.Window.Upper; {
		batch := s.batches.Lookup(id)
		for _, run := range batch.Runs {
			before += run.DiffsSum()
			for key := range run.keys() {
				replaced[key] = true
			}
		}
		id = batch.IDs.Upper
	}
	after := int64(0)
	for _, run := range a.Runs {
		after += run.DiffsSum()
		for key := range run.keys() {
			if replaced[key] {
				return violation("P-22", "%q is both merged and the result", key)
			}
		}
	}
	if before != after {
		return violation("P-21", "diffs of %v add up to %d, and those of the result to %d", a.Window, before, after)
	}
	return nil
}

func (a ApplyCompaction) replace(c *Candidate) {
	first := c.next.batches.Lookup(a.Window.Lower)
	merged := Batch{IDs: a.Window, Desc: Desc{Lower: first.Desc.Lower, Since: a.Since}, Runs: a.Runs}
	for _, run := range a.Runs {
		merged.Length += run.Length
		merged.EncodedSize += run.EncodedSize
	}
	for id := a.Window.Lower; id < a.Window.Upper; {
		batch := c.next.batches.Lookup(id)
		merged.Desc.Upper = batch.Desc.Upper
		if id != a.Window.Lower {
			batchesField.put(c, id, nil)
		}
		id = batch.IDs.Upper
	}
	batchesField.put(c, a.Window.Lower, &merged)
}

// String returns the window and the since.
func (r CompactionRequest) String() string { return fmt.Sprintf("%v since %v", r.Window, r.Since) }
