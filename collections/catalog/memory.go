package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Memory is a catalog in memory, for tests and for the simulator. It outlives the
// processes that use it: in a simulated world it is an object of the world, shared
// by all nodes and their incarnations. It is safe for concurrent use.
type Memory struct {
	resource *runtime.Resource

	mu      sync.Mutex //sim:allow native-lock because nothing parks while it is held
	epoch   int64
	commits uint64
	content *content // replaced by each commit, never changed
}

// NewMemory returns an empty catalog without epochs. The name tells catalogs apart
// in stories.
func NewMemory(name string) *Memory {
	return &Memory{resource: runtime.NewResource("catalog", name), content: newContent()}
}

// View returns the catalog as seen by a process.
func (m *Memory) View(rt *runtime.Runtime) *View { return &View{m, rt} }

// State is what a [Memory] holds at one moment.
type State struct {
	// Epoch is the newest one; 0 before the first.
	Epoch int64
	// Shards are the mappings, in the order of the ids.
	Shards []Mapping
	// Descriptions are in the order of the ids.
	Descriptions []Description
	// Unfinalized are in their order.
	Unfinalized []persist.ShardID
	// TxnsShard means something if HasTxnsShard.
	TxnsShard    persist.ShardID
	HasTxnsShard bool
	// Commits counts the updates that have changed something.
	Commits uint64
}

// Mapping says in which shard a collection is.
type Mapping struct {
	ID    GlobalID
	Shard persist.ShardID
}

// Inspect returns what the catalog holds, for checkers and for people. It is not a
// scheduling point, and shares nothing with the catalog.
func (m *Memory) Inspect() State {
	m.mu.Lock()
	c, state := m.content, State{Epoch: m.epoch, Commits: m.commits}
	m.mu.Unlock()
	for _, id := range slices.SortedFunc(maps.Keys(c.shards), GlobalID.Compare) {
		state.Shards = append(state.Shards, Mapping{id, c.shards[id]})
	}
	state.Descriptions = c.sortedDescriptions()
	state.Unfinalized = c.sortedUnfinalized()
	state.TxnsShard, state.HasTxnsShard = c.txnsShard, c.hasTxnsShard
	return state
}

// check returns the error of an update under an epoch that is not the newest. The
// caller holds the lock.
func (m *Memory) check(epoch int64) error {
	switch {
	case epoch < 1 || epoch > m.epoch:
		return &EpochError{Epoch: epoch, Newest: m.epoch}
	case epoch < m.epoch:
		return &FencedError{Ours: epoch, Actual: m.epoch}
	}
	return nil
}

// View implements [Catalog] on a [Memory], for one process. Errors are determinate:
// what was answered by an error has not happened. A process that crashes in the
// middle of an operation has done it as a whole or not at all.
type View struct {
	memory *Memory
	rt     *runtime.Runtime
}

var _ Catalog = (*View)(nil)

// NextEpoch implements [Catalog]. Epochs have no gaps.
func (v *View) NextEpoch(ctx context.Context) (int64, error) {
	m := v.memory
	if err := ended(ctx, "next epoch"); err != nil {
		return 0, err
	}
	v.rt.Write(m.resource)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	return m.epoch, nil
}

// Update implements [Catalog]. No lock is held while change runs. What a method of
// the draft answers with an error, it has not done; ids that are not valid and the
// zero shard get errors that wrap [persist.ErrUsage].
func (v *View) Update(ctx context.Context, epoch int64, change func(Draft) error) error {
	for {
		d, err := v.begin(ctx, epoch)
		if err != nil {
			return err
		}
		if err := d.run(change); err != nil {
			return err
		}
		isDone, err := v.commit(ctx, epoch, d)
		if err != nil || isDone {
			return err
		}
	}
}

// begin returns a draft of what is there.
func (v *View) begin(ctx context.Context, epoch int64) (*draft, error) {
	m := v.memory
	if err := ended(ctx, "update"); err != nil {
		return nil, err
	}
	v.rt.Read(m.resource)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(epoch); err != nil {
		return nil, err
	}
	return &draft{base: m.content}, nil
}

// commit commits the draft. It is not done if somebody else has committed since the
// draft was made.
func (v *View) commit(ctx context.Context, epoch int64, d *draft) (isDone bool, err error) {
	if err := ended(ctx, "update"); err != nil {
		return false, err
	}
	m, changed := v.memory, d.changed()
	if changed {
		v.rt.Write(m.resource)
	} else {
		v.rt.Read(m.resource)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(epoch); err != nil {
		return false, err
	}
	if !changed {
		return true, nil
	}
	if m.content != d.base {
		return false, nil
	}
	m.content = d.own
	m.commits++
	return true, nil
}

// ended returns the error of an operation whose context has ended before it had an
// effect.
func ended(ctx context.Context, operation string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("catalog: %s: %w: %w", operation, persist.ErrDeterminate, err)
	}
	return nil
}
