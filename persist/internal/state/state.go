package state

import (
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/ordered"
)

// State is one version of the metadata of a shard. It is immutable: a command
// computes the changes that lead to the next version, which shares all else with
// this one. Any number of goroutines may use it at the same time.
//
// The zero value is the state of a shard that does not exist: version 0, before
// the first.
type State struct {
	header Header

	// Each of the following has an entry in the table of fields, which makes it
	// part of diffs, rollups, comparisons and dumps.

	lastGC          SeqNo
	activeGC        Activity
	activeRollup    Activity
	rollups         ordered.Map[SeqNo, Rollup]
	rollupsRemoved  SeqNo
	leasedReaders   ordered.Map[LeasedReaderID, LeasedReader]
	criticalReaders ordered.Map[CriticalReaderID, CriticalReader]
	writers         ordered.Map[WriterID, Writer]
	schemas         ordered.Map[SchemaID, Schema]
	since           frontier.Antichain
	batches         Batches
	compactions     ordered.Map[BatchID, Compaction]
	batchEpoch      Epoch
	batchEpochMin   Epoch
}

// Header is what changes with every version.
type Header struct {
	// Shard never changes.
	Shard ShardID `cbor:"1,keyasint"`
	SeqNo SeqNo   `cbor:"2,keyasint"`
	// WalltimeMS is when the version was made, in milliseconds since the Unix
	// epoch, but strictly later than the one before. It is for people.
	WalltimeMS uint64 `cbor:"3,keyasint"`
	// Hostname is who made it. It is for people.
	Hostname string `cbor:"4,keyasint"`
	// Version is the format in which this version is stored. Programs that do
	// not know it leave the shard alone.
	Version FormatVersion `cbor:"-"` // stands on the outside of the record
}

// Header returns what changes with every version.
func (s *State) Header() Header { return s.header }

// Shard returns which shard it is.
func (s *State) Shard() ShardID { return s.header.Shard }

// SeqNo returns the number of the version, 0 if the shard does not exist.
func (s *State) SeqNo() SeqNo { return s.header.SeqNo }

// LastGC returns up to which version garbage collection has been assigned; it is
// not necessarily done.
func (s *State) LastGC() SeqNo { return s.lastGC }

// ActiveGC returns the garbage collection that is under way.
func (s *State) ActiveGC() Activity { return s.activeGC }

// ActiveRollup returns the writing of a rollup that is under way.
func (s *State) ActiveRollup() Activity { return s.activeRollup }

// Rollups returns the rollups from which the shard can be opened, by version.
func (s *State) Rollups() ordered.Map[SeqNo, Rollup] { return s.rollups }

// LatestRollup returns the rollup of the greatest version, the zero value if
// there is none.
func (s *State) LatestRollup() Rollup {
	if _, latest := s.rollups.Last(); latest != nil {
		return *latest
	}
	return Rollup{}
}

// RollupsRemoved returns the greatest version of which a rollup was removed from
// [State.Rollups]. None up to it is ever added again.
func (s *State) RollupsRemoved() SeqNo { return s.rollupsRemoved }

// LeasedReaders returns the readers whose capability ends with their lease.
func (s *State) LeasedReaders() ordered.Map[LeasedReaderID, LeasedReader] { return s.leasedReaders }

// CriticalReaders returns the readers whose capability never ends by itself.
func (s *State) CriticalReaders() ordered.Map[CriticalReaderID, CriticalReader] {
	return s.criticalReaders
}

// Writers returns those who have appended lately.
func (s *State) Writers() ordered.Map[WriterID, Writer] { return s.writers }

// Schemas returns the registered schemas, the latest last.
func (s *State) Schemas() ordered.Map[SchemaID, Schema] { return s.schemas }

// Since returns from which time on the shard can be read. {} is never.
func (s *State) Since() frontier.Antichain { return s.since }

// Upper returns where the contents end: all updates at times before it are final
// and present. {} means that nothing can be written any more.
func (s *State) Upper() frontier.Antichain { return s.batches.Upper() }

// Batches returns the contents.
func (s *State) Batches() Batches { return s.batches }

// Compactions returns the windows of batches that are being merged, by the lower
// end of their ids.
func (s *State) Compactions() ordered.Map[BatchID, Compaction] { return s.compactions }

// BatchEpoch returns the epoch with which the keys of new parts are marked.
func (s *State) BatchEpoch() Epoch { return s.batchEpoch }

// BatchEpochMin returns the reclamation fence: a part of an earlier epoch that no
// batch refers to is never going to be referred to.
func (s *State) BatchEpochMin() Epoch { return s.batchEpochMin }

// SeqNoSince returns the earliest version whose objects somebody may still need:
// the least hold of a leased reader, or this version.
func (s *State) SeqNoSince() SeqNo {
	least := s.SeqNo()
	for _, reader := range s.leasedReaders.Shared() {
		least = min(least, reader.Hold)
	}
	return least
}

// CriticalSince returns the earliest since of a critical reader, and false if
// there is none.
func (s *State) CriticalSince() (since frontier.Antichain, ok bool) {
	since = frontier.Empty()
	for _, reader := range s.criticalReaders.Shared() {
		since = since.Meet(reader.Since)
	}
	return since, s.criticalReaders.Len() > 0
}

// readersSince returns the earliest since of any reader, and false if there is
// none: then nobody has a say, which is not the same as having agreed to {}.
func (s *State) readersSince() (since frontier.Antichain, ok bool) {
	since, ok = s.CriticalSince()
	for _, reader := range s.leasedReaders.Shared() {
		since, ok = since.Meet(reader.Since), true
	}
	return since, ok
}

// IsTombstone reports whether the shard has come to its end: nothing can be read
// or written, and nobody is registered. That is final.
func (s *State) IsTombstone() bool {
	return s.Upper().IsEmpty() && s.since.IsEmpty() &&
		s.leasedReaders.Len() == 0 && s.criticalReaders.Len() == 0 && s.writers.Len() == 0
}

// IsFinalized reports whether the shard has come to its end and given up its
// contents. That is final.
func (s *State) IsFinalized() bool {
	return s.IsTombstone() && s.batches.Len() <= 1 && s.batches.totals == Totals{}
}

// Equal reports whether both are the same version with the same contents.
func (s *State) Equal(other *State) bool {
	if s.header != other.header {
		return false
	}
	for _, field := range fields {
		if !field.equal(s, other) {
			return false
		}
	}
	return true
}
