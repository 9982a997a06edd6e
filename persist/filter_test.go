package persist_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/relation"
	"github.com/tidemarkdb/tidemark/runtime"
)

// never audits.
const never = -1

// counted opens a client whose calls of the store are counted.
func (p *place) counted(config persist.Config) (*persist.Client, *operations) {
	p.t.Helper()
	rt := runtime.New(runtime.Options{Node: p.t.Name()})
	seen := &operations{}
	store := counting{p.store.Blob(rt), p.store.Consensus(rt), seen}
	c, err := persist.New(rt, store, store, config)
	must(p.t, err)
	p.t.Cleanup(c.Close)
	return c, seen
}

// tenParts is a shard with ten parts, each with ten rows, by id.
func (p *place) tenParts(schema relation.Schema) persist.ShardID {
	p.t.Helper()
	c := p.client(persist.Config{InlineSizeMax: 1, CompactionsMax: -1})
	shard := c.NewShardID()
	w := p.typedWriter(c, shard, schema)
	for i := range uint64(10) {
		first, end := 10*i, 10*i+10
		must(p.t, w.CompareAndAppend(p.t.Context(), typed(p.t, schema, first, end), frontier.At(first), frontier.At(end)))
	}
	return shard
}

// TestFiltersLeaveOutParts protects readers from fetching what they do not want, and from
// missing what they do.
func TestFiltersLeaveOutParts(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	schema := schemaOf(t, nameColumn, idColumn, priceColumn)
	shard := p.tenParts(schema)
	c, seen := p.counted(persist.Config{AuditPercent: never})
	r := p.typedReader(c, shard, schema)
	id := func(operator persist.Operator, constant uint64) persist.Filter {
		return persist.CompareColumn("id", operator, relation.Uint64Value(constant))
	}
	for _, test := range []struct {
		name        string
		filter      persist.Filter
		gets, count int
	}{
		{"everything", persist.Filter{}, 10, 100},
		{"one", id(persist.Equal, 42), 1, 1},
		{"a range", persist.And(id(persist.GreaterOrEqual, 28), id(persist.Less, 43)), 3, 15},
		{"two ends", persist.Or(id(persist.Less, 5), id(persist.Greater, 95)), 2, 9},
		{"all but a range", persist.Not(id(persist.Greater, 9)), 1, 10},
		{"a name", persist.CompareColumn("name", persist.Equal, relation.StringValue("name 007")), 1, 1},
		{"in every part", persist.CompareColumn("price", persist.Equal, relation.Int64Value(3)), 10, 10},
		{"nulls", persist.IsNull("price"), 0, 0},
		{"of another type", persist.CompareColumn("price", persist.Equal, relation.StringValue("3")), 10, 0},
		{"a column that nobody has", persist.IsNull("other"), 10, 100},
		{"at the time", persist.CompareTime(persist.Equal, 99), 10, 100},
		{"before the time", persist.CompareTime(persist.Less, 99), 0, 0},
	} {
		*seen = operations{}
		got, err := r.Snapshot(ctx, 99, test.filter)
		must(t, err)
		if len(got) != test.count || seen.Gets != test.gets {
			t.Errorf("%s: %d rows of %d parts, want %d of %d", test.name, len(got), seen.Gets, test.count, test.gets)
		}
	}
	*seen = operations{}
	got, err := r.Snapshot(ctx, 54, id(persist.Greater, 48), id(persist.Less, 60)) // all have to hold
	must(t, err)
	if len(got) != 6 || seen.Gets != 2 {
		t.Errorf("two filters: %d rows of %d parts", len(got), seen.Gets)
	}
}

// TestMissingColumnsAreNull protects readers from stats that were made before a column was.
func TestMissingColumnsAreNull(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	older, newer := schemaOf(t, idColumn), schemaOf(t, priceColumn, idColumn)
	shard := p.tenParts(older)
	c, seen := p.counted(persist.Config{AuditPercent: never})
	s, err := c.OpenShard(ctx, shard)
	must(t, err)
	_, err = s.CompareAndEvolveSchema(ctx, 0, newer)
	must(t, err)
	writing := p.client(persist.Config{InlineSizeMax: 1, CompactionsMax: -1})
	w := p.typedWriter(writing, shard, newer)
	must(t, w.CompareAndAppend(ctx, typed(t, newer, 100, 110), frontier.At(100), frontier.At(110)))
	price := persist.CompareColumn("price", persist.GreaterOrEqual, relation.Int64Value(math.MinInt64))
	for _, test := range []struct {
		name        string
		schema      relation.Schema
		filter      persist.Filter
		gets, count int
	}{
		{"null", newer, persist.IsNull("price"), 10, 100},
		{"not null", newer, persist.Not(persist.IsNull("price")), 1, 10},
		{"compared", newer, price, 1, 10},
		{"not compared", newer, persist.Not(price), 10, 100},
		{"unknown to the reader", older, persist.IsNull("price"), 11, 110},
		{"unknown and compared", older, price, 11, 0},
	} {
		r := p.typedReader(c, shard, test.schema)
		*seen = operations{}
		got, err := r.Snapshot(ctx, 109, test.filter)
		must(t, err)
		if len(got) != test.count || seen.Gets != test.gets {
			t.Errorf("%s: %d rows of %d parts, want %d of %d", test.name, len(got), seen.Gets, test.count, test.gets)
		}
	}
}

