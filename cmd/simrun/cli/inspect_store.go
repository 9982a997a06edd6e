package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3env"
	"github.com/tidemarkdb/tidemark/runtime"
)

// openedStore is a store that is only read.
type openedStore struct {
	client    *persist.Client
	blob      persist.Blob
	consensus persist.Consensus
	closeFile func() error
	stop      context.CancelCauseFunc // ends the call that is under way
}

func openStore(ctx context.Context, url string) (*openedStore, error) {
	rt := runtime.New(runtime.Options{})
	s, err := openURL(ctx, rt, url)
	if err != nil {
		return nil, err
	}
	s.blob, s.consensus = &candidBlob{s.blob, s}, &candidConsensus{s.consensus, s}
	if s.client, err = persist.New(rt, s.blob, s.consensus, persist.Config{}); err != nil {
		return nil, errors.Join(err, s.closeFile())
	}
	return s, nil
}

func openURL(ctx context.Context, rt *runtime.Runtime, url string) (*openedStore, error) {
	path, isFile := strings.CutPrefix(url, "file://")
	switch {
	case strings.HasPrefix(url, s3env.Scheme):
		return openBucket(ctx, rt, url)
	case !isFile:
		return nil, usagef("%q is no URL of a store, which is file://DIRECTORY or s3://BUCKET/PREFIX", url)
	case path == "":
		return nil, usagef("%q names no directory", url)
	}
	return openPath(ctx, rt, path)
}

// patience is how long somebody waits for a bucket that does not answer.
const patience = 15 * time.Second

// openBucket opens a prefix of a bucket, as the environment says.
func openBucket(ctx context.Context, rt *runtime.Runtime, url string) (*openedStore, error) {
	store, err := s3env.Open(ctx, rt, url, s3.Options{ReadOnly: true, Limits: s3.Limits{Operation: patience}})
	if err != nil {
		return nil, err
	}
	return &openedStore{
		blob: store.Blob(), consensus: store.Consensus(), closeFile: func() error { return nil },
	}, nil
}

// openPath opens a directory, or the dump of a store in memory.
func openPath(ctx context.Context, rt *runtime.Runtime, path string) (*openedStore, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		dump, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = dump.Close() }() // it was only read
		store, err := memory.Load(path, dump)
		if err != nil {
			return nil, fmt.Errorf("%s is no dump of a store, or is damaged: %w", path, err)
		}
		return &openedStore{
			blob: store.Blob(rt), consensus: store.Consensus(rt), closeFile: func() error { return nil },
		}, nil
	}
	store, err := file.Open(ctx, rt, path, file.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return &openedStore{blob: store.Blob(rt), consensus: store.Consensus(rt), closeFile: store.Close}, nil
}

func (s *openedStore) close() error {
	s.client.Close()
	return s.closeFile()
}

// shards returns the ids of all shards, in order, also of those that have objects and
// no version yet.
func (s *openedStore) shards(ctx context.Context) (ids []persist.ShardID, err error) {
	add := func(key string) {
		text, _, _ := strings.Cut(key, "/")
		if id, err := persist.ParseShardID(text); err == nil {
			ids = append(ids, id)
		}
	}
	err = s.consensus.ListKeys(ctx, func(key string) error { add(key); return nil })
	if err == nil {
		err = s.blob.List(ctx, "s", func(key string, _ int) error { add(key); return nil })
	}
	slices.SortFunc(ids, persist.ShardID.Compare)
	return slices.Compact(ids), err
}

// usage asks once: an error of the store is not something that waiting would help.
func (s *openedStore) usage(ctx context.Context, id persist.ShardID) (persist.Usage, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.stop = stop
	usage, err := s.client.Usage(ctx, id)
	if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && cause != nil {
		return usage, cause
	}
	return usage, err
}

// candidBlob ends the call that is under way if an operation has failed, which the
// client would try again for ever.
type candidBlob struct {
	persist.Blob
	store *openedStore
}

// Get implements [persist.Blob].
func (b *candidBlob) Get(ctx context.Context, key string) ([]byte, bool, error) {
	value, found, err := b.Blob.Get(ctx, key)
	return value, found, b.store.endCall(err)
}

// List implements [persist.Blob].
func (b *candidBlob) List(ctx context.Context, prefix string, visit func(string, int) error) error {
	return b.store.endCall(b.Blob.List(ctx, prefix, visit))
}

// candidConsensus does the same.
type candidConsensus struct {
	persist.Consensus
	store *openedStore
}

// Head implements [persist.Consensus].
func (c *candidConsensus) Head(ctx context.Context, key string) (persist.Versioned, bool, error) {
	head, found, err := c.Consensus.Head(ctx, key)
	return head, found, c.store.endCall(err)
}

// Scan implements [persist.Consensus].
func (c *candidConsensus) Scan(
	ctx context.Context, key string, from persist.SeqNo, limit int,
) ([]persist.Versioned, error) {
	all, err := c.Consensus.Scan(ctx, key, from, limit)
	return all, c.store.endCall(err)
}

func (s *openedStore) endCall(err error) error {
	if err != nil && s.stop != nil {
		s.stop(err)
	}
	return err
}
