package catalogtest

import (
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// everything changes all that there is in an empty catalog, to fullContent.
func everything(d catalog.Draft) error {
	return errors.Join(
		d.InsertShards(mappings{u1: shard(1), u2: shard(2), s1: shard(2)}),
		d.InsertUnfinalized(shard(9), shard(7)),
		d.SetTxnsShard(shard(5)),
		d.Describe(catalog.Description{ID: u2, DependsOn: []catalog.GlobalID{u1, s1}, Since: frontier.At(7)}),
		d.Describe(catalog.Description{ID: s1}),
	)
}

var fullContent = content{
	Shards:      mappings{u1: shard(1), u2: shard(2), s1: shard(2)},
	Unfinalized: []persist.ShardID{shard(7), shard(9)},
	TxnsShard:   shard(5), HasTxnsShard: true,
	Descriptions: []catalog.Description{
		{ID: s1},
		{ID: u2, DependsOn: []catalog.GlobalID{s1, u1}, Since: frontier.At(7)},
	},
}

func updateWhole(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	wantContent(t, second, epoch, content{})
	update(t, first, epoch, func(d catalog.Draft) error {
		if err := everything(d); err != nil {
			return err
		}
		wantContent(t, second, epoch, content{}) // nothing shows before the commit
		return nil
	})
	wantContent(t, second, epoch, fullContent)
	wantContent(t, second, nextEpoch(t, second), fullContent)
}

func updateFails(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	stop := errors.New("enough")
	err := first.Update(t.Context(), epoch, func(d catalog.Draft) error { return errors.Join(everything(d), stop) })
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want the error of the change", err)
	}
	wantContent(t, second, epoch, content{})
	update(t, first, epoch, everything)
	err = first.Update(t.Context(), epoch, func(d catalog.Draft) error {
		_, err := d.DeleteShards(u1, u2)
		description := catalog.Description{ID: s1, Since: frontier.At(1)}
		return errors.Join(err, d.MarkFinalized(shard(7)), d.Describe(description), stop)
	})
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want the error of the change", err)
	}
	wantContent(t, second, epoch, fullContent)
}

func updateReads(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	for n := range byte(5) {
		update(t, first, epoch, func(d catalog.Draft) error { return d.InsertUnfinalized(shard(n)) })
		update(t, second, epoch, func(d catalog.Draft) error {
			got, err := d.Unfinalized()
			if len(got) != int(n)+1 {
				t.Errorf("%d shards after %d updates", len(got), n+1)
			}
			return err
		})
	}
}

func updateConflicts(t *testing.T, first, second catalog.Catalog) {
	epoch := nextEpoch(t, first)
	runs := 0
	update(t, first, epoch, func(d catalog.Draft) error {
		runs++
		got, err := d.Shards()
		if err != nil {
			return err
		}
		if runs == 1 { // another process is faster
			wantEqual(t, "shards at first", got, mappings{})
			update(t, second, epoch, insert(u2, shard(2)))
			if got, err = d.Shards(); err != nil {
				return err
			}
			wantEqual(t, "shards after the other commit", got, mappings{})
		} else {
			wantEqual(t, "shards the next time", got, mappings{u2: shard(2)})
		}
		return errors.Join(d.InsertShards(mappings{u1: shard(1)}), d.InsertUnfinalized(shard(byte(100+runs))))
	})
	if runs < 2 {
		t.Errorf("the change ran %d times", runs)
	}
	wantContent(t, second, epoch, content{
		Shards:      mappings{u1: shard(1), u2: shard(2)},
		Unfinalized: []persist.ShardID{shard(byte(100 + runs))}, // of the last run, and of no other
	})
}

func draftClosed(t *testing.T, c, _ catalog.Catalog) {
	epoch := nextEpoch(t, c)
	stop := errors.New("enough")
	for _, end := range []error{nil, stop} {
		var kept catalog.Draft
		err := c.Update(t.Context(), epoch, func(d catalog.Draft) error {
			kept = d
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
		for name, err := range callAll(kept) {
			if !errors.Is(err, catalog.ErrDraftClosed) {
				t.Errorf("%s after the change returned %v: %v, want ErrDraftClosed", name, end, err)
			}
		}
	}
	wantContent(t, c, epoch, content{})
}

// callAll returns the error of each method.
func callAll(d catalog.Draft) map[string]error {
	errs := make(map[string]error)
	_, errs["Shards"] = d.Shards()
	errs["InsertShards"] = d.InsertShards(mappings{u1: shard(1)})
	_, errs["DeleteShards"] = d.DeleteShards(u1)
	_, errs["Unfinalized"] = d.Unfinalized()
	errs["InsertUnfinalized"] = d.InsertUnfinalized(shard(1))
	errs["MarkFinalized"] = d.MarkFinalized(shard(1))
	_, _, errs["TxnsShard"] = d.TxnsShard()
	errs["SetTxnsShard"] = d.SetTxnsShard(shard(1))
	_, errs["Descriptions"] = d.Descriptions()
	errs["Describe"] = d.Describe(catalog.Description{ID: u1})
	return errs
}

// linearizable lets processes race, each on a view of its own.
func linearizable(t *testing.T, first, second catalog.Catalog) {
	for range 20 { // the later ones find the catalog as the earlier ones have left it
		must(t, Race(t.Context(), runtime.New(runtime.Options{}), first, second))
	}
}
