package persist

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
)

// view is what every handle of a shard can see. It is safe for concurrent use.
type view struct {
	machine *machine
}

// SharedSince returns the newest since that this process knows, without I/O. It
// never goes back, and may lag.
func (v view) SharedSince() frontier.Antichain { return v.machine.state().Since() }

// SharedUpper returns the newest upper that this process knows, without I/O. It
// never goes back, and may lag.
func (v view) SharedUpper() frontier.Antichain { return v.machine.state().Upper() }

// FetchRecentUpper returns an upper that the shard had at some moment between
// the call and its return.
func (v view) FetchRecentUpper(ctx context.Context) (frontier.Antichain, error) {
	return v.machine.fetchUpper(ctx)
}

// WaitForUpperPast returns once the upper of the shard is beyond f, or with the
// error of ctx, or one that wraps [ErrCorruption]. Once the upper is {} it returns
// at once whatever f is: nothing is beyond {}, so that waiting for {} is waiting
// for the shard to be closed.
func (v view) WaitForUpperPast(ctx context.Context, f frontier.Antichain) error {
	return v.machine.waitForUpper(ctx, f, never)
}

func (m *machine) fetchUpper(ctx context.Context) (frontier.Antichain, error) {
	s, err := m.latest(ctx)
	if err != nil {
		return frontier.Antichain{}, fmt.Errorf("persist: fetch the upper of %v: %w", m.shard, err)
	}
	return s.Upper(), nil
}
