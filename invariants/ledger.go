package invariants

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Ledger watches a store from below: it wraps what executes the operations, under
// any faults, and so learns what really happens, in which order. It follows every
// shard version by version, knows which objects exist, and asserts with every
// commit, truncation and deletion what must never fail: that versions follow each
// other (P-1, P-8, P-11), that the log can be opened (P-9, P-10), that nobody's
// versions are gone (P-12), that tombstones stay what they are (P-15), that every
// object that can still be asked for is there (P-18, P-20), and that each was
// written once (P-19). [Ledger.BoundInlined] and [Ledger.SignOfLife] are about what it
// has to be told of (P-23, P-14).
//
// It is safe for concurrent use. Its memory grows with the objects.
type Ledger struct {
	// onVersion is called with each version, in the order of its shard.
	onVersion func(rt *runtime.Runtime, shard string, v persist.Versioned, log *persist.Follower)

	mu      sync.Mutex //sim:allow native-lock because nothing parks while it is held
	shards  map[string]*ledgerShard
	objects map[string]*ledgerObject
	// contents is a hash of all that has happened to the store, in its order.
	contents *xxhash.Digest
	// inlinedMax returns what is the most that a shard may have inlined; nil if nobody knows.
	inlinedMax func() int
}

// ledgerShard is what the ledger knows of a shard.
type ledgerShard struct {
	log      persist.Follower
	earliest persist.SeqNo
	waiting  map[persist.SeqNo][]byte // versions that were told before their predecessor
	since    frontier.Antichain
	upper    frontier.Antichain
	walltime uint64
	needed   persist.SeqNo // the earliest version that somebody needed
	// lastWith is the newest version that had a leased reader, by its id.
	lastWith map[string]persist.SeqNo
}

// ledgerObject is what the ledger knows of an object that was ever written.
type ledgerObject struct {
	content  []byte
	exists   bool
	isLinked bool // some version has referred to it
	// isNeeded says that the newest version refers to it. Otherwise versions before
	// neededBefore do, if it was ever linked.
	isNeeded     bool
	neededBefore persist.SeqNo
	// rollupOf is the version of a rollup that is not listed any more. It is needed
	// for as long as the log may begin there.
	rollupOf persist.SeqNo
}

// NewLedger returns the ledger of an empty store.
func NewLedger() *Ledger {
	return &Ledger{
		shards: make(map[string]*ledgerShard), objects: make(map[string]*ledgerObject), contents: xxhash.New(),
	}
}

// Consensus returns the log of the store, watched.
func (l *Ledger) Consensus(rt *runtime.Runtime, inner persist.Consensus) persist.Consensus {
	return &ledgerConsensus{inner, l, rt}
}

// Blob returns the objects of the store, watched.
func (l *Ledger) Blob(rt *runtime.Runtime, inner persist.Blob) persist.Blob {
	return &ledgerBlob{inner, l, rt}
}

type ledgerConsensus struct {
	persist.Consensus
	ledger *Ledger
	rt     *runtime.Runtime
}

// CompareAndSet implements [persist.Consensus].
func (c *ledgerConsensus) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	committed, err := c.Consensus.CompareAndSet(ctx, key, expected, next)
	if committed {
		c.ledger.committed(c.rt, key, next)
	}
	return committed, err
}

// Truncate implements [persist.Consensus].
func (c *ledgerConsensus) Truncate(ctx context.Context, key string, before persist.SeqNo) (int, error) {
	deleted, err := c.Consensus.Truncate(ctx, key, before)
	if err == nil {
		c.ledger.truncated(c.rt, key, before)
	}
	return deleted, err
}

func (l *Ledger) shard(key string) *ledgerShard {
	if l.shards[key] == nil {
		l.shards[key] = &ledgerShard{
			earliest: 1, waiting: make(map[persist.SeqNo][]byte), lastWith: make(map[string]persist.SeqNo),
		}
	}
	return l.shards[key]
}

// committed takes a version up, and those that have waited for it.
func (l *Ledger) committed(rt *runtime.Runtime, key string, v persist.Versioned) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note("version", key, v.Data)
	s := l.shard(key)
	_, isTwice := s.waiting[v.SeqNo]
	rt.Always(!isTwice && v.SeqNo > s.log.SeqNo(), "P-1", "shard", key, "seqno", v.SeqNo, "after", s.log.SeqNo())
	s.waiting[v.SeqNo] = bytes.Clone(v.Data)
	for {
		n := s.log.SeqNo() + 1
		data, ok := s.waiting[n]
		if !ok {
			return
		}
		delete(s.waiting, n)
		l.apply(rt, key, s, persist.Versioned{SeqNo: n, Data: data})
	}
}

