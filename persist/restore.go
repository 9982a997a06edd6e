package persist

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Restored says what became of a shard whose log was taken from a backup.
type Restored struct {
	// Newest is the newest version there is now.
	Newest Inspection
	// Objects is how many of those to which live versions refer are there.
	Objects int
	// Lost are the keys of objects that are needed, by the newest version or by one
	// that a reader holds, and could not be brought back: the shard is damaged. They
	// are in order.
	Lost []string
}

// RestoreShard brings back the objects of a shard whose log is older than its objects:
// somebody has lost the log and put the copy of a backup in its place. Objects are
// written once, so an older log is whole if those of them that were deleted since can be
// undeleted (see [Blob].Restore).
//
// Whoever calls it makes sure that nobody else uses the shard until it has returned: no
// process of the time before the backup, whose versions are gone, and no new one either.
// Afterwards owners of critical capabilities have to take them over with a new opaque.
//
// It changes no version, and may be repeated. What is lost is reported, not an error; the
// error wraps [ErrNotFound] if the log has no versions, and [ErrCorruption] if the log
// cannot be read for lack of a rollup.
func (c *Client) RestoreShard(ctx context.Context, shard ShardID) (Restored, error) {
	restored, err := newMachine(c, shard).restore(ctx)
	if err != nil {
		return Restored{}, fmt.Errorf("persist: restore %v: %w", shard, err)
	}
	return restored, nil
}

func (m *machine) restore(ctx context.Context) (Restored, error) {
	if err := m.restoreRollups(ctx); err != nil {
		return Restored{}, err
	}
	refs, err := m.references(ctx)
	if err != nil {
		return Restored{}, err
	}
	if refs.newest == nil {
		return Restored{}, ErrNotFound
	}
	restored := Restored{Newest: inspect(refs.newest)}
	for _, key := range slices.Sorted(maps.Keys(refs.uses)) {
		isThere, err := m.client.restoreObject(ctx, key)
		switch {
		case err != nil:
			return Restored{}, err
		case isThere:
			restored.Objects++
		case refs.uses[key] >= byHeld:
			restored.Lost = append(restored.Lost, key)
		}
	}
	return restored, nil
}

// restoreRollups brings back the rollups that the log names, as far as that is possible:
// without one of them it cannot be read.
func (m *machine) restoreRollups(ctx context.Context) error {
	log, err := m.scanAll(ctx, 0)
	if err != nil {
		return err
	}
	named := make(map[state.RollupKey]bool)
	for _, v := range log {
		diff, err := state.DecodeDiff(v.Data)
		if err != nil {
			return err
		}
		named[diff.LatestRollup] = true
		for _, key := range diff.AddedRollups() {
			named[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(named)) {
		if _, err := m.client.restoreObject(ctx, objectKey(m.key, key)); err != nil {
			return err
		}
	}
	return nil
}

// restoreObject reports whether an object is there, in the end.
func (c *Client) restoreObject(ctx context.Context, key string) (isThere bool, err error) {
	err = c.retryExternal(ctx, func() error { return c.blob.Restore(ctx, key) })
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
