package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Blob implements [persist.Blob] on a [Store], with a file for each object.
type Blob struct {
	store *Store
	rt    *runtime.Runtime
}

var _ persist.Blob = (*Blob)(nil)

// begin waits for a slot, which the caller gives back with done.
func (b *Blob) begin(ctx context.Context) (done func(), err error) {
	end, err := b.store.use(ctx, b.rt)
	return b.wait(ctx, end, err)
}

// beginToChange is begin for a call that changes something.
func (b *Blob) beginToChange(ctx context.Context) (done func(), err error) {
	end, err := b.store.useToChange(ctx, b.rt)
	return b.wait(ctx, end, err)
}

func (b *Blob) wait(ctx context.Context, end func(), err error) (done func(), _ error) {
	if err != nil {
		return nil, err
	}
	if err := b.store.slots.Acquire(ctx, 1); err != nil {
		end()
		return nil, determinate(err)
	}
	return func() {
		b.store.slots.Release(1)
		end()
	}, nil
}

func (b *Blob) root() string { return b.store.path(blobsName) }

// Get implements [persist.Blob].
func (b *Blob) Get(ctx context.Context, key string) ([]byte, bool, error) {
	done, err := b.begin(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("file: get %s: %w", key, err)
	}
	defer done()
	if checkKey(key) != nil {
		return nil, false, nil
	}
	value, err := readObject(ctx, pathOf(b.root(), key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("file: get %s: %w", key, err)
	}
	return value, true, nil
}

func readObject(ctx context.Context, path string) (value []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	value = make([]byte, info.Size())
	if _, err := io.ReadFull(f, value); err == io.ErrUnexpectedEOF || err == io.EOF {
		return nil, &persist.CorruptionError{What: "object", Reason: "has been cut while it was read"}
	} else if err != nil {
		return nil, err
	}
	return value, nil
}

// Set implements [persist.Blob]. When it returns nil the object is durable. An
// error wraps [persist.ErrDeterminate] if the object has not got its name; a disk
// that is full gives one of those.
func (b *Blob) Set(ctx context.Context, key string, value []byte) error {
	if err := checkKey(key); err != nil {
		return fmt.Errorf("file: set: %w", err)
	}
	done, err := b.beginToChange(ctx)
	if err == nil {
		defer done()
		err = b.set(ctx, pathOf(b.root(), key), value)
	}
	if err != nil {
		return fmt.Errorf("file: set %s: %w", key, err)
	}
	return nil
}

func (b *Blob) set(ctx context.Context, path string, value []byte) error {
	temporary := b.store.newTemporary()
	if err := writeFile(temporary, value); err != nil {
		return determinate(errors.Join(err, discard(temporary)))
	}
	release, err := b.store.directories.hold(filepath.Dir(path), true)
	if err != nil {
		return determinate(errors.Join(b.judge(err), discard(temporary)))
	}
	defer release()
	if err := ctx.Err(); err != nil {
		return determinate(errors.Join(err, discard(temporary)))
	}
	if err := os.Rename(temporary, path); err != nil {
		return indeterminate(errors.Join(err, discard(temporary)))
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return indeterminate(b.judge(err))
	}
	return nil
}

// judge breaks the store if an fsync of a directory has failed: a second one might
// succeed without having written anything.
func (b *Blob) judge(err error) error {
	var failure *syncError
	if errors.As(err, &failure) {
		return b.store.breakDown(err)
	}
	return err
}

// newTemporary returns the path of a file that does not exist.
func (s *Store) newTemporary() string {
	s.temporaries.Lock()
	defer s.temporaries.Unlock()
	s.temporary++
	return filepath.Join(s.path(temporaryName), strconv.FormatUint(s.temporary, 10))
}

func discard(temporary string) error {
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Delete implements [persist.Blob]. When it returns nil the object is gone
// durably. Directories that become empty are removed.
func (b *Blob) Delete(ctx context.Context, key string) (size int, existed bool, err error) {
	done, err := b.beginToChange(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("file: delete %s: %w", key, err)
	}
	defer done()
	if checkKey(key) != nil {
		return 0, false, nil
	}
	path := pathOf(b.root(), key)
	if size, existed, err = b.remove(path); err != nil {
		return 0, false, fmt.Errorf("file: delete %s: %w", key, err)
	}
	b.store.directories.prune(filepath.Dir(path))
	return size, existed, nil
}

func (b *Blob) remove(path string) (size int, existed bool, err error) {
	release, err := b.store.directories.hold(filepath.Dir(path), false)
	if err != nil {
		return 0, false, determinate(err)
	}
	defer release()
	info, err := os.Lstat(path)
	if err == nil {
		err = os.Remove(path)
	}
	existed = err == nil
	if existed {
		size = int(info.Size())
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, false, indeterminate(err)
	}
	// Also where there was none: whoever has removed it may not have come so far.
	if err := syncDirectory(filepath.Dir(path)); err != nil && (existed || !errors.Is(err, fs.ErrNotExist)) {
		return 0, false, indeterminate(b.judge(err))
	}
	return size, existed, nil
}

// listed is an object that List has found.
type listed struct {
	key  string
	size int
}

// List implements [persist.Blob]. It reads all names with the prefix before it
// visits the first.
func (b *Blob) List(ctx context.Context, prefix string, visit func(key string, size int) error) error {
	done, err := b.begin(ctx)
	if err != nil {
		return fmt.Errorf("file: list %s: %w", prefix, err)
	}
	found, err := b.walk(ctx, b.root(), "", prefix, nil)
	done() // visit may use the store
	if err != nil {
		return fmt.Errorf("file: list %s: %w", prefix, err)
	}
	slices.SortFunc(found, func(x, y listed) int { return strings.Compare(x.key, y.key) })
	for _, one := range found {
		if err := visit(one.key, one.size); err != nil {
			return err
		}
	}
	return nil
}

// walk adds the objects in and below a directory whose keys have the prefix; all
// of them begin with above.
func (b *Blob) walk(ctx context.Context, directory, above, prefix string, found []listed) ([]listed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrNotExist) && above != "" {
		return found, nil // removed meanwhile
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		part, isObject, ok := keyPart(entry.Name())
		key := above + part
		switch {
		case !ok || isObject == entry.IsDir():
		case !isObject && (strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key)):
			found, err = b.walk(ctx, filepath.Join(directory, entry.Name()), key, prefix, found)
		case isObject && strings.HasPrefix(key, prefix):
			found, err = add(found, key, entry)
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func add(found []listed, key string, entry fs.DirEntry) ([]listed, error) {
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil // deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	return append(found, listed{key, int(info.Size())}), nil
}

// Restore implements [persist.Blob]. What was deleted is gone: it returns nil only
// if the object exists.
func (b *Blob) Restore(ctx context.Context, key string) error {
	done, err := b.begin(ctx)
	if err != nil {
		return fmt.Errorf("file: restore %s: %w", key, err)
	}
	defer done()
	if checkKey(key) == nil {
		_, err = os.Lstat(pathOf(b.root(), key))
	}
	if checkKey(key) != nil || errors.Is(err, fs.ErrNotExist) {
		err = persist.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("file: restore %s: %w", key, err)
	}
	return nil
}
