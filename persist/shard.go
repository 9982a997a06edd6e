package persist

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Shard is a view of a shard without a capability: its frontiers, and what is done
// to it as a whole. It is safe for concurrent use.
type Shard struct {
	view
}

// OpenShard opens a shard, which exists afterwards. Apart from making it, that
// writes nothing.
func (c *Client) OpenShard(ctx context.Context, shard ShardID) (*Shard, error) {
	m, err := c.open(ctx, shard)
	if err != nil {
		return nil, err
	}
	return &Shard{view{m}}, nil
}

// ID returns the id of the shard.
func (s *Shard) ID() ShardID { return s.machine.shard }

// IsFinalized reports whether the shard has come to its end and given up its
// contents, as of some moment of the call. That is final; what is left in the
// store is a few hundred bytes.
func (s *Shard) IsFinalized(ctx context.Context) (bool, error) {
	if s.machine.state().IsFinalized() {
		return true, nil
	}
	latest, err := s.machine.latest(ctx)
	if err != nil {
		return false, fmt.Errorf("persist: look at the end of %v: %w", s.ID(), err)
	}
	return latest.IsFinalized(), nil
}

// Finalize gives up the contents of a shard whose since and upper are {}: it ends
// all capabilities, empties the shard, and deletes its objects but one. It may be
// called again, by anybody, until it has returned nil once; a shard that is neither
// read nor written is not cleaned up otherwise. The error is a [*NotClosedError]
// if the shard can still be read or written; then nothing has happened.
func (s *Shard) Finalize(ctx context.Context) error {
	if err := s.machine.finalize(ctx); err != nil {
		return fmt.Errorf("persist: finalize %v: %w", s.ID(), err)
	}
	return nil
}

func (m *machine) finalize(ctx context.Context) error {
	for isDone := false; !isDone; {
		var err error
		if isDone, _, err = apply(ctx, m, state.Finalize{}, nil); err != nil {
			return err
		}
	}
	for {
		s, err := m.latest(ctx)
		if err != nil {
			return err
		}
		// The version that lists the rollup of the last is the last itself.
		if latest, _ := s.Rollups().Last(); latest+1 >= s.SeqNo() {
			return m.collectGarbage(ctx, s.SeqNo())
		}
		if err := m.writeRollup(ctx); err != nil {
			return err
		}
	}
}

// UpgradeFormat makes the newest format that this client uses, see [Config], that of the
// shard. Programs that do not read it leave the shard alone from then on, with a
// [*VersionError].
func (s *Shard) UpgradeFormat(ctx context.Context) error {
	target := s.machine.client.environment().Config.Format
	if _, _, err := apply(ctx, s.machine, state.UpgradeVersion{Target: target}, nil); err != nil {
		return fmt.Errorf("persist: upgrade the format of %v: %w", s.ID(), err)
	}
	return nil
}
