package catalogtest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Open makes a new, empty catalog for one case and returns a function that opens it
// once more, as another process would. The context ends when the case is over.
type Open func(t *testing.T) func(ctx context.Context, rt *runtime.Runtime) catalog.Catalog

// Test runs the cases of [catalog.Catalog].
func Test(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, first, second catalog.Catalog)
	}{
		{"epochs increase over all views", epochsIncrease},
		{"concurrent epochs differ", epochsDiffer},
		{"an epoch that never began is a usage error", epochNeverBegan},
		{"an older epoch is fenced", epochFenced},
		{"a change under way is fenced by a newer epoch", epochFencedMeanwhile},
		{"a cancelled call has not happened", cancelled},
		{"a change that was cancelled under way is not committed in secret", cancelledMeanwhile},
		{"a change is committed as a whole", updateWhole},
		{"a change that fails leaves nothing", updateFails},
		{"a change that only reads sees what is current", updateReads},
		{"a change runs again after a conflict", updateConflicts},
		{"a draft is closed after its change", draftClosed},
		{"a transaction reads its own writes", readsItsWrites},
		{"a second mapping is an error", mappingTwice},
		{"deleting returns what was removed", deleting},
		{"unfinalised shards are a set", unfinalized},
		{"the txns shard is set once", txnsShard},
		{"descriptions need a mapping and vanish with it", descriptions},
		{"descriptions that make no sense are refused", descriptionsRefused},
		{"maps and slices are copied in and out", copies},
		{"concurrent updates are linearizable", linearizable},
	} {
		t.Run(c.name, func(t *testing.T) {
			view := open(t)
			rt := runtime.New(runtime.Options{})
			c.run(t, view(t.Context(), rt), view(t.Context(), rt))
		})
	}
}

// The collections of the cases.
var u1, u2, u3, s1 = core.UserID(1), core.UserID(2), core.UserID(3), core.SystemID(1)

// shard returns the id of a shard.
func shard(n byte) persist.ShardID { return persist.ShardID{0: 1, 15: n} }

type mappings = map[catalog.GlobalID]persist.ShardID

// content is all that a transaction shows.
type content struct {
	Shards       mappings
	Unfinalized  []persist.ShardID
	TxnsShard    persist.ShardID
	HasTxnsShard bool
	Descriptions []catalog.Description
}

func contentOf(d catalog.Draft) (c content, err error) {
	var errs [4]error
	c.Shards, errs[0] = d.Shards()
	c.Unfinalized, errs[1] = d.Unfinalized()
	c.TxnsShard, c.HasTxnsShard, errs[2] = d.TxnsShard()
	c.Descriptions, errs[3] = d.Descriptions()
	return c, errors.Join(errs[:]...)
}

func wantContent(t *testing.T, c catalog.Catalog, epoch int64, want content) {
	t.Helper()
	var got content
	must(t, c.Update(t.Context(), epoch, func(d catalog.Draft) (err error) {
		got, err = contentOf(d)
		return err
	}))
	wantEqual(t, "content", got, want)
}

func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// wantFenced demands an error that says which epoch was fenced by which.
func wantFenced(t *testing.T, err error, ours, actual int64) {
	t.Helper()
	var fenced *catalog.FencedError
	if !errors.As(err, &fenced) || *fenced != (catalog.FencedError{Ours: ours, Actual: actual}) {
		t.Errorf("%v; want epoch %d to be fenced by epoch %d", err, ours, actual)
	}
}

// update makes a change that has to succeed.
func update(t *testing.T, c catalog.Catalog, epoch int64, change func(d catalog.Draft) error) {
	t.Helper()
	must(t, c.Update(t.Context(), epoch, change))
}

func nextEpoch(t *testing.T, c catalog.Catalog) int64 {
	t.Helper()
	epoch, err := c.NextEpoch(t.Context())
	must(t, err)
	return epoch
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// insert returns a change that makes one mapping.
func insert(id catalog.GlobalID, shard persist.ShardID) func(catalog.Draft) error {
	return func(d catalog.Draft) error { return d.InsertShards(mappings{id: shard}) }
}
