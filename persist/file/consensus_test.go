package file_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"

	"github.com/tidemarkdb/tidemark/persist/file"
)

// TestCancelledCallersKnow lets contexts end while calls wait for their turn: a
// determinate error means that the version is not there, and no error that it is.
func TestCancelledCallersKnow(t *testing.T) {
	_, log := views(t, t.TempDir())
	rt := runtime.New(runtime.Options{})
	group := rt.NewGroup(t.Context())
	for caller := range 16 {
		key := fmt.Sprintf("key %d", caller)
		group.Go("caller", func(ctx context.Context) error {
			newest := persist.SeqNo(0)
			for n := range 40 {
				short, cancel := rt.WithCancel(ctx)
				canceller := rt.Go(ctx, "cancel", func(context.Context) error {
					for range (n * caller) % 50 {
						rt.Yield()
					}
					cancel()
					return nil
				})
				ok, err := log.CompareAndSet(short, key, newest, persist.Versioned{SeqNo: newest + 1, Data: []byte("x")})
				if ok {
					newest++
				}
				if ok == (err != nil) || err != nil && !errors.Is(err, persist.ErrDeterminate) {
					t.Errorf("compare-and-set: %v, %v", ok, err)
				}
				if err := canceller.Wait(ctx); err != nil {
					return err
				}
				if head, _, err := log.Head(ctx, key); head.SeqNo != newest || err != nil {
					t.Errorf("head of %s: %v, %v; want %v", key, head.SeqNo, err, newest)
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
}

// TestGroupsHaveOneWinner lets many callers of one key fall into the same groups:
// within a transaction, too, a version has one winner.
func TestGroupsHaveOneWinner(t *testing.T) {
	_, log := views(t, t.TempDir())
	group := runtime.New(runtime.Options{}).NewGroup(t.Context())
	const callers, rounds = 32, 20
	won := make([]int, callers)
	for caller := range callers {
		group.Go("caller", func(ctx context.Context) error {
			for n := range persist.SeqNo(rounds) {
				ok, err := log.CompareAndSet(ctx, "key", n, persist.Versioned{SeqNo: n + 1})
				if err != nil {
					return err
				}
				if ok {
					won[caller]++
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
	sum := 0
	for _, n := range won {
		sum += n
	}
	head, _, err := log.Head(t.Context(), "key")
	if err != nil || sum != int(head.SeqNo) {
		t.Errorf("%d winners of %v versions, %v", sum, head.SeqNo, err)
	}
}

// TestVersionsSurviveReopening protects the log, truncated and large as it may be.
func TestVersionsSurviveReopening(t *testing.T) {
	directory := t.TempDir()
	store, rt, err := open(directory)
	must(t, err)
	log := store.Consensus(rt)
	for n := range persist.SeqNo(200) {
		data := make([]byte, 1+(int(n)*7919)%20_000)
		ok, err := log.CompareAndSet(t.Context(), "key", n, persist.Versioned{SeqNo: n + 1, Data: data})
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if deleted, err := log.Truncate(t.Context(), "key", 151); deleted != 150 || err != nil {
		t.Fatal(deleted, err)
	}
	must(t, store.Close())
	_, log2 := views(t, directory)
	all, err := log2.Scan(t.Context(), "key", 0, 1000)
	if err != nil || len(all) != 50 || all[0].SeqNo != 151 || len(all[0].Data) != 1+(150*7919)%20_000 {
		t.Errorf("%d versions, %v", len(all), err)
	}
}

// TestSimulationIsRefused protects simulations from files, which no seed decides.
func TestSimulationIsRefused(t *testing.T) {
	directory := t.TempDir()
	store := openStore(t, directory)
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		_, openErr := file.Open(ctx, rt, directory, file.Options{})
		_, casErr := store.Consensus(rt).CompareAndSet(ctx, "k", 0, persist.Versioned{SeqNo: 1})
		for _, err := range []error{openErr, casErr, store.Blob(rt).Set(ctx, "k", nil)} {
			if !errors.Is(err, persist.ErrUsage) {
				t.Errorf("error is %v, want a usage error", err)
			}
		}
	})
}

// TestOptionsAreChecked protects from stores that can take nothing.
func TestOptionsAreChecked(t *testing.T) {
	for _, options := range []file.Options{{VersionSizeMax: -1}, {VersionSizeMax: 65 << 20}, {BlobCallsMax: -1}} {
		_, err := file.Open(t.Context(), runtime.New(runtime.Options{}), t.TempDir(), options)
		if !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%+v: %v, want a usage error", options, err)
		}
	}
}
