package part_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
)

// TestRegroupIsConsolidateOfAll protects readers who do not know the last columns of rows:
// wherever the parts of a run and their pieces end, the rows that have become equal are one.
func TestRegroupIsConsolidateOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		since := rapid.Uint64Range(0, 4).Draw(t, "since")
		var runs [][]part.Unfetched
		var all []part.Update
		for _, parts := range runsOf().Draw(t, "runs") {
			for _, updates := range parts {
				for i := range updates {
					updates[i].Row = updates[i].Row[:min(1, len(updates[i].Row))]
					all = append(all, updates[i])
					all[len(all)-1].Time = max(updates[i].Time, since)
				}
			}
			if len(parts) > 0 {
				runs = append(runs, []part.Unfetched{part.Regroup(since, newSource([][][]part.Update{parts}, 0).runs[0])})
			}
		}
		want, wantErr := part.Consolidate(all)

		got, err := collect(part.Merge(t.Context(), since, runs...))
		var overflow *part.OverflowError
		if wantErr != nil || errors.As(err, &overflow) { // a run of its own may overflow as well
			return
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Fatalf("merged differently (-want +got, error %v):\n%s", err, diff)
		}
	})
}

// TestRegroupHoldsOneRow protects memory: rows that are complete are handed on, and of the
// last one there is one update for each time that differs.
func TestRegroupHoldsOneRow(t *testing.T) {
	var parts [][]part.Update
	for i := range 100 {
		row := []byte{byte(i / 50)}
		parts = append(parts, []part.Update{{Row: row, Time: uint64(99 - i), Diff: 1}, {Row: row, Time: 200, Diff: 1}})
	}
	regroup := part.Regroup(100, newSource([][][]part.Update{parts}, 0).runs[0])
	pieces, err := regroup.Fetch(t.Context())
	var got []string
	for err == nil {
		var piece []part.Update
		if piece, err = pieces(t.Context()); len(piece) == 0 {
			break
		}
		got = append(got, fmt.Sprint(piece))
	}
	want := []string{"[{[0] 100 50} {[0] 200 50}]", "[{[1] 100 50} {[1] 200 50}]"}
	if diff := gocmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("pieces (-want +got, error %v):\n%s", err, diff)
	}
}

// TestRegroupPassesErrorsOn protects readers from contents that are not whole.
func TestRegroupPassesErrorsOn(t *testing.T) {
	missing := errors.New("missing")
	failing := func(context.Context) ([]part.Update, error) { return nil, missing }
	for name, fetch := range map[string]func(context.Context) (part.Pieces, error){
		"fetch":  func(context.Context) (part.Pieces, error) { return nil, missing },
		"pieces": func(context.Context) (part.Pieces, error) { return failing, nil },
	} {
		pieces, err := part.Regroup(0, []part.Unfetched{{Fetch: fetch}}).Fetch(t.Context())
		if err == nil {
			_, err = pieces(t.Context())
		}
		if !errors.Is(err, missing) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func ExampleRegroup() {
	updates := []part.Update{ // "a1", "a2" and "b1", of which the end is left out
		{Row: []byte("a"), Time: 3, Diff: 1}, {Row: []byte("a"), Time: 2, Diff: 1}, {Row: []byte("b"), Time: 1, Diff: 1},
	}
	run := part.Regroup(0, []part.Unfetched{{
		Fetch: func(context.Context) (part.Pieces, error) { return part.Whole(updates), nil },
	}})
	for update := range part.Merge(context.Background(), 0, []part.Unfetched{run}) {
		fmt.Printf("%s at %d: %+d\n", update.Row, update.Time, update.Diff)
	}
	// Output:
	// a at 2: +1
	// a at 3: +1
	// b at 1: +1
}
