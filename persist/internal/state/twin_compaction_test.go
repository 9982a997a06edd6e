package state_test

import (
	"cmp"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// merge is a request to merge neighbouring batches.
type merge struct {
	Claim   state.Compaction
	Since   frontier.Antichain
	Batches []state.Batch
}

func overlap(a, b state.BatchIDs) bool { return a.Lower < b.Upper && b.Lower < a.Upper }

// claimBefore asks for the longest stretch of batches to be merged that ends at a
// place and is worth it. It returns where the stretch begins, or the place.
func (m *making) claimBefore(place int) (first int) {
	fanout := m.env.Config.CompactionFanout
	for size := min(4*fanout, place); size >= fanout; size-- {
		if m.isWorthMerging(m.Batches[place-size : place]) {
			m.claim(m.Batches[place-size : place])
			return place - size
		}
	}
	return place
}

// isWorthMerging says that nobody is at any of the batches, and that every one that
// was merged before gets into the next class by it: has more digits then.
func (m *making) isWorthMerging(batches []state.Batch) bool {
	total := uint64(0)
	for _, batch := range batches {
		total += batch.Length
	}
	return !slices.ContainsFunc(batches, func(batch state.Batch) bool {
		isAsAppended := batch.IDs.Upper == batch.IDs.Lower+1
		rises := batch.Length == 0 || m.digits(batch.Length) < m.digits(total)
		return m.isBeingMerged(batch) || !isAsAppended && !rises
	}) && m.mayClaim()
}

func (m *making) digits(n uint64) (digits int) {
	for ; n > 0; n /= uint64(m.env.Config.CompactionFanout) {
		digits++
	}
	return digits
}

func (m *making) mayClaim() bool {
	return len(m.requests) < m.env.Config.CompactionsMax && (!m.Since.IsEmpty() || !m.upper().IsEmpty())
}

func (m *making) isBeingMerged(batch state.Batch) bool {
	return slices.ContainsFunc(slices.Concat(m.Compactions, m.env.GivenBack), func(c state.Compaction) bool {
		work := state.Activity{SeqNo: 1, StartedMS: c.StartedMS}
		return overlap(c.Window, batch.IDs) && m.isUnderWay(work, m.env.Config.CompactionFallbackMS)
	})
}

func (m *making) claim(batches []state.Batch) {
	window := state.BatchIDs{Lower: batches[0].IDs.Lower, Upper: batches[len(batches)-1].IDs.Upper}
	m.endClaims(window)
	m.Compactions = append(m.Compactions, state.Compaction{Window: window, StartedMS: m.env.NowMS})
	slices.SortFunc(m.Compactions, func(a, b state.Compaction) int { return cmp.Compare(a.Window.Lower, b.Window.Lower) })
	m.requests = append(m.requests, merge{
		Claim: state.Compaction{Window: window, StartedMS: m.env.NowMS}, Since: m.Since, Batches: slices.Clone(batches),
	})
}

func (m *making) endClaims(window state.BatchIDs) {
	m.Compactions = slices.DeleteFunc(m.Compactions, func(c state.Compaction) bool { return overlap(c.Window, window) })
}

// claimCompactions goes from the newest batch to the oldest.
func (m *making) claimCompactions(state.ClaimCompactions) verdict {
	if m.isTombstone() {
		return verdict{Answer: 0, Standing: state.Final}
	}
	before := len(m.requests)
	m.claimEverywhere()
	claimed := len(m.requests) - before
	if claimed == 0 {
		return verdict{Answer: 0, Standing: state.Stale}
	}
	return m.commit(nil, claimed)
}

func (m *making) claimEverywhere() {
	for place := len(m.Batches); place > 0; {
		if first := m.claimBefore(place); first < place {
			place = first
			continue
		}
		place--
		batch := m.Batches[place]
		if len(batch.Runs) >= m.env.Config.CompactionFanout && !m.isBeingMerged(batch) && m.mayClaim() {
			m.claim(m.Batches[place : place+1])
		}
	}
}

func (m *making) giveBack(c state.GiveBackCompaction) verdict {
	if !slices.Contains(m.Compactions, c.Claim) {
		return verdict{Answer: false, Standing: state.Stale}
	}
	m.Compactions = slices.DeleteFunc(m.Compactions, func(claimed state.Compaction) bool { return claimed == c.Claim })
	return m.commitUpkeep(true)
}

func (m *making) applyCompaction(c state.ApplyCompaction) verdict {
	switch refusal := m.references(c.Runs); {
	case m.isTombstone():
		return verdict{Answer: state.WindowGone, Standing: state.Final}
	case c.Window.Upper <= c.Window.Lower:
		return wrong(state.Final, state.InvalidBatch)
	case refusal.Problem != "":
		return refusal
	}
	first := slices.IndexFunc(m.Batches, func(b state.Batch) bool { return b.IDs.Lower == c.Window.Lower })
	last := slices.IndexFunc(m.Batches, func(b state.Batch) bool { return b.IDs.Upper == c.Window.Upper })
	if first < 0 || last < 0 {
		return m.noteCompaction(c, state.WindowGone)
	}
	inputs := m.Batches[first : last+1]
	result := described(state.Batch{
		IDs:  c.Window,
		Desc: state.Desc{Lower: inputs[0].Desc.Lower, Upper: m.Batches[last].Desc.Upper, Since: c.Since},
		Runs: c.Runs,
	})
	length := uint64(0)
	for _, batch := range inputs {
		length += batch.Length
	}
	switch {
	case len(inputs) == 1 && inputs[0].Equal(result): // a repetition
	case slices.ContainsFunc(c.Batches, func(merged *state.Batch) bool {
		return !slices.ContainsFunc(m.Batches, func(b state.Batch) bool { return b.Equal(*merged) })
	}):
		return m.noteCompaction(c, state.WindowGone)
	case m.Since.LessThan(c.Since):
		return m.noteCompaction(c, state.SinceAhead)
	case result.Length > length:
		return m.noteCompaction(c, state.TooManyUpdates)
	case len(without(keysOf(result), keysOf(inputs...))) < len(keysOf(result)):
		return verdict{Standing: state.Final, Problem: "violation of P-22"}
	case diffsOf(inputs...)-c.DroppedDiffs != diffsOf(result):
		return verdict{Standing: state.Final, Problem: "violation of P-21"}
	}
	m.Batches = slices.Replace(m.Batches, first, last+1, result)
	m.endClaims(c.Window)
	return m.noteCompaction(c, state.CompactionApplied)
}

// noteCompaction ends the claim, if it is still that of this very window.
func (m *making) noteCompaction(c state.ApplyCompaction, outcome state.CompactionOutcome) verdict {
	m.Compactions = slices.DeleteFunc(m.Compactions, func(claimed state.Compaction) bool {
		return claimed.Window == c.Window
	})
	if outcome == state.CompactionApplied {
		m.claimEverywhere()
	}
	return m.commit(nil, outcome)
}

func keysOf(batches ...state.Batch) (keys []state.PartKey) {
	for _, batch := range batches {
		for _, run := range batch.Runs {
			for _, p := range run.Parts {
				if p.Key != "" {
					keys = append(keys, p.Key)
				}
			}
		}
	}
	return keys
}

func diffsOf(batches ...state.Batch) (sum int64) {
	for _, batch := range batches {
		for _, run := range batch.Runs {
			for _, p := range run.Parts {
				sum += p.DiffsSum
			}
		}
	}
	return sum
}
