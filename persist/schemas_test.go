package persist_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/relation"
	"github.com/tidemarkdb/tidemark/runtime"
)

var (
	idColumn    = relation.Column{Name: "id", Type: relation.Uint64}
	nameColumn  = relation.Column{Name: "name", Type: relation.String, IsNullable: true}
	priceColumn = relation.Column{Name: "price", Type: relation.Int64, IsNullable: true}
)

func schemaOf(t testing.TB, columns ...relation.Column) relation.Schema {
	t.Helper()
	schema, err := relation.New(columns...)
	must(t, err)
	return schema
}

func row(t testing.TB, schema relation.Schema, values ...relation.Value) []byte {
	t.Helper()
	encoded, err := schema.AppendRow(nil, values)
	must(t, err)
	return encoded
}

// typed returns updates under the schema of id, or that of name and id; the id is the time.
func typed(t testing.TB, schema relation.Schema, from, to uint64) (updates []persist.Update) {
	t.Helper()
	for id := from; id < to; id++ {
		var values []relation.Value
		for _, column := range schema.Columns() {
			switch column.Name {
			case "id":
				values = append(values, relation.Uint64Value(id))
			case "name":
				values = append(values, relation.StringValue(fmt.Sprintf("name %03d", id)))
			case "price":
				values = append(values, relation.Int64Value(int64(id%10)))
			}
		}
		updates = append(updates, persist.Update{Row: row(t, schema, values...), Time: id, Diff: 1})
	}
	return updates
}

// decoded returns the rows of updates as text, in their order.
func decoded(t testing.TB, schema relation.Schema, updates []persist.Update) (all []string) {
	t.Helper()
	for i, u := range updates {
		if i > 0 && bytes.Compare(updates[i-1].Row, u.Row) >= 0 {
			t.Errorf("update %d of %d is not sorted", i, len(updates))
		}
		values, err := schema.DecodeRow(u.Row, nil)
		must(t, err)
		var fields []string
		for _, v := range values {
			switch v.Type() {
			case relation.Uint64:
				fields = append(fields, fmt.Sprint(v.Uint64()))
			case relation.Int64:
				fields = append(fields, fmt.Sprint(v.Int64()))
			case relation.String:
				fields = append(fields, v.Text())
			default:
				fields = append(fields, v.String())
			}
		}
		all = append(all, fmt.Sprintf("%s%+d", strings.Join(fields, ","), u.Diff))
	}
	return all
}

func (p *place) typedWriter(c *persist.Client, shard persist.ShardID, schema relation.Schema) *persist.Writer {
	p.t.Helper()
	w, err := c.OpenWriter(p.t.Context(), shard, persist.WriterOptions{Purpose: "test", Schema: schema})
	must(p.t, err)
	return w
}

func (p *place) typedReader(c *persist.Client, shard persist.ShardID, schema relation.Schema) *persist.Reader {
	p.t.Helper()
	r, err := c.OpenReader(p.t.Context(), shard, persist.ReaderOptions{Purpose: "test", Schema: schema})
	must(p.t, err)
	return r
}

