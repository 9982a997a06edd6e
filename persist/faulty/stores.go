package faulty

import (
	"bytes"
	"context"
	"slices"

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
func (b *Blob) run(ctx context.Context, op Op, key string, do, late blobCall) error {
	b.land(ctx)
	return b.faults.run(ctx, b.rt, call{
		op: op, key: key, later: landing{blob: late},
		do: func(ctx context.Context) error { return do(ctx, b.inner) },
	})
}

// Get implements [persist.Blob].
func (b *Blob) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	b.land(ctx)
	err = b.faults.run(ctx, b.rt, call{
		op: Get, key: key,
		do: func(ctx context.Context) (err error) {
			value, found, err = b.inner.Get(ctx, key)
			return err
		},
		alter: func(change func([]byte) []byte) { value = change(value) },
	})
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
	b.land(ctx)
	list := func(ctx context.Context, visit func(listed) error) error {
		return b.inner.List(ctx, prefix, func(key string, size int) error { return visit(listed{key, size}) })
	}
	return b.faults.run(ctx, b.rt, call{
		op: List, key: prefix,
		do: func(ctx context.Context) error { return b.inner.List(ctx, prefix, visit) },
		slowly: func(ctx context.Context, pause func(context.Context) error) error {
			return inPages(ctx, pause, list, func(l listed) error { return visit(l.key, l.size) })
		},
	})
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
func (c *Consensus) run(ctx context.Context, op Op, key string, do, late consensusCall) error {
	c.land(ctx)
	return c.faults.run(ctx, c.rt, call{
		op: op, key: key, later: landing{consensus: late},
		do: func(ctx context.Context) error { return do(ctx, c.inner) },
	})
}

// Head implements [persist.Consensus].
func (c *Consensus) Head(ctx context.Context, key string) (head persist.Versioned, found bool, err error) {
	c.land(ctx)
	err = c.faults.run(ctx, c.rt, call{
		op: Head, key: key,
		do: func(ctx context.Context) (err error) {
			head, found, err = c.inner.Head(ctx, key)
			return err
		},
		alter: func(change func([]byte) []byte) { head.Data = change(head.Data) },
	})
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
	var committed, isRefused bool
	err := c.run(ctx, CAS, key, func(ctx context.Context, inner persist.Consensus) error {
		ok, err := inner.CompareAndSet(ctx, key, expected, next)
		committed, isRefused = ok, err == nil && !ok
		return err
	}, func(ctx context.Context, inner persist.Consensus) error {
		if isRefused { // for good, also if the expected version has come by now
			return nil
		}
		_, err := inner.CompareAndSet(ctx, key, expected, next)
		return err
	})
	return committed && err == nil, err
}

// Scan implements [persist.Consensus].
func (c *Consensus) Scan(
	ctx context.Context, key string, from persist.SeqNo, limit int,
) (found []persist.Versioned, err error) {
	c.land(ctx)
	err = c.faults.run(ctx, c.rt, call{
		op: Scan, key: key,
		do: func(ctx context.Context) (err error) {
			found, err = c.inner.Scan(ctx, key, from, limit)
			return err
		},
		alter: func(change func([]byte) []byte) {
			if n := len(found); n > 0 {
				found = slices.Clone(found)
				found[n-1].Data = change(found[n-1].Data)
			}
		},
	})
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
	c.land(ctx)
	list := func(ctx context.Context, visit func(listed) error) error {
		return c.inner.ListKeys(ctx, func(key string) error { return visit(listed{key: key}) })
	}
	return c.faults.run(ctx, c.rt, call{
		op: ListKeys,
		do: func(ctx context.Context) error { return c.inner.ListKeys(ctx, visit) },
		slowly: func(ctx context.Context, pause func(context.Context) error) error {
			return inPages(ctx, pause, list, func(l listed) error { return visit(l.key) })
		},
	})
}

// listed is an element of a listing.
type listed struct {
	key  string
	size int
}

// inPages lists the first half, lets time pass, and goes on with what comes behind it by
// then.
func inPages(
	ctx context.Context, pause func(context.Context) error,
	list func(context.Context, func(listed) error) error, visit func(listed) error,
) error {
	var all []listed
	if err := list(ctx, func(l listed) error { all = append(all, l); return nil }); err != nil {
		return err
	}
	last := ""
	for _, l := range all[:(len(all)+1)/2] {
		if err := visit(l); err != nil {
			return err
		}
		last = l.key
	}
	if err := pause(ctx); err != nil {
		return err
	}
	return list(ctx, func(l listed) error {
		if last != "" && l.key <= last {
			return nil
		}
		return visit(l)
	})
}
