package part_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// filters draws filters on the columns of a schema, and on one that it does not have.
func filters(schema relation.Schema, depth int) *rapid.Generator[part.Filter] {
	return rapid.Custom(func(t *rapid.T) part.Filter {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		operator := part.Operator(rapid.IntRange(0, 5).Draw(t, "operator"))
		column := rapid.SampledFrom(append(schema.Columns(), relation.Column{Name: "absent", Type: relation.Bool})).
			Draw(t, "column")
		switch {
		case kind == 0:
			return part.IsNull(column.Name)
		case kind == 1:
			return part.CompareTime(operator, rapid.Uint64Range(0, 4).Draw(t, "time"))
		case kind == 2 || depth == 0:
			if rapid.IntRange(0, 9).Draw(t, "mistyped") == 0 {
				column.Type = relation.Type(rapid.IntRange(1, 6).Draw(t, "type"))
			}
			return part.CompareColumn(column.Name, operator, drawValue(t, column))
		case kind == 3:
			return part.Not(filters(schema, depth-1).Draw(t, "operand"))
		}
		operands := rapid.SliceOfN(filters(schema, depth-1), 0, 3).Draw(t, "operands")
		if kind == 4 {
			return part.And(operands...)
		}
		return part.Or(operands...)
	})
}

// P-24: stats bound what is in the part. A filter that says of the stats that nothing
// matches, matches no row; also when columns were left out, bounds were cut, and times
// are read as later ones.
func TestFilterThatMayNotMatchMatchesNothing(t *testing.T) {
	skipped := 0
	rapid.Check(t, func(t *rapid.T) {
		given := table().Draw(t, "table")
		if len(given.updates) == 0 {
			return
		}
		encoded := encodeStats(t, given, rapid.SampledFrom([]int{0, 100, 1000}).Draw(t, "budget"))
		filter := filters(given.schema, 2).Draw(t, "filter")
		since := rapid.Uint64Range(0, 3).Draw(t, "since")
		if filter.MayMatchEncoded(given.schema, encoded, since) {
			return
		}
		skipped++
		for i, update := range given.updates {
			values, err := given.schema.DecodeRow(update.Row, nil)
			if err != nil {
				t.Fatal(err)
			}
			if filter.Matches(given.schema, values, max(update.Time, since)) {
				t.Fatalf("update %d matches, and would have been skipped", i)
			}
		}
	})
	if skipped == 0 {
		t.Error("no part was ever skipped")
	}
}

