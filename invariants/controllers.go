package invariants

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
	"sync"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Controllers watches the controllers of all processes that share a store, and the
// store itself. It is safe for concurrent use.
//
// What has to be true of one controller is asserted after each of its steps; what
// has to be true between controllers and the store, at each commit; what has to be
// true of calls, where scenarios report them.
type Controllers struct {
	mu        sync.Mutex //sim:allow native-lock because nothing parks while it is held
	shards    map[string]*stored
	processes map[int64]*Process // by epoch
}

// stored is what the log of a shard says.
type stored struct {
	issued map[persist.SeqNo][]issue
	since  frontier.Antichain // of the controllers' capability
	upper  frontier.Antichain
	epoch  int64
}

// NewControllers returns a watcher of an empty store, which learns from the ledger
// what is committed.
func NewControllers(ledger *Ledger) *Controllers {
	all := &Controllers{shards: make(map[string]*stored), processes: make(map[int64]*Process)}
	ledger.onVersion = all.committed
	return all
}

// Process watches one process.
type Process struct {
	all *Controllers
	rt  *runtime.Runtime

	mu         sync.Mutex //sim:allow native-lock because nothing parks while it is held
	controller *collections.Controller
	last       collections.Inspection
	ended      bool // the controller has said that it has ended
}

// Process returns the watcher of a new process.
func (all *Controllers) Process(rt *runtime.Runtime) *Process { return &Process{all: all, rt: rt} }

// Events returns what the controller of the process has to be configured with.
func (p *Process) Events() collections.Events {
	return collections.Events{
		Stepped: p.step,
		PromiseBroken: func(b collections.BrokenPromise) {
			p.rt.Always(false, "I-10", "collection", b.ID, "dependency", b.Dependency, "since", b.Since,
				"upper", b.Upper, "implied", b.Implied)
		},
	}
}

// Opened tells that the controller has opened.
func (p *Process) Opened(c *collections.Controller) {
	p.mu.Lock()
	p.controller = c
	p.mu.Unlock()
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.rt.Always(p.all.processes[c.Epoch()] == nil, "I-35", "epoch", c.Epoch(), "used", "twice")
	p.all.processes[c.Epoch()] = p
}

// Issuing wraps the log that the process writes to, above any faults, so that it is
// known who has issued what: an effect may land when its process is gone.
func (p *Process) Issuing(outer persist.Consensus) persist.Consensus {
	return &issuing{Consensus: outer, process: p}
}

type issuing struct {
	persist.Consensus
	process *Process
}

// CompareAndSet implements [persist.Consensus].
func (c *issuing) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	c.process.all.issue(key, next, issue{c.process, c.process.HasEnded(), crc32.ChecksumIEEE(next.Data)})
	return c.Consensus.CompareAndSet(ctx, key, expected, next)
}

// issue is one attempt to commit a version.
type issue struct {
	process  *Process
	wasEnded bool // the controller, when the attempt was made
	checksum uint32
}

func (all *Controllers) issue(key string, next persist.Versioned, i issue) {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.shard(key)
	s.issued[next.SeqNo] = append(s.issued[next.SeqNo], i)
}

func (all *Controllers) shard(key string) *stored {
	s := all.shards[key]
	if s == nil {
		s = &stored{issued: make(map[persist.SeqNo][]issue)}
		all.shards[key] = s
	}
	return s
}

// committed takes a version up, as the ledger tells it.
func (all *Controllers) committed(rt *runtime.Runtime, key string, v persist.Versioned, log *persist.Follower) {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.shard(key)
	by := s.issuer(v)
	delete(s.issued, v.SeqNo)
	s.follow(rt, key, by, log)
}

// issuer returns who has issued a version first, the zero value if nobody did.
func (s *stored) issuer(v persist.Versioned) issue {
	checksum := crc32.ChecksumIEEE(v.Data)
	for _, i := range s.issued[v.SeqNo] {
		if i.checksum == checksum {
			return i
		}
	}
	return issue{}
}

