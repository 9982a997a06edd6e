package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/runtime"
)

// store is a directory with nothing in it but one collection.
type store struct {
	*file.Store
	// temporary is the directory to be removed in the end; empty if it stays.
	temporary string
}

// openStore opens an empty store in a directory, or in a temporary one if directory is
// empty. Its owner closes it. A directory that can not be taken is a [*usageError].
func openStore(ctx context.Context, rt *runtime.Runtime, directory string) (*store, error) {
	s := &store{}
	if directory == "" {
		var err error
		if s.temporary, err = os.MkdirTemp("", "githistory-"); err != nil {
			return nil, err
		}
	}
	var err error
	if s.Store, err = file.Open(ctx, rt, cmp.Or(directory, s.temporary), file.Options{}); err != nil {
		if errors.Is(err, persist.ErrUsage) {
			err = misuse("--dir: %v", err)
		}
		return nil, errors.Join(err, s.remove())
	}
	err = s.Consensus(rt).ListKeys(ctx, func(string) error {
		return misuse("--dir %s: there is a collection already", directory)
	})
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *store) close() error {
	if err := errors.Join(s.Close(), s.remove()); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

func (s *store) remove() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}
