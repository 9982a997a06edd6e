package file_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/runtime"
)

// filled makes a store with some versions and an object, and closes it.
func filled(t *testing.T) (directory string) {
	t.Helper()
	directory = t.TempDir()
	store, rt, err := open(directory)
	must(t, err)
	must(t, store.Blob(rt).Set(t.Context(), "s1/e0-w1/p1", []byte("an object")))
	log := store.Consensus(rt)
	for n := range persist.SeqNo(40) {
		ok, err := log.CompareAndSet(t.Context(), "key", n,
			persist.Versioned{SeqNo: n + 1, Data: bytes.Repeat(fmt.Appendf(nil, "version %02d;", n+1), 100)})
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	must(t, store.Close())
	return directory
}

// contents returns all files of a directory but LOCK, which says who has it open.
func contents(t *testing.T, directory string) map[string]uint32 {
	t.Helper()
	all := make(map[string]uint32)
	must(t, filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "LOCK" {
			return err
		}
		data, err := os.ReadFile(path)
		all[path] = crc32.ChecksumIEEE(data)
		return err
	}))
	return all
}

// TestDamageIsTold protects what is left of a damaged store: it is refused with a
// typed error, and nothing is written.
func TestDamageIsTold(t *testing.T) {
	overwrite := func(name string, offset int64, data []byte) func(string) error {
		return func(directory string) error {
			f, err := os.OpenFile(filepath.Join(directory, name), os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt(data, offset)
			return errors.Join(err, f.Close())
		}
	}
	cut := func(name string, size int64) func(string) error {
		return func(directory string) error { return os.Truncate(filepath.Join(directory, name), size) }
	}
	remove := func(name string) func(string) error {
		return func(directory string) error { return os.RemoveAll(filepath.Join(directory, name)) }
	}
	for name, damage := range map[string]func(directory string) error{
		"FORMAT is empty":             cut("FORMAT", 0),
		"FORMAT is cut":               cut("FORMAT", 40),
		"FORMAT is something else":    overwrite("FORMAT", 0, []byte("something else")),
		"FORMAT has another location": overwrite("FORMAT", 40, []byte("x")),
		"FORMAT is gone":              remove("FORMAT"),
		"FORMAT and the log are gone": func(directory string) error {
			return errors.Join(remove("FORMAT")(directory), remove("versions.bbolt")(directory))
		},
		"FORMAT and the objects are gone": func(directory string) error {
			return errors.Join(remove("FORMAT")(directory), remove("blobs")(directory))
		},
		"the log is gone":               remove("versions.bbolt"),
		"the log is empty":              cut("versions.bbolt", 0),
		"the log is cut":                cut("versions.bbolt", 8192),
		"the log is zeros":              overwrite("versions.bbolt", 0, make([]byte, 1<<15)),
		"the first description differs": overwrite("versions.bbolt", 40, []byte("xx")),
		"the other description differs": overwrite("versions.bbolt", 4096+40, []byte("xx")),
		"the objects are gone":          remove("blobs"),
		"all pages of the log differ":   overwrite("versions.bbolt", 8192, bytes.Repeat([]byte{0x5a}, 1<<18)),
	} {
		t.Run(name, func(t *testing.T) {
			directory := filled(t)
			must(t, damage(directory))
			before := contents(t, directory)
			err := failsToOpenOrRead(t, directory)
			if !errors.Is(err, persist.ErrCorruption) {
				t.Errorf("error is %v, want corruption", err)
			}
			if diff := cmp.Diff(before, contents(t, directory)); diff != "" {
				t.Errorf("files were changed (-before +after):\n%s", diff)
			}
		})
	}
}

// failsToOpenOrRead returns the error of opening a store, or of reading its log.
func failsToOpenOrRead(t *testing.T, directory string) error {
	t.Helper()
	store, rt, err := open(directory)
	if err != nil {
		return err
	}
	defer func() { must(t, store.Close()) }()
	_, err = store.Consensus(rt).Scan(t.Context(), "key", 0, 100)
	return err
}

// TestEachByteOfFormatCounts protects the meaning of FORMAT.
func TestEachByteOfFormatCounts(t *testing.T) {
	directory := filled(t)
	path := filepath.Join(directory, "FORMAT")
	data, err := os.ReadFile(path)
	must(t, err)
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 1
		must(t, os.WriteFile(path, damaged, 0o600))
		if err := failsToOpen(t, directory); !errors.Is(err, persist.ErrCorruption) {
			t.Errorf("byte %d of FORMAT differs: error is %v, want corruption", i, err)
		}
	}
	must(t, os.WriteFile(path, data, 0o600))
	openStore(t, directory)
}

// TestFlippedVersionIsCorruption protects readers from versions that the disk has
// changed, and keeps those that are intact readable.
func TestFlippedVersionIsCorruption(t *testing.T) {
	directory := filled(t)
	path := filepath.Join(directory, "versions.bbolt")
	data, err := os.ReadFile(path)
	must(t, err)
	for at := 0; ; { // there are old copies of pages, too
		next := bytes.Index(data[at:], []byte("version 07;"))
		if next < 0 {
			break
		}
		at += next + 5
		data[at] ^= 4
	}
	must(t, os.WriteFile(path, data, 0o600))
	_, log := views(t, directory)
	if _, err := log.Scan(t.Context(), "key", 5, 5); !errors.Is(err, persist.ErrCorruption) {
		t.Errorf("scan over the damage: %v, want corruption", err)
	}
	if _, found, err := log.Head(t.Context(), "key"); !found || err != nil {
		t.Errorf("head: %v, %v", found, err)
	}
	if ok, err := log.CompareAndSet(t.Context(), "key", 40, persist.Versioned{SeqNo: 41}); !ok || err != nil {
		t.Errorf("compare-and-set: %v, %v", ok, err)
	}
}

