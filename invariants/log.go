package invariants

import (
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// CheckLog asserts what has to be true of the versions of a shard, given the log
// from its first version on: they are 1, 2, 3 and so on (P-1); each is intact and
// follows from the one before (P-8); since, upper and wall time never go back
// (P-11); and the newest lists a rollup (P-9).
func CheckLog(rt *runtime.Runtime, log []persist.Versioned) {
	var f persist.Follower
	var since, upper frontier.Antichain
	var walltimeMS uint64
	for i, v := range log {
		rt.Always(v.SeqNo == persist.SeqNo(i+1), "P-1", "place", i, "seqno", v.SeqNo)
		err := f.Apply(v)
		rt.Always(err == nil, "P-8", "seqno", v.SeqNo, "error", err)
		rt.Always(since.LessEqual(f.Since()) && upper.LessEqual(f.Upper()), "P-11", "seqno", v.SeqNo)
		rt.Always(walltimeMS < f.WalltimeMS(), "P-11", "seqno", v.SeqNo, "walltime", f.WalltimeMS())
		since, upper, walltimeMS = f.Since(), f.Upper(), f.WalltimeMS()
	}
	newest, err := f.Inspect()
	rt.Always(err == nil, "P-16", "error", err)
	rt.Always(len(newest.Rollups) > 0, "P-9", "seqno", newest.SeqNo)
}
