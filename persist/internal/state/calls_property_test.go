package state_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Three processes append, each with its own idea of the current version; replies
// get lost, requests arrive late or never, callers give up, leases are expired at
// will, batches are merged, and there may be no room for more. Whatever an append is told must be true, then and
// for ever: a success happened once, a mismatch never, and an unknown outcome at
// most once (P-25). And the upper of a mismatch was the upper (P-27).
func TestAppendsAreToldTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		actions := map[string]func(*rapid.T){
			"attempt": w.attempt, "abandon": w.abandon, "land": w.land,
			"refresh": w.refresh, "expiry": w.expiry, "merge": w.merge, "room": w.room,
		}
		names := append(slices.Sorted(maps.Keys(actions)), slices.Repeat([]string{"attempt"}, 5)...)
		for range rapid.IntRange(1, 60).Draw(t, "actions") {
			actions[rapid.SampledFrom(names).Draw(t, "action")](t)
			w.check(t)
		}
	})
}

type world struct {
	*shard
	env      state.Environment
	clients  []*client
	inFlight []attempt // sent and not answered; each may still arrive
	told     map[state.IdempotencyToken]error
	happened map[state.IdempotencyToken]int
	// addsNothing has the appends to an empty interval. They may well happen
	// twice, if the entry of the writer was lost in between.
	addsNothing map[state.IdempotencyToken]bool
	updates     []part.Update // of all committed appends
	tokens      byte
	writers     byte
}

// client is a process with one writer.
type client struct {
	view     *state.State // the version that it takes for current
	appender *state.Appender
	call     *state.AppendCall // nil if there is none
}

type attempt struct {
	transition *state.Transition
	command    state.CompareAndAppend
}

func newWorld(t *rapid.T) *world {
	w := &world{
		shard: newShard(), env: state.Environment{NowMS: 1000},
		told: map[state.IdempotencyToken]error{}, happened: map[state.IdempotencyToken]int{},
		addsNothing: map[state.IdempotencyToken]bool{},
	}
	must(t, w.shard, w.env, state.Initialise{Rollup: state.NewRollupKey(1, state.BlobID{})})
	for range 3 {
		w.clients = append(w.clients, &client{view: w.current(), appender: state.NewAppender(w.newWriter())})
	}
	return w
}

func (w *world) newWriter() state.WriterID {
	w.writers++
	return number[state.WriterID](w.writers)
}

func (w *world) client(t *rapid.T) *client {
	return w.clients[rapid.IntRange(0, len(w.clients)-1).Draw(t, "client")]
}

func (w *world) refresh(t *rapid.T) { w.client(t).view = w.current() }

func (w *world) expiry(t *rapid.T) {
	isExpired := rapid.Bool().Draw(t, "expire everybody")
	w.env.IsExpired = func(state.Lease, uint64) bool { return isExpired }
}

func (w *world) room(t *rapid.T) {
	w.env.Config.BatchesMax = rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "batches")
}

func (w *world) begin(t *rapid.T, c *client) {
	if c.appender.NeedsRotation() {
		if err := c.appender.Rotate(w.newWriter()); err != nil {
			t.Fatalf("Rotate: %v", err)
		}
	}
	expected, _ := c.view.Upper().Time()
	expected += rapid.SampledFrom([]uint64{0, 0, 0, 1}).Draw(t, "ahead")
	lower, upper := frontier.At(expected), frontier.At(expected+rapid.Uint64Range(0, 2).Draw(t, "width"))
	w.tokens++
	command := state.CompareAndAppend{
		LeaseMS: 60_000, Token: number[state.IdempotencyToken](w.tokens), Expected: lower, New: upper,
	}
	if lower != upper && rapid.Bool().Draw(t, "has updates") {
		row := fmt.Append(nil, w.tokens)
		command.Batches = []state.Draft{
			draft(t, state.ShardID{}, lower, upper, part.Update{Row: row, Time: expected, Diff: 1}),
		}
	}
	call, err := c.appender.Begin(command, w.env.NowMS)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	c.call = call
}

