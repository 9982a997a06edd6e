package sim_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// numbers is a world that takes five numbers from a stream of the harness, twice the
// same ones, and three from one of a node.
func numbers(w *sim.World, taken *[]int) error {
	*taken = nil
	for range 2 {
		rand := w.Runtime().Rand("ops")
		for range 5 {
			*taken = append(*taken, rand.IntN(100))
		}
	}
	n, err := w.Node("n", func(_ context.Context, rt *runtime.Runtime) error {
		rand := rt.Rand("ops")
		for range 3 {
			*taken = append(*taken, rand.IntN(100))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := n.Boot(); err != nil {
		return err
	}
	return n.Wait()
}

// TestLimitsMakeNumbersSmaller protects smaller workloads: a script's limit holds for one
// number of one stream, wherever that is made, and for nothing else.
func TestLimitsMakeNumbersSmaller(t *testing.T) {
	var taken []int
	main := func(_ context.Context, w *sim.World) error { return numbers(w, &taken) }
	first := runWith(t, sim.Config{Seed: 3, Transcribe: true}, main)
	free := slices.Clone(taken)
	if n := len(first.Script.Numbers); n != 8 || len(first.Script.Limits) > 0 || first.Followed != nil {
		t.Errorf("%d numbers, limits %v", n, first.Script.Limits)
	}
	script := &sim.Script{Seed: 3, Limits: []sim.Number{
		{Stream: "ops", Incarnation: 0, Index: 1, Value: 2}, {Stream: "ops", Index: 2, Value: 1000},
		{Node: "n", Incarnation: 1, Stream: "ops", Index: 0}, {Stream: "ops", Index: 77}, {Stream: "other"},
	}}
	for i, n := range first.Script.Numbers {
		if n.Node == "" && n.Stream == "ops" && i < 3 {
			script.Limits[0].Incarnation, script.Limits[1].Incarnation = n.Incarnation, n.Incarnation
		}
	}
	r := runWith(t, sim.Config{Script: script, Transcribe: true}, main)
	want := slices.Clone(free)
	want[1], want[6], want[10] = 2, 2, 0
	if diff := cmp.Diff(want, taken); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	if r.Tape != nil || r.Followed != script || len(r.Script.Limits) != 2 {
		t.Errorf("tape %v, limits %v", r.Tape, r.Script.Limits)
	}
}

// TestNumberSaysWhichItIs protects the words.
func TestNumberSaysWhichItIs(t *testing.T) {
	for want, n := range map[string]sim.Number{
		`number 0 of stream "ops" is 3`:         {Stream: "ops", Value: 3},
		`number 7 of stream "ops" of p1@2 is 0`: {Node: "p1", Incarnation: 2, Stream: "ops", Index: 7},
	} {
		if got := n.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestNumbersOfSeveralNodes protects runs under the race detector that are written down:
// what the kernel keeps of the numbers is not the tasks' own, and no race of theirs.
func TestNumbersOfSeveralNodes(t *testing.T) {
	r := runWith(t, sim.Config{Seed: 1, Transcribe: true}, func(ctx context.Context, w *sim.World) error {
		for _, name := range []string{"a", "b", "c"} {
			booted(w, name, func(_ context.Context, rt *runtime.Runtime) error {
				rand := rt.Rand("stream")
				for range 5 {
					rand.IntN(100)
					rt.Yield()
				}
				return nil
			})
		}
		pass(ctx, w, time.Second)
		return nil
	})
	if n := len(r.Script.Numbers); r.Verdict.Kind != sim.OK || n != 15 || r.Races > 0 {
		t.Errorf("%v, %d numbers, %d races", r.Verdict, n, r.Races)
	}
}