func (l *Ledger) apply(rt *runtime.Runtime, key string, s *ledgerShard, v persist.Versioned) {
	wasTombstone := s.log.IsTombstone()
	err := s.log.Apply(v)
	rt.Always(err == nil, "P-8", "shard", key, "seqno", v.SeqNo, "error", err)
	rt.Always(s.since.LessEqual(s.log.Since()) && s.upper.LessEqual(s.log.Upper()), "P-11", "shard", key, "seqno", v.SeqNo)
	rt.Always(s.walltime < s.log.WalltimeMS(), "P-11", "shard", key, "seqno", v.SeqNo, "walltime", s.log.WalltimeMS())
	needed := s.meet()
	rt.Always(s.needed <= needed, "P-11", "shard", key, "seqno", v.SeqNo, "held", needed)
	rt.Always(!wasTombstone || s.log.IsTombstone(), "P-15", "shard", key, "seqno", v.SeqNo)
	s.since, s.upper, s.walltime, s.needed = s.log.Since(), s.log.Upper(), s.log.WalltimeMS(), needed
	change := s.log.Change()
	for _, object := range change.PartsAdded {
		flaw := l.link(object)
		rt.Always(flaw == "", "P-18", "object", object, "linked", v.SeqNo, "which", flaw)
	}
	for _, object := range change.RollupsAdded {
		flaw := l.link(object)
		rt.Always(flaw == "", "P-10", "object", object, "linked", v.SeqNo, "which", flaw)
	}
	for _, object := range append(change.PartsDropped, change.RollupsDropped...) {
		known := l.object(object)
		known.isNeeded, known.neededBefore = false, v.SeqNo
	}
	for _, object := range change.RollupsDropped {
		known := l.object(object)
		known.neededBefore, known.rollupOf = 0, rollupOf(object)
	}
	rt.Always(s.needed >= s.earliest, "P-12", "shard", key, "held", s.needed, "earliest", s.earliest)
	if l.inlinedMax != nil {
		most := uint64(l.inlinedMax())
		inlined := s.inlinedButOne(most)
		rt.Always(inlined <= most, "P-23", "shard", key, "inlined, but for one write", inlined, "at most", most)
	}
	l.checkOpening(rt, key, s)
	if l.onVersion != nil {
		l.onVersion(rt, key, v, &s.log)
	}
}

// meet takes note of the leased readers of the newest version, and returns the earliest one
// that somebody needs.
func (s *ledgerShard) meet() (held persist.SeqNo) {
	held = s.log.SeqNo()
	for _, r := range s.log.Leased() {
		held = min(held, r.Hold)
		s.lastWith[r.ID] = s.log.SeqNo()
	}
	return held
}

// link notes that a version refers to an object, and returns what is wrong with that.
func (l *Ledger) link(key string) (flaw string) {
	object := l.object(key)
	switch {
	case !object.exists:
		flaw = "does not exist"
	case object.isLinked:
		flaw = "was linked before"
	}
	object.isLinked, object.isNeeded = true, true
	return flaw
}

// checkOpening asserts that the shard can be opened with what is left of the log.
func (l *Ledger) checkOpening(rt *runtime.Runtime, key string, s *ledgerShard) {
	canOpen := s.log.HasRollup(s.earliest) || s.log.IsTombstone()
	rt.Always(canOpen, "P-10", "shard", key, "the log begins without a rollup at", s.earliest)
}

func (l *Ledger) truncated(rt *runtime.Runtime, key string, before persist.SeqNo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shard(key)
	if before <= s.earliest {
		return
	}
	s.earliest = before
	rt.Always(before <= s.needed, "P-12", "shard", key, "held", s.needed, "truncated", before)
	l.checkOpening(rt, key, s)
}

func (l *Ledger) object(key string) *ledgerObject {
	if l.objects[key] == nil {
		l.objects[key] = &ledgerObject{}
	}
	return l.objects[key]
}

type ledgerBlob struct {
	persist.Blob
	ledger *Ledger
	rt     *runtime.Runtime
}

// Set implements [persist.Blob].
func (b *ledgerBlob) Set(ctx context.Context, key string, value []byte) error {
	err := b.Blob.Set(ctx, key, value)
	if err == nil {
		b.ledger.written(b.rt, key, value)
	}
	return err
}

// Delete implements [persist.Blob].
func (b *ledgerBlob) Delete(ctx context.Context, key string) (int, bool, error) {
	size, existed, err := b.Blob.Delete(ctx, key)
	if err == nil {
		b.ledger.deleted(b.rt, key)
	}
	return size, existed, err
}

func (l *Ledger) written(rt *runtime.Runtime, key string, value []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note("written", key, value)
	object := l.object(key)
	isSame := object.content == nil || bytes.Equal(object.content, value)
	rt.Always(isSame, "P-19", "object", key, "written", "with another content")
	object.content, object.exists = bytes.Clone(value), true
}

func (l *Ledger) deleted(rt *runtime.Runtime, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note("deleted", key, nil)
	object := l.object(key)
	shard, _, _ := strings.Cut(key, "/")
	s := l.shard(shard)
	rt.Always(!object.isNeeded, "P-20", "object", key, "deleted, and needed by", s.log.SeqNo())
	isHeld := object.neededBefore > s.needed
	rt.Always(!isHeld, "P-20", "object", key, "needed before", object.neededBefore, "held", s.needed)
	mayOpen := object.rollupOf > 0 && object.rollupOf >= s.earliest
	rt.Always(!mayOpen, "P-10", "object", key, "deleted, and the log begins at", s.earliest)
	object.exists = false
}

// rollupOf returns the version that the key of a rollup names, "shard/v12/id".
func rollupOf(key string) persist.SeqNo {
	parts := strings.Split(key, "/")
	n, err := strconv.ParseUint(strings.TrimPrefix(parts[len(parts)-2], "v"), 10, 63)
	if err != nil {
		return 0
	}
	return persist.SeqNo(n)
}

// Left returns how many objects of a shard exist and how many versions its log has.
func (l *Ledger) Left(shard string) (objects int, versions persist.SeqNo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, object := range l.objects {
		if object.exists && strings.HasPrefix(key, shard+"/") {
			objects++
		}
	}
	s := l.shard(shard)
	return objects, s.log.SeqNo() - s.earliest + 1
}
