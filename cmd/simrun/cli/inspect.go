package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

func (e *environment) inspectCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect URL [SHARD]",
		Short: "Look into a store",
		Long: `Inspect lists the shards of a store, or tells all about one of them: its frontiers,
who holds it, its batches, and which objects are needed, by whom, or by nobody. The
URL is file://DIRECTORY, or file://FILE for the dump of a store in memory; the shard
is its id or the beginning of one.

  simrun inspect file:///var/lib/orders          every shard, one line each
  simrun inspect file:///var/lib/orders s01      one shard

It changes nothing, and never shows the contents of rows. A directory that a running
process has open is left alone, and the process named; one that wants to open it
meanwhile is refused.

Exit codes: 0; 1 something is damaged or missing; 2 there is no such store or shard;
5 the store is in use, or of a newer format, or cannot be read.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("inspect takes the URL of a store, and perhaps a shard")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "human" && format != "json" {
				return usagef("--format %q is neither human nor json", format)
			}
			return e.unlessInterrupted(cmd.Context(), e.judge(e.inspect(cmd.Context(), args, format)))
		},
	}
	cmd.Flags().StringVar(&format, "format", "human", "human or json")
	return cmd
}

// judge tells an error whose exit code is 1, and returns any other.
func (e *environment) judge(err error) error {
	switch {
	case errors.Is(err, persist.ErrCorruption):
		fmt.Fprintln(e.err, "simrun:", err)
		e.code = sweep.Worst(e.code, sweep.CodeViolation)
		return nil
	case errors.Is(err, persist.ErrUsage):
		return usageError{err}
	}
	return err
}

func (e *environment) inspect(ctx context.Context, args []string, format string) (err error) {
	store, err := openStore(ctx, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	ids, err := store.shards(ctx)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return e.inspectAll(ctx, store, ids, format)
	}
	id, err := chooseShard(ids, args[1])
	if err != nil {
		return err
	}
	usage, err := store.usage(ctx, id)
	if err != nil {
		return err
	}
	if len(usage.Missing) > 0 {
		e.code = sweep.CodeViolation
	}
	if format == "json" {
		return writeJSON(e.out, describeShard(id, usage))
	}
	return tellShard(e.out, id, usage)
}

// inspectAll lists the shards. One that cannot be read does not hide the others.
func (e *environment) inspectAll(ctx context.Context, store *openedStore, ids []persist.ShardID, format string) error {
	var all []summary
	for _, id := range ids {
		usage, err := store.usage(ctx, id)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, persist.ErrCorruption), err == nil && len(usage.Missing) > 0:
			e.code = sweep.Worst(e.code, sweep.CodeViolation)
		case err != nil:
			e.code = sweep.Worst(e.code, sweep.CodeHarness)
		}
		all = append(all, summarise(id, usage, err))
	}
	if format == "json" {
		return writeJSON(e.out, describeStore(all))
	}
	return tellStore(e.out, all)
}

// chooseShard finds the shard whose id begins as the text says.
func chooseShard(ids []persist.ShardID, text string) (persist.ShardID, error) {
	prefix := "s" + strings.TrimPrefix(text, "s")
	var found []persist.ShardID
	for _, id := range ids {
		if strings.HasPrefix(id.String(), prefix) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return persist.ShardID{}, usagef("there is no shard %q; without it the command lists all", text)
	case 1:
		return found[0], nil
	}
	return persist.ShardID{}, usagef("%d shards begin with %q, %v and %v among them", len(found), text, found[0], found[1])
}

// openedStore is a store that is only read.
type openedStore struct {
	client    *persist.Client
	blob      persist.Blob
	consensus persist.Consensus
	closeFile func() error
	stop      context.CancelCauseFunc // ends the call that is under way
}

func openStore(ctx context.Context, url string) (*openedStore, error) {
	path, isFile := strings.CutPrefix(url, "file://")
	switch {
	case !isFile:
		return nil, usagef("%q is no URL of a store, which is file://DIRECTORY", url)
	case path == "":
		return nil, usagef("%q names no directory", url)
	}
	rt := runtime.New(runtime.Options{})
	s, err := openPath(ctx, rt, path)
	if err != nil {
		return nil, err
	}
	s.blob = &candidBlob{s.blob, s}
	if s.client, err = persist.New(rt, s.blob, s.consensus, persist.Config{}); err != nil {
		return nil, errors.Join(err, s.closeFile())
	}
	return s, nil
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
	if cause := context.Cause(ctx); err != nil && cause != nil {
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
	return value, found, b.endCall(err)
}

// List implements [persist.Blob].
func (b *candidBlob) List(ctx context.Context, prefix string, visit func(string, int) error) error {
	return b.endCall(b.Blob.List(ctx, prefix, visit))
}

func (b *candidBlob) endCall(err error) error {
	if err != nil && b.store.stop != nil {
		b.store.stop(err)
	}
	return err
}
