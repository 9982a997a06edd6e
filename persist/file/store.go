package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Store is a directory that this process has locked. It is safe for concurrent
// use by any number of views.
type Store struct {
	directory string
	location  Location
	sizeMax   int
	readOnly  bool

	lock        *directoryLock
	log         *versionLog
	directories *directories
	slots       *runtime.Semaphore // calls of the blobs that use the disk at once
	broken      *runtime.Watch[error]
	temporaries *runtime.Mutex // guards temporary
	temporary   uint64         // number of the last temporary file

	using  *runtime.RWMutex // held for reading by each call, for writing to close
	closed bool             // guarded by using
}

// Options configure a Store.
type Options struct {
	// VersionSizeMax is the size in bytes of the largest version; 0 is 64 MiB,
	// which is also the most.
	VersionSizeMax int
	// BlobCallsMax is how many calls of the blobs use the disk at once; others
	// wait for their turn. 0 is 32.
	BlobCallsMax int
	// ReadOnly opens a store that exists, for looking at it: no file is made, changed
	// or removed, and every call that would change something fails with an error that
	// wraps [persist.ErrUsage]. It takes the lock in common with others who only look,
	// so that they exclude nobody but processes that write, and those them.
	ReadOnly bool
}

// versionSizeMax is the largest version in bytes that any store takes.
const versionSizeMax = 64 << 20

// Validate returns an error that wraps [persist.ErrUsage] if an option makes no
// sense.
func (o Options) Validate() error {
	switch {
	case o.VersionSizeMax < 0 || o.VersionSizeMax > versionSizeMax:
		return fmt.Errorf("file: versions of %d bytes, 1 to %d are possible: %w",
			o.VersionSizeMax, versionSizeMax, persist.ErrUsage)
	case o.BlobCallsMax < 0:
		return fmt.Errorf("file: %d calls at once: %w", o.BlobCallsMax, persist.ErrUsage)
	}
	return nil
}

func (o Options) withDefaults() Options {
	o.VersionSizeMax = cmp.Or(o.VersionSizeMax, versionSizeMax)
	o.BlobCallsMax = cmp.Or(o.BlobCallsMax, 32)
	return o
}

// Open locks a directory and opens the store in it; a directory that is missing
// or empty becomes an empty store. The store has to be closed.
//
// The error is a [*LockedError] if a store is open there already, in this process
// or in another one; a [*DirectoryError] if there can be no store: the path is a
// file, the directory is of something else, or it cannot be written; a
// [*persist.VersionError] if a newer program has made it; a
// [*persist.CorruptionError] if FORMAT or the log is missing or damaged; and wraps
// [persist.ErrUsage] if rt is under a scheduler, because there are no files in a
// simulation. Whatever was in the directory is then as it was.
//
// What dead processes have left unfinished is removed, unless the options say that
// the store is only to be read; then a missing or empty directory is an error.
func Open(ctx context.Context, rt *runtime.Runtime, directory string, options Options) (*Store, error) {
	if !rt.Live() {
		return nil, fmt.Errorf("file: open %s: %w", directory, errSimulated)
	}
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if err := notBegun(ctx); err != nil {
		return nil, fmt.Errorf("file: open %s: %w", directory, err)
	}
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return nil, fmt.Errorf("file: open %s: %w", directory, err)
	}
	options = options.withDefaults()
	s := &Store{
		directory:   absolute,
		sizeMax:     options.VersionSizeMax,
		readOnly:    options.ReadOnly,
		slots:       rt.NewSemaphore(int64(options.BlobCallsMax)),
		broken:      runtime.NewWatch[error](rt, nil),
		temporaries: rt.NewMutex(),
		using:       rt.NewRWMutex(),
	}
	s.directories = newDirectories(rt, s.path(blobsName))
	begin := s.open
	if s.readOnly {
		begin = s.openReadOnly
	}
	if err := begin(ctx, rt); err != nil {
		return nil, fmt.Errorf("file: open %s: %w", absolute, errors.Join(err, s.release()))
	}
	return s, nil
}

// The names of what is in the directory of a store.
const (
	lockName      = "LOCK"
	formatName    = "FORMAT"
	logName       = "versions.bbolt"
	blobsName     = "blobs"
	temporaryName = "tmp"
)

func (s *Store) path(name string) string { return filepath.Join(s.directory, name) }

