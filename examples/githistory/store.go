package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3env"
	"github.com/tidemarkdb/tidemark/runtime"
)

// store is a directory, or a prefix of a bucket, with nothing in it but one collection.
type store struct {
	blob      persist.Blob
	consensus persist.Consensus
	// files is what has to be closed; nil in a bucket.
	files *file.Store
	// temporary is the directory to be removed in the end; empty if it stays.
	temporary string
}

// openStore opens an empty store in a directory, at an s3:// URL, or in a temporary directory if
// the location is empty. Its owner closes it. A location that can not be taken is a [*usageError].
func openStore(ctx context.Context, rt *runtime.Runtime, location string) (*store, error) {
	s := &store{}
	flag, open := "--dir", s.openDirectory
	if strings.HasPrefix(location, s3env.Scheme) {
		flag, open = "--s3", s.openBucket
	}
	if err := open(ctx, rt, location); err != nil {
		if errors.Is(err, persist.ErrUsage) {
			err = misuse("%s: %v", flag, err)
		}
		return nil, errors.Join(err, s.close())
	}
	err := s.consensus.ListKeys(ctx, func(string) error {
		return misuse("%s %s: there is a collection already", flag, location)
	})
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *store) openDirectory(ctx context.Context, rt *runtime.Runtime, directory string) (err error) {
	if directory == "" {
		if s.temporary, err = os.MkdirTemp("", "githistory-"); err != nil {
			return err
		}
	}
	if s.files, err = file.Open(ctx, rt, cmp.Or(directory, s.temporary), file.Options{}); err == nil {
		s.blob, s.consensus = s.files.Blob(rt), s.files.Consensus(rt)
	}
	return err
}

// openBucket opens a bucket as the environment says.
func (s *store) openBucket(ctx context.Context, rt *runtime.Runtime, url string) error {
	bucket, err := s3env.Open(ctx, rt, url, s3.Options{})
	if err == nil {
		s.blob, s.consensus = bucket.Blob(), bucket.Consensus()
	}
	return err
}

func (s *store) close() (err error) {
	if s.files != nil {
		err = s.files.Close()
	}
	if s.temporary != "" {
		err = errors.Join(err, os.RemoveAll(s.temporary))
	}
	if err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}
