package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Store holds the objects and the versions. It is safe for concurrent use by
// any number of views.
type Store struct {
	blobs    *runtime.Resource
	versions *runtime.Resource
	sizeMax  int

	mu   sync.Mutex //sim:allow native-lock because nothing parks while it is held
	blob map[string][]byte
	logs map[string][]persist.Versioned
	old  map[string][]byte // deleted objects, for Restore
}

// Options configure a Store.
type Options struct {
	// VersionSizeMax is the size in bytes of the largest version; 0 is 64 MiB.
	VersionSizeMax int
}

// New returns an empty store. The name tells stores apart in stories.
func New(name string, options Options) *Store {
	return &Store{
		blobs:    runtime.NewResource("blob", name),
		versions: runtime.NewResource("consensus", name),
		sizeMax:  cmp.Or(options.VersionSizeMax, 64<<20),
		blob:     make(map[string][]byte),
		logs:     make(map[string][]persist.Versioned),
		old:      make(map[string][]byte),
	}
}

// Blob returns the objects of the store as seen by a process.
func (s *Store) Blob(rt *runtime.Runtime) *Blob { return &Blob{s, rt} }

// Consensus returns the versions of the store as seen by a process.
func (s *Store) Consensus(rt *runtime.Runtime) *Consensus { return &Consensus{s, rt} }

// Blob implements [persist.Blob] on a [Store].
type Blob struct {
	store *Store
	rt    *runtime.Runtime
}

var _ persist.Blob = (*Blob)(nil)

// Get implements [persist.Blob].
func (b *Blob) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	b.rt.Read(b.store.blobs)
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	value, found := b.store.blob[key]
	return clone(value), found, nil
}

// Set implements [persist.Blob].
func (b *Blob) Set(ctx context.Context, key string, value []byte) error {
	if key == "" {
		return fmt.Errorf("memory: set of an empty key: %w", persist.ErrUsage)
	}
	if err := notBegun(ctx); err != nil {
		return err
	}
	b.rt.Write(b.store.blobs)
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	b.store.blob[key] = clone(value)
	return nil
}

// Delete implements [persist.Blob].
func (b *Blob) Delete(ctx context.Context, key string) (int, bool, error) {
	if err := notBegun(ctx); err != nil {
		return 0, false, err
	}
	b.rt.Write(b.store.blobs)
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	value, found := b.store.blob[key]
	if found {
		b.store.old[key] = value
		delete(b.store.blob, key)
	}
	return len(value), found, nil
}

// List implements [persist.Blob]. It visits the keys of one instant.
func (b *Blob) List(ctx context.Context, prefix string, visit func(key string, size int) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.rt.Read(b.store.blobs)
	type entry struct {
		key  string
		size int
	}
	var found []entry
	b.store.mu.Lock()
	for key, value := range b.store.blob {
		if strings.HasPrefix(key, prefix) {
			found = append(found, entry{key, len(value)})
		}
	}
	b.store.mu.Unlock()
	slices.SortFunc(found, func(x, y entry) int { return strings.Compare(x.key, y.key) })
	for _, e := range found {
		if err := visit(e.key, e.size); err != nil {
			return err
		}
	}
	return nil
}

// Restore implements [persist.Blob].
func (b *Blob) Restore(ctx context.Context, key string) error {
	if err := notBegun(ctx); err != nil {
		return err
	}
	b.rt.Write(b.store.blobs)
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	if _, found := b.store.blob[key]; found {
		return nil
	}
	value, found := b.store.old[key]
	if !found {
		return fmt.Errorf("memory: restore %s: %w", key, persist.ErrNotFound)
	}
	b.store.blob[key] = value
	return nil
}

// Consensus implements [persist.Consensus] on a [Store].
type Consensus struct {
	store *Store
	rt    *runtime.Runtime
}

var _ persist.Consensus = (*Consensus)(nil)

