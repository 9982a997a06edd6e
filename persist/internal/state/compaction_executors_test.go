package state_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// ward is a shard with a reader who moves the since, and those who merge its batches:
// at once, late, twice, or never.
type ward struct {
	*shard
	env      state.Environment
	pending  []state.CompactionRequest // may be executed by anybody, at any time, any number of times
	appended []part.Update
	tokens   byte
}

func newWard(t *rapid.T) *ward {
	w := &ward{shard: newShard(), env: state.Environment{NowMS: 1000, Config: state.Config{
		CompactionFanout:     rapid.IntRange(2, 4).Draw(t, "fanout"),
		CompactionsMax:       rapid.IntRange(1, 3).Draw(t, "compactions"),
		CompactionFallbackMS: 20,
	}}}
	must(t, w.shard, w.env, state.Initialise{Rollup: state.NewRollupKey(1, state.BlobID{})})
	must(t, w.shard, w.env, state.RegisterCriticalReader{ID: critical1})
	return w
}

// run evaluates a command, and keeps what it asks for.
func run[A any](t *rapid.T, w *ward, command state.Command[A]) (answer A) {
	evaluation, err := state.Evaluate(w.env, w.current(), command)
	if err != nil {
		t.Fatalf("%T: %v", command, err)
	}
	if evaluation.Transition != nil {
		w.pending = append(w.pending, evaluation.Transition.Maintenance.Compactions...)
		w.commit(t, evaluation.Transition)
	}
	return evaluation.Answer
}

// append appends some updates. The batch may have been written for more than that,
// and be cut.
func (w *ward) append(t *rapid.T) {
	lower, _ := w.current().Upper().Time()
	upper := lower + rapid.Uint64Range(1, 3).Draw(t, "width")
	from := lower - min(lower, rapid.SampledFrom([]uint64{0, 0, 0, 2}).Draw(t, "begins before"))
	var updates []part.Update
	for range rapid.IntRange(0, 4).Draw(t, "updates") {
		u := rowAt(rapid.StringMatching("[ab]").Draw(t, "row"), rapid.Uint64Range(from, upper-1).Draw(t, "time"))
		u.Diff = rapid.SampledFrom([]int64{1, -1}).Draw(t, "diff")
		updates = append(updates, u)
		if u.Time >= lower {
			w.appended = append(w.appended, u)
		}
	}
	w.tokens++
	answer := run(t, w, state.CompareAndAppend{
		Writer: writer1, Token: number[state.IdempotencyToken](w.tokens), LeaseMS: 1000,
		Expected: frontier.At(lower), New: frontier.At(upper),
		Batches: []state.Draft{draft(t, state.ShardID{}, frontier.At(from), frontier.At(upper), updates...)},
	})
	if answer.Outcome != state.Appended {
		t.Fatalf("append: %v", answer.Outcome)
	}
}

func (w *ward) downgrade(t *rapid.T) {
	since := frontier.At(rapid.Uint64Range(0, 20).Draw(t, "since"))
	run(t, w, state.CompareAndDowngradeSince{ID: critical1, Since: since})
}

func (w *ward) claim(t *rapid.T) { run(t, w, state.ClaimCompactions{}) }

func (w *ward) pass(t *rapid.T) { w.env.NowMS += rapid.Uint64Range(1, 15).Draw(t, "ms") }

// execute merges what somebody was asked to, whether or not others have meanwhile
// done so, or merged other windows.
func (w *ward) execute(t *rapid.T) {
	if len(w.pending) == 0 {
		return
	}
	request := w.pending[rapid.IntRange(max(0, len(w.pending)-4), len(w.pending)-1).Draw(t, "request")]
	command := executed(t, request)
	outcome := run(t, w, command)
	if w.keepsOf(request) && outcome != state.CompactionApplied {
		t.Fatalf("the batches of %v are there as they were, and yet: %v", request, outcome)
	}
}

// keepsOf reports whether all batches of a request are still there.
func (w *ward) keepsOf(request state.CompactionRequest) bool {
	for _, batch := range request.Batches {
		if there := w.current().Batches().Lookup(batch.IDs.Lower); there == nil || !there.Equal(*batch) {
			return false
		}
	}
	return true
}

// check compares the collection with what was appended, as of the since and as of
// later times.
func (w *ward) check(t *rapid.T) {
	since, upper := timeOf(w.current().Since()), timeOf(w.current().Upper())
	for _, asOf := range []uint64{since, since + 1, (since + max(since, upper)) / 2, max(since, upper)} {
		want := accumulated(t, w.appended, asOf)
		if diff := cmp.Diff(want, accumulated(t, contents(t, w.current()), asOf), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("P-21: wrong contents as of %d (-appended +state):\n%s\n%v", asOf, diff, w.current())
		}
	}
}

// accumulated returns the collection as of a time.
func accumulated(t *rapid.T, updates []part.Update, asOf uint64) []part.Update {
	var until []part.Update
	for _, u := range updates {
		if u.Time <= asOf {
			u.Time = asOf
			until = append(until, u)
		}
	}
	consolidated, err := part.Consolidate(until)
	if err != nil {
		t.Fatalf("Consolidate: %v", err)
	}
	return consolidated
}

// Whoever executes which request, when, in whatever order and how often: each version
// is valid, and as of each time the collection is what was appended.
func TestCompactionsPreserveContents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWard(t)
		t.Repeat(map[string]func(*rapid.T){
			"append": w.append, "append more": w.append, "downgrade": w.downgrade, "claim": w.claim,
			"time": w.pass, "execute": w.execute, "execute more": w.execute, "": w.check,
		})
	})
}

// Where nobody ever executes what is asked for, batches pile up, claims lapse and are
// made again, and all is as correct as ever.
func TestRequestsMayNeverBeExecuted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWard(t)
		for range rapid.IntRange(1, 60).Draw(t, "appends") {
			w.append(t)
			w.pass(t)
			if rapid.IntRange(0, 5).Draw(t, "claims") == 0 {
				w.claim(t)
			}
		}
		w.check(t)
	})
}
