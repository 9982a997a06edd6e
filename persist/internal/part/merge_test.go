package part_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// source is runs of parts in memory, which counts what is fetched.
type source struct {
	runs    [][]part.Unfetched
	fetched []int // by run, how many of its parts were fetched
}

// newSource makes runs of parts. Bounds are cut to boundSize bytes.
func newSource(runs [][][]part.Update, boundSize int) *source {
	s := &source{fetched: make([]int, len(runs))}
	for i, parts := range runs {
		var run []part.Unfetched
		for _, updates := range parts {
			unfetched := part.Unfetched{Fetch: func(context.Context) (part.Pieces, error) {
				s.fetched[i]++
				return inPairs(updates), nil
			}}
			if len(updates) > 0 {
				unfetched.RowLower = part.LowerBound(updates[0].Row, boundSize)
			}
			run = append(run, unfetched)
		}
		s.runs = append(s.runs, run)
	}
	return s
}

// inPairs returns updates two at a time.
func inPairs(updates []part.Update) part.Pieces {
	return func(context.Context) (pair []part.Update, err error) {
		n := min(2, len(updates))
		pair, updates = updates[:n:n], updates[n:]
		return pair, nil
	}
}

func collect(merged func(func(part.Update, error) bool)) (all []part.Update, err error) {
	for update, err := range merged {
		if err != nil {
			return all, err
		}
		all = append(all, update)
	}
	return all, nil
}

// runsOf draws runs, each of them sorted and cut into parts, also empty ones.
func runsOf() *rapid.Generator[[][][]part.Update] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [][]part.Update {
		run := updates().Draw(t, "run")
		slices.SortStableFunc(run, func(a, b part.Update) int {
			return cmp.Or(bytes.Compare(a.Row, b.Row), cmp.Compare(a.Time, b.Time))
		})
		var parts [][]part.Update
		for len(run) > 0 {
			length := rapid.IntRange(0, len(run)).Draw(t, "part")
			parts = append(parts, run[:length])
			run = run[length:]
		}
		return parts
	}), 0, 4)
}

// The twin puts everything into one slice, advances the times and consolidates it.
// Merging has to give the same, or the same overflow, however runs are cut and
// bounds are shortened.
func TestMergeIsConsolidateOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := runsOf().Draw(t, "runs")
		since := rapid.Uint64Range(0, 4).Draw(t, "since")
		s := newSource(runs, rapid.IntRange(0, 2).Draw(t, "bound size"))
		var all []part.Update
		for _, parts := range runs {
			for _, update := range slices.Concat(parts...) {
				update.Time = max(update.Time, since)
				all = append(all, update)
			}
		}
		want, wantErr := part.Consolidate(all)

		got, err := collect(part.Merge(t.Context(), since, s.runs...))
		var overflow *part.OverflowError
		if errors.As(err, &overflow) != (wantErr != nil) {
			t.Fatalf("error is %v, consolidating gives %v", err, wantErr)
		}
		if wantErr != nil {
			return
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("merged differently (-want +got):\n%s", diff)
		}
	})
}

// Memory is bounded by one part of each run because a part is fetched no earlier than
// its lower bound is reached, and the one before it is used up.
func TestMergeFetchesLate(t *testing.T) {
	at := func(rows ...string) (updates []part.Update) {
		for _, row := range rows {
			updates = append(updates, part.Update{Row: []byte(row), Diff: 1})
		}
		return updates
	}
	s := newSource([][][]part.Update{
		{at("a", "c"), at("m", "n"), at("x")},
		{at("b"), at("d", "z")},
		{at("p", "q")},
	}, 10)
	var log []string
	for update, err := range part.Merge(t.Context(), 0, s.runs...) {
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, fmt.Sprintf("%s%v", update.Row, s.fetched))
	}
	want := []string{
		"a[1 0 0]", "b[1 1 0]", "c[1 1 0]", "d[1 2 0]", "m[2 2 0]", "n[2 2 0]",
		"p[2 2 1]", "q[2 2 1]", "x[3 2 1]", "z[3 2 1]",
	}
	if diff := gocmp.Diff(want, log); diff != "" {
		t.Errorf("fetched at other times (-want +got):\n%s", diff)
	}
}

// A run that is not what its metadata says would give wrong sums that nobody notices.
func TestMergeRefusesUnsortedRuns(t *testing.T) {
	row := func(row string, time uint64) part.Update { return part.Update{Row: []byte(row), Time: time, Diff: 1} }
	for name, parts := range map[string][][]part.Update{
		"rows in a part":     {{row("b", 0), row("a", 0)}},
		"times in a part":    {{row("a", 2), row("a", 1)}},
		"rows across parts":  {{row("b", 0)}, {row("a", 0)}},
		"times across parts": {{row("a", 2)}, {row("a", 1)}},
	} {
		_, err := collect(part.Merge(t.Context(), 9, newSource([][][]part.Update{parts}, 0).runs...))
		if !errors.Is(err, wire.ErrCorruption) {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
	low := []part.Unfetched{{RowLower: []byte("b"), Fetch: func(context.Context) (part.Pieces, error) {
		return part.Whole([]part.Update{row("a", 0)}), nil
	}}}
	if _, err := collect(part.Merge(t.Context(), 0, low)); !errors.Is(err, wire.ErrCorruption) {
		t.Errorf("a row less than the bound: error is %v, want corruption", err)
	}
}

func TestMergePassesErrorsOfFetchOn(t *testing.T) {
	missing := errors.New("missing")
	run := []part.Unfetched{{Fetch: func(context.Context) (part.Pieces, error) { return nil, missing }}}
	if _, err := collect(part.Merge(t.Context(), 0, run)); !errors.Is(err, missing) {
		t.Errorf("error is %v, want that of Fetch", err)
	}
}

// A sum that fits is none of an overflow, even if it does not fit half-way.
func TestMergeAddsUpBeyondTheRange(t *testing.T) {
	var runs [][][]part.Update
	for _, diff := range []int64{math.MaxInt64, math.MaxInt64, math.MinInt64, math.MinInt64 + 5} {
		runs = append(runs, [][]part.Update{{{Row: []byte("a"), Diff: diff}}})
	}
	got, err := collect(part.Merge(t.Context(), 0, newSource(runs, 0).runs...))
	if err != nil || len(got) != 1 || got[0].Diff != 3 {
		t.Errorf("merged to %v (error %v), want one diff of 3", got, err)
	}
}

func ExampleMerge() {
	stored := func(updates ...part.Update) []part.Unfetched {
		return []part.Unfetched{{
			RowLower: updates[0].Row,
			Fetch:    func(context.Context) (part.Pieces, error) { return part.Whole(updates), nil },
		}}
	}
	older := stored(
		part.Update{Row: []byte("apple"), Time: 3, Diff: 2},
		part.Update{Row: []byte("pear"), Time: 3, Diff: 1},
	)
	newer := stored(
		part.Update{Row: []byte("apple"), Time: 5, Diff: 1},
		part.Update{Row: []byte("pear"), Time: 4, Diff: -1},
	)
	for update, err := range part.Merge(context.Background(), 5, older, newer) {
		fmt.Printf("%s at %d: %+d, error %v\n", update.Row, update.Time, update.Diff, err)
	}
	// Output:
	// apple at 5: +3, error <nil>
}
