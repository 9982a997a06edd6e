package state_test

import (
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

func (m *making) register(c state.RegisterCriticalReader) verdict {
	reader := state.CriticalReader{Since: m.Since, Opaque: c.Opaque, Debug: c.Debug}
	old, isKnown := m.Critical[c.ID]
	switch {
	case m.isTombstone():
		return verdict{Answer: reader, Standing: state.Final}
	case m.seen[c.ID]:
		return wait
	case isKnown && old.Opaque.Codec != c.Opaque.Codec:
		return wrong(state.Stale, state.OpaqueCodecChanged)
	case isKnown:
		reader.Since, reader.Opaque = old.Since, old.Opaque
	}
	m.Critical[c.ID] = reader
	return m.commit(c.ID, reader)
}

func (m *making) downgrade(c state.CompareAndDowngradeSince) verdict {
	old, isKnown := m.Critical[c.ID]
	switch {
	case c.Expected.Codec != c.New.Codec:
		return wrong(state.Final, state.OpaqueCodecChanged)
	case m.isTombstone():
		return verdict{
			Answer:   state.DowngradeAnswer{IsOwner: true, Since: frontier.Empty(), Opaque: c.New},
			Standing: state.Final,
		}
	case m.seen[c.ID] || m.lostReader:
		return wait
	case !isKnown:
		return wrong(state.Stale, state.UnknownReader)
	case old.Opaque.Codec != c.Expected.Codec:
		return wrong(state.Stale, state.OpaqueCodecChanged)
	case old.Opaque != c.Expected:
		return m.commit(c.ID, state.DowngradeAnswer{Since: old.Since, Opaque: old.Opaque})
	}
	old.Opaque = c.New
	if old.Since.LessEqual(c.Since) {
		old.Since = c.Since
		m.Critical[c.ID] = old
		m.agreeOnSince()
	}
	m.Critical[c.ID] = old
	return m.commit(c.ID, state.DowngradeAnswer{IsOwner: true, Since: old.Since, Opaque: old.Opaque})
}

func (m *making) expireCritical(c state.ExpireCriticalReader) verdict {
	_, existed := m.Critical[c.ID]
	switch {
	case m.isTombstone():
		return verdict{Answer: false, Standing: state.Final}
	case m.seen[c.ID]:
		return wait
	}
	delete(m.Critical, c.ID)
	m.lostReader = true
	return m.commit(c.ID, existed)
}

// agreeOnSince moves the since to the least of all readers, if that is further.
func (m *making) agreeOnSince() {
	agreed := frontier.Empty()
	for _, reader := range m.Critical {
		agreed = agreed.Meet(reader.Since)
	}
	for _, reader := range m.Leased {
		agreed = agreed.Meet(reader.Since)
	}
	if m.Since.LessThan(agreed) {
		m.Since = agreed
	}
}

func (m *making) registerLeased(c state.RegisterLeasedReader) verdict {
	reader := state.LeasedReader{
		Hold: m.Header.SeqNo, Since: m.Since, Debug: c.Debug,
		Lease: state.Lease{HeartbeatMS: m.env.NowMS, DurationMS: c.LeaseMS},
	}
	switch {
	case m.isTombstone():
		return verdict{Answer: reader, Standing: state.Final}
	case m.seen[c.ID]:
		return wait
	}
	if c.IsAtCriticalSince && len(m.Critical) > 0 {
		reader.Since = frontier.Empty()
		for _, critical := range m.Critical {
			reader.Since = reader.Since.Meet(critical.Since)
		}
	}
	if c.HoldsObjectsOnly {
		reader.Since = frontier.Empty()
	}
	if old, isKnown := m.Leased[c.ID]; isKnown { // it is a repetition, which gives nothing back
		reader.Hold, reader.Since = old.Hold, old.Since
		reader.Lease.HeartbeatMS = max(reader.Lease.HeartbeatMS, old.Lease.HeartbeatMS)
	}
	m.Leased[c.ID] = reader
	return m.commit(c.ID, reader)
}

func (m *making) heartbeatLeased(c state.HeartbeatLeasedReader) verdict {
	reader, isKnown := m.Leased[c.ID]
	switch {
	case m.isTombstone():
		return verdict{Answer: false, Standing: state.Final}
	case m.seen[c.ID]:
		return wait
	case isKnown:
		reader.Lease.HeartbeatMS = max(reader.Lease.HeartbeatMS, m.env.NowMS)
		m.Leased[c.ID] = reader
	}
	return m.commit(c.ID, isKnown)
}

func (m *making) downgradeLeased(c state.DowngradeLeasedReader) verdict {
	reader, isKnown := m.Leased[c.ID]
	switch {
	case m.isTombstone():
		return verdict{Answer: state.LeasedDowngradeAnswer{Since: frontier.Empty()}, Standing: state.Final}
	case m.seen[c.ID] || m.lostReader:
		return wait
	case !isKnown:
		return verdict{Answer: state.LeasedDowngradeAnswer{Since: frontier.Empty()}, Standing: state.Final}
	case c.Hold < reader.Hold || c.Hold > m.Header.SeqNo:
		return wrong(state.Stale, state.InvalidHold)
	}
	reader.Hold = c.Hold
	reader.Lease.HeartbeatMS = max(reader.Lease.HeartbeatMS, m.env.NowMS)
	isAhead := reader.Since.LessThan(c.Since)
	if isAhead {
		reader.Since = c.Since
	}
	m.Leased[c.ID] = reader
	if isAhead {
		m.agreeOnSince()
	}
	return m.commit(c.ID, state.LeasedDowngradeAnswer{IsRegistered: true, Since: reader.Since})
}

func (m *making) expireLeased(c state.ExpireLeasedReader) verdict {
	_, existed := m.Leased[c.ID]
	switch {
	case m.isTombstone():
		return verdict{Answer: false, Standing: state.Final}
	case m.seen[c.ID]:
		return wait
	}
	delete(m.Leased, c.ID)
	m.lostReader = true
	return m.commit(c.ID, existed)
}
