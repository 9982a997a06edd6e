package invariants

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// BoundInlined lets the ledger assert that no version of a shard has more bytes of batches in
// itself than most returns, the total that all clients keep to, but for one write (P-23). It
// is called before the first of them.
func (l *Ledger) BoundInlined(most func() int) { l.inlinedMax = most }

// inlinedButOne returns how many bytes of batches the newest version has in itself, without
// those of the batch that has most of them.
func (s *ledgerShard) inlinedButOne(most uint64) uint64 {
	inlined, largest := s.log.Inlined(), uint64(0)
	if inlined <= most { // as nearly always; the batches are many
		return inlined
	}
	seen, err := s.log.Inspect()
	if err != nil {
		return inlined
	}
	for _, batch := range seen.Batches {
		largest = max(largest, batch.Inlined)
	}
	return inlined - largest
}

// SignOfLife is a call by which a leased reader says that it is alive.
type SignOfLife struct {
	ledger *Ledger
	shard  string
	reader string
	before persist.SeqNo
}

// SignOfLife notes that a reader is about to say that it is alive: it is opened, or renewed.
func (l *Ledger) SignOfLife(shard persist.ShardID, reader persist.LeasedReaderID) *SignOfLife {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := shard.String()
	return &SignOfLife{l, key, reader.String(), l.shard(key).log.SeqNo()}
}

// End asserts, if that has succeeded, that some version of the time of the call has the
// reader: the one at least with which the call was committed, so that expiry has not taken it
// away in the same breath (P-14).
func (s *SignOfLife) End(rt *runtime.Runtime, err error) {
	if err != nil {
		return
	}
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	last := s.ledger.shard(s.shard).lastWith[s.reader]
	rt.Always(last > s.before, "P-14", "shard", s.shard, "reader", s.reader,
		"is in no version since", s.before, "last in", last)
}

// Newest returns the newest version of a shard.
func (l *Ledger) Newest(shard persist.ShardID) persist.SeqNo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shard(shard.String()).log.SeqNo()
}

// note takes something that has happened to the store into the hash of all that has.
func (l *Ledger) note(what, key string, data []byte) {
	for _, text := range []string{what, key} {
		_, _ = l.contents.WriteString(text) // it has no errors
	}
	_, _ = l.contents.Write(data)
}

// Seal makes all that has happened to the store a part of the run, every byte of it: a seed
// that writes something else the second time does not repeat then, even if no decision hangs
// on that (P-58). A scenario calls it at its end.
func (l *Ledger) Seal(rt *runtime.Runtime) {
	l.mu.Lock()
	sum := l.contents.Sum64()
	l.mu.Unlock()
	rt.Read(runtime.NewResource("contents", fmt.Sprintf("%016x", sum))) // the name of what is read is in the hash
}
