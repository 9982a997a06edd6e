package catalogtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/catalog/catalogtest"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a catalog that answers as it is told.
type scripted struct {
	epoch int64
	count int
	err   error
}

func (s scripted) NextEpoch(context.Context) (int64, error) { return s.epoch, s.err }

func (s scripted) Update(_ context.Context, _ int64, change func(catalog.Draft) error) error {
	if err := change(scriptedDraft{count: s.count}); err != nil {
		return err
	}
	return s.err
}

type scriptedDraft struct {
	catalog.Draft
	count int
}

func (d scriptedDraft) Shards() (map[catalog.GlobalID]persist.ShardID, error) {
	shards := make(map[catalog.GlobalID]persist.ShardID)
	for n := range d.count {
		shards[core.UserID(uint64(n)+1)] = persist.ShardID{1}
	}
	return shards, nil
}

func (d scriptedDraft) InsertShards(map[catalog.GlobalID]persist.ShardID) error { return nil }

// A line is one call of a history and its answer.
type line func(h *catalogtest.History)

func begin(epoch int64, errs ...error) line {
	return func(h *catalogtest.History) {
		h.NextEpoch(context.Background(), 0, scripted{epoch: epoch, err: errors.Join(errs...)}) //nolint:errcheck // as told
	}
}

func add(epoch int64, before int, errs ...error) line {
	return func(h *catalogtest.History) {
		c := scripted{count: before, err: errors.Join(errs...)}
		h.Add(context.Background(), 0, c, epoch) //nolint:errcheck // as told
	}
}

func count(epoch int64, n int, errs ...error) line {
	return func(h *catalogtest.History) {
		c := scripted{count: n, err: errors.Join(errs...)}
		h.Count(context.Background(), 0, c, epoch) //nolint:errcheck // as told
	}
}

func fenced(ours, actual int64) line {
	return add(ours, 99, &catalog.FencedError{Ours: ours, Actual: actual})
}

