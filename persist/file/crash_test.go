package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
)

// roundsVariable says how often TestKilledProcesses kills, if not 20 times.
const roundsVariable = "TIDEMARK_FILE_TEST_KILLS"

// churn sets and deletes objects and appends versions until it is killed. It writes
// a line before each delete and after each success.
func churn(directory, name string) error {
	store, rt, err := open(directory)
	if err != nil {
		return err
	}
	fmt.Println("open")
	group := rt.NewGroup(context.Background())
	for task := range 4 {
		blob, log := store.Blob(rt), store.Consensus(rt)
		group.Go("churn", func(ctx context.Context) error {
			for n := 0; ; n++ {
				if err := churnObject(ctx, blob, fmt.Sprintf("s%d/e0-W%s/p%d", task, name, n), n%3 == 0); err != nil {
					return err
				}
				payload := fmt.Sprintf("%s/%d/%d", name, task, n)
				if err := churnVersion(ctx, log, []string{"own " + strconv.Itoa(task), "shared"}[n%2], payload); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

func churnObject(ctx context.Context, blob persist.Blob, key string, deletes bool) error {
	if err := blob.Set(ctx, key, contentOf(key)); err != nil {
		return err
	}
	processtest.Say("set", key)
	if !deletes {
		return nil
	}
	processtest.Say("delete", key)
	if _, existed, err := blob.Delete(ctx, key); err != nil || !existed {
		return fmt.Errorf("deleted %s: %v, %w", key, existed, err)
	}
	processtest.Say("deleted", key)
	return nil
}

// churnVersion appends until it has won.
func churnVersion(ctx context.Context, log persist.Consensus, key, payload string) error {
	for {
		head, _, err := log.Head(ctx, key)
		if err != nil {
			return err
		}
		next := persist.Versioned{SeqNo: head.SeqNo + 1, Data: []byte(payload)}
		committed, err := log.CompareAndSet(ctx, key, head.SeqNo, next)
		if err != nil {
			return err
		}
		if committed {
			processtest.Say("appended", key, strconv.FormatUint(uint64(next.SeqNo), 10), payload)
			return nil
		}
	}
}

// contentOf is what the object of a key has to hold: 4 to 68 KiB.
func contentOf(key string) []byte {
	sum := crc32.ChecksumIEEE([]byte(key))
	return bytes.Repeat([]byte(fmt.Sprintf("%08x", sum)), 512+int(sum%8192))
}

// acknowledged is what processes have been told, over all of their lives.
type acknowledged struct {
	objects  map[string]string            // to the last word about them
	versions map[string]map[uint64]string // by key and number
}

func (a *acknowledged) hear(t *testing.T, line string) {
	t.Helper()
	words := strings.Split(line, "\t")
	switch {
	case line == "open":
	case words[0] == "appended" && len(words) == 4:
		n, err := strconv.ParseUint(words[2], 10, 64)
		must(t, err)
		if a.versions[words[1]] == nil {
			a.versions[words[1]] = make(map[uint64]string)
		}
		if old, twice := a.versions[words[1]][n]; twice {
			t.Errorf("version %d of %s was acknowledged to %s and to %s", n, words[1], old, words[3])
		}
		a.versions[words[1]][n] = words[3]
	case len(words) == 2:
		a.objects[words[1]] = words[0]
	default:
		t.Errorf("the process says %q", line)
	}
}

// TestKilledProcesses protects what was acknowledged from the death of the process:
// all of it is there, nothing is torn or doubled, nothing temporary stays. It does
// not tell whether an fsync is missing: the system outlives the process here.
func TestKilledProcesses(t *testing.T) {
	rounds := processtest.Kills(t, roundsVariable, 20)
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d kills, seed %d", rounds, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	directory := filepath.Join(t.TempDir(), "a", "store")
	told := &acknowledged{objects: make(map[string]string), versions: make(map[string]map[uint64]string)}
	for round := range rounds {
		killSome(t, random, directory, strconv.Itoa(round), told)
		told.verify(t, directory)
	}
	objects, versions := len(told.objects), 0
	for _, all := range told.versions {
		versions += len(all)
	}
	t.Logf("%d objects and %d versions", objects, versions)
}

// killSome starts a process and kills it after some time, or after so many lines.
func killSome(t *testing.T, random *rand.Rand, directory, name string, told *acknowledged) {
	t.Helper()
	hear := func(line string) { told.hear(t, line) }
	span := processtest.Span{Lines: 200, Time: 60 * time.Millisecond}
	processtest.HearUntilKilled(t, random, process("churn", directory, name), span, hear)
}

func (a *acknowledged) verify(t *testing.T, directory string) {
	t.Helper()
	store, rt, err := open(directory)
	must(t, err)
	defer func() { must(t, store.Close()) }()
	wantNoTemporaries(t, directory)
	a.verifyObjects(t, store.Blob(rt))
	log := store.Consensus(rt)
	written := make(map[string]string) // payload to where it is
	must(t, log.ListKeys(t.Context(), func(key string) error {
		all, err := log.Scan(t.Context(), key, 0, 1<<20)
		if err == nil && all[0].SeqNo != 1 {
			err = errors.New("the first version is missing")
		}
		for _, v := range all {
			payload, place := string(v.Data), fmt.Sprintf("%s %v", key, v.SeqNo)
			if other, twice := written[payload]; twice {
				t.Errorf("%s is at %s and at %s", payload, other, place)
			}
			written[payload] = place
		}
		return err
	}))
	for key, versions := range a.versions {
		for n, payload := range versions {
			if want := fmt.Sprintf("%s %v", key, persist.SeqNo(n)); written[payload] != want {
				t.Errorf("%s was acknowledged at %s, and is at %q", payload, want, written[payload])
			}
		}
	}
}

func (a *acknowledged) verifyObjects(t *testing.T, blob persist.Blob) {
	t.Helper()
	found := make(map[string]bool)
	must(t, blob.List(t.Context(), "", func(key string, _ int) error {
		found[key] = true
		value, _, err := blob.Get(t.Context(), key)
		if err == nil && !bytes.Equal(value, contentOf(key)) {
			t.Errorf("%s is torn: %d bytes, want %d", key, len(value), len(contentOf(key)))
		}
		return err
	}))
	for key, word := range a.objects {
		if word == "set" && !found[key] || word == "deleted" && found[key] {
			t.Errorf("%s was %s, and is there: %v", key, word, found[key])
		}
	}
}
