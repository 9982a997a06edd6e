package part_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

func updates() *rapid.Generator[[]part.Update] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) part.Update {
		return part.Update{
			Row:  rapid.SliceOfN(rapid.ByteRange('a', 'c'), 0, 2).Draw(t, "row"),
			Time: rapid.Uint64Range(0, 3).Draw(t, "time"),
			Diff: rapid.OneOf(
				rapid.Int64Range(-2, 2),
				rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 32, -1 << 32}),
			).Draw(t, "diff"),
		}
	}), 0, 12)
}

// The twin adds up in a map of big integers. Consolidated updates have to say the
// same, sorted and without zeros, and an overflow is reported exactly if a final
// sum does not fit.
func TestConsolidateAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := updates().Draw(t, "updates")
		sums := map[string]*big.Int{}
		for _, u := range given {
			key := fmt.Sprintf("%s@%d", u.Row, u.Time)
			if sums[key] == nil {
				sums[key] = new(big.Int)
			}
			sums[key].Add(sums[key], big.NewInt(u.Diff))
		}
		want := map[string]int64{}
		fits := true
		for key, sum := range sums {
			fits = fits && sum.IsInt64()
			if sum.Sign() != 0 {
				want[key] = sum.Int64()
			}
		}

		got, err := part.Consolidate(given)
		if overflow := new(part.OverflowError); errors.As(err, &overflow) != !fits {
			t.Fatalf("error is %v, sums fit: %t", err, fits)
		}
		if !fits {
			return
		}
		sumOf := map[string]int64{}
		for i, u := range got {
			sumOf[fmt.Sprintf("%s@%d", u.Row, u.Time)] = u.Diff
			if i > 0 && !precedes(got[i-1], u) {
				t.Fatalf("updates %d and %d are out of order", i-1, i)
			}
		}
		if diff := cmp.Diff(want, sumOf); diff != "" {
			t.Fatalf("wrong sums (-want +got):\n%s", diff)
		}
		if part.DiffsSum(got) != part.DiffsSum(given) {
			t.Fatalf("the sum of diffs went from %d to %d", part.DiffsSum(given), part.DiffsSum(got))
		}
	})
}

func precedes(a, b part.Update) bool {
	rows := slices.Compare(a.Row, b.Row)
	return rows < 0 || rows == 0 && a.Time < b.Time
}

// Whatever the order in which updates come, their stored form is the same bytes,
// and reads back as what was written.
func TestInlineRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := updates().Draw(t, "updates")
		consolidated, err := part.Consolidate(given)
		if err != nil {
			t.Skip("an overflow has no encoding")
		}
		data, err := part.EncodeInline(consolidated)
		if err != nil {
			t.Fatalf("EncodeInline: %v", err)
		}
		again, err := part.Consolidate(rapid.Permutation(given).Draw(t, "permutation"))
		if err != nil {
			t.Fatalf("Consolidate of a permutation: %v", err)
		}
		if other, err := part.EncodeInline(again); err != nil || !slices.Equal(data, other) {
			t.Fatalf("a permutation is encoded as %x, not %x (error %v)", other, data, err)
		}
		decoded, err := part.DecodeInline(data)
		if err != nil {
			t.Fatalf("DecodeInline: %v", err)
		}
		if diff := cmp.Diff(consolidated, decoded, equateEmptyRows); diff != "" {
			t.Fatalf("decoded differently (-want +got):\n%s", diff)
		}
	})
}

var equateEmptyRows = cmp.Comparer(func(a, b []byte) bool { return slices.Equal(a, b) })

func TestConsolidateLeavesItsInputAlone(t *testing.T) {
	given := []part.Update{{Row: []byte("b"), Diff: 1}, {Row: []byte("a"), Diff: 1}}
	if _, err := part.Consolidate(given); err != nil {
		t.Fatal(err)
	}
	if string(given[0].Row) != "b" {
		t.Error("the caller's slice was sorted")
	}
}

// Bytes that are intact CBOR and yet nothing that EncodeInline would write.
func TestDecodeInlineRefusesWhatIsNotConsolidated(t *testing.T) {
	for name, rows := range map[string]any{
		"zero diff":  []any{[]any{[]byte("a"), 1, 0}},
		"order":      []any{[]any{[]byte("b"), 1, 1}, []any{[]byte("a"), 1, 1}},
		"repetition": []any{[]any{[]byte("a"), 1, 1}, []any{[]byte("a"), 1, 1}},
		"no row":     []any{[]any{nil, 1, 1}},
		"two fields": []any{[]any{[]byte("a"), 1}},
		"null":       nil,
	} {
		data, err := wire.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.DecodeInline(data); !errors.Is(err, wire.ErrCorruption) {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
}

func FuzzDecodeInline(f *testing.F) {
	data, err := part.EncodeInline([]part.Update{{Row: []byte("row"), Time: 7, Diff: -1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		decoded, err := part.DecodeInline(data)
		if err != nil {
			if !errors.Is(err, wire.ErrCorruption) {
				t.Fatalf("error is %v, want corruption", err)
			}
			return
		}
		if again, err := part.EncodeInline(decoded); err != nil || !slices.Equal(again, data) {
			t.Fatalf("accepted %x, which is written as %x (error %v)", data, again, err)
		}
	})
}

func ExampleConsolidate() {
	consolidated, err := part.Consolidate([]part.Update{
		{Row: []byte("pear"), Time: 5, Diff: 1},
		{Row: []byte("apple"), Time: 5, Diff: 2},
		{Row: []byte("pear"), Time: 5, Diff: -1},
		{Row: []byte("apple"), Time: 5, Diff: 1},
	})
	if err != nil {
		fmt.Println(err)
	}
	for _, u := range consolidated {
		fmt.Printf("%s at %d: %+d\n", u.Row, u.Time, u.Diff)
	}
	// Output:
	// apple at 5: +3
}