// TestFilteredListenersKeepTheirFrontiers protects whoever follows a part of a shard: they
// see each update that they want, at its own time, and all frontiers.
func TestFilteredListenersKeepTheirFrontiers(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	schema := schemaOf(t, idColumn)
	shard := p.tenParts(schema)
	c, seen := p.counted(persist.Config{AuditPercent: never, CompactionsMax: -1})
	must(t, p.typedWriter(c, shard, schema).AdvanceUpper(ctx, frontier.Empty()))
	*seen = operations{}
	isEarly := persist.CompareColumn("id", persist.Less, relation.Uint64Value(2))
	wanted := persist.Or(persist.CompareTime(persist.Equal, 57), isEarly)
	var times []uint64
	var frontiers []frontier.Antichain
	for event, err := range p.typedReader(c, shard, schema).Subscribe(ctx, 9, wanted) {
		must(t, err)
		for _, u := range event.Updates {
			times = append(times, u.Time)
		}
		if len(frontiers) == 0 || frontiers[len(frontiers)-1] != event.Frontier {
			frontiers = append(frontiers, event.Frontier)
		}
	}
	if !slices.Equal(times, []uint64{9, 9, 57}) || seen.Gets != 2 {
		t.Errorf("times %v of %d parts", times, seen.Gets)
	}
	if len(frontiers) != 11 || frontiers[0] != frontier.At(10) || !frontiers[10].IsEmpty() {
		t.Errorf("frontiers %v", frontiers)
	}
}

// TestStatsThatDoNotFitMeanFetch protects readers from taking for granted what stats do not
// say, because there was no room for it.
func TestStatsThatDoNotFitMeanFetch(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c, seen := p.counted(persist.Config{InlineSizeMax: 1, StatsSize: 1, AuditPercent: never})
	shard, schema := c.NewShardID(), schemaOf(t, idColumn)
	must(t, p.typedWriter(c, shard, schema).CompareAndAppend(ctx, typed(t, schema, 0, 9), frontier.At(0), frontier.At(9)))
	r := p.typedReader(c, shard, schema)
	*seen = operations{}
	got, err := r.Snapshot(ctx, 8, persist.CompareColumn("id", persist.Greater, relation.Uint64Value(100)))
	if len(got) != 0 || seen.Gets != 1 || err != nil {
		t.Errorf("%d rows of %d parts, %v", len(got), seen.Gets, err)
	}
}

// TestStatsOfSomeColumnsAreKept protects filters on columns that somebody cares for, from a
// schema with too many others.
func TestStatsOfSomeColumnsAreKept(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c, seen := p.counted(persist.Config{
		InlineSizeMax: 1, StatsSize: 1, StatsColumns: []string{"none", "id"}, AuditPercent: never,
	})
	shard, schema := c.NewShardID(), schemaOf(t, nameColumn, idColumn)
	must(t, p.typedWriter(c, shard, schema).CompareAndAppend(ctx, typed(t, schema, 0, 9), frontier.At(0), frontier.At(9)))
	r := p.typedReader(c, shard, schema)
	*seen = operations{}
	_, err := r.Snapshot(ctx, 8, persist.CompareColumn("id", persist.Greater, relation.Uint64Value(100)))
	if seen.Gets != 0 || err != nil {
		t.Errorf("a column that is kept: %d parts, %v", seen.Gets, err)
	}
	_, err = r.Snapshot(ctx, 8, persist.CompareColumn("name", persist.Equal, relation.StringValue("zebra")))
	if seen.Gets != 1 || err != nil {
		t.Errorf("another column: %d parts, %v", seen.Gets, err)
	}
}

// TestAuditsFetchWhatIsLeftOut protects the audit of stats from being none: with 100 of 100
// every part is fetched, and what is read is the same.
func TestAuditsFetchWhatIsLeftOut(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	schema := schemaOf(t, idColumn)
	shard := p.tenParts(schema)
	c, seen := p.counted(persist.Config{AuditPercent: 100})
	r := p.typedReader(c, shard, schema)
	*seen = operations{}
	got, err := r.Snapshot(ctx, 99, persist.CompareColumn("id", persist.Equal, relation.Uint64Value(42)))
	if len(got) != 1 || seen.Gets != 10 || err != nil {
		t.Errorf("%d rows of %d parts, %v", len(got), seen.Gets, err)
	}
	if err := (persist.Config{AuditPercent: 101}).Validate(); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("101 of 100: %v", err)
	}
}

func ExampleReader_Snapshot_filtered() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard := client.NewShardID()
	schema, err := relation.New(
		relation.Column{Name: "item", Type: relation.String}, relation.Column{Name: "price", Type: relation.Int64},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	writer, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "example", Schema: schema})
	if err != nil {
		fmt.Println(err)
		return
	}
	var updates []persist.Update
	for item, price := range map[string]int64{"apple": 3, "melon": 8, "plum": 2} {
		row, err := schema.AppendRow(nil, []relation.Value{relation.StringValue(item), relation.Int64Value(price)})
		if err != nil {
			fmt.Println(err)
			return
		}
		updates = append(updates, persist.Update{Row: row, Time: 1, Diff: 1})
	}
	if err := writer.CompareAndAppend(ctx, updates, frontier.At(0), frontier.At(2)); err != nil {
		fmt.Println(err)
		return
	}
	reader, err := client.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := reader.Snapshot(ctx, 1, persist.CompareColumn("price", persist.Less, relation.Int64Value(5)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, u := range got {
		values, err := schema.DecodeRow(u.Row, nil)
		fmt.Println(values[0].Text(), values[1].Int64(), u.Diff, err)
	}
	// Output:
	// apple 3 1 <nil>
	// plum 2 1 <nil>
}