func (s *Store) open(ctx context.Context, rt *runtime.Runtime) error {
	if err := makeDirectory(s.directory); err != nil {
		return err
	}
	if err := checkOurs(s.directory); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockDirectory(s.directory); err != nil {
		return err
	}
	var version uint64
	if s.location, version, err = readFormat(s.path(formatName)); errors.Is(err, persist.ErrNotFound) {
		s.location, err = s.create(ctx, rt)
		version = formatVersion
	}
	if err != nil {
		return err
	}
	if err := s.checkParts(); err != nil {
		return err
	}
	if err := syncUp(s.directory); err != nil {
		return err
	}
	if err := s.clean(); err != nil {
		return err
	}
	if s.log, err = s.openLog(rt); err == nil && version < formatVersion {
		err = s.writeFormat(s.location) // before anything is written that older programs do not know
	}
	return err
}

// openReadOnly opens what is there, and leaves it as it is.
func (s *Store) openReadOnly(ctx context.Context, rt *runtime.Runtime) error {
	switch info, err := os.Stat(s.directory); {
	case errors.Is(err, fs.ErrNotExist):
		return &DirectoryError{Directory: s.directory, Reason: "does not exist"}
	case err != nil:
		return &DirectoryError{Directory: s.directory, Reason: "cannot be reached", Cause: err}
	case !info.IsDir():
		return &DirectoryError{Directory: s.directory, Reason: "is a file"}
	}
	if err := checkOurs(s.directory); err != nil {
		return err
	}
	var err error
	if s.lock, err = shareDirectory(s.directory); err != nil {
		return err
	}
	s.location, _, err = readFormat(s.path(formatName))
	if errors.Is(err, persist.ErrNotFound) {
		if err = s.checkUnused(ctx, rt); err == nil {
			err = &DirectoryError{Directory: s.directory, Reason: "has no store in it"}
		}
	}
	if err != nil {
		return err
	}
	if err := s.checkParts(); err != nil {
		return err
	}
	s.log, err = s.openLog(rt)
	return err
}

func (s *Store) openLog(rt *runtime.Runtime) (*versionLog, error) {
	return openLog(rt, s.path(logName), s.readOnly, s.broken)
}

// Location is the random name of a store, which stays when the directory moves.
type Location [16]byte

// String returns 32 hexadecimal digits.
func (l Location) String() string { return fmt.Sprintf("%x", l[:]) }

// Location tells stores apart: views of one location see one store.
func (s *Store) Location() Location { return s.location }

// Blob returns the objects of the store, for the process of rt. Under a scheduler
// each of its calls returns an error that wraps [persist.ErrUsage].
func (s *Store) Blob(rt *runtime.Runtime) *Blob { return &Blob{s, rt} }

// Consensus returns the versions of the store, for the process of rt. Under a
// scheduler each of its calls returns an error that wraps [persist.ErrUsage].
func (s *Store) Consensus(rt *runtime.Runtime) *Consensus { return &Consensus{s, rt} }

// Close waits for the calls that are under way and gives the directory free.
// Later calls return an error that wraps [persist.ErrUsage]; a second Close does
// nothing. Whatever was acknowledged is durable without it.
func (s *Store) Close() error {
	s.using.Lock()
	defer s.using.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.release(); err != nil {
		return fmt.Errorf("file: close %s: %w", s.directory, err)
	}
	return nil
}

// release closes what is open, the lock last.
func (s *Store) release() error {
	var err error
	if s.log != nil {
		err = s.log.close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.release())
	}
	return err
}

// use begins a call, which the caller ends with done. The error says that nothing
// was done.
func (s *Store) use(ctx context.Context, rt *runtime.Runtime) (done func(), err error) {
	if !rt.Live() {
		return nil, errSimulated
	}
	if err := notBegun(ctx); err != nil {
		return nil, err
	}
	s.using.RLock()
	if s.closed {
		s.using.RUnlock()
		return nil, errClosed
	}
	if err, _ := s.broken.Get(); err != nil {
		s.using.RUnlock()
		return nil, err
	}
	return s.using.RUnlock, nil
}

// useToChange begins a call that changes something.
func (s *Store) useToChange(ctx context.Context, rt *runtime.Runtime) (done func(), err error) {
	if s.readOnly {
		return nil, errReadOnly
	}
	return s.use(ctx, rt)
}

// breakDown makes every later call fail: nobody knows any more what is on the
// disk. It returns the cause.
func (s *Store) breakDown(cause error) error { return breakDown(s.broken, s.directory, cause) }

func breakDown(broken *runtime.Watch[error], directory string, cause error) error {
	broken.Update(func(first error) (error, bool) {
		return &BrokenError{Directory: directory, Cause: cause}, first == nil
	})
	return cause
}

// notBegun returns the error of a call that was cancelled before it began.
func notBegun(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return determinate(err)
	}
	return nil
}
