package persist

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Since is a critical capability on a shard: as long as it is not moved, the
// shard can be read from its since on. It survives its process; whoever knows
// its id and its opaque owns it. Only one task at a time may use a Since.
type Since struct {
	machine *machine
	id      CriticalReaderID
	since   frontier.Antichain
	opaque  Opaque
}

// OpenSince opens the capability with an id, and registers it at the since of the
// shard, with the opaque given, if there is none yet. The owner records the id
// durably before: a capability whose id is lost holds the since back for ever.
// The error wraps [ErrUsage] if there is one with an opaque of another codec.
func (c *Client) OpenSince(
	ctx context.Context, shard ShardID, id CriticalReaderID, initial Opaque, purpose string,
) (*Since, error) {
	m, err := c.open(ctx, shard)
	if err != nil {
		return nil, err
	}
	reader, _, err := applyCall(ctx, m, state.RegisterCriticalReader{
		ID: id, Opaque: initial, Debug: state.Debug{Host: c.config().Hostname, Purpose: purpose},
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("persist: register %v of %v: %w", id, shard, err)
	}
	return &Since{machine: m, id: id, since: reader.Since, opaque: reader.Opaque}, nil
}

// Shard returns the id of the shard.
func (s *Since) Shard() ShardID { return s.machine.shard }

// ID returns the id of the capability.
func (s *Since) ID() CriticalReaderID { return s.id }

// Since returns the since as of the last operation.
func (s *Since) Since() frontier.Antichain { return s.since }

// Opaque returns the opaque as of the last operation.
func (s *Since) Opaque() Opaque { return s.opaque }

// CompareAndDowngrade replaces the opaque and moves the since forward to the one
// given, if the opaque is the expected one; a since that is not ahead stays where
// it is. It returns the resulting since, which may be further ahead. If the
// opaque is another one the error is an [*OwnerError]. Other errors leave open
// what has happened, unless they wrap [ErrUsage].
//
// On a shard that has come to its end every downgrade succeeds, with {}.
func (s *Since) CompareAndDowngrade(
	ctx context.Context, expected, next Opaque, since frontier.Antichain,
) (frontier.Antichain, error) {
	call := &state.DowngradeCall{Command: state.CompareAndDowngradeSince{
		ID: s.id, Expected: expected, New: next, Since: since,
	}}
	answer, _, err := applyCall(ctx, s.machine, call.Command, func(state.DowngradeAnswer) { call.Indeterminate() })
	if err != nil {
		return s.since, fmt.Errorf("persist: downgrade %v of %v: %w", s.id, s.machine.shard, err)
	}
	answer = call.Finish(answer)
	s.since, s.opaque = answer.Since, answer.Opaque
	if !answer.IsOwner {
		return s.since, fmt.Errorf("persist: downgrade %v of %v: %w", s.id, s.machine.shard,
			&OwnerError{Expected: expected, Actual: answer.Opaque})
	}
	return s.since, nil
}

// Expire gives the capability up, without moving the since of the shard.
func (s *Since) Expire(ctx context.Context) error {
	_, _, err := apply(ctx, s.machine, state.ExpireCriticalReader{ID: s.id}, nil)
	if err != nil {
		return fmt.Errorf("persist: expire %v of %v: %w", s.id, s.machine.shard, err)
	}
	return nil
}