// Head implements [persist.Consensus].
func (c *Consensus) Head(ctx context.Context, key string) (persist.Versioned, bool, error) {
	if err := ctx.Err(); err != nil {
		return persist.Versioned{}, false, err
	}
	c.rt.Read(c.store.versions)
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	log := c.store.logs[key]
	if len(log) == 0 {
		return persist.Versioned{}, false, nil
	}
	return copyOf(log[len(log)-1]), true, nil
}

// CompareAndSet implements [persist.Consensus].
func (c *Consensus) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	switch {
	case key == "":
		return false, fmt.Errorf("memory: compare-and-set of an empty key: %w", persist.ErrUsage)
	case next.SeqNo != expected+1 || next.SeqNo > persist.SeqNoMax:
		return false, fmt.Errorf("memory: compare-and-set %s from %v to %v: %w",
			key, expected, next.SeqNo, persist.ErrUsage)
	case len(next.Data) > c.store.sizeMax:
		return false, fmt.Errorf("memory: compare-and-set %s: %w", key,
			&persist.TooLargeError{Size: len(next.Data), SizeMax: c.store.sizeMax})
	}
	if err := notBegun(ctx); err != nil {
		return false, err
	}
	c.rt.Write(c.store.versions)
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	log := c.store.logs[key]
	var newest persist.SeqNo
	if len(log) > 0 {
		newest = log[len(log)-1].SeqNo
	}
	if newest != expected {
		return false, nil
	}
	c.store.logs[key] = append(log, copyOf(next))
	return true, nil
}

// Scan implements [persist.Consensus].
func (c *Consensus) Scan(ctx context.Context, key string, from persist.SeqNo, limit int) ([]persist.Versioned, error) {
	if limit < 1 {
		return nil, fmt.Errorf("memory: scan %s with a limit of %d: %w", key, limit, persist.ErrUsage)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.rt.Read(c.store.versions)
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	log := c.store.logs[key]
	first := search(log, from)
	found := make([]persist.Versioned, 0, min(limit, len(log)-first))
	for _, v := range log[first:min(len(log), first+limit)] {
		found = append(found, copyOf(v))
	}
	return found, nil
}

// Truncate implements [persist.Consensus].
func (c *Consensus) Truncate(ctx context.Context, key string, before persist.SeqNo) (int, error) {
	if err := notBegun(ctx); err != nil {
		return 0, err
	}
	c.rt.Write(c.store.versions)
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	log := c.store.logs[key]
	if len(log) == 0 || before > log[len(log)-1].SeqNo {
		return 0, fmt.Errorf("memory: truncate %s before %d: %w", key, before, persist.ErrUsage)
	}
	n := search(log, before)
	c.store.logs[key] = slices.Clone(log[n:])
	return n, nil
}

// ListKeys implements [persist.Consensus].
func (c *Consensus) ListKeys(ctx context.Context, visit func(key string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.rt.Read(c.store.versions)
	c.store.mu.Lock()
	keys := slices.Sorted(maps.Keys(c.store.logs))
	c.store.mu.Unlock()
	for _, key := range keys {
		if err := visit(key); err != nil {
			return err
		}
	}
	return nil
}

// search returns the index of the first version at or beyond a SeqNo.
func search(log []persist.Versioned, from persist.SeqNo) int {
	n, _ := slices.BinarySearchFunc(log, from, func(v persist.Versioned, from persist.SeqNo) int {
		return cmp.Compare(v.SeqNo, from)
	})
	return n
}

func copyOf(v persist.Versioned) persist.Versioned {
	return persist.Versioned{SeqNo: v.SeqNo, Data: clone(v.Data)}
}

// clone copies bytes; the copy of an empty slice is not nil.
func clone(b []byte) []byte { return append([]byte{}, b...) }

// notBegun returns the error of a write that was cancelled before it began.
func notBegun(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", persist.ErrDeterminate, err)
	}
	return nil
}