// follow asserts what has to be true of a new version of a shard: its frontiers
// and its epoch do not go back (I-23, I-30), a process that has moved the since has
// stored its epoch (I-29) and had not ended (I-31), and what it has promised to its
// holds and collections is kept (I-15, I-21).
func (s *stored) follow(rt *runtime.Runtime, key string, by issue, log *persist.Follower) {
	since, epoch := s.owner(log)
	upper := log.Upper()
	rt.Always(s.since.LessEqual(since) && s.upper.LessEqual(upper), "I-23", "shard", key,
		"since", since, "upper", upper)
	rt.Always(s.epoch <= epoch, "I-30", "shard", key, "before", s.epoch, "now", epoch)
	hasMoved := since != s.since || epoch != s.epoch
	hasGrown := upper != s.upper
	s.since, s.upper, s.epoch = since, upper, epoch
	rt.Always(!by.wasEnded || !hasMoved && !hasGrown, "I-31", "shard", key, "since", since, "upper", upper)
	c := by.process.opened()
	if !hasMoved || c == nil {
		return
	}
	rt.Always(epoch == c.Epoch(), "I-29", "shard", key, "moved by", c.Epoch(), "stored", epoch)
	keeps(rt, c.Inspect(), key, since)
}

// opened returns the controller, nil if there is none yet.
func (p *Process) opened() *collections.Controller {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.controller
}

// keeps asserts that a durable since takes nothing away that a controller has
// promised.
func keeps(rt *runtime.Runtime, seen collections.Inspection, key string, since frontier.Antichain) {
	shards := make(map[collections.GlobalID]string)
	for _, one := range seen.Collections {
		shards[one.ID] = one.Shard.String()
		rt.Always(one.IsRemoved || shards[one.ID] != key || since.LessEqual(one.Read), "I-21",
			"collection", one.ID, "durable", since, "read", one.Read)
	}
	for _, h := range seen.Holds {
		rt.Always(shards[h.ID] != key || since.LessEqual(h.Since), "I-15",
			"collection", h.ID, "durable", since, "hold", h.Since)
	}
}

// owner returns the since and the epoch of the controllers' capability.
func (s *stored) owner(log *persist.Follower) (frontier.Antichain, int64) {
	owners := log.Critical()
	if len(owners) == 0 {
		return s.since, s.epoch
	}
	return owners[0].Since, int64(binary.LittleEndian.Uint64(owners[0].Opaque.Value[:]))
}

// Fenced asserts that an error which has ended a process is due: another process
// has a newer epoch (I-32). An invariant that the controller itself has found broken
// is one.
func (p *Process) Fenced(err error) {
	var broken *collections.InvariantError
	if errors.As(err, &broken) {
		p.rt.Always(false, broken.Invariant, "details", broken.Details)
	}
	var fenced *collections.FencedError
	if errors.As(err, &fenced) {
		p.rt.Always(fenced.Ours < fenced.Actual, "I-32", "epoch", fenced.Ours, "fenced by", fenced.Actual)
	}
}

// Returned asserts that no call succeeds after the controller has ended (I-31).
// Before is whether it had when the call began.
func (p *Process) Returned(before bool, err error) {
	p.rt.Always(!before || err != nil, "I-31", "call", "succeeds")
}

// HasEnded reports whether the controller has said that it has ended.
func (p *Process) HasEnded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// WasReplaced reports whether a newer epoch owns the shard of a collection: then
// the process may be refused what it holds, without knowing it yet. Otherwise a read
// under a hold must not be refused (I-16).
func (p *Process) WasReplaced(id collections.GlobalID) bool {
	c := p.opened()
	for _, one := range c.Inspect().Collections {
		if one.ID == id {
			p.all.mu.Lock()
			defer p.all.mu.Unlock()
			return p.all.shard(one.Shard.String()).epoch > c.Epoch()
		}
	}
	return false
}

// CheckReleased asserts that the since of every shard is {} (I-40, as far as it goes
// without tombstones).
func (all *Controllers) CheckReleased(rt *runtime.Runtime) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(all.shards)) {
		rt.Always(all.shards[key].since.IsEmpty(), "I-40", "shard", key, "since", all.shards[key].since)
	}
}
