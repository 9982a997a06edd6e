package invariants

import (
	"context"
	"sync"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Log watches the users of the versions of one key, above all faults, and holds what they
// are told against each other: that a write which was refused never has an effect (P-2),
// and one that was confirmed has had it once, in its time (P-3); that what is read is one of
// the states of the log between call and return, without gaps (P-4); and that nothing is
// truncated but what somebody has asked for, and never the newest version (P-5).
//
// It needs no search: a version names its predecessor, so that the order of all writes is
// known as soon as they are seen. For that no two writes may have the same data. It is safe
// for concurrent use, and never looks into the store.
type Log struct {
	mu          sync.Mutex           //sim:allow native-lock because nothing parks while it is held
	clock       int                  // counts calls and returns
	writes      map[string]*logWrite // by what they write
	all         []*logWrite
	versions    map[persist.SeqNo]*logWrite // as far as anybody has seen them
	newest      persist.SeqNo               // that somebody was told of
	absent      map[persist.SeqNo]int       // by version, when the latest read has begun that ended before it
	truncations []*logTruncation
	truncated   persist.SeqNo // acknowledged: the versions before it are gone
}

// logWrite is a compare-and-set.
type logWrite struct {
	expected     persist.SeqNo
	known        persist.SeqNo // the newest version that anybody had been told of by then
	begun, ended int           // ended is 0 while there is no answer
	// isConfirmed says that the answer was yes, isRefused that it was no, or an error which
	// says that nothing has happened; isMismatch is the former of the two.
	isConfirmed, isRefused, isMismatch bool
}

// logTruncation is one that may have an effect, or may have had one.
type logTruncation struct {
	before    persist.SeqNo
	isRefused bool
}

// flaw is what is wrong with an answer, and which invariant it breaks; the zero value is
// nothing.
type flaw struct{ id, text string }

// NewLog returns the watcher of a key without versions.
func NewLog() *Log {
	return &Log{
		writes: make(map[string]*logWrite), versions: make(map[persist.SeqNo]*logWrite),
		absent: make(map[persist.SeqNo]int),
	}
}

// Consensus returns the log as one of its users sees it, watched. All calls have to be about
// one key.
func (l *Log) Consensus(rt *runtime.Runtime, inner persist.Consensus) persist.Consensus {
	return &logConsensus{inner, l, rt}
}

type logConsensus struct {
	persist.Consensus
	log *Log
	rt  *runtime.Runtime
}

// judge asserts that there is no flaw.
func (c *logConsensus) judge(found flaw, kv ...any) {
	kv = append([]any{"what", found.text}, kv...)
	c.rt.Always(found.id != "P-2", "P-2", kv...)
	c.rt.Always(found.id != "P-3", "P-3", kv...)
	c.rt.Always(found.id != "P-4", "P-4", kv...)
	c.rt.Always(found.id != "P-5", "P-5", kv...)
}

// CompareAndSet implements [persist.Consensus].
func (c *logConsensus) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	w := c.log.beginWrite(expected, string(next.Data))
	committed, err := c.Consensus.CompareAndSet(ctx, key, expected, next)
	c.judge(c.log.endWrite(w, committed, err), "expected", expected, "committed", committed, "error", err)
	return committed, err
}

// Head implements [persist.Consensus].
func (c *logConsensus) Head(ctx context.Context, key string) (persist.Versioned, bool, error) {
	begun := c.log.begin()
	head, found, err := c.Consensus.Head(ctx, key)
	if err == nil {
		c.judge(c.log.endHead(begun, head, found), "head", head.SeqNo, "found", found)
	}
	return head, found, err
}

// Scan implements [persist.Consensus].
func (c *logConsensus) Scan(
	ctx context.Context, key string, from persist.SeqNo, limit int,
) ([]persist.Versioned, error) {
	begun := c.log.begin()
	versions, err := c.Consensus.Scan(ctx, key, from, limit)
	if err == nil {
		c.judge(c.log.endScan(begun, max(from, 1), limit, versions), "from", from, "limit", limit, "versions", len(versions))
	}
	return versions, err
}

// Truncate implements [persist.Consensus].
func (c *logConsensus) Truncate(ctx context.Context, key string, before persist.SeqNo) (int, error) {
	begun, t := c.log.beginTruncation(before)
	deleted, err := c.Consensus.Truncate(ctx, key, before)
	c.judge(c.log.endTruncation(begun, t, deleted, err), "before", before, "deleted", deleted, "error", err)
	return deleted, err
}