// TestSchemasGetTheirIDsOnce protects what rows mean: a schema has one id, for everybody
// and for ever, and nobody adds one without knowing the latest (P-36).
func TestSchemasGetTheirIDsOnce(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	here, there := p.client(persist.Config{}), p.client(persist.Config{})
	shard := here.NewShardID()
	s, err := here.OpenShard(ctx, shard)
	must(t, err)
	other, err := there.OpenShard(ctx, shard)
	must(t, err)

	var none *persist.SchemalessError
	if _, _, err := s.LatestSchema(ctx); !errors.As(err, &none) || none.HasRows || none.IsTombstone {
		t.Errorf("latest of none: %v", err)
	}
	first, second := schemaOf(t, idColumn), schemaOf(t, nameColumn, idColumn)
	if _, err := s.CompareAndEvolveSchema(ctx, 0, second); !errors.As(err, &none) {
		t.Errorf("evolved from none: %v", err)
	}
	for range 2 {
		if id, err := s.RegisterSchema(ctx, first); id != 0 || err != nil {
			t.Errorf("register: %d, %v", id, err)
		}
	}
	if id, err := other.RegisterSchema(ctx, first); id != 0 || err != nil {
		t.Errorf("register elsewhere: %d, %v", id, err)
	}
	var mismatch *persist.SchemaMismatchError
	if _, err := other.RegisterSchema(ctx, second); !errors.As(err, &mismatch) || mismatch.Latest != 0 ||
		!mismatch.Schema.Equal(first) {
		t.Errorf("register another: %v", err)
	}
	if id, err := other.CompareAndEvolveSchema(ctx, 0, second); id != 1 || err != nil {
		t.Errorf("evolve: %d, %v", id, err)
	}
	if _, err := s.CompareAndEvolveSchema(ctx, 0, schemaOf(t, idColumn, priceColumn)); !errors.As(err, &mismatch) ||
		mismatch.Latest != 1 || !mismatch.Schema.Equal(second) {
		t.Errorf("evolve from what was: %v", err)
	}
	if id, err := s.CompareAndEvolveSchema(ctx, 1, second); id != 1 || err != nil {
		t.Errorf("evolve to the same: %d, %v", id, err)
	}
	var incompatible *persist.IncompatibleSchemaError
	var reason *relation.IncompatibleError
	_, err = s.CompareAndEvolveSchema(ctx, 1, first)
	if !errors.As(err, &incompatible) || !errors.As(err, &reason) || reason.Column != "name" ||
		!errors.Is(err, persist.ErrUsage) || incompatible.Latest != 1 || !incompatible.Schema.Equal(second) {
		t.Errorf("drop a column: %v", err)
	}
	if id, latest, err := s.LatestSchema(ctx); id != 1 || !latest.Equal(second) || err != nil {
		t.Errorf("latest: %d, %v, %v", id, latest, err)
	}
	if got, err := other.Schema(ctx, 0); !got.Equal(first) || err != nil {
		t.Errorf("schema 0: %v, %v", got, err)
	}
	if _, err := other.Schema(ctx, 2); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("schema 2: %v", err)
	}
	if _, err := s.RegisterSchema(ctx, relation.Schema{}); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("register the zero schema: %v", err)
	}
}

// TestRowsWithoutASchemaKeepSchemasOut protects rows of which nobody could say what they
// mean under a schema, and the other way round.
func TestRowsWithoutASchemaKeepSchemasOut(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c, schema := p.client(persist.Config{}), schemaOf(t, idColumn)
	shard := c.NewShardID()
	must(t, p.writer(c, shard).CompareAndAppend(ctx, rows(1, 0), frontier.At(0), frontier.At(1)))
	_, err := c.OpenWriter(ctx, shard, persist.WriterOptions{Schema: schema})
	var none *persist.SchemalessError
	if !errors.As(err, &none) || !none.HasRows {
		t.Errorf("a writer with a schema: %v", err)
	}
	if _, err := c.OpenReader(ctx, shard, persist.ReaderOptions{Schema: schema}); !errors.As(err, &none) {
		t.Errorf("a reader with a schema: %v", err)
	}

	shard = c.NewShardID()
	p.typedWriter(c, shard, schema)
	w := p.writer(c, shard)
	if err := w.CompareAndAppend(ctx, rows(1, 0), frontier.At(0), frontier.At(1)); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("rows without a schema: %v", err)
	}
	must(t, w.AdvanceUpper(ctx, frontier.At(5))) // moving the upper says nothing of rows
}

// TestATombstoneTakesNoSchemas protects the end of a shard.
func TestATombstoneTakesNoSchemas(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c := p.client(persist.Config{})
	s, err := c.OpenShard(ctx, c.NewShardID())
	must(t, err)
	w := p.typedWriter(c, s.ID(), schemaOf(t, idColumn))
	must(t, w.AdvanceUpper(ctx, frontier.Empty()))
	owner, err := c.OpenSince(ctx, s.ID(), persist.CriticalReaderID{1}, persist.Opaque{}, "test")
	must(t, err)
	_, err = owner.CompareAndDowngrade(ctx, persist.Opaque{}, persist.Opaque{}, frontier.Empty())
	must(t, err)
	must(t, s.Finalize(ctx))
	if id, err := s.RegisterSchema(ctx, schemaOf(t, idColumn)); id != 0 || err != nil {
		t.Errorf("one that was there: %d, %v", id, err)
	}
	var mismatch *persist.SchemaMismatchError
	if _, err := s.RegisterSchema(ctx, schemaOf(t, nameColumn)); !errors.As(err, &mismatch) {
		t.Errorf("another: %v", err)
	}
	var none *persist.SchemalessError
	_, err = s.CompareAndEvolveSchema(ctx, 0, schemaOf(t, idColumn, nameColumn))
	if !errors.As(err, &none) || !none.IsTombstone {
		t.Errorf("evolve: %v", err)
	}
}

