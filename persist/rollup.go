package persist

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// writeRollup writes a copy of the newest version seen, and lists it, unless that is what
// has just been done. One task of a process does so at a time: of two copies of a
// tombstone one would be refused, and stay if the process ends before it is deleted.
func (m *machine) writeRollup(ctx context.Context) error {
	if err := m.copying.Acquire(ctx, 1); err != nil {
		return err
	}
	defer m.copying.Release(1)
	s := m.state()
	if latest, _ := s.Rollups().Last(); latest+1 >= s.SeqNo() {
		return nil
	}
	data, err := state.EncodeRollup(s)
	if err != nil {
		return err
	}
	key := state.NewRollupKey(s.SeqNo(), state.BlobID(m.client.newID()))
	if err := m.putRollup(ctx, key, data); err != nil {
		return err
	}
	var ever state.EverApplied
	add := state.AddRollup{Key: key, EncodedSize: uint64(len(data))}
	listed, _, err := apply(ctx, m, add, ever.Indeterminate)
	if err == nil && !ever.Finish(listed) {
		m.deleteRollup(ctx, key)
	}
	return err
}

func (m *machine) putRollup(ctx context.Context, key state.RollupKey, data []byte) error {
	return m.client.retryExternal(ctx, func() error { return m.client.blob.Set(ctx, objectKey(m.key, key), data) })
}

// getRollup returns an error that wraps ErrNotFound if there is none.
func (m *machine) getRollup(ctx context.Context, key state.RollupKey) (data []byte, err error) {
	err = m.client.readIntact(ctx, func() error {
		value, found, err := m.client.blob.Get(ctx, objectKey(m.key, key))
		switch {
		case err == nil && !found:
			err = fmt.Errorf("rollup %s: %w", objectKey(m.key, key), ErrNotFound)
		case err == nil:
			err = wire.Check(value)
		}
		data = value
		return err
	})
	return data, err
}

// deleteRollup removes a rollup to which no version refers. A failure leaves an
// object that nothing needs.
func (m *machine) deleteRollup(ctx context.Context, key state.RollupKey) {
	err := m.client.deleteBlob(ctx, objectKey(m.key, key))
	if err != nil {
		m.client.rt.Logger().WarnContext(ctx, "unused rollup not deleted", "key", objectKey(m.key, key), "error", err)
	}
}
