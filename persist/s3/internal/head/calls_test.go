package head_test

import (
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// tight is a budget that small tests exceed.
var tight = head.Budget{Bytes: 1 << 20, Entries: 2, Kept: 1}

// commitNext appends to what the process knows, or to what is there.
func commitNext(w *world, a *actor) outcome {
	known := a.known
	if known == nil {
		known = w.snapshot()
	}
	if known == nil {
		return w.newCommit(nil, 0)
	}
	return w.newCommit(known, known.Object.Current())
}

// commitAt appends to a version, whatever the process knows.
func commitAt(expected state.SeqNo) begin {
	return func(w *world, a *actor) outcome { return w.newCommit(a.known, expected) }
}

// truncateTo removes the versions below one, or below the newest that the process knows.
func truncateTo(before state.SeqNo) begin {
	return func(w *world, a *actor) outcome {
		return head.NewTruncate(shard, w.id(), a.known, before)
	}
}

func spill(w *world, a *actor) outcome {
	return head.NewSpill(shard, w.id(), a.known, tight)
}

func sweep(w *world, _ *actor) outcome { return head.NewSweep(shard, w.id()) }

func scan(w *world, _ *actor) outcome {
	call, err := head.NewScan(shard, 1, 1<<20)
	if err != nil {
		w.t.Fatalf("NewScan: %v", err)
	}
	return call
}

// remember lets a process know the head as it is when the test begins.
func remember(w *world, script ...begin) *actor { return &actor{script: script, known: w.snapshot()} }

func ignorant(script ...begin) *actor { return &actor{script: script} }
