package faulty

import (
	"bytes"
	"context"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Blob wraps a process's view of a blob store.
type Blob struct {
	faults *Faults
	rt     *runtime.Runtime
	inner  persist.Blob
}

var _ persist.Blob = (*Blob)(nil)

// Blob wraps inner, the view that the process of rt has of a store.
func (f *Faults) Blob(rt *runtime.Runtime, inner persist.Blob) *Blob { return &Blob{f, rt, inner} }

// land lets a late effect happen if its time has come. Its own outcome is
// nobody's: the caller has had an answer long ago.
func (b *Blob) land(ctx context.Context) {
	if l, ok := b.faults.take(b.rt, func(l landing) bool { return l.blob != nil }); ok {
		_ = l.blob(context.WithoutCancel(ctx), b.inner)
	}
}

// blobCall is one call of the wrapped store.
type blobCall func(ctx context.Context, inner persist.Blob) error

// run carries out a call. Late is the same call without results, which may
// land when the caller is gone; nil for reads.
func (b *Blob) run(ctx context.Context, op Op, key string, call, late blobCall) error {
	b.land(ctx)
	return b.faults.run(ctx, b.rt, op, key, func(ctx context.Context) error { return call(ctx, b.inner) },
		landing{blob: late})
}

// Get implements [persist.Blob].
func (b *Blob) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	err = b.run(ctx, Get, key, func(ctx context.Context, inner persist.Blob) (err error) {
		value, found, err = inner.Get(ctx, key)
		return err
	}, nil)
	if err != nil {
		return nil, false, err
	}
	return value, found, nil
}

// Set implements [persist.Blob].
func (b *Blob) Set(ctx context.Context, key string, value []byte) error {
	value = bytes.Clone(value) // a late effect outlives the call
	set := func(ctx context.Context, inner persist.Blob) error { return inner.Set(ctx, key, value) }
	return b.run(ctx, Set, key, set, set)
}

// Delete implements [persist.Blob].
func (b *Blob) Delete(ctx context.Context, key string) (int, bool, error) {
	var size int
	var existed bool
	err := b.run(ctx, Delete, key, func(ctx context.Context, inner persist.Blob) error {
		n, found, err := inner.Delete(ctx, key)
		size, existed = n, found
		return err
	}, func(ctx context.Context, inner persist.Blob) error {
		_, _, err := inner.Delete(ctx, key)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	return size, existed, nil
}

// List implements [persist.Blob].
func (b *Blob) List(ctx context.Context, prefix string, visit func(key string, size int) error) error {
	return b.run(ctx, List, prefix, func(ctx context.Context, inner persist.Blob) error {
		return inner.List(ctx, prefix, visit)
	}, nil)
}

// Restore implements [persist.Blob].
func (b *Blob) Restore(ctx context.Context, key string) error {
	restore := func(ctx context.Context, inner persist.Blob) error { return inner.Restore(ctx, key) }
	return b.run(ctx, Restore, key, restore, restore)
}

// Consensus wraps a process's view of a version store.
type Consensus struct {
	faults *Faults
	rt     *runtime.Runtime
	inner  persist.Consensus
}

var _ persist.Consensus = (*Consensus)(nil)

// Consensus wraps inner, the view that the process of rt has of a store.
func (f *Faults) Consensus(rt *runtime.Runtime, inner persist.Consensus) *Consensus {
	return &Consensus{f, rt, inner}
}

func (c *Consensus) land(ctx context.Context) {
	if l, ok := c.faults.take(c.rt, func(l landing) bool { return l.consensus != nil }); ok {
		_ = l.consensus(context.WithoutCancel(ctx), c.inner)
	}
}

// consensusCall is one call of the wrapped store.
type consensusCall func(ctx context.Context, inner persist.Consensus) error

// run is that of [Blob].
func (c *Consensus) run(ctx context.Context, op Op, key string, call, late consensusCall) error {
	c.land(ctx)
	return c.faults.run(ctx, c.rt, op, key, func(ctx context.Context) error { return call(ctx, c.inner) },
		landing{consensus: late})
}

// Head implements [persist.Consensus].
func (c *Consensus) Head(ctx context.Context, key string) (head persist.Versioned, found bool, err error) {
	err = c.run(ctx, Head, key, func(ctx context.Context, inner persist.Consensus) (err error) {
		head, found, err = inner.Head(ctx, key)
		return err
	}, nil)
	if err != nil {
		return persist.Versioned{}, false, err
	}
	return head, found, nil
}

// CompareAndSet implements [persist.Consensus].
func (c *Consensus) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	next.Data = bytes.Clone(next.Data) // a late effect outlives the call
	var committed bool
	err := c.run(ctx, CAS, key, func(ctx context.Context, inner persist.Consensus) error {
		ok, err := inner.CompareAndSet(ctx, key, expected, next)
		committed = ok
		return err
	}, func(ctx context.Context, inner persist.Consensus) error {
		_, err := inner.CompareAndSet(ctx, key, expected, next)
		return err
	})
	return committed && err == nil, err
}

// Scan implements [persist.Consensus].
func (c *Consensus) Scan(
	ctx context.Context, key string, from persist.SeqNo, limit int,
) (found []persist.Versioned, err error) {
	err = c.run(ctx, Scan, key, func(ctx context.Context, inner persist.Consensus) (err error) {
		found, err = inner.Scan(ctx, key, from, limit)
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Truncate implements [persist.Consensus].
func (c *Consensus) Truncate(ctx context.Context, key string, before persist.SeqNo) (int, error) {
	var deleted int
	err := c.run(ctx, Truncate, key, func(ctx context.Context, inner persist.Consensus) error {
		n, err := inner.Truncate(ctx, key, before)
		deleted = n
		return err
	}, func(ctx context.Context, inner persist.Consensus) error {
		_, err := inner.Truncate(ctx, key, before)
		return err
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

// ListKeys implements [persist.Consensus].
func (c *Consensus) ListKeys(ctx context.Context, visit func(key string) error) error {
	return c.run(ctx, ListKeys, "", func(ctx context.Context, inner persist.Consensus) error {
		return inner.ListKeys(ctx, visit)
	}, nil)
}
