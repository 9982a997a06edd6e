package persist

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// SweepOptions say how a shard is swept.
type SweepOptions struct {
	// Grace is how long appends that are under way have to come to their end before
	// what they have written is refused, and has to be written again. It is a
	// courtesy: whatever it is, nothing that is needed is deleted. The default is 0.
	Grace time.Duration
	// IsDryRun says that nothing is deleted, or changed otherwise.
	IsDryRun bool
}

// Swept is what a sweep has found. Keys are those of the [Blob], in order.
type Swept struct {
	// Deleted are the objects that no version refers to and none ever will. After a dry
	// run they are still there, and some of them may be about to be linked.
	Deleted []string
	// Unknown are objects with keys of no form that this program knows. They stay.
	Unknown []string
	// Kept is how many objects are referred to.
	Kept int
}

// Sweep deletes the objects that processes have left behind which died between writing
// and linking them, or which could not know whether they had. It may be called at any
// time, beside everything else; as a rule rarely, for it lists all objects.
//
// That nobody has linked an object yet does not say that nobody will. So parts have the
// epoch of the shard in their keys; Sweep begins a new one and then raises a fence, by
// commits of the shard, behind which every part of an earlier epoch is refused. Only
// after that it looks which of them are referred to. The idea is SlateDB's boundary for
// garbage collection, without its clocks.
func (s *Shard) Sweep(ctx context.Context, options SweepOptions) (Swept, error) {
	swept, err := s.machine.sweep(ctx, options)
	if err != nil {
		return Swept{}, fmt.Errorf("persist: sweep %v: %w", s.ID(), err)
	}
	return swept, nil
}

func (m *machine) sweep(ctx context.Context, options SweepOptions) (Swept, error) {
	fence, err := m.fence(ctx, options)
	if err != nil {
		return Swept{}, err
	}
	objects, err := m.listObjects(ctx) // after the fence: what is written later is of a later epoch
	if err != nil {
		return Swept{}, err
	}
	refs, err := m.references(ctx)
	if err != nil {
		return Swept{}, err
	}
	if refs.newest == nil {
		return Swept{}, fmt.Errorf("%w: the log of %v has vanished", ErrCorruption, m.shard)
	}
	var swept Swept
	for _, object := range objects {
		isWaste, isKnown := isLeftBehind(strings.TrimPrefix(object.Key, m.key+"/"), fence, refs.rollupsFrom())
		switch {
		case refs.uses[object.Key] != byNone:
			swept.Kept++
		case !isKnown:
			swept.Unknown = append(swept.Unknown, object.Key)
		case isWaste:
			swept.Deleted = append(swept.Deleted, object.Key)
		}
	}
	if !options.IsDryRun {
		err = m.client.deleteAll(ctx, swept.Deleted)
	}
	return swept, err
}

// fence makes sure that no part of an epoch before the one returned is linked any more.
func (m *machine) fence(ctx context.Context, options SweepOptions) (state.Epoch, error) {
	s, err := m.latest(ctx)
	if err != nil {
		return 0, err
	}
	if options.IsDryRun {
		return s.BatchEpoch() + 1, nil
	}
	begun, s, err := apply(ctx, m, state.BeginEpoch{Epoch: s.BatchEpoch() + 1}, nil)
	if err != nil {
		return 0, err
	}
	if s.IsTombstone() {
		return s.BatchEpoch() + 1, nil // nothing is linked there
	}
	if err := m.client.rt.Sleep(ctx, options.Grace); err != nil {
		return 0, err
	}
	raised, s, err := apply(ctx, m, state.RaiseFence{Epoch: begun}, nil)
	if s.IsTombstone() {
		raised = s.BatchEpoch() + 1
	}
	return raised, err
}

// rollupsFrom returns from which version on a rollup may still be listed.
func (r *references) rollupsFrom() SeqNo {
	if latest, _ := r.newest.Rollups().Last(); r.newest.IsTombstone() && latest+1 >= r.newest.SeqNo() {
		return state.MaxSeqNo // the last one there will be is listed
	}
	return r.earliest
}

// isLeftBehind reports whether an object that no version refers to never will be: a part
// from before the fence, or a rollup of a version that is gone. Those of later versions
// may be about to be listed, and parts that are staged are somebody else's.
func isLeftBehind(key string, fence state.Epoch, rollupsFrom SeqNo) (isWaste, isKnown bool) {
	if name, err := state.PartKey(key).Parse(); err == nil {
		return name.Class == state.AppendedPart && name.Epoch < fence, true
	}
	n, _, err := state.RollupKey(key).Parse()
	return err == nil && n < rollupsFrom, err == nil
}
