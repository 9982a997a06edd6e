package state_test

import (
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// maintenance is the work that a version comes with.
type maintenance struct {
	Rollup  bool
	Garbage state.SeqNo
	Merges  []merge
}

func (m *making) wantsRollup() bool {
	distance := uint64(m.Header.SeqNo - slices.Max(slices.Collect(maps.Keys(m.Rollups))))
	isWanted := distance > m.env.Config.RollupThreshold && !m.isUnderWay(m.ActiveRollup, m.env.Config.RollupFallbackMS)
	if m.isTombstone() {
		isWanted = distance > 1
	}
	if m.isUpkeep || !isWanted {
		return false
	}
	m.ActiveRollup = state.Activity{SeqNo: m.Header.SeqNo, StartedMS: m.env.NowMS}
	return true
}

// wantsGarbageCollected returns up to which version, 0 if not at all. Whoever appends
// is asked; anybody is, where nobody does.
func (m *making) wantsGarbageCollected() state.SeqNo {
	isAsked := m.appended || len(m.Writers) == 0
	isAtWork := m.isUnderWay(m.ActiveGC, m.env.Config.GCFallbackMS)
	if m.isUpkeep || m.isTombstone() || !isAsked || isAtWork {
		return 0
	}
	upTo := m.Header.SeqNo
	for _, reader := range m.Leased {
		upTo = min(upTo, reader.Hold)
	}
	upTo = min(upTo, m.LastGC+state.SeqNo(m.env.Config.GCVersionsMax))
	if hasDied := m.ActiveGC.SeqNo != 0; uint64(upTo-m.LastGC) < m.env.Config.GCVersionsMin && !hasDied {
		return 0
	}
	m.LastGC, m.ActiveGC = upTo, state.Activity{SeqNo: upTo, StartedMS: m.env.NowMS}
	return upTo
}

// isUnderWay says that the work was begun less than so long ago, or ahead.
func (m *making) isUnderWay(work state.Activity, fallbackMS uint64) bool {
	return work.SeqNo != 0 && m.env.NowMS < work.StartedMS+fallbackMS && m.env.NowMS+fallbackMS > work.StartedMS
}

func (m *making) addRollup(c state.AddRollup, base state.SeqNo) verdict {
	n, _, err := c.Key.Parse()
	if err != nil {
		return verdict{Standing: state.Final, Problem: problem(err)}
	}
	if n == 0 || n > base {
		return wrong(state.Stale, state.InvalidRollup)
	}
	listed, isListed := m.Rollups[n]
	isOurs := isListed && listed.Key == c.Key
	least := slices.Min(slices.Collect(maps.Keys(m.Rollups)))
	isNew := !isListed && n > m.RollupsRemoved && n >= least
	if latest := slices.Max(slices.Collect(maps.Keys(m.Rollups))); m.isTombstone() && latest+1 >= m.Header.SeqNo-1 {
		isNew = false
	}
	if m.isTombstone() && !isNew {
		return verdict{Answer: isOurs, Standing: state.Final}
	}
	if isNew {
		m.Rollups[n] = state.Rollup{Key: c.Key, EncodedSize: c.EncodedSize}
		m.ActiveRollup = state.Activity{}
		if m.isTombstone() {
			m.unlistBefore(n)
		}
	}
	return m.commitUpkeep(isOurs || isNew)
}

func (m *making) unlistBefore(n state.SeqNo) {
	for old := range m.Rollups {
		if old < n {
			delete(m.Rollups, old)
			m.RollupsRemoved = max(m.RollupsRemoved, old)
		}
	}
}

func (m *making) removeRollups(c state.RemoveRollups) verdict {
	if m.isTombstone() {
		return verdict{Answer: []state.Rollup(nil), Standing: state.Final}
	}
	var removed []state.Rollup
	if _, isListed := m.Rollups[c.Keep]; isListed {
		for _, n := range slices.Sorted(maps.Keys(m.Rollups)) {
			if n < c.Keep {
				removed = append(removed, m.Rollups[n])
				delete(m.Rollups, n)
				m.RollupsRemoved = n
			}
		}
	}
	if len(removed) == 0 && m.ActiveGC.SeqNo == 0 {
		return verdict{Answer: removed, Standing: state.Stale}
	}
	m.ActiveGC = state.Activity{}
	return m.commitUpkeep(removed)
}

func (m *making) beginEpoch(c state.BeginEpoch) verdict {
	if m.isTombstone() || c.Epoch <= m.Epoch {
		return verdict{Answer: m.Epoch, Standing: state.Final}
	}
	m.Epoch = c.Epoch
	return m.commit(nil, m.Epoch)
}

func (m *making) raiseFence(c state.RaiseFence) verdict {
	switch {
	case m.isTombstone() || c.Epoch <= m.EpochMin:
		return verdict{Answer: m.EpochMin, Standing: state.Final}
	case c.Epoch > m.Epoch:
		return wrong(state.Stale, state.InvalidEpoch)
	}
	m.EpochMin = c.Epoch
	return m.commit(nil, m.EpochMin)
}

func (m *making) upgrade(c state.UpgradeVersion) verdict {
	switch {
	case c.Target < 1 || c.Target > 3:
		return wrong(state.Final, state.UnknownFormat)
	case m.isTombstone() || c.Target < m.Header.Version:
		return verdict{Answer: m.Header.Version, Standing: state.Final}
	}
	m.Header.Version = c.Target
	return m.commit(nil, c.Target)
}

func (m *making) registerSchema(c state.RegisterSchema) verdict {
	hasRows := slices.ContainsFunc(m.Batches, func(b state.Batch) bool { return b.Length > 0 })
	place := slices.IndexFunc(m.Schemas, c.Schema.Equal)
	switch {
	case place >= 0:
		return verdict{Answer: state.SchemaAnswer{IsRegistered: true, ID: state.SchemaID(place)}, Standing: state.Final}
	case m.isTombstone():
		return verdict{Answer: state.SchemaAnswer{}, Standing: state.Final}
	case len(m.Schemas) > 0 || hasRows:
		return verdict{Answer: state.SchemaAnswer{}, Standing: state.Stale}
	}
	m.Schemas = []state.Schema{c.Schema}
	return m.commit(nil, state.SchemaAnswer{IsRegistered: true})
}

func (m *making) evolveSchema(c state.EvolveSchema) verdict {
	if m.isTombstone() {
		return verdict{Answer: state.EvolveAnswer{Outcome: state.NoSchemas}, Standing: state.Final}
	}
	if len(m.Schemas) == 0 {
		return verdict{Answer: state.EvolveAnswer{Outcome: state.NoSchemas}, Standing: state.Stale}
	}
	id := state.SchemaID(len(m.Schemas) - 1)
	answer := state.EvolveAnswer{ID: id, Latest: m.Schemas[id]}
	switch {
	case c.Expected != id:
		answer.Outcome = state.SchemaDiffers
	case answer.Latest.Equal(c.Schema):
		answer.Outcome = state.Evolved
	case !c.IsCompatible(answer.Latest, c.Schema):
		answer.Outcome = state.SchemaIncompatible
	default:
		m.Schemas = append(m.Schemas, c.Schema)
		return m.commit(nil, state.EvolveAnswer{Outcome: state.Evolved, ID: id + 1, Latest: c.Schema})
	}
	return verdict{Answer: answer, Standing: state.Stale}
}

// finalize does the first of these that is left to do: empty the oldest batch that is
// not, make one batch of all, be a tombstone.
func (m *making) finalize(state.Finalize) verdict {
	wasTombstone := m.isTombstone()
	switch {
	case !m.Since.IsEmpty() || !m.upper().IsEmpty():
		problem := problem(&state.NotClosedError{Since: m.Since, Upper: m.upper()})
		return verdict{Standing: state.Stale, Problem: problem}
	case !wasTombstone && (len(m.seen) > 0 || m.lostReader):
		return wait
	}
	full := slices.IndexFunc(m.Batches, func(b state.Batch) bool { return b.Length > 0 })
	switch {
	case full >= 0:
		m.Batches[full] = state.Batch{IDs: m.Batches[full].IDs, Desc: m.Batches[full].Desc}
	case len(m.Batches) > 1:
		last := m.Batches[len(m.Batches)-1]
		m.Batches = []state.Batch{{
			IDs:  state.BatchIDs{Upper: last.IDs.Upper},
			Desc: state.Desc{Upper: frontier.Empty(), Since: frontier.Empty()},
		}}
	case wasTombstone:
		return verdict{Answer: true, Standing: state.Final}
	}
	clear(m.Leased)
	clear(m.Critical)
	clear(m.Writers)
	m.Compactions = nil
	if latest := slices.Max(slices.Collect(maps.Keys(m.Rollups))); latest+1 == m.Header.SeqNo {
		m.unlistBefore(latest)
	}
	return m.commit(nil, false)
}
