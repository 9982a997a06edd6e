package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tidemarkdb/tidemark/persist"
)

// Blob implements [persist.Blob] on a [Store].
type Blob struct {
	store *Store
}

var _ persist.Blob = (*Blob)(nil)

func (b *Blob) folder() string { return b.store.prefix + blobsName }

func (b *Blob) name(key string) string { return b.folder() + key + keyEnd }

// Get implements [persist.Blob]. It verifies the checksum that Set has left.
func (b *Blob) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if checkKey(b.folder(), key) != nil {
		return nil, false, nil
	}
	value, err = b.store.download(ctx, b.name(key))
	switch {
	case classOf(err) == absent:
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("s3: get %s: %w", key, err)
	}
	return value, true, nil
}

// Set implements [persist.Blob]. An error of one that was never sent, or was refused, is
// determinate.
func (b *Blob) Set(ctx context.Context, key string, value []byte) error {
	err := checkKey(b.folder(), key)
	if err == nil {
		err = b.store.beginToChange(ctx)
	}
	if err == nil {
		err = b.store.upload(ctx, b.name(key), value)
	}
	if err != nil {
		return fmt.Errorf("s3: set %s: %w", key, err)
	}
	return nil
}

// Delete implements [persist.Blob]. Two at the same time may both say that the object
// existed.
func (b *Blob) Delete(ctx context.Context, key string) (size int, existed bool, err error) {
	if err = b.store.beginToChange(ctx); err == nil && checkKey(b.folder(), key) == nil {
		size, existed, err = b.delete(ctx, b.name(key))
	}
	if err != nil {
		return 0, false, fmt.Errorf("s3: delete %s: %w", key, err)
	}
	return size, existed, nil
}

// delete deletes also what a first request does not find: only the second one's answer says
// that the bucket is there.
func (b *Blob) delete(ctx context.Context, name string) (size int, existed bool, err error) {
	err = b.store.retries.repeat(ctx, func(ctx context.Context) error {
		found, isThere, err := b.store.head(ctx, name)
		if isThere {
			size, existed = int(found.size), true
		}
		return err
	})
	if err != nil {
		return 0, false, determinate(err)
	}
	return size, existed, b.store.retries.repeat(ctx, func(ctx context.Context) error {
		return b.store.delete(ctx, name)
	})
}

// List implements [persist.Blob]. It reads 1,000 keys at a time, and visits those while the
// next are yet to be read. Objects that no Blob has written are passed over.
func (b *Blob) List(ctx context.Context, prefix string, visit func(key string, size int) error) error {
	var stop error
	err := b.store.walk(ctx, b.folder()+prefix, func(name string, size int64) error {
		if key, ok := keyOf(name, b.folder()); ok {
			stop = visit(key, int(size))
		}
		return stop
	})
	if stop != nil {
		return stop
	}
	if err != nil {
		return fmt.Errorf("s3: list %s: %w", prefix, err)
	}
	return nil
}

// walk calls visit for the objects with a prefix, in the order of their names.
func (s *Store) walk(ctx context.Context, prefix string, visit func(name string, size int64) error) error {
	last := ""
	for token, isFirst := (*string)(nil), true; isFirst || token != nil; isFirst = false {
		var page []types.Object
		err := s.retries.repeat(ctx, func(ctx context.Context) (err error) {
			page, token, err = s.page(ctx, prefix, token)
			return err
		})
		if err != nil {
			return err
		}
		for _, object := range page {
			name := aws.ToString(object.Key)
			if !strings.HasPrefix(name, prefix) || name <= last {
				return fmt.Errorf("%q comes after %q in a listing of %q: %w", name, last, prefix, errOrder)
			}
			last = name
			if err := visit(name, aws.ToInt64(object.Size)); err != nil {
				return err
			}
		}
	}
	return nil
}

var errOrder = &CapabilityError{"listings are in the order of the names", "this one is not"}

// page returns a page of a listing; on an error, where it begins.
func (s *Store) page(ctx context.Context, prefix string, token *string) ([]types.Object, *string, error) {
	page, next, err := s.list(ctx, prefix, token)
	if err != nil {
		return nil, token, err
	}
	return page, next, nil
}

// Restore implements [persist.Blob]. Where the bucket keeps versions it removes what marks the
// object as deleted; elsewhere what was deleted is gone.
func (b *Blob) Restore(ctx context.Context, key string) error {
	err := b.store.beginToChange(ctx)
	if err == nil && checkKey(b.folder(), key) != nil {
		err = persist.ErrNotFound
	}
	if err == nil {
		err = b.restore(ctx, b.name(key))
	}
	if err != nil {
		return fmt.Errorf("s3: restore %s: %w", key, err)
	}
	return nil
}

func (b *Blob) restore(ctx context.Context, name string) error {
	exists := false
	look := func(ctx context.Context) (err error) {
		_, exists, err = b.store.head(ctx, name)
		return err
	}
	if err := b.store.retries.repeat(ctx, look); err != nil || exists {
		return err
	}
	err := b.store.retries.repeat(ctx, func(ctx context.Context) error { return b.store.undelete(ctx, name) })
	if errors.Is(err, persist.ErrUsage) {
		return fmt.Errorf("%w, and nothing is known of earlier versions: %w", persist.ErrNotFound, err)
	}
	if err != nil {
		return err
	}
	if err := b.store.retries.repeat(ctx, look); err != nil || exists {
		return err
	}
	return persist.ErrNotFound
}
