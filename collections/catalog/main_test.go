package catalog_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a catalog in memory for the conformance suite.
func open(*testing.T) func(ctx context.Context, rt *runtime.Runtime) catalog.Catalog {
	memory := catalog.NewMemory("test")
	return func(_ context.Context, rt *runtime.Runtime) catalog.Catalog { return memory.View(rt) }
}

type mappings = map[catalog.GlobalID]persist.ShardID

// user returns the id of a collection, shard that of a shard.
func user(n uint64) catalog.GlobalID { return core.UserID(n) }
func shard(n byte) persist.ShardID   { return persist.ShardID{0: 1, 15: n} }
