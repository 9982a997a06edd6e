package persist

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Usage says what a shard takes in the store, and why: a funnel in which each object
// is counted once.
type Usage struct {
	// Newest is the newest version. It is the zero value if there are objects and
	// no version: a process is about to make the first, or has died before it did.
	Newest Inspection
	// Earliest is the first version that is left of the log. All from there to the
	// newest one are live. LogBytes is the size of their diffs.
	Earliest SeqNo
	LogBytes uint64
	// Current counts the objects to which the newest version refers.
	Current Tally
	// Older counts those to which only older live versions refer: somebody holds
	// those versions, or garbage collection has yet to come to them.
	Older Tally
	// Unreferenced counts those to which no live version refers: what a process has
	// written and has yet to link, or has left behind when it died.
	Unreferenced Tally
	// Orphans are the unreferenced ones, in order of their keys.
	Orphans []StoredObject
	// Missing are the keys of objects that are needed, by the newest version or by
	// one that a reader holds, and are not there: the shard is damaged. They are in
	// order.
	Missing []string
}

// Tally counts objects.
type Tally struct {
	Objects, Bytes uint64
}

// StoredObject is an object in the [Blob].
type StoredObject struct {
	Key string
	// Size is in bytes.
	Size uint64
}

// Usage lists the objects of a shard and finds out which live versions refer to them.
// It changes nothing, and costs two readings of the log and one listing. Work that is
// under way meanwhile may be counted as it was before or as it is afterwards; what is
// said to be missing was missing at some moment of the call. The error wraps
// [ErrNotFound] if the shard has neither versions nor objects; others are those of
// Inspect.
func (c *Client) Usage(ctx context.Context, shard ShardID) (Usage, error) {
	u, err := newMachine(c, shard).usage(ctx)
	if err != nil {
		return Usage{}, fmt.Errorf("persist: usage of %v: %w", shard, err)
	}
	return u, nil
}

// usage looks at the references before and after it lists the objects: one that was
// referred to, or needed, at both moments was so throughout.
func (m *machine) usage(ctx context.Context) (u Usage, err error) {
	before, err := m.references(ctx)
	if err != nil {
		return u, err
	}
	objects, err := m.listObjects(ctx)
	if err != nil {
		return u, err
	}
	after, err := m.references(ctx)
	if err != nil {
		return u, err
	}
	if after.newest == nil && len(objects) == 0 {
		return u, ErrNotFound
	}
	if after.newest != nil {
		u = Usage{Newest: inspect(after.newest), Earliest: after.earliest, LogBytes: after.logBytes}
	}
	u.count(before, after, objects)
	return u, nil
}

// count sorts objects that were listed between two looks at the references.
func (u *Usage) count(before, after references, objects []StoredObject) {
	isThere := make(map[string]bool, len(objects))
	for _, o := range objects {
		isThere[o.Key] = true
		switch {
		case after.uses[o.Key] == byNewest:
			u.Current.add(o)
		case after.uses[o.Key] != byNone || before.uses[o.Key] != byNone:
			u.Older.add(o)
		default:
			u.Unreferenced.add(o)
			u.Orphans = append(u.Orphans, o)
		}
	}
	for key, use := range after.uses {
		if use >= byHeld && before.uses[key] >= byHeld && !isThere[key] {
			u.Missing = append(u.Missing, key)
		}
	}
	slices.Sort(u.Missing)
}

func (t *Tally) add(o StoredObject) {
	t.Objects++
	t.Bytes += o.Size
}

// listObjects returns the objects of the shard, in the order of their keys.
func (m *machine) listObjects(ctx context.Context) (objects []StoredObject, err error) {
	err = m.client.retryExternal(ctx, func() error {
		objects = nil
		return m.client.blob.List(ctx, m.key+"/", func(key string, size int) error {
			objects = append(objects, StoredObject{key, uint64(size)})
			return nil
		})
	})
	return objects, err
}

// use says which live versions refer to an object, the most demanding one.
type use int

const (
	byNone  use = iota
	byOlder     // that nobody needs: the object may be deleted at any moment
	byHeld      // that a reader may need
	byNewest
)

// references are the objects to which live versions refer.
type references struct {
	newest   *state.State // nil if there is none
	earliest SeqNo
	logBytes uint64
	uses     map[string]use // by key
}

func (m *machine) references(ctx context.Context) (references, error) {
	newest, log, err := m.fetchWith(ctx, m.liveLog)
	if err != nil || newest == nil {
		return references{}, err
	}
	r := references{newest: newest, earliest: log[0].SeqNo, uses: make(map[string]use)}
	for _, v := range log {
		r.logBytes += uint64(len(v.Data))
		if v.SeqNo == r.earliest {
			continue // what it ceased to refer to, no live version refers to
		}
		diff, err := state.DecodeDiff(v.Data)
		if err != nil {
			return references{}, err
		}
		r.addDropped(m.key, v.SeqNo, diff)
	}
	for key := range newest.PartKeys() {
		r.uses[objectKey(m.key, key)] = byNewest
	}
	for _, rollup := range newest.Rollups().Shared() {
		r.uses[objectKey(m.key, rollup.Key)] = byNewest
	}
	return r, nil
}

// addDropped adds what the version before n was the last to refer to. A part is needed
// as long as a reader may hold that version. A rollup is not: whoever opens the shard
// reads the latest one, and the log may begin with any that is listed.
func (r *references) addDropped(shard string, n SeqNo, diff *state.Diff) {
	parts := byOlder
	if n > r.newest.SeqNoSince() {
		parts = byHeld
	}
	for _, path := range objectKeys(shard, diff.DroppedParts()) {
		r.uses[path] = parts
	}
	for _, path := range objectKeys(shard, diff.DroppedRollups()) {
		r.uses[path] = byOlder
	}
}

// liveLog returns all versions that are left. What was truncated while they were read
// is left out.
func (m *machine) liveLog(ctx context.Context) ([]Versioned, error) {
	log, err := m.scanAll(ctx, 0)
	for i := len(log) - 1; i > 0; i-- {
		if log[i-1].SeqNo+1 != log[i].SeqNo {
			return log[i:], err
		}
	}
	return log, err
}
