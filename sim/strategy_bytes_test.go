package sim_test

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/sim"
)

// manyDraws is a world whose draws are among few and many.
func manyDraws(ctx context.Context, w *sim.World) error {
	if err := cluster(ctx, w); err != nil {
		return err
	}
	for _, n := range []int{2, 255, 256, 257, 65536, 65537, 1 << 30, 3} {
		w.Runtime().Choose("draws", "site", n)
	}
	return nil
}

// TestBytesOfATapeGiveTheSameRun protects fuzzers: what they start from are runs that
// have happened, choice by choice.
func TestBytesOfATapeGiveTheSameRun(t *testing.T) {
	for seed := range uint64(20) {
		first := runWith(t, sim.Config{Seed: seed}, manyDraws)
		again := runWith(t, sim.Config{Seed: seed, Strategy: sim.FromBytes(first.Tape.Bytes())}, manyDraws)
		if first.Hash != again.Hash || first.Tape.Len() != again.Tape.Len() {
			t.Errorf("seed %d: hash %016x, from its bytes %016x", seed, first.Hash, again.Hash)
		}
	}
}

// TestAnyBytesAreARun protects fuzzers from inputs that are none: whatever the bytes, the
// run is one that repeats, and without any it is the calm one.
func TestAnyBytesAreARun(t *testing.T) {
	calm := runWith(t, sim.Config{Strategy: sim.FromBytes(nil)}, manyDraws)
	if n := len(calm.Tape.Bytes()); n > 0 {
		t.Errorf("no bytes give a run with %d of them", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		config := sim.Config{Seed: rapid.Uint64().Draw(t, "seed"), Strategy: sim.FromBytes(data)}
		r, err := sim.Run(context.Background(), config, manyDraws)
		if err != nil || r.Verdict.Kind != sim.OK {
			t.Fatalf("%v, error %v", r.Verdict, err)
		}
		config.Strategy = sim.FromBytes(r.Tape.Bytes())
		again, err := sim.Run(context.Background(), config, manyDraws)
		if err != nil || again.Hash != r.Hash {
			t.Fatalf("hash %016x, then %016x, error %v", r.Hash, again.Hash, err)
		}
	})
}
