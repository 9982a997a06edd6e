package state_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// tiers is a shard whose appends are executed compactions behind: it knows how much
// has been written, and written again.
type tiers struct {
	*shard
	env       state.Environment
	written   uint64 // updates that were appended
	rewritten uint64 // updates that compactions have written
}

func newTiers(t tester, fanout int) *tiers {
	w := &tiers{shard: newShard(), env: state.Environment{NowMS: 1000, Config: state.Config{
		CompactionFanout: fanout, CompactionsMax: 1,
	}}}
	must(t, w.shard, w.env, state.Initialise{Rollup: state.NewRollupKey(1, state.BlobID{})})
	return w
}

// objectRun is a run of one object, of which only the numbers matter.
func objectRun(id state.BlobID, length uint64, diffs int64) []state.Run {
	if length == 0 {
		return nil
	}
	p := state.Part{
		Key: state.PartName{Class: state.AppendedPart, ID: id}.Key(), Format: state.ParquetFormat,
		EncodedSize: length, Length: length, DiffsSum: diffs,
	}
	return []state.Run{{Order: state.ByRow, Parts: []state.Part{p}, Length: length, EncodedSize: length}}
}

// append appends some updates and returns what is to be merged.
func (w *tiers) append(t tester, length uint64) []state.CompactionRequest {
	lower, _ := w.current().Upper().Time()
	batch := state.Draft{Lower: frontier.At(lower), Upper: frontier.At(lower + 1), Runs: objectRun(w.blob(), length, 1)}
	evaluation, err := state.Evaluate(w.env, w.current(), state.CompareAndAppend{
		Writer: writer1, Token: state.IdempotencyToken{1, byte(lower), byte(lower >> 8)}, LeaseMS: 1000,
		Expected: batch.Lower, New: batch.Upper, Batches: []state.Draft{batch},
	})
	if err != nil || !w.commit(t, evaluation.Transition) {
		t.Fatalf("append: %v", err)
	}
	w.written += length
	return evaluation.Transition.Maintenance.Compactions
}

func (w *tiers) blob() (id state.BlobID) {
	return state.BlobID{1, byte(w.current().SeqNo() >> 8), byte(w.current().SeqNo())}
}

// execute merges without finding anything that would cancel out: the worst case.
func (w *tiers) execute(t tester, request state.CompactionRequest) {
	length, diffs := uint64(0), int64(0)
	for _, batch := range request.Batches {
		length += batch.Length
		for _, run := range batch.Runs {
			diffs += run.DiffsSum()
		}
	}
	outcome := must(t, w.shard, w.env, state.ApplyCompaction{
		Window: request.Window, Since: request.Since, Runs: objectRun(w.blob(), length, diffs),
	})
	if outcome != state.CompactionApplied {
		t.Fatalf("compaction of %v: %v", request, outcome)
	}
	w.rewritten += length
}

// Where requests are executed at once there are at most K*(1+log N)+1 batches, and
// no update is rewritten more than 1+log N times, be the appends of whatever
// lengths: what is read and what is written stay in proportion to the logarithm of
// what there is (P-17).
func TestCompactionsStayWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fanout := rapid.IntRange(2, 6).Draw(t, "fanout")
		lengths := rapid.SampledFrom([]*rapid.Generator[uint64]{
			rapid.Just[uint64](1), rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 100),
			rapid.OneOf(rapid.Just[uint64](1), rapid.Just[uint64](0), rapid.Uint64Range(1, 5000)),
		}).Draw(t, "lengths")
		w := newTiers(t, fanout)
		for range rapid.IntRange(1, 150).Draw(t, "appends") {
			for _, request := range w.append(t, lengths.Draw(t, "length")) {
				w.execute(t, request)
			}
			w.requireBounds(t, fanout)
		}
	})
}

func (w *tiers) requireBounds(t tester, fanout int) {
	levels := 1.0
	if w.written > 0 {
		levels += math.Log(float64(w.written)) / math.Log(float64(fanout))
	}
	if batches := w.current().Batches().Len(); float64(batches) > float64(fanout)*levels+1 {
		t.Fatalf("%d updates are in %d batches:\n%v", w.written, batches, w.current())
	}
	if float64(w.rewritten) > float64(w.written)*levels+1e-6 {
		t.Fatalf("of %d updates %d were rewritten", w.written, w.rewritten)
	}
}

// The bounds hold after every append, for hundreds of one size, where merges follow
// merges.
func TestBoundsHoldAfterEachAppend(t *testing.T) {
	for _, fanout := range []int{2, 3, 4, 8} {
		w, most := newTiers(t, fanout), 0
		for range 600 {
			for _, request := range w.append(t, 1) {
				w.execute(t, request)
			}
			w.requireBounds(t, fanout)
			most = max(most, w.current().Batches().Len())
		}
		if most < fanout {
			t.Errorf("there were never more than %d batches, so nothing was put to the test", most)
		}
	}
}

// Windows are asked for at the end of the list as a rule. Where batches have piled up
// beyond measure an append takes on whatever there is, wherever it is.
func TestAppendsTakeOnOlderCompactionsWhenBatchesPileUp(t *testing.T) {
	w := newTiers(t, 4)
	w.env.Config.CompactionsMax = 0
	for range 256 {
		if requests := w.append(t, 1); len(requests) > 0 {
			t.Fatalf("who takes on nothing was asked for %v", requests)
		}
	}
	w.env.Config.CompactionsMax = 3
	requests := w.append(t, 1)
	if len(requests) != 3 {
		t.Fatalf("there are %d requests, want 3: %v", len(requests), requests)
	}
	for i, request := range requests {
		upper := state.BatchID(257 - i*16)
		if want := (state.BatchIDs{Lower: upper - 16, Upper: upper}); request.Window != want {
			t.Errorf("request %d is for %v, want %v", i, request.Window, want)
		}
		want := state.Desc{Lower: frontier.At(uint64(upper - 16)), Upper: frontier.At(uint64(upper))}
		if request.Desc() != want {
			t.Errorf("request %d is for %v, want %v", i, request.Desc(), want)
		}
		w.execute(t, request)
	}
	if next := w.append(t, 1); len(next) > 1 {
		t.Errorf("with few batches again there are %d requests, want at most one, for the newest", len(next))
	}
}
