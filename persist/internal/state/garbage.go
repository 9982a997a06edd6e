package state

import "iter"

// PartKeys iterates over the keys of all objects to which the contents refer:
// parts, and lists of parts, which refer to further ones.
func (s *State) PartKeys() iter.Seq[PartKey] {
	return func(yield func(PartKey) bool) {
		for _, batch := range s.batches.Shared() {
			for key := range batch.keys() {
				if !yield(key) {
					return
				}
			}
		}
	}
}

// keys iterates over the keys of all objects of the batch.
func (b *Batch) keys() iter.Seq[PartKey] {
	return func(yield func(PartKey) bool) {
		for _, run := range b.Runs {
			for key := range run.keys() {
				if !yield(key) {
					return
				}
			}
		}
	}
}

// AddedParts returns the keys of the objects to which the contents refer since the
// diff, and did not before.
func (d *Diff) AddedParts() []PartKey { return d.partsOnlyIn(newBatch, oldBatch) }

// DroppedParts returns the keys of the objects to which the contents no longer
// refer after the diff, though they did before. No later version refers to them
// again: keys are used once.
func (d *Diff) DroppedParts() []PartKey { return d.partsOnlyIn(oldBatch, newBatch) }

func oldBatch(m Mutation[BatchID, Batch]) *Batch { return m.Old }

func newBatch(m Mutation[BatchID, Batch]) *Batch { return m.New }

// partsOnlyIn returns the keys on one side of the changes that are not on the other.
func (d *Diff) partsOnlyIn(one, other func(Mutation[BatchID, Batch]) *Batch) (keys []PartKey) {
	isElsewhere := map[PartKey]bool{}
	for i := range d.Batches {
		if batch := other(d.Batches[i]); batch != nil {
			for key := range batch.keys() {
				isElsewhere[key] = true
			}
		}
	}
	for i := range d.Batches {
		if batch := one(d.Batches[i]); batch != nil {
			for key := range batch.keys() {
				if !isElsewhere[key] {
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

// AddedRollups returns the rollups that the diff lists.
func (d *Diff) AddedRollups() (added []RollupKey) {
	for _, m := range d.Rollups {
		if m.Old == nil && m.New != nil {
			added = append(added, m.New.Key)
		}
	}
	return added
}

// DroppedRollups returns the rollups that the diff unlists. Their objects may still
// be needed, until the log begins after them.
func (d *Diff) DroppedRollups() (dropped []RollupKey) {
	for _, m := range d.Rollups {
		if m.Old != nil && m.New == nil {
			dropped = append(dropped, m.Old.Key)
		}
	}
	return dropped
}
