package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/tidemarkdb/tidemark/runtime"
)

// write is one change of the log that a caller waits for.
type write struct {
	size int
	// apply makes the change, if it still can be, and reports whether it did. An
	// error is the caller's alone.
	apply func(tx *bbolt.Tx) (changed bool, err error)

	changed bool
	err     error
	// wake tells a caller who has to wait: true, that it is its turn to commit;
	// false, that the change has been committed, or not, as err says.
	wake *runtime.Chan[bool]
}

// The bounds of a group; its first write may be larger.
const (
	groupMax     = 1024
	groupSizeMax = 64 << 20
)

// submit makes a change durable and returns its error. Callers who come while
// another one commits share the next transaction, with its two fsyncs, which the
// first of them writes. One alone does not wait for others.
//
// If ctx ends before the turn has come the error is determinate; a change that has
// begun is waited for.
func (l *versionLog) submit(ctx context.Context, w *write) error {
	l.mu.Lock()
	if !l.isBusy {
		l.isBusy = true
		l.mu.Unlock()
		l.lead(w)
		return w.err
	}
	w.wake = runtime.NewChan[bool](l.rt, 1)
	l.queue = append(l.queue, w)
	l.mu.Unlock()
	isTurn, err := w.wake.Recv(ctx)
	if err != nil {
		if l.leave(w) {
			return determinate(err)
		}
		if isTurn, err = w.wake.Recv(context.WithoutCancel(ctx)); err != nil {
			return indeterminate(err)
		}
	}
	if isTurn {
		l.lead(w)
	}
	return w.err
}

// leave takes back a change whose turn has not come.
func (l *versionLog) leave(w *write) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	place := slices.Index(l.queue, w)
	if place >= 0 {
		l.queue = slices.Delete(l.queue, place, place+1)
	}
	return place >= 0
}

// lead commits a change and those that wait, and hands the turn on. It wakes those
// who are done before: if they come again at once they are in time for the next group.
func (l *versionLog) lead(w *write) {
	group := l.join(w)
	l.commit(group)
	for _, other := range group[1:] {
		other.wake.TrySend(false)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isBusy = len(l.queue) > 0; l.isBusy {
		l.queue[0].wake.TrySend(true)
		l.queue = slices.Delete(l.queue, 0, 1)
	}
}

// join takes from the queue those who are committed together with w.
func (l *versionLog) join(w *write) []*write {
	l.mu.Lock()
	defer l.mu.Unlock()
	group, size := []*write{w}, w.size
	for _, other := range l.queue {
		if size += other.size; size > groupSizeMax || len(group) == groupMax {
			break
		}
		group = append(group, other)
	}
	l.queue = slices.Delete(l.queue, 0, len(group)-1)
	return group
}

// commit makes one transaction of a group, and gives each of its writes an error
// or nil. What it says of a write that changes nothing is as durable as the rest.
func (l *versionLog) commit(group []*write) {
	if err, _ := l.broken.Get(); err != nil {
		for _, w := range group {
			w.err = err
		}
		return
	}
	id, hasBegun := uint64(0), false
	err := l.protect(func() error {
		tx, err := l.db.Begin(true)
		if err != nil {
			return err
		}
		id = uint64(tx.ID())
		isChanged := false
		for _, w := range group {
			w.changed, w.err = w.apply(tx)
			isChanged = isChanged || w.changed
		}
		if !isChanged {
			return tx.Rollback()
		}
		hasBegun = true
		return tx.Commit()
	})
	switch {
	case err != nil:
		l.fail(group, err, hasBegun && l.mayExist(id))
	case hasBegun:
		l.durable.Set(id)
	}
}

// mayExist reports whether a transaction whose commit has failed may be found by
// those who open the log next. It is not, and never will be, if its description has
// not even been written, which comes last.
func (l *versionLog) mayExist(id uint64) bool {
	l.mu.Lock()
	isStuck := l.isStuck
	l.mu.Unlock()
	if isStuck {
		return true
	}
	newest := uint64(math.MaxUint64)
	err := l.protect(func() error {
		return l.db.View(func(tx *bbolt.Tx) error {
			newest = uint64(tx.ID())
			return nil
		})
	})
	return err != nil || newest >= id
}

// fail tells a group that its transaction has failed. The log goes on only after a
// write, not an fsync, that has found no space.
func (l *versionLog) fail(group []*write, cause error, mayExist bool) {
	var failure *fs.PathError
	if mayExist || !errors.As(cause, &failure) || failure.Op != "write" || !isNoSpace(cause) {
		_ = breakDown(l.broken, filepath.Dir(l.path), cause)
		l.durable.Set(math.MaxUint64) // nobody waits for ever; broken tells them
	}
	for _, w := range group {
		switch {
		case w.changed && mayExist:
			w.err = indeterminate(cause)
		case w.changed || w.err == nil:
			w.err = determinate(fmt.Errorf("commit: %w", cause))
		}
	}
}
