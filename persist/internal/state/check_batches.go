package state

import (
	"iter"

	"github.com/tidemarkdb/tidemark/frontier"
)

// checkBatches verifies that batches follow each other in time and in ids, and
// that each is consistent in itself.
func (s *State) checkBatches() error {
	var upper frontier.Antichain
	var next BatchID
	for id, batch := range s.batches.Shared() {
		switch {
		case id != batch.IDs.Lower || id != next || batch.IDs.Upper <= id:
			return violation("P-16", "batch %v at %d follows id %d", batch.IDs, id, next)
		case batch.Desc.Lower != upper || !upper.LessThan(batch.Desc.Upper):
			return violation("P-16", "batch %v follows %v", batch, upper)
		case !batch.Desc.Since.LessEqual(s.since):
			return violation("P-16", "batch %v is beyond since %v", batch, s.since)
		}
		if err := s.checkRuns(batch); err != nil {
			return err
		}
		upper, next = batch.Desc.Upper, batch.IDs.Upper
	}
	return nil
}

func (s *State) checkRuns(batch *Batch) error {
	var length, size uint64
	for _, run := range batch.Runs {
		if err := run.check(); err != nil {
			return violation("P-16", "batch %v: %v", batch, err)
		}
		if !s.knowsSchema(run.Schema) {
			return violation("P-36", "batch %v is under schema %d of %d", batch, run.Schema, s.schemas.Len())
		}
		length += run.Length
		size += run.EncodedSize
	}
	if length != batch.Length || size != batch.EncodedSize {
		return violation("P-16", "batch %v has runs of length %d, %d B", batch, length, size)
	}
	return nil
}

func (s *State) checkTotals() error {
	var totals Totals
	for _, batch := range s.batches.Shared() {
		totals.add(batch)
	}
	if totals != s.batches.totals {
		return violation("P-16", "totals are %+v and not %+v", totals, s.batches.totals)
	}
	return nil
}

// checkCompactions verifies that windows do not overlap and begin and end with a
// batch.
func (s *State) checkCompactions() error {
	var next BatchID
	for id, compaction := range s.compactions.Shared() {
		window := compaction.Window
		if id != window.Lower || id < next || window.Upper <= id {
			return violation("P-16", "compaction of %v at %d", window, id)
		}
		if _, ok := mergeable(s.batches, window); !ok {
			return violation("P-16", "compaction of %v, where no batch begins or ends", window)
		}
		next = window.Upper
	}
	return nil
}

// merged is what a window of batches adds up to.
type merged struct {
	lower, upper frontier.Antichain
	length       uint64
}

// mergeable returns what the batches of a window add up to, and false if the
// window does not begin and end with a batch.
func mergeable(batches Batches, window BatchIDs) (sum merged, ok bool) {
	for id := window.Lower; id < window.Upper; {
		batch := batches.Lookup(id)
		if batch == nil || batch.IDs.Upper <= id {
			return merged{}, false
		}
		if id == window.Lower {
			sum.lower = batch.Desc.Lower
		}
		sum.upper = batch.Desc.Upper
		sum.length += batch.Length
		if id = batch.IDs.Upper; id > window.Upper {
			return merged{}, false
		}
	}
	return sum, true
}

// newBatches iterates over the batches that are not in old as they are.
func newBatches(old, new Batches) iter.Seq[*Batch] {
	return func(yield func(*Batch) bool) {
		for id, batch := range new.Shared() {
			if !samePointee(old.Lookup(id), batch) && !yield(batch) {
				return
			}
		}
	}
}

// checkMerges verifies that batches were only added at the end, merged with their
// neighbours, or emptied: that no time and no id has changed hands otherwise.
func checkMerges(old, new Batches) error {
	for batch := range newBatches(old, new) {
		inherited := BatchIDs{Lower: batch.IDs.Lower, Upper: min(batch.IDs.Upper, old.NextID())}
		if inherited.Lower >= inherited.Upper {
			continue // it is new altogether
		}
		before, ok := mergeable(old, inherited)
		isGrown := batch.IDs.Upper > inherited.Upper
		switch {
		case !ok:
			return violation("P-16", "batch %v splits another", batch)
		case isGrown && !batch.IsEmpty():
			return violation("P-16", "batch %v was extended and is not empty", batch)
		case batch.Desc.Lower != before.lower || !isGrown && batch.Desc.Upper != before.upper:
			return violation("P-16", "batch %v replaces [%v,%v)", batch, before.lower, before.upper)
		case batch.Length > before.length:
			return violation("P-22", "batch %v replaces %d updates", batch, before.length)
		}
	}
	return nil
}