// TestHistoriesAreJudged protects the judge: what a catalog may answer to calls that
// come one after the other, and what it may not.
func TestHistoriesAreJudged(t *testing.T) {
	lost, refused := persist.ErrIndeterminate, persist.ErrDeterminate
	for _, test := range []struct {
		name  string
		legal bool
		lines []line
	}{
		{"nothing", true, nil},
		{"a counter that counts", true, []line{begin(1), count(1, 3), add(1, 3), add(1, 4), count(1, 5)}},
		{"epochs with gaps", true, []line{begin(4), add(4, 3), begin(9), add(9, 4)}},
		{"an epoch twice", false, []line{begin(1), begin(1)}},
		{"an older epoch", false, []line{begin(2), begin(1)}},
		{"a wrong start", false, []line{begin(1), count(1, 2)}},
		{"an update is lost", false, []line{begin(1), add(1, 3), count(1, 3)}},
		{"two updates make one", false, []line{begin(1), add(1, 3), add(1, 3)}},
		{"a read from the past", false, []line{begin(1), add(1, 3), add(1, 4), count(1, 4)}},
		{"an update under an older epoch", false, []line{begin(1), begin(2), add(1, 3)}},
		{"a read under an older epoch", false, []line{begin(1), begin(2), count(1, 3)}},
		{"an older epoch is fenced", true, []line{begin(1), begin(2), fenced(1, 2), add(2, 3)}},
		{"what was fenced has happened", false, []line{begin(1), begin(2), fenced(1, 2), count(2, 4)}},
		{"fenced by nobody", false, []line{begin(1), fenced(1, 2)}},
		{"fenced by itself", false, []line{begin(1), fenced(1, 1)}},
		{"fenced by one that is fenced", false, []line{begin(1), begin(2), begin(3), fenced(1, 2)}},
		{"a lost update has happened", true, []line{begin(1), add(1, 3, lost), count(1, 4)}},
		{"a lost update has not happened", true, []line{begin(1), add(1, 3, lost), count(1, 3)}},
		{"a lost update is undone", false, []line{begin(1), add(1, 3, lost), count(1, 4), count(1, 3)}},
		{"a lost update happens twice", false, []line{begin(1), add(1, 3, lost), count(1, 5)}},
		{
			"a lost update comes after a newer epoch", false,
			[]line{begin(1), begin(2), count(2, 3), add(1, 3, lost), count(2, 4)},
		},
		{"a lost read says nothing", true, []line{begin(1), count(1, 77, lost), count(1, 3)}},
		{"a refused update", true, []line{begin(1), add(1, 3, refused), count(1, 3)}},
		{"a refused update has happened", false, []line{begin(1), add(1, 3, refused), count(1, 4)}},
		{"a lost epoch has begun", true, []line{begin(1), begin(0, lost), fenced(1, 2), begin(3)}},
		{"a lost epoch has not begun", true, []line{begin(1), begin(0, lost), add(1, 3), begin(2)}},
		{"a lost epoch is given to another", false, []line{begin(1), begin(0, lost), fenced(1, 2), begin(2)}},
		{"a lost epoch ends", false, []line{begin(1), begin(0, lost), fenced(1, 2), add(1, 3)}},
		{"two lost epochs", true, []line{begin(1), begin(0, lost), begin(0, lost), fenced(1, 2), fenced(1, 3), begin(4)}},
		{"a lost epoch is spent", false, []line{begin(1), begin(0, lost), fenced(1, 2), fenced(1, 3)}},
		{"a lost epoch comes before the newest", false, []line{begin(1), begin(0, lost), begin(5), fenced(1, 3)}},
		{"a lost epoch is older", false, []line{begin(5), begin(0, lost), fenced(5, 4)}},
		{"a refused epoch", true, []line{begin(1), begin(0, refused), add(1, 3), begin(2)}},
		{"a refused epoch has begun", false, []line{begin(1), begin(0, refused), fenced(1, 2)}},
	} {
		h := catalogtest.NewHistory(3)
		for _, l := range test.lines {
			l(h)
		}
		if err := h.Check(); (err == nil) != test.legal {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// broken is a catalog that makes updates in another way.
type broken struct {
	catalog.Catalog
	update updateFunc
}

type updateFunc func(inner catalog.Catalog, epoch int64, change func(catalog.Draft) error) error

func (b broken) Update(_ context.Context, epoch int64, change func(catalog.Draft) error) error {
	return b.update(b.Catalog, epoch, change)
}

var errStop = errors.New("enough")

// TestRaceFindsBrokenCatalogs protects those who implement a catalog: Race finds
// common mistakes within a few seeds.
func TestRaceFindsBrokenCatalogs(t *testing.T) {
	ctx := context.Background()
	for name, update := range map[string]updateFunc{
		"nobody is fenced": func(inner catalog.Catalog, epoch int64, change func(catalog.Draft) error) error {
			for {
				err := inner.Update(ctx, epoch, change)
				var fenced *catalog.FencedError
				if !errors.As(err, &fenced) {
					return err
				}
				epoch = fenced.Actual
			}
		},
		"what is done is not committed": func(
			inner catalog.Catalog, epoch int64, change func(catalog.Draft) error,
		) error {
			err := inner.Update(ctx, epoch, func(d catalog.Draft) error { return errors.Join(change(d), errStop) })
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		},
		"what is called determinate has happened": func(
			inner catalog.Catalog, epoch int64, change func(catalog.Draft) error,
		) error {
			if err := inner.Update(ctx, epoch, change); err != nil {
				return err
			}
			return persist.ErrDeterminate
		},
		"usage errors": func(inner catalog.Catalog, epoch int64, change func(catalog.Draft) error) error {
			if epoch > 1 { // what Race begins with is right
				return &catalog.EpochError{}
			}
			return inner.Update(ctx, epoch, change)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(10) {
				found, err := race(t.Context(), seed, update)
				if err != nil {
					t.Fatal(err)
				}
				if found != nil {
					return
				}
			}
			t.Error("not found in 10 seeds")
		})
	}
}

// race returns what Race finds in one seed.
func race(ctx context.Context, seed uint64, update updateFunc) (found, err error) {
	result, err := sim.Run(ctx, sim.Config{Seed: seed}, func(ctx context.Context, w *sim.World) error {
		rt, memory := w.Runtime(), catalog.NewMemory("test")
		found = catalogtest.Race(ctx, rt, broken{memory.View(rt), update}, broken{memory.View(rt), update})
		return nil
	})
	if err == nil && result.Verdict.Kind != sim.OK {
		err = errors.New(result.Verdict.String())
	}
	return found, err
}

// TestRaceMayBeRepeated protects the use of Race on a catalog that another race has
// left behind.
func TestRaceMayBeRepeated(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	memory := catalog.NewMemory("test")
	for range 3 {
		before := len(memory.Inspect().Shards)
		if err := catalogtest.Race(t.Context(), rt, memory.View(rt), memory.View(rt)); err != nil {
			t.Error(err)
		}
		if after := len(memory.Inspect().Shards); after <= before {
			t.Errorf("%d mappings, then %d", before, after)
		}
	}
}

func ExampleRace() {
	rt := runtime.New(runtime.Options{})
	memory := catalog.NewMemory("orders")
	err := catalogtest.Race(context.Background(), rt, memory.View(rt), memory.View(rt))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleNewHistory() {
	ctx := context.Background()
	c := catalog.NewMemory("orders").View(runtime.New(runtime.Options{}))
	history := catalogtest.NewHistory(0)
	epoch, err := history.NextEpoch(ctx, 1, c)
	fmt.Println(epoch, err)
	fmt.Println(history.Add(ctx, 1, c, epoch))
	fmt.Println(history.Count(ctx, 2, c, epoch))
	fmt.Println(history.Check())
	// Output:
	// 1 <nil>
	// <nil>
	// <nil>
	// <nil>
}
