package state_test

import (
	"errors"
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// twin is the slow, obvious version of State: plain maps and slices, cloned for
// every version, with the commands as they would be explained at a blackboard.
// Where the two differ, one of them is wrong.
type twin struct {
	Header         state.Header
	ActiveRollup   state.Activity
	Rollups        map[state.SeqNo]state.Rollup
	RollupsRemoved state.SeqNo
	Leased         map[state.LeasedReaderID]state.LeasedReader
	Critical       map[state.CriticalReaderID]state.CriticalReader
	Writers        map[state.WriterID]state.Writer
	Since          frontier.Antichain
	Batches        []state.Batch
	Compactions    []state.Compaction
	EpochMin       state.Epoch
}

// view returns what there is to compare of a state.
func view(s *state.State) twin {
	view := twin{
		Header:         s.Header(),
		ActiveRollup:   s.ActiveRollup(),
		Rollups:        maps.Collect(s.Rollups().All()),
		RollupsRemoved: s.RollupsRemoved(),
		Leased:         maps.Collect(s.LeasedReaders().All()),
		Critical:       maps.Collect(s.CriticalReaders().All()),
		Writers:        maps.Collect(s.Writers().All()),
		Since:          s.Since(),
		EpochMin:       s.BatchEpochMin(),
	}
	for _, batch := range s.Batches().All() {
		view.Batches = append(view.Batches, batch)
	}
	for _, compaction := range s.Compactions().All() {
		view.Compactions = append(view.Compactions, compaction)
	}
	return view
}

func (w twin) clone() *twin {
	w.Rollups, w.Leased = maps.Clone(w.Rollups), maps.Clone(w.Leased)
	w.Critical, w.Writers = maps.Clone(w.Critical), maps.Clone(w.Writers)
	w.Batches, w.Compactions = slices.Clone(w.Batches), slices.Clone(w.Compactions)
	return &w
}

func (w *twin) upper() frontier.Antichain {
	if len(w.Batches) == 0 {
		return frontier.At(0)
	}
	return w.Batches[len(w.Batches)-1].Desc.Upper
}

func (w *twin) isTombstone() bool {
	return w.upper().IsEmpty() && w.Since.IsEmpty() && len(w.Leased)+len(w.Critical)+len(w.Writers) == 0
}

// verdict is what a command comes to: an answer, or what is wrong.
type verdict struct {
	Answer   any
	Standing state.Standing
	Problem  string
}

// problem names an error by what callers can tell it by.
func problem(err error) string {
	var usage *state.UsageError
	var malformed *state.MalformedError
	switch {
	case errors.As(err, &usage):
		return string(usage.Kind)
	case errors.As(err, &malformed):
		return "malformed " + malformed.What
	case err != nil:
		return err.Error()
	default:
		return ""
	}
}

// making is a version of a twin in the making.
type making struct {
	*twin
	env         state.Environment
	seen        map[any]bool // the readers and writers whom commands were about
	isCommitted bool
	lostReader  bool
	isUpkeep    bool // nothing but maintenance was committed
}

func (w twin) next(env state.Environment) *making {
	m := &making{twin: w.clone(), env: env, seen: map[any]bool{}}
	m.Header.SeqNo++
	m.Header.WalltimeMS = max(m.Header.WalltimeMS+1, env.NowMS)
	m.Header.Hostname = env.Hostname
	return m
}

func wrong(standing state.Standing, kind state.UsageKind) verdict {
	return verdict{Standing: standing, Problem: string(kind)}
}

var wait = verdict{Standing: state.Stale, Problem: state.ErrNextVersion.Error()}

// commit says that the version is needed, and that it is about somebody.
func (m *making) commit(about any, answer any) verdict {
	m.isCommitted, m.isUpkeep = true, false
	if about != nil {
		m.seen[about] = true
	}
	return verdict{Answer: answer, Standing: state.Proposed}
}

func (m *making) append(c state.CompareAndAppend) verdict {
	updates := 0
	for _, draft := range c.Batches {
		updates += len(draft.Runs)
	}
	old, isKnown := m.Writers[c.Writer]
	switch {
	case m.isTombstone() && c.Expected.IsEmpty() && c.New.IsEmpty() && updates == 0:
		return verdict{Answer: state.AppendAnswer{Upper: frontier.Empty()}, Standing: state.Final}
	case m.isTombstone():
		return verdict{
			Answer:   state.AppendAnswer{Outcome: state.UpperDiffers, Upper: frontier.Empty()},
			Standing: state.Final,
		}
	case c.Token == state.IdempotencyToken{}:
		return wrong(state.Final, state.InvalidToken)
	case c.New.LessThan(c.Expected):
		return wrong(state.Final, state.InvalidBounds)
	case c.New == c.Expected && updates > 0:
		return wrong(state.Final, state.InvalidEmptyTimeInterval)
	case m.seen[c.Writer]:
		return wait
	case isKnown && old.Token == c.Token && old.Upper != c.New:
		return wrong(state.Final, state.InvalidToken)
	case isKnown && old.Token == c.Token:
		return verdict{
			Answer:   state.AppendAnswer{Outcome: state.AlreadyAppended, Upper: m.upper()},
			Standing: state.Final,
		}
	case m.upper() != c.Expected:
		return verdict{
			Answer:   state.AppendAnswer{Outcome: state.UpperDiffers, Upper: m.upper()},
			Standing: state.Stale,
		}
	}
	if c.Expected != c.New {
		m.push(c)
	}
	m.Writers[c.Writer] = state.Writer{
		Lease: state.Lease{HeartbeatMS: max(old.Lease.HeartbeatMS, m.env.NowMS), DurationMS: c.LeaseMS},
		Token: c.Token, Upper: c.New, Debug: c.Debug,
	}
	return m.commit(c.Writer, state.AppendAnswer{Outcome: state.Appended, Upper: c.New})
}

func (m *making) push(c state.CompareAndAppend) {
	id := state.BatchID(0)
	if len(m.Batches) > 0 {
		id = m.Batches[len(m.Batches)-1].IDs.Upper
	}
	batch := state.Batch{
		IDs:  state.BatchIDs{Lower: id, Upper: id + 1},
		Desc: state.Desc{Lower: c.Expected, Upper: c.New},
	}
	for _, draft := range c.Batches {
		for _, run := range draft.Runs {
			batch.Runs = append(batch.Runs, run)
			batch.Length += run.Length
			batch.EncodedSize += run.EncodedSize
		}
	}
	if batch.Length == 0 && len(m.Batches) > 0 {
		newest := &m.Batches[len(m.Batches)-1]
		isClaimed := false
		for _, compaction := range m.Compactions {
			isClaimed = isClaimed || compaction.Window.Lower <= newest.IDs.Lower && newest.IDs.Lower < compaction.Window.Upper
		}
		if newest.Length == 0 && !isClaimed {
			newest.IDs.Upper, newest.Desc.Upper = id+1, c.New
			return
		}
	}
	m.Batches = append(m.Batches, batch)
}

func (m *making) expireWriter(c state.ExpireWriter) verdict {
	_, existed := m.Writers[c.ID]
	switch {
	case m.isTombstone():
		return verdict{Answer: false, Standing: state.Final}
	case m.seen[c.ID]:
		return wait
	}
	delete(m.Writers, c.ID)
	return m.commit(c.ID, existed)
}

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
		for old := range m.Rollups {
			if old < n && m.isTombstone() {
				delete(m.Rollups, old)
				m.RollupsRemoved = max(m.RollupsRemoved, old)
			}
		}
	}
	if !m.isCommitted {
		m.isUpkeep = true
	}
	wasUpkeep := m.isUpkeep
	v := m.commit(nil, isOurs || isNew)
	m.isUpkeep = wasUpkeep
	return v
}