// TestAnUnclearEvolutionDoesNotMeetItself protects whoever evolves a schema from being told
// that another schema has come first, which is their own.
func TestAnUnclearEvolutionDoesNotMeetItself(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c, h := p.hook(persist.Config{})
	s, err := c.OpenShard(ctx, c.NewShardID())
	must(t, err)
	_, err = s.RegisterSchema(ctx, schemaOf(t, idColumn))
	must(t, err)
	h.compareAndSet = func(commit func() (bool, error)) (bool, error) {
		h.compareAndSet = nil
		_, err := commit()
		must(t, err)
		return false, persist.ErrIndeterminate
	}
	if id, err := s.CompareAndEvolveSchema(ctx, 0, schemaOf(t, idColumn, nameColumn)); id != 1 || err != nil {
		t.Errorf("%d, %v", id, err)
	}
}

// TestAnUnclearEvolutionIsNotUndoneByTheEnd protects whoever evolves a schema from being told
// that nothing was changed, because the shard has come to its end meanwhile.
func TestAnUnclearEvolutionIsNotUndoneByTheEnd(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c, h := p.hook(persist.Config{})
	s, err := c.OpenShard(ctx, c.NewShardID())
	must(t, err)
	w := p.typedWriter(p.client(persist.Config{}), s.ID(), schemaOf(t, idColumn))
	must(t, w.AdvanceUpper(ctx, frontier.Empty()))
	opaque := persist.Opaque{}
	owner, err := p.client(persist.Config{}).OpenSince(ctx, s.ID(), persist.CriticalReaderID{1}, opaque, "test")
	must(t, err)
	h.compareAndSet = func(commit func() (bool, error)) (bool, error) {
		if committed, err := commit(); !committed || err != nil {
			return committed, err // the others were first
		}
		h.compareAndSet = nil
		_, err = owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.Empty())
		must(t, err)
		must(t, finalize(ctx, p, s.ID()))
		return false, persist.ErrIndeterminate
	}
	if id, err := s.CompareAndEvolveSchema(ctx, 0, schemaOf(t, idColumn, nameColumn)); id != 1 || err != nil {
		t.Errorf("%d, %v", id, err)
	}
}