func encodeStats(t interface{ Fatal(...any) }, given content, budget int, keep ...string) []byte {
	stats, err := part.Collect(given.schema, given.updates)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := part.EncodeStats(given.schema, stats, budget, keep...)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// Whatever bits are wrong, and wherever the stats end: nothing is skipped because of it.
func TestDamagedStatsNeverSkip(t *testing.T) {
	given := sample(t)
	encoded := encodeStats(t, given, 1024)
	never := part.Or()
	if never.MayMatchEncoded(given.schema, encoded, 0) {
		t.Fatal("the intact stats do not skip")
	}
	for i := range encoded {
		for bit := range 8 {
			encoded[i] ^= 1 << bit
			if !never.MayMatchEncoded(given.schema, encoded, 0) {
				t.Fatalf("byte %d, bit %d: skipped", i, bit)
			}
			encoded[i] ^= 1 << bit
		}
		if !never.MayMatchEncoded(given.schema, encoded[:i], 0) {
			t.Fatalf("cut after %d bytes: skipped", i)
		}
	}
}

// Stats with the right checksum that contradict themselves or the schema come from a
// mistake; they must not be believed either.
func TestDecodeStatsRefusesContradictions(t *testing.T) {
	schema := sample(t).schema
	encode := func(version int, body any) []byte {
		data, err := wire.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		stats, err := wire.Marshal([]any{version, wire.Checksum(data), data})
		if err != nil {
			t.Fatal(err)
		}
		return stats
	}
	number, none := make([]byte, 8), []byte{}
	column := func(place, nulls int, lower, upper []byte, hasUpper bool) []any {
		return []any{place, nulls, lower, upper, hasUpper}
	}
	fine := []any{
		column(0, 0, number, number, true), column(4, 0, none, []byte("x"), true), column(5, 2, none, none, false),
	}
	if _, err := part.DecodeStats(schema, encode(1, []any{2, 5, 6, fine})); err != nil {
		t.Fatalf("what is fine is refused: %v", err)
	}
	for name, body := range map[string]any{
		"no updates":      []any{0, 5, 6, fine},
		"times":           []any{2, 6, 5, fine},
		"place":           []any{2, 5, 6, []any{column(6, 0, number, number, true)}},
		"order":           []any{2, 5, 6, []any{fine[1], fine[0]}},
		"repetition":      []any{2, 5, 6, []any{fine[0], fine[0]}},
		"too many nulls":  []any{2, 5, 6, []any{column(1, 3, none, none, false)}},
		"nulls":           []any{2, 5, 6, []any{column(0, 1, number, number, true)}},
		"short bound":     []any{2, 5, 6, []any{column(0, 0, number[1:], number, true)}},
		"no bound":        []any{2, 5, 6, []any{column(0, 0, number, none, false)}},
		"hidden bound":    []any{2, 5, 6, []any{column(4, 0, none, number, false)}},
		"bounds of nulls": []any{2, 5, 6, []any{column(5, 2, none, number, true)}},
		"lower above":     []any{2, 5, 6, []any{column(4, 0, []byte("b"), []byte("a"), true)}},
	} {
		if _, err := part.DecodeStats(schema, encode(1, body)); !errors.Is(err, wire.ErrCorruption) {
			t.Errorf("%s: error is %v, want corruption", name, err)
		}
	}
	var version *wire.VersionError
	if _, err := part.DecodeStats(schema, encode(2, "anything")); !errors.As(err, &version) {
		t.Errorf("error is %v, want one about the version", err)
	}
}

// What cannot be told from the bounds as a reader may expect at first sight.
func TestFiltersOfSpecialValues(t *testing.T) {
	schema, err := relation.New(relation.Column{Name: "f", Type: relation.Float64, IsNullable: true})
	if err != nil {
		t.Fatal(err)
	}
	negativeZero, nan := math.Copysign(0, -1), math.NaN()
	float, integer := relation.Float64Value, relation.Int64Value
	compare := func(operator part.Operator, constant relation.Value) part.Filter {
		return part.CompareColumn("f", operator, constant)
	}
	for _, test := range []struct {
		name           string
		values         []relation.Value
		filter         part.Filter
		matches, maybe bool
	}{
		{"-0 = 0", []relation.Value{float(negativeZero)}, compare(part.Equal, float(0)), false, false},
		{"-0 < 0", []relation.Value{float(negativeZero)}, compare(part.Less, float(0)), true, true},
		{"NaN = NaN", []relation.Value{float(nan)}, compare(part.Equal, float(nan)), true, true},
		{"NaN > Inf", []relation.Value{float(nan)}, compare(part.Greater, float(math.Inf(1))), true, true},
		{"NaN <> NaN", []relation.Value{float(nan)}, compare(part.NotEqual, float(nan)), false, false},
		{"null = 0", []relation.Value{relation.Null()}, compare(part.Equal, float(0)), false, false},
		{"not null = 0", []relation.Value{relation.Null()}, part.Not(compare(part.Equal, float(0))), true, true},
		{"null is null", []relation.Value{relation.Null()}, part.IsNull("f"), true, true},
		{"0 is null", []relation.Value{float(0)}, part.IsNull("f"), false, false},
		{"null is not null", []relation.Value{relation.Null()}, part.Not(part.IsNull("f")), false, false},
		{"0 = integer 0", []relation.Value{float(0)}, compare(part.Equal, integer(0)), false, true},
		{"no such column", []relation.Value{float(0)}, part.CompareColumn("g", part.Equal, float(0)), false, true},
		{"zero filter", []relation.Value{float(0)}, part.Filter{}, true, true},
	} {
		row, err := schema.AppendRow(nil, test.values)
		if err != nil {
			t.Fatal(err)
		}
		encoded := encodeStats(t, content{schema: schema, updates: []part.Update{{Row: row, Diff: 1}}}, 1024)
		if got := test.filter.Matches(schema, test.values, 0); got != test.matches {
			t.Errorf("%s: matches is %t, want %t", test.name, got, test.matches)
		}
		if got := test.filter.MayMatchEncoded(schema, encoded, 0); got != test.maybe {
			t.Errorf("%s: may match is %t, want %t", test.name, got, test.maybe)
		}
	}
}

// What holds for all values that are there need not hold for all rows, and where a bound
// could not be cut there is none.
func TestFiltersOfNullsAndMissingBounds(t *testing.T) {
	schema, err := relation.New(relation.Column{Name: "x", Type: relation.Bytes, IsNullable: true})
	if err != nil {
		t.Fatal(err)
	}
	large := relation.BytesValue(bytes.Repeat([]byte{0xff}, 40))
	for name, test := range map[string]struct {
		values []relation.Value
		filter part.Filter
	}{
		"negation of what no null fulfils": {
			[]relation.Value{relation.Null(), large}, part.Not(part.CompareColumn("x", part.Equal, large)),
		},
		"negation of a bound": {
			[]relation.Value{relation.Null(), large},
			part.Not(part.CompareColumn("x", part.Greater, relation.BytesValue(nil))),
		},
		"greater than what the bound was cut to": {
			[]relation.Value{large}, part.CompareColumn("x", part.Greater, relation.BytesValue(large.Bytes()[:32])),
		},
		"greater than all short ones": {
			[]relation.Value{large}, part.CompareColumn("x", part.Greater, relation.BytesValue(large.Bytes()[:39])),
		},
		"equal to a long one": {[]relation.Value{large}, part.CompareColumn("x", part.Equal, large)},
	} {
		given := content{schema: schema}
		matches := false
		for _, value := range test.values {
			row, err := schema.AppendRow(nil, []relation.Value{value})
			if err != nil {
				t.Fatal(err)
			}
			given.updates = append(given.updates, part.Update{Row: row, Diff: 1})
			matches = matches || test.filter.Matches(schema, []relation.Value{value}, 0)
		}
		if !matches || !test.filter.MayMatchEncoded(schema, encodeStats(t, given, 1024), 0) {
			t.Errorf("%s: matches a row is %t, but the part is skipped", name, matches)
		}
	}
}

// A filter on times sees them as they are read, not as they were written.
func TestTimeFilterSeesAdvancedTimes(t *testing.T) {
	encoded := encodeStats(t, content{updates: []part.Update{{Row: []byte("a"), Time: 3, Diff: 1}}}, 1024)
	filter := part.CompareTime(part.GreaterOrEqual, 5)
	if filter.MayMatchEncoded(relation.Schema{}, encoded, 0) || !filter.MayMatchEncoded(relation.Schema{}, encoded, 5) {
		t.Error("times are not read as since")
	}
}

// The budget is kept, and what is never to be left out is there.
func TestEncodeStatsKeepsToItsBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := table().Draw(t, "table")
		if len(given.updates) == 0 {
			return
		}
		budget := rapid.IntRange(64, 400).Draw(t, "budget")
		if encoded := encodeStats(t, given, budget); len(encoded) > budget {
			t.Fatalf("%d bytes, want at most %d", len(encoded), budget)
		}
		last := given.schema.Column(given.schema.Len() - 1).Name
		stats, err := part.DecodeStats(given.schema, encodeStats(t, given, 0, last))
		if err != nil || len(stats.Columns) != 1 || stats.Columns[0].Column != given.schema.Len()-1 {
			t.Fatalf("stats have the columns %v (error %v), want the last", stats.Columns, err)
		}
	})
}

func TestBoundsOfBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 0xfe, 0xff}), 0, 6).Draw(t, "data")
		size := rapid.IntRange(0, 6).Draw(t, "size")
		lower := part.LowerBound(data, size)
		if bytes.Compare(lower, data) > 0 || len(lower) > size || len(lower) < min(size, len(data)) {
			t.Fatalf("lower bound of %x is %x", data, lower)
		}
		upper, ok := part.UpperBound(data, size)
		isAll := len(data) > size && bytes.Count(lower, []byte{0xff}) == len(lower)
		if ok == isAll || ok && (bytes.Compare(upper, data) < 0 || len(upper) > size) {
			t.Fatalf("upper bound of %x is %x, %t", data, upper, ok)
		}
	})
}

func FuzzDecodeStats(f *testing.F) {
	given := sample(f)
	f.Add(encodeStats(f, given, 1024))
	f.Fuzz(func(t *testing.T, data []byte) {
		stats, err := part.DecodeStats(given.schema, data)
		var version *wire.VersionError
		if err != nil {
			if !errors.Is(err, wire.ErrCorruption) && !errors.As(err, &version) {
				t.Fatalf("error is %v, want corruption or a version", err)
			}
			return
		}
		if again, err := part.EncodeStats(given.schema, stats, 1<<30); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted %x, which is written as %x (error %v)", data, again, err)
		}
	})
}

// The stored forms of stats and of inlined parts never change: the file says what they
// are.
func TestGolden(t *testing.T) {
	given := sample(t)
	datadriven.RunTest(t, "testdata/golden.txt", func(t *testing.T, d *datadriven.TestData) string {
		var encoded []byte
		var err error
		switch d.Cmd {
		case "stats":
			var budget int
			d.ScanArgs(t, "budget", &budget)
			encoded = encodeStats(t, given, budget)
		case "inline":
			encoded, err = part.EncodeInline(given.updates[:2])
		default:
			t.Fatalf("unknown command %q", d.Cmd)
		}
		if err != nil {
			t.Fatal(err)
		}
		return hex.Dump(encoded)
	})
}

func ExampleFilter_MayMatch() {
	schema, err := relation.New(relation.Column{Name: "price", Type: relation.Int64})
	if err != nil {
		fmt.Println(err)
	}
	var updates []part.Update
	for _, price := range []int64{20, 35} {
		row, err := schema.AppendRow(nil, []relation.Value{relation.Int64Value(price)})
		if err != nil {
			fmt.Println(err)
		}
		updates = append(updates, part.Update{Row: row, Time: 5, Diff: 1})
	}
	stats, err := part.Collect(schema, updates)
	if err != nil {
		fmt.Println(err)
	}
	cheap := part.CompareColumn("price", part.Less, relation.Int64Value(10))
	fmt.Println(cheap.MayMatch(schema, stats))
	fmt.Println(part.Not(cheap).MayMatch(schema, stats))
	// Output:
	// false
	// true
}
