package core

import "slices"

// Alter adds a new version of a collection, as one step. Both share a shard, which
// from now on the new version owns: existing becomes an alias that depends on it,
// and no downgrade is asked for existing any more. The new version starts where
// existing can be read, old holds included, with the same upper and the zero
// [ReadPolicy]. Holds on existing stay where they are.
//
// The error is a [*CollectionMissingError] or [*DroppingError] about existing, a
// [*HasPrimaryError] if it is not the latest version, an [*InvalidIDError] or
// [*IDReusedError] about the new id.
func (c *Core) Alter(existing, version GlobalID) (Effects, error) {
	old, err := c.get(existing)
	if err != nil {
		return Effects{}, err
	}
	switch {
	case old.hasPrimary:
		return Effects{}, &HasPrimaryError{ID: existing, Primary: old.primary()}
	case old.isDropping():
		return Effects{}, &DroppingError{ID: existing}
	}
	if err := c.checkFree(version); err != nil {
		return Effects{}, err
	}
	// The edge mirrors the read frontier of existing and not its implied capability:
	// a hold that is released later takes away what is put here now.
	record := &collection{id: version, implied: old.read(), upper: old.upper, rank: old.rank - 1}
	effects, err := c.run(c.step.install(record, 2))
	if err != nil {
		return Effects{}, err
	}
	old.dependencies = slices.Insert(old.dependencies, 0, record)
	old.hasPrimary = true
	return effects, nil
}
