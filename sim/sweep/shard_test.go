package sweep_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// TestShardsAddUpToTheWhole protects sweeps over several machines: each seed runs on one
// of them, and what they found adds up to what one would have.
func TestShardsAddUpToTheWhole(t *testing.T) {
	s := scenario(byRemainder)
	s.StepsMax = 100
	whole := run(t, s, sweep.Options{Seeds: upTo(101), Check: 7})
	for of := range 5 {
		var merged sweep.Report
		var mu sync.Mutex
		var seeds []uint64
		for index := range of + 1 {
			part := run(t, s, sweep.Options{
				Seeds: upTo(101), Shard: sweep.Shard{Index: index + 1, Of: of + 1}, Check: 7,
				Each: func(r sim.Result) { mu.Lock(); defer mu.Unlock(); seeds = append(seeds, r.Seed) },
			})
			if part.Done != part.Total || part.OwesObligations() && of > 0 {
				t.Errorf("shard %v: %d of %d", part.Shard, part.Done, part.Total)
			}
			if index == 0 {
				merged = part
				continue
			}
			merged.Merge(part)
		}
		slices.Sort(seeds)
		if len(slices.Compact(seeds)) != 101 {
			t.Errorf("%d shards ran %d seeds", of+1, len(seeds))
		}
		ignore := cmpopts.IgnoreFields(sweep.Report{}, "Real", "Cores", "Checked", "Shard", "InconclusiveMessage")
		results := cmp.Comparer(func(a, b sim.Result) bool {
			return a.Seed == b.Seed && a.Verdict.FailureID() == b.Verdict.FailureID()
		})
		if diff := cmp.Diff(whole, merged, ignore, results, cmpopts.IgnoreUnexported(sweep.Report{})); diff != "" {
			t.Errorf("%d shards (-whole +merged):\n%s", of+1, diff)
		}
	}
}

// TestCoreSecondsAddUp protects the figures of throughput: parts on several machines cost
// what they cost together.
func TestCoreSecondsAddUp(t *testing.T) {
	r := sweep.Report{Real: 10 * time.Second, Cores: 2}
	r.Merge(sweep.Report{Real: 5 * time.Second, Cores: 4})
	if r.CoreSeconds() != 40 || r.Real != 10*time.Second {
		t.Errorf("%v core-seconds in %v", r.CoreSeconds(), r.Real)
	}
}

// TestShardsAreParsed protects the flag.
func TestShardsAreParsed(t *testing.T) {
	for _, text := range []string{"", "1", "0/3", "4/3", "-1/3", "1/0", "1/x", "x/1", "1/2/3"} {
		if s, err := sweep.ParseShard(text); !errors.Is(err, sweep.ErrOptions) {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	s, err := sweep.ParseShard("2/8")
	if err != nil || s.String() != "2/8" {
		t.Error(s, err)
	}
	if _, err := sweep.Run(t.Context(), scenario(meets), sweep.Options{Shard: sweep.Shard{Index: 3, Of: 2}}); !errors.Is(err, sweep.ErrOptions) {
		t.Error(err)
	}
}

// TestMemoryEndsASweep protects machines from scenarios that leak: the sweep ends before
// the machine does, and is not green.
func TestMemoryEndsASweep(t *testing.T) {
	var mu sync.Mutex
	var kept [][]byte
	r := run(t, scenario(func(context.Context, *sim.World) error {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, make([]byte, 1<<20))
		return nil
	}), sweep.Options{Seeds: upTo(1000), MemoryMax: 64 << 20})
	if r.MemoryExceeded < 64<<20 || r.Done > 200 || r.Code() != sweep.CodeInconclusive {
		t.Errorf("%d bytes after %d runs, code %v", r.MemoryExceeded, r.Done, r.Code())
	}
	if len(kept) == 0 {
		t.Error("nothing was kept")
	}
}

// TestFirstRunsComeFirst protects the corpus: what has failed before is run before
// anything else, by script or by seed, and counts.
func TestFirstRunsComeFirst(t *testing.T) {
	s := scenario(byRemainder)
	s.StepsMax = 100
	var seen []uint64
	r := run(t, s, sweep.Options{
		First: []sim.Config{{Seed: 1003}, {Script: &sim.Script{Seed: 1005}}}, Seeds: upTo(10), Jobs: 1, FailuresMax: 2,
		Each: func(r sim.Result) { seen = append(seen, r.Seed) },
	})
	if diff := cmp.Diff([]uint64{1003, 1005}, seen); diff != "" || len(r.Failures) != 2 || r.Total != 12 {
		t.Errorf("%d failures, %d runs asked for (-want +got):\n%s", len(r.Failures), r.Total, diff)
	}
}
