package file

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// scratch opens a log that is not durable.
func scratch(t *testing.T) *bbolt.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), logName)
	if err := createLog(path); err != nil {
		t.Fatal(err)
	}
	var f *os.File
	db, err := openDatabase(path, os.O_RDWR, &f)
	if err != nil {
		t.Fatal(err)
	}
	db.NoSync, db.NoGrowSync = true, true
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestVersionsAreThoseOfTheModel protects the log from where versions lie in the file: small
// and large ones, of keys of which one begins with another, truncated and not. The model has
// a slice for each key.
func TestVersionsAreThoseOfTheModel(t *testing.T) {
	keys := []string{"k", "k1", "k\x00", "kk", "\x00"}
	db := scratch(t)
	rapid.Check(t, func(rt *rapid.T) {
		model := make(map[string][]persist.Versioned)
		if err := db.Update(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
				return tx.DeleteBucket(name)
			})
		}); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 10).Draw(rt, "transactions") {
			err := db.Update(func(tx *bbolt.Tx) error {
				for range rapid.IntRange(1, 20).Draw(rt, "changes") {
					key := rapid.SampledFrom(keys).Draw(rt, "key")
					changed, err := change(rt, tx, key, model[key])
					if model[key] = changed; err != nil {
						return err
					}
				}
				return nil
			})
			for _, key := range keys {
				if err == nil {
					err = db.View(func(tx *bbolt.Tx) error { return compareKey(rt, tx, key, model[key]) })
				}
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// change appends a version or truncates, and returns what the model has then.
func change(t *rapid.T, tx *bbolt.Tx, key string, all []persist.Versioned) ([]persist.Versioned, error) {
	newest := persist.SeqNo(0)
	if len(all) > 0 {
		newest = all[len(all)-1].SeqNo
	}
	if newest > 0 && rapid.IntRange(0, 9).Draw(t, "truncates") == 0 {
		count := rapid.IntRange(0, len(all)-1).Draw(t, "count")
		deleted, err := truncate(tx, key, all[count].SeqNo)
		if deleted != count {
			t.Fatalf("%d versions of %q are deleted, not %d", deleted, key, count)
		}
		return all[count:], err
	}
	size := rapid.SampledFrom([]int{0, 100, recentSizeMax - checksumSize, recentSizeMax, 900}).Draw(t, "size")
	next := persist.Versioned{SeqNo: newest + 1, Data: bytes.Repeat([]byte{byte(newest)}, size)}
	k, v := seal(key, next)
	if isNext, err := put(tx, key, newest+1, k, v); isNext || err != nil {
		t.Fatalf("a version of %q behind %v: %v, %v", key, newest, isNext, err)
	}
	if isNext, err := put(tx, key, newest, k, v); !isNext || err != nil {
		t.Fatalf("a version of %q: %v, %v", key, isNext, err)
	}
	return append(all, next), nil
}

// compareKey looks at the newest version, and at those from some number on.
func compareKey(t *rapid.T, tx *bbolt.Tx, key string, all []persist.Versioned) error {
	found := versionsOf(tx, key)
	newest, err := found.newest()
	if n := len(all); err != nil || n > 0 && newest != all[n-1].SeqNo || n == 0 && newest != 0 {
		t.Fatalf("the newest of %q is %v, %v", key, newest, err)
	}
	first := persist.SeqNo(rapid.Uint64Range(0, uint64(newest)+1).Draw(t, "from"))
	for len(all) > 0 && all[0].SeqNo < first {
		all = all[1:]
	}
	var got []persist.Versioned
	for k, v := range found.from(first) {
		next, err := unseal(key, k, v)
		if err != nil {
			return err
		}
		got = append(got, next)
	}
	isSame := slices.EqualFunc(all, got, func(a, b persist.Versioned) bool {
		return a.SeqNo == b.SeqNo && bytes.Equal(a.Data, b.Data)
	})
	if !isSame {
		t.Fatalf("versions of %q from %v are %v, not %v", key, first, got, all)
	}
	return nil
}

// TestGroupsWriteFewPages protects callers with a key each from waiting for a page or two of
// every key of the group.
func TestGroupsWriteFewPages(t *testing.T) {
	const keys, before, rounds, pagesMax = 64, 100, recentMax, 50
	db, pages := scratch(t), int64(0)
	for n := range persist.SeqNo(before + rounds) {
		tx, err := db.Begin(true)
		for key := 0; key < keys && err == nil; key++ {
			name := fmt.Sprintf("s%032d", key)
			k, v := seal(name, persist.Versioned{SeqNo: n + 1, Data: make([]byte, 128)})
			_, err = put(tx, name, n, k, v)
		}
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
		if stats := tx.Stats(); n >= before {
			pages += stats.GetWrite()
		}
	}
	if pages > rounds*pagesMax {
		t.Errorf("%d groups of %d versions have written %d pages", rounds, keys, pages)
	}
}

// TestOldLayoutIsReadAndReplaced protects stores of the first layout: they are read as they
// are, and whoever writes to one says so first, for older programs.
func TestOldLayoutIsReadAndReplaced(t *testing.T) {
	ctx, rt, directory := t.Context(), runtime.New(runtime.Options{}), t.TempDir()
	use := func(options Options, body func(s *Store, log *Consensus)) {
		t.Helper()
		s, err := Open(ctx, rt, directory, options)
		if err != nil {
			t.Fatal(err)
		}
		body(s, s.Consensus(rt))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	add := func(log *Consensus, n persist.SeqNo, size int) {
		t.Helper()
		ok, err := log.CompareAndSet(ctx, "key", n-1, persist.Versioned{SeqNo: n, Data: make([]byte, size)})
		if !ok || err != nil {
			t.Fatal(n, ok, err)
		}
	}
	wantLayout := func(want uint64, count int) func(s *Store, log *Consensus) {
		return func(s *Store, log *Consensus) {
			t.Helper()
			_, version, err := readFormat(s.path(formatName))
			all, scanErr := log.Scan(ctx, "key", 0, 100)
			if err != nil || scanErr != nil || version != want || len(all) != count {
				t.Errorf("layout %d, %d versions, %v, %v; want %d and %d", version, len(all), err, scanErr, want, count)
			}
		}
	}
	use(Options{}, func(s *Store, log *Consensus) {
		for n := range persist.SeqNo(9) {
			add(log, n+1, recentSizeMax) // too large to be recent
		}
		err := s.log.db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(sharedName) })
		if err == nil {
			err = os.WriteFile(s.path(formatName), encodeFormat(1, s.Location()), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	use(Options{ReadOnly: true}, wantLayout(1, 9))
	use(Options{}, func(s *Store, log *Consensus) {
		wantLayout(2, 9)(s, log)
		add(log, 10, 1)
		if deleted, err := log.Truncate(ctx, "key", 10); deleted != 9 || err != nil {
			t.Errorf("%d deleted, %v", deleted, err)
		}
		if err := log.ListKeys(context.WithoutCancel(ctx), func(key string) error {
			if key != "key" {
				t.Errorf("there is a key %q", key)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	use(Options{ReadOnly: true}, wantLayout(2, 1))
}