// TestAnUnclearSchemaIsNotRefused protects whoever registers a schema from being told that
// nothing was changed, when an attempt before the one that was refused may have been committed.
func TestAnUnclearSchemaIsNotRefused(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c, h := p.hook(persist.Config{})
	s, err := c.OpenShard(ctx, c.NewShardID())
	must(t, err)
	calls := map[string]func() error{
		"register": func() error {
			_, err := s.RegisterSchema(ctx, schemaOf(t, idColumn))
			return err
		},
		"evolve": func() error {
			_, err := s.CompareAndEvolveSchema(ctx, 0, schemaOf(t, idColumn, nameColumn))
			return err
		},
	}
	for _, name := range []string{"register", "evolve"} {
		attempts := 0
		h.compareAndSet = func(func() (bool, error)) (bool, error) {
			if attempts++; attempts == 1 {
				return false, persist.ErrIndeterminate
			}
			return false, &persist.TooLargeError{}
		}
		if err := calls[name](); !errors.Is(err, persist.ErrIndeterminate) || errors.Is(err, persist.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
		h.compareAndSet = nil
		must(t, calls[name]())
	}
}

func finalize(ctx context.Context, p *place, shard persist.ShardID) error {
	s, err := p.client(persist.Config{}).OpenShard(ctx, shard)
	if err != nil {
		return err
	}
	return s.Finalize(ctx)
}

// TestRowsOfAnotherFormAreRefused protects shards from rows that nobody could read, and
// logs from the contents of rows.
func TestRowsOfAnotherFormAreRefused(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	w := p.typedWriter(c, c.NewShardID(), schemaOf(t, idColumn, nameColumn))
	for _, bad := range []string{"", "secret", "12345678\x02", "12345678\x01secret"} {
		err := w.CompareAndAppend(t.Context(), []persist.Update{insert(bad, 0)}, frontier.At(0), frontier.At(1))
		var usage *persist.UsageError
		if !errors.As(err, &usage) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestRowsAreReadUnderEverySchema protects data over changes of its schema: whatever it was
// written under, whether it is inlined, an object, or was merged, every reader sees the
// values of the columns that it knows (P-36).
func TestRowsAreReadUnderEverySchema(t *testing.T) {
	for name, config := range map[string]persist.Config{
		"inlined":  {CompactionsMax: -1},
		"objects":  {CompactionsMax: -1, InlineSizeMax: 1, PartSize: 100},
		"merged":   {CompactionFanout: 2, InlineSizeMax: 1, PartSize: 100},
		"together": {CompactionFanout: 2},
	} {
		p, ctx := newPlace(t), t.Context()
		c := p.client(config)
		s, err := c.OpenShard(ctx, c.NewShardID())
		must(t, err)
		schemas := []relation.Schema{
			schemaOf(t, idColumn), schemaOf(t, nameColumn, idColumn), schemaOf(t, nameColumn, idColumn, priceColumn),
		}
		early := p.typedReader(c, s.ID(), relation.Schema{})
		var want [3][]string
		var writers []*persist.Writer
		for i, schema := range schemas {
			if i > 0 {
				_, err := s.CompareAndEvolveSchema(ctx, persist.SchemaID(i-1), schema)
				must(t, err)
			}
			writers = append(writers, p.typedWriter(c, s.ID(), schema))
		}
		const count = 24
		for id := range uint64(count) {
			written := int(id % 3) // old writers go on
			updates := typed(t, schemas[written], id, id+1)
			must(t, writers[written].CompareAndAppend(ctx, updates, frontier.At(id), frontier.At(id+1)))
			name, price := "null", "null"
			if written > 0 {
				name = fmt.Sprintf("name %03d", id)
			}
			if written > 1 {
				price = fmt.Sprint(id % 10)
			}
			want[0] = append(want[0], fmt.Sprintf("%d+1", id))
			want[1] = append(want[1], fmt.Sprintf("%s,%d+1", name, id))
			want[2] = append(want[2], fmt.Sprintf("%s,%d,%s+1", name, id, price))
		}
		for i, schema := range schemas {
			got, err := p.typedReader(p.client(persist.Config{}), s.ID(), schema).Snapshot(ctx, count-1)
			must(t, err)
			if diff := cmp.Diff(sorted(want[i]), sorted(decoded(t, schema, got))); diff != "" {
				t.Errorf("%s, schema %d (-want +got):\n%s", name, i, diff)
			}
		}
		newest := p.typedReader(c, s.ID(), relation.Schema{})
		if got, err := newest.Schema(); !got.Equal(schemas[2]) || err != nil {
			t.Errorf("%s: the newest is %v, %v", name, got, err)
		}
		got, err := early.Snapshot(ctx, count-1) // was there before the first schema
		must(t, err)
		if diff := cmp.Diff(sorted(want[0]), sorted(decoded(t, schemas[0], got))); diff != "" {
			t.Errorf("%s, early (-want +got):\n%s", name, diff)
		}
	}
}

func sorted(texts []string) []string {
	slices.Sort(texts)
	return texts
}

// TestRowsThatDifferInUnknownColumnsAreOne protects readers of an older schema: what they
// see is consolidated under theirs, also within one part and over several.
func TestRowsThatDifferInUnknownColumnsAreOne(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c := p.client(persist.Config{InlineSizeMax: 1, PartSize: 40, CompactionsMax: -1})
	s, err := c.OpenShard(ctx, c.NewShardID())
	must(t, err)
	older, newer := schemaOf(t, idColumn), schemaOf(t, nameColumn, idColumn)
	p.typedWriter(c, s.ID(), older)
	_, err = s.CompareAndEvolveSchema(ctx, 0, newer)
	must(t, err)
	var updates []persist.Update
	for i := range 6 {
		name := relation.StringValue(fmt.Sprint(i))
		updates = append(updates, persist.Update{Row: row(t, newer, name, relation.Uint64Value(uint64(i%2))), Diff: int64(i)})
	}
	must(t, p.typedWriter(c, s.ID(), newer).CompareAndAppend(ctx, updates, frontier.At(0), frontier.At(1)))
	got, err := p.typedReader(c, s.ID(), older).Snapshot(ctx, 0)
	must(t, err)
	if diff := cmp.Diff([]string{"0+6", "1+9"}, decoded(t, older, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// countingBlob counts the objects that are read.
type countingBlob struct {
	persist.Blob
	gets atomic.Int64
}

func (b *countingBlob) Get(ctx context.Context, key string) ([]byte, bool, error) {
	b.gets.Add(1)
	return b.Blob.Get(ctx, key)
}

// TestAnOlderSchemaIsReadPartByPart protects the memory of readers who do not know the last
// columns of a schema: they read no more parts at once than others do, and what has become
// one row is one, over pieces and parts, whatever times it has.
func TestAnOlderSchemaIsReadPartByPart(t *testing.T) {
	const count, names = 400, 10
	p, ctx := newPlace(t), t.Context()
	rt := runtime.New(runtime.Options{})
	blob := &countingBlob{Blob: p.store.Blob(rt)}
	c, err := persist.New(rt, blob, p.store.Consensus(rt),
		persist.Config{InlineSizeMax: 1, PartSize: 400, CompactionsMax: -1})
	must(t, err)
	defer c.Close()
	s, err := c.OpenShard(ctx, c.NewShardID())
	must(t, err)
	older, newer := schemaOf(t, idColumn), schemaOf(t, idColumn, nameColumn, priceColumn)
	p.typedWriter(c, s.ID(), older)
	_, err = s.CompareAndEvolveSchema(ctx, 0, newer)
	must(t, err)
	var updates []persist.Update
	for i := range uint64(count) {
		name := relation.StringValue(fmt.Sprint("name ", i%names))
		encoded := row(t, newer, relation.Uint64Value(i/names), name, relation.Int64Value(int64(i)))
		updates = append(updates, persist.Update{Row: encoded, Time: (count - i) % 7, Diff: 1})
	}
	must(t, p.typedWriter(c, s.ID(), newer).CompareAndAppend(ctx, updates, frontier.At(0), frontier.At(7)))
	r := p.typedReader(c, s.ID(), older)
	before, rows := blob.gets.Load(), 0
	for u, err := range r.Stream(ctx, 6) {
		must(t, err)
		if read := blob.gets.Load() - before; rows == 0 && read > 4 || u.Diff != names {
			t.Fatalf("row %d after %d objects, with diff %d", rows, read, u.Diff)
		}
		rows++
	}
	if rows != count/names {
		t.Errorf("there are %d rows", rows)
	}
	seen := make(map[string]int64)
	for event, err := range r.Listen(ctx, 2) {
		must(t, err)
		for _, u := range event.Updates {
			seen[fmt.Sprint(u.Time)] += u.Diff
		}
		if event.Frontier == frontier.At(7) {
			break
		}
	}
	for _, u := range updates {
		if u.Time > 2 {
			seen[fmt.Sprint(u.Time)]--
		}
	}
	for time, diff := range seen {
		if diff != 0 {
			t.Errorf("%d too many at %s", diff, time)
		}
	}
}

// TestANullThatAnOlderSchemaForbidsIsAnError protects readers of an older schema from a
// value that they do not expect; the shard is not damaged by it.
func TestANullThatAnOlderSchemaForbidsIsAnError(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c := p.client(persist.Config{})
	s, err := c.OpenShard(ctx, c.NewShardID())
	must(t, err)
	relaxed := idColumn
	relaxed.IsNullable = true
	older, newer := schemaOf(t, idColumn), schemaOf(t, relaxed)
	p.typedWriter(c, s.ID(), older)
	_, err = s.CompareAndEvolveSchema(ctx, 0, newer)
	must(t, err)
	null := []persist.Update{{Row: row(t, newer, relation.Null()), Diff: 1}}
	must(t, p.typedWriter(c, s.ID(), newer).CompareAndAppend(ctx, null, frontier.At(0), frontier.At(1)))
	if _, err := p.typedReader(c, s.ID(), older).Snapshot(ctx, 0); !errors.Is(err, persist.ErrUsage) ||
		errors.Is(err, persist.ErrCorruption) {
		t.Errorf("read under the older one: %v", err)
	}
	if got, err := p.typedReader(c, s.ID(), newer).Snapshot(ctx, 0); len(got) != 1 || err != nil {
		t.Errorf("read under the newer one: %d rows, %v", len(got), err)
	}
}

func ExampleShard_CompareAndEvolveSchema() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard, err := client.OpenShard(ctx, client.NewShardID())
	if err != nil {
		fmt.Println(err)
		return
	}
	id := relation.Column{Name: "id", Type: relation.Uint64}
	note := relation.Column{Name: "note", Type: relation.String, IsNullable: true}
	first, err := relation.New(id)
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := relation.New(id, note)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(shard.RegisterSchema(ctx, first))
	fmt.Println(shard.CompareAndEvolveSchema(ctx, 0, second))
	_, err = shard.CompareAndEvolveSchema(ctx, 1, first)
	var incompatible *persist.IncompatibleSchemaError
	fmt.Println(errors.As(err, &incompatible), incompatible)
	// Output:
	// 0 <nil>
	// 1 <nil>
	// true persist: not a successor of schema 1: relation: incompatible schema: column "note" was dropped
}
