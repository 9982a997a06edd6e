package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// versionLog is the file of all versions: a bbolt database, see [versions]. Whoever has
// something to write joins a group, see [versionLog.submit].
type versionLog struct {
	rt     *runtime.Runtime
	path   string
	db     *bbolt.DB
	file   *os.File // that of db
	broken *runtime.Watch[error]
	// durable is the newest transaction whose last fsync has ended. A reader that
	// has seen a later one waits for it.
	durable *runtime.Watch[uint64]

	mu      *runtime.Mutex // guards what follows
	queue   []*write
	isBusy  bool
	isStuck bool // the database may hold locks that nobody gives back
}

// openLog opens a log that exists, to be written or only to be read. Damage gives a
// [*persist.CorruptionError], and then nothing has been written.
func openLog(
	rt *runtime.Runtime, path string, readOnly bool, broken *runtime.Watch[error],
) (*versionLog, error) {
	if err := checkLog(path); err != nil {
		return nil, err
	}
	l := &versionLog{rt: rt, path: path, broken: broken, durable: runtime.NewWatch[uint64](rt, 0), mu: rt.NewMutex()}
	err := l.protect(func() (err error) {
		flags := os.O_RDWR
		if readOnly {
			flags = os.O_RDONLY
		}
		l.db, err = openDatabase(path, flags, &l.file)
		return err
	})
	switch {
	case err == nil && readOnly:
		l.durable.Set(math.MaxUint64) // nothing is added while it is open
	case err == nil:
		err = l.settle()
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// settle makes durable what a process has written that died before its fsync, since
// readers see it now.
func (l *versionLog) settle() error {
	return l.protect(func() error {
		if err := l.db.Sync(); err != nil {
			return err
		}
		return l.db.View(func(tx *bbolt.Tx) error {
			l.durable.Set(uint64(tx.ID()))
			return nil
		})
	})
}

// createLog makes an empty, durable log.
func createLog(path string) error {
	if err := discard(path); err != nil {
		return err
	}
	var file *os.File
	db, err := openDatabase(path, os.O_RDWR|os.O_CREATE, &file)
	if err != nil {
		return err
	}
	return db.Close()
}

func openDatabase(path string, flags int, file **os.File) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      time.Nanosecond, // do not wait for the lock
		FreelistType: bbolt.FreelistMapType,
		PageSize:     4096,
		NoStatistics: true,
		ReadOnly:     flags == os.O_RDONLY,
		OpenFile: func(path string, _ int, mode fs.FileMode) (f *os.File, err error) {
			*file, err = os.OpenFile(path, flags, mode)
			return *file, err
		},
	})
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, &LockedError{Directory: filepath.Dir(path)}
	case isReadOnly(err):
		return nil, &DirectoryError{Directory: filepath.Dir(path), Reason: "cannot be written", Cause: err}
	}
	return db, err
}

// close gives the file free. Nothing is under way.
func (l *versionLog) close() error {
	switch {
	case l.file == nil:
		return nil
	case l.db == nil || l.isStuck:
		// Closing the database might wait for ever. The lock on the file ends with
		// the descriptor; the mapping stays until the process ends.
		if err := l.file.Close(); !errors.Is(err, fs.ErrClosed) {
			return err
		}
		return nil
	}
	return l.db.Close()
}

// The two first pages of a bbolt file each describe the whole: 16 bytes of a page
// header, then these.
const (
	metaOffset   = 16
	metaSize     = 64
	metaMagic    = 0xed0cdaed
	metaVersion  = 2
	checksumAt   = 56 // the checksum, over what is before
	pageSizeAt   = 8
	pageCountAt  = 40
	pageSizeLeft = 1 << 16 // no page is larger
)

// checkLog looks at both descriptions. The database itself is content with one,
// the older one if need be, and would lose a version that was acknowledged.
func checkLog(path string) error {
	f, err := os.Open(path)
	if isReadOnly(err) {
		return &DirectoryError{Directory: filepath.Dir(path), Reason: "cannot be read", Cause: err}
	}
	if err != nil {
		return err
	}
	err = checkMetas(f)
	if errors.Is(err, io.EOF) {
		err = corruptLog("is cut")
	}
	return errors.Join(err, f.Close())
}

func checkMetas(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var pageSize int64
	for i := range int64(2) {
		var meta [metaSize]byte
		if _, err := f.ReadAt(meta[:], i*pageSize+metaOffset); err != nil {
			return err
		}
		sum := fnv.New64a()
		sum.Write(meta[:checksumAt])
		native := binary.NativeEndian
		pageSize = int64(native.Uint32(meta[pageSizeAt:]))
		switch {
		case native.Uint32(meta[:]) != metaMagic, native.Uint32(meta[4:]) != metaVersion, pageSize > pageSizeLeft,
			native.Uint64(meta[checksumAt:]) != sum.Sum64():
			return corruptLog("description %d is damaged", i+1)
		case native.Uint64(meta[pageCountAt:]) > uint64(info.Size()/pageSize):
			return corruptLog("is cut")
		}
	}
	return nil
}

func corruptLog(format string, args ...any) error {
	return &persist.CorruptionError{What: logName, Reason: fmt.Sprintf(format, args...)}
}

// protect calls f, which uses the database. The database panics on pages that make
// no sense, and the system faults where the file has become shorter.
func (l *versionLog) protect(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			l.mu.Lock()
			l.isStuck = true
			l.mu.Unlock()
			err = breakDown(l.broken, filepath.Dir(l.path), corruptLog("is damaged: %.200s", fmt.Sprint(reason)))
			l.durable.Set(math.MaxUint64)
		}
	}()
	return f()
}

// view calls f in a transaction that sees what is durable.
func (l *versionLog) view(ctx context.Context, f func(tx *bbolt.Tx) error) error {
	var seen uint64
	err := l.protect(func() error {
		return l.db.View(func(tx *bbolt.Tx) error {
			seen = uint64(tx.ID())
			return f(tx)
		})
	})
	if err != nil {
		return err
	}
	if durable, _ := l.durable.Get(); seen <= durable {
		return nil
	}
	if _, _, err := l.durable.WaitFor(ctx, func(durable uint64) bool { return seen <= durable }); err != nil {
		return err
	}
	err, _ = l.broken.Get()
	return err
}

// keys returns the keys that have versions, in ascending order.
func (l *versionLog) keys(ctx context.Context) (keys []string, err error) {
	err = l.view(ctx, func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if b == nil {
				return corruptLog("has a value that belongs to no key")
			}
			if !bytes.Equal(name, sharedName) {
				keys = append(keys, string(name))
			}
			return nil
		})
	})
	return keys, err
}