func (w *world) attempt(t *rapid.T) {
	c := w.client(t)
	if c.call == nil {
		w.begin(t, c)
	}
	base := c.view
	evaluation, err := state.Evaluate(w.env, base, c.call.Command)
	if err != nil {
		t.Fatalf("Evaluate: %v", err)
	}
	sent := attempt{evaluation.Transition, c.call.Command}
	switch fate := rapid.SampledFrom([]string{"reply", "reply", "no reply", "late"}).Draw(t, "fate"); {
	case evaluation.Standing == state.Stale && base != w.current():
		c.view = w.current()
	case evaluation.Answer.Outcome == state.BatchesFull: // it waits, and tries again
	case evaluation.Transition == nil:
		w.finish(c, c.call.Finish(evaluation.Answer))
	case fate == "late":
		w.inFlight = append(w.inFlight, sent)
		c.call.Indeterminate()
	case fate == "no reply":
		w.arrive(t, sent)
		c.call.Indeterminate()
	case w.arrive(t, sent):
		c.view = w.current()
		w.finish(c, c.call.Finish(evaluation.Answer))
	default:
		c.view = w.current()
	}
}

func (w *world) finish(c *client, err error) {
	w.told[c.call.Command.Token] = err
	c.call = nil
}

// arrive is an attempt that reaches the store.
func (w *world) arrive(t *rapid.T, sent attempt) (isCommitted bool) {
	old := w.current().Upper()
	if !w.commit(t, sent.transition) {
		return false
	}
	if old != sent.command.Expected || w.current().Upper() != sent.command.New {
		t.Fatalf("P-26: the upper went from %v to %v by an append to [%v,%v)",
			old, w.current().Upper(), sent.command.Expected, sent.command.New)
	}
	if sent.command.Expected == sent.command.New {
		w.addsNothing[sent.command.Token] = true
		return true
	}
	w.happened[sent.command.Token]++
	for _, batch := range sent.command.Batches {
		for _, run := range batch.Runs {
			updates, err := run.Parts[0].InlineUpdates()
			if err != nil {
				t.Fatalf("InlineUpdates: %v", err)
			}
			w.updates = append(w.updates, updates...)
		}
	}
	return true
}

func (w *world) land(t *rapid.T) {
	if len(w.inFlight) > 0 {
		i := rapid.IntRange(0, len(w.inFlight)-1).Draw(t, "which")
		w.arrive(t, w.inFlight[i])
		w.inFlight = slices.Delete(w.inFlight, i, i+1)
	}
}

func (w *world) abandon(t *rapid.T) {
	if c := w.client(t); c.call != nil && rapid.IntRange(0, 3).Draw(t, "gives up") == 0 {
		w.finish(c, cmpOr(c.call.Abandon(false), errNothingHappened))
	}
}

var errNothingHappened = errors.New("nothing happened")

func cmpOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// merge replaces two neighbouring batches by one with the updates of both.
func (w *world) merge(t *rapid.T) {
	batches := slices.Collect(func(yield func(*state.Batch) bool) {
		for _, batch := range w.current().Batches().Shared() {
			if !yield(batch) {
				return
			}
		}
	})
	if len(batches) < 2 {
		return
	}
	i := rapid.IntRange(0, len(batches)-2).Draw(t, "batch")
	must(t, w.shard, w.env, executed(t, state.CompactionRequest{
		Window:  state.BatchIDs{Lower: batches[i].IDs.Lower, Upper: batches[i+1].IDs.Upper},
		Since:   w.current().Since(),
		Batches: batches[i : i+2],
	}))
}

func (w *world) check(t *rapid.T) {
	for token, count := range w.happened {
		if count > 1 {
			t.Fatalf("P-25: %v happened %d times", token, count)
		}
	}
	for token, err := range w.told {
		var mismatch *state.UpperMismatchError
		var unknown *state.UnknownOutcomeError
		switch count := w.happened[token]; {
		case err == nil && count != 1 && !w.addsNothing[token]:
			t.Fatalf("P-25: %v was told success and happened %d times", token, count)
		case errors.As(err, &mismatch) && count != 0:
			t.Fatalf("P-25: %v was told %q and happened", token, err)
		case errors.As(err, &mismatch) && mismatch.Current == mismatch.Expected:
			t.Fatalf("P-27: %v was told %q", token, err)
		case errors.Is(err, errNothingHappened) && count != 0:
			t.Fatalf("P-25: %v was told that nothing happened", token)
		case err != nil && mismatch == nil && !errors.As(err, &unknown) && !errors.Is(err, errNothingHappened):
			t.Fatalf("P-59: %v was told %q", token, err)
		}
	}
	want, err := part.Consolidate(w.updates)
	if err != nil {
		t.Fatalf("Consolidate: %v", err)
	}
	if diff := cmp.Diff(want, contents(t, w.current()), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("P-25: wrong contents (-committed +state):\n%s", diff)
	}
}
