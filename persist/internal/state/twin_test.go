package state_test

import (
	"errors"
	"fmt"
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
	LastGC         state.SeqNo
	ActiveGC       state.Activity
	ActiveRollup   state.Activity
	Rollups        map[state.SeqNo]state.Rollup
	RollupsRemoved state.SeqNo
	Leased         map[state.LeasedReaderID]state.LeasedReader
	Critical       map[state.CriticalReaderID]state.CriticalReader
	Writers        map[state.WriterID]state.Writer
	Schemas        []state.Schema
	Since          frontier.Antichain
	Batches        []state.Batch
	Compactions    []state.Compaction
	Epoch          state.Epoch
	EpochMin       state.Epoch
}

// view returns what there is to compare of a state.
func view(s *state.State) twin {
	view := twin{
		Header:         s.Header(),
		LastGC:         s.LastGC(),
		ActiveGC:       s.ActiveGC(),
		ActiveRollup:   s.ActiveRollup(),
		Rollups:        maps.Collect(s.Rollups().All()),
		RollupsRemoved: s.RollupsRemoved(),
		Leased:         maps.Collect(s.LeasedReaders().All()),
		Critical:       maps.Collect(s.CriticalReaders().All()),
		Writers:        maps.Collect(s.Writers().All()),
		Since:          s.Since(),
		Epoch:          s.BatchEpoch(),
		EpochMin:       s.BatchEpochMin(),
	}
	for _, schema := range s.Schemas().All() {
		view.Schemas = append(view.Schemas, schema)
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
	w.Schemas = slices.Clone(w.Schemas)
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
	var broken *state.ViolationError
	var open *state.NotClosedError
	switch {
	case errors.As(err, &broken):
		return "violation of " + broken.Invariant
	case errors.As(err, &open):
		return fmt.Sprintf("open: since %v, upper %v", open.Since, open.Upper)
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
	appended    bool
	requests    []merge
}

func (w twin) next(env state.Environment) *making {
	m := &making{twin: w.clone(), env: env, seen: map[any]bool{}}
	m.Header.SeqNo++
	m.Header.WalltimeMS = max(m.Header.WalltimeMS+1, env.NowMS)
	m.Header.Hostname = env.Hostname
	c := &m.env.Config
	for _, number := range []struct {
		n         *uint64
		otherwise uint64
	}{
		{&c.RollupThreshold, 128}, {&c.RollupFallbackMS, 5000}, {&c.GCVersionsMin, 32}, {&c.GCVersionsMax, 128_000},
		{&c.GCFallbackMS, 900_000}, {&c.CompactionFallbackMS, 3_600_000}, {&c.InlineBytesMax, 1 << 20},
	} {
		if *number.n == 0 {
			*number.n = number.otherwise
		}
	}
	if c.CompactionFanout == 0 {
		c.CompactionFanout = 4
	}
	if c.BatchesMax == 0 {
		c.BatchesMax = 4096
	}
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

// commitUpkeep says that the version is needed to note the result of maintenance.
func (m *making) commitUpkeep(answer any) verdict {
	isUpkeep := m.isUpkeep || !m.isCommitted
	v := m.commit(nil, answer)
	m.isUpkeep = isUpkeep
	return v
}

// finish returns the version, and what work it comes with.
func (m *making) finish() (w twin, work maintenance) {
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
	work = maintenance{Rollup: m.wantsRollup(), Garbage: m.wantsGarbageCollected(), Merges: m.requests}
	return *m.twin, work
}

func (m *making) isExpired(lease state.Lease) bool {
	if m.env.IsExpired != nil {
		return m.env.IsExpired(lease, m.env.NowMS)
	}
	return m.env.NowMS > lease.HeartbeatMS+lease.DurationMS
}
