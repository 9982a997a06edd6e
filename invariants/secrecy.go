package invariants

import (
	"bytes"
	"context"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// CheckSecrecy asserts that none of the rows can be seen in what a store has of a shard,
// neither in an object nor in a version of the log (P-62). It is for shards all of whose
// writers encrypt, and reads everything. Rows should be long enough not to occur by chance.
func CheckSecrecy(
	ctx context.Context, rt *runtime.Runtime, blob persist.Blob, log persist.Consensus, shard string, rows []string,
) error {
	shows := func(data []byte) int {
		for i, row := range rows {
			if bytes.Contains(data, []byte(row)) {
				return i
			}
		}
		return -1
	}
	err := blob.List(ctx, shard+"/", func(key string, _ int) error {
		value, _, err := blob.Get(ctx, key)
		i := shows(value)
		rt.Always(i < 0, "P-62", "object", key, "shows row", i)
		return err
	})
	if err != nil {
		return err
	}
	const page = 1000
	for from := persist.SeqNo(1); ; {
		versions, err := log.Scan(ctx, shard, from, page)
		if err != nil {
			return err
		}
		for _, v := range versions {
			i := shows(v.Data)
			rt.Always(i < 0, "P-62", "version", v.SeqNo, "shows row", i)
			from = v.SeqNo + 1
		}
		if len(versions) < page {
			return nil
		}
	}
}
