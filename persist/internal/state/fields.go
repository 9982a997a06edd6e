package state

import (
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/ordered"
)

// fields is the table of all fields of State but the header, in the order of
// Diff.
var fields = []field{
	lastGCField, activeGCField, activeRollupField, rollupsField, rollupsRemovedField,
	leasedReadersField, criticalReadersField, writersField, schemasField,
	sinceField, batchesField, compactionsField, batchEpochField, batchEpochMinField,
}

var (
	lastGCField = &single[SeqNo]{
		about:   about{label: "last gc", isLeft: true},
		inState: func(s *State) *SeqNo { return &s.lastGC },
		inDiff:  func(d *Diff) **Replacement[SeqNo] { return &d.LastGC },
	}
	activeGCField = &single[Activity]{
		about:   about{label: "active gc", isLeft: true},
		inState: func(s *State) *Activity { return &s.activeGC },
		inDiff:  func(d *Diff) **Replacement[Activity] { return &d.ActiveGC },
	}
	activeRollupField = &single[Activity]{
		about:   about{label: "active rollup", isLeft: true},
		inState: func(s *State) *Activity { return &s.activeRollup },
		inDiff:  func(d *Diff) **Replacement[Activity] { return &d.ActiveRollup },
	}
	rollupsField = &table[SeqNo, Rollup, ordered.Map[SeqNo, Rollup]]{
		about:   about{label: "rollups", isLeft: true},
		inState: func(s *State) *ordered.Map[SeqNo, Rollup] { return &s.rollups },
		inDiff:  func(d *Diff) *[]Mutation[SeqNo, Rollup] { return &d.Rollups },
	}
	rollupsRemovedField = &single[SeqNo]{
		about:   about{label: "rollups removed", isLeft: true},
		inState: func(s *State) *SeqNo { return &s.rollupsRemoved },
		inDiff:  func(d *Diff) **Replacement[SeqNo] { return &d.RollupsRemoved },
	}
	leasedReadersField = &table[LeasedReaderID, LeasedReader, ordered.Map[LeasedReaderID, LeasedReader]]{
		about:   about{label: "leased readers"},
		inState: func(s *State) *ordered.Map[LeasedReaderID, LeasedReader] { return &s.leasedReaders },
		inDiff:  func(d *Diff) *[]Mutation[LeasedReaderID, LeasedReader] { return &d.LeasedReaders },
	}
	criticalReadersField = &table[CriticalReaderID, CriticalReader, ordered.Map[CriticalReaderID, CriticalReader]]{
		about:   about{label: "critical readers"},
		inState: func(s *State) *ordered.Map[CriticalReaderID, CriticalReader] { return &s.criticalReaders },
		inDiff:  func(d *Diff) *[]Mutation[CriticalReaderID, CriticalReader] { return &d.CriticalReaders },
	}
	writersField = &table[WriterID, Writer, ordered.Map[WriterID, Writer]]{
		about:   about{label: "writers"},
		inState: func(s *State) *ordered.Map[WriterID, Writer] { return &s.writers },
		inDiff:  func(d *Diff) *[]Mutation[WriterID, Writer] { return &d.Writers },
	}
	schemasField = &table[SchemaID, Schema, ordered.Map[SchemaID, Schema]]{
		about:   about{label: "schemas"},
		inState: func(s *State) *ordered.Map[SchemaID, Schema] { return &s.schemas },
		inDiff:  func(d *Diff) *[]Mutation[SchemaID, Schema] { return &d.Schemas },
	}
	sinceField = &single[frontier.Antichain]{
		about:   about{label: "since"},
		inState: func(s *State) *frontier.Antichain { return &s.since },
		inDiff:  func(d *Diff) **Replacement[frontier.Antichain] { return &d.Since },
	}
	batchesField = &table[BatchID, Batch, Batches]{
		about:   about{label: "batches", isLeft: true},
		inState: func(s *State) *Batches { return &s.batches },
		inDiff:  func(d *Diff) *[]Mutation[BatchID, Batch] { return &d.Batches },
	}
	compactionsField = &table[BatchID, Compaction, ordered.Map[BatchID, Compaction]]{
		about:   about{label: "compactions", isLeft: true},
		inState: func(s *State) *ordered.Map[BatchID, Compaction] { return &s.compactions },
		inDiff:  func(d *Diff) *[]Mutation[BatchID, Compaction] { return &d.Compactions },
	}
	batchEpochField = &single[Epoch]{
		about:   about{label: "batch epoch"},
		inState: func(s *State) *Epoch { return &s.batchEpoch },
		inDiff:  func(d *Diff) **Replacement[Epoch] { return &d.BatchEpoch },
	}
	batchEpochMinField = &single[Epoch]{
		about:   about{label: "least batch epoch"},
		inState: func(s *State) *Epoch { return &s.batchEpochMin },
		inDiff:  func(d *Diff) **Replacement[Epoch] { return &d.BatchEpochMin },
	}
)
