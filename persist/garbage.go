package persist

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// collectGarbage removes what no version from goal on needs: objects, then the
// part of the log that is the only one to name them, then the rollups from which
// that part was read. If it ends in the middle, the next one does the rest: as
// long as the log names an object it can be deleted again.
//
// Which versions are still needed was decided by the command that assigned the
// work, and never becomes less. Two processes may do this at the same time.
func (m *machine) collectGarbage(ctx context.Context, goal SeqNo) error {
	s, err := m.latest(ctx)
	if err != nil {
		return err
	}
	keep := firstKept(s, min(goal, s.SeqNoSince()))
	unlisted, err := m.shortenLog(ctx, s, keep)
	if errors.Is(err, ErrNotFound) {
		err = nil // another process has collected the same garbage, and was faster
	}
	if err != nil {
		keep = 0 // nothing is unlisted then, but the work is over all the same
	}
	removed, _, applyErr := apply(ctx, m, state.RemoveRollups{Keep: keep}, nil)
	for _, rollup := range removed {
		unlisted = append(unlisted, rollup.Key)
	}
	if err := errors.Join(err, applyErr); err != nil {
		return err
	}
	return m.deleteRollups(ctx, unlisted)
}

// shortenLog deletes the objects that only versions before keep need, and then
// those versions. It returns the rollups of those versions that are not listed any
// more: a crash has left them behind, or they are those of a tombstone.
func (m *machine) shortenLog(ctx context.Context, s *state.State, keep SeqNo) ([]state.RollupKey, error) {
	log, err := m.scanAll(ctx, 0)
	if err != nil {
		return nil, err
	}
	if !s.IsTombstone() { // nothing after a tombstone would look at what comes later
		log = log[:places(log, keep)]
	}
	waste, err := wasteBefore(keep, log)
	if err != nil {
		return nil, err
	}
	if err := m.checkUnused(ctx, s, keep, waste.parts); err != nil {
		return nil, err
	}
	if err := m.deleteParts(ctx, waste.parts); err != nil {
		return nil, err
	}
	if len(log) > 0 && log[0].SeqNo < keep {
		err = m.truncate(ctx, keep)
	}
	return waste.rollups, err
}

// firstKept returns the version with which the log will begin: the greatest that
// has a rollup and is not beyond the goal; 0 if there is none.
func firstKept(s *state.State, goal SeqNo) (keep SeqNo) {
	for n := range s.Rollups().Shared() {
		if n <= goal {
			keep = n
		}
	}
	return keep
}

// waste is what is not needed once the log begins with a version.
type waste struct {
	parts   []state.PartKey
	rollups []state.RollupKey
}

// places returns how many versions of the log are not beyond n.
func places(log []Versioned, n SeqNo) (count int) {
	for count < len(log) && log[count].SeqNo <= n {
		count++
	}
	return count
}

// wasteBefore finds what the versions before keep are the last to need. A rollup of
// one of them is waste as soon as it is not listed any more, whenever that was.
func wasteBefore(keep SeqNo, log []Versioned) (waste, error) {
	var w waste
	for _, v := range log {
		diff, err := state.DecodeDiff(v.Data)
		if err != nil {
			return waste{}, err
		}
		if v.SeqNo <= keep {
			w.parts = append(w.parts, diff.DroppedParts()...)
		}
		for _, key := range diff.DroppedRollups() {
			n, _, err := key.Parse()
			if err != nil {
				return waste{}, err
			}
			if n < keep {
				w.rollups = append(w.rollups, key)
			}
		}
	}
	return w, nil
}

// checkUnused makes sure that what is about to be deleted is referred to neither by
// the first version that is kept nor by the newest. It is never: but deleting what
// is needed is the one mistake that nothing makes good.
func (m *machine) checkUnused(ctx context.Context, newest *state.State, keep SeqNo, keys []state.PartKey) error {
	if len(keys) == 0 {
		return nil
	}
	listed := newest.Rollups().Lookup(keep)
	if listed == nil {
		return fmt.Errorf("the rollup of %v: %w", keep, ErrNotFound)
	}
	data, err := m.getRollup(ctx, listed.Key)
	if err != nil {
		return err
	}
	first, err := state.DecodeRollup(data)
	if err != nil {
		return err
	}
	isWaste := make(map[state.PartKey]bool, len(keys))
	for _, key := range keys {
		isWaste[key] = true
	}
	for _, s := range []*state.State{first, newest} {
		for key := range s.PartKeys() {
			if isWaste[key] {
				m.client.rt.Always(false, "P-20", "key", key, "version", s.SeqNo())
				return fmt.Errorf("%w: %q is about to be deleted and needed by %v", ErrCorruption, key, s.SeqNo())
			}
		}
	}
	return nil
}

func (m *machine) truncate(ctx context.Context, before SeqNo) error {
	return m.client.retryExternal(ctx, func() error {
		_, err := m.client.consensus.Truncate(ctx, m.key, before)
		return err
	})
}

func (m *machine) deleteParts(ctx context.Context, keys []state.PartKey) error {
	return m.client.deleteAll(ctx, objectKeys(m.key, keys))
}

func (m *machine) deleteRollups(ctx context.Context, keys []state.RollupKey) error {
	return m.client.deleteAll(ctx, objectKeys(m.key, keys))
}

// deleteAll deletes objects, some at a time.
func (c *Client) deleteAll(ctx context.Context, paths []string) error {
	group := c.rt.NewGroup(ctx)
	tasks := min(c.config().DeletesMax, len(paths))
	for first := range tasks {
		group.Go("delete", func(ctx context.Context) error {
			for i := first; i < len(paths); i += tasks {
				if err := c.deleteBlob(ctx, paths[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (c *Client) deleteBlob(ctx context.Context, path string) error {
	return c.retryExternal(ctx, func() error {
		_, _, err := c.blob.Delete(ctx, path)
		return err
	})
}