// TestLogThatShrinksIsCorruption protects the process: pages that are mapped and
// gone would end it.
func TestLogThatShrinksIsCorruption(t *testing.T) {
	directory := filled(t)
	store, rt, err := open(directory)
	must(t, err)
	must(t, os.Truncate(filepath.Join(directory, "versions.bbolt"), 4096))
	log := store.Consensus(rt)
	_, _, err = log.Head(t.Context(), "key")
	if !errors.Is(err, persist.ErrCorruption) {
		t.Errorf("head: %v, want corruption", err)
	}
	_, err = log.CompareAndSet(t.Context(), "key", 40, persist.Versioned{SeqNo: 41})
	var broken *file.BrokenError
	if !errors.As(err, &broken) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("compare-and-set afterwards: %v, want a BrokenError", err)
	}
	must(t, store.Close())
	if err := failsToOpen(t, directory); !errors.Is(err, persist.ErrCorruption) {
		t.Errorf("open: %v, want corruption", err)
	}
}

// formatOf returns what a program of another version writes into FORMAT.
func formatOf(version int) []byte {
	text := fmt.Appendf(nil, "tidemark-file-store %d\nwhatever is to come\n", version)
	return fmt.Appendf(text, "crc32c %08x\n", crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
}

// TestForeignDirectoriesAreRefused protects files that are not ours.
func TestForeignDirectoriesAreRefused(t *testing.T) {
	t.Run("newer format", func(t *testing.T) {
		directory := filled(t)
		must(t, os.WriteFile(filepath.Join(directory, "FORMAT"), formatOf(3), 0o600))
		var version *persist.VersionError
		if err := failsToOpen(t, directory); !errors.As(err, &version) || version.Found != 3 || version.Newest != 2 {
			t.Errorf("error is %v, want a VersionError", err)
		}
	})
	t.Run("other files", func(t *testing.T) {
		directory := t.TempDir()
		must(t, os.WriteFile(filepath.Join(directory, "letter.txt"), []byte("dear"), 0o600))
		before := contents(t, directory)
		wantRefused(t, directory)
		if diff := cmp.Diff(before, contents(t, directory)); diff != "" {
			t.Errorf("files were changed (-before +after):\n%s", diff)
		}
		entries, err := os.ReadDir(directory)
		if err != nil || len(entries) != 1 {
			t.Errorf("%d entries, %v; want the letter alone", len(entries), err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "letter.txt")
		must(t, os.WriteFile(path, []byte("dear"), 0o600))
		wantRefused(t, path)
		wantRefused(t, filepath.Join(path, "store"))
	})
}

func wantRefused(t *testing.T, directory string) {
	t.Helper()
	err := failsToOpen(t, directory)
	var refused *file.DirectoryError
	if !errors.As(err, &refused) || !errors.Is(err, persist.ErrUsage) {
		t.Errorf("open %s: %v, want a DirectoryError", directory, err)
	}
}

// TestUnfinishedStoreIsCompleted protects a program that died when it opened its
// store for the first time, at any moment.
func TestUnfinishedStoreIsCompleted(t *testing.T) {
	whole := t.TempDir()
	store, _, err := open(whole)
	must(t, err)
	must(t, store.Close())
	log, err := os.ReadFile(filepath.Join(whole, "versions.bbolt"))
	must(t, err)
	for name, state := range map[string]map[string][]byte{
		"locked":         {"LOCK": nil},
		"some of a log":  {"LOCK": nil, "tmp/versions.bbolt": log[:5000]},
		"log":            {"LOCK": nil, "versions.bbolt": log},
		"some of FORMAT": {"LOCK": nil, "versions.bbolt": log, "tmp/FORMAT": []byte("tidemark-f")},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			must(t, os.Mkdir(filepath.Join(directory, "tmp"), 0o700))
			for path, data := range state {
				must(t, os.WriteFile(filepath.Join(directory, path), data, 0o600))
			}
			blob, _ := views(t, directory)
			must(t, blob.Set(t.Context(), "k", nil))
			wantNoTemporaries(t, directory)
		})
	}
}

// TestLocationStays protects views that ask whether they see one store.
func TestLocationStays(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	parent := t.TempDir()
	first, err := file.Open(t.Context(), rt, filepath.Join(parent, "a"), file.Options{})
	must(t, err)
	must(t, first.Close())
	must(t, os.Rename(filepath.Join(parent, "a"), filepath.Join(parent, "b")))
	moved := openStore(t, filepath.Join(parent, "b"))
	other := openStore(t, filepath.Join(parent, "a"))
	if moved.Location() != first.Location() || other.Location() == first.Location() {
		t.Errorf("locations: first %v, moved %v, another %v", first.Location(), moved.Location(), other.Location())
	}
}
