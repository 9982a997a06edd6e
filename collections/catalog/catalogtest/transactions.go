package catalogtest

import (
	"errors"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

func readsItsWrites(t *testing.T, c, _ catalog.Catalog) {
	epoch := nextEpoch(t, c)
	want := func(d catalog.Draft, want content) {
		t.Helper()
		got, err := contentOf(d)
		must(t, err)
		wantEqual(t, "content of the draft", got, want)
	}
	update(t, c, epoch, func(d catalog.Draft) error {
		must(t, everything(d))
		want(d, fullContent)
		_, err := d.DeleteShards(u1, u2)
		must(t, errors.Join(err, d.MarkFinalized(shard(7)), d.InsertShards(mappings{u3: shard(3)})))
		want(d, content{
			Shards:      mappings{s1: shard(2), u3: shard(3)},
			Unfinalized: []persist.ShardID{shard(9)},
			TxnsShard:   shard(5), HasTxnsShard: true,
			Descriptions: []catalog.Description{{ID: s1}},
		})
		return nil
	})
}

func mappingTwice(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	update(t, first, epoch, func(d catalog.Draft) error {
		return d.InsertShards(mappings{u1: shard(1), u2: shard(1)}) // one shard may have several collections
	})
	for _, test := range []struct {
		shards mappings
		want   catalog.GlobalID
	}{
		{mappings{u1: shard(1)}, u1},
		{mappings{s1: shard(9), u1: shard(9), u2: shard(9), u3: shard(9)}, u1},
		{mappings{u2: shard(9), u3: shard(9)}, u2},
	} {
		err := second.Update(t.Context(), epoch, func(d catalog.Draft) error { return d.InsertShards(test.shards) })
		var mapped *catalog.MappedError
		if !errors.As(err, &mapped) || mapped.ID != test.want {
			t.Errorf("insert %v: %v, want a MappedError about %v", test.shards, err, test.want)
		}
	}
	err := second.Update(t.Context(), epoch, func(d catalog.Draft) error {
		return errors.Join(insert(u3, shard(3))(d), insert(u3, shard(3))(d))
	})
	var mapped *catalog.MappedError
	if !errors.As(err, &mapped) || mapped.ID != u3 {
		t.Errorf("twice in one change: %v, want a MappedError about %v", err, u3)
	}
	wantContent(t, first, epoch, content{Shards: mappings{u1: shard(1), u2: shard(1)}})
}

func deleting(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	update(t, first, epoch, func(d catalog.Draft) error {
		return d.InsertShards(mappings{u1: shard(1), u2: shard(1), u3: shard(3)})
	})
	update(t, second, epoch, func(d catalog.Draft) error {
		removed, err := d.DeleteShards(u2, s1, u2, u3)
		wantEqual(t, "removed", removed, mappings{u2: shard(1), u3: shard(3)})
		return err
	})
	wantContent(t, first, epoch, content{Shards: mappings{u1: shard(1)}})
	update(t, second, epoch, func(d catalog.Draft) error {
		removed, err := d.DeleteShards(u2)
		wantEqual(t, "removed the second time", removed, mappings{})
		nothing, noErr := d.DeleteShards()
		wantEqual(t, "removed without an id", nothing, mappings{})
		return errors.Join(err, noErr)
	})
	wantContent(t, first, epoch, content{Shards: mappings{u1: shard(1)}})
}

func unfinalized(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	for _, step := range []struct {
		insert, mark []byte
		want         []byte
	}{
		{insert: []byte{3, 1}, want: []byte{1, 3}},
		{insert: []byte{2, 3, 2}, want: []byte{1, 2, 3}},
		{mark: []byte{9}, want: []byte{1, 2, 3}},
		{mark: []byte{1, 8, 3, 1}, want: []byte{2}},
		{mark: []byte{2}, want: nil},
		{insert: []byte{1}, mark: []byte{1}, want: nil},
		{want: nil},
	} {
		update(t, first, epoch, func(d catalog.Draft) error {
			return errors.Join(d.InsertUnfinalized(shardsOf(step.insert)...), d.MarkFinalized(shardsOf(step.mark)...))
		})
		wantContent(t, second, epoch, content{Unfinalized: shardsOf(step.want)})
	}
}

func shardsOf(numbers []byte) (shards []persist.ShardID) {
	for _, n := range numbers {
		shards = append(shards, shard(n))
	}
	return shards
}

func txnsShard(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	set := func(n byte) func(catalog.Draft) error {
		return func(d catalog.Draft) error { return d.SetTxnsShard(shard(n)) }
	}
	wantSet := func(err error) {
		t.Helper()
		var isSet *catalog.TxnsShardSetError
		if !errors.As(err, &isSet) || isSet.Shard != shard(5) {
			t.Errorf("%v, want a TxnsShardSetError about %v", err, shard(5))
		}
	}
	wantSet(first.Update(t.Context(), epoch, func(d catalog.Draft) error { return errors.Join(set(5)(d), set(6)(d)) }))
	wantContent(t, second, epoch, content{})
	update(t, first, epoch, set(5))
	wantContent(t, second, epoch, content{TxnsShard: shard(5), HasTxnsShard: true})
	wantSet(second.Update(t.Context(), epoch, set(6)))
	wantSet(second.Update(t.Context(), nextEpoch(t, second), set(5)))
}

func descriptions(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	update(t, first, epoch, func(d catalog.Draft) error {
		return errors.Join(
			d.InsertShards(mappings{u1: shard(1), u2: shard(2), s1: shard(3)}),
			d.Describe(catalog.Description{ID: u2, DependsOn: []catalog.GlobalID{u1}}),
			d.Describe(catalog.Description{ID: u1, Since: frontier.At(4)}),
		)
	})
	u1At4 := catalog.Description{ID: u1, Since: frontier.At(4)}
	shards := mappings{u1: shard(1), u2: shard(2), s1: shard(3)}
	wantContent(t, second, epoch, content{
		Shards:       shards,
		Descriptions: []catalog.Description{u1At4, {ID: u2, DependsOn: []catalog.GlobalID{u1}}},
	})
	update(t, second, epoch, func(d catalog.Draft) error { // one of them is replaced
		return d.Describe(catalog.Description{ID: u2, DependsOn: []catalog.GlobalID{s1}, Since: frontier.At(5)})
	})
	u2At5 := catalog.Description{ID: u2, DependsOn: []catalog.GlobalID{s1}, Since: frontier.At(5)}
	wantContent(t, first, epoch, content{Shards: shards, Descriptions: []catalog.Description{u1At4, u2At5}})
	update(t, second, epoch, func(d catalog.Draft) error {
		_, err := d.DeleteShards(u2)
		return errors.Join(err, d.InsertShards(mappings{u2: shard(2)}))
	})
	wantContent(t, first, epoch, content{Shards: shards, Descriptions: []catalog.Description{u1At4}})
}

func descriptionsRefused(t *testing.T, c, _ catalog.Catalog) {
	epoch := nextEpoch(t, c)
	update(t, c, epoch, insert(u1, shard(1)))
	err := c.Update(t.Context(), epoch, func(d catalog.Draft) error {
		return d.Describe(catalog.Description{ID: u1, DependsOn: []catalog.GlobalID{u1}})
	})
	if !errors.Is(err, catalog.ErrInvalidDescription) {
		t.Errorf("a collection that depends on itself: %v", err)
	}
	err = c.Update(t.Context(), epoch, func(d catalog.Draft) error {
		return d.Describe(catalog.Description{ID: u2})
	})
	var unmapped *catalog.UnmappedError
	if !errors.As(err, &unmapped) || unmapped.ID != u2 {
		t.Errorf("a collection without a shard: %v, want an UnmappedError", err)
	}
	wantContent(t, c, epoch, content{Shards: mappings{u1: shard(1)}})
}

func copies(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	given := mappings{u1: shard(1), u2: shard(2), s1: shard(2)}
	dependencies := []catalog.GlobalID{s1, u1}
	update(t, first, epoch, func(d catalog.Draft) error {
		err := errors.Join(
			d.InsertShards(given),
			d.InsertUnfinalized(shard(7), shard(9)),
			d.SetTxnsShard(shard(5)),
			d.Describe(catalog.Description{ID: u2, DependsOn: dependencies, Since: frontier.At(7)}),
			d.Describe(catalog.Description{ID: s1}),
		)
		clear(given) // before the commit
		dependencies[0] = u3
		return err
	})
	given[u3], dependencies[1] = shard(3), u3 // and after it
	wantContent(t, second, epoch, fullContent)
	for _, isChange := range []bool{false, true} { // what a draft has changed it may keep elsewhere
		update(t, first, epoch, func(d catalog.Draft) error {
			if isChange {
				must(t, errors.Join(d.InsertUnfinalized(shard(8)), d.MarkFinalized(shard(8))))
			}
			spoil(t, d)
			got, err := contentOf(d)
			wantEqual(t, "content after the answers were changed", got, fullContent)
			return err
		})
		wantContent(t, second, epoch, fullContent)
	}
}

// spoil changes all maps and slices that a draft returns.
func spoil(t *testing.T, d catalog.Draft) {
	t.Helper()
	got, err := contentOf(d)
	must(t, err)
	clear(got.Shards)
	got.Shards[u3] = shard(3)
	slices.Reverse(got.Unfinalized)
	slices.Reverse(got.Descriptions)
	for _, description := range got.Descriptions {
		slices.Reverse(description.DependsOn)
		clear(description.DependsOn)
	}
}
