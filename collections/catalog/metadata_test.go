package catalog_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestReadIncludesTheTransaction protects what collections are created and dropped
// with: it has to include the changes that were just prepared.
func TestReadIncludesTheTransaction(t *testing.T) {
	c := catalog.NewMemory("test").View(runtime.New(runtime.Options{}))
	err := c.Update(t.Context(), mustEpoch(t, c), func(d catalog.Draft) error {
		err := errors.Join(d.InsertShards(mappings{user(1): shard(1)}), d.InsertUnfinalized(shard(3), shard(2)))
		if err != nil {
			return err
		}
		got, err := catalog.Read(d)
		want := catalog.Metadata{
			Shards:      mappings{user(1): shard(1)},
			Unfinalized: []persist.ShardID{shard(2), shard(3)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if s, ok := got.Shard(user(1)); s != shard(1) || !ok {
			t.Errorf("shard of u1: %v, %v", s, ok)
		}
		if s, ok := got.Shard(user(2)); s != (persist.ShardID{}) || ok {
			t.Errorf("shard of u2: %v, %v", s, ok)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// broken is a transaction of which one method fails.
type broken struct {
	catalog.Transaction
	shards, unfinalized error
}

func (b broken) Shards() (map[catalog.GlobalID]persist.ShardID, error) {
	return mappings{user(1): shard(1)}, b.shards
}

func (b broken) Unfinalized() ([]persist.ShardID, error) {
	return []persist.ShardID{shard(1)}, b.unfinalized
}

// TestReadReturnsTheErrorOfTheTransaction protects against half of the metadata.
func TestReadReturnsTheErrorOfTheTransaction(t *testing.T) {
	stop := errors.New("enough")
	for _, transaction := range []broken{{shards: stop}, {unfinalized: stop}} {
		got, err := catalog.Read(transaction)
		if !errors.Is(err, stop) {
			t.Errorf("got %v, want the error of the transaction", err)
		}
		if diff := cmp.Diff(catalog.Metadata{}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
