package s3_test

import (
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestAThousandAppendsCostAThousandWrites protects the bill that docs/s3.md makes out: with its
// upkeep, an append that stays within the metadata costs at most 1.15 requests that are billed as
// writes, and hardly any reading. It needs no server.
func TestAThousandAppendsCostAThousandWrites(t *testing.T) {
	appends := seeds(512, 1280)
	rt := runtime.New(runtime.Options{})
	model, err := newService(t.Context(), rt, service.Options{})
	must(t, err)
	var count counter
	store, err := openModel(t.Context(), rt, count.wrap(model.Transport(rt)), s3.Options{})
	must(t, err)
	client, err := persist.New(rt, store.Blob(), store.Consensus(), persist.Config{})
	must(t, err)
	w, err := client.OpenWriter(t.Context(), persist.ShardID{3}, persist.WriterOptions{Purpose: "test"})
	must(t, err)
	count.take()
	for n := range appends {
		row := persist.Update{Row: fmt.Appendf(nil, "row %d %080d", n, 0), Time: n, Diff: 1}
		must(t, w.CompareAndAppend(t.Context(), []persist.Update{row}, frontier.At(n), frontier.At(n+1)))
	}
	client.Close()
	requests := count.take()
	writes := requests["PUT"] + requests["POST"] + requests["LIST"]
	t.Logf("%d appends: %v", appends, requests)
	if writes > int(appends)*115/100 || requests["GET"]+requests["HEAD"] > int(appends)/4 {
		t.Errorf("%d appends took %v", appends, requests)
	}
}