// finish returns the version, and whether a rollup is asked for.
func (m *making) finish() (w twin, wantsRollup bool) {
	for id, reader := range m.Leased {
		if m.isExpired(reader.Lease) && !m.seen[id] {
			delete(m.Leased, id)
		}
	}
	for id, writer := range m.Writers {
		if m.isExpired(writer.Lease) && !m.seen[id] {
			delete(m.Writers, id)
		}
	}
	latest := slices.Max(slices.Collect(maps.Keys(m.Rollups)))
	distance := uint64(m.Header.SeqNo - latest)
	switch {
	case m.isUpkeep:
	case m.isTombstone():
		wantsRollup = distance > 1
	default:
		isActive := m.ActiveRollup.SeqNo != 0 &&
			m.env.NowMS < m.ActiveRollup.StartedMS+m.env.Config.RollupFallbackMS &&
			m.env.NowMS+m.env.Config.RollupFallbackMS > m.ActiveRollup.StartedMS
		wantsRollup = distance > m.env.Config.RollupThreshold && !isActive
	}
	if wantsRollup {
		m.ActiveRollup = state.Activity{SeqNo: m.Header.SeqNo, StartedMS: m.env.NowMS}
	}
	return *m.twin, wantsRollup
}

func (m *making) isExpired(lease state.Lease) bool {
	if m.env.IsExpired != nil {
		return m.env.IsExpired(lease, m.env.NowMS)
	}
	return m.env.NowMS > lease.HeartbeatMS+lease.DurationMS
}
