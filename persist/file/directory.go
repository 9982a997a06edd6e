package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/tidemarkdb/tidemark/runtime"
)

// directories knows which directories below a root are durable, and keeps those
// that are in use from being removed. There is no lock for all of them that
// anybody holds while the disk is at work.
type directories struct {
	rt   *runtime.Runtime
	root string
	mu   *runtime.Mutex // guards all, and the uses of each
	all  map[string]*directory
}

type directory struct {
	path      string
	uses      int
	isDurable atomic.Bool
	// keep is held for reading by those who need the directory to stay, and for
	// writing by whoever removes it.
	keep *runtime.RWMutex
}

func newDirectories(rt *runtime.Runtime, root string) *directories {
	return &directories{rt: rt, root: root, mu: rt.NewMutex(), all: make(map[string]*directory)}
}

// refer returns a directory, which is known until it is forgotten.
func (d *directories) refer(path string) *directory {
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.all[path]
	if one == nil {
		one = &directory{path: path, keep: d.rt.NewRWMutex()}
		d.all[path] = one
	}
	one.uses++
	return one
}

func (d *directories) forget(one *directory) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one.uses--; one.uses == 0 && !one.isDurable.Load() {
		delete(d.all, one.path)
	}
}

// chain returns the directories from below the root down to a path.
func (d *directories) chain(path string) (paths []string) {
	below := strings.TrimPrefix(path, d.root)
	for i := 1; i < len(below); i++ {
		if below[i] == filepath.Separator {
			paths = append(paths, d.root+below[:i])
		}
	}
	if below != "" {
		paths = append(paths, path)
	}
	return paths
}

// hold keeps the directories down to a path until release is called. With makes it
// sees that they exist, durably; each new one costs an fsync of the one above.
func (d *directories) hold(path string, makes bool) (release func(), err error) {
	var held []*directory
	release = func() {
		for _, one := range held {
			one.keep.RUnlock()
			d.forget(one)
		}
	}
	for _, path := range d.chain(path) {
		one := d.refer(path)
		one.keep.RLock()
		held = append(held, one)
		if !makes || one.isDurable.Load() {
			continue
		}
		if err := makeOne(path); err != nil {
			release()
			return nil, err
		}
		one.isDurable.Store(true)
	}
	return release, nil
}

// prune removes the directories down to a path that are empty and not in use. That
// they are gone need not be durable.
func (d *directories) prune(path string) {
	paths := d.chain(path)
	for i := len(paths) - 1; i >= 0; i-- {
		if !d.remove(paths[i]) {
			return
		}
	}
}

func (d *directories) remove(path string) bool {
	one := d.refer(path)
	defer d.forget(one)
	if !one.keep.TryLock() {
		return false
	}
	defer one.keep.Unlock()
	if os.Remove(path) != nil {
		return false
	}
	one.isDurable.Store(false)
	return true
}

// syncError is the failure of an fsync, after which what was written before may be
// lost although it can be read.
type syncError struct{ cause error }

// Error implements error.
func (e *syncError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *syncError) Unwrap() error { return e.cause }

// makeOne makes a directory if there is none, and its entry durable.
func makeOne(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// makeDirectory makes a directory of a store, and those above it that are missing,
// durably. What is there has to be a directory.
func makeDirectory(path string) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return nil
	case err == nil, errors.Is(err, syscall.ENOTDIR):
		return &DirectoryError{Directory: path, Reason: "is, or is in, a file"}
	case !errors.Is(err, fs.ErrNotExist):
		return &DirectoryError{Directory: path, Reason: "cannot be reached", Cause: err}
	}
	if above := filepath.Dir(path); above != path {
		if err := makeDirectory(above); err != nil {
			return err
		}
	}
	err := makeOne(path)
	if isReadOnly(err) {
		return &DirectoryError{Directory: path, Reason: "cannot be made", Cause: err}
	}
	return err
}

// syncUp makes a directory and its own entry durable, and those above: a process may
// have died after it had made one of them. It leaves out what is not ours to sync.
func syncUp(path string) error {
	for {
		err := syncDirectory(path)
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EINVAL) {
			return err
		}
		above := filepath.Dir(path)
		if above == path {
			return nil
		}
		path = above
	}
}

// isReadOnly reports that the reason of an error is missing permission.
func isReadOnly(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// writeFile makes a file with durable content, whose entry is not durable yet.
func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// replace gives a durable file its name, durably.
func replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(to))
}
