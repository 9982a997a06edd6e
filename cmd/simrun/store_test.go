package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

// storeCommand does something with the store in a directory: store make DIR
func storeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: store ACTION DIR")
	}
	directory := ts.MkAbs(args[1])
	var err error
	switch args[0] {
	case "hold": // until the end of the script
		var held *testStore
		if held, err = openTestStore(directory); err == nil {
			ts.Setenv("PID", fmt.Sprint(os.Getpid()))
			ts.Defer(func() { ts.Check(held.close()) })
		}
	case "newer":
		err = makeNewer(directory)
	case "dump": // of a store in memory, into a file
		err = makeDump(directory)
	case "note": // for a later "unchanged"
		var now string
		now, err = digest(directory)
		ts.Setenv("DIGEST", now)
	case "unchanged":
		var now string
		if now, err = digest(directory); err == nil && now != ts.Getenv("DIGEST") {
			err = errors.New("files were changed")
		}
	default:
		err = change(directory, args[0])
	}
	if err != nil {
		ts.Fatalf("store %v: %v", args, err)
	}
}

// change does what needs the store to be open.
func change(directory, action string) error {
	store, err := openTestStore(directory)
	if err != nil {
		return err
	}
	return errors.Join(store.change(context.Background(), action), store.close())
}

func (s *testStore) change(ctx context.Context, action string) error {
	switch action {
	case "make":
		return s.fill(ctx)
	case "lose":
		return s.losePart(ctx)
	case "corrupt":
		return s.corrupt(ctx)
	}
	return errors.New("unknown action")
}

// testStore is a store as its own process sees it.
type testStore struct {
	rt         *runtime.Runtime
	blob       persist.Blob
	consensus  persist.Consensus
	client     *persist.Client
	closeFiles func() error
}

func openTestStore(directory string) (*testStore, error) {
	rt := runtime.New(runtime.Options{Node: "ingest-1"})
	files, err := file.Open(context.Background(), rt, directory, file.Options{})
	if err != nil {
		return nil, err
	}
	s := &testStore{rt: rt, blob: files.Blob(rt), consensus: files.Consensus(rt), closeFiles: files.Close}
	return s, s.open()
}

func (s *testStore) open() (err error) {
	s.client, err = persist.New(s.rt, s.blob, s.consensus, persist.Config{InlineSizeMax: 100})
	return err
}

func (s *testStore) close() error {
	s.client.Close()
	return s.closeFiles()
}

// makeDump fills a store in memory and dumps it.
func makeDump(path string) error {
	rt := runtime.New(runtime.Options{Node: "ingest-1"})
	store := memory.New("store", memory.Options{})
	s := &testStore{
		rt: rt, blob: store.Blob(rt), consensus: store.Consensus(rt), closeFiles: func() error { return nil },
	}
	if err := s.open(); err != nil {
		return err
	}
	dump, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(s.fill(context.Background()), s.close(), store.Dump(dump), dump.Close())
}

// The shards: one in use, one at its end.
var (
	ordersShard  = persist.ShardID{0xaa, 1}
	droppedShard = persist.ShardID{0xbb, 2}
)

// fill makes a shard with two small batches and a large one, holds and an orphan, and
// one that has been finalized.
func (s *testStore) fill(ctx context.Context) error {
	opaque := persist.Opaque{Codec: "epoch", Value: [8]byte{7: 3}}
	owner, err := s.client.OpenSince(ctx, ordersShard, persist.CriticalReaderID{1}, opaque, "controller")
	if err != nil {
		return err
	}
	w, err := s.client.OpenWriter(ctx, ordersShard, persist.WriterOptions{Purpose: "orders"})
	if err != nil {
		return err
	}
	for i, row := range []string{"secret", "secret", strings.Repeat("secret", 30)} {
		at := uint64(10 * i)
		updates := []persist.Update{{Row: []byte(row), Time: at, Diff: 1}}
		if err := w.CompareAndAppend(ctx, updates, frontier.At(at), frontier.At(at+10)); err != nil {
			return err
		}
	}
	if _, err := owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.At(5)); err != nil {
		return err
	}
	if _, err := s.client.OpenReader(ctx, ordersShard, persist.ReaderOptions{Purpose: "nightly report"}); err != nil {
		return err
	}
	if err := s.blob.Set(ctx, ordersShard.String()+"/e0-w1/b1", []byte("nobody's")); err != nil {
		return err
	}
	return s.drop(ctx, opaque)
}

func (s *testStore) drop(ctx context.Context, opaque persist.Opaque) error {
	owner, err := s.client.OpenSince(ctx, droppedShard, persist.CriticalReaderID{2}, opaque, "controller")
	if err != nil {
		return err
	}
	w, err := s.client.OpenWriter(ctx, droppedShard, persist.WriterOptions{Purpose: "dropped"})
	if err != nil {
		return err
	}
	shard, err := s.client.OpenShard(ctx, droppedShard)
	if err != nil {
		return err
	}
	_, err = owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.Empty())
	return errors.Join(err, w.AdvanceUpper(ctx, frontier.Empty()), shard.Finalize(ctx))
}

// losePart deletes what the newest version needs.
func (s *testStore) losePart(ctx context.Context) error {
	var part string
	err := s.blob.List(ctx, ordersShard.String()+"/e0000", func(key string, _ int) error {
		part = key
		return nil
	})
	if err != nil {
		return err
	}
	_, existed, err := s.blob.Delete(ctx, part)
	if !existed {
		err = errors.Join(err, fmt.Errorf("no part %q", part))
	}
	return err
}

// corrupt appends a version that is none.
func (s *testStore) corrupt(ctx context.Context) error {
	head, _, err := s.consensus.Head(ctx, ordersShard.String())
	if err != nil {
		return err
	}
	_, err = s.consensus.CompareAndSet(ctx, ordersShard.String(), head.SeqNo,
		persist.Versioned{SeqNo: head.SeqNo + 1, Data: []byte("no version")})
	return err
}

// makeNewer makes a store that of a program of the future.
func makeNewer(directory string) error {
	text := []byte("tidemark-file-store 99\nand more\n")
	sum := crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli))
	return os.WriteFile(filepath.Join(directory, "FORMAT"), fmt.Appendf(text, "crc32c %08x\n", sum), 0o600)
}

// digest covers names, permissions, times and contents of all files.
func digest(directory string) (string, error) {
	sum := crc32.NewIEEE()
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(sum, path, info.Mode(), info.ModTime().UnixNano())
		if !info.Mode().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		_, _ = sum.Write(data) // which never fails
		return err
	})
	return fmt.Sprint(sum.Sum32()), err
}
