package scenarios

import (
	"context"
	"slices"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// auditSchemas reads the shard under every schema on a process of its own, without faults.
func (e *evolutionWorld) auditSchemas(ctx context.Context, rt *runtime.Runtime) error {
	calm, log, err := e.open(ctx, rt, true)
	if err != nil {
		return err
	}
	blob := &countedBlob{Blob: calm}
	config := e.config
	config.AuditPercent = 100
	client, err := persist.New(rt, blob, log, config)
	if err != nil {
		return err
	}
	defer client.Close()
	shard, err := client.OpenShard(ctx, e.shard)
	if err != nil {
		return err
	}
	newest, err := latest(ctx, rt, shard)
	if err != nil {
		return err
	}
	end, _ := shard.SharedUpper().Time()
	if end == 0 {
		return nil
	}
	for version := range newest + 1 {
		options := persist.ReaderOptions{Purpose: "audit", Schema: versions[version].schema}
		r, err := client.OpenReader(ctx, e.shard, options)
		if err != nil {
			return err
		}
		all, err := r.Snapshot(ctx, end-1)
		if err != nil {
			return err
		}
		e.check(rt, version, end-1, all)
		if err := auditNothing(ctx, rt, r, blob, end-1); err != nil {
			return err
		}
	}
	return nil
}

// auditNothing reads with a filter that nothing matches, and asserts that objects are
// fetched all the same: every part is audited.
func auditNothing(ctx context.Context, rt *runtime.Runtime, r *persist.Reader, blob *countedBlob, asOf uint64) error {
	before, err := r.SnapshotPartsStats(ctx, asOf)
	if err != nil {
		return err
	}
	gets := blob.gets
	got, err := r.Snapshot(ctx, asOf, persist.Or())
	if err != nil {
		return err
	}
	isAudited := blob.gets > gets
	after, err := r.SnapshotPartsStats(ctx, asOf)
	if err != nil {
		return err
	}
	isObject := func(p persist.PartStats) bool { return p.HasStats }
	isSamePart := func(a, b persist.PartStats) bool { return a.EncodedSize == b.EncodedSize && a.HasStats == b.HasStats }
	isQuiet := slices.EqualFunc(before, after, isSamePart) // nothing was merged meanwhile
	rt.Always(len(got) == 0, "P-24", "rows that match nothing", len(got))
	rt.Always(!isQuiet || !slices.ContainsFunc(before, isObject) || isAudited, "P-24", "parts", len(before), "audited", 0)
	return nil
}

// countedBlob counts what is fetched.
type countedBlob struct {
	persist.Blob
	gets int
}

// Get implements [persist.Blob].
func (b *countedBlob) Get(ctx context.Context, key string) ([]byte, bool, error) {
	b.gets++
	return b.Blob.Get(ctx, key)
}
